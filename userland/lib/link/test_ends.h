/* SPDX-License-Identifier: MIT */
#ifndef LINK_TEST_ENDS_H
#define LINK_TEST_ENDS_H

#include <stdbool.h>
#include <stdint.h>

#include <systemd/sd-event.h>

#include "link/link.h"
#include "link/messages.h"
#include "link/test_random.h"

struct codec_type;

/* For tests: two ends of a link in one process that note what happens to them. */

#define TEST_DEADLINE_USEC (20 * UINT64_C(1000000))

uint64_t test_now_usec(void);

/* Runs the loop until the condition holds; the test fails when it takes too long. */
#define RUN_UNTIL(event, condition)                                             \
	do {                                                                    \
		uint64_t end_ = test_now_usec() + TEST_DEADLINE_USEC;           \
									        \
		while (!(condition)) {                                          \
			if (test_now_usec() > end_)                             \
				fail_msg("never: %s", #condition);              \
			assert_true(sd_event_run(event, 20000) >= 0);           \
		}                                                               \
	} while (0)

struct end {
	struct link *link;
	int up, down, error;
	int n_calls;			/* handled */
	const struct link_method *method;	/* of the last one */
	void *args;			/* copy of the last arguments */
	struct link_request *kept;	/* when is_lazy */
	bool is_lazy;
	int answer_error;
	const void *answer;
};

struct fixture {
	sd_event *event;
	struct end a, b;
	struct test_random random;
	int n_replies, error;
	void *reply;
	const struct codec_type *reply_type;
	char dir[64];
};

/* Handlers for every method there is. */
extern const struct link_handler test_handlers[];
extern const size_t test_n_handlers;
extern const struct link_flush no_flush;

struct link_config test_config(struct end *end);
/* Frees the copy of the last arguments. */
void test_forget(struct end *end);

/* For cmocka: a loop and a directory; with_pair: and both ends of a link. */
int test_set_up(void **state);
int test_set_up_pair(void **state);
int test_tear_down(void **state);

#endif
