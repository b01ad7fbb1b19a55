/* SPDX-License-Identifier: MIT */
/*
 * The grammar of security methods.
 *
 *   mmsecmethods = mmoffer { " " mmoffer }
 *   mmoffer      = conf "-" hash "-" group           3DES-SHA1-2, AES256-SHA256-14
 *   qmsecmethods = qmoffer { " " qmoffer }
 *   qmoffer      = ( esp | ah | ah "+" esp ) [ ":" life ]
 *   esp          = "ESP[" conf [ "," hash ] "]"      the hash may be missing after GCM only
 *   ah           = "AH[" hash "]"
 *   life         = kb "k" "/" sec "s" | kb "k" | sec "s"
 *   conf         = DES | 3DES | AES128 | AES192 | AES256, and for ESP None | AESGCM128 | AESGCM256
 *   hash         = MD5 | SHA1 (also SHA) | SHA256 | SHA384 | SHA512, and for ESP None
 *
 * Case does not matter. A group of main mode is Windows' number 1, 2 or 3, which are the
 * Diffie-Hellman groups 1, 2 and 14 (sic), or an IKE group number 5, 14 ... 21. Groups are printed
 * by their IKE number, so "3" comes back as "14".
 */
#ifndef POLICY_METHODS_H
#define POLICY_METHODS_H

#include "policy/model.h"

#define POLICY_LIFETIME_MIN_SECONDS	300
#define POLICY_LIFETIME_MAX_SECONDS	172799
/* netsh and the snap-in begin at 20480, ipseccmd takes 5000 */
#define POLICY_LIFETIME_MIN_KILOBYTES	1000
#define POLICY_LIFETIME_MAX_KILOBYTES	2147483647
#define POLICY_LIFETIME_SECONDS		3600	/* what 0 stands for */
#define POLICY_LIFETIME_KILOBYTES	100000

#define POLICY_MAX_MINUTES		2880	/* of a main mode: the longest that lib/ike keeps one */

#define POLICY_OFFER_STRLEN	80	/* longest offer of either kind, with its NUL */

/*
 * 0, -EINVAL with a sentence in @why; *ret_n is at least 1. The arrays have POLICY_MAX_OFFERS
 * entries and are untouched on failure.
 */
int policy_mm_offers_parse(const char *text, struct policy_mm_offer *ret_offers, size_t *ret_n,
			   char why[static POLICY_WHY_LEN]);
int policy_qm_offers_parse(const char *text, struct policy_qm_offer *ret_offers, size_t *ret_n,
			   char why[static POLICY_WHY_LEN]);

/* One offer in the grammar; returns @buf. */
const char *policy_mm_offer_format(const struct policy_mm_offer *offer,
				   char buf[static POLICY_OFFER_STRLEN]);
const char *policy_qm_offer_format(const struct policy_qm_offer *offer,
				   char buf[static POLICY_OFFER_STRLEN]);

/* A whole list in the grammar, without quotes; the caller frees it. NULL without memory. */
char *policy_mm_offers_to_text(const struct policy_mm_offer *offers, size_t n);
char *policy_qm_offers_to_text(const struct policy_qm_offer *offers, size_t n);

/* An offer by itself: algorithms that fit together, lifetimes in their limits. As *_check(). */
int policy_mm_offer_check(const struct policy_mm_offer *offer, char why[static POLICY_WHY_LEN]);
int policy_qm_offer_check(const struct policy_qm_offer *offer, char why[static POLICY_WHY_LEN]);

/* The same offers in the same order. */
bool policy_mm_offers_are_equal(const struct policy_mm_offer *a, size_t n_a,
				const struct policy_mm_offer *b, size_t n_b);
bool policy_qm_offers_are_equal(const struct policy_qm_offer *a, size_t n_a,
				const struct policy_qm_offer *b, size_t n_b);

bool policy_group_is_known(uint32_t group);
/* "NOPFS", "GRPMM", "GRP1", "GRP2", "GRP3" (14), "GRP5", "GRP14" ... "GRP21". */
int policy_pfs_group_parse(const char *text, uint8_t *ret_group);
/* GRP14 for 14; static or in @buf. */
const char *policy_pfs_group_format(uint8_t group, char buf[static 8]);

#endif /* POLICY_METHODS_H */
