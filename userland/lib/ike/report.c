// SPDX-License-Identifier: MIT
#include "ike/report.h"

#include <stdio.h>
#include <string.h>

#include "ike/mm.h"
#include "ike/names.h"
#include "ike/trace.h"

#define TOKEN 1000
#define BURST 5

/* Families of limiters; the rest of a key is a reason or an errno. */
#define LIMIT_STRANGER_ME 0x10000
#define LIMIT_STRANGER_PEER 0x20000
#define LIMIT_RESPONDER 0x30000
#define LIMIT_SEND 0x40000

/* A limiter per kind and reason, nearly: two that share one limit each other. */
static bool is_allowed(struct ike_engine *engine, uint32_t key, uint32_t *ret_suppressed)
{
	struct limiter *l = &engine->limiters[core_hash(engine, &key, sizeof(key)) % LIMITERS];
	uint64_t tokens;

	if (!l->is_used)
		*l = (struct limiter){ .is_used = true, .tokens = BURST * TOKEN };
	tokens = l->tokens + (l->stamp ? engine->now - l->stamp : 0);
	l->tokens = (uint32_t)MIN(tokens, BURST * TOKEN);
	l->stamp = engine->now;
	if (l->tokens < TOKEN) {
		l->suppressed++;
		return false;
	}
	l->tokens -= TOKEN;
	*ret_suppressed = l->suppressed;
	l->suppressed = 0;
	return true;
}

static void emit(struct ike_engine *engine, const struct ike_event *event)
{
	trace_event(engine, event);
	if (engine->ops.event)
		engine->ops.event(engine->userdata, event);
}

void report_mm(struct ike_engine *engine, enum ike_event_kind kind, const struct ike_mm *mm,
	       enum ike_reason reason, bool is_at_peer, const char *text)
{
	struct ike_mm_info info;
	struct ike_event event = {
		.kind = kind,
		.path = mm->path,
		.reason = reason,
		.failed_at_peer = is_at_peer,
		.text = text,
		.mm = &info,
	};

	mm_get_info(engine, mm, &info);
	emit(engine, &event);
}

void report_qm(struct ike_engine *engine, enum ike_event_kind kind, const struct ike_mm *mm,
	       const struct ike_qm_info *info, enum ike_reason reason, bool is_at_peer,
	       const char *text)
{
	struct ike_mm_info mm_info;
	struct ike_event event = {
		.kind = kind,
		.path = info->path,
		.reason = reason,
		.failed_at_peer = is_at_peer,
		.text = text,
		.qm = info,
		.mismatch = engine->mismatch,
	};

	/* A peer that knows the group's key can fail as often as it likes. */
	if (kind == IKE_EVENT_QM_FAILED && !info->is_initiator &&
	    !is_allowed(engine, LIMIT_RESPONDER | (uint32_t)reason, &event.suppressed))
		return;
	if (mm) {
		mm_get_info(engine, mm, &mm_info);
		event.mm = &mm_info;
	}
	emit(engine, &event);
}

void report_stranger(struct ike_engine *engine, const struct ike_path *path,
		     const struct ike_mm *mm, enum ike_reason reason, bool is_at_peer,
		     const char *format, ...)
{
	struct ike_event event = {
		.kind = IKE_EVENT_MM_FAILED,
		.path = *path,
		.reason = reason,
		.failed_at_peer = is_at_peer,
		.text = engine->text,
		.mismatch = engine->mismatch,
	};
	struct ike_mm_info info;
	va_list args;

	engine->stats.negotiation_failures++;
	if (report_is_authentication(reason))
		engine->stats.authentication_failures++;
	/* Formatting is left out too: a flood must not cost it. */
	if (!engine->ops.event ||
	    !is_allowed(engine, (is_at_peer ? LIMIT_STRANGER_PEER : LIMIT_STRANGER_ME) |
			(uint32_t)reason, &event.suppressed))
		return;
	va_start(args, format);
	(void)vsnprintf(engine->text, sizeof(engine->text), format, args);
	va_end(args);
	if (mm) {
		mm_get_info(engine, mm, &info);
		event.mm = &info;
	}
	emit(engine, &event);
}

void report_send_failed(struct ike_engine *engine, const struct ike_path *path, int error)
{
	struct ike_event event = {
		.kind = IKE_EVENT_SEND_FAILED,
		.path = *path,
		.reason = IKE_REASON_GENERAL,
		.text = strerrordesc_np(-error),
	};

	if (!event.text)
		event.text = "cannot send";
	if (is_allowed(engine, LIMIT_SEND | (uint32_t)-error, &event.suppressed))
		emit(engine, &event);
}

