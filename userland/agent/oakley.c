// SPDX-License-Identifier: MIT
#include "agent/oakley.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "base/log.h"

#define ENTRY_LEN	640

struct oakley {
	char *path;
	char *dir;
	char *name;			/* in @dir */
	uint64_t (*now)(void);
	int fd;				/* -1: not open */
	bool is_on;
	bool is_failing;		/* and somebody has been told */
	uint64_t retry_at;
	size_t n_lines;
	size_t n_lost;
	off_t size;
};

/* --- the directory ------------------------------------------------------------------------ */

/*
 * One that nobody else could have put something into. Made if it is not there; what is above it
 * has to be.
 */
static int open_dir(const struct oakley *oakley)
{
	struct stat st;
	int fd, r = 0;

	if (mkdir(oakley->dir, 0700) && errno != EEXIST)
		return -errno;
	fd = open(oakley->dir, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	if (fstat(fd, &st))
		r = -errno;
	else if (st.st_uid != geteuid() || st.st_mode & (S_IWGRP | S_IWOTH))
		r = -EPERM;
	if (r) {
		(void)close(fd);
		return r;
	}
	return fd;
}

static int move_aside(const struct oakley *oakley, int dir, const char *suffix)
{
	char to[NAME_MAX + 1];

	if (snprintf(to, sizeof(to), "%s%s", oakley->name, suffix) >= (int)sizeof(to))
		return -ENAMETOOLONG;
	return renameat(dir, oakley->name, dir, to) && errno != ENOENT ? -errno : 0;
}

/* --- the file ----------------------------------------------------------------------------- */

static void close_file(struct oakley *oakley)
{
	if (oakley->fd >= 0)
		(void)close(oakley->fd);
	oakley->fd = -1;
}

/* A file of ours, or none: no link, no device, no second name of another file. */
static int check_file(int fd, off_t *ret_size)
{
	struct stat st;

	if (fstat(fd, &st))
		return -errno;
	if (!S_ISREG(st.st_mode) || st.st_nlink != 1 || st.st_uid != geteuid())
		return -EPERM;
	*ret_size = st.st_size;
	return fchmod(fd, 0600) ? -errno : 0;
}

static int open_file(struct oakley *oakley)
{
	_cleanup_close_ int dir = open_dir(oakley);
	int r;

	if (dir < 0)
		return dir;
	oakley->fd = openat(dir, oakley->name,
			    O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC,
			    0600);
	if (oakley->fd < 0)
		return -errno;
	r = check_file(oakley->fd, &oakley->size);
	if (r)
		close_file(oakley);
	return r;
}

static int rotate(struct oakley *oakley)
{
	_cleanup_close_ int dir = open_dir(oakley);
	int r = dir < 0 ? dir : move_aside(oakley, dir, ".bak");

	if (r)
		return r;
	close_file(oakley);
	oakley->n_lines = 0;
	return open_file(oakley);
}

/* Half an entry is taken back: the next one begins a line. */
static int append(struct oakley *oakley, const char *entry, size_t len)
{
	ssize_t n = write(oakley->fd, entry, len);
	int r = n < 0 ? -errno : (size_t)n < len ? -ENOSPC : 0;

	if (n > 0 && r && ftruncate(oakley->fd, oakley->size))
		close_file(oakley);
	if (!r) {
		oakley->size += n;
		oakley->n_lines++;
	}
	return r;
}

/* --- entries ------------------------------------------------------------------------------ */

static size_t format(char *entry, size_t size, pid_t pid, const char *text)
{
	struct timespec ts;
	struct tm tm;
	int len;

	(void)clock_gettime(CLOCK_REALTIME, &ts);
	(void)localtime_r(&ts.tv_sec, &tm);
	len = snprintf(entry, size, "%2d-%02d: %02d:%02d:%02d:%03ld:%d %s\n", tm.tm_mon + 1,
		       tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec, ts.tv_nsec / 1000000,
		       (int)pid, text);
	if (len < 0)
		return 0;
	if ((size_t)len >= size) {
		len = (int)size - 1;
		entry[len - 1] = '\n';
	}
	return (size_t)len;
}

static int put(struct oakley *oakley, pid_t pid, const char *text)
{
	char entry[ENTRY_LEN];
	size_t len = format(entry, sizeof(entry), pid, text);
	int r = 0;

	if (oakley->fd < 0)
		r = open_file(oakley);
	else if (oakley->n_lines >= OAKLEY_LINES_MAX)
		r = rotate(oakley);
	return r ? r : append(oakley, entry, len);
}

static void fail(struct oakley *oakley, int error)
{
	if (!oakley->is_failing)
		log_warning("%s cannot be written (%s): IKE goes on, its steps are lost until it "
			    "can be",
			    oakley->path, error == -EPERM ? "it, or its directory, is not ours alone" :
							    strerror(-error));
	oakley->is_failing = true;
	oakley->n_lost++;
	oakley->retry_at = oakley->now() + OAKLEY_RETRY_USEC;
	close_file(oakley);
}

static void recover(struct oakley *oakley, pid_t pid)
{
	char text[64];

	if (!oakley->is_failing)
		return;
	log_notice("%s can be written again", oakley->path);
	snprintf(text, sizeof(text), "%zu entries before this one are missing", oakley->n_lost);
	oakley->is_failing = false;
	oakley->n_lost = 0;
	(void)put(oakley, pid, text);
}

void oakley_write(struct oakley *oakley, pid_t pid, const char *text)
{
	int r;

	if (!oakley->is_on)
		return;
	if (oakley->is_failing && oakley->now() < oakley->retry_at) {
		oakley->n_lost++;
		return;
	}
	r = put(oakley, pid, text);
	if (r)
		fail(oakley, r);
	else
		recover(oakley, pid);
}

void oakley_set_on(struct oakley *oakley, bool is_on)
{
	if (is_on && !oakley->is_on)
		oakley->is_failing = false;
	if (!is_on)
		close_file(oakley);
	oakley->is_on = is_on;
}

/* --- birth and death ---------------------------------------------------------------------- */

static void save_old(const struct oakley *oakley)
{
	struct stat st;
	int dir, r;

	/* nothing is made for a log that may never be wanted */
	if (lstat(oakley->path, &st))
		return;
	dir = open_dir(oakley);
	r = dir < 0 ? dir : move_aside(oakley, dir, ".sav");
	if (r)
		log_warning("the old %s cannot be put aside: %s", oakley->path, strerror(-r));
	if (dir >= 0)
		(void)close(dir);
}

static int split(struct oakley *oakley, const char *path)
{
	const char *slash = strrchr(path, '/');

	oakley->path = strdup(path);
	oakley->dir = slash && slash > path ? strndup(path, (size_t)(slash - path)) : strdup("/");
	oakley->name = strdup(slash ? slash + 1 : path);
	return oakley->path && oakley->dir && oakley->name ? 0 : -ENOMEM;
}

struct oakley *oakley_new(const char *path, uint64_t (*now)(void))
{
	_cleanup_(oakley_freep) struct oakley *oakley = calloc(1, sizeof(*oakley));

	if (!oakley)
		return NULL;
	oakley->fd = -1;
	oakley->now = now;
	if (split(oakley, path))
		return NULL;
	save_old(oakley);
	return TAKE_PTR(oakley);
}

struct oakley *oakley_free(struct oakley *oakley)
{
	if (!oakley)
		return NULL;
	close_file(oakley);
	free(oakley->path);
	free(oakley->dir);
	free(oakley->name);
	free(oakley);
	return NULL;
}
