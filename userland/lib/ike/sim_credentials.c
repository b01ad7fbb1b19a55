// SPDX-License-Identifier: MIT
/*
 * The keeper of the credentials of a host. A certificate is the text "CERT subject issuer", a DER
 * name a SEQUENCE that holds the text, a signature the HMAC of the hash under the subject, a token
 * "TOKEN principal number", and something wrapped is the HMAC of the principals' contexts before it.
 */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ike/crypto.h"
#include "ike/ident.h"
#include "ike/sim.h"

#define SEAL_LEN 16

static struct bytes view(const void *data, size_t len)
{
	return (struct bytes){ data, len };
}

static struct bytes text(const char *string)
{
	return view(string, strlen(string));
}

void sim_credentials_init(struct sim_host *host)
{
	static const char *const subjects[SIM_HOSTS] = { "CN=alice", "CN=bob" };
	static const char *const principals[SIM_HOSTS] = { "alice$@REALM.TEST", "bob$@REALM.TEST" };

	host->credentials = (struct sim_credentials){
		.subject = subjects[host->index],
		.issuer = "CN=ca",
		.n_chain = 1,
		.authorities = { "CN=ca" },
		.n_authorities = 1,
		.principal = principals[host->index],
		.rounds = 1,
	};
}

/* The reason of a refusal, if this question is to be refused. */
static enum ike_reason refusal(const struct sim_host *host, enum sim_question question,
			       enum ike_reason reason)
{
	bool is_odd = host->has_odd_answer && host->odd_question == question;
	enum sim_answer how = is_odd ? host->odd_answer : host->answer;

	return how == SIM_ANSWER_REFUSED ? reason : IKE_REASON_OK;
}

/* --- certificates --------------------------------------------------------------------------- */

static struct bytes der_name(const char *name, uint8_t buf[static 128])
{
	size_t len = strlen(name);

	assert(len < 126);
	buf[0] = 0x30;
	buf[1] = (uint8_t)len;
	memcpy(buf + 2, name, len);
	return view(buf, len + 2);
}

static int op_authorities(void *userdata, uint64_t id,
			  const struct ike_authorities_request *request)
{
	struct sim_host *host = userdata;
	struct sim_credentials *c = &host->credentials;
	static uint8_t buf[SIM_AUTHORITIES_MAX][128];
	struct bytes names[SIM_AUTHORITIES_MAX];
	struct ike_authorities answer = {
		.names = names,
		.n_names = c->excludes_names ? 0 : c->n_authorities,
	};

	(void)request;
	for (size_t i = 0; i < c->n_authorities; i++)
		names[i] = der_name(c->authorities[i], buf[i]);
	/* There is no refusal in this answer. */
	return sim_answer(host, SIM_QUESTION_AUTHORITIES, id,
			  refusal(host, SIM_QUESTION_AUTHORITIES, IKE_REASON_CREDENTIALS) ? -1 : 0,
			  CREDENTIAL_AUTHORITIES, &answer);
}

static void note_requested(struct sim_credentials *c,
			   const struct ike_certificate_request *request)
{
	c->n_requested = request->n_authorities;
	c->first_requested[0] = '\0';
	if (request->n_authorities && request->authorities[0].len > 2)
		(void)snprintf(c->first_requested, sizeof(c->first_requested), "%.*s",
			       (int)request->authorities[0].len - 2,
			       (const char *)request->authorities[0].data + 2);
}

static int op_certificate(void *userdata, uint64_t id,
			  const struct ike_certificate_request *request)
{
	struct sim_host *host = userdata;
	struct sim_credentials *c = &host->credentials;
	const char *subject = c->subject ? c->subject : "";
	char leaf[128], name[64];
	struct bytes chain[IKE_CERTS_MAX];
	struct ike_certificate answer = {
		.fingerprint_len = IKE_FINGERPRINT_LEN,
		.name = name,
		.chain = chain,
		.n_chain = c->n_chain,
	};
	uint8_t buf[128];

	note_requested(c, request);
	(void)snprintf(name, sizeof(name), "%s", subject);
	(void)snprintf(leaf, sizeof(leaf), "CERT %s %s", subject, c->issuer);
	memcpy(answer.fingerprint, name, IKE_FINGERPRINT_LEN);
	answer.subject = der_name(c->claimed ? c->claimed : subject, buf);
	for (size_t i = 0; i < c->n_chain; i++)
		chain[i] = i ? text("CERT CN=intermediate CN=ca") : text(leaf);
	answer.reason = c->subject ? refusal(host, SIM_QUESTION_CERTIFICATE,
					     IKE_REASON_NO_CERTIFICATE) :
				     IKE_REASON_NO_CERTIFICATE;
	return sim_answer(host, SIM_QUESTION_CERTIFICATE, id, 0, CREDENTIAL_CERTIFICATE, &answer);
}

