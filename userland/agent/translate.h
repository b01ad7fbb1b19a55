/* SPDX-License-Identifier: MIT */
#ifndef AGENT_TRANSLATE_H
#define AGENT_TRANSLATE_H

#include "agent/ruleset.h"
#include "ike/engine.h"
#include "nl/kernel.h"

/* One thing in three languages: policy as people write it, IKE's policy, the driver's SAs. Pure. */

struct layer_mm;

/*
 * What main mode between two sides may be; @gss_name, this host's, is borrowed. Its methods are those of the rule, in order, that there
 * is a credential for; all of them if there is none for any, so that the failure names the reason.
 */
void translate_mm_policy(const struct layer_mm *mm, const char *gss_name,
			 struct ike_mm_policy *ret_policy);
/* Whether the rule has a method that can be this one. */
bool translate_has_auth(const struct policy_rule *rule, enum ike_auth auth);
/* What quick mode of a rule may be, for one of its filters. */
void translate_qm_policy(const struct ruleset_rule *rule, const struct kernel_filter *filter,
			 struct ike_qm_policy *ret_policy);
struct ike_suite translate_suite(const struct policy_qm_offer *offer, enum ike_protocol protocol);

struct ike_selector translate_selector(const struct kernel_selector *selector);
struct kernel_selector translate_selector_back(const struct ike_selector *selector);
bool translate_is_same_selector(const struct ike_selector *a, const struct ike_selector *b);

/* One direction of one suite of a pair, with its keys; idle and pair relations included. */
void translate_sa(const struct ike_sa_install *install, size_t suite,
		  enum ipsecdrv_direction direction, struct kernel_sa *ret_sa);
enum ipsecdrv_protection translate_protection(enum ike_protocol protocol);
enum ike_protocol translate_protocol(enum ipsecdrv_protection protection);

/* "3DES", "None", "SHA256": as the method lists spell them; for what a driver or IKE names. */
const char *translate_cipher_name(enum ike_cipher cipher, unsigned int key_bits);
const char *translate_hash_name(enum ike_hash hash);

/* Seconds without inbound packets after which the driver drops a pair, as Windows does. */
#define TRANSLATE_IDLE_SECONDS 300

/* Seconds without outbound packets after which NATs are reminded of us, as Windows does. */
#define TRANSLATE_KEEPALIVE_SECONDS 20

#endif /* AGENT_TRANSLATE_H */
