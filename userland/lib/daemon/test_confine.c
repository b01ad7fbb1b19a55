// SPDX-License-Identifier: MIT
/* Each case runs in a child, which loses its rights for good. */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "daemon/confine.h"
#include "daemon/daemon.h"

/* Exit status of @body in a child, or minus the signal that ended it. */
static int run(int (*body)(void))
{
	pid_t child = fork();
	int status;

	assert_true(child >= 0);
	if (child == 0)
		_exit(body());
	assert_int_equal(waitpid(child, &status, 0), child);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

/* --- system calls ------------------------------------------------------------------------- */

static int confine_or_exit(enum confine_network network)
{
	(void)prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	return confine_syscalls(network) == 0;
}

static int no_files(void)
{
	struct stat st;

	if (!confine_or_exit(CONFINE_NETWORK_OPEN))
		return 10;
	if (open("/etc/passwd", O_RDONLY) >= 0 || errno != EACCES)
		return 1;
	if (open("/tmp/x", O_WRONLY | O_CREAT, 0600) >= 0 || errno != EACCES)
		return 2;
	if (stat("/etc/passwd", &st) == 0 || errno != EACCES)
		return 3;
	return unlink("/nothing") == 0 || errno != EACCES ? 4 : 0;
}

static int no_new_network(void)
{
	if (!confine_or_exit(CONFINE_NETWORK_OPEN))
		return 10;
	if (socket(AF_INET, SOCK_DGRAM, 0) >= 0 || errno != EACCES)
		return 1;
	if (socket(AF_NETLINK, SOCK_RAW, 0) >= 0 || errno != EACCES)
		return 2;
	if (socket(AF_PACKET, SOCK_RAW, 0) >= 0 || errno != EACCES)
		return 3;
	return socket(AF_UNIX, SOCK_STREAM, 0) < 0 ? 4 : 0;
}

static int what_a_loop_needs(void)
{
	void *p;

	if (!confine_or_exit(CONFINE_NETWORK_NONE))
		return 10;
	p = mmap(NULL, 65536, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (p == MAP_FAILED || munmap(p, 65536) < 0)
		return 1;
	p = malloc(1 << 20);
	if (!p)
		return 2;
	memset(p, 1, 1 << 20);
	free(p);
	return write(STDERR_FILENO, "", 0) < 0 ? 3 : 0;
}

static int executes(void)
{
	if (!confine_or_exit(CONFINE_NETWORK_OPEN))
		return 10;
	(void)execl("/bin/true", "true", NULL);
	return 1;
}

static int forks(void)
{
	if (!confine_or_exit(CONFINE_NETWORK_OPEN))
		return 10;
	(void)syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);
	return 1;
}

static int maps_code(void)
{
	if (!confine_or_exit(CONFINE_NETWORK_OPEN))
		return 10;
	(void)mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	return 1;
}

static int traces(void)
{
	if (!confine_or_exit(CONFINE_NETWORK_OPEN))
		return 10;
	(void)syscall(SYS_ptrace, 0, 0, 0, 0);
	return 1;
}

static int sends_datagrams(void)
{
	if (!confine_or_exit(CONFINE_NETWORK_NONE))
		return 10;
	(void)sendmmsg(-1, NULL, 0, 0);
	return 1;
}

static int sends_datagrams_with_network(void)
{
	if (!confine_or_exit(CONFINE_NETWORK_OPEN))
		return 10;
	return sendmmsg(-1, NULL, 0, 0) < 0 && errno == EBADF ? 0 : 1;
}

static void *trace_when_told(void *userdata)
{
	const int *fd = userdata;
	char c;

	if (read(*fd, &c, 1) == 1)
		(void)syscall(SYS_ptrace, 0, 0, 0, 0);
	return NULL;
}

/* One that was there before is under the filter too. */
static int traces_in_a_thread(void)
{
	pthread_t thread;
	int fds[2];

	char c;

	/* for want of a signal from the filter another one ends it */
	(void)alarm(30);
	if (pipe(fds) < 0 || pthread_create(&thread, NULL, trace_when_told, &fds[0]) != 0 ||
	    !confine_or_exit(CONFINE_NETWORK_OPEN))
		return 10;
	if (write(fds[1], "", 1) != 1)
		return 11;
	(void)pthread_join(thread, NULL);
	/* the thread may have ended a moment before the rest of the process is told */
	(void)read(fds[0], &c, 1);
	return 1;
}

static int makes_a_thread(void)
{
	pthread_t thread;
	int fd = -1;

	if (!confine_or_exit(CONFINE_NETWORK_OPEN))
		return 10;
	(void)pthread_create(&thread, NULL, trace_when_told, &fd);
	return 1;
}

static int client_reads(void)
{
	struct stat st;
	char byte;
	int fd;

	if (!confine_or_exit(CONFINE_NETWORK_CLIENT))
		return 10;
	fd = open("/etc/passwd", O_RDONLY | O_CLOEXEC);
	if (fd < 0 || read(fd, &byte, 1) != 1 || stat("/etc/passwd", &st) < 0)
		return 1;
	if (open("/dev/null", O_WRONLY) >= 0 || errno != EACCES)
		return 2;
	if (open("/dev/null", O_RDWR) >= 0 || errno != EACCES)
		return 3;
	if (open("/tmp/x", O_RDONLY | O_CREAT, 0600) >= 0 || errno != EACCES)
		return 4;
	if (rename("/nothing", "/nowhere") == 0 || errno != EACCES)
		return 5;
	if (mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE, fd, 0) != MAP_FAILED)
		return 6;
	return unlink("/nothing") == 0 || errno != EACCES ? 7 : 0;
}

