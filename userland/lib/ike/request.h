/* SPDX-License-Identifier: MIT */
#ifndef IKE_REQUEST_H
#define IKE_REQUEST_H

#include "ike/core.h"

/*
 * Requests that wait for an answer from outside. Each is a struct request inside the object that
 * needs it; when the object ends, request_cancel() makes late answers harmless.
 */

/* Gives it a new id; -ENOMEM. */
int request_start(struct ike_engine *engine, struct request *request, enum request_kind kind,
		  void *owner);
/* The op returned @error: the request will fail before the running call ends. */
void request_fail(struct ike_engine *engine, struct request *request, int error);
/*
 * What a step that asks returns: AUTH_WAIT, whether the op took it, or failed with @error and will
 * be answered with that.
 */
int request_sent(struct ike_engine *engine, struct request *request, int error);
/* What answers a question about credentials. */
enum credential_kind request_credential(enum request_kind kind);
/* No effect on one that does not wait. */
void request_cancel(struct ike_engine *engine, struct request *request);
bool request_is_waiting(const struct request *request);

/*
 * Hands @reply to the owner of its request, which is over then. -ENOENT if nobody waits,
 * -EINVAL if it waits for a reply of another kind.
 */
int request_dispatch(struct ike_engine *engine, const struct deferred *reply);
/* Keeps a copy until the running call ends. */
int request_defer(struct ike_engine *engine, const struct deferred *reply);
/* Takes up everything that was deferred. */
void request_run_deferred(struct ike_engine *engine);
/* Frees them unread. */
void request_drop_deferred(struct ike_engine *engine);

#endif