static void sign(const char *subject, struct bytes hash, uint8_t *ret_signature)
{
	assert(!crypto_prf(IKE_HASH_SHA256, text(subject), &hash, 1, ret_signature));
}

static int op_signature(void *userdata, uint64_t id, const struct ike_signature_request *request)
{
	struct sim_host *host = userdata;
	struct sim_credentials *c = &host->credentials;
	struct ike_signature answer = { .len = 32 };

	assert(request->fingerprint_len == IKE_FINGERPRINT_LEN);
	sign(c->is_forger ? "CN=mallory" : c->subject, view(request->hash, request->hash_len),
	     answer.bytes);
	answer.reason = refusal(host, SIM_QUESTION_SIGNATURE, IKE_REASON_NO_PRIVATE_KEY);
	if (answer.reason)
		answer.len = 0;
	return sim_answer(host, SIM_QUESTION_SIGNATURE, id, 0, CREDENTIAL_SIGNATURE, &answer);
}

static bool is_trusted(const struct sim_credentials *c, const char *issuer)
{
	for (size_t i = 0; i < c->n_authorities; i++) {
		if (!strcmp(c->authorities[i], issuer))
			return true;
	}
	return false;
}

/* The verdict on what the peer sent; its subject and issuer on the way. */
static enum ike_reason judge(const struct sim_credentials *c,
			     const struct ike_proof_request *request, char subject[static 64],
			     char issuer[static 64])
{
	uint8_t want[IKE_HASH_MAX_LEN], buf[128];
	char leaf[128];

	if (!request->n_certs)
		return IKE_REASON_NO_PEER_CERTIFICATE;
	(void)snprintf(leaf, sizeof(leaf), "%.*s", (int)request->certs[0].der.len,
		       (const char *)request->certs[0].der.data);
	if (request->certs[0].encoding != IKE_CERT_X509_SIGNATURE ||
	    sscanf(leaf, "CERT %63s %63s", subject, issuer) != 2)
		return IKE_REASON_NO_PEER_CERTIFICATE;
	if (!is_trusted(c, issuer))
		return IKE_REASON_NOT_IN_POLICY;
	if (c->revoked && !strcmp(c->revoked, subject))
		return IKE_REASON_PEER_CRL;
	if (request->id_type != IDENT_DER_ASN1_DN ||
	    !bytes_is_equal(request->id, der_name(subject, buf)))
		return IKE_REASON_CREDENTIALS;
	sign(subject, view(request->hash, request->hash_len), want);
	return bytes_is_equal(request->signature, view(want, 32)) ? IKE_REASON_OK :
								   IKE_REASON_SIGNATURE;
}

static int op_proof(void *userdata, uint64_t id, const struct ike_proof_request *request)
{
	struct sim_host *host = userdata;
	struct sim_credentials *c = &host->credentials;
	char subject[64] = "", issuer[64] = "", detail[] = "the simulation refuses it";
	struct ike_proof answer = { .name = subject, .authority = issuer, .detail = detail };

	assert(request->n_certs <= IKE_CERTS_MAX && request->id.len <= IKE_ID_MAX_LEN);
	answer.reason = judge(c, request, subject, issuer);
	if (!answer.reason)
		answer.reason = refusal(host, SIM_QUESTION_PROOF, IKE_REASON_PEER_CRL);
	return sim_answer(host, SIM_QUESTION_PROOF, id, 0, CREDENTIAL_PROOF, &answer);
}

/* --- Kerberos ------------------------------------------------------------------------------- */

static struct sim_context *find_context(struct sim_credentials *c, uint64_t id)
{
	for (size_t i = 0; i < SIM_CONTEXTS_MAX; i++) {
		if (c->contexts[i].id == id)
			return &c->contexts[i];
	}
	return NULL;
}

static struct sim_context *get_context(struct sim_credentials *c, const struct ike_gss_step *step)
{
	struct sim_context *context = find_context(c, step->context);

	assert(step->context);
	if (context)
		return context;
	context = find_context(c, 0);
	assert(context);
	*context = (struct sim_context){ .id = step->context, .is_initiator = step->is_initiator };
	c->n_contexts++;
	return context;
}

/* Takes the peer's token, which has to be the next; its principal on the way. */
static bool take_token(struct sim_context *context, struct bytes token, char peer[static 64])
{
	char copy[128];
	unsigned int number;

	(void)snprintf(copy, sizeof(copy), "%.*s", (int)token.len, (const char *)token.data);
	return sscanf(copy, "TOKEN %63s %u", peer, &number) == 2 && number == ++context->n_taken;
}

/* The initiator names whom it wants to speak to. */
static bool is_name(struct bytes wire, const char *name)
{
	if (wire.len != 2 * strlen(name))
		return false;
	for (size_t i = 0; i < wire.len; i++) {
		if (wire.data[i] != (i % 2 ? 0 : (uint8_t)name[i / 2]))
			return false;
	}
	return true;
}

