// SPDX-License-Identifier: MIT
/* Steps on their way to the agent: in order, bounded, counted when they are lost. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "ike/tracer.h"

struct agent {
	struct tracer tracer;
	unsigned int n_messages;
	size_t n_lines;
	uint32_t dropped;
	int result;
	char last[IKE_TRACE_MAX_LEN + 1];
};

static int take(void *userdata, const struct link_trace *trace)
{
	struct agent *agent = userdata;

	assert_true(trace->n_lines > 0 && trace->n_lines <= LINK_TRACE_LINES_MAX);
	if (agent->result < 0)
		return agent->result;
	agent->n_messages++;
	agent->n_lines += trace->n_lines;
	agent->dropped += trace->dropped;
	snprintf(agent->last, sizeof(agent->last), "%s", trace->lines[trace->n_lines - 1].text);
	return 0;
}

static int set_up(void **state)
{
	struct agent *agent = calloc(1, sizeof(*agent));

	tracer_init(&agent->tracer, take, agent);
	*state = agent;
	return 0;
}

static int tear_down(void **state)
{
	free(*state);
	return 0;
}

static void say(struct agent *agent, size_t n, uint64_t now)
{
	char text[32];

	for (size_t i = 0; i < n; i++) {
		snprintf(text, sizeof(text), "step %zu", i);
		tracer_say(&agent->tracer, now, text);
	}
}

static void test_batches(void **state)
{
	struct agent *agent = *state;

	tracer_flush(&agent->tracer);
	assert_int_equal(agent->n_messages, 0);
	say(agent, 3, 0);
	assert_int_equal(agent->n_messages, 0);
	tracer_flush(&agent->tracer);
	assert_int_equal(agent->n_messages, 1);
	assert_int_equal(agent->n_lines, 3);
	assert_string_equal(agent->last, "step 2");
	/* a full one does not wait */
	say(agent, LINK_TRACE_LINES_MAX, 0);
	assert_int_equal(agent->n_messages, 2);
}

static void test_rate(void **state)
{
	struct agent *agent = *state;

	say(agent, TRACER_BURST + 500, 1000);
	tracer_flush(&agent->tracer);
	assert_int_equal(agent->n_lines, TRACER_BURST);
	/* half a second later there is room for half of a second's */
	say(agent, TRACER_PER_SECOND, 1500);
	tracer_flush(&agent->tracer);
	assert_int_equal(agent->n_lines, TRACER_BURST + TRACER_PER_SECOND / 2);
	/* however long it was quiet, the burst is no larger, and a clock that stands is no clock */
	agent->n_lines = 0;
	say(agent, 2 * TRACER_BURST, UINT64_MAX);
	say(agent, 10, UINT64_MAX);
	tracer_flush(&agent->tracer);
	assert_int_equal(agent->n_lines, TRACER_BURST);
	assert_int_equal(agent->dropped + agent->tracer.dropped,
			 500 + TRACER_PER_SECOND / 2 + TRACER_BURST + 10);
}

static void test_slow_agent(void **state)
{
	struct agent *agent = *state;

	agent->result = -EAGAIN;
	say(agent, 100, 0);
	tracer_flush(&agent->tracer);
	assert_int_equal(agent->n_lines, 0);
	agent->result = 0;
	say(agent, 1, 0);
	tracer_flush(&agent->tracer);
	assert_int_equal(agent->n_lines, 1);
	assert_int_equal(agent->dropped, 100);
	/* told once */
	say(agent, 1, 0);
	tracer_flush(&agent->tracer);
	assert_int_equal(agent->dropped, 100);
}

static void test_text(void **state)
{
	struct agent *agent = *state;
	char text[2 * IKE_TRACE_MAX_LEN];

	tracer_say(&agent->tracer, 0, "a\nb\x1b[m\xff");
	tracer_flush(&agent->tracer);
	assert_string_equal(agent->last, "a?b?[m?");
	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	tracer_say(&agent->tracer, 0, text);
	tracer_flush(&agent->tracer);
	assert_int_equal(strlen(agent->last), IKE_TRACE_MAX_LEN);
}

#define TEST(name, function) { name, function, set_up, tear_down, NULL }

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST("L08 steps go in their order, several at a time", test_batches),
		TEST("L08 a flood is cut and counted", test_rate),
		TEST("L08 a slow agent is not waited for", test_slow_agent),
		TEST("L08 a step is one line", test_text),
	};

	return cmocka_run_group_tests_name("tracer", tests, NULL, NULL);
}
