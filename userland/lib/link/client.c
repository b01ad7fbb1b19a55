// SPDX-License-Identifier: MIT
/*
 * A link that comes back, and the calls that wait for it.
 *
 * A call is in one list from start to end, in the order in which it was made: active (sent, a
 * struct link_call exists) or waiting (a copy of its arguments and a timer exist). Going up
 * makes waiting calls active; going down ends active calls, or makes those wait again that may
 * be repeated.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "link/codec.h"
#include "link/link_internal.h"
#include "link/method.h"

#define RETRY_FIRST_USEC UINT64_C(50000)
#define RETRY_LAST_USEC UINT64_C(2000000)

struct link_client_call {
	struct link_client *client;
	struct link_client_call *prev;
	struct link_client_call *next;
	const struct link_method *method;
	void *args;			/* our copy; NULL when it will never be needed again */
	uint64_t deadline;		/* CLOCK_MONOTONIC, µs; of calls that are answered */
	bool may_repeat;
	link_reply_fn callback;
	void *userdata;
	struct link_call *active;
	bool is_waiting;
	sd_event_source *timer;		/* of a waiting call that is answered */
};

struct link_client {
	sd_event *event;
	struct link_config config;
	struct sockaddr_un address;
	uid_t uids[LINK_UIDS_MAX];
	size_t n_uids;
	struct link *link;
	sd_bus *bus;
	sd_event_source *retry;
	uint64_t delay;
	uint64_t up_since;		/* 0: not up */
	struct link_client_call *first;
	struct link_client_call *last;
	size_t n_waiting;
};

