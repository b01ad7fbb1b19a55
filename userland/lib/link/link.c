// SPDX-License-Identifier: MIT
/*
 * One link: a bus in peer to peer mode with a filter in front of everything that sd-bus would
 * answer by itself.
 *
 *   connecting --Connected--> up --Disconnected, bad message, link_close()--> closing --> freed
 *
 * Closing always happens from the loop (drop source), never inside a bus callback: calls under
 * way fail with -ECONNRESET, then down() is called, then the owner (server or client) frees
 * the link. Requests that have not been answered survive their link; their answers go nowhere.
 */
#include "link/link.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "link/codec.h"
#include "link/link_internal.h"
#include "link/method.h"

#define LINK_PATH "/org/ipsec_policy/link"
#define LINK_INTERFACE "org.ipsec_policy.Link1"
#define LOCAL_INTERFACE "org.freedesktop.DBus.Local"

/* Not yet answered requests of one link; a peer that asks for more is told -EBUSY. */
#define REQUESTS_MAX 8192
/* Messages of one link in a turn of the loop. */
#define DRAIN_MAX 32

struct link_request {
	struct link *link;		/* NULL: gone */
	struct link_request *next;
	struct link_request **place;	/* what points to us */
	const struct link_method *method;
	sd_bus_message *message;
	void *args;
};

struct link_call {
	struct link *link;
	struct link_call *next;
	struct link_call **place;
	const struct link_method *method;
	sd_bus_slot *slot;
	link_reply_fn callback;
	void *userdata;
};

/* --- life --------------------------------------------------------------------------------- */

const struct link_peer *link_peer(const struct link *link)
{
	return &link->peer;
}

size_t link_n_queued(const struct link *link)
{
	uint64_t n = 0;

	if (!link || sd_bus_get_n_queued_write(link->bus, &n) < 0)
		return 0;
	return (size_t)n;
}

static void call_unlink(struct link_call *call)
{
	*call->place = call->next;
	if (call->next)
		call->next->place = call->place;
}

static struct link_call *call_free(struct link_call *call)
{
	if (call) {
		call_unlink(call);
		sd_bus_slot_unref(call->slot);
		free(call);
	}
	return NULL;
}

static void call_finish(struct link_call *call, int error, const void *reply)
{
	link_reply_fn callback = call->callback;
	void *userdata = call->userdata;

	/* first, so that the callback may make calls and free the link */
	(void)call_free(call);
	callback(userdata, error, reply);
}

struct link *link_new(sd_event *event, const struct link_config *config,
		      const struct link_peer *peer, void (*gone)(void *owner, struct link *link),
		      void *owner)
{
	struct link *link = calloc(1, sizeof(*link));

	if (link) {
		link->event = sd_event_ref(event);
		link->config = *config;
		link->peer = *peer;
		link->gone = gone;
		link->owner = owner;
		link->error = -ECONNRESET;
	}
	return link;
}

static void abort_calls(struct link *link)
{
	while (link->calls)
		call_finish(link->calls, -ECONNRESET, NULL);
}

void link_finish(struct link *link)
{
	/* callbacks and down() get -ENOTCONN for new calls */
	link->is_closing = true;
	abort_calls(link);
	if (link->is_up && link->config.down)
		link->config.down(link->config.userdata, link, link->error);
	(void)link_free(link);
}

static int on_drop(sd_event_source *source, void *userdata)
{
	struct link *link = userdata;

	(void)source;
	link->gone(link->owner, link);
	return 0;
}

void link_close(struct link *link, int error)
{
	if (link->is_closing)
		return;
	link->is_closing = true;
	link->error = error;
	if (sd_event_add_defer(link->event, &link->drop_source, on_drop, link) < 0)
		return;
	(void)sd_event_source_set_priority(link->drop_source, SD_EVENT_PRIORITY_IMPORTANT);
}

struct link *link_free(struct link *link)
{
	if (!link)
		return NULL;
	while (link->calls)
		(void)call_free(link->calls);
	while (link->requests) {
		struct link_request *request = link->requests;

		link->requests = request->next;
		request->link = NULL;
		request->place = NULL;
	}
	if (link->is_freed)
		*link->is_freed = true;
	sd_event_source_disable_unref(link->drop_source);
	sd_event_source_disable_unref(link->drain_source);
	sd_bus_slot_unref(link->filter);
	if (link->owns_bus)
		sd_bus_close_unref(link->bus);
	else
		sd_bus_unref(link->bus);
	sd_event_unref(link->event);
	free(link);
	return NULL;
}

