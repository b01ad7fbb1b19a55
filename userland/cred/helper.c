// SPDX-License-Identifier: MIT
/*
 * Messages on the socketpair are a number of 8 bytes, in the byte order of the machine, and what the
 * two sides agreed upon. A call has a number that was never used before, its answer the same one;
 * what needs no answer has number 0. One message of the helper is this file's own: number 0 and
 * nothing else, the first thing that each new helper says. Whatever was asked before it was asked of
 * a predecessor.
 *
 * Example: ipsec-cred asks 7 and 8, the helper dies of 7.
 *
 *     ipsec-cred        7, 8 -->
 *     keeper                         waits for the helper, sees signal 11, forks
 *     helper            <-- 0        calls 7 and 8 end with -ECONNRESET
 *                                    8 may still be in the socket: its answer is nobody's
 *
 * All calls of a helper have the same timeout, so the oldest one ends first and one timer is enough.
 */
#include "cred/helper.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "cred/keeper.h"

struct call {
	struct call *next;
	uint64_t number;
	uint64_t end; /* usec */
	helper_reply_fn callback;
	void *userdata;
};

/* What the socket did not take yet. */
struct outgoing {
	struct outgoing *next;
	uint64_t number;
	size_t len;
	uint8_t data[];
};

struct helper {
	struct helper_config config;
	sd_event *event;
	sd_event_source *io;
	sd_event_source *timer;
	int fd;
	uint64_t last_number;
	struct call *calls; /* the oldest first */
	struct call **last;
	size_t n_calls;
	struct outgoing *queue; /* the oldest first */
	struct outgoing **queue_last;
	size_t n_queued;
	bool has_begun;
	int file;			/* that came with the message in @buf; -1: none */
	uint8_t buf[HELPER_MESSAGE_MAX_LEN];
};

/* --- sending ------------------------------------------------------------------------------ */

static void remove_queued(struct helper *helper)
{
	struct outgoing *first = helper->queue;

	helper->queue = first->next;
	if (!helper->queue)
		helper->queue_last = &helper->queue;
	helper->n_queued--;
	(void)wipe_free(first, sizeof(*first) + first->len);
}

static void send_queued(struct helper *helper)
{
	while (helper->queue) {
		const struct outgoing *first = helper->queue;

		if (helper_send(helper->fd, first->number, first->data, first->len) == -EAGAIN)
			return;
		remove_queued(helper);
	}
	(void)sd_event_source_set_io_events(helper->io, EPOLLIN);
}

static int queue_message(struct helper *helper, uint64_t number, const void *data, size_t len)
{
	struct outgoing *message;

	if (helper->n_queued >= 2 * helper->config.calls_max)
		return -EAGAIN;
	message = malloc(sizeof(*message) + len);
	if (!message)
		return -ENOMEM;
	*message = (struct outgoing){ .number = number, .len = len };
	if (len)
		memcpy(message->data, data, len);
	*helper->queue_last = message;
	helper->queue_last = &message->next;
	helper->n_queued++;
	(void)sd_event_source_set_io_events(helper->io, EPOLLIN | EPOLLOUT);
	return 0;
}

static int send_or_queue(struct helper *helper, uint64_t number, const void *data, size_t len)
{
	int r = helper->queue ? -EAGAIN : helper_send(helper->fd, number, data, len);

	return r == -EAGAIN ? queue_message(helper, number, data, len) : r;
}

/* --- calls -------------------------------------------------------------------------------- */

static struct call *remove_first(struct helper *helper)
{
	struct call *call = helper->calls;

	helper->calls = call->next;
	if (!helper->calls)
		helper->last = &helper->calls;
	helper->n_calls--;
	return call;
}

static struct call *remove_number(struct helper *helper, uint64_t number)
{
	struct call **place = &helper->calls;
	struct call *call;

	while (*place && (*place)->number != number)
		place = &(*place)->next;
	call = *place;
	if (!call)
		return NULL;
	*place = call->next;
	if (!*place)
		helper->last = place;
	helper->n_calls--;
	return call;
}

static void finish(struct call *call, int error, const void *data, size_t len)
{
	call->callback(call->userdata, error, data, len);
	free(call);
}

/* Those that are waiting now; their callbacks may make new calls. */
static void fail_all(struct helper *helper, int error)
{
	uint64_t last = helper->last_number;

	while (helper->calls && helper->calls->number <= last)
		finish(remove_first(helper), error, NULL, 0);
}

static void set_timer(struct helper *helper)
{
	if (!helper->calls)
		return;
	(void)sd_event_source_set_time(helper->timer, helper->calls->end);
	(void)sd_event_source_set_enabled(helper->timer, SD_EVENT_ONESHOT);
}

static int on_timer(sd_event_source *source, uint64_t now, void *userdata)
{
	struct helper *helper = userdata;

	(void)source;
	while (helper->calls && helper->calls->end <= now)
		finish(remove_first(helper), -ETIMEDOUT, NULL, 0);
	set_timer(helper);
	return 0;
}

/* What the first one finds in the socket is for it. */
static void on_begun(struct helper *helper)
{
	if (helper->has_begun) {
		log_warning("%s had to be started again", helper->config.name);
		fail_all(helper, -ECONNRESET);
	}
	helper->has_begun = true;
}

