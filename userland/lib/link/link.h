/* SPDX-License-Identifier: MIT */
#ifndef LINK_LINK_H
#define LINK_LINK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <systemd/sd-bus.h>
#include <systemd/sd-event.h>

#include "link/listener.h"

/*
 * Typed calls between the processes of one set, over sd-bus peer to peer. Both ends of a link
 * may call; what can be called is listed in link/messages.h, with the struct that each call
 * takes and answers.
 *
 * Trust: a struct that a handler or a reply callback gets has the right types, every number is
 * in its range, every length fits, enums have a known value and fields that depend on each
 * other agree. A message that is not like that (wrong signature, unknown method, value out of
 * range) is not delivered, and the link is closed: its sender is broken or captured.
 *
 * Secrets: messages marked secret in link/messages.h are wiped by sd-bus when freed, and so
 * are the structs decoded from them. Whoever copies a key wipes the copy.
 *
 * Everything runs on one sd_event loop in one thread. No function blocks.
 */
struct link;
struct link_method;
struct link_request;
struct link_call;

/* --- being called ------------------------------------------------------------------------- */

/*
 * @args is the struct of the method (NULL if it has none). It belongs to @request, which
 * belongs to the handler: it has to be ended once by link_reply() or link_fail(), now or
 * later, also when the link has gone meanwhile. One-way methods have @request NULL, and their
 * @args last for the call.
 */
typedef void (*link_handler_fn)(void *userdata, struct link_request *request, const void *args);

struct link_handler {
	const struct link_method *method;
	link_handler_fn handler;
};

/*
 * Answers with the method's reply struct (NULL if it has none), ends the request. A reply that
 * is itself out of range is not sent: the caller gets -EBADMSG as an error. 0 or -errno.
 */
int link_reply(struct link_request *request, const void *reply);
/* Answers with an error (negative errno), ends the request. */
void link_fail(struct link_request *request, int error);
/* The link on which it came; NULL if that has gone. */
struct link *link_request_link(const struct link_request *request);

/* --- calling ------------------------------------------------------------------------------ */

/*
 * Called exactly once unless cancelled. @error 0: @reply is the method's reply struct (NULL if
 * it has none), valid during the call. Else a negative errno: that of link_fail(), -ETIMEDOUT,
 * -ECONNRESET when the link went down, -EBADMSG for an answer that was out of range (and the
 * link is closed).
 */
typedef void (*link_reply_fn)(void *userdata, int error, const void *reply);

#define LINK_TIMEOUT_DEFAULT_USEC (10 * UINT64_C(1000000))

/*
 * Calls @method. -EINVAL: @args is out of range itself; -ENOTCONN: @link is NULL or down;
 * -ENOMEM, ...; then @callback is not called. @ret_call may be NULL; it is for
 * link_call_cancel() and valid until the callback is entered. @timeout_usec 0: the default.
 */
int link_call(struct link *link, const struct link_method *method, const void *args,
	      uint64_t timeout_usec, link_reply_fn callback, void *userdata,
	      struct link_call **ret_call);
/* The callback will not be called, a late answer is ignored. NULL is allowed; returns NULL. */
struct link_call *link_call_cancel(struct link_call *call);
/* Sends a one-way method. */
int link_send(struct link *link, const struct link_method *method, const void *args);

/* --- ends --------------------------------------------------------------------------------- */

struct link_config {
	const struct link_handler *handlers;	/* not copied */
	size_t n_handlers;
	/* May be NULL. In down() the link may still be looked at, it is freed right after. */
	void (*up)(void *userdata, struct link *link);
	void (*down)(void *userdata, struct link *link, int error);
	void *userdata;
};

const struct link_peer *link_peer(const struct link *link);
/* Messages that the other end has not read, and the kernel not taken, yet; 0 for NULL. */
size_t link_n_queued(const struct link *link);
/* Closes it soon, from the loop; down() is called with @error. */
void link_close(struct link *link, int error);

/* The listening end: a link per connection. */
struct link_server;

/* @listen: connected, disconnected and userdata are ignored. Both configurations are copied. */
int link_server_new(sd_event *event, const struct link_listener_config *listen,
		    const struct link_config *config, struct link_server **ret_server);
/* down() is not called. NULL is allowed; returns NULL. */
struct link_server *link_server_free(struct link_server *server);

/*
 * The connecting end: connects, and again whenever the link goes down, first at once, then
 * after 50 ms, doubling up to 2 s.
 */
struct link_client;

/*
 * @uids: who may be at the other end; root always may. Copies @config and @path. Never fails
 * because nobody listens.
 */
int link_client_new(sd_event *event, const char *path, const uid_t *uids, size_t n_uids,
		    const struct link_config *config, struct link_client **ret_client);
/* down() is not called. NULL is allowed; returns NULL. */
struct link_client *link_client_free(struct link_client *client);
/* NULL while not connected. */
struct link *link_client_link(const struct link_client *client);

/* Most calls that wait for one client's link; -ENOBUFS beyond. */
#define LINK_QUEUE_MAX 4096

/*
 * As link_call() and link_send(), but what cannot be sent now waits (as a copy) for the link
 * to come up, and is then sent in order, after up() has been called; a call not longer than
 * its timeout. @may_repeat: asking twice does no harm; such a call is made again when the link
 * goes down before the answer, others end with -ECONNRESET then.
 */
struct link_client_call;
int link_client_call(struct link_client *client, const struct link_method *method,
		     const void *args, uint64_t timeout_usec, bool may_repeat,
		     link_reply_fn callback, void *userdata, struct link_client_call **ret_call);
struct link_client_call *link_client_call_cancel(struct link_client_call *call);
int link_client_send(struct link_client *client, const struct link_method *method,
		     const void *args);

/*
 * For tests: a link over a connected socket, which it takes over. After down() the caller still
 * has to free it. link_free() does not call down().
 */
int link_new_fd(sd_event *event, int fd, bool is_server, const struct link_config *config,
		struct link **ret_link);
struct link *link_free(struct link *link);

#endif
