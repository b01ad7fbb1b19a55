// SPDX-License-Identifier: MIT
#include "ike/tracer.h"

#include "ike/text.h"

#define TOKEN UINT64_C(1000)

void tracer_init(struct tracer *tracer, int (*send)(void *userdata, const struct link_trace *trace),
		 void *userdata)
{
	*tracer = (struct tracer){
		.send = send,
		.userdata = userdata,
		.tokens = TRACER_BURST * TOKEN,
	};
}

/* A token a line; they come back with time. */
static int take_token(struct tracer *tracer, uint64_t now)
{
	uint64_t passed = now > tracer->stamp ? now - tracer->stamp : 0;
	uint64_t room = TRACER_BURST * TOKEN - tracer->tokens;

	tracer->stamp = now;
	/* ms by lines per second are thousandths of lines */
	if (passed >= room / TRACER_PER_SECOND + 1)
		tracer->tokens += room;
	else
		tracer->tokens += passed * TRACER_PER_SECOND;
	if (tracer->tokens < TOKEN)
		return 0;
	tracer->tokens -= TOKEN;
	return 1;
}

static void count_dropped(struct tracer *tracer, size_t n)
{
	tracer->dropped += n > UINT32_MAX - tracer->dropped ? UINT32_MAX - tracer->dropped :
							      (uint32_t)n;
}

void tracer_say(struct tracer *tracer, uint64_t now, const char *text)
{
	if (!take_token(tracer, now)) {
		count_dropped(tracer, 1);
		return;
	}
	text_copy_line(tracer->texts[tracer->n++], text, sizeof(tracer->texts[0]));
	if (tracer->n == LINK_TRACE_LINES_MAX)
		tracer_flush(tracer);
}

void tracer_flush(struct tracer *tracer)
{
	struct link_trace_line lines[LINK_TRACE_LINES_MAX];
	struct link_trace trace = {
		.lines = lines, .n_lines = tracer->n, .dropped = tracer->dropped,
	};

	if (!tracer->n)
		return;
	for (size_t i = 0; i < tracer->n; i++)
		lines[i].text = tracer->texts[i];
	if (tracer->send(tracer->userdata, &trace) < 0)
		count_dropped(tracer, tracer->n);
	else
		tracer->dropped = 0;
	tracer->n = 0;
}
