/* SPDX-License-Identifier: MIT */
/*
 * Static mode: from runs to changes of a store. Pure: the store as it was is told, and each run sees
 * what those before it would have made of it.
 *
 *   -p "P":30 -r "R" -f 0+* -n AH[MD5] -a P:ace -x, in a store without such a policy:
 *
 *     add policy P, polling interval 30, its default response rule inactive
 *     add filterlist "R filter list", add filter me <-> any
 *     add filteraction "R filter action" with AH[MD5]
 *     add rule R of P with both and the key
 *     set policy P assign=yes
 *
 *   -p "P" -r "R" -f 0+10.0.0.1, now: only -f replaces filters. A list is made with the new filters, the
 *   rule gets it, the old one goes, and its name becomes the new one's.
 *
 * What others have made is assigned and unassigned, but not changed and not deleted.
 */
#ifndef IPSECCMD_STATIC_PLAN_H
#define IPSECCMD_STATIC_PLAN_H

#include "ipseccmd/run.h"
#include "store/change.h"

struct static_plan {
	struct store_content *content;	/* owned; linked */
	struct store_change *changes;	/* owned */
	size_t n_changes;
};

void static_plan_clear(struct static_plan *plan);

/*
 * 0; -EINVAL with a sentence that names the object, the fault and the remedy; -ENOMEM. After a
 * failure the plan is only good to be cleared. May warn.
 */
int static_plan_add(struct static_plan *plan, struct run *run, char why[static RUN_WHY_LEN]);

#endif /* IPSECCMD_STATIC_PLAN_H */
