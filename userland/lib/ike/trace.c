// SPDX-License-Identifier: MIT
#include "ike/trace.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#include "ike/half_open.h"
#include "ike/mm.h"
#include "ike/names.h"
#include "ike/peer.h"
#include "ike/qm.h"

#define PAYLOADS_LEN 200

bool trace_is_on(const struct ike_engine *engine, enum ike_trace_level level)
{
	return engine->trace_level >= level && engine->ops.trace;
}

void trace_say(struct ike_engine *engine, enum ike_trace_level level, const struct ip_addr *peer,
	       const char *format, ...)
{
	char text[IKE_TRACE_MAX_LEN + 1], addr[IP_ADDR_STRLEN];
	int len = 0;
	va_list args;

	if (!trace_is_on(engine, level))
		return;
	if (peer)
		len = snprintf(text, sizeof(text), "%s: ", ip_addr_format(peer, addr));
	va_start(args, format);
	(void)vsnprintf(text + len, sizeof(text) - (size_t)len, format, args);
	va_end(args);
	engine->ops.trace(engine->userdata, text);
}

/* --- datagrams ------------------------------------------------------------------------------ */

/* "SA VID VID", as many as there is room for. */
static const char *payloads_format(const struct wire_message *message, char *buf, size_t cap)
{
	size_t len = 0;

	buf[0] = '\0';
	for (size_t i = 0; i < message->n_payloads; i++) {
		const char *name = ike_payload_name(message->payloads[i].type);

		if (len + strlen(name) + 2 > cap)
			break;
		len += (size_t)snprintf(buf + len, cap - len, "%s%s", i ? " " : "", name);
	}
	return buf;
}

static const char *contents_format(struct bytes datagram, const struct wire_header *header,
				   char *buf, size_t cap)
{
	struct wire_message message;

	if (header->flags & WIRE_FLAG_ENCRYPTED)
		(void)snprintf(buf, cap, "encrypted");
	else if (wire_parse(datagram, &message))
		(void)snprintf(buf, cap, "malformed");
	else
		(void)payloads_format(&message, buf, cap);
	return buf;
}

static uint64_t cookie_number(const uint8_t *cookie)
{
	struct reader r = reader_from((struct bytes){ cookie, WIRE_COOKIE_LEN });

	return reader_u64(&r);
}

static void say_datagram(struct ike_engine *engine, const struct ike_path *path,
			 struct bytes datagram, const char *what)
{
	char contents[PAYLOADS_LEN];
	struct wire_header header;

	if (!trace_is_on(engine, IKE_TRACE_STEPS))
		return;
	if (wire_parse_header(datagram, &header)) {
		trace_say(engine, IKE_TRACE_STEPS, &path->remote, "%s %zu bytes that are no IKE",
			  what, datagram.len);
		return;
	}
	trace_say(engine, IKE_TRACE_STEPS, &path->remote,
		  "%s %s, %zu bytes, ports %u %u, cookies %016" PRIx64 "-%016" PRIx64
		  ", message id %08x, %s", what, ike_exchange_name(header.exchange), datagram.len,
		  path->local_port, path->remote_port, cookie_number(header.icookie),
		  cookie_number(header.rcookie), header.message_id,
		  contents_format(datagram, &header, contents, sizeof(contents)));
}

void trace_sent(struct ike_engine *engine, const struct ike_path *path, struct bytes datagram)
{
	say_datagram(engine, path, datagram, "sent");
}

void trace_received(struct ike_engine *engine, const struct ike_path *path, struct bytes datagram,
		    struct ike_stats *ret_before)
{
	if (trace_is_on(engine, IKE_TRACE_STEPS))
		*ret_before = engine->stats;
	say_datagram(engine, path, datagram, "received");
}

/* Counters that move when a datagram leads to nothing new. */
static const struct {
	size_t offset;
	const char *text;
} outcomes[] = {
	{ offsetof(struct ike_stats, invalid_packets), "ignored: not what can be used now" },
	{ offsetof(struct ike_stats, invalid_cookies), "ignored: unknown cookies" },
	{ offsetof(struct ike_stats, duplicates_ignored), "ignored: a duplicate" },
	{ offsetof(struct ike_stats, duplicates_answered), "a duplicate, answered as before" },
	{ offsetof(struct ike_stats, rate_limited), "ignored: too many" },
	{ offsetof(struct ike_stats, cookie_challenges), "has to return a cookie first" },
	{ offsetof(struct ike_stats, unauthenticated_notifies), "a notify without proof" },
	{ offsetof(struct ike_stats, unauthenticated_deletes), "a delete without proof" },
};

