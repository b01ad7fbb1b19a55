// SPDX-License-Identifier: MIT
#include "cred/fetch.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/log.h"
#include "cred/files.h"
#include "cred/helper.h"

struct fetch {
	struct fetch_config config;
	struct fetch_process process;
	struct helper *helper;
	bool is_ending;
};

struct job {
	struct fetch *fetch;
	char *url;
};

/* --- what came ---------------------------------------------------------------------------- */

/* The file is sealed, so its size is what it was. */
static ssize_t read_file(int fd, uint8_t **ret_data)
{
	uint8_t *data;
	struct stat st;

	if (fstat(fd, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode) || st.st_size <= 0 || st.st_size > FETCH_LEN_MAX)
		return -EPROTO;
	data = malloc((size_t)st.st_size);
	if (!data)
		return -ENOMEM;
	if (files_read(fd, data, (size_t)st.st_size) != st.st_size) {
		free(data);
		return -EIO;
	}
	*ret_data = data;
	return st.st_size;
}

static void on_answer(void *userdata, int error, const void *data, size_t len)
{
	struct job *job = userdata;
	struct fetch *fetch = job->fetch;
	_cleanup_close_ int fd = fetch->is_ending ? -1 : helper_take_file(fetch->helper);
	_cleanup_free_ uint8_t *contents = NULL;
	struct fetch_answer answer = { .error = error };
	ssize_t size = 0;

	if (!error && len == sizeof(answer))
		memcpy(&answer, data, sizeof(answer));
	else if (!error)
		answer.error = -EPROTO;
	if (!answer.error)
		size = fd < 0 ? -EPROTO : read_file(fd, &contents);
	if (size < 0)
		answer.error = (int32_t)size;
	if (answer.error && !fetch->is_ending)
		log_warning("CRL %s: cannot be fetched: %s%s", job->url, strerror(-answer.error),
			    answer.error == -EACCES ? " (an address that is not of the Internet; "
						      "--fetch-from permits it)" : "");
	if (!fetch->is_ending)
		fetch->config.done(fetch->config.userdata, job->url, answer.error,
				   (struct bytes){ contents, size > 0 ? (size_t)size : 0 });
	free(job->url);
	free(job);
}

int fetch_begin(struct fetch *fetch, const char *url)
{
	struct job *job = calloc(1, sizeof(*job));
	int r = -ENOMEM;

	if (!job)
		return r;
	job->fetch = fetch;
	job->url = strdup(url);
	if (job->url)
		r = helper_call(fetch->helper, url, strlen(url), on_answer, job);
	if (r < 0) {
		free(job->url);
		free(job);
	}
	return r;
}

/* --- life --------------------------------------------------------------------------------- */

struct fetch *fetch_free(struct fetch *fetch)
{
	if (!fetch)
		return NULL;
	fetch->is_ending = true;
	(void)helper_free(fetch->helper);
	free(fetch);
	return NULL;
}

int fetch_new(sd_event *event, const struct fetch_config *config, struct fetch **ret_fetch)
{
	_cleanup_(fetch_freep) struct fetch *fetch = calloc(1, sizeof(*fetch));
	struct helper_config helper = {
		.name = "cred-fetch",
		.user = config->user,
		.run = fetch_process_run,
		.passes_files = true,
		.calls_max = FETCH_CALLS_MAX,
	};
	int r;

	if (!fetch)
		return -ENOMEM;
	fetch->config = *config;
	fetch->process.guard = config->guard;
	fetch->process.seconds = config->seconds ? config->seconds : FETCH_SECONDS;
	/* a call may wait for all of those before it */
	helper.timeout_usec = (fetch->process.seconds + 2) * UINT64_C(1000000) *
			      (1 + FETCH_CALLS_MAX / FETCH_PROCESSES_MAX);
	helper.run_userdata = &fetch->process;
	r = helper_new(event, &helper, &fetch->helper);
	if (r < 0)
		return r;
	*ret_fetch = TAKE_PTR(fetch);
	return 0;
}
