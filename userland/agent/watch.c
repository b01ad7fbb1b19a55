// SPDX-License-Identifier: MIT
#include "agent/watch.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <time.h>

#include "base/log.h"
#include "store/store.h"

/* A change is several writes; and who writes without end is not waited for. */
#define SETTLE_USEC	UINT64_C(100000)
#define MINUTE_USEC	(60 * UINT64_C(1000000))

struct watch {
	sd_event_source *inotify;
	sd_event_source *settle;
	sd_event_source *poll;
	uint32_t minutes;
	void (*changed)(void *userdata);
	void *userdata;
};

/*
 * The file itself, or its log when it is written. Logs and locks also come and go when somebody only
 * looks at a store, as the agent does.
 */
static bool is_change(const struct inotify_event *event)
{
	for (enum store_location i = 0; event->len && i <= STORE_LOCATION_DOMAIN; i++) {
		const char *file = store_location_file(i);
		size_t len = file ? strlen(file) : 0;

		if (!file || strncmp(event->name, file, len) != 0)
			continue;
		return !event->name[len] ||
		       (!strcmp(event->name + len, "-wal") && (event->mask & IN_MODIFY));
	}
	return false;
}

static int on_inotify(sd_event_source *source, const struct inotify_event *event, void *userdata)
{
	struct watch *watch = userdata;
	int is_armed = 0;

	(void)source;
	/* some were lost: any may have been a store's */
	if (!(event->mask & IN_Q_OVERFLOW) && !is_change(event))
		return 0;
	(void)sd_event_source_get_enabled(watch->settle, &is_armed);
	if (is_armed)
		return 0;
	(void)sd_event_source_set_time_relative(watch->settle, SETTLE_USEC);
	return sd_event_source_set_enabled(watch->settle, SD_EVENT_ONESHOT);
}

static int on_settled(sd_event_source *source, uint64_t usec, void *userdata)
{
	struct watch *watch = userdata;

	(void)source;
	(void)usec;
	watch->changed(watch->userdata);
	return 0;
}

static int start_interval(struct watch *watch)
{
	(void)sd_event_source_set_time_relative(watch->poll, watch->minutes * MINUTE_USEC);
	return sd_event_source_set_enabled(watch->poll, SD_EVENT_ONESHOT);
}

static int on_poll(sd_event_source *source, uint64_t usec, void *userdata)
{
	struct watch *watch = userdata;

	(void)source;
	(void)usec;
	(void)start_interval(watch);
	watch->changed(watch->userdata);
	return 0;
}

void watch_set_interval(struct watch *watch, uint32_t minutes)
{
	if (minutes == watch->minutes)
		return;
	watch->minutes = minutes;
	(void)start_interval(watch);
}

struct watch *watch_free(struct watch *watch)
{
	if (!watch)
		return NULL;
	sd_event_source_disable_unref(watch->inotify);
	sd_event_source_disable_unref(watch->settle);
	sd_event_source_disable_unref(watch->poll);
	free(watch);
	return NULL;
}

int watch_new(sd_event *event, const char *dir, void (*changed)(void *userdata), void *userdata,
	      struct watch **ret_watch)
{
	_cleanup_(watch_freep) struct watch *watch = calloc(1, sizeof(*watch));
	int r;

	if (!watch)
		return -ENOMEM;
	watch->changed = changed;
	watch->userdata = userdata;
	watch->minutes = STORE_POLLING_MINUTES;
	r = sd_event_add_time_relative(event, &watch->settle, CLOCK_MONOTONIC, 0, 0, on_settled,
				       watch);
	if (r >= 0)
		r = sd_event_source_set_enabled(watch->settle, SD_EVENT_OFF);
	if (r >= 0)
		r = sd_event_add_time_relative(event, &watch->poll, CLOCK_BOOTTIME,
					       watch->minutes * MINUTE_USEC, 0, on_poll, watch);
	if (r < 0)
		return r;
	r = sd_event_add_inotify(event, &watch->inotify, dir,
				 IN_MODIFY | IN_CREATE | IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE |
				 IN_ONLYDIR, on_inotify, watch);
	if (r < 0)
		log_warning("%s cannot be watched (%s): changes by others are seen when policy is "
			    "polled for", dir, strerror(-r));
	*ret_watch = TAKE_PTR(watch);
	return 0;
}
