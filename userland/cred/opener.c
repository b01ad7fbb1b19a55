// SPDX-License-Identifier: MIT
#include "cred/opener.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <seccomp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "cred/helper.h"
#include "cred/store.h"
#include "daemon/confine.h"

/* Who copies files changes them often in a row: it is quiet for this long before they are opened. */
#define QUIET_MS 250
#define CHANGES (IN_CLOSE_WRITE | IN_MOVED_FROM | IN_MOVED_TO | IN_DELETE | IN_ATTRIB | IN_CREATE)

static const char *const folders[STORE_FOLDERS] = {
	[STORE_OWN] = ".", [STORE_ROOTS] = "roots", [STORE_INTERMEDIATES] = "intermediates",
	[STORE_CRLS] = "crls",
};

/* --- telling ------------------------------------------------------------------------------ */

static int tell(const struct opener *opener, const struct opener_notice *notice, int file)
{
	return helper_send_file(opener->socket, 0, notice, sizeof(*notice), file);
}

static int tell_kind(const struct opener *opener, enum opener_kind kind)
{
	return tell(opener, &(struct opener_notice){ .kind = (uint8_t)kind }, -1);
}

static int tell_failure(const struct opener *opener, enum store_folder folder, const char *name,
			int error)
{
	struct opener_notice notice = { .kind = OPENER_FAILED, .folder = (uint8_t)folder,
					.error = (uint16_t)error };

	(void)snprintf(notice.name, sizeof(notice.name), "%s", name);
	return tell(opener, &notice, -1);
}

/* --- opening ------------------------------------------------------------------------------ */

/* A link could lead anywhere, to a user's certificates for one. */
static int open_file(const struct opener *opener, int dir, enum store_folder folder,
		     const char *name)
{
	_cleanup_close_ int fd = openat(dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY |
					O_CLOEXEC);
	struct opener_notice notice = { .kind = OPENER_FILE, .folder = (uint8_t)folder };
	struct stat st;

	if (fd < 0)
		return errno == ENOENT ? 0 : tell_failure(opener, folder, name, errno);
	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
		return 0;
	(void)snprintf(notice.name, sizeof(notice.name), "%s", name);
	return tell(opener, &notice, fd);
}

static int compare(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* The names of what is wanted in @stream, sorted; as many as fit. */
static size_t list_names(DIR *stream, enum store_folder folder, char **names)
{
	const struct dirent *entry;
	size_t n = 0;

	while (n < OPENER_FILES_MAX && (entry = readdir(stream)))
		if (entry->d_name[0] != '.' && store_wants(folder, entry->d_name) &&
		    (names[n] = strdup(entry->d_name)))
			n++;
	qsort(names, n, sizeof(*names), compare);
	return n;
}

static int open_files(const struct opener *opener, DIR *stream, enum store_folder folder)
{
	char **names = calloc(OPENER_FILES_MAX, sizeof(*names));
	size_t n = names ? list_names(stream, folder, names) : 0;
	int r = 0;

	for (size_t i = 0; i < n; i++) {
		if (r == 0)
			r = open_file(opener, dirfd(stream), folder, names[i]);
		free(names[i]);
	}
	free(names);
	return r;
}

/* Who may write to it decides what this machine trusts. 0 or an errno. */
static int check_folder(int fd)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return errno;
	if ((st.st_uid != 0 && st.st_uid != geteuid()) || (st.st_mode & (S_IWGRP | S_IWOTH)))
		return EPERM;
	return 0;
}

static int open_folder(const struct opener *opener, enum store_folder folder)
{
	int fd = openat(opener->dir, folders[folder], O_RDONLY | O_DIRECTORY | O_NOFOLLOW |
			O_CLOEXEC);
	int error = fd < 0 ? errno : check_folder(fd);
	DIR *stream = error ? NULL : fdopendir(fd);
	int r;

	if (!stream) {
		if (fd >= 0)
			(void)close(fd);
		return error == ENOENT ? 0 : tell_failure(opener, folder, "", error ? error : ENOMEM);
	}
	r = open_files(opener, stream, folder);
	(void)closedir(stream);
	return r;
}

