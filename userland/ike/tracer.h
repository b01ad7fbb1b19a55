/* SPDX-License-Identifier: MIT */
#ifndef IKE_TRACER_H
#define IKE_TRACER_H

#include <stddef.h>
#include <stdint.h>

#include "link/messages.h"

/*
 * The engine's steps on their way to the agent, which has the file. Strangers cause steps, so
 * there are limits, and what is beyond is counted instead: so many a second, and none while the
 * agent does not keep up.
 */

#define TRACER_PER_SECOND	2000
#define TRACER_BURST		4000

struct tracer {
	/* Negative errno: not sent, and not to be tried again. */
	int (*send)(void *userdata, const struct link_trace *trace);
	void *userdata;
	char texts[LINK_TRACE_LINES_MAX][IKE_TRACE_MAX_LEN + 1];
	size_t n;
	uint32_t dropped;	/* and not told yet */
	uint64_t tokens;	/* thousandths */
	uint64_t stamp;		/* of @tokens, ms */
};

void tracer_init(struct tracer *tracer, int (*send)(void *userdata, const struct link_trace *trace),
		 void *userdata);
/* One step at @now (ms). */
void tracer_say(struct tracer *tracer, uint64_t now, const char *text);
/* Sends what there is; at the end of each turn of the loop. */
void tracer_flush(struct tracer *tracer);

#endif
