// SPDX-License-Identifier: MIT
#include "cred/keeper.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/log.h"
#include "cred/helper.h"

/* A helper that lived for less is not started again at once. */
#define SHORT_LIFE_MS 1000

/* --- messages ----------------------------------------------------------------------------- */

/* Room for one descriptor beside a message. */
union passed {
	struct cmsghdr header;
	char bytes[CMSG_SPACE(sizeof(int))];
};

static void attach(struct msghdr *msg, union passed *passed, int file)
{
	struct cmsghdr *cmsg;

	*passed = (union passed){ 0 };
	msg->msg_control = passed;
	msg->msg_controllen = sizeof(*passed);
	cmsg = CMSG_FIRSTHDR(msg);
	cmsg->cmsg_level = SOL_SOCKET;
	cmsg->cmsg_type = SCM_RIGHTS;
	cmsg->cmsg_len = CMSG_LEN(sizeof(file));
	memcpy(CMSG_DATA(cmsg), &file, sizeof(file));
}

static int detach(struct msghdr *msg)
{
	struct cmsghdr *cmsg = CMSG_FIRSTHDR(msg);
	int file = -1;

	if (cmsg && cmsg->cmsg_level == SOL_SOCKET && cmsg->cmsg_type == SCM_RIGHTS &&
	    cmsg->cmsg_len == CMSG_LEN(sizeof(file)))
		memcpy(&file, CMSG_DATA(cmsg), sizeof(file));
	return file;
}

int helper_send_file(int fd, uint64_t number, const void *data, size_t len, int file)
{
	struct iovec iov[] = { { &number, sizeof(number) }, { (void *)data, len } };
	struct msghdr msg = { .msg_iov = iov, .msg_iovlen = 2 };
	union passed passed;

	if (len > HELPER_MESSAGE_MAX_LEN)
		return -EMSGSIZE;
	if (file >= 0)
		attach(&msg, &passed, file);
	while (sendmsg(fd, &msg, MSG_NOSIGNAL) < 0)
		if (errno != EINTR)
			return errno == ECONNRESET ? -EPIPE : -errno;
	return 0;
}

int helper_send(int fd, uint64_t number, const void *data, size_t len)
{
	return helper_send_file(fd, number, data, len, -1);
}

static int receive(int fd, struct msghdr *msg, size_t *ret_len)
{
	ssize_t n;

	do
		n = recvmsg(fd, msg, MSG_CMSG_CLOEXEC);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return errno == ECONNRESET ? -EPIPE : -errno;
	if (n == 0)
		return -EPIPE;
	if ((size_t)n < sizeof(uint64_t) || msg->msg_flags & MSG_TRUNC)
		return -EBADMSG;
	*ret_len = (size_t)n - sizeof(uint64_t);
	return 0;
}

/* Without room for a descriptor the kernel closes what comes. */
int helper_receive(int fd, void *buf, size_t *ret_len, uint64_t *ret_number)
{
	struct iovec iov[] = { { ret_number, sizeof(*ret_number) },
			       { buf, HELPER_MESSAGE_MAX_LEN } };
	struct msghdr msg = { .msg_iov = iov, .msg_iovlen = 2 };

	return receive(fd, &msg, ret_len);
}

int helper_receive_file(int fd, void *buf, size_t *ret_len, uint64_t *ret_number, int *ret_file)
{
	struct iovec iov[] = { { ret_number, sizeof(*ret_number) },
			       { buf, HELPER_MESSAGE_MAX_LEN } };
	union passed passed = { 0 };
	struct msghdr msg = { .msg_iov = iov, .msg_iovlen = 2, .msg_control = &passed,
			      .msg_controllen = sizeof(passed) };
	int r = receive(fd, &msg, ret_len);
	int file = r == 0 || r == -EBADMSG ? detach(&msg) : -1;

	if (r == 0)
		*ret_file = file;
	else if (file >= 0)
		(void)close(file);
	return r;
}

/* --- keeper ------------------------------------------------------------------------------- */

static uint64_t now_ms(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/* The loop's signals end this process; files are what the helper opens itself. */
static void forget_parent(int fd)
{
	sigset_t none;

	(void)sigemptyset(&none);
	(void)signal(SIGTERM, SIG_DFL);
	(void)signal(SIGINT, SIG_DFL);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
	if (fd > STDERR_FILENO + 1)
		(void)close_range(STDERR_FILENO + 1, (unsigned int)fd - 1, 0);
	(void)close_range((unsigned int)fd + 1, ~0U, 0);
}

static int be_helper(const struct helper_config *config, int fd)
{
	int r = helper_send(fd, 0, NULL, 0);

	if (r == 0)
		r = config->run(config->run_userdata, fd);
	return r == -EPIPE ? 0 : r;
}

/* One helper after the other; returns when ipsec-cred has gone. */
static int keep(const struct helper_config *config, int fd)
{
	struct pollfd parent = { .fd = fd };

	for (;;) {
		uint64_t begin = now_ms();
		pid_t child = fork();
		int status = 0;

		if (child == 0)
			_exit(be_helper(config, fd) == 0 ? 0 : 1);
		while (child > 0 && waitpid(child, &status, 0) < 0 && errno == EINTR)
			;
		if (child > 0 && WIFEXITED(status) && WEXITSTATUS(status) == 0)
			return 0;
		log_error("%s: ended with %s %d", config->name,
			  WIFSIGNALED(status) ? "signal" : "status",
			  WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
		/* POLLHUP is always asked for */
		if (poll(&parent, 1, now_ms() - begin < SHORT_LIFE_MS ? SHORT_LIFE_MS : 0) > 0)
			return 0;
	}
}

int keeper_run(const struct helper_config *config, int fd)
{
	const struct rlimit none = { 0 };
	const struct rlimit lock_all = { RLIM_INFINITY, RLIM_INFINITY };
	int r = 0;

	forget_parent(fd);
	(void)prctl(PR_SET_NAME, config->name);
	(void)setrlimit(RLIMIT_CORE, &none);
	(void)setrlimit(RLIMIT_MEMLOCK, &lock_all); /* for a helper that has keys; only root may */
	if (config->prepare)
		r = config->prepare(config->run_userdata);
	if (r == 0 && config->user)
		r = confine_drop(config->user);
	if (r < 0) {
		log_error("%s: cannot start: %s", config->name, strerror(-r));
		return r;
	}
	return keep(config, fd);
}