/* A folder that is made later is found and watched then. */
static void find_folders(struct opener *opener)
{
	if (opener->dir < 0)
		opener->dir = open(opener->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	for (int folder = 0; opener->watch >= 0 && folder < STORE_FOLDERS; folder++) {
		char path[PATH_MAX];

		(void)snprintf(path, sizeof(path), "%s/%s", opener->path, folders[folder]);
		(void)inotify_add_watch(opener->watch, path, CHANGES | IN_ONLYDIR);
	}
}

static int open_all(struct opener *opener)
{
	int r = tell_kind(opener, OPENER_BEGIN);

	find_folders(opener);
	if (opener->dir < 0 && r == 0)
		r = tell_failure(opener, STORE_OWN, "", errno);
	for (int folder = 0; opener->dir >= 0 && r == 0 && folder < STORE_FOLDERS; folder++)
		r = open_folder(opener, folder);
	return r < 0 ? r : tell_kind(opener, OPENER_END);
}

/* --- the loop ----------------------------------------------------------------------------- */

/* True if there was anything. */
static bool drain(int fd)
{
	char buf[4096];
	bool is_any = false;

	while (read(fd, buf, sizeof(buf)) > 0)
		is_any = true;
	return is_any;
}

/* Whatever ipsec-cred says, it means: again. */
static int hear(const struct opener *opener)
{
	static uint8_t buf[HELPER_MESSAGE_MAX_LEN];
	uint64_t number;
	size_t len;

	return helper_receive(opener->socket, buf, &len, &number);
}

static int serve(struct opener *opener)
{
	struct pollfd fds[] = { { .fd = opener->socket, .events = POLLIN },
				{ .fd = opener->watch, .events = POLLIN } };
	bool has_changed = false;
	int r = open_all(opener);

	while (r == 0) {
		int n = poll(fds, 2, has_changed ? QUIET_MS : -1);

		if (n > 0 && fds[1].revents)
			has_changed = drain(opener->watch) || has_changed;
		if (n > 0 && fds[0].revents) {
			r = hear(opener);
			n = 0;
			has_changed = true;
		}
		if (n == 0 && has_changed && r == 0) {
			has_changed = false;
			r = open_all(opener);
		}
	}
	return r;
}

/* --- the process -------------------------------------------------------------------------- */

static int confine(void)
{
	static const int allowed[] = {
		SCMP_SYS(openat), SCMP_SYS(getdents64), SCMP_SYS(fstat), SCMP_SYS(newfstatat),
		SCMP_SYS(fcntl), SCMP_SYS(read), SCMP_SYS(close), SCMP_SYS(poll), SCMP_SYS(ppoll),
		SCMP_SYS(inotify_add_watch), SCMP_SYS(sendmsg), SCMP_SYS(recvmsg),
		SCMP_SYS(sendto), SCMP_SYS(write), SCMP_SYS(writev), SCMP_SYS(brk),
		SCMP_SYS(mmap), SCMP_SYS(munmap), SCMP_SYS(mremap), SCMP_SYS(madvise),
		SCMP_SYS(futex), SCMP_SYS(lseek), SCMP_SYS(geteuid), SCMP_SYS(getpid),
		SCMP_SYS(rt_sigreturn), SCMP_SYS(rt_sigprocmask), SCMP_SYS(restart_syscall),
		SCMP_SYS(getrandom), SCMP_SYS(clock_gettime), SCMP_SYS(exit_group),
	};

	return confine_to(allowed, sizeof(allowed) / sizeof(allowed[0]), CONFINE_REST_KILL);
}

int opener_prepare(void *userdata)
{
	struct opener *opener = userdata;

	opener->dir = -1;
	opener->watch = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	find_folders(opener);
	return 0;
}

int opener_run(void *userdata, int fd)
{
	struct opener *opener = userdata;
	int r = 0;

	opener->socket = fd;
#ifndef __SANITIZE_ADDRESS__
	r = confine();
	if (r == -ENOSYS)
		r = 0;
#else
	(void)confine;
#endif
	return r < 0 ? r : serve(opener);
}
