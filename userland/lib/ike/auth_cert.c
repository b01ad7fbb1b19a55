// SPDX-License-Identifier: MIT
/*
 * Certificates (RFC 2409, section 5.1; ECDSA: RFC 4754). We neither read certificates nor hold a
 * private key: the keeper of the credentials does, and gets bytes.
 *
 *   initiator                                       responder
 *   HDR, KE, Ni                                -->  authorities?
 *                              <--  HDR, KE, Nr, CR, ..., CR: the names that it accepts
 *   authorities? certificate? signature?
 *   HDR*, IDii, CERT, ..., SIG_I, CR, ...      -->  proof? certificate? signature?
 *   proof?                     <--  HDR*, IDir, CERT, ..., SIG_R
 *
 * A question mark is a question, asked one after the other. For example the responder asks for a
 * certificate with the names of the initiator's CR payloads, in whatever message they came; it
 * gets leaf and intermediate, sends them as CERT payloads in that order, and has the subject of
 * the leaf as its identity (ID_DER_ASN1_DN). The signature is over HASH_R as it is.
 */
#include <errno.h>

#include "ike/auth.h"
#include "ike/ident.h"
#include "ike/main_mode.h"
#include "ike/mm.h"
#include "ike/request.h"

/* Of all names together that a peer asked for: it may have shown nothing but its address. */
#define REQUESTS_MAX_LEN 16384

struct mm_cert {
	struct ike_authorities *ours;		/* for our CR payloads */
	struct ike_certificate *certificate;
	struct ike_signature *signature;
	/* Names that the peer asked for: each with two bytes of length before it. */
	struct blob theirs;
	size_t n_theirs;
};

static struct mm_cert *cert_of(struct ike_mm *mm)
{
	struct mm_negotiation *n = mm->negotiation;

	if (!n->cert)
		n->cert = calloc(1, sizeof(*n->cert));
	return n->cert;
}

static void cert_end(struct ike_engine *engine, struct ike_mm *mm)
{
	struct mm_cert *c = mm->negotiation->cert;

	(void)engine;
	if (!c)
		return;
	free(c->ours);
	free(c->certificate);
	free(c->signature);
	blob_free(&c->theirs);
	free(c);
	mm->negotiation->cert = NULL;
}

/* --- certificate requests ------------------------------------------------------------------- */

static int add_theirs(struct mm_cert *c, struct bytes name)
{
	uint8_t len[2] = { (uint8_t)(name.len >> 8), (uint8_t)name.len };

	c->n_theirs++;
	return blob_append(&c->theirs, (struct bytes){ len, sizeof(len) }) ||
			       blob_append(&c->theirs, name) ?
		       -ENOMEM :
		       0;
}

/* CR payloads may come in any message; those beyond what anybody sends are left alone. */
static int collect_requests(struct ike_mm *mm, const struct wire_message *message)
{
	struct mm_cert *c = cert_of(mm);
	const struct wire_payload *p;

	if (!c)
		return -ENOMEM;
	for (size_t i = 0; (p = wire_find(message, WIRE_PAYLOAD_CR, i)); i++) {
		struct reader r = reader_from(p->body);
		uint8_t encoding = reader_u8(&r);
		struct bytes name = reader_rest(&r);

		if (r.failed || encoding != IKE_CERT_X509_SIGNATURE ||
		    name.len > IKE_AUTHORITY_MAX_LEN || c->n_theirs == IKE_AUTHORITIES_MAX ||
		    c->theirs.len + name.len > REQUESTS_MAX_LEN)
			continue;
		if (add_theirs(c, name))
			return -ENOMEM;
	}
	return 0;
}

static void write_with_encoding(struct wire_out *out, uint8_t type, struct bytes body)
{
	wire_begin(out, type);
	writer_u8(&out->w, IKE_CERT_X509_SIGNATURE);
	writer_bytes(&out->w, body);
	wire_end(out);
}