static uint64_t now_usec(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

/* --- calls -------------------------------------------------------------------------------- */

static void stop_waiting(struct link_client_call *call)
{
	if (!call->is_waiting)
		return;
	call->is_waiting = false;
	call->client->n_waiting--;
	call->timer = sd_event_source_disable_unref(call->timer);
}

static struct link_client_call *call_free(struct link_client_call *call)
{
	struct link_client *client;

	if (!call)
		return NULL;
	client = call->client;
	stop_waiting(call);
	(void)link_call_cancel(call->active);
	*(call->prev ? &call->prev->next : &client->first) = call->next;
	*(call->next ? &call->next->prev : &client->last) = call->prev;
	if (call->method->request)
		(void)codec_free(call->method->request, call->args);
	free(call);
	return NULL;
}

static void call_finish(struct link_client_call *call, int error, const void *reply)
{
	link_reply_fn callback = call->callback;
	void *userdata = call->userdata;

	call->active = NULL;
	(void)call_free(call);
	if (callback)
		callback(userdata, error, reply);
}

static int on_deadline(sd_event_source *source, uint64_t usec, void *userdata)
{
	(void)source;
	(void)usec;
	call_finish(userdata, -ETIMEDOUT, NULL);
	return 0;
}

static int start_waiting(struct link_client_call *call)
{
	struct link_client *client = call->client;
	int r;

	if (client->n_waiting >= LINK_QUEUE_MAX)
		return -ENOBUFS;
	if (!call->method->is_one_way) {
		r = sd_event_add_time(client->event, &call->timer, CLOCK_MONOTONIC,
				      call->deadline, 1, on_deadline, call);
		if (r < 0)
			return r;
	}
	call->is_waiting = true;
	client->n_waiting++;
	return 0;
}

static void on_reply(void *userdata, int error, const void *reply)
{
	struct link_client_call *call = userdata;

	call->active = NULL;
	if (error == -ECONNRESET && call->may_repeat) {
		error = start_waiting(call);
		if (error == 0)
			return;
	}
	call_finish(call, error, reply);
}

/* The peer has gone, and the loop has not seen it yet. */
static bool is_lost(int error)
{
	return error == -ENOTCONN || error == -ECONNRESET || error == -EPIPE;
}

/* 0: sent. A call whose time is over is sent, too, and times out as any other. */
static int activate(struct link_client_call *call, const void *args)
{
	struct link *link = call->client->link;
	uint64_t now = now_usec();
	uint64_t left = call->deadline > now ? call->deadline - now : 1;

	if (call->method->is_one_way)
		return link_send(link, call->method, args);
	return link_call(link, call->method, args, left, on_reply, call, &call->active);
}

static struct link_client_call *first_waiting(const struct link_client *client)
{
	struct link_client_call *call = client->first;

	while (call && !call->is_waiting)
		call = call->next;
	return call;
}

/* Starts from the front each time, because callbacks may cancel any call. */
static void activate_all(struct link_client *client)
{
	struct link_client_call *call;

	while ((call = first_waiting(client))) {
		int r = activate(call, call->args);

		if (is_lost(r))
			return;
		if (r < 0 || call->method->is_one_way)
			call_finish(call, r, NULL);
		else
			stop_waiting(call);
	}
}

static struct link_client_call *call_new(struct link_client *client,
					 const struct link_method *method, uint64_t timeout_usec)
{
	struct link_client_call *call = calloc(1, sizeof(*call));

	if (!call)
		return NULL;
	call->client = client;
	call->method = method;
	call->deadline = now_usec() + (timeout_usec ? timeout_usec : LINK_TIMEOUT_DEFAULT_USEC);
	call->prev = client->last;
	*(call->prev ? &call->prev->next : &client->first) = call;
	client->last = call;
	return call;
}

static bool is_up(const struct link_client *client)
{
	return client->link && client->link->is_up && !client->link->is_closing;
}

/* Sends or keeps a new call, which it frees on failure. */
static int start(struct link_client_call *call, const void *args)
{
	struct link_client *client = call->client;
	const struct codec_type *type = call->method->request;
	int r = type && codec_check(type, args) < 0 ? -EINVAL : 0;

	if (r == 0)
		r = is_up(client) ? activate(call, args) : -ENOTCONN;
	if (type && (is_lost(r) || (r == 0 && call->may_repeat))) {
		call->args = codec_copy(type, args);
		if (!call->args)
			r = -ENOMEM;
	}
	if (is_lost(r))
		r = start_waiting(call);
	if (r < 0)
		(void)call_free(call);
	return r;
}

int link_client_call(struct link_client *client, const struct link_method *method,
		     const void *args, uint64_t timeout_usec, bool may_repeat,
		     link_reply_fn callback, void *userdata, struct link_client_call **ret_call)
{
	struct link_client_call *call;
	int r;

	if (method->is_one_way)
		return -EINVAL;
	call = call_new(client, method, timeout_usec);
	if (!call)
		return -ENOMEM;
	call->may_repeat = may_repeat;
	call->callback = callback;
	call->userdata = userdata;
	r = start(call, args);
	if (r == 0 && ret_call)
		*ret_call = call;
	return r;
}

struct link_client_call *link_client_call_cancel(struct link_client_call *call)
{
	return call_free(call);
}

int link_client_send(struct link_client *client, const struct link_method *method,
		     const void *args)
{
	struct link_client_call *call;

	if (!method->is_one_way)
		return -EINVAL;
	if (is_up(client)) {
		int r = link_send(client->link, method, args);

		if (!is_lost(r))
			return r;
	}
	call = call_new(client, method, 0);
	return call ? start(call, args) : -ENOMEM;
}

/* --- connection --------------------------------------------------------------------------- */

static int on_retry(sd_event_source *source, uint64_t usec, void *userdata);

static void retry_later(struct link_client *client)
{
	uint64_t delay = client->delay;

	client->delay = delay ? delay * 2 : RETRY_FIRST_USEC;
	if (client->delay > RETRY_LAST_USEC)
		client->delay = RETRY_LAST_USEC;
	client->retry = sd_event_source_disable_unref(client->retry);
	(void)sd_event_add_time_relative(client->event, &client->retry, CLOCK_MONOTONIC, delay,
					 1000, on_retry, client);
}

static void on_gone(void *owner, struct link *link)
{
	struct link_client *client = owner;

	link_finish(link);
	client->link = NULL;
	client->bus = sd_bus_close_unref(client->bus);
	/* one that is refused at once, again and again, must not keep us busy */
	if (client->up_since && now_usec() - client->up_since > RETRY_LAST_USEC)
		client->delay = 0;
	client->up_since = 0;
	retry_later(client);
}

static void on_up(void *owner, struct link *link)
{
	struct link_client *client = owner;

	(void)link;
	client->up_since = now_usec();
	activate_all(client);
}

/* A connected socket to somebody who may be there, or -errno. */
static int open_socket(const struct link_client *client, struct link_peer *ret_peer)
{
	_cleanup_close_ int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int r;

	if (fd < 0)
		return -errno;
	if (connect(fd, (const struct sockaddr *)&client->address, sizeof(client->address)) < 0)
		return -errno;
	r = link_peer_of(fd, ret_peer);
	if (r < 0)
		return r;
	if (!link_peer_is_welcome(ret_peer, client->uids, client->n_uids))
		return -EPERM;
	return TAKE_FD(fd);
}

static int start_link(struct link_client *client, const struct link_peer *peer)
{
	int r;

	client->link = link_new(client->event, &client->config, peer, on_gone, client);
	if (!client->link)
		return -ENOMEM;
	client->link->went_up = on_up;
	r = link_attach(client->link, client->bus);
	if (r >= 0)
		r = sd_bus_start(client->bus);
	if (r >= 0)
		r = sd_bus_attach_event(client->bus, client->event, SD_EVENT_PRIORITY_NORMAL);
	return r;
}

static int connect_once(struct link_client *client)
{
	struct link_peer peer;
	int fd = open_socket(client, &peer);
	int r;

	if (fd < 0)
		return fd;
	r = link_bus_new(fd, false, &client->bus);
	if (r < 0) {
		(void)close(fd);
		return r;
	}
	r = start_link(client, &peer);
	if (r < 0) {
		client->link = link_free(client->link);
		client->bus = sd_bus_close_unref(client->bus);
	}
	return r;
}

static int on_retry(sd_event_source *source, uint64_t usec, void *userdata)
{
	struct link_client *client = userdata;

	(void)source;
	(void)usec;
	client->retry = sd_event_source_disable_unref(client->retry);
	if (connect_once(client) < 0)
		retry_later(client);
	return 0;
}

struct link_client *link_client_free(struct link_client *client)
{
	if (!client)
		return NULL;
	while (client->first)
		(void)call_free(client->first);
	(void)link_free(client->link);
	sd_bus_close_unref(client->bus);
	sd_event_source_disable_unref(client->retry);
	sd_event_unref(client->event);
	free(client);
	return NULL;
}

DEFINE_CLEANUP(struct link_client *, link_client_free);

int link_client_new(sd_event *event, const char *path, const uid_t *uids, size_t n_uids,
		    const struct link_config *config, struct link_client **ret_client)
{
	_cleanup_(link_client_freep) struct link_client *client = calloc(1, sizeof(*client));

	if (!client)
		return -ENOMEM;
	if (n_uids > LINK_UIDS_MAX || path[0] != '/' ||
	    strlen(path) >= sizeof(client->address.sun_path))
		return -EINVAL;
	client->event = sd_event_ref(event);
	client->config = *config;
	client->address.sun_family = AF_UNIX;
	strcpy(client->address.sun_path, path);
	if (n_uids)
		memcpy(client->uids, uids, n_uids * sizeof(*uids));
	client->n_uids = n_uids;
	if (connect_once(client) < 0)
		retry_later(client);
	*ret_client = TAKE_PTR(client);
	return 0;
}

struct link *link_client_link(const struct link_client *client)
{
	return client->link;
}
