// SPDX-License-Identifier: MIT
/*
 * For agent_kills.c, by LD_PRELOAD: the process dies, as by kill -9, at the call number IPD_CRASH_AT of
 * those by which files change. A write that it dies in has written half; any other call has done
 * nothing. What is between two calls is between two of these numbers, so all states of the files that a
 * kill can leave behind are there.
 */
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <unistd.h>

ssize_t pwrite64(int fd, const void *data, size_t len, off64_t offset);
int ftruncate64(int fd, off64_t len);

/* Whether this is the call. Those on sockets, pipes and the terminal do not count. */
static bool is_last(int fd)
{
	static long left = -1;
	struct stat st;

	if (left < 0) {
		const char *text = getenv("IPD_CRASH_AT");

		left = text ? strtol(text, NULL, 10) : 0;
	}
	if (!left || (fd >= 0 && (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))))
		return false;
	return !--left;
}

static void die(void)
{
	(void)kill(getpid(), SIGKILL);
}

ssize_t write(int fd, const void *data, size_t len)
{
	if (is_last(fd)) {
		(void)syscall(SYS_write, fd, data, len / 2);
		die();
	}
	return syscall(SYS_write, fd, data, len);
}

ssize_t pwrite64(int fd, const void *data, size_t len, off64_t offset)
{
	if (is_last(fd)) {
		(void)syscall(SYS_pwrite64, fd, data, len / 2, offset);
		die();
	}
	return syscall(SYS_pwrite64, fd, data, len, offset);
}

int ftruncate64(int fd, off64_t len)
{
	if (is_last(fd))
		die();
	return (int)syscall(SYS_ftruncate, fd, len);
}

int fsync(int fd)
{
	if (is_last(fd))
		die();
	return (int)syscall(SYS_fsync, fd);
}

int fdatasync(int fd)
{
	if (is_last(fd))
		die();
	return (int)syscall(SYS_fdatasync, fd);
}

int rename(const char *from, const char *to)
{
	if (is_last(-1))
		die();
	return (int)syscall(SYS_rename, from, to);
}

int unlink(const char *path)
{
	if (is_last(-1))
		die();
	return (int)syscall(SYS_unlink, path);
}
