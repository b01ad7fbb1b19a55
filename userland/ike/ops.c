// SPDX-License-Identifier: MIT
/* What the engine asks for: passed to the agent or to cred, and the answers back. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "ike/host.h"
#include "ike/pool.h"
#include "ike/text.h"
#include "ike/udp.h"

#define SECOND_USEC UINT64_C(1000000)
/* The engine's peers retransmit for longer than that. */
#define ASK_TIMEOUT (8 * SECOND_USEC)
/* For those who may have to ask others in turn: a KDC, or where revocation lists are. */
#define CREDENTIAL_TIMEOUT (20 * SECOND_USEC)

/* One question under way. */
struct question {
	struct host *host;
	uint64_t id;
	link_reply_fn done;
};

static void on_answer(void *userdata, int error, const void *reply)
{
	struct question *question = userdata;

	question->done(question, error, reply);
	host_touch(question->host);
	free(question);
}

static int ask_for(struct host *host, struct link_client *client,
		   const struct link_method *method, const void *args, uint64_t timeout,
		   bool may_repeat, uint64_t id, link_reply_fn done)
{
	struct question *question = malloc(sizeof(*question));
	int r;

	if (!question)
		return -ENOMEM;
	*question = (struct question){ .host = host, .id = id, .done = done };
	r = link_client_call(client, method, args, timeout, may_repeat, on_answer, question, NULL);
	if (r < 0)
		free(question);
	return r;
}

static int ask(struct host *host, struct link_client *client, const struct link_method *method,
	       const void *args, bool may_repeat, uint64_t id, link_reply_fn done)
{
	return ask_for(host, client, method, args, ASK_TIMEOUT, may_repeat, id, done);
}

/* --- questions ---------------------------------------------------------------------------- */

static void on_policy_mm(void *userdata, int error, const void *reply)
{
	struct question *q = userdata;

	(void)ike_engine_policy_mm_reply(q->host->engine, host_now(), q->id,
					 error < 0 ? NULL : reply);
}

static int op_policy_mm(void *userdata, uint64_t id, const struct ike_path *path,
			bool is_initiator, uint32_t active_seconds)
{
	struct link_policy_mm_query query = { .path = *path, .is_initiator = is_initiator,
					      .active_seconds = active_seconds };
	struct host *host = userdata;

	return ask(host, host->agent, &link_policy_mm, &query, true, id, on_policy_mm);
}

static void on_policy_qm(void *userdata, int error, const void *reply)
{
	struct question *q = userdata;

	(void)ike_engine_policy_qm_reply(q->host->engine, host_now(), q->id,
					 error < 0 ? NULL : reply);
}

static int op_policy_qm(void *userdata, uint64_t id, const struct ike_qm_query *query)
{
	struct host *host = userdata;

	return ask(host, host->agent, &link_policy_qm, query, true, id, on_policy_qm);
}

static void on_get_spi(void *userdata, int error, const void *reply)
{
	const struct link_spi *answer = reply;
	struct question *q = userdata;

	(void)ike_engine_get_spi_reply(q->host->engine, host_now(), q->id, error,
				       error < 0 ? 0 : answer->spi);
}

static int op_get_spi(void *userdata, uint64_t id, const struct ike_spi_request *request)
{
	struct host *host = userdata;

	/* a larval association that nobody knows of any more ends by itself */
	return ask(host, host->agent, &link_get_spi, request, true, id, on_get_spi);
}

static void on_psk_skeyid(void *userdata, int error, const void *reply)
{
	const struct link_skeyid *answer = reply;
	struct question *q = userdata;

	(void)ike_engine_psk_skeyid_reply(q->host->engine, host_now(), q->id, error,
					  error < 0 ? NULL : answer->bytes,
					  error < 0 ? 0 : answer->len);
}

static int op_psk_skeyid(void *userdata, uint64_t id, const struct ike_psk_request *request)
{
	struct host *host = userdata;

	return ask(host, host->cred, &link_psk_skeyid, request, true, id, on_psk_skeyid);
}

static void on_add_sa(void *userdata, int error, const void *reply)
{
	struct question *q = userdata;

	(void)reply;
	(void)ike_engine_add_sa_reply(q->host->engine, host_now(), q->id, error);
}

static int op_add_sa(void *userdata, uint64_t id, const struct ike_sa_install *install)
{
	struct host *host = userdata;

	/* twice would be refused, and nobody could tell by whose fault */
	return ask(host, host->agent, &link_add_sa, install, false, id, on_add_sa);
}

