/* SPDX-License-Identifier: MIT */
#ifndef IKE_AUTH_H
#define IKE_AUTH_H

#include "ike/core.h"
#include "ike/exchange.h"

struct wire_out;

/* What differs between authentication methods. */
struct auth_ops {
	enum ike_auth method;
	enum message_kind message_5;	/* payloads that it needs */
	enum message_kind message_6;
	/*
	 * g^xy and the nonces are known: obtains SKEYID, which reaches the main mode through
	 * main_mode_skeyid_reply(). Negative when that cannot even be asked for.
	 */
	int (*get_skeyid)(struct ike_engine *engine, struct ike_mm *mm);
	/* Our identity, as the body of an ID payload. */
	void (*write_id)(const struct ike_mm *mm, struct writer *w);
	/* Payloads of message 5 or 6 after ID; @id_b is our identity. */
	int (*write_proof)(const struct ike_mm *mm, struct wire_out *out, struct bytes id_b);
	/*
	 * The peer's identity and proof. 0, -EACCES for a wrong proof, -EINVAL for an identity
	 * that the peer may not have.
	 */
	int (*verify)(const struct ike_mm *mm, const struct wire_message *message);
};

/* NULL for methods that we do not have. */
const struct auth_ops *auth_find(enum ike_auth method);

extern const struct auth_ops auth_psk;

#endif
