/* SPDX-License-Identifier: MIT */
#ifndef IKE_REPORT_H
#define IKE_REPORT_H

#include "ike/core.h"

/*
 * Events for the audit log. What we caused is always reported; failures that a peer or a stranger
 * can cause at will are limited to a few per second of each reason, and counted.
 */

void report_mm(struct ike_engine *engine, enum ike_event_kind kind, const struct ike_mm *mm,
	       enum ike_reason reason, bool is_at_peer, const char *text);
/* @mm: the main mode that it was made under, NULL if that is gone. */
void report_qm(struct ike_engine *engine, enum ike_event_kind kind, const struct ike_mm *mm,
	       const struct ike_qm_info *info, enum ike_reason reason, bool is_at_peer,
	       const char *text);
/* A main mode that failed before the peer was known; limited. @mm may be NULL. */
void report_stranger(struct ike_engine *engine, const struct ike_path *path,
		     const struct ike_mm *mm, enum ike_reason reason, bool is_at_peer,
		     const char *format, ...) __attribute__((format(printf, 6, 7)));

/* A datagram could not be sent; limited. @error is -errno. */
void report_send_failed(struct ike_engine *engine, const struct ike_path *path, int error);

/* What a notify of type @type, for @reason, means for people. Returns @buf. */
const char *report_refusal(uint16_t type, enum ike_reason reason, char *buf, size_t len);
/* The reason that an error notify stands for. */
enum ike_reason report_notify_reason(uint16_t type);
/* Somebody did not prove who it is. */
bool report_is_authentication(enum ike_reason reason);
/* What the number in a NOTIFY_STATUS says, or that something does. */
enum ike_reason report_status_reason(uint32_t code);
/* What to tell a peer whose main mode we end for that. */
uint16_t report_reason_notify(enum ike_reason reason);

#endif