static int op_job(void *userdata, uint64_t id, struct ike_job *job)
{
	struct host *host = userdata;

	return pool_submit(host->pool, id, job);
}

/* --- questions about credentials ------------------------------------------------------------ */

/* An op of the engine, and its answer: the same struct on both ways. */
#define CREDENTIAL_OP(name, question_type, may_repeat)                                          \
	static void on_##name(void *userdata, int error, const void *reply)                     \
	{                                                                                       \
		struct question *q = userdata;                                                  \
												\
		(void)ike_engine_##name##_reply(q->host->engine, host_now(), q->id, error,      \
						error < 0 ? NULL : reply);                      \
	}                                                                                       \
												\
	static int op_##name(void *userdata, uint64_t id, const struct question_type *question) \
	{                                                                                       \
		struct host *host = userdata;                                                   \
												\
		return ask_for(host, host->cred, &link_##name, question, CREDENTIAL_TIMEOUT,    \
			       may_repeat, id, on_##name);                                      \
	}

CREDENTIAL_OP(authorities, ike_authorities_request, true)
CREDENTIAL_OP(certificate, ike_certificate_request, true)
CREDENTIAL_OP(signature, ike_signature_request, true)
CREDENTIAL_OP(proof, ike_proof_request, true)
/* a context does not outlive the link, and takes no message twice */
CREDENTIAL_OP(gss_step, ike_gss_step, false)
CREDENTIAL_OP(gss_wrap, ike_gss_message, false)
CREDENTIAL_OP(gss_unwrap, ike_gss_message, false)

static void op_gss_end(void *userdata, const struct ike_gss_end *end)
{
	struct host *host = userdata;

	/* behind the questions about it, which may still wait for the link */
	(void)link_client_send(host->cred, &link_gss_end, end);
}

/* --- statements --------------------------------------------------------------------------- */

static void tell(struct host *host, const struct link_method *method, const void *args)
{
	int r = link_client_send(host->agent, method, args);

	if (r < 0)
		log_error("the policy agent misses a message: %s", strerror(-r));
}

static void op_del_sa(void *userdata, const struct ike_sa_ref *ref)
{
	tell(userdata, &link_del_sa, ref);
}

static void op_acquire_result(void *userdata, uint64_t acquire_id, enum ike_reason reason,
			      bool peer_answered)
{
	const struct link_acquire_result result = {
		.acquire_id = acquire_id,
		.reason = reason,
		.peer_answered = peer_answered,
	};

	tell(userdata, &link_acquire_result, &result);
}

static void op_event(void *userdata, const struct ike_event *event)
{
	char text[LINK_TEXT_MAX_LEN + 1], peer[IP_ADDR_STRLEN];
	struct ike_event copy = *event;

	text_copy_line(text, event->text, sizeof(text));
	copy.text = text;
	/* the agent writes the log that people read */
	log_debug("%s: %s", ip_addr_format(&event->path.remote, peer), text);
	tell(userdata, &link_event, &copy);
}

/* Nothing waits with keys in it: without a link they are not logged. */
static void op_keylog(void *userdata, const struct ike_keylog *keylog)
{
	struct host *host = userdata;

	if (host->config.keylog)
		(void)link_send(link_client_link(host->agent), &link_keylog, keylog);
}

static void op_trace(void *userdata, const char *text)
{
	struct host *host = userdata;

	tracer_say(&host->tracer, host_now(), text);
}

static int op_send(void *userdata, const struct ike_path *path, const uint8_t *data, size_t len)
{
	struct host *host = userdata;

	return udp_send(host->udp, path, data, len);
}

const struct ike_ops host_ops = {
	.send = op_send,
	.policy_mm = op_policy_mm,
	.policy_qm = op_policy_qm,
	.get_spi = op_get_spi,
	.psk_skeyid = op_psk_skeyid,
	.add_sa = op_add_sa,
	.authorities = op_authorities,
	.certificate = op_certificate,
	.signature = op_signature,
	.proof = op_proof,
	.gss_step = op_gss_step,
	.gss_wrap = op_gss_wrap,
	.gss_unwrap = op_gss_unwrap,
	.gss_end = op_gss_end,
	.job = op_job,
	.del_sa = op_del_sa,
	.acquire_result = op_acquire_result,
	.event = op_event,
	.keylog = op_keylog,
	.trace = op_trace,
};
