// SPDX-License-Identifier: MIT
/*
 * Kerberos (draft-ietf-ipsec-isakmp-gss-auth). GSS-API runs elsewhere; a context there, named by a
 * number of ours, takes the peer's tokens and gives us those for the peer.
 *
 *   initiator                                     responder
 *   HDR, SA (a$@REALM in the transform)      -->
 *                                            <--  HDR, SA (b$@REALM)
 *   step: token i1 for b$@REALM
 *   HDR, KE, Ni, GSS(i1)                     -->  step: takes i1, gives r1
 *                                            <--  HDR, KE, Nr, GSS(r1)
 *   step: takes r1, complete; wrap HASH_I
 *   HDR*, IDii, HASH(wrapped)                -->  unwrap, compare; wrap HASH_R
 *   unwrap, compare                          <--  HDR*, IDir, HASH(wrapped)
 *
 * Kerberos needs one round. Where more are needed a GSS payload with the next token takes HASH's
 * place in messages 5, 6 and so on, at most IKE_TOKENS_MAX tokens per side. A side whose context is
 * complete while the other waits for an answer sends an empty one.
 *
 * The hashes cover what was said in clear: the sender's endpoint name, if both have sent one, and
 * its tokens. Not everybody counts the names; a hash without them is as good, because unwrapping it
 * has shown already who made it.
 */
#include <errno.h>

#include "ike/auth.h"
#include "ike/crypto.h"
#include "ike/gss_name.h"
#include "ike/ident.h"
#include "ike/main_mode.h"
#include "ike/mm.h"
#include "ike/request.h"

/* What was heard or said on one side. */
struct gss_side {
	struct blob name;	/* UTF-16LE, as on the wire */
	struct blob tokens;	/* one after the other */
	uint8_t n_tokens;
};

struct mm_gss {
	uint64_t context;	/* 0: there is none yet */
	bool is_complete;
	struct gss_side ours;
	struct gss_side theirs;
	struct blob input;	/* the peer's token, not taken yet */
	struct blob output;	/* ours, not sent yet */
	struct blob wrapped;	/* our HASH */
	/* The peer's message while it is judged. */
	struct blob their_hash;
	struct blob their_id;
};

static int no_memory(struct ike_mm *mm)
{
	return auth_fail(mm, IKE_REASON_NO_MEMORY, "out of memory");
}

static struct mm_gss *gss_of(struct ike_mm *mm)
{
	struct mm_negotiation *n = mm->negotiation;

	if (!n->gss)
		n->gss = calloc(1, sizeof(*n->gss));
	return n->gss;
}

static void side_free(struct gss_side *side)
{
	blob_free(&side->name);
	blob_free(&side->tokens);
}

static void gss_end(struct ike_engine *engine, struct ike_mm *mm)
{
	struct mm_gss *g = mm->negotiation->gss;

	if (!g)
		return;
	if (g->context)
		engine->ops.gss_end(engine->userdata,
				    &(struct ike_gss_end){ .context = g->context });
	side_free(&g->ours);
	side_free(&g->theirs);
	blob_free(&g->input);
	blob_free(&g->output);
	blob_free(&g->wrapped);
	blob_free(&g->their_hash);
	blob_free(&g->their_id);
	free(g);
	mm->negotiation->gss = NULL;
}

/* --- questions ------------------------------------------------------------------------------ */

static int step(struct ike_engine *engine, struct ike_mm *mm)
{
	struct request *request = &mm->negotiation->request;
	struct mm_gss *g = mm->negotiation->gss;
	struct ike_gss_step question = {
		.path = mm->path,
		.is_initiator = mm->is_initiator,
		.token = blob_bytes(&g->input),
	};
	int ret;

	if (request_start(engine, request, REQUEST_GSS_STEP, mm))
		return no_memory(mm);
	if (!g->context)
		g->context = core_new_id(engine);
	question.context = g->context;
	if (mm->is_initiator)
		question.peer_name = blob_bytes(&g->theirs.name);
	ret = engine->ops.gss_step(engine->userdata, request->id, &question);
	blob_free(&g->input);
	return request_sent(engine, request, ret);
}