/* --- many at a time ----------------------------------------------------------------------- */

/*
 * sd-bus takes one message in a turn of the loop, and a turn costs more system calls than a
 * message. So after one has come, those that are there already are taken as well.
 */
static int on_drain(sd_event_source *source, void *userdata)
{
	struct link *link = userdata;
	sd_bus *bus = sd_bus_ref(link->bus);
	bool is_freed = false;

	(void)source;
	link->is_freed = &is_freed;
	/* errors come back in the loop, where they are dealt with */
	for (int n = 0; n < DRAIN_MAX && !is_freed && !link->is_closing; n++)
		if (sd_bus_process(bus, NULL) <= 0)
			break;
	if (!is_freed)
		link->is_freed = NULL;
	sd_bus_unref(bus);
	return 0;
}

/* More may be waiting behind the message that is being taken. */
static void drain_soon(struct link *link)
{
	if (!link->is_freed)
		(void)sd_event_source_set_enabled(link->drain_source, SD_EVENT_ONESHOT);
}

static int add_drain(struct link *link)
{
	int r = sd_event_add_defer(link->event, &link->drain_source, on_drain, link);

	return r < 0 ? r : sd_event_source_set_enabled(link->drain_source, SD_EVENT_OFF);
}

/* --- being called ------------------------------------------------------------------------- */

static struct link_request *request_free(struct link_request *request)
{
	if (!request)
		return NULL;
	if (request->place) {
		*request->place = request->next;
		if (request->next)
			request->next->place = request->place;
		request->link->n_requests--;
	}
	if (request->method->request)
		(void)codec_free(request->method->request, request->args);
	sd_bus_message_unref(request->message);
	free(request);
	return NULL;
}

DEFINE_CLEANUP(struct link_request *, request_free);

struct link *link_request_link(const struct link_request *request)
{
	return request->link;
}

/*
 * By the number's own name: sd-bus's usual names are fewer than numbers, and EPERM would arrive
 * as EACCES.
 */
static int reply_error(sd_bus_message *call, int error)
{
	const char *number = strerrorname_np(error < 0 ? -error : EIO);
	char name[64];

	(void)snprintf(name, sizeof(name), "System.Error.%s", number ? number : "EIO");
	return sd_bus_reply_method_errorf(call, name, "%s", number ? number : "EIO");
}

static int send_reply(struct link_request *request, const void *reply)
{
	const struct link_method *method = request->method;
	sd_bus_message *m = NULL;
	int r = sd_bus_message_new_method_return(request->message, &m);

	if (r >= 0 && method->has_secret_reply)
		r = sd_bus_message_sensitive(m);
	if (r >= 0 && method->reply)
		r = codec_append(m, method->reply, reply);
	if (r >= 0)
		r = sd_bus_send(request->link->bus, m, NULL);
	sd_bus_message_unref(m);
	return r < 0 ? r : 0;
}

int link_reply(struct link_request *request_, const void *reply)
{
	_cleanup_(request_freep) struct link_request *request = request_;
	const struct link_method *method = request->method;
	int r;

	if (!request->link)
		return -ENOTCONN;
	r = method->reply ? codec_check(method->reply, reply) : 0;
	if (r == 0)
		r = send_reply(request, reply);
	if (r < 0)
		(void)reply_error(request->message, r);
	return r;
}

void link_fail(struct link_request *request_, int error)
{
	_cleanup_(request_freep) struct link_request *request = request_;

	if (request->link)
		(void)reply_error(request->message, error);
}

static const struct link_handler *find_handler(const struct link *link, sd_bus_message *m)
{
	for (size_t i = 0; i < link->config.n_handlers; i++) {
		const struct link_handler *handler = &link->config.handlers[i];

		if (sd_bus_message_is_method_call(m, LINK_INTERFACE, handler->method->name) > 0)
			return handler;
	}
	return NULL;
}

static int read_args(sd_bus_message *m, const struct link_method *method, void **ret_args)
{
	if (method->has_secret_request) {
		int r = sd_bus_message_sensitive(m);

		if (r < 0)
			return r;
	}
	if (method->request)
		return codec_read(m, method->request, ret_args);
	return sd_bus_message_is_empty(m) > 0 ? 0 : -EBADMSG;
}

