/* SPDX-License-Identifier: MIT */
#ifndef AGENT_EVENTS_H
#define AGENT_EVENTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <linux/ipsecdrv.h>

#include "ike/engine.h"

struct ruleset_rule;
struct kernel_drop;
struct kernel_drop_count;
struct store_content;

/*
 * The journal entries that people and programs look for. Each has a MESSAGE_ID that never
 * changes, so `journalctl MESSAGE_ID=...` finds them whatever the wording, and where the original
 * had an event its number is in IPD_EVENT. Whatever is in a field is in the line, too, for where
 * there is no journal. Never a key.
 *
 * The list is events_table; Documentation/events.rst and ipsec-policy-agent(8) say the same to
 * people, which a test looks after.
 */
enum event_kind {
	EVENT_MM_ESTABLISHED,
	EVENT_QM_ESTABLISHED,
	EVENT_QM_ENDED,
	EVENT_MM_ENDED,
	EVENT_UNTRUSTED,	/* what the peer proved is nobody whom policy trusts */
	EVENT_AUTH_FAILED,	/* the proof itself is wrong */
	EVENT_INVALID_PROPOSAL,
	EVENT_IKE_FAILED,
	EVENT_SOFT_SA,
	EVENT_SOFT_SA_ENDED,
	EVENT_SEND_FAILED,
	EVENT_SA_REFUSED,
	EVENT_STARTED,
	EVENT_STOPPED,
	EVENT_POLICY_APPLIED,
	EVENT_POLICY_FAILED,
	EVENT_STORE_CHANGED,
	EVENT_STORE_FAILED,
	EVENT_TRY,
	EVENT_SERIOUS,
	EVENT_DRIVER_MODE,
	EVENT_DROP,
	EVENT_DROP_SUMMARY,
	EVENT_PROCESS,
	EVENT_KIND_COUNT,
};

struct event_row {
	const char *id;		/* MESSAGE_ID */
	const char *number;	/* of the original's event; NULL: it had none, or several */
	int level;
	bool is_audit;		/* DisableIKEAudits silences it */
};

extern const struct event_row events_table[EVENT_KIND_COUNT];

/* Whether what is_audit says is written at all; it is at first. */
void events_set_audit(bool is_on);

/* One of IKE's; @rule (may be NULL) is the one of its filter. */
void event_ike(const struct ike_event *event, const struct ruleset_rule *rule);
/* A peer that does not speak IKE is talked to in clear. */
void event_soft_sa(const struct ike_selector *selector, uint32_t filter_id, uint32_t seconds);
/* No longer; @why as a part of a sentence. */
void event_soft_ended(const struct ike_selector *selector, uint32_t filter_id, const char *why);
/* ipsec-ike asked for what policy does not allow; @what is "an association" or the like. */
void event_refused(const char *what, const struct ike_path *path, uint32_t filter_id,
		   const char *why);
/* The service; @layer is where its policy comes from. */
void event_started(const char *layer, size_t n_rules);
/* @protects: the driver goes on with its filters. */
void event_stopped(bool protects);
/* Protection is not what policy says, and somebody has to do something. */
void event_serious(const char *format, ...) __attribute__((format(printf, 1, 2)));
void event_policy_applied(const char *layer, size_t n_rules, size_t n_filters);
/* A change that nobody waits for an answer of (DNS, interfaces) was not possible. */
void event_policy_failed(const char *layer, const char *why);
/*
 * What is assigned in a store, and in force now, is not what it was. @store: "local". Both are
 * linked.
 */
void event_store_changed(const char *store, const struct store_content *before,
			 const struct store_content *after);
/* What is in a store cannot be put in force. @is_starting: there is nothing before it. */
void event_store_failed(const char *store, bool is_starting, const char *why);
/* A try (trial.h); @why: its changes could not be taken back yet. */
void event_try_begun(uint32_t seconds);
void event_try_confirmed(void);
void event_try_ended(const char *why);
void event_driver_mode(enum ipsecdrv_mode mode);
/* The driver dropped a packet; some packets, in a log interval. */
void event_drop(const struct kernel_drop *drop);
void event_drop_count(const struct kernel_drop_count *count);
/* ipsec-ike or ipsec-cred came or went. */
void event_process(const char *name, bool is_there);

#endif /* AGENT_EVENTS_H */
