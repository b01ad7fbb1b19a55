/* SPDX-License-Identifier: MIT */
#ifndef DAEMON_STATUS_LINE_H
#define DAEMON_STATUS_LINE_H

#include <stdio.h>

#include <systemd/sd-event.h>

#include "base/cleanup.h"

/*
 * The line of "systemctl status" that says what a program is doing. Whoever changes something says
 * so, as often as it likes: the line is written a while after the first of many changes, at most
 * once in that time, and sent only if it is another one than before. Without systemd nothing is done.
 *
 *	touch, touch, touch ... STATUS_LINE_USEC ... write -> is it new? -> STATUS=secure: 12 filters
 */
struct status_line;

#define STATUS_LINE_USEC	(1 * UINT64_C(1000000))

/* @write prints the line, without a newline. 0 or -errno. */
int status_line_new(sd_event *event, void (*write)(void *userdata, FILE *file), void *userdata,
		    struct status_line **ret_line);
struct status_line *status_line_free(struct status_line *line);	/* NULL is allowed; NULL */
DEFINE_CLEANUP(struct status_line *, status_line_free);

/* Something may have changed. NULL is allowed. */
void status_line_touch(struct status_line *line);
/* Now; for the time before the loop runs. */
void status_line_send(struct status_line *line);

#endif /* DAEMON_STATUS_LINE_H */
