/* SPDX-License-Identifier: MIT */
#ifndef IKE_PROPOSAL_QM_H
#define IKE_PROPOSAL_QM_H

#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "ike/engine.h"
#include "ike/natt.h"

/*
 * Quick mode's SA payload (RFC 2407, section 4): proposals for AH and ESP. Different numbers are
 * alternatives; two proposals with one number are applied together (AH outside, ESP inside).
 */

struct mismatch;

/* SPIs by enum ike_protocol; only AH and ESP are used. */
struct qm_spis {
	uint32_t spi[IKE_PROTOCOL_ESP + 1];
};

/* What the main mode says about the quick modes under it. */
struct qm_terms {
	uint16_t group;		/* that "main mode's" means */
	struct natt natt;	/* found: everything goes in UDP, and AH nowhere */
};

/* The protection that both sides agreed on. */
struct qm_choice {
	struct ike_suite suites[IKE_SUITES_MAX];
	uint32_t peer_spi[IKE_SUITES_MAX];
	size_t n_suites;
	size_t offer;		/* index into the policy's offers */
	uint16_t pfs_group;	/* on the wire; NONE without PFS */
	uint32_t wire_seconds;	/* as offered; 0: not given */
	uint32_t wire_kbytes;
	uint8_t number;		/* of the proposal */
	uint8_t proposal_index[IKE_SUITES_MAX];
	uint8_t transform_index[IKE_SUITES_MAX];
};

/*
 * -EINVAL unless every offer is one that quick mode can express: known algorithms, ESP not both
 * without encryption and without authentication, AH authenticated, at most one of each.
 */
int qm_policy_check(const struct ike_qm_policy *policy);

/* The group that an offer's pfs_group means under a main mode with @mm_group. */
uint16_t qm_offer_group(const struct ike_qm_offer *offer, uint16_t mm_group);
/* How many leading offers share the first one's group: those that the initiator sends. */
size_t qm_offers_sent(const struct ike_qm_policy *policy, uint16_t mm_group);
/* Bit (1 << protocol) for each protocol that those offers use. */
unsigned int qm_protocols_sent(const struct ike_qm_policy *policy, uint16_t mm_group);

/* Some of the offers that are sent can be used. */
bool qm_can_offer(const struct ike_qm_policy *policy, const struct qm_terms *terms);
/* The initiator's body. */
void qm_proposal_write(struct writer *w, const struct ike_qm_policy *policy,
		       const struct qm_terms *terms, const struct qm_spis *spis);

/*
 * The responder's choice: the first alternative, in the offered order, that is one of the
 * policy's offers. @has_ke: the message has a KE payload, so a group is wanted. -ENOENT: none;
 * otherwise as sa_payload_parse().
 */
int qm_proposal_choose(struct bytes offer, const struct ike_qm_policy *policy,
		       const struct qm_terms *terms, bool has_ke, struct qm_choice *ret_choice);
/* The first transform is one for transport mode, with or without UDP. */
bool qm_proposal_is_transport(struct bytes offer);

/* The responder's body: what @choice names, unchanged but for our SPIs. */
void qm_proposal_write_choice(struct writer *w, struct bytes offer,
			      const struct qm_choice *choice, const struct qm_spis *spis);

/*
 * The initiator's check: exactly one alternative, one transform each, and it is one of ours.
 * Lifetimes may be shorter. -ENOENT if not ours, otherwise as sa_payload_parse().
 */
int qm_proposal_accept(struct bytes answer, const struct ike_qm_policy *policy,
		       const struct qm_terms *terms, struct qm_choice *ret_choice);

/* Lifetimes of a RESPONDER-LIFETIME notify; 0 for what it does not have. -EBADMSG if broken. */
int qm_lifetime_parse(struct bytes attributes, uint32_t *ret_seconds, uint32_t *ret_kbytes);
void qm_lifetime_write(struct writer *w, uint32_t seconds, uint32_t kbytes);

/* Why nothing in a body is what @policy accepts. */
void qm_proposal_compare(struct bytes offer, const struct ike_qm_policy *policy,
			 const struct qm_terms *terms, struct mismatch *ret_mismatch);

/* "ESP AES-256/SHA-256" or "AH SHA-1 + ESP 3DES/none" into @buf; returns @buf. */
const char *qm_suites_format(const struct ike_suite *suites, size_t n, char *buf, size_t cap);
/* The first few alternatives of a body. */
const char *qm_offer_format(struct bytes offer, char *buf, size_t cap);

#endif
