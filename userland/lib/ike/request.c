// SPDX-License-Identifier: MIT
#include "ike/request.h"

#include <errno.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "ike/auth.h"
#include "ike/half_open.h"
#include "ike/job.h"
#include "ike/main_mode.h"
#include "ike/peer.h"
#include "ike/proposal_mm.h"
#include "ike/quick_mode.h"
#include "ike/trace.h"

int request_start(struct ike_engine *engine, struct request *request, enum request_kind kind,
		  void *owner)
{
	uint64_t id = core_new_id(engine);

	request_cancel(engine, request);
	if (table_add(&engine->requests, &request->node, core_hash(engine, &id, sizeof(id))))
		return -ENOMEM;
	request->id = id;
	request->kind = kind;
	request->owner = owner;
	trace_request(engine, request);
	return 0;
}

void request_cancel(struct ike_engine *engine, struct request *request)
{
	table_remove(&engine->requests, &request->node);
	request->kind = REQUEST_NONE;
}

bool request_is_waiting(const struct request *request)
{
	return request->kind != REQUEST_NONE;
}

void request_fail(struct ike_engine *engine, struct request *request, int error)
{
	struct deferred reply = {
		.id = request->id,
		.allowed_kinds = KINDS_ALL,
		.error = error,
	};

	/* Out of memory: nobody will answer, and the owner's own deadline ends it. */
	(void)request_defer(engine, &reply);
}

int request_sent(struct ike_engine *engine, struct request *request, int error)
{
	if (error < 0)
		request_fail(engine, request, error);
	return AUTH_WAIT;
}

enum credential_kind request_credential(enum request_kind kind)
{
	switch ((unsigned int)kind) {
	case REQUEST_AUTHORITIES:
		return CREDENTIAL_AUTHORITIES;
	case REQUEST_CERTIFICATE:
		return CREDENTIAL_CERTIFICATE;
	case REQUEST_SIGNATURE:
		return CREDENTIAL_SIGNATURE;
	case REQUEST_PROOF:
		return CREDENTIAL_PROOF;
	case REQUEST_GSS_STEP:
		return CREDENTIAL_GSS_TOKEN;
	}
	return CREDENTIAL_GSS_RESULT;
}

static struct request *find(const struct ike_engine *engine, uint64_t id)
{
	struct table_node *node =
		table_find(&engine->requests, core_hash(engine, &id, sizeof(id)));

	for (; node; node = table_find_next(node)) {
		struct request *request = container_of(node, struct request, node);

		if (request->id == id)
			return request;
	}
	return NULL;
}

static void deliver(struct ike_engine *engine, enum request_kind kind, void *owner,
		    const struct deferred *reply)
{
	const struct ike_mm_policy *mm_policy = reply->error ? NULL : reply->mm_policy;
	const struct ike_qm_policy *qm_policy = reply->error ? NULL : reply->qm_policy;

	switch (kind) {
	case REQUEST_HALF_OPEN_POLICY:
		half_open_policy_reply(engine, owner, mm_policy);
		break;
	case REQUEST_PEER_POLICY:
		peer_policy_reply(engine, owner, mm_policy);
		break;
	case REQUEST_SKEYID:
		auth_psk_reply(engine, owner, reply->error, reply->skeyid, reply->skeyid_len);
		break;
	case REQUEST_AUTHORITIES:
	case REQUEST_CERTIFICATE:
	case REQUEST_SIGNATURE:
	case REQUEST_PROOF:
		auth_cert_reply(engine, owner, kind, reply->error, reply->answer);
		break;
	case REQUEST_GSS_STEP:
	case REQUEST_GSS_WRAP:
	case REQUEST_GSS_UNWRAP:
		auth_gss_reply(engine, owner, kind, reply->error, reply->answer);
		break;
	case REQUEST_QM_POLICY:
		quick_mode_policy_reply(engine, owner, qm_policy);
		break;
	case REQUEST_SPI_AH:
		quick_mode_spi_reply(engine, owner, IKE_PROTOCOL_AH, reply->error, reply->spi);
		break;
	case REQUEST_SPI_ESP:
		quick_mode_spi_reply(engine, owner, IKE_PROTOCOL_ESP, reply->error, reply->spi);
		break;
	case REQUEST_ADD_SA:
		quick_mode_add_sa_reply(engine, owner, reply->error);
		break;
	case REQUEST_MM_KEYS:
		main_mode_keys_reply(engine, owner, reply->error, reply->job);
		break;
	case REQUEST_QM_KEYS:
		quick_mode_keys_reply(engine, owner, reply->error, reply->job);
		break;
	case REQUEST_RING:
		job_ring_reply(engine, reply->job);
		break;
	case REQUEST_NONE:
		break;
	}
}

int request_dispatch(struct ike_engine *engine, const struct deferred *reply)
{
	struct request *request = find(engine, reply->id);
	enum request_kind kind;
	void *owner;

	if (!request)
		return -ENOENT;
	if (!(KIND_BIT(request->kind) & reply->allowed_kinds))
		return -EINVAL;
	trace_reply(engine, request, reply);
	kind = request->kind;
	owner = request->owner;
	request_cancel(engine, request);
	deliver(engine, kind, owner, reply);
	return 0;
}

static void free_deferred(struct deferred *d)
{
	wipe(d->skeyid, sizeof(d->skeyid));
	free(d->mm_policy);
	free(d->qm_policy);
	free(d->answer);
	ike_job_free(d->job);
	free(d);
}

static void *copy(const void *data, size_t len)
{
	void *p = malloc(len);

	return p ? memcpy(p, data, len) : NULL;
}

int request_defer(struct ike_engine *engine, const struct deferred *reply)
{
	struct deferred *d = malloc(sizeof(*d));

	if (!d)
		return -ENOMEM;
	*d = *reply;
	if (reply->mm_policy)
		d->mm_policy = mm_policy_copy(reply->mm_policy);
	if (reply->qm_policy)
		d->qm_policy = copy(reply->qm_policy, sizeof(*reply->qm_policy));
	if (reply->answer)
		d->answer = credential_copy(reply->answer_kind, reply->answer);
	if (!d->mm_policy != !reply->mm_policy || !d->qm_policy != !reply->qm_policy ||
	    !d->answer != !reply->answer) {
		d->job = NULL;
		free_deferred(d);
		return -ENOMEM;
	}
	STAILQ_INSERT_TAIL(&engine->deferred, d, link);
	return 0;
}

void request_run_deferred(struct ike_engine *engine)
{
	struct deferred *d;

	while ((d = STAILQ_FIRST(&engine->deferred))) {
		STAILQ_REMOVE_HEAD(&engine->deferred, link);
		/* A reply that is too late, or of the wrong kind, is nobody's. */
		(void)request_dispatch(engine, d);
		free_deferred(d);
	}
}

void request_drop_deferred(struct ike_engine *engine)
{
	struct deferred *d;

	while ((d = STAILQ_FIRST(&engine->deferred))) {
		STAILQ_REMOVE_HEAD(&engine->deferred, link);
		free_deferred(d);
	}
}
