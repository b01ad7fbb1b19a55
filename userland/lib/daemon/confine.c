// SPDX-License-Identifier: MIT
#include "daemon/confine.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <pwd.h>
#include <seccomp.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#define ARRAY_LEN(array) (sizeof(array) / sizeof((array)[0]))

/* --- user and privileges ------------------------------------------------------------------ */

int confine_find_user(const char *name, const char *standard, struct confine_user *ret_user,
		      bool *ret_is_nobody)
{
	bool is_nobody = false;
	struct passwd *entry;

	errno = 0;
	entry = getpwnam(name ? name : standard);
	if (!entry && !name) {
		entry = getpwnam("nobody");
		is_nobody = true;
	}
	if (!entry)
		return -ENOENT;
	*ret_user = (struct confine_user){ .uid = entry->pw_uid, .gid = entry->pw_gid };
	if (ret_is_nobody)
		*ret_is_nobody = is_nobody;
	return 0;
}

int confine_memory(void)
{
	const struct rlimit no_core = { 0 };
	const struct rlimit lock_all = { RLIM_INFINITY, RLIM_INFINITY };

	if (prctl(PR_SET_DUMPABLE, 0) < 0 || setrlimit(RLIMIT_CORE, &no_core) < 0)
		return -errno;
	/* under a limit, every later allocation could be refused: rather no lock than that */
	if (setrlimit(RLIMIT_MEMLOCK, &lock_all) < 0)
		return -EPERM;
	if (mlockall(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT) < 0)
		return -errno;
	return 0;
}

static int become(const struct confine_user *user)
{
	if (setgroups(0, NULL) < 0 || setresgid(user->gid, user->gid, user->gid) < 0 ||
	    setresuid(user->uid, user->uid, user->uid) < 0)
		return -errno;
	/* must not be possible */
	return setuid(0) == 0 || setgid(0) == 0 ? -EPERM : 0;
}

/* Needs CAP_SETPCAP; without it there is nothing in the other sets that could grow. */
static int empty_bounding_set(void)
{
	for (int cap = 0; prctl(PR_CAPBSET_READ, cap) >= 0; cap++)
		if (prctl(PR_CAPBSET_DROP, cap) < 0)
			return -errno;
	return 0;
}

static int empty_capabilities(void)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = { 0 };

	if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) < 0 && errno != EINVAL)
		return -errno;
	return syscall(SYS_capset, &header, data) < 0 ? -errno : 0;
}

