/* SPDX-License-Identifier: MIT */
#ifndef IKE_HALF_OPEN_H
#define IKE_HALF_OPEN_H

#include "ike/core.h"
#include "ike/proposal_mm.h"

/*
 * Main modes of which only message 1 has come. Anybody can make us create these with one spoofed
 * datagram, so one costs little memory (the struct and the initiator's SA payload, at most 512
 * bytes for offers of usual size), no randomness, no Diffie-Hellman and no timer of its own.
 * Message 2 is not kept: it is made again when message 1 is repeated.
 */

/* Larger offers are refused. */
#define HALF_OPEN_SA_MAX 4096
/* Smaller first messages get no answer (amplification). */
#define HALF_OPEN_MM1_MIN 84
#define HALF_OPEN_LIFE_MS 30000

struct reassembly;

struct half_open {
	struct table_node by_cookie;
	struct table_node by_source;
	TAILQ_ENTRY(half_open) link;
	struct request policy_request;
	struct reassembly *reassembly;	/* of message 3 in fragments, or NULL */
	struct ike_path path;
	uint8_t icookie[WIRE_COOKIE_LEN];
	uint8_t rcookie[WIRE_COOKIE_LEN];
	uint64_t created_at;
	uint32_t vids;
	uint32_t life_seconds;		/* of the policy */
	uint32_t qm_limit;
	uint16_t resent_after;		/* ms since created_at of the last answer */
	uint8_t n_answers;
	bool is_verified;		/* answered a cookie challenge */
	bool has_choice;		/* policy is known, message 2 was sent */
	bool has_bad_3;			/* a message 3 with unusable key exchange came */
	uint8_t digest[8];		/* of message 1 */
	struct mm_choice choice;
	char *gss_name;			/* ours, where Kerberos was chosen */
	uint16_t sai_len;
	uint8_t sai_b[];
};

/* Message 1, or what claims to be. Answers at most once. */
void half_open_receive(struct ike_engine *engine, const struct ike_path *path,
		       struct bytes datagram, const struct wire_message *message);
/* NULL if there is none with both cookies from there. */
struct half_open *half_open_find(const struct ike_engine *engine, const struct ike_path *path,
				 const struct wire_header *header);
void half_open_policy_reply(struct ike_engine *engine, struct half_open *half_open,
			    const struct ike_mm_policy *policy);
/* Takes it out of everything and frees it. */
void half_open_free(struct ike_engine *engine, struct half_open *half_open);
void half_open_free_all(struct ike_engine *engine);
void half_open_init(struct ike_engine *engine);

#endif