static void write_requests(const struct mm_cert *c, struct wire_out *out)
{
	for (size_t i = 0; c->ours && i < c->ours->n_names; i++)
		write_with_encoding(out, WIRE_PAYLOAD_CR, c->ours->names[i]);
}

/* --- questions ------------------------------------------------------------------------------ */

static int ask_authorities(struct ike_engine *engine, struct ike_mm *mm)
{
	struct request *request = &mm->negotiation->request;
	struct ike_authorities_request question = {
		.path = mm->path,
		.is_initiator = mm->is_initiator,
	};

	if (request_start(engine, request, REQUEST_AUTHORITIES, mm))
		return auth_fail(mm, IKE_REASON_NO_MEMORY, "out of memory");
	return request_sent(engine, request,
			    engine->ops.authorities(engine->userdata, request->id, &question));
}

static int ask_certificate(struct ike_engine *engine, struct ike_mm *mm)
{
	struct request *request = &mm->negotiation->request;
	struct mm_cert *c = mm->negotiation->cert;
	struct reader r = reader_from(blob_bytes(&c->theirs));
	struct bytes names[IKE_AUTHORITIES_MAX];
	struct ike_certificate_request question = {
		.path = mm->path,
		.is_initiator = mm->is_initiator,
		.auth = mm->choice.auth,
		.authorities = names,
		.n_authorities = c->n_theirs,
	};

	for (size_t i = 0; i < c->n_theirs; i++)
		names[i] = reader_take(&r, reader_u16(&r));
	if (request_start(engine, request, REQUEST_CERTIFICATE, mm))
		return auth_fail(mm, IKE_REASON_NO_MEMORY, "out of memory");
	return request_sent(engine, request,
			    engine->ops.certificate(engine->userdata, request->id, &question));
}

/* The prf of HASH_I and HASH_R; for ECDSA it goes with the curve (RFC 4754, section 2). */
static enum ike_hash hash_of(const struct ike_mm *mm)
{
	if (mm->choice.auth == IKE_AUTH_ECDSA_256)
		return IKE_HASH_SHA256;
	if (mm->choice.auth == IKE_AUTH_ECDSA_384)
		return IKE_HASH_SHA384;
	return mm->keys->hash;
}

static void write_id(const struct mm_cert *c, struct writer *w)
{
	ident_write_data(w, IDENT_DER_ASN1_DN, c->certificate->subject);
}

static int ask_signature(struct ike_engine *engine, struct ike_mm *mm)
{
	struct request *request = &mm->negotiation->request;
	struct mm_cert *c = mm->negotiation->cert;
	struct mm_transcript t = mm_transcript(mm);
	uint8_t id[IDENT_HEAD_LEN + IKE_ID_MAX_LEN];
	struct writer w = writer_make(id, sizeof(id));
	struct ike_signature_request question = {
		.path = mm->path,
		.auth = mm->choice.auth,
		.fingerprint_len = IKE_FINGERPRINT_LEN,
		.hash_len = ike_hash_len(hash_of(mm)),
	};

	memcpy(question.fingerprint, c->certificate->fingerprint, IKE_FINGERPRINT_LEN);
	write_id(c, &w);
	if (w.overflow || keys_hash_ir(mm->keys, hash_of(mm), &t, mm->is_initiator,
				       (struct bytes){ id, w.len }, question.hash))
		return auth_fail(mm, IKE_REASON_GENERAL, "cannot compute the hash to sign");
	if (request_start(engine, request, REQUEST_SIGNATURE, mm))
		return auth_fail(mm, IKE_REASON_NO_MEMORY, "out of memory");
	return request_sent(engine, request,
			    engine->ops.signature(engine->userdata, request->id, &question));
}

/* --- our side ------------------------------------------------------------------------------- */

static int cert_prepare_ke(struct ike_engine *engine, struct ike_mm *mm)
{
	if (!cert_of(mm))
		return auth_fail(mm, IKE_REASON_NO_MEMORY, "out of memory");
	/* The initiator's requests go along with its certificate. */
	return mm->is_initiator ? 0 : ask_authorities(engine, mm);
}

