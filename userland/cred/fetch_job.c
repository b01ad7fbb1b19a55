// SPDX-License-Identifier: MIT
#include "cred/fetch_job.h"

#include <errno.h>
#include <strings.h>
#include <unistd.h>

int fetch_write(int fd, const void *data, size_t len)
{
	const char *at = data;

	while (len) {
		ssize_t n = write(fd, at, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? -errno : -EIO;
		at += n;
		len -= (size_t)n;
	}
	return 0;
}

int fetch_url(const char *url, const struct fetch_limits *limits, int fd)
{
	if (!strncasecmp(url, "http://", 7))
		return fetch_http(url, limits, fd);
	if (!strncasecmp(url, "ldap://", 7))
		return fetch_ldap(url, limits, fd);
	return -EPROTONOSUPPORT;
}
