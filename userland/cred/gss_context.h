/* SPDX-License-Identifier: MIT */
#ifndef CRED_GSS_CONTEXT_H
#define CRED_GSS_CONTEXT_H

#include <stdbool.h>
#include <stdint.h>

#include "cred/gss_message.h"

struct gss_keytab;

/*
 * One side of a Kerberos context of main mode, in the Kerberos process:
 *
 *     NEW --step--> OPEN --step--> COMPLETE --wrap, unwrap--> COMPLETE
 *      |              |               |
 *      +--------------+---------------+-- any refusal --> FAILED
 *
 * An initiator's first step asks the KDC and may block for long; nothing else blocks. Contexts do
 * not share anything but tickets, so each may have a thread of its own.
 */
struct gss_context;

/* NULL without memory. @keytab has to live longer. */
struct gss_context *gss_context_new(struct gss_keytab *keytab, uint64_t number, bool is_initiator);
/*
 * Forgets the ticket too, when the peer did not prove that it could use it: it may have new keys
 * since the ticket was made. NULL is allowed; returns NULL.
 */
struct gss_context *gss_context_free(struct gss_context *context);

uint64_t gss_context_number(const struct gss_context *context);
bool gss_context_is_initiator(const struct gss_context *context);
/* Whether the next step asks the KDC. */
bool gss_context_may_block(const struct gss_context *context);

/*
 * Does what the request asks for. ret_answer->data lasts until the next call. @give_up: when an
 * initiator need not begin any more, in ms of the monotonic clock.
 */
void gss_context_answer(struct gss_context *context, const struct gss_request *request,
			uint64_t give_up, struct gss_answer *ret_answer);

#endif