static void deliver_one_way(struct link *link, const struct link_handler *handler, void *args)
{
	handler->handler(link->config.userdata, NULL, args);
	(void)codec_free(handler->method->request, args);
}

static int deliver(struct link *link, const struct link_handler *handler, sd_bus_message *m,
		   void *args)
{
	struct link_request *request = calloc(1, sizeof(*request));

	if (!request) {
		if (args)
			(void)codec_free(handler->method->request, args);
		return -ENOMEM;
	}
	request->link = link;
	request->method = handler->method;
	request->message = sd_bus_message_ref(m);
	request->args = args;
	request->next = link->requests;
	request->place = &link->requests;
	if (request->next)
		request->next->place = &request->next;
	link->requests = request;
	link->n_requests++;
	handler->handler(link->config.userdata, request, args);
	return 0;
}

/* 0, or why the link must not go on. */
static int take_call(struct link *link, sd_bus_message *m)
{
	const struct link_handler *handler = find_handler(link, m);
	const char *path = sd_bus_message_get_path(m);
	void *args = NULL;
	int r;

	if (!handler || !path || strcmp(path, LINK_PATH) != 0)
		return -EPROTO;
	if ((sd_bus_message_get_expect_reply(m) > 0) == handler->method->is_one_way)
		return -EPROTO;
	r = read_args(m, handler->method, &args);
	if (r == -ENOMEM)
		return handler->method->is_one_way ? 0 : reply_error(m, r);
	if (r < 0)
		return r;
	if (handler->method->is_one_way) {
		deliver_one_way(link, handler, args);
		return 0;
	}
	if (link->n_requests >= REQUESTS_MAX) {
		if (args)
			(void)codec_free(handler->method->request, args);
		return reply_error(m, -EBUSY);
	}
	return deliver(link, handler, m, args);
}

static int take_signal(struct link *link, sd_bus_message *m)
{
	if (sd_bus_message_is_signal(m, LOCAL_INTERFACE, "Connected") > 0 && !link->is_up) {
		link->is_up = true;
		if (link->config.up)
			link->config.up(link->config.userdata, link);
		if (link->went_up)
			link->went_up(link->owner, link);
		return 0;
	}
	if (sd_bus_message_is_signal(m, LOCAL_INTERFACE, "Disconnected") > 0)
		return -ECONNRESET;
	return -EPROTO;
}

static int on_message(sd_bus_message *m, void *userdata, sd_bus_error *ret_error)
{
	struct link *link = userdata;
	uint8_t type = 0;
	bool is_signal;
	int r = sd_bus_message_get_type(m, &type);

	(void)ret_error;
	drain_soon(link);
	is_signal = type == SD_BUS_MESSAGE_SIGNAL;
	if (r >= 0 && !link->is_closing) {
		if (type == SD_BUS_MESSAGE_METHOD_CALL)
			r = take_call(link, m);
		else if (is_signal)
			r = take_signal(link, m);
		/* else an answer to a call that was cancelled or timed out */
	}
	if (r < 0)
		link_close(link, r);
	/* the listener's filter waits for signals, too */
	return is_signal ? 0 : 1;
}

int link_attach(struct link *link, sd_bus *bus)
{
	int r = add_drain(link);

	link->bus = sd_bus_ref(bus);
	return r < 0 ? r : sd_bus_add_filter(bus, &link->filter, on_message, link);
}

/* --- calling ------------------------------------------------------------------------------ */

static int make_call(struct link *link, const struct link_method *method, const void *args,
		     sd_bus_message **ret_message)
{
	sd_bus_message *m = NULL;
	int r;

	if (!link || link->is_closing)
		return -ENOTCONN;
	if (method->request && codec_check(method->request, args) < 0)
		return -EINVAL;
	r = sd_bus_message_new_method_call(link->bus, &m, NULL, LINK_PATH, LINK_INTERFACE,
					   method->name);
	if (r >= 0 && method->has_secret_request)
		r = sd_bus_message_sensitive(m);
	if (r >= 0 && method->is_one_way)
		r = sd_bus_message_set_expect_reply(m, false);
	if (r >= 0 && method->request)
		r = codec_append(m, method->request, args);
	if (r < 0) {
		sd_bus_message_unref(m);
		return r;
	}
	*ret_message = m;
	return 0;
}

