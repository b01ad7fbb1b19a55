/* SPDX-License-Identifier: MIT */
#ifndef CRED_FETCH_JOB_H
#define CRED_FETCH_JOB_H

#include <stddef.h>

#include "cred/guard.h"

/*
 * Getting what a URL names, in the process that was made for that one URL: it blocks, and gives what a
 * stranger answers to large libraries.
 */

struct fetch_limits {
	const struct guard *guard;
	size_t len_max;
	unsigned int connect_seconds;
	unsigned int seconds;		/* in all */
};

/*
 * Writes it to @fd. 0 or -errno: -EPROTONOSUPPORT: neither http nor ldap; -EHOSTUNREACH: no such
 * host; -EACCES: an address that the guard does not permit; -ETIMEDOUT, -EFBIG, -ECONNREFUSED,
 * -ELOOP: redirected; -ENOENT: not there; -EINVAL: not a URL; -EPROTO: anything else.
 */
int fetch_url(const char *url, const struct fetch_limits *limits, int fd);

/* What it is made of. */
int fetch_http(const char *url, const struct fetch_limits *limits, int fd);
int fetch_ldap(const char *url, const struct fetch_limits *limits, int fd);
/* All of it or an error. */
int fetch_write(int fd, const void *data, size_t len);

#endif