static enum ike_reason advance(struct sim_host *host, struct sim_context *context,
			       const struct ike_gss_step *step, char peer[static 64])
{
	struct sim_credentials *c = &host->credentials;
	const char *other = host->sim->hosts[!host->index].credentials.principal;
	bool has_begun = !context->is_initiator || context->n_taken || step->token.len;

	if (!c->principal)
		return IKE_REASON_NO_KERBEROS;
	if (context->is_initiator && (!other || !is_name(step->peer_name, other)))
		return IKE_REASON_KERBEROS;
	if (context->is_complete || (has_begun && !take_token(context, step->token, peer)))
		return IKE_REASON_KERBEROS;
	context->is_complete = context->n_taken == c->rounds;
	return refusal(host, SIM_QUESTION_GSS_STEP, IKE_REASON_KERBEROS);
}

static int op_gss_step(void *userdata, uint64_t id, const struct ike_gss_step *step)
{
	struct sim_host *host = userdata;
	struct sim_credentials *c = &host->credentials;
	struct sim_context *context = get_context(c, step);
	char token[128], peer[64] = "", none[] = "", detail[] = "the simulation refuses it";
	struct ike_gss_token answer = { .peer = none, .detail = detail };

	answer.reason = advance(host, context, step, peer);
	if (!answer.reason && !(context->is_initiator && context->is_complete)) {
		(void)snprintf(token, sizeof(token), "TOKEN %s %u", c->principal,
			       context->n_taken + context->is_initiator);
		answer.token = text(token);
	}
	answer.is_complete = context->is_complete;
	if (context->is_complete)
		answer.peer = peer;
	return sim_answer(host, SIM_QUESTION_GSS_STEP, id, 0, CREDENTIAL_GSS_TOKEN, &answer);
}

/* The same on both sides, and another one in each direction. */
static void seal(bool is_by_initiator, struct bytes data, uint8_t *ret_seal)
{
	assert(!crypto_prf(IKE_HASH_SHA256, text(is_by_initiator ? "initiator" : "acceptor"), &data,
			   1, ret_seal));
}

static int op_gss_wrap(void *userdata, uint64_t id, const struct ike_gss_message *message)
{
	struct sim_host *host = userdata;
	struct sim_context *context = find_context(&host->credentials, message->context);
	uint8_t full[IKE_HASH_MAX_LEN];
	struct ike_gss_result answer = { .len = SEAL_LEN + message->data.len };

	assert(context && context->is_complete);
	memcpy(answer.bytes + SEAL_LEN, message->data.data, message->data.len);
	/* A forger has the context, but has heard something else before. */
	answer.bytes[SEAL_LEN] ^= host->credentials.is_forger;
	seal(context->is_initiator, view(answer.bytes + SEAL_LEN, message->data.len), full);
	memcpy(answer.bytes, full, SEAL_LEN);
	answer.reason = refusal(host, SIM_QUESTION_GSS_WRAP, IKE_REASON_KERBEROS);
	return sim_answer(host, SIM_QUESTION_GSS_WRAP, id, 0, CREDENTIAL_GSS_RESULT, &answer);
}

static int op_gss_unwrap(void *userdata, uint64_t id, const struct ike_gss_message *message)
{
	struct sim_host *host = userdata;
	struct sim_context *context = find_context(&host->credentials, message->context);
	struct ike_gss_result answer = { .reason = IKE_REASON_KERBEROS };
	uint8_t want[IKE_HASH_MAX_LEN];
	struct bytes data = message->data;

	assert(context && context->is_complete);
	if (data.len > SEAL_LEN) {
		answer.len = data.len - SEAL_LEN;
		memcpy(answer.bytes, data.data + SEAL_LEN, answer.len);
		seal(!context->is_initiator, view(answer.bytes, answer.len), want);
		if (!memcmp(want, data.data, SEAL_LEN))
			answer.reason = refusal(host, SIM_QUESTION_GSS_UNWRAP, IKE_REASON_KERBEROS);
	}
	return sim_answer(host, SIM_QUESTION_GSS_UNWRAP, id, 0, CREDENTIAL_GSS_RESULT, &answer);
}

static void op_gss_end(void *userdata, const struct ike_gss_end *end)
{
	struct sim_host *host = userdata;
	struct sim_context *context = find_context(&host->credentials, end->context);

	/* Each is ended once. */
	assert(end->context && context);
	context->id = 0;
	host->credentials.n_contexts--;
}

const struct ike_ops sim_credential_ops = {
	.authorities = op_authorities,
	.certificate = op_certificate,
	.signature = op_signature,
	.proof = op_proof,
	.gss_step = op_gss_step,
	.gss_wrap = op_gss_wrap,
	.gss_unwrap = op_gss_unwrap,
	.gss_end = op_gss_end,
};