/* What an error reply means; sd-bus says "no reply" both for time-outs and when the bus goes. */
static int error_of(const struct link *link, sd_bus_message *m)
{
	int error = sd_bus_message_get_errno(m);

	if (sd_bus_is_open(link->bus) <= 0)
		return -ECONNRESET;
	return error > 0 ? -error : -EIO;
}

static int on_reply(sd_bus_message *m, void *userdata, sd_bus_error *ret_error)
{
	struct link_call *call = userdata;
	const struct codec_type *type = call->method->reply;
	struct link *link = call->link;
	void *reply = NULL;
	int r = 0;

	(void)ret_error;
	drain_soon(link);
	if (sd_bus_message_is_method_error(m, NULL) > 0) {
		call_finish(call, error_of(link, m), NULL);
		return 1;
	}
	if (call->method->has_secret_reply)
		r = sd_bus_message_sensitive(m);
	if (r >= 0 && type)
		r = codec_read(m, type, &reply);
	else if (r >= 0)
		r = sd_bus_message_is_empty(m) > 0 ? 0 : -EBADMSG;
	if (r == -EBADMSG)
		link_close(link, r);
	call_finish(call, r < 0 ? r : 0, reply);
	if (type)
		(void)codec_free(type, reply);
	return 1;
}

int link_call(struct link *link, const struct link_method *method, const void *args,
	      uint64_t timeout_usec, link_reply_fn callback, void *userdata,
	      struct link_call **ret_call)
{
	sd_bus_message *m = NULL;
	struct link_call *call;
	int r;

	if (method->is_one_way)
		return -EINVAL;
	r = make_call(link, method, args, &m);
	if (r < 0)
		return r;
	call = calloc(1, sizeof(*call));
	if (!call) {
		sd_bus_message_unref(m);
		return -ENOMEM;
	}
	call->link = link;
	call->method = method;
	call->callback = callback;
	call->userdata = userdata;
	call->next = link->calls;
	call->place = &link->calls;
	if (call->next)
		call->next->place = &call->next;
	link->calls = call;
	r = sd_bus_call_async(link->bus, &call->slot, m, on_reply, call,
			      timeout_usec ? timeout_usec : LINK_TIMEOUT_DEFAULT_USEC);
	sd_bus_message_unref(m);
	if (r < 0) {
		(void)call_free(call);
		return r;
	}
	if (ret_call)
		*ret_call = call;
	return 0;
}

struct link_call *link_call_cancel(struct link_call *call)
{
	return call_free(call);
}

int link_send(struct link *link, const struct link_method *method, const void *args)
{
	sd_bus_message *m = NULL;
	int r;

	if (!method->is_one_way)
		return -EINVAL;
	r = make_call(link, method, args, &m);
	if (r < 0)
		return r;
	r = sd_bus_send(link->bus, m, NULL);
	sd_bus_message_unref(m);
	return r < 0 ? r : 0;
}

/* --- tests -------------------------------------------------------------------------------- */

static void gone_alone(void *owner, struct link *link)
{
	(void)owner;
	abort_calls(link);
	if (link->is_up && link->config.down)
		link->config.down(link->config.userdata, link, link->error);
	sd_bus_close(link->bus);
}

DEFINE_CLEANUP(struct link *, link_free);

int link_new_fd(sd_event *event, int fd, bool is_server, const struct link_config *config,
		struct link **ret_link)
{
	_cleanup_(link_freep) struct link *link = NULL;
	struct link_peer peer;
	sd_bus *bus = NULL;
	int r = link_peer_of(fd, &peer);

	if (r == 0) {
		link = link_new(event, config, &peer, gone_alone, NULL);
		r = link ? link_bus_new(fd, is_server, &bus) : -ENOMEM;
	}
	if (r < 0 || !link) {
		(void)close(fd);
		return r;
	}
	link->owns_bus = true;
	r = link_attach(link, bus);
	if (r >= 0)
		r = sd_bus_start(bus);
	if (r >= 0)
		r = sd_bus_attach_event(bus, event, SD_EVENT_PRIORITY_NORMAL);
	sd_bus_unref(bus);
	if (r < 0)
		return r;
	*ret_link = TAKE_PTR(link);
	return 0;
}
