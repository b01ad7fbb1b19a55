/* SPDX-License-Identifier: MIT */
#ifndef AGENT_EVENTS_H
#define AGENT_EVENTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <linux/ipsecdrv.h>

#include "ike/engine.h"

struct dynamic_rule;
struct kernel_drop;
struct kernel_drop_count;

/*
 * The journal entries that people and programs look for. Each has a MESSAGE_ID that never
 * changes, so `journalctl MESSAGE_ID=...` finds them whatever the wording; the manual page lists
 * them. IKE's and the driver's carry the number of the original's event in IPD_EVENT. Never a key.
 */
#define EVENT_ID_MM_ESTABLISHED	"4308fa3436b24bf6a7aef4b6c4f1ce00"	/* 541 */
#define EVENT_ID_QM_ESTABLISHED	"e88ff96607ee49d89389eec9957fe7bc"	/* 541 */
#define EVENT_ID_QM_ENDED	"a6c9e9a3d20e4875a88719f108c39bdb"	/* 542 */
#define EVENT_ID_MM_ENDED	"2184e7538508474cbf76d382010dd7c1"	/* 543 */
#define EVENT_ID_AUTH_FAILED	"13da4f70cb074f88a87432947e5fa237"	/* 545 */
#define EVENT_ID_IKE_FAILED	"2349e51c096441d0ac0181d79c389418"	/* 547 */
#define EVENT_ID_SEND_FAILED	"40c59d7882b240cbac328069b2de827d"
#define EVENT_ID_SOFT_SA	"046186b67c7a49638c9d5a090aac8117"
#define EVENT_ID_SA_REFUSED	"433a351cae9540ab8789b7d5d677bbd6"
#define EVENT_ID_POLICY_APPLIED	"3eda27d235c84b64ac5c0fec99ae90ba"
#define EVENT_ID_POLICY_FAILED	"57014bda25924b4d88d243c372b35648"
#define EVENT_ID_DRIVER_MODE	"062fbdcf4306460ea8a84881a9287976"	/* 4292 to 4295 */
#define EVENT_ID_DROP		"ba63d6dde47744309ce02db63cf68880"	/* 4283 to 4285 */
#define EVENT_ID_DROP_SUMMARY	"442c78bb9b4042c294343b00af9ba57c"	/* 4283, 4285 */
#define EVENT_ID_PROCESS	"3dc1c8e23d00486184ca455fab774d34"

/* One of IKE's; @rule (may be NULL) is the one of its filter. */
void event_ike(const struct ike_event *event, const struct dynamic_rule *rule);
/* A peer that does not speak IKE is talked to in clear. */
void event_soft_sa(const struct ike_path *path, uint32_t filter_id, uint32_t seconds);
/* ipsec-ike asked for what policy does not allow; @what is "an association" or the like. */
void event_refused(const char *what, const struct ike_path *path, uint32_t filter_id,
		   const char *why);
void event_policy_applied(const char *layer, size_t n_rules, size_t n_filters);
/* A change that nobody waits for an answer of (DNS, interfaces) was not possible. */
void event_policy_failed(const char *layer, const char *why);
void event_driver_mode(enum ipsecdrv_mode mode);
/* The driver dropped a packet; some packets, in a log interval. */
void event_drop(const struct kernel_drop *drop);
void event_drop_count(const struct kernel_drop_count *count);
/* ipsec-ike or ipsec-cred came or went. */
void event_process(const char *name, bool is_there);

#endif /* AGENT_EVENTS_H */