static uint64_t counter(const struct ike_stats *stats, size_t offset)
{
	uint64_t value;

	memcpy(&value, (const char *)stats + offset, sizeof(value));
	return value;
}

void trace_outcome(struct ike_engine *engine, const struct ike_path *path,
		   const struct ike_stats *before)
{
	if (!trace_is_on(engine, IKE_TRACE_MESSAGES))
		return;
	for (size_t i = 0; i < sizeof(outcomes) / sizeof(outcomes[0]); i++) {
		size_t offset = outcomes[i].offset;

		if (counter(&engine->stats, offset) != counter(before, offset))
			trace_say(engine, IKE_TRACE_MESSAGES, &path->remote, "%s",
				  outcomes[i].text);
	}
}

void trace_decrypted(struct ike_engine *engine, const struct wire_message *message)
{
	char payloads[PAYLOADS_LEN];

	if (!trace_is_on(engine, IKE_TRACE_MESSAGES))
		return;
	trace_say(engine, IKE_TRACE_MESSAGES, engine->arrival ? &engine->arrival->remote : NULL,
		  "decrypted: %s", payloads_format(message, payloads, sizeof(payloads)));
}

/* --- acquires and questions ----------------------------------------------------------------- */

void trace_acquire(struct ike_engine *engine, const struct ike_acquire *acquire)
{
	const struct ike_selector *s = &acquire->selector;
	char local[IP_ADDR_STRLEN], remote[IP_ADDR_STRLEN];

	trace_say(engine, IKE_TRACE_STEPS, &acquire->path.remote,
		  "acquire %" PRIu64 ": %s/%u -> %s/%u, protocol %u, ports %u %u, filter %u",
		  acquire->id, ip_addr_format(&s->local, local), s->local_prefix,
		  ip_addr_format(&s->remote, remote), s->remote_prefix, s->protocol, s->local_port,
		  s->remote_port, acquire->qm.filter_id);
}

void trace_acquire_end(struct ike_engine *engine, const struct ike_peer *peer, uint64_t id,
		       enum ike_reason reason)
{
	trace_say(engine, IKE_TRACE_STEPS, &peer->remote, "acquire %" PRIu64 " has ended: %s (%d)",
		  id, ike_reason_text(reason), reason);
}

enum owner {
	OWNER_UNKNOWN,
	OWNER_HALF_OPEN,
	OWNER_PEER,
	OWNER_MM,
	OWNER_QM,
};

/* What a kind of request is for; one without a row is shown without its peer. */
static const struct {
	const char *what;
	enum owner owner;
} kinds[] = {
	[REQUEST_NONE] = { "something", OWNER_UNKNOWN },
	[REQUEST_HALF_OPEN_POLICY] = { "main mode policy", OWNER_HALF_OPEN },
	[REQUEST_PEER_POLICY] = { "main mode policy", OWNER_PEER },
	[REQUEST_SKEYID] = { "SKEYID", OWNER_MM },
	[REQUEST_AUTHORITIES] = { "certification authorities", OWNER_MM },
	[REQUEST_CERTIFICATE] = { "our certificate", OWNER_MM },
	[REQUEST_SIGNATURE] = { "signature", OWNER_MM },
	[REQUEST_PROOF] = { "check of the peer's proof", OWNER_MM },
	[REQUEST_GSS_STEP] = { "Kerberos token", OWNER_MM },
	[REQUEST_GSS_WRAP] = { "wrapping with Kerberos", OWNER_MM },
	[REQUEST_GSS_UNWRAP] = { "unwrapping with Kerberos", OWNER_MM },
	[REQUEST_QM_POLICY] = { "quick mode policy", OWNER_QM },
	[REQUEST_SPI_AH] = { "SPI for AH", OWNER_QM },
	[REQUEST_SPI_ESP] = { "SPI for ESP", OWNER_QM },
	[REQUEST_ADD_SA] = { "installation", OWNER_QM },
	[REQUEST_MM_KEYS] = { "Diffie-Hellman", OWNER_MM },
	[REQUEST_QM_KEYS] = { "Diffie-Hellman", OWNER_QM },
	[REQUEST_RING] = { "key pairs", OWNER_UNKNOWN },
};