static void on_message(struct helper *helper, uint64_t number, size_t len)
{
	struct call *call;

	if (number == 0 && len == 0) {
		on_begun(helper);
	} else if (number == 0) {
		if (helper->config.notice)
			helper->config.notice(helper->config.notice_userdata, helper->buf, len);
	} else {
		/* none: it comes too late */
		call = remove_number(helper, number);
		if (call)
			finish(call, 0, helper->buf, len);
	}
}

/* The keeper has gone too, so nobody will start it again. */
static void on_end(struct helper *helper)
{
	log_error("%s has ended, what it does is refused until ipsec-cred is started again",
		  helper->config.name);
	(void)sd_event_source_set_enabled(helper->io, SD_EVENT_OFF);
	fail_all(helper, -ECONNRESET);
}

static void read_one(struct helper *helper)
{
	uint64_t number;
	size_t len;
	int r = helper->config.passes_files ?
		helper_receive_file(helper->fd, helper->buf, &len, &number, &helper->file) :
		helper_receive(helper->fd, helper->buf, &len, &number);

	if (r == 0)
		on_message(helper, number, len);
	else if (r == -EPIPE)
		on_end(helper);
	else if (r != -EAGAIN)
		log_warning("%s: message that cannot be read (%s), ignoring", helper->config.name,
			    strerror(-r));
	if (helper->file >= 0)
		(void)close(helper_take_file(helper));
}

static int on_io(sd_event_source *source, int fd, uint32_t events, void *userdata)
{
	struct helper *helper = userdata;

	(void)source;
	(void)fd;
	if (events & EPOLLOUT)
		send_queued(helper);
	if (events & (EPOLLIN | EPOLLHUP | EPOLLERR))
		read_one(helper);
	return 0;
}

int helper_take_file(struct helper *helper)
{
	return TAKE_FD(helper->file);
}

int helper_tell(struct helper *helper, const void *data, size_t len)
{
	return send_or_queue(helper, 0, data, len);
}

int helper_call(struct helper *helper, const void *data, size_t len, helper_reply_fn callback,
		void *userdata)
{
	_cleanup_free_ struct call *call = malloc(sizeof(*call));
	uint64_t now;
	int r;

	if (!call)
		return -ENOMEM;
	if (helper->n_calls >= helper->config.calls_max)
		return -EAGAIN;
	r = sd_event_now(helper->event, CLOCK_MONOTONIC, &now);
	if (r < 0)
		return r;
	r = send_or_queue(helper, helper->last_number + 1, data, len);
	if (r < 0)
		return r;
	*call = (struct call){ .number = ++helper->last_number,
			       .end = now + helper->config.timeout_usec,
			       .callback = callback,
			       .userdata = userdata };
	*helper->last = call;
	helper->last = &call->next;
	helper->n_calls++;
	if (helper->calls == call)
		set_timer(helper);
	(void)TAKE_PTR(call);
	return 0;
}

/* --- life --------------------------------------------------------------------------------- */

struct helper *helper_free(struct helper *helper)
{
	if (!helper)
		return NULL;
	sd_event_source_unref(helper->io);
	sd_event_source_unref(helper->timer);
	sd_event_unref(helper->event);
	if (helper->fd >= 0)
		(void)close(helper->fd);
	/* nobody waits for the keeper: once confined, this process cannot */
	while (helper->calls)
		finish(remove_first(helper), -ECONNRESET, NULL, 0);
	while (helper->queue)
		remove_queued(helper);
	free(helper);
	return NULL;
}

DEFINE_CLEANUP(struct helper *, helper_free);

static int start_keeper(struct helper *helper)
{
	int fds[2];
	pid_t keeper;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds) < 0)
		return -errno;
	keeper = fork();
	if (keeper == 0)
		_exit(keeper_run(&helper->config, fds[1]) == 0 ? 0 : 1);
	(void)close(fds[1]);
	helper->fd = fds[0];
	if (keeper < 0)
		return -EAGAIN;
	return fcntl(helper->fd, F_SETFL, O_NONBLOCK) < 0 ? -errno : 0;
}

int helper_new(sd_event *event, const struct helper_config *config, struct helper **ret_helper)
{
	_cleanup_(helper_freep) struct helper *helper = calloc(1, sizeof(*helper));
	int r;

	if (!helper)
		return -ENOMEM;
	helper->config = *config;
	helper->event = sd_event_ref(event);
	helper->last = &helper->calls;
	helper->queue_last = &helper->queue;
	helper->fd = -1;
	helper->file = -1;
	r = start_keeper(helper);
	if (r == 0)
		r = sd_event_add_io(event, &helper->io, helper->fd, EPOLLIN, on_io, helper);
	if (r >= 0)
		r = sd_event_add_time(event, &helper->timer, CLOCK_MONOTONIC, 0, 0, on_timer,
				      helper);
	if (r >= 0)
		r = sd_event_source_set_enabled(helper->timer, SD_EVENT_OFF);
	if (r < 0)
		return r;
	*ret_helper = TAKE_PTR(helper);
	return 0;
}