static int client_asks(void)
{
	static const struct sockaddr_in nobody = { .sin_family = AF_INET };
	int fd;

	if (!confine_or_exit(CONFINE_NETWORK_CLIENT))
		return 10;
	if (socket(AF_UNIX, SOCK_STREAM, 0) < 0 || socket(AF_INET6, SOCK_STREAM, 0) < 0)
		return 1;
	fd = socket(AF_INET, SOCK_DGRAM, 0);
	if (fd < 0)
		return 2;
	if (bind(fd, (const struct sockaddr *)&nobody, sizeof(nobody)) == 0 || errno != EACCES)
		return 3;
	if (socket(AF_NETLINK, SOCK_RAW, 0) >= 0 || errno != EACCES)
		return 4;
	if (socket(AF_PACKET, SOCK_RAW, 0) >= 0 || errno != EACCES)
		return 5;
	return sendmmsg(-1, NULL, 0, 0) < 0 && errno == EBADF ? 0 : 6;
}

static int client_executes(void)
{
	if (!confine_or_exit(CONFINE_NETWORK_CLIENT))
		return 10;
	(void)execl("/bin/true", "true", NULL);
	return 1;
}

static int client_traces(void)
{
	if (!confine_or_exit(CONFINE_NETWORK_CLIENT))
		return 10;
	(void)syscall(SYS_ptrace, 0, 0, 0, 0);
	return 1;
}

static void test_system_calls(void **state)
{
	(void)state;
	assert_int_equal(run(traces_in_a_thread), -SIGSYS);
	assert_int_equal(run(makes_a_thread), -SIGSYS);
	assert_int_equal(run(client_reads), 0);
	assert_int_equal(run(client_asks), 0);
	assert_int_equal(run(client_executes), -SIGSYS);
	assert_int_equal(run(client_traces), -SIGSYS);
	assert_int_equal(run(no_files), 0);
	assert_int_equal(run(no_new_network), 0);
	assert_int_equal(run(what_a_loop_needs), 0);
	assert_int_equal(run(executes), -SIGSYS);
	assert_int_equal(run(forks), -SIGSYS);
	assert_int_equal(run(maps_code), -SIGSYS);
	assert_int_equal(run(traces), -SIGSYS);
	assert_int_equal(run(sends_datagrams), -SIGSYS);
	assert_int_equal(run(sends_datagrams_with_network), 0);
}