static const char *what_is(const struct request *request)
{
	size_t kind = request->kind;

	if (kind >= sizeof(kinds) / sizeof(kinds[0]) || !kinds[kind].what)
		return kinds[REQUEST_NONE].what;
	return kinds[kind].what;
}

static const struct ip_addr *peer_of(const struct request *request)
{
	size_t kind = request->kind;
	enum owner owner =
		kind < sizeof(kinds) / sizeof(kinds[0]) ? kinds[kind].owner : OWNER_UNKNOWN;

	switch (owner) {
	case OWNER_HALF_OPEN:
		return &((const struct half_open *)request->owner)->path.remote;
	case OWNER_PEER:
		return &((const struct ike_peer *)request->owner)->remote;
	case OWNER_MM:
		return &((const struct ike_mm *)request->owner)->path.remote;
	case OWNER_QM:
		return &((const struct ike_qm *)request->owner)->peer->remote;
	case OWNER_UNKNOWN:
		break;
	}
	return NULL;
}

void trace_request(struct ike_engine *engine, const struct request *request)
{
	trace_say(engine, IKE_TRACE_STEPS, peer_of(request), "asked for %s", what_is(request));
}

void trace_reply(struct ike_engine *engine, const struct request *request,
		 const struct deferred *reply)
{
	bool is_policy = request->kind == REQUEST_HALF_OPEN_POLICY ||
			 request->kind == REQUEST_PEER_POLICY ||
			 request->kind == REQUEST_QM_POLICY;
	const char *text = "answered";

	if (reply->error)
		text = strerrordesc_np(-reply->error);
	else if (is_policy && !reply->mm_policy && !reply->qm_policy)
		text = "there is none";
	trace_say(engine, IKE_TRACE_STEPS, peer_of(request), "%s: %s", what_is(request),
		  text ? text : "refused");
}

/* --- events --------------------------------------------------------------------------------- */

static const char *const event_names[IKE_EVENT_COUNT] = {
	[IKE_EVENT_MM_ESTABLISHED] = "main mode",
	[IKE_EVENT_QM_ESTABLISHED] = "quick mode",
	[IKE_EVENT_QM_DELETED] = "quick mode ended",
	[IKE_EVENT_MM_DELETED] = "main mode ended",
	[IKE_EVENT_MM_FAILED] = "main mode failed",
	[IKE_EVENT_QM_FAILED] = "quick mode failed",
	[IKE_EVENT_SEND_FAILED] = "sending failed",
};

static void say_mm(struct ike_engine *engine, const struct ike_mm_info *mm)
{
	char proposal[64];

	trace_say(engine, IKE_TRACE_STEPS, &mm->path.remote, "main mode: %s, %s, %u s",
		  mm_proposal_format(&mm->proposal, proposal, sizeof(proposal)),
		  ike_auth_name(mm->auth), mm->life_seconds);
}

static void say_qm(struct ike_engine *engine, const struct ike_qm_info *qm)
{
	char suites[96];

	trace_say(engine, IKE_TRACE_STEPS, &qm->path.remote,
		  "quick mode: %s, SPI 0x%08x in, 0x%08x out, %s, %u s, %u KB",
		  qm_suites_format(qm->suites, qm->n_suites, suites, sizeof(suites)), qm->spi_in[0],
		  qm->spi_out[0], ike_group_name(qm->pfs_group), qm->life_seconds,
		  qm->life_kbytes);
}

void trace_event(struct ike_engine *engine, const struct ike_event *event)
{
	if (!trace_is_on(engine, IKE_TRACE_STEPS))
		return;
	trace_say(engine, IKE_TRACE_STEPS, &event->path.remote, "%s: %s (%d)",
		  event_names[event->kind], event->text, event->reason);
	if (event->kind == IKE_EVENT_MM_ESTABLISHED && event->mm)
		say_mm(engine, event->mm);
	if (event->kind == IKE_EVENT_QM_ESTABLISHED && event->qm)
		say_qm(engine, event->qm);
}
