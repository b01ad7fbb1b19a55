/* SPDX-License-Identifier: MIT */
#ifndef NL_REQUEST_H
#define NL_REQUEST_H

#include <stddef.h>
#include <stdint.h>

#include "nl/kernel.h"

struct nl_msg;
struct nl_sock;
struct nlattr;

/*
 * Requests to the driver over generic netlink, for kernel_genl.c: one message out, then answers until the
 * acknowledgement. A refusal comes as an error message with the driver's sentence (NETLINK_EXT_ACK); the
 * request is not echoed (NETLINK_CAP_ACK), so keys travel one way. After any other trouble (lost or
 * unparsable answers) the socket is out of step and is replaced; that also ends an open filter
 * transaction, as the driver promises.
 *
 * All return 0 or -errno, and then kernel->why has the sentence.
 */
struct genl {
	struct kernel kernel;
	struct nl_sock *requests;
	struct nl_sock *events;
	struct nl_sock *diag;
	int family;
	uint32_t event_number;
	bool has_event_number;
	bool is_gone;		/* the driver was unloaded */
};

/* The socket for them; NULL when there is none to be had. */
struct nl_sock *request_open(void);

/* @error, with this sentence. */
int request_fail(struct genl *genl, int error, const char *text);
/* -errno for an error of libnl's. */
int request_errno(int nl_error);
/* Attributes did not fit. */
int request_too_big(struct genl *genl);

/* A message for attributes; NULL without memory, which has been said. Wiped when it is freed. */
struct nl_msg *request_new(struct genl *genl, int command, int flags);
/* With room for @size bytes, or as many as one message may have. */
struct nl_msg *request_new_large(struct genl *genl, int command, int flags, size_t size);
void request_freep(struct nl_msg **msg);
#define _cleanup_request_ _cleanup_(request_freep)

/* @take may be NULL; it is called for each answer with its attributes, 0 or -errno. */
int request_call(struct genl *genl, struct nl_msg *msg,
		 int (*take)(struct nlattr **attrs, void *userdata), void *userdata);
/* Of a command without attributes. */
int request_call_plain(struct genl *genl, int command,
		       int (*take)(struct nlattr **attrs, void *userdata), void *userdata);

/* What a dump collects. */
struct request_list {
	void *items;
	size_t n;
	size_t cap;
	size_t size;		/* of an item */
};

/* Room for one more, counted when the caller adds 1 to n; NULL without memory. */
void *request_list_next(struct request_list *list);
/*
 * A dump of items of @size, again until no change came between. @take gets the struct request_list. The
 * caller frees *ret_items.
 */
int request_dump(struct genl *genl, int command, size_t size,
		 int (*take)(struct nlattr **attrs, void *userdata), void **ret_items,
		 size_t *ret_n);

#endif /* NL_REQUEST_H */
