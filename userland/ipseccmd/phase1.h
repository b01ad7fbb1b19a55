/* SPDX-License-Identifier: MIT */
/*
 * What -1s and -1k take: main mode, "phase 1".
 *
 *   -1s offer { offer }         offer = encryption "-" hash "-" group       3DES-SHA-2
 *   -1k life [ "/" life ]       life  = number "Q" | number "S"             10Q/3600S
 *
 * Q is quick modes under one main mode, S is seconds.
 */
#ifndef IPSECCMD_PHASE1_H
#define IPSECCMD_PHASE1_H

#include <stdio.h>

#include "policy/methods.h"
#include "policy/model.h"

#define PHASE1_MIN_SECONDS	60
#define PHASE1_MAX_SECONDS	(60 * POLICY_MAX_MINUTES)

struct phase1_life {
	bool has_quick_modes;
	bool has_seconds;
	uint32_t quick_modes;		/* 0 is no limit */
	uint32_t seconds;
};

/*
 * 0, or -EINVAL with a sentence. *ret_was_three: the group was called 3, which beta versions had
 * and Windows XP had not; it is group 14 then.
 */
int phase1_parse_offer(const char *text, struct policy_mm_offer *ret_offer, bool *ret_was_three,
		       char why[static POLICY_WHY_LEN]);
int phase1_parse_life(const char *text, struct phase1_life *ret_life,
		      char why[static POLICY_WHY_LEN]);

void phase1_print_offer(FILE *file, const struct policy_mm_offer *offer);
void phase1_print_life(FILE *file, const struct phase1_life *life);

#endif /* IPSECCMD_PHASE1_H */