bool report_is_authentication(enum ike_reason reason)
{
	switch (reason) {
	case IKE_REASON_CREDENTIALS:
	case IKE_REASON_KEY_USAGE:
	case IKE_REASON_CERT_TYPE:
	case IKE_REASON_SIGNATURE:
	case IKE_REASON_KERBEROS:
	case IKE_REASON_NO_PUBLIC_KEY:
	case IKE_REASON_NO_PEER_CERTIFICATE:
	case IKE_REASON_PEER_CRL:
	case IKE_REASON_UNSUPPORTED_ID:
	case IKE_REASON_INVALID_HASH:
	case IKE_REASON_KEY_TOO_SHORT:
	case IKE_REASON_NOT_IN_POLICY:
		return true;
	default:
		return false;
	}
}

const char *report_refusal(uint16_t type, enum ike_reason reason, char *buf, size_t len)
{
	(void)snprintf(buf, len, "the peer refused with %s: %s", ike_notify_name(type),
		       ike_reason_text(reason));
	return buf;
}

enum ike_reason report_notify_reason(uint16_t type)
{
	switch (type) {
	case IKE_NOTIFY_NO_PROPOSAL_CHOSEN:
	case IKE_NOTIFY_BAD_PROPOSAL_SYNTAX:
	case IKE_NOTIFY_ATTRIBUTES_NOT_SUPPORTED:
	case IKE_NOTIFY_INVALID_TRANSFORM_ID:
		return IKE_REASON_ATTRIBUTES;
	case IKE_NOTIFY_AUTHENTICATION_FAILED:
	case IKE_NOTIFY_INVALID_HASH_INFORMATION:
	case IKE_NOTIFY_INVALID_SIGNATURE:
	case IKE_NOTIFY_INVALID_CERTIFICATE:
	case IKE_NOTIFY_INVALID_CERT_AUTHORITY:
	case IKE_NOTIFY_CERTIFICATE_UNAVAILABLE:
		return IKE_REASON_CREDENTIALS;
	case IKE_NOTIFY_INVALID_ID_INFORMATION:
		return IKE_REASON_POLICY_MATCH;
	case IKE_NOTIFY_INVALID_KEY_INFORMATION:
		return IKE_REASON_DH;
	case IKE_NOTIFY_PAYLOAD_MALFORMED:
	case IKE_NOTIFY_INVALID_PAYLOAD_TYPE:
		return IKE_REASON_INVALID_PAYLOAD;
	}
	return IKE_REASON_GENERAL;
}

enum ike_reason report_status_reason(uint32_t code)
{
	if (code < IKE_REASON_CREDENTIALS || code > IKE_REASON_SHUTTING_DOWN)
		return IKE_REASON_GENERAL;
	return (enum ike_reason)code;
}

uint16_t report_reason_notify(enum ike_reason reason)
{
	switch (reason) {
	case IKE_REASON_DH:
		return IKE_NOTIFY_INVALID_KEY_INFORMATION;
	case IKE_REASON_INVALID_PAYLOAD:
		return IKE_NOTIFY_PAYLOAD_MALFORMED;
	case IKE_REASON_SIGNATURE:
		return IKE_NOTIFY_INVALID_SIGNATURE;
	case IKE_REASON_NOT_IN_POLICY:
		return IKE_NOTIFY_INVALID_CERT_AUTHORITY;
	case IKE_REASON_NO_PEER_CERTIFICATE:
	case IKE_REASON_PEER_CRL:
	case IKE_REASON_CERT_TYPE:
	case IKE_REASON_KEY_USAGE:
	case IKE_REASON_KEY_TOO_SHORT:
	case IKE_REASON_NO_PUBLIC_KEY:
		return IKE_NOTIFY_INVALID_CERTIFICATE;
	case IKE_REASON_NO_CERTIFICATE:
	case IKE_REASON_NO_PRIVATE_KEY:
	case IKE_REASON_REVOKED:
		return IKE_NOTIFY_CERTIFICATE_UNAVAILABLE;
	default:
		/* Which check of a secret failed is nobody's business. */
		return IKE_NOTIFY_AUTHENTICATION_FAILED;
	}
}
