// SPDX-License-Identifier: MIT
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <sys/stat.h>

#include "base/cleanup.h"

int file_write(int fd, const void *data, size_t len)
{
	const char *left = data;

	while (len) {
		ssize_t n = write(fd, left, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n ? -errno : -EIO;
		left += n;
		len -= (size_t)n;
	}
	return 0;
}

/* The new name is on the disk. */
static int sync_directory_of(const char *path)
{
	_cleanup_close_ int fd = -1;
	char copy[PATH_MAX];

	strcpy(copy, path);	/* fits: a longer one with ".new" did */
	fd = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 || fsync(fd))
		return -errno;
	return 0;
}

static int write_new(const char *new, const void *data, size_t len, mode_t mode)
{
	_cleanup_close_ int fd = -1;
	int r;

	(void)unlink(new);	/* of a crash */
	fd = open(new, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, mode);
	if (fd < 0)
		return -errno;
	r = file_write(fd, data, len);
	if (!r && (fchmod(fd, mode) || fsync(fd)))
		r = -errno;
	return r;
}

int file_replace(const char *path, const void *data, size_t len, mode_t mode)
{
	char new[PATH_MAX];
	int r;

	if (snprintf(new, sizeof(new), "%s.new", path) >= (int)sizeof(new))
		return -ENAMETOOLONG;
	r = write_new(new, data, len, mode);
	if (!r && rename(new, path))
		r = -errno;
	if (r) {
		(void)unlink(new);
		return r;
	}
	return sync_directory_of(path);
}

/* A file system can have room and no inode. */
const char *file_remedy(int error)
{
	return error == -ENOSPC || error == -EDQUOT ?
		"; make room there: df shows the space that is left, df -i the inodes" : "";
}

int file_read(const char *path, size_t max, char **ret_text)
{
	_cleanup_free_ char *text = NULL;
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	struct stat st;
	size_t len = 0;
	ssize_t n = 1;

	if (fd < 0 || fstat(fd, &st))
		return -errno;
	if (!S_ISREG(st.st_mode))
		return -EINVAL;
	text = malloc(max + 2);
	if (!text)
		return -ENOMEM;
	while (n && len <= max) {
		n = read(fd, text + len, max + 1 - len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		len += (size_t)n;
	}
	if (len > max)
		return -EFBIG;
	if (memchr(text, '\0', len))
		return -EINVAL;
	text[len] = '\0';
	*ret_text = TAKE_PTR(text);
	return 0;
}
