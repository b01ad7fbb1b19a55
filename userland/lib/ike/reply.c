// SPDX-License-Identifier: MIT
/* The answers of those whom an op has asked, see "Requests" in engine.h. */
#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "ike/core.h"
#include "ike/credential.h"
#include "ike/job.h"
#include "ike/request.h"

/* Inside an op the reply is kept until the running call ends. */
static int reply(struct ike_engine *engine, uint64_t now, const struct deferred *d)
{
	int ret;

	if (core_enter(engine, now))
		return request_defer(engine, d);
	ret = request_dispatch(engine, d);
	core_leave(engine);
	return ret;
}

int ike_engine_policy_mm_reply(struct ike_engine *engine, uint64_t now, uint64_t id,
			       const struct ike_mm_policy *policy)
{
	struct deferred d = {
		.id = id,
		.allowed_kinds = KIND_BIT(REQUEST_HALF_OPEN_POLICY) |
				 KIND_BIT(REQUEST_PEER_POLICY),
		.mm_policy = (struct ike_mm_policy *)policy,
	};

	return reply(engine, now, &d);
}

int ike_engine_policy_qm_reply(struct ike_engine *engine, uint64_t now, uint64_t id,
			       const struct ike_qm_policy *policy)
{
	struct deferred d = {
		.id = id,
		.allowed_kinds = KIND_BIT(REQUEST_QM_POLICY),
		.qm_policy = (struct ike_qm_policy *)policy,
	};

	return reply(engine, now, &d);
}

int ike_engine_get_spi_reply(struct ike_engine *engine, uint64_t now, uint64_t id, int error,
			     uint32_t spi)
{
	struct deferred d = {
		.id = id,
		.allowed_kinds = KIND_BIT(REQUEST_SPI_AH) | KIND_BIT(REQUEST_SPI_ESP),
		.error = error,
		.spi = spi,
	};

	return reply(engine, now, &d);
}

int ike_engine_psk_skeyid_reply(struct ike_engine *engine, uint64_t now, uint64_t id, int error,
				const uint8_t *skeyid, size_t len)
{
	struct deferred d = {
		.id = id,
		.allowed_kinds = KIND_BIT(REQUEST_SKEYID),
		.error = error,
		.skeyid_len = len,
	};
	int ret;

	if (!error && (!skeyid || !len || len > sizeof(d.skeyid)))
		d.error = -EINVAL;
	if (!d.error)
		memcpy(d.skeyid, skeyid, len);
	ret = reply(engine, now, &d);
	wipe(&d, sizeof(d));
	return ret;
}

int ike_engine_add_sa_reply(struct ike_engine *engine, uint64_t now, uint64_t id, int error)
{
	struct deferred d = {
		.id = id,
		.allowed_kinds = KIND_BIT(REQUEST_ADD_SA),
		.error = error,
	};

	return reply(engine, now, &d);
}

/* What is out of bounds is as good as no answer. */
static int credential_reply(struct ike_engine *engine, uint64_t now, uint64_t id, int error,
			    enum request_kind kind, const void *answer)
{
	struct deferred d = {
		.id = id,
		.allowed_kinds = KIND_BIT(kind),
		.error = error,
		.answer_kind = request_credential(kind),
		.answer = (void *)answer,
	};

	if (!error && (!answer || !credential_is_valid(d.answer_kind, answer)))
		d.error = -EINVAL;
	if (d.error)
		d.answer = NULL;
	return reply(engine, now, &d);
}

int ike_engine_authorities_reply(struct ike_engine *engine, uint64_t now, uint64_t id, int error,
				 const struct ike_authorities *authorities)
{
	return credential_reply(engine, now, id, error, REQUEST_AUTHORITIES, authorities);
}

int ike_engine_certificate_reply(struct ike_engine *engine, uint64_t now, uint64_t id, int error,
				 const struct ike_certificate *certificate)
{
	return credential_reply(engine, now, id, error, REQUEST_CERTIFICATE, certificate);
}

int ike_engine_signature_reply(struct ike_engine *engine, uint64_t now, uint64_t id, int error,
			       const struct ike_signature *signature)
{
	return credential_reply(engine, now, id, error, REQUEST_SIGNATURE, signature);
}

int ike_engine_proof_reply(struct ike_engine *engine, uint64_t now, uint64_t id, int error,
			   const struct ike_proof *proof)
{
	return credential_reply(engine, now, id, error, REQUEST_PROOF, proof);
}

int ike_engine_gss_step_reply(struct ike_engine *engine, uint64_t now, uint64_t id, int error,
			      const struct ike_gss_token *token)
{
	return credential_reply(engine, now, id, error, REQUEST_GSS_STEP, token);
}

int ike_engine_gss_wrap_reply(struct ike_engine *engine, uint64_t now, uint64_t id, int error,
			      const struct ike_gss_result *result)
{
	return credential_reply(engine, now, id, error, REQUEST_GSS_WRAP, result);
}

int ike_engine_gss_unwrap_reply(struct ike_engine *engine, uint64_t now, uint64_t id, int error,
				const struct ike_gss_result *result)
{
	return credential_reply(engine, now, id, error, REQUEST_GSS_UNWRAP, result);
}

int ike_engine_job_reply(struct ike_engine *engine, uint64_t now, uint64_t id, struct ike_job *job)
{
	struct deferred d = {
		.id = id,
		.allowed_kinds = KIND_BIT(REQUEST_MM_KEYS) | KIND_BIT(REQUEST_QM_KEYS) |
				 KIND_BIT(REQUEST_RING),
		.job = job,
	};
	bool is_deferred = engine->is_busy;
	int ret;

	job_uncount(engine, job);
	ret = reply(engine, now, &d);
	if (!is_deferred || ret)
		ike_job_free(job);
	return ret;
}