static int wrap(struct ike_engine *engine, struct ike_mm *mm, struct bytes hash)
{
	struct request *request = &mm->negotiation->request;
	struct ike_gss_message question = { mm->negotiation->gss->context, hash };

	if (request_start(engine, request, REQUEST_GSS_WRAP, mm))
		return no_memory(mm);
	return request_sent(engine, request,
			    engine->ops.gss_wrap(engine->userdata, request->id, &question));
}

static int unwrap(struct ike_engine *engine, struct ike_mm *mm)
{
	struct request *request = &mm->negotiation->request;
	struct mm_gss *g = mm->negotiation->gss;
	struct ike_gss_message question = { g->context, blob_bytes(&g->their_hash) };

	if (request_start(engine, request, REQUEST_GSS_UNWRAP, mm))
		return no_memory(mm);
	return request_sent(engine, request,
			    engine->ops.gss_unwrap(engine->userdata, request->id, &question));
}

/* --- hashes --------------------------------------------------------------------------------- */

static int hash_side(const struct ike_mm *mm, const struct gss_side *side, bool is_initiator,
		     bool has_names, struct bytes id_b, uint8_t *ret_hash)
{
	struct mm_transcript t = mm_transcript(mm);

	if (has_names)
		t.gss_name = blob_bytes(&side->name);
	t.gss_tokens = blob_bytes(&side->tokens);
	return keys_hash_ir(mm->keys, mm->keys->hash, &t, is_initiator, id_b, ret_hash);
}

static bool has_names(const struct mm_gss *g)
{
	return g->ours.name.len && g->theirs.name.len;
}

static void write_id(const struct ike_mm *mm, struct writer *w)
{
	ident_write(w, &mm->path.local, 128, 0, 0);
}

static int wrap_our_hash(struct ike_engine *engine, struct ike_mm *mm)
{
	struct mm_gss *g = mm->negotiation->gss;
	uint8_t id[64], hash[IKE_HASH_MAX_LEN];
	struct writer w = writer_make(id, sizeof(id));

	write_id(mm, &w);
	if (hash_side(mm, &g->ours, mm->is_initiator, has_names(g), (struct bytes){ id, w.len },
		      hash))
		return auth_fail(mm, IKE_REASON_GENERAL, "cannot compute our hash");
	return wrap(engine, mm, (struct bytes){ hash, mm->keys->len });
}

static int compare_their_hash(struct ike_mm *mm, struct bytes hash)
{
	struct mm_gss *g = mm->negotiation->gss;
	uint8_t want[IKE_HASH_MAX_LEN];
	bool is_good = false;

	for (int names = 0; names <= has_names(g); names++) {
		if (hash_side(mm, &g->theirs, !mm->is_initiator, names, blob_bytes(&g->their_id),
			      want))
			return auth_fail(mm, IKE_REASON_GENERAL, "cannot compute the peer's hash");
		is_good |= crypto_is_equal(hash, (struct bytes){ want, mm->keys->len });
	}
	if (!is_good)
		return auth_fail(mm, IKE_REASON_CREDENTIALS, "the peer's proof is wrong");
	mm->negotiation->is_proved = true;
	return 0;
}

/* --- messages 2 to 4 ------------------------------------------------------------------------ */

/* Both endpoint names, as they were on the wire. */
static int set_names(struct ike_mm *mm, struct bytes theirs)
{
	uint8_t name[GSS_NAME_WIRE_MAX_LEN];
	struct writer w = writer_make(name, sizeof(name));
	struct mm_gss *g = gss_of(mm);

	if (!g || !mm->local_name || gss_name_write(&w, mm->local_name))
		return -ENOMEM;
	return blob_set(&g->ours.name, (struct bytes){ name, w.len }) ||
			       blob_set(&g->theirs.name, theirs) ?
		       -ENOMEM :
		       0;
}

static int gss_read_answer(struct ike_mm *mm, struct bytes sa_b)
{
	struct bytes theirs = mm_proposal_gss_name(sa_b, 0, 0);

	if (!theirs.len)
		return -EBADMSG;
	free(mm->local_name);
	mm->local_name = strdup(mm->negotiation->policy->gss_name);
	return set_names(mm, theirs);
}

