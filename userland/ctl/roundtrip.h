/* SPDX-License-Identifier: MIT */
/*
 * For tests and fuzzers: a command line that adds something, or changes a store in any way, as the
 * object that it stands for.
 */
#ifndef CTL_ROUNDTRIP_H
#define CTL_ROUNDTRIP_H

#include "policy/model.h"
#include "store/change.h"

/* One of them is set, or none for any other command. */
struct roundtrip {
	struct policy_mm_policy *mm_policy;
	struct policy_qm_policy *qm_policy;
	struct policy_rule *rule;
	struct store_change *change;
};

/* 0, or -EINVAL with a sentence for a line that is not of the grammar. */
int roundtrip_parse(const char *line, struct roundtrip *ret_object,
		    char why[static POLICY_WHY_LEN]);

/* The line that makes the object, NULL for none; the caller frees it. */
char *roundtrip_print(const struct roundtrip *object);

bool roundtrip_is_equal(const struct roundtrip *a, const struct roundtrip *b);
void roundtrip_clear(struct roundtrip *object);

#endif /* CTL_ROUNDTRIP_H */
