// SPDX-License-Identifier: MIT
/*
 * Preshared keys (RFC 2409, section 5.4). The key itself is elsewhere: we ask for SKEYID =
 * prf(key, Ni_b | Nr_b). Since that is needed before any identity is known, the key can only be
 * chosen by the addresses, and the identities are the addresses.
 */
#include <errno.h>

#include "ike/auth.h"
#include "ike/crypto.h"
#include "ike/ident.h"
#include "ike/main_mode.h"
#include "ike/mm.h"
#include "ike/request.h"

static int psk_get_skeyid(struct ike_engine *engine, struct ike_mm *mm)
{
	struct mm_negotiation *n = mm->negotiation;
	struct ike_psk_request request = {
		.path = mm->path,
		.is_initiator = mm->is_initiator,
		.hash = mm->choice.proposal.hash,
		.ni = n->ni.data,
		.ni_len = n->ni.len,
		.nr = n->nr.data,
		.nr_len = n->nr.len,
	};

	if (request_start(engine, &n->request, REQUEST_SKEYID, mm))
		return auth_fail(mm, IKE_REASON_NO_MEMORY, "out of memory");
	return request_sent(engine, &n->request,
			    engine->ops.psk_skeyid(engine->userdata, n->request.id, &request));
}

void auth_psk_reply(struct ike_engine *engine, struct ike_mm *mm, int error, const uint8_t *skeyid,
		    size_t len)
{
	if (error)
		error = auth_fail(mm, IKE_REASON_CREDENTIALS,
				  "there is no preshared key for this peer");
	else if (len != ike_hash_len(mm->choice.proposal.hash))
		error = auth_fail(mm, IKE_REASON_GENERAL, "cannot derive keys");
	else
		memcpy(mm->keys->skeyid, skeyid, len);
	main_mode_step_done(engine, mm, error);
}

static int psk_prepare_proof(struct ike_engine *engine, struct ike_mm *mm)
{
	(void)engine;
	mm->negotiation->has_proved = true;
	return 0;
}

static int psk_write_proof(struct ike_mm *mm, struct wire_out *out)
{
	struct mm_transcript t = mm_transcript(mm);
	uint8_t hash[IKE_HASH_MAX_LEN];
	int ret;

	wire_begin(out, WIRE_PAYLOAD_ID);
	ident_write(&out->w, &mm->path.local, 128, 0, 0);
	wire_end(out);
	ret = keys_hash_ir(mm->keys, mm->keys->hash, &t, mm->is_initiator, wire_last_body(out), hash);
	if (!ret)
		wire_add(out, WIRE_PAYLOAD_HASH, (struct bytes){ hash, mm->keys->len });
	return ret;
}

static int psk_judge(struct ike_engine *engine, struct ike_mm *mm,
		     const struct wire_message *message)
{
	const struct wire_payload *id = wire_find(message, WIRE_PAYLOAD_ID, 0);
	const struct wire_payload *hash = wire_find(message, WIRE_PAYLOAD_HASH, 0);
	struct mm_transcript t = mm_transcript(mm);
	uint8_t want[IKE_HASH_MAX_LEN];
	struct ip_addr addr;
	struct ident ident;

	(void)engine;
	if (keys_hash_ir(mm->keys, mm->keys->hash, &t, !mm->is_initiator, id->body, want) ||
	    !crypto_is_equal(hash->body, (struct bytes){ want, mm->keys->len }))
		return auth_fail(mm, IKE_REASON_CREDENTIALS, "the peer's proof is wrong");
	/* behind a NAT it has another address than we see */
	if (ident_parse(id->body, &ident) || ident_phase1_addr(&ident, &addr) ||
	    (!natt_is_peer_behind(&mm->natt) && !ip_addr_is_equal(&addr, &mm->path.remote)))
		return auth_fail(mm, IKE_REASON_CREDENTIALS,
				 "the peer's identity is not its address");
	mm->negotiation->is_proved = true;
	return 0;
}

const struct auth_ops auth_psk = {
	.method = IKE_AUTH_PSK,
	.proof = MESSAGE_MM_HASH,
	.get_skeyid = psk_get_skeyid,
	.prepare_proof = psk_prepare_proof,
	.write_proof = psk_write_proof,
	.judge = psk_judge,
};