static int take_token(struct mm_gss *g, struct bytes token)
{
	if (g->theirs.n_tokens == IKE_TOKENS_MAX ||
	    g->theirs.tokens.len + token.len > IKE_TOKEN_MAX_LEN)
		return -E2BIG;
	g->theirs.n_tokens++;
	return blob_append(&g->theirs.tokens, token) || blob_set(&g->input, token) ? -ENOMEM : 0;
}

static int gss_read_ke(struct ike_mm *mm, const struct wire_message *message)
{
	const struct wire_payload *token = wire_find(message, WIRE_PAYLOAD_GSS, 0);
	struct mm_gss *g = gss_of(mm);
	int ret;

	if (!g)
		return -ENOMEM;
	if (!token || !token->body.len || wire_find(message, WIRE_PAYLOAD_GSS, 1))
		return -EBADMSG;
	if (!mm->is_initiator) {
		ret = set_names(mm, mm_proposal_gss_name(blob_bytes(&mm->negotiation->sai_b),
							 mm->choice.proposal_index,
							 mm->choice.transform_index));
		if (ret)
			return ret;
	}
	return take_token(g, token->body);
}

static int gss_prepare_ke(struct ike_engine *engine, struct ike_mm *mm)
{
	return step(engine, mm);
}

static void gss_write_ke(const struct ike_mm *mm, struct wire_out *out)
{
	wire_add(out, WIRE_PAYLOAD_GSS, blob_bytes(&mm->negotiation->gss->output));
	blob_free(&mm->negotiation->gss->output);
}

/* --- messages from 5 on --------------------------------------------------------------------- */

static int gss_prepare_proof(struct ike_engine *engine, struct ike_mm *mm)
{
	struct mm_negotiation *n = mm->negotiation;
	struct mm_gss *g = n->gss;
	/* The initiator says first who it is. */
	bool is_our_turn = mm->is_initiator || n->is_proved;

	if (g->input.len)
		return g->is_complete ? auth_fail(mm, IKE_REASON_KERBEROS,
						  "a token that the context does not need") :
					step(engine, mm);
	if (g->output.len || !is_our_turn)
		return 0;
	if (!g->is_complete)
		return auth_fail(mm, IKE_REASON_KERBEROS, "the context came to no end");
	if (!g->wrapped.len)
		return wrap_our_hash(engine, mm);
	n->has_proved = true;
	return 0;
}

static int gss_write_proof(struct ike_mm *mm, struct wire_out *out)
{
	struct mm_gss *g = mm->negotiation->gss;

	wire_begin(out, WIRE_PAYLOAD_ID);
	write_id(mm, &out->w);
	wire_end(out);
	if (mm->negotiation->has_proved)
		wire_add(out, WIRE_PAYLOAD_HASH, blob_bytes(&g->wrapped));
	else
		wire_add(out, WIRE_PAYLOAD_GSS, blob_bytes(&g->output));
	blob_free(&g->output);
	return 0;
}

/* An address is the peer's; a name is not looked at beyond that, the principal is what counts. */
static bool is_good_id(const struct ike_mm *mm, struct bytes id_b)
{
	struct ip_addr addr;
	struct ident ident;

	if (ident_parse(id_b, &ident) || ident_phase1_check(&ident))
		return false;
	return ident_phase1_addr(&ident, &addr) || natt_is_peer_behind(&mm->natt) ||
	       ip_addr_is_equal(&addr, &mm->path.remote);
}

static int take_hash(struct ike_mm *mm, const struct wire_message *message)
{
	const struct wire_payload *hash = wire_find(message, WIRE_PAYLOAD_HASH, 0);
	const struct wire_payload *id = wire_find(message, WIRE_PAYLOAD_ID, 0);
	struct mm_gss *g = mm->negotiation->gss;

	if (!id || !is_good_id(mm, id->body))
		return auth_fail(mm, IKE_REASON_CREDENTIALS,
				 "the peer's identity is not its address");
	if (!hash->body.len || hash->body.len > IKE_WRAPPED_MAX_LEN)
		return auth_fail(mm, IKE_REASON_INVALID_HASH, "the peer's hash has %zu bytes",
				 hash->body.len);
	return blob_set(&g->their_hash, hash->body) || blob_set(&g->their_id, id->body) ?
		       no_memory(mm) :
		       0;
}

