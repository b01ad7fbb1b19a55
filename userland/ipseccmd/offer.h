/* SPDX-License-Identifier: MIT */
/*
 * What -n takes: the offers of quick mode.
 *
 *   offer  = suite [ amount [ "/" amount ] ] [ pfs ]
 *   suite  = "ESP[" conf "," auth "]" | "AH[" hash "]" | both, joined with "+" in any order
 *   amount = number "K" (kilobytes) | number "S" (seconds)
 *   pfs    = ( "PFS" | "P" ) [ group ]        without a group: that of the main mode
 *
 *   ESP[3DES,SHA]3600S/5000KPFS2    AH[MD5]+ESP[DES,SHA]    ESP[NONE,SHA256]P14
 *
 * The help of the original has an example with the algorithms of ESP exchanged, ESP[MD5,DES]: both
 * orders are read. SHA is SHA1. AES and GCM, the longer hashes, and groups but 1 and 2 are ours.
 */
#ifndef IPSECCMD_OFFER_H
#define IPSECCMD_OFFER_H

#include <stdio.h>

#include "policy/model.h"

struct offer {
	struct policy_qm_offer qm;
	uint8_t pfs_group;		/* as of struct policy_qm_policy */
};

/* 0, or -EINVAL with a sentence. */
int offer_parse(const char *text, struct offer *ret_offer, char why[static POLICY_WHY_LEN]);
void offer_print(FILE *file, const struct offer *offer);
bool offer_is_equal(const struct offer *a, const struct offer *b);

/* In the words of the original: "SHA" for SHA1. */
const char *offer_hash_name(enum policy_hash hash);

#endif /* IPSECCMD_OFFER_H */
