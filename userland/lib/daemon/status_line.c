// SPDX-License-Identifier: MIT
#include "daemon/status_line.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <systemd/sd-daemon.h>

struct status_line {
	sd_event_source *timer;
	void (*write)(void *userdata, FILE *file);
	void *userdata;
	char *sent;			/* NULL: nothing yet */
};

/* What is behind a newline would be another word of ours to systemd: a name may have one. */
static void make_one_line(char *text)
{
	for (; *text; text++)
		if ((unsigned char)*text < ' ' || *text == 0x7f)
			*text = ' ';
}

static char *to_text(const struct status_line *line)
{
	char *text = NULL;
	size_t len;
	FILE *file = open_memstream(&text, &len);

	if (!file)
		return NULL;
	line->write(line->userdata, file);
	if (fclose(file)) {
		free(text);
		return NULL;
	}
	make_one_line(text);
	return text;
}

void status_line_send(struct status_line *line)
{
	char *text = to_text(line);

	if (text && (!line->sent || strcmp(text, line->sent) != 0))
		(void)sd_notifyf(0, "STATUS=%s", text);
	if (!text)
		return;
	free(line->sent);
	line->sent = text;
}

static int on_timer(sd_event_source *source, uint64_t usec, void *userdata)
{
	(void)source;
	(void)usec;
	status_line_send(userdata);
	return 0;
}

void status_line_touch(struct status_line *line)
{
	int enabled = SD_EVENT_OFF;

	if (!line || sd_event_source_get_enabled(line->timer, &enabled) < 0 ||
	    enabled != SD_EVENT_OFF)
		return;
	(void)sd_event_source_set_time_relative(line->timer, STATUS_LINE_USEC);
	(void)sd_event_source_set_enabled(line->timer, SD_EVENT_ONESHOT);
}

struct status_line *status_line_free(struct status_line *line)
{
	if (!line)
		return NULL;
	sd_event_source_disable_unref(line->timer);
	free(line->sent);
	free(line);
	return NULL;
}

int status_line_new(sd_event *event, void (*write)(void *userdata, FILE *file), void *userdata,
		    struct status_line **ret_line)
{
	_cleanup_(status_line_freep) struct status_line *line = calloc(1, sizeof(*line));
	int r;

	if (!line)
		return -ENOMEM;
	line->write = write;
	line->userdata = userdata;
	r = sd_event_add_time_relative(event, &line->timer, CLOCK_MONOTONIC, STATUS_LINE_USEC, 0,
				       on_timer, line);
	if (r >= 0)
		r = sd_event_source_set_enabled(line->timer, SD_EVENT_OFF);
	/* what people see comes last */
	if (r >= 0)
		r = sd_event_source_set_priority(line->timer, SD_EVENT_PRIORITY_IDLE);
	if (r < 0)
		return r;
	*ret_line = TAKE_PTR(line);
	return 0;
}
