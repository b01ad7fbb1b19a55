// SPDX-License-Identifier: MIT
#include "agent/trial.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <systemd/sd-id128.h>

#include "base/clock.h"
#include "base/parse.h"
#include "policy/fault.h"
#include "store/copy.h"

#define SECOND_USEC	UINT64_C(1000000)
#define RETRY_SECONDS	10	/* when the store could not be put back */
#define LINE_LEN	64	/* "BOOT-ID SECONDS" */

struct trial {
	struct trial_config config;
	sd_event_source *timer;
	char *path;
	char *copy;
	char *until_path;
	bool is_on;
	uint64_t until;		/* seconds of base/clock */
};

static uint64_t now_seconds(void)
{
	return clock_usec() / SECOND_USEC;
}

/* --- the deadline ------------------------------------------------------------------------- */

static int write_line(int fd, const char *line)
{
	size_t len = strlen(line);

	return write(fd, line, len) == (ssize_t)len && !fsync(fd) ? 0 : -EIO;
}

static int write_until(const struct trial *trial, uint64_t until)
{
	_cleanup_free_ char *new = NULL;
	_cleanup_close_ int fd = -1;
	char line[LINE_LEN], boot_text[SD_ID128_STRING_MAX];
	sd_id128_t boot;
	int r = sd_id128_get_boot(&boot);

	if (r < 0)
		return r;
	if (asprintf(&new, "%s.new", trial->until_path) < 0) {
		new = NULL;
		return -ENOMEM;
	}
	(void)snprintf(line, sizeof(line), "%s %" PRIu64 "\n",
		       sd_id128_to_string(boot, boot_text), until);
	(void)unlink(new);	/* of a crash */
	fd = open(new, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return -errno;
	r = write_line(fd, line);
	if (!r && rename(new, trial->until_path))
		r = -errno;
	return r ? r : store_copy_sync_directory(trial->until_path);
}

/* 0 and the deadline; -ENOENT: no try. What cannot be read, or is of another boot, is over: 0. */
static int read_until(const struct trial *trial, uint64_t *ret_until)
{
	_cleanup_fclose_ FILE *file = fopen(trial->until_path, "re");
	char line[LINE_LEN] = "", *number;
	sd_id128_t boot, then;
	uint64_t until;

	if (!file)
		return errno == ENOENT ? -ENOENT : -errno;
	*ret_until = 0;
	(void)!fgets(line, sizeof(line), file);
	line[strcspn(line, "\n")] = '\0';
	number = strchr(line, ' ');
	if (!number)
		return 0;
	*number++ = '\0';
	if (sd_id128_get_boot(&boot) < 0 || sd_id128_from_string(line, &then) < 0 ||
	    !sd_id128_equal(boot, then) || parse_u64(number, UINT64_MAX, &until) ||
	    until > now_seconds() + TRIAL_SECONDS_MAX)
		return 0;
	*ret_until = until;
	return 0;
}

/* --- beginning and ending ----------------------------------------------------------------- */

static void arm(struct trial *trial, uint64_t seconds)
{
	(void)sd_event_source_set_time_relative(trial->timer, seconds * SECOND_USEC);
	(void)sd_event_source_set_enabled(trial->timer, SD_EVENT_ONESHOT);
}

/* It is no try any more. */
static int forget(struct trial *trial, struct fault *fault)
{
	int r = unlink(trial->until_path) && errno != ENOENT ? -errno : 0;

	if (!r)
		r = store_copy_sync_directory(trial->until_path);
	if (r) {
		(void)fault_failed(fault, "%s cannot be removed: %s; the try goes on",
				   trial->until_path, strerror(-r));
		return r;
	}
	trial->is_on = false;
	(void)sd_event_source_set_enabled(trial->timer, SD_EVENT_OFF);
	(void)unlink(trial->copy);	/* without the other file it means nothing */
	return 0;
}

static int take_back(struct trial *trial, struct fault *fault)
{
	int r = store_copy_restore(trial->path, trial->copy, fault);

	return r ? r : forget(trial, fault);
}

static int on_timer(sd_event_source *source, uint64_t usec, void *userdata)
{
	struct trial *trial = userdata;
	struct fault fault;
	int r = take_back(trial, &fault);

	(void)source;
	(void)usec;
	if (r)
		arm(trial, RETRY_SECONDS);
	trial->config.timed_out(trial->config.userdata, r ? &fault : NULL);
	return 0;
}

static int none(struct fault *fault)
{
	return fault_invalid(fault, "there is no try: it was confirmed or ended, or its time is "
			     "over; \"ipsecctl try\" begins one");
}

int trial_begin(struct trial *trial, uint32_t seconds, struct fault *fault)
{
	uint64_t until = now_seconds() + seconds;
	int r;

	if (seconds < TRIAL_SECONDS_MIN || seconds > TRIAL_SECONDS_MAX)
		return fault_invalid(fault, "a try lasts %d to %d seconds", TRIAL_SECONDS_MIN,
				     TRIAL_SECONDS_MAX);
	if (trial->is_on)
		return fault_invalid(fault, "there is a try already, for another %u seconds; "
				     "confirm it, end it, or wait", trial_seconds(trial));
	r = store_copy_save(trial->path, trial->copy, fault);
	if (r)
		return r;
	r = write_until(trial, until);
	if (r) {
		(void)unlink(trial->until_path);
		(void)unlink(trial->copy);
		return fault_failed(fault, "%s cannot be written: %s; no try has begun",
				    trial->until_path, strerror(-r));
	}
	trial->is_on = true;
	trial->until = until;
	arm(trial, seconds);
	return 0;
}

int trial_confirm(struct trial *trial, struct fault *fault)
{
	return trial->is_on ? forget(trial, fault) : none(fault);
}

int trial_end(struct trial *trial, struct fault *fault)
{
	return trial->is_on ? take_back(trial, fault) : none(fault);
}

uint32_t trial_seconds(const struct trial *trial)
{
	uint64_t now = now_seconds();

	if (!trial->is_on)
		return 0;
	return trial->until > now ? (uint32_t)(trial->until - now) : 1;
}

/* --- life --------------------------------------------------------------------------------- */

struct trial *trial_free(struct trial *trial)
{
	if (!trial)
		return NULL;
	sd_event_source_disable_unref(trial->timer);
	free(trial->path);
	free(trial->copy);
	free(trial->until_path);
	free(trial);
	return NULL;
}

/* The former agent's try. */
static int take_up(struct trial *trial, bool *ret_was_ended, struct fault *fault)
{
	uint64_t until = 0, now = now_seconds();
	int r = read_until(trial, &until);

	*ret_was_ended = false;
	if (r == -ENOENT) {
		(void)unlink(trial->copy);	/* of a try that did not begin, or has ended */
		return 0;
	}
	if (r)
		return fault_failed(fault, "%s cannot be read: %s; mend that, or remove it to keep "
				    "the policy as it is", trial->until_path, strerror(-r));
	trial->is_on = true;
	trial->until = until;
	if (until > now) {
		arm(trial, until - now);
		return 0;
	}
	*ret_was_ended = true;
	r = take_back(trial, fault);
	if (r)
		arm(trial, RETRY_SECONDS);
	return r;
}

static struct trial *allocate(const struct trial_config *config)
{
	_cleanup_(trial_freep) struct trial *trial = calloc(1, sizeof(*trial));

	if (!trial)
		return NULL;
	trial->config = *config;
	trial->path = strdup(config->path);
	if (asprintf(&trial->copy, "%s.try", config->path) < 0)
		trial->copy = NULL;
	if (asprintf(&trial->until_path, "%s.try-until", config->path) < 0)
		trial->until_path = NULL;
	return trial->path && trial->copy && trial->until_path ? TAKE_PTR(trial) : NULL;
}

int trial_new(const struct trial_config *config, struct trial **ret_trial, bool *ret_was_ended,
	      struct fault *fault)
{
	_cleanup_(trial_freep) struct trial *trial = allocate(config);
	int r = trial ? sd_event_add_time_relative(config->event, &trial->timer, CLOCK_BOOTTIME, 0,
						   0, on_timer, trial) : -ENOMEM;

	if (r >= 0)
		r = sd_event_source_set_enabled(trial->timer, SD_EVENT_OFF);
	if (r < 0)
		return fault_no_memory(fault);
	r = take_up(trial, ret_was_ended, fault);
	*ret_trial = TAKE_PTR(trial);
	return r;
}
