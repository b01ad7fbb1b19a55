/* SPDX-License-Identifier: MIT */
#ifndef DAEMON_CONFINE_H
#define DAEMON_CONFINE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/*
 * What a program gives up after its start, in this order: user, memory, drop, syscalls. Each
 * function returns 0 or -errno and logs nothing.
 */

struct confine_user {
	uid_t uid;
	gid_t gid;
};

/*
 * @name, or if that is NULL, @standard when there is such a user, else "nobody" (*ret_is_nobody
 * says so). -ENOENT: no such user.
 */
int confine_find_user(const char *name, const char *standard, struct confine_user *ret_user,
		      bool *ret_is_nobody);

/*
 * Keeps the process's memory, what it allocates later included, out of swap, core dumps and
 * reach of other processes of the same user. As root also lifts the limit on locked memory, so
 * call it before confine_drop(). -EPERM: may not lock without a limit, so it does not; the rest is
 * done.
 */
int confine_memory(void);

/*
 * As root: becomes @user with no supplementary group. As anybody: no capability in any set (the
 * bounding set as far as that is allowed), no_new_privs for good.
 */
int confine_drop(const struct confine_user *user);

enum confine_network {
	CONFINE_NETWORK_NONE,	/* unix sockets only */
	CONFINE_NETWORK_OPEN,	/* and what UDP sockets that are open already need */
	/*
	 * And sockets for IPv4 and IPv6 that ask others but do not listen; and, because libraries
	 * look for servers in files, files that the user may read.
	 */
	CONFINE_NETWORK_CLIENT,
};

/*
 * From here on only the system calls of an event loop on sockets, timers and memory are there.
 * Calls that open or look at files fail with EACCES; sockets can be made in AF_UNIX only;
 * memory never becomes executable; anything else kills the process, and making a thread is
 * something else: those that are there already are under the same filter. -ENOSYS: the kernel
 * cannot filter.
 */
int confine_syscalls(enum confine_network network);

enum confine_rest {
	CONFINE_REST_KILL,
	CONFINE_REST_REFUSE,	/* with EPERM, for libraries that try this and that */
};

/*
 * The same for a process that does one thing: only these calls (SCMP_SYS() numbers) are there, with
 * any arguments. -ENOSYS: the kernel cannot filter.
 */
int confine_to(const int *calls, size_t n_calls, enum confine_rest rest);

#endif