static void cert_write_ke(const struct ike_mm *mm, struct wire_out *out)
{
	if (!mm->is_initiator)
		write_requests(mm->negotiation->cert, out);
}

static int cert_prepare_proof(struct ike_engine *engine, struct ike_mm *mm)
{
	struct mm_cert *c = mm->negotiation->cert;

	if (!c->ours)
		return ask_authorities(engine, mm);
	if (!c->certificate)
		return ask_certificate(engine, mm);
	if (!c->signature)
		return ask_signature(engine, mm);
	mm->negotiation->has_proved = true;
	return 0;
}

static int cert_write_proof(struct ike_mm *mm, struct wire_out *out)
{
	const struct mm_cert *c = mm->negotiation->cert;

	wire_begin(out, WIRE_PAYLOAD_ID);
	write_id(c, &out->w);
	wire_end(out);
	for (size_t i = 0; i < c->certificate->n_chain; i++)
		write_with_encoding(out, WIRE_PAYLOAD_CERT, c->certificate->chain[i]);
	wire_add(out, WIRE_PAYLOAD_SIG,
		 (struct bytes){ c->signature->bytes, c->signature->len });
	if (mm->is_initiator)
		write_requests(c, out);
	return 0;
}

/* --- the peer's ----------------------------------------------------------------------------- */

static int read_certs(struct ike_mm *mm, const struct wire_message *message,
		      struct ike_proof_request *question)
{
	const struct wire_payload *p;

	for (size_t i = 0; (p = wire_find(message, WIRE_PAYLOAD_CERT, i)); i++) {
		struct reader r = reader_from(p->body);
		struct ike_peer_cert cert = { .encoding = reader_u8(&r), .der = reader_rest(&r) };

		if (r.failed || !cert.der.len || cert.der.len > IKE_CERT_MAX_LEN)
			return auth_fail(mm, IKE_REASON_INVALID_PAYLOAD,
					 "a certificate of the peer has %zu bytes", cert.der.len);
		if (question->n_certs == IKE_CERTS_MAX)
			return auth_fail(mm, IKE_REASON_INVALID_PAYLOAD,
					 "the peer sent more than %d certificates", IKE_CERTS_MAX);
		question->certs[question->n_certs++] = cert;
	}
	return 0;
}

static int read_id(struct ike_mm *mm, struct bytes id_b, struct ike_proof_request *question)
{
	struct ident ident;

	if (ident_parse(id_b, &ident) || ident_phase1_check(&ident))
		return auth_fail(mm, IKE_REASON_UNSUPPORTED_ID,
				 "the peer's identity is not one that a certificate has");
	question->id_type = ident.type;
	question->id = ident.data;
	return 0;
}

static int cert_judge(struct ike_engine *engine, struct ike_mm *mm,
		      const struct wire_message *message)
{
	struct bytes id_b = wire_find(message, WIRE_PAYLOAD_ID, 0)->body;
	struct request *request = &mm->negotiation->request;
	struct mm_transcript t = mm_transcript(mm);
	struct ike_peer_cert certs[IKE_CERTS_MAX];
	struct ike_proof_request question = {
		.path = mm->path,
		.is_initiator = mm->is_initiator,
		.auth = mm->choice.auth,
		.certs = certs,
		.hash_len = ike_hash_len(hash_of(mm)),
		.signature = wire_find(message, WIRE_PAYLOAD_SIG, 0)->body,
	};

	if (collect_requests(mm, message))
		return auth_fail(mm, IKE_REASON_NO_MEMORY, "out of memory");
	if (read_id(mm, id_b, &question) || read_certs(mm, message, &question))
		return -EACCES;
	if (!question.signature.len || question.signature.len > IKE_SIGNATURE_MAX_LEN)
		return auth_fail(mm, IKE_REASON_SIGNATURE, "the peer's signature has %zu bytes",
				 question.signature.len);
	if (keys_hash_ir(mm->keys, hash_of(mm), &t, !mm->is_initiator, id_b, question.hash))
		return auth_fail(mm, IKE_REASON_GENERAL, "cannot compute the peer's hash");
	if (request_start(engine, request, REQUEST_PROOF, mm))
		return auth_fail(mm, IKE_REASON_NO_MEMORY, "out of memory");
	return request_sent(engine, request,
			    engine->ops.proof(engine->userdata, request->id, &question));
}

