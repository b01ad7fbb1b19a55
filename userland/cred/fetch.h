/* SPDX-License-Identifier: MIT */
#ifndef CRED_FETCH_H
#define CRED_FETCH_H

#include <systemd/sd-event.h>

#include "base/bytes.h"
#include "base/cleanup.h"
#include "cred/fetch_process.h"

struct confine_user;

/* ipsec-cred's end of the helper that fetches CRLs (cred/fetch_process.h). */
struct fetch;

struct fetch_config {
	const struct confine_user *user;	/* of the helper; NULL: stay who we are, for tests */
	struct guard guard;
	unsigned int seconds;			/* 0: FETCH_SECONDS */
	/* @error 0 and @data, or negative errno. */
	void (*done)(void *userdata, const char *url, int error, struct bytes data);
	void *userdata;
};

/* Forks: see helper_new(). 0 or -errno. */
int fetch_new(sd_event *event, const struct fetch_config *config, struct fetch **ret_fetch);
/* done() is not called any more. */
struct fetch *fetch_free(struct fetch *fetch);
DEFINE_CLEANUP(struct fetch *, fetch_free);

/* Begins; done() follows, later. Errors of helper_call(), -ENOMEM. */
int fetch_begin(struct fetch *fetch, const char *url);

#endif
