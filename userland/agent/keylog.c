// SPDX-License-Identifier: MIT
#include "agent/keylog.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "link/keylog.h"

static int append(const char *path, const char *text, size_t len)
{
	_cleanup_close_ int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW,
				      0600);
	ssize_t n;

	if (fd < 0)
		return -errno;
	n = write(fd, text, len);
	return n < 0 ? -errno : (size_t)n == len ? 0 : -EIO;
}

int keylog_write(const char *dir, const struct ike_keylog *keylog)
{
	char text[LINK_KEYLOG_MAX_LEN], path[PATH_MAX];
	const char *file = NULL;
	int len = link_keylog_format(keylog, text, sizeof(text), &file);
	int r = len < 0 ? len : 0;

	if (len > 0) {
		if (mkdir(dir, 0700) && errno != EEXIST)
			r = -errno;
		else if (snprintf(path, sizeof(path), "%s/%s", dir, file) >= (int)sizeof(path))
			r = -ENAMETOOLONG;
		else
			r = append(path, text, (size_t)len);
	}
	wipe(text, sizeof(text));
	return r;
}