int confine_drop(const struct confine_user *user)
{
	int r = 0;

	if (geteuid() == 0) {
		r = empty_bounding_set();
		if (r == 0)
			r = become(user);
	}
	if (r == 0)
		r = empty_capabilities();
	if (r == 0 && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		r = -errno;
	/* a change of user makes the process readable for that user again */
	if (r == 0 && prctl(PR_SET_DUMPABLE, 0) < 0)
		r = -errno;
	return r;
}

/* --- system calls ------------------------------------------------------------------------- */

static const int allowed[] = {
	/* the loop */
	SCMP_SYS(epoll_create1), SCMP_SYS(epoll_ctl), SCMP_SYS(epoll_pwait),
	SCMP_SYS(epoll_pwait2), SCMP_SYS(epoll_wait), SCMP_SYS(poll), SCMP_SYS(ppoll),
	SCMP_SYS(timerfd_create), SCMP_SYS(timerfd_settime), SCMP_SYS(signalfd4),
	SCMP_SYS(eventfd2), SCMP_SYS(read), SCMP_SYS(readv), SCMP_SYS(write), SCMP_SYS(writev),
	SCMP_SYS(close), SCMP_SYS(fcntl), SCMP_SYS(fstat),
	/* unix sockets */
	SCMP_SYS(accept4), SCMP_SYS(connect), SCMP_SYS(getpeername), SCMP_SYS(getsockname),
	SCMP_SYS(getsockopt), SCMP_SYS(setsockopt), SCMP_SYS(recvfrom), SCMP_SYS(recvmsg),
	SCMP_SYS(sendmsg), SCMP_SYS(sendto), SCMP_SYS(shutdown),
	/* memory */
	SCMP_SYS(brk), SCMP_SYS(madvise), SCMP_SYS(mlock), SCMP_SYS(mlock2), SCMP_SYS(mremap),
	SCMP_SYS(munlock), SCMP_SYS(munmap), SCMP_SYS(futex),
	/* time, chance, self */
	SCMP_SYS(clock_getres), SCMP_SYS(clock_gettime), SCMP_SYS(clock_nanosleep),
	SCMP_SYS(gettimeofday), SCMP_SYS(time), SCMP_SYS(getrandom), SCMP_SYS(getpid),
	SCMP_SYS(gettid), SCMP_SYS(getuid), SCMP_SYS(geteuid), SCMP_SYS(getgid),
	SCMP_SYS(getegid), SCMP_SYS(sched_yield), SCMP_SYS(sysinfo), SCMP_SYS(uname),
	/* signals and the end */
	SCMP_SYS(rt_sigaction), SCMP_SYS(rt_sigprocmask), SCMP_SYS(rt_sigreturn),
	SCMP_SYS(sigaltstack), SCMP_SYS(restart_syscall), SCMP_SYS(tgkill), SCMP_SYS(exit),
	SCMP_SYS(exit_group),
};

static const int allowed_udp[] = {
	SCMP_SYS(recvmmsg), SCMP_SYS(sendmmsg),
};

/* Of a client beside those: names are resolved, configuration is read. */
static const int allowed_client[] = {
	SCMP_SYS(recvmmsg), SCMP_SYS(sendmmsg), SCMP_SYS(select), SCMP_SYS(pselect6),
	SCMP_SYS(access), SCMP_SYS(faccessat), SCMP_SYS(faccessat2), SCMP_SYS(stat),
	SCMP_SYS(lstat), SCMP_SYS(statx), SCMP_SYS(newfstatat), SCMP_SYS(getdents64),
	SCMP_SYS(lseek), SCMP_SYS(pread64), SCMP_SYS(readlink), SCMP_SYS(memfd_create),
};

/* Libraries try some of these in vain and go on; that is no reason to die. */
static const int refused[] = {
	SCMP_SYS(openat2), SCMP_SYS(statfs), SCMP_SYS(fstatfs), SCMP_SYS(readlinkat),
	SCMP_SYS(unlink), SCMP_SYS(unlinkat), SCMP_SYS(getcwd), SCMP_SYS(sched_getaffinity),
};

static const int refused_files[] = {
	SCMP_SYS(access), SCMP_SYS(faccessat), SCMP_SYS(faccessat2), SCMP_SYS(open),
	SCMP_SYS(openat), SCMP_SYS(stat), SCMP_SYS(lstat), SCMP_SYS(statx), SCMP_SYS(readlink),
	SCMP_SYS(ioctl), SCMP_SYS(memfd_create),
};

static const int refused_client[] = {
	SCMP_SYS(mkdir), SCMP_SYS(mkdirat), SCMP_SYS(rename), SCMP_SYS(renameat),
	SCMP_SYS(renameat2), SCMP_SYS(link), SCMP_SYS(linkat), SCMP_SYS(chmod),
	SCMP_SYS(fchmod), SCMP_SYS(fchmodat), SCMP_SYS(fchown), SCMP_SYS(ftruncate),
	SCMP_SYS(bind), SCMP_SYS(listen), SCMP_SYS(clone), SCMP_SYS(clone3),
};

/* Of an argument, counted from 0. (libseccomp's macros leave fields out, which clang warns of.) */
static struct scmp_arg_cmp is(unsigned int argument, scmp_datum_t value)
{
	return (struct scmp_arg_cmp){ .arg = argument, .op = SCMP_CMP_EQ, .datum_a = value };
}

static struct scmp_arg_cmp is_not(unsigned int argument, scmp_datum_t value)
{
	return (struct scmp_arg_cmp){ .arg = argument, .op = SCMP_CMP_NE, .datum_a = value };
}

static struct scmp_arg_cmp is_above(unsigned int argument, scmp_datum_t value)
{
	return (struct scmp_arg_cmp){ .arg = argument, .op = SCMP_CMP_GT, .datum_a = value };
}

/* Of those in @mask, @bits are set and no others. */
static struct scmp_arg_cmp has_bits(unsigned int argument, scmp_datum_t mask, scmp_datum_t bits)
{
	return (struct scmp_arg_cmp){
		.arg = argument,
		.op = SCMP_CMP_MASKED_EQ,
		.datum_a = mask,
		.datum_b = bits,
	};
}

static int add_each(scmp_filter_ctx filter, uint32_t action, const int *calls, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		int r = seccomp_rule_add(filter, action, calls[i], 0);

		if (r < 0)
			return r;
	}
	return 0;
}

/* A call that is allowed if @only is met, and fails if @unless is. */
static int add_either(scmp_filter_ctx filter, int call, struct scmp_arg_cmp only,
		      struct scmp_arg_cmp unless)
{
	int r = seccomp_rule_add(filter, SCMP_ACT_ALLOW, call, 1, only);

	if (r == 0)
		r = seccomp_rule_add(filter, SCMP_ACT_ERRNO(EACCES), call, 1, unless);
	return r;
}

static int add_memory(scmp_filter_ctx filter)
{
	static const int mappers[] = { SCMP_SYS(mmap), SCMP_SYS(mprotect) };
	int r = 0;

	for (size_t i = 0; r == 0 && i < ARRAY_LEN(mappers); i++)
		r = seccomp_rule_add(filter, SCMP_ACT_ALLOW, mappers[i], 1,
				     has_bits(2, PROT_EXEC, 0));
	return r;
}