/* --- privileges --------------------------------------------------------------------------- */

/* The hexadecimal number behind @name in /proc/self/status; -1 if there is none. */
static long long status_field(const char *name)
{
	FILE *file = fopen("/proc/self/status", "re");
	long long value = -1;
	char line[256];

	while (file && fgets(line, sizeof(line), file))
		if (strncmp(line, name, strlen(name)) == 0)
			value = (long long)strtoull(line + strlen(name) + 1, NULL, 16);
	if (file)
		(void)fclose(file);
	return value;
}

static int drops(void)
{
	struct confine_user user;
	bool is_root = getuid() == 0;

	if (is_root) {
		if (confine_find_user("nobody", NULL, &user, NULL) < 0)
			return 1;
	} else {
		user = (struct confine_user){ getuid(), getgid() };
	}
	if (confine_drop(&user) < 0)
		return 2;
	if (geteuid() == 0 || getegid() == 0 || (is_root && getgroups(0, NULL) != 0))
		return 3;
	/* before the sets are looked at: /proc/self belongs to root for those who are not dumpable */
	if (prctl(PR_GET_DUMPABLE) != 0)
		return 4;
	if (prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) != 1)
		return 5;
	(void)prctl(PR_SET_DUMPABLE, 1);
	if (status_field("CapEff") || status_field("CapPrm") || status_field("CapInh") ||
	    status_field("CapAmb"))
		return 6;
	return is_root && status_field("CapBnd") ? 7 : 0;
}

static int hides(void)
{
	struct rlimit limit;

	/* locking can be refused to somebody who is not root; the rest must not be */
	(void)confine_memory();
	if (getrlimit(RLIMIT_CORE, &limit) < 0 || limit.rlim_cur || limit.rlim_max)
		return 1;
	return prctl(PR_GET_DUMPABLE) != 0 ? 2 : 0;
}

static void test_privileges(void **state)
{
	(void)state;
	assert_int_equal(run(drops), 0);
	assert_int_equal(run(hides), 0);
}

static void test_users(void **state)
{
	struct confine_user user = { 1, 1 };
	bool is_nobody = false;

	(void)state;
	assert_int_equal(confine_find_user("no-such-user-here", NULL, &user, NULL), -ENOENT);
	assert_int_equal(user.uid, 1);
	assert_int_equal(confine_find_user(NULL, "no-such-user-here", &user, &is_nobody), 0);
	assert_true(is_nobody);
	assert_int_equal(confine_find_user("root", "nobody", &user, &is_nobody), 0);
	assert_false(is_nobody);
	assert_int_equal(user.uid, 0);
	assert_int_equal(confine_find_user(NULL, "root", &user, &is_nobody), 0);
	assert_false(is_nobody);
}

static void test_paths(void **state)
{
	char dir[] = "/tmp/test_confine.XXXXXX", path[128], longest[120];

	(void)state;
	assert_non_null(mkdtemp(dir));
	assert_int_equal(daemon_path(dir, "run", path, sizeof(path)), 0);
	assert_int_equal(daemon_make_run_dir(path), 0);
	assert_int_equal(daemon_make_run_dir(path), 0);
	assert_int_equal(rmdir(path), 0);
	assert_int_equal(symlink("/dev/null", path), 0);
	assert_int_equal(daemon_make_run_dir(path), -ENOTDIR);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(rmdir(dir), 0);
	memset(longest, 'x', sizeof(longest));
	longest[0] = '/';
	longest[sizeof(longest) - 1] = '\0';
	assert_int_equal(daemon_path(longest, "run", path, sizeof(path)), -ENAMETOOLONG);
	assert_int_equal(daemon_path(dir, "run", path, 5), -ENAMETOOLONG);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_system_calls),
		cmocka_unit_test(test_privileges),
		cmocka_unit_test(test_users),
		cmocka_unit_test(test_paths),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
