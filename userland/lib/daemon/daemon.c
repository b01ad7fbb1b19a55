// SPDX-License-Identifier: MIT
#include "daemon/daemon.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <systemd/sd-daemon.h>

int daemon_path(const char *run_dir, const char *name, char *buf, size_t size)
{
	int n = snprintf(buf, size, "%s/%s", run_dir, name);

	if (n < 0 || (size_t)n >= size ||
	    (size_t)n >= sizeof(((struct sockaddr_un *)NULL)->sun_path))
		return -ENAMETOOLONG;
	return 0;
}

int daemon_make_run_dir(const char *run_dir)
{
	struct stat st;

	if (mkdir(run_dir, 0755) == 0)
		return 0;
	if (errno != EEXIST)
		return -errno;
	if (stat(run_dir, &st) < 0)
		return -errno;
	return S_ISDIR(st.st_mode) ? 0 : -ENOTDIR;
}

static int add_signals(sd_event *event)
{
	static const int last[] = { SIGTERM, SIGINT };

	(void)signal(SIGPIPE, SIG_IGN);
	for (size_t i = 0; i < sizeof(last) / sizeof(last[0]); i++) {
		sigset_t set;
		int r;

		(void)sigemptyset(&set);
		(void)sigaddset(&set, last[i]);
		if (sigprocmask(SIG_BLOCK, &set, NULL) < 0)
			return -errno;
		/* no handler: the loop ends */
		r = sd_event_add_signal(event, NULL, last[i], NULL, NULL);
		if (r < 0)
			return r;
	}
	return 0;
}

int daemon_loop_new(sd_event **ret_event)
{
	sd_event *event = NULL;
	int r = sd_event_default(&event);

	if (r >= 0)
		r = add_signals(event);
	if (r >= 0)
		r = sd_event_set_watchdog(event, true);
	if (r < 0) {
		sd_event_unref(event);
		return r;
	}
	*ret_event = event;
	return 0;
}

void daemon_is_ready(void)
{
	(void)sd_notify(false, "READY=1");
}

void daemon_is_stopping(void)
{
	(void)sd_notify(false, "STOPPING=1");
}