/* --- answers -------------------------------------------------------------------------------- */

static int refused(struct ike_mm *mm, enum ike_reason reason, const char *detail)
{
	return auth_fail(mm, reason, "%s", detail && *detail ? detail : ike_reason_text(reason));
}

static int take_certificate(struct ike_mm *mm, const struct ike_certificate *answer)
{
	struct mm_cert *c = mm->negotiation->cert;

	if (answer->reason)
		return refused(mm, answer->reason, NULL);
	c->certificate = credential_copy(CREDENTIAL_CERTIFICATE, answer);
	mm->local_name = strdup(answer->name ? answer->name : "");
	return c->certificate && mm->local_name ?
		       0 :
		       auth_fail(mm, IKE_REASON_NO_MEMORY, "out of memory");
}

static int take_proof(struct ike_mm *mm, const struct ike_proof *answer)
{
	if (answer->reason)
		return refused(mm, answer->reason, answer->detail);
	mm->remote_name = strdup(answer->name ? answer->name : "");
	mm->authority = strdup(answer->authority ? answer->authority : "");
	if (!mm->remote_name || !mm->authority)
		return auth_fail(mm, IKE_REASON_NO_MEMORY, "out of memory");
	mm->negotiation->is_proved = true;
	return 0;
}

static int take(struct ike_mm *mm, enum request_kind kind, const void *answer)
{
	const struct ike_signature *signature = answer;
	struct mm_cert *c = mm->negotiation->cert;

	if (kind == REQUEST_CERTIFICATE)
		return take_certificate(mm, answer);
	if (kind == REQUEST_PROOF)
		return take_proof(mm, answer);
	if (kind == REQUEST_SIGNATURE && signature->reason)
		return refused(mm, signature->reason, NULL);
	if (kind == REQUEST_SIGNATURE)
		c->signature = credential_copy(CREDENTIAL_SIGNATURE, answer);
	else
		c->ours = credential_copy(CREDENTIAL_AUTHORITIES, answer);
	return (kind == REQUEST_SIGNATURE ? (void *)c->signature : (void *)c->ours) ?
		       0 :
		       auth_fail(mm, IKE_REASON_NO_MEMORY, "out of memory");
}

void auth_cert_reply(struct ike_engine *engine, struct ike_mm *mm, enum request_kind kind,
		     int error, const void *answer)
{
	int ret;

	if (error)
		ret = auth_fail(mm, IKE_REASON_CREDENTIALS, "certificates cannot be used (%s)",
				strerrordesc_np(-error));
	else
		ret = take(mm, kind, answer);
	if (!ret && mm->negotiation->step == MM_STEP_PROOF)
		ret = cert_prepare_proof(engine, mm);
	if (ret != AUTH_WAIT)
		main_mode_step_done(engine, mm, ret);
}

#define CERT_OPS(name, which)                          \
	const struct auth_ops name = {                 \
		.method = which,                       \
		.proof = MESSAGE_MM_SIGNATURE,         \
		.prepare_ke = cert_prepare_ke,         \
		.write_ke = cert_write_ke,             \
		.read_ke = collect_requests,           \
		.get_skeyid = auth_derive_skeyid,      \
		.prepare_proof = cert_prepare_proof,   \
		.write_proof = cert_write_proof,       \
		.judge = cert_judge,                   \
		.end = cert_end,                       \
	}

CERT_OPS(auth_rsa, IKE_AUTH_RSA_SIG);
CERT_OPS(auth_ecdsa_256, IKE_AUTH_ECDSA_256);
CERT_OPS(auth_ecdsa_384, IKE_AUTH_ECDSA_384);
