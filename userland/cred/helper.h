/* SPDX-License-Identifier: MIT */
#ifndef CRED_HELPER_H
#define CRED_HELPER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <systemd/sd-event.h>

#include "daemon/confine.h"

/*
 * A part of ipsec-cred that runs as a process of its own: it may block, or it gives what strangers
 * send to a large library. It is there before the first secret is, so its memory has none but those
 * that it reads itself.
 *
 *     ipsec-cred ====== socketpair, one message per call and answer ====== helper
 *         |                                                                  ^
 *         +-- forks once, as root --> keeper -- forks, again when it dies ---+
 *
 * The keeper opens what only root may, becomes the user of the helper, and does nothing but wait
 * after that. ipsec-cred itself cannot fork any more once it is confined.
 *
 * When a helper dies, the calls that it had end with -ECONNRESET as soon as its successor is there:
 * at once, or after a second if it had not lived for longer.
 */
struct helper;

#define HELPER_MESSAGE_MAX_LEN (72 * 1024)

struct helper_config {
	const char *name;		/* of the process, at most 15 characters */
	const struct confine_user *user; /* NULL: stay who we are, for tests */
	/*
	 * In the keeper, before it gives up its rights; NULL: nothing to do. A failure is a
	 * failure of the helper for good.
	 */
	int (*prepare)(void *userdata);
	/* The helper: confines itself, answers until helper_receive() says -EPIPE. 0 or -errno. */
	int (*run)(void *userdata, int fd);
	void *run_userdata;		/* of both */
	/* Of ipsec-cred: what a helper says without being asked; may be NULL. */
	void (*notice)(void *userdata, const void *data, size_t len);
	void *notice_userdata;
	bool passes_files;		/* messages of the helper may come with a descriptor */
	uint64_t timeout_usec;		/* of each call */
	size_t calls_max;		/* that wait for an answer */
};

/*
 * Forks, so the caller must have neither threads nor secrets. @config is copied. 0 or -errno.
 */
int helper_new(sd_event *event, const struct helper_config *config, struct helper **ret_helper);
/* Calls that wait end with -ECONNRESET, and so does the helper. NULL is allowed; returns NULL. */
struct helper *helper_free(struct helper *helper);

/*
 * Called exactly once, never from within helper_call(). @error: -ETIMEDOUT, -ECONNRESET, or 0, and
 * @data lasts for the call. A call that timed out may still be done: the helper does not know.
 */
typedef void (*helper_reply_fn)(void *userdata, int error, const void *data, size_t len);

/* Does not block. -EAGAIN: calls_max are waiting; -EMSGSIZE; -EPIPE: it has ended for good. */
int helper_call(struct helper *helper, const void *data, size_t len, helper_reply_fn callback,
		void *userdata);
/* Without an answer. Errors as of helper_call(). */
int helper_tell(struct helper *helper, const void *data, size_t len);
/*
 * In a callback or notice(): the descriptor that came with the message, which is the caller's then.
 * -1: none, or taken already.
 */
int helper_take_file(struct helper *helper);

/* --- in the helper ------------------------------------------------------------------------ */

/*
 * Waits for a message into @buf of HELPER_MESSAGE_MAX_LEN bytes. *ret_number is 0 if no answer is
 * wanted, else goes to helper_send(). -EPIPE: ipsec-cred has gone.
 */
int helper_receive(int fd, void *buf, size_t *ret_len, uint64_t *ret_number);
/* Answers call @number, or with 0 says something without being asked. Any thread may. */
int helper_send(int fd, uint64_t number, const void *data, size_t len);
/* With the descriptor @file, which stays the caller's. */
int helper_send_file(int fd, uint64_t number, const void *data, size_t len, int file);
/* As helper_receive(); *ret_file is -1 or a descriptor that is the caller's then. */
int helper_receive_file(int fd, void *buf, size_t *ret_len, uint64_t *ret_number, int *ret_file);

#endif
