/* SPDX-License-Identifier: MIT */
#ifndef IKE_AUTH_H
#define IKE_AUTH_H

#include "ike/core.h"
#include "ike/exchange.h"

struct wire_out;

/*
 * What differs between authentication methods: steps of main mode, in this order.
 *
 *            initiator                           responder
 *            <-- message 2                       --> message 3: read_ke, prepare_ke
 *            prepare_ke, write_ke, message 3 --> <-- write_ke, message 4, then get_skeyid
 *            <-- message 4: read_ke,
 *            get_skeyid, prepare_proof,
 *            write_proof, message 5 -->          --> message 5: judge,
 *            <-- message 6: judge                    prepare_proof, write_proof, message 6 -->
 *
 * Where somebody else has to be asked a step takes long. Such a step returns 0 when it is done,
 * AUTH_WAIT when main_mode_step_done() will say how it ended, or the error of auth_fail(). One step
 * of a main mode runs at a time; what the message held that it is about must be copied. Steps that
 * a method does not have are NULL.
 */
struct auth_ops {
	enum ike_auth method;
	enum message_kind proof; /* payloads that messages 5 and 6 need */

	/* Initiator: what the SA payload of message 2 says beside its choice; as read_ke. */
	int (*read_answer)(struct ike_mm *mm, struct bytes sa_b);
	/* What goes along with KE and nonce in messages 3 and 4. */
	int (*prepare_ke)(struct ike_engine *engine, struct ike_mm *mm);
	void (*write_ke)(const struct ike_mm *mm, struct wire_out *out);
	/* 0, -EBADMSG for what no peer sends, -ENOMEM */
	int (*read_ke)(struct ike_mm *mm, const struct wire_message *message);

	/* g^xy and the nonces are known: fills in keys->skeyid. */
	int (*get_skeyid)(struct ike_engine *engine, struct ike_mm *mm);

	/*
	 * The payloads of our message 5 or 6, encrypted later; sets has_proved, unless it is not
	 * our last word.
	 */
	int (*prepare_proof)(struct ike_engine *engine, struct ike_mm *mm);
	int (*write_proof)(struct ike_mm *mm, struct wire_out *out);
	/* The peer's message 6 or 5: sets is_proved, unless the peer has more to say. */
	int (*judge)(struct ike_engine *engine, struct ike_mm *mm,
		     const struct wire_message *message);

	/* The negotiation is over, well or not: what the method holds goes. */
	void (*end)(struct ike_engine *engine, struct ike_mm *mm);
};

/* The step goes on when its answer has come. */
#define AUTH_WAIT (-EINPROGRESS)

/* NULL for methods that we do not have. */
const struct auth_ops *auth_find(enum ike_auth method);

/* Why the step cannot be done, one sentence; returns -EACCES. */
int auth_fail(struct ike_mm *mm, enum ike_reason reason, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* SKEYID = prf(Ni_b | Nr_b, g^xy) of the methods that prove identity otherwise. */
int auth_derive_skeyid(struct ike_engine *engine, struct ike_mm *mm);

extern const struct auth_ops auth_psk;
extern const struct auth_ops auth_rsa;
extern const struct auth_ops auth_ecdsa_256;
extern const struct auth_ops auth_ecdsa_384;
extern const struct auth_ops auth_gss;
/* The credentials answered; the main mode waits for it. */
void auth_psk_reply(struct ike_engine *engine, struct ike_mm *mm, int error, const uint8_t *skeyid,
		    size_t len);
/* @answer is the struct of ike/credential.h that answers @kind, NULL with an @error. */
void auth_cert_reply(struct ike_engine *engine, struct ike_mm *mm, enum request_kind kind,
		     int error, const void *answer);
void auth_gss_reply(struct ike_engine *engine, struct ike_mm *mm, enum request_kind kind,
		    int error, const void *answer);

#endif
