// SPDX-License-Identifier: MIT
#include "cred/fetch_process.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <seccomp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "cred/fetch_job.h"
#include "cred/helper.h"
#include "daemon/confine.h"

#define MEMORY_MAX (512UL << 20)
#define FILES_MAX 64
/* Names are resolved in the time of the connection, which the library does not bound well. */
#define GRACE_MS 2000

struct worker {
	pid_t pid;		/* 0: free */
	int pid_fd;
	int file;
	uint64_t number;
	uint64_t end;		/* ms */
};

struct fetcher {
	const struct fetch_process *config;
	int socket;
	struct worker workers[FETCH_PROCESSES_MAX];
	size_t n_workers;
};

static uint64_t now_ms(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/* --- in the process of one URL ------------------------------------------------------------ */

static void bound(int resource, rlim_t max)
{
	const struct rlimit limit = { max, max };

	(void)setrlimit(resource, &limit);
}

/* Names are looked up with whatever nsswitch.conf names, so the rest is refused gently. */
static int confine(unsigned int seconds)
{
	static const int allowed[] = {
		SCMP_SYS(socket), SCMP_SYS(connect), SCMP_SYS(getsockname), SCMP_SYS(getpeername),
		SCMP_SYS(getsockopt), SCMP_SYS(setsockopt), SCMP_SYS(bind), SCMP_SYS(sendto),
		SCMP_SYS(sendmsg), SCMP_SYS(sendmmsg), SCMP_SYS(recvfrom), SCMP_SYS(recvmsg),
		SCMP_SYS(shutdown), SCMP_SYS(socketpair), SCMP_SYS(poll), SCMP_SYS(ppoll),
		SCMP_SYS(select), SCMP_SYS(pselect6), SCMP_SYS(ioctl), SCMP_SYS(fcntl),
		SCMP_SYS(pipe), SCMP_SYS(pipe2), SCMP_SYS(eventfd2), SCMP_SYS(openat),
		SCMP_SYS(read), SCMP_SYS(readv), SCMP_SYS(pread64), SCMP_SYS(write),
		SCMP_SYS(writev), SCMP_SYS(close), SCMP_SYS(fstat), SCMP_SYS(newfstatat),
		SCMP_SYS(stat), SCMP_SYS(lseek), SCMP_SYS(access), SCMP_SYS(readlink),
		SCMP_SYS(uname), SCMP_SYS(mmap), SCMP_SYS(mprotect), SCMP_SYS(munmap),
		SCMP_SYS(mremap), SCMP_SYS(madvise), SCMP_SYS(brk), SCMP_SYS(futex),
		SCMP_SYS(clone), SCMP_SYS(clone3), SCMP_SYS(set_robust_list), SCMP_SYS(rseq),
		SCMP_SYS(set_tid_address), SCMP_SYS(exit), SCMP_SYS(exit_group),
		SCMP_SYS(rt_sigaction), SCMP_SYS(rt_sigprocmask), SCMP_SYS(rt_sigreturn),
		SCMP_SYS(sigaltstack), SCMP_SYS(getrandom), SCMP_SYS(getpid), SCMP_SYS(gettid),
		SCMP_SYS(getuid), SCMP_SYS(geteuid), SCMP_SYS(getgid), SCMP_SYS(getegid),
		SCMP_SYS(clock_gettime), SCMP_SYS(clock_getres), SCMP_SYS(clock_nanosleep),
		SCMP_SYS(gettimeofday), SCMP_SYS(time), SCMP_SYS(sysinfo),
		SCMP_SYS(restart_syscall), SCMP_SYS(sched_getaffinity), SCMP_SYS(sched_yield),
		SCMP_SYS(prctl), SCMP_SYS(prlimit64), SCMP_SYS(getrlimit), SCMP_SYS(statfs),
	};

	bound(RLIMIT_FSIZE, FETCH_LEN_MAX);
	bound(RLIMIT_NOFILE, FILES_MAX);
	bound(RLIMIT_CPU, seconds);
#ifndef __SANITIZE_ADDRESS__
	bound(RLIMIT_AS, MEMORY_MAX);
	return confine_to(allowed, sizeof(allowed) / sizeof(allowed[0]), CONFINE_REST_REFUSE);
#else
	(void)allowed;
	return 0;
#endif
}

/* Exit status: 0 or an errno. */
static int fetch(const struct fetch_process *config, const char *url, int file)
{
	const struct fetch_limits limits = {
		.guard = &config->guard,
		.len_max = FETCH_LEN_MAX,
		.connect_seconds = FETCH_CONNECT_SECONDS,
		.seconds = config->seconds,
	};
	int r;

	/* who made us is gone: so is who waits */
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	(void)prctl(PR_SET_NAME, "cred-fetch-url");
	/* too much is an error, and not the end */
	(void)signal(SIGXFSZ, SIG_IGN);
	(void)signal(SIGPIPE, SIG_IGN);
	r = confine(config->seconds);
	if (r < 0 && r != -ENOSYS)
		return -r;
	return -fetch_url(url, &limits, file);
}

/* --- beginning and end of a URL ----------------------------------------------------------- */

static void answer(const struct fetcher *fetcher, uint64_t number, int error, int file)
{
	const struct fetch_answer answer = { .error = error };

	(void)helper_send_file(fetcher->socket, number, &answer, sizeof(answer), error ? -1 : file);
}

static struct worker *free_worker(struct fetcher *fetcher)
{
	struct worker *worker = fetcher->workers;

	while (worker->pid)
		worker++;
	return worker;
}

/* 0 or -errno; then nothing has begun. */
static int start(struct fetcher *fetcher, const char *url, uint64_t number)
{
	_cleanup_close_ int file = memfd_create("crl", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	struct worker *worker = free_worker(fetcher);
	pid_t pid;
	int pid_fd;

	if (file < 0)
		return -errno;
	pid = fork();
	if (pid == 0) {
		(void)close(fetcher->socket);
		_exit(fetch(fetcher->config, url, file));
	}
	pid_fd = pid > 0 ? pidfd_open(pid, 0) : -1;
	if (pid_fd < 0) {
		int error = -errno;

		if (pid > 0) {
			(void)kill(pid, SIGKILL);
			(void)waitpid(pid, NULL, 0);
		}
		return error;
	}
	*worker = (struct worker){ pid, pid_fd, TAKE_FD(file), number,
				   now_ms() + fetcher->config->seconds * 1000 + GRACE_MS };
	fetcher->n_workers++;
	return 0;
}

/* From here on nobody can change what is in it; it is read from the beginning. */
static int seal(int file)
{
	if (lseek(file, 0, SEEK_SET) < 0)
		return -errno;
	return fcntl(file, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL) < 0 ?
	       -errno : 0;
}

static void finish(struct fetcher *fetcher, struct worker *worker)
{
	int status = 0, error = -EIO;

	(void)waitpid(worker->pid, &status, 0);
	if (WIFEXITED(status))
		error = -WEXITSTATUS(status);
	else if (now_ms() >= worker->end || WTERMSIG(status) == SIGXCPU)
		error = -ETIMEDOUT;
	if (error == 0)
		error = seal(worker->file);
	answer(fetcher, worker->number, error, worker->file);
	(void)close(worker->file);
	(void)close(worker->pid_fd);
	*worker = (struct worker){ 0 };
	fetcher->n_workers--;
}

/* --- the loop ----------------------------------------------------------------------------- */

static int take_call(struct fetcher *fetcher)
{
	static char buf[HELPER_MESSAGE_MAX_LEN];
	char url[FETCH_URL_MAX_LEN + 1] = "";
	uint64_t number;
	size_t len;
	int r = helper_receive(fetcher->socket, buf, &len, &number);

	if (r == -EBADMSG || (r == 0 && !number))
		return 0;
	if (r < 0)
		return r;
	if (len && len <= FETCH_URL_MAX_LEN)
		memcpy(url, buf, len);
	r = *url ? start(fetcher, url, number) : -EINVAL;
	if (r < 0)
		answer(fetcher, number, r, -1);
	return 0;
}

/* Milliseconds until the first has to be stopped; -1: there is none. Stops those that are late. */
static int stop_late(struct fetcher *fetcher)
{
	uint64_t now = now_ms(), first = UINT64_MAX;

	for (size_t i = 0; i < FETCH_PROCESSES_MAX; i++) {
		struct worker *worker = &fetcher->workers[i];

		if (worker->pid && worker->end <= now)
			(void)kill(worker->pid, SIGKILL);
		else if (worker->pid && worker->end < first)
			first = worker->end;
	}
	return first == UINT64_MAX ? -1 : (int)(first - now) + 1;
}

static int serve(struct fetcher *fetcher)
{
	struct pollfd fds[1 + FETCH_PROCESSES_MAX];

	for (;;) {
		/* calls wait in the socket while there is no process left for them */
		bool is_full = fetcher->n_workers == FETCH_PROCESSES_MAX;
		int r = 0;

		fds[0] = (struct pollfd){ .fd = fetcher->socket, .events = is_full ? 0 : POLLIN };
		for (size_t i = 0; i < FETCH_PROCESSES_MAX; i++) {
			const struct worker *worker = &fetcher->workers[i];

			fds[i + 1] = (struct pollfd){ .fd = worker->pid ? worker->pid_fd : -1,
						      .events = POLLIN };
		}
		if (poll(fds, 1 + FETCH_PROCESSES_MAX, stop_late(fetcher)) <= 0)
			continue;
		for (size_t i = 0; i < FETCH_PROCESSES_MAX; i++)
			if (fds[i + 1].revents)
				finish(fetcher, &fetcher->workers[i]);
		if (fds[0].revents & POLLIN)
			r = take_call(fetcher);
		else if (fds[0].revents)
			r = -EPIPE;
		if (r < 0)
			return r;
	}
}

int fetch_process_run(void *userdata, int fd)
{
	struct fetcher fetcher = { .config = userdata, .socket = fd };

	return serve(&fetcher);
}
