/* SPDX-License-Identifier: MIT */
#ifndef IKE_PROPOSAL_MM_H
#define IKE_PROPOSAL_MM_H

#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "ike/engine.h"

/*
 * Main mode's SA payload (RFC 2409, section 5 and appendix A): one proposal for ISAKMP whose
 * transforms are the alternatives. "Body" is the payload without its generic header, which is also
 * what the hashes call SAi_b.
 */

struct mismatch;

/* One transform of a body that somebody offered. */
struct mm_choice {
	struct ike_mm_proposal proposal;
	enum ike_auth auth;
	uint32_t life_seconds;	/* as on the wire; 0: none given */
	uint32_t life_kbytes;
	uint8_t proposal_index;
	uint8_t transform_index;
};

/* -EINVAL unless every algorithm is one that main mode has, and there is at least one transform. */
int mm_policy_check(const struct ike_mm_policy *policy);

/* One block with everything, to be freed with free(); NULL when out of memory. */
struct ike_mm_policy *mm_policy_copy(const struct ike_mm_policy *policy);
/* There is a name for Kerberos, and it can be sent. */
bool mm_policy_has_gss_name(const struct ike_mm_policy *policy);

/* The initiator's body; @w's overflow flag tells whether it fitted. */
void mm_proposal_write(struct writer *w, const struct ike_mm_policy *policy);

/*
 * The responder's choice: the first transform, in the offered order, that @policy accepts.
 * @vids (enum vid_flag) decides what private authentication methods mean. -ENOENT: none;
 * otherwise as sa_payload_parse().
 */
int mm_proposal_choose(struct bytes offer, const struct ike_mm_policy *policy, uint32_t vids,
		       struct mm_choice *ret_choice);

/*
 * The responder's body: the transform of @offer that @choice names, unchanged, but for the GSS
 * endpoint name, which becomes @gss_name (UTF-8, NULL where there is none).
 */
void mm_proposal_write_choice(struct writer *w, struct bytes offer, const struct mm_choice *choice,
			      const char *gss_name);
/*
 * The GSS endpoint name in the transform of that place, as on the wire (UTF-16LE); empty if there
 * is none, or one that nobody has.
 */
struct bytes mm_proposal_gss_name(struct bytes body, uint8_t proposal_index,
				  uint8_t transform_index);

/*
 * The initiator's check of the responder's body: exactly one proposal with one transform, and it
 * is one of those in @offer. Life may be shorter than offered, then it counts. -ENOENT if not
 * ours, otherwise as sa_payload_parse().
 */
int mm_proposal_accept(struct bytes offer, struct bytes answer, uint32_t vids,
		       struct mm_choice *ret_choice);

/* Why nothing in a body is what @policy accepts. */
void mm_proposal_compare(struct bytes offer, const struct ike_mm_policy *policy, uint32_t vids,
			 struct mismatch *ret_mismatch);

/* "AES-256/SHA-256/MODP 2048" into @buf; returns @buf. */
const char *mm_proposal_format(const struct ike_mm_proposal *proposal, char *buf, size_t cap);
/* The first few transforms of a body, separated by commas. */
const char *mm_offer_format(struct bytes offer, uint32_t vids, char *buf, size_t cap);

#endif
