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
	int ret = request_start(engine, &n->skeyid_request, REQUEST_SKEYID, mm);

	if (ret)
		return ret;
	ret = engine->ops.psk_skeyid(engine->userdata, n->skeyid_request.id, &request);
	if (ret < 0)
		request_fail(engine, &n->skeyid_request, ret);
	return 0;
}

static void psk_write_id(const struct ike_mm *mm, struct writer *w)
{
	ident_write(w, &mm->path.local, 128, 0, 0);
}

static int psk_write_proof(const struct ike_mm *mm, struct wire_out *out, struct bytes id_b)
{
	struct mm_transcript t = mm_transcript(mm);
	uint8_t hash[IKE_HASH_MAX_LEN];
	int ret = keys_hash_ir(mm->keys, &t, mm->is_initiator, id_b, hash);

	if (!ret)
		wire_add(out, WIRE_PAYLOAD_HASH, (struct bytes){ hash, mm->keys->len });
	return ret;
}

static int psk_verify(const struct ike_mm *mm, const struct wire_message *message)
{
	const struct wire_payload *id = wire_find(message, WIRE_PAYLOAD_ID, 0);
	const struct wire_payload *hash = wire_find(message, WIRE_PAYLOAD_HASH, 0);
	struct mm_transcript t = mm_transcript(mm);
	uint8_t want[IKE_HASH_MAX_LEN];
	struct ip_addr addr;
	struct ident ident;

	if (keys_hash_ir(mm->keys, &t, !mm->is_initiator, id->body, want) ||
	    !crypto_is_equal(hash->body, (struct bytes){ want, mm->keys->len }))
		return -EACCES;
	if (ident_parse(id->body, &ident) || ident_phase1_addr(&ident, &addr))
		return -EINVAL;
	/* behind a NAT it has another address than we see */
	if (!(natt_is_found(&mm->natt) && mm->natt.is_there) &&
	    !ip_addr_is_equal(&addr, &mm->path.remote))
		return -EINVAL;
	return 0;
}

const struct auth_ops auth_psk = {
	.method = IKE_AUTH_PSK,
	.message_5 = MESSAGE_MM_5_PSK,
	.message_6 = MESSAGE_MM_6_PSK,
	.get_skeyid = psk_get_skeyid,
	.write_id = psk_write_id,
	.write_proof = psk_write_proof,
	.verify = psk_verify,
};