/* The token first, if there is one; then the hash. */
static int go_on_judging(struct ike_engine *engine, struct ike_mm *mm)
{
	struct mm_gss *g = mm->negotiation->gss;

	if (g->input.len)
		return g->is_complete ? auth_fail(mm, IKE_REASON_KERBEROS,
						  "a token that the context does not need") :
					step(engine, mm);
	if (!g->their_hash.len)
		return 0;
	if (!g->is_complete)
		return auth_fail(mm, IKE_REASON_KERBEROS, "the peer's proof came too early");
	return unwrap(engine, mm);
}

static int gss_judge(struct ike_engine *engine, struct ike_mm *mm,
		     const struct wire_message *message)
{
	const struct wire_payload *token = wire_find(message, WIRE_PAYLOAD_GSS, 0);
	bool has_hash = wire_find(message, WIRE_PAYLOAD_HASH, 0);

	if (token && take_token(mm->negotiation->gss, token->body))
		return auth_fail(mm, IKE_REASON_KERBEROS, "more or longer tokens than we take");
	if (has_hash && take_hash(mm, message))
		return -EACCES;
	return go_on_judging(engine, mm);
}

/* --- answers -------------------------------------------------------------------------------- */

static int take_step(struct ike_mm *mm, const struct ike_gss_token *answer)
{
	struct mm_gss *g = mm->negotiation->gss;
	bool is_needed = !answer->is_complete || mm->negotiation->step == MM_STEP_KE;

	if (answer->reason)
		return auth_fail(mm, answer->reason, "%s",
				 answer->detail && *answer->detail ?
					 answer->detail :
					 ike_reason_text(answer->reason));
	if (is_needed && !answer->token.len)
		return auth_fail(mm, IKE_REASON_KERBEROS, "the context has no token for the peer");
	if (answer->token.len && g->ours.n_tokens++ == IKE_TOKENS_MAX)
		return auth_fail(mm, IKE_REASON_KERBEROS, "more tokens than we send");
	g->is_complete = answer->is_complete;
	if (blob_set(&g->output, answer->token) || blob_append(&g->ours.tokens, answer->token))
		return no_memory(mm);
	if (g->is_complete) {
		free(mm->remote_name);
		mm->remote_name = strdup(answer->peer ? answer->peer : "");
	}
	return g->is_complete && !mm->remote_name ? no_memory(mm) : 0;
}

static int take_result(struct ike_mm *mm, enum request_kind kind,
		       const struct ike_gss_result *answer)
{
	struct mm_gss *g = mm->negotiation->gss;
	struct bytes bytes = { answer->bytes, answer->len };

	if (answer->reason)
		return auth_fail(mm, answer->reason, "%s", ike_reason_text(answer->reason));
	if (kind == REQUEST_GSS_WRAP)
		return blob_set(&g->wrapped, bytes) ? no_memory(mm) : 0;
	blob_free(&g->their_hash);
	return compare_their_hash(mm, bytes);
}

void auth_gss_reply(struct ike_engine *engine, struct ike_mm *mm, enum request_kind kind,
		    int error, const void *answer)
{
	int ret;

	if (error)
		ret = auth_fail(mm, IKE_REASON_KERBEROS, "Kerberos cannot be used (%s)",
				strerrordesc_np(-error));
	else if (kind == REQUEST_GSS_STEP)
		ret = take_step(mm, answer);
	else
		ret = take_result(mm, kind, answer);
	if (!ret && mm->negotiation->step == MM_STEP_PROOF)
		ret = gss_prepare_proof(engine, mm);
	else if (!ret && mm->negotiation->step == MM_STEP_VERDICT)
		ret = go_on_judging(engine, mm);
	if (ret != AUTH_WAIT)
		main_mode_step_done(engine, mm, ret);
}

const struct auth_ops auth_gss = {
	.method = IKE_AUTH_KERBEROS,
	.proof = MESSAGE_MM_GSS,
	.read_answer = gss_read_answer,
	.prepare_ke = gss_prepare_ke,
	.write_ke = gss_write_ke,
	.read_ke = gss_read_ke,
	.get_skeyid = auth_derive_skeyid,
	.prepare_proof = gss_prepare_proof,
	.write_proof = gss_write_proof,
	.judge = gss_judge,
	.end = gss_end,
};