/* Neither files nor sockets of a network. */
static int add_closed(scmp_filter_ctx filter)
{
	int r = add_each(filter, SCMP_ACT_ERRNO(EACCES), refused_files, ARRAY_LEN(refused_files));

	if (r == 0)
		r = add_either(filter, SCMP_SYS(socket), is(0, AF_UNIX), is_not(0, AF_UNIX));
	/* glibc's fstat(); a filter cannot see that the path is empty, but all there is to get is a stat */
	if (r == 0)
		r = add_either(filter, SCMP_SYS(newfstatat),
			       is(3, AT_EMPTY_PATH),
			       is_not(3, AT_EMPTY_PATH));
	return r;
}

/* Sockets of the three families that clients know: each rule is for one value. */
static int add_client_sockets(scmp_filter_ctx filter)
{
	static const int families[] = { AF_UNIX, AF_INET, AF_INET6 };
	int r = 0;

	for (size_t i = 0; r == 0 && i < ARRAY_LEN(families); i++)
		r = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(socket), 1,
				     is(0, (scmp_datum_t)families[i]));
	/* of the rest the getaddrinfo() of glibc tries netlink, and manages without */
	if (r == 0)
		r = seccomp_rule_add(filter, SCMP_ACT_ERRNO(EACCES), SCMP_SYS(socket), 1,
				     is_above(0, AF_INET6));
	return r;
}

/* Reading is what is left of open() with none of these. */
#define OPEN_TO_WRITE (O_ACCMODE | O_CREAT | O_TRUNC)

static int add_client_files(scmp_filter_ctx filter)
{
	static const uint32_t ways[] = { O_WRONLY, O_RDWR, O_CREAT, O_TRUNC };
	int r = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(openat), 1,
				 has_bits(2, OPEN_TO_WRITE, O_RDONLY));

	if (r == 0)
		r = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(open), 1,
				     has_bits(1, OPEN_TO_WRITE, O_RDONLY));
	for (size_t i = 0; r == 0 && i < ARRAY_LEN(ways); i++)
		r = seccomp_rule_add(filter, SCMP_ACT_ERRNO(EACCES), SCMP_SYS(openat), 1,
				     has_bits(2, ways[i], ways[i]));
	for (size_t i = 0; r == 0 && i < ARRAY_LEN(ways); i++)
		r = seccomp_rule_add(filter, SCMP_ACT_ERRNO(EACCES), SCMP_SYS(open), 1,
				     has_bits(1, ways[i], ways[i]));
	return r;
}

static int add_client(scmp_filter_ctx filter)
{
	int r = add_each(filter, SCMP_ACT_ALLOW, allowed_client, ARRAY_LEN(allowed_client));

	if (r == 0)
		r = add_each(filter, SCMP_ACT_ERRNO(EACCES), refused_client,
			     ARRAY_LEN(refused_client));
	if (r == 0)
		r = add_client_sockets(filter);
	if (r == 0)
		r = add_client_files(filter);
	/* how much a resolver's socket has to read */
	if (r == 0)
		r = add_either(filter, SCMP_SYS(ioctl), is(1, FIONREAD), is_not(1, FIONREAD));
	/* plugins that nobody has loaded yet are missed */
	if (r == 0)
		r = seccomp_rule_add(filter, SCMP_ACT_ERRNO(EACCES), SCMP_SYS(mmap), 1,
				     has_bits(2, PROT_EXEC, PROT_EXEC));
	return r;
}

static int load(scmp_filter_ctx filter)
{
	if (prctl(PR_GET_SECCOMP) < 0)
		return -ENOSYS;
	return seccomp_load(filter);
}

int confine_to(const int *calls, size_t n_calls, enum confine_rest rest)
{
	scmp_filter_ctx filter = seccomp_init(rest == CONFINE_REST_KILL ? SCMP_ACT_KILL_PROCESS :
									  SCMP_ACT_ERRNO(EPERM));
	int r;

	if (!filter)
		return -ENOMEM;
	r = add_each(filter, SCMP_ACT_ALLOW, calls, n_calls);
	if (r == 0)
		r = load(filter);
	seccomp_release(filter);
	return r;
}

int confine_syscalls(enum confine_network network)
{
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_KILL_PROCESS);
	int r;

	if (!filter)
		return -ENOMEM;
	/* for all threads, which must be there already: making one is not among the calls */
	r = seccomp_attr_set(filter, SCMP_FLTATR_CTL_TSYNC, 1);
	if (r == 0)
		r = add_each(filter, SCMP_ACT_ALLOW, allowed, ARRAY_LEN(allowed));
	if (r == 0 && network == CONFINE_NETWORK_OPEN)
		r = add_each(filter, SCMP_ACT_ALLOW, allowed_udp, ARRAY_LEN(allowed_udp));
	if (r == 0)
		r = add_each(filter, SCMP_ACT_ERRNO(EACCES), refused, ARRAY_LEN(refused));
	if (r == 0)
		r = add_memory(filter);
	if (r == 0)
		r = network == CONFINE_NETWORK_CLIENT ? add_client(filter) : add_closed(filter);
	if (r == 0)
		r = load(filter);
	seccomp_release(filter);
	return r;
}
