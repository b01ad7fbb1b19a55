/* SPDX-License-Identifier: MIT */
#ifndef IKE_QUICK_MODE_H
#define IKE_QUICK_MODE_H

#include "ike/core.h"

/*
 * RFC 2409, section 5.5:
 *
 *   HDR*, HASH(1), SA, Ni [, KE] [, IDci, IDcr] -->
 *                                              <-- HDR*, HASH(2), SA, Nr [, KE] [, IDci, IDcr]
 *   HDR*, HASH(3)                              -->
 *
 * The responder installs its inbound SA before message 2, its outbound SA after message 3; the
 * initiator installs both before message 3. So nobody ever sends what the other cannot read.
 */

/* An acquire: shares a quick mode for the same traffic, or makes one. */
int quick_mode_acquire(struct ike_engine *engine, struct ike_peer *peer,
		       const struct ike_acquire *acquire);
/* A successor for the pair; its policy is asked for again. @is_probe: to see whether the peer lives. */
void quick_mode_rekey(struct ike_engine *engine, struct ike_child *child, bool is_probe);
/* The quick mode has its policy and needs a main mode. */
void quick_mode_need_mm(struct ike_engine *engine, struct ike_qm *qm);
/* Begins under @mm: asks for SPIs. */
void quick_mode_begin(struct ike_engine *engine, struct ike_qm *qm, struct ike_mm *mm);

/* A quick mode message for @mm, which is established. */
void quick_mode_receive(struct ike_engine *engine, struct ike_mm *mm, struct bytes datagram,
			const struct wire_header *header);
void quick_mode_policy_reply(struct ike_engine *engine, struct ike_qm *qm,
			     const struct ike_qm_policy *policy);
void quick_mode_spi_reply(struct ike_engine *engine, struct ike_qm *qm, enum ike_protocol protocol,
			  int error, uint32_t spi);
void quick_mode_add_sa_reply(struct ike_engine *engine, struct ike_qm *qm, int error);
/* @job is NULL if @error says that there is none. */
void quick_mode_keys_reply(struct ike_engine *engine, struct ike_qm *qm, int error,
			   struct ike_job *job);
/* The main mode under it is gone: starts over under another one, once, or fails. */
void quick_mode_lost_mm(struct ike_engine *engine, struct ike_qm *qm, enum ike_reason reason);
/* An authenticated error notify of the peer that is meant for this quick mode. */
void quick_mode_refused(struct ike_engine *engine, struct ike_qm *qm, uint16_t type,
			enum ike_reason reason);
void quick_mode_timer(struct timer *timer, void *userdata);

#endif
