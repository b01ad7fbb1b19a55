/* SPDX-License-Identifier: MIT */
/*
 * Dynamic mode: from runs to what the agent is to add.
 *
 *   -n, -soft                one quick mode policy, if anything is negotiated
 *   -1s -1p -1k -1e          a main mode policy, if one of them is there
 *   each filter of -f        a rule: negotiate; permit for ( ), block for [ ]
 *   -1f                      main mode filters, and the rules make none of their own; if they are
 *                            those that the rules would make, nothing
 *   -t                       makes them rules of a tunnel
 *   -a, -lan, -dialup        are the same in all rules of the run
 *
 * A run without -1 flags has the main mode policy of the run before it; the first one has the
 * agent's newest. What is negotiated one way only is understood if the other way is in the same run:
 * "a=b b=a" is "a+b". Pure: names are asked of struct plan_world.
 */
#ifndef IPSECCMD_PLAN_H
#define IPSECCMD_PLAN_H

#include "ipseccmd/run.h"
#include "policy/runs.h"

/* What is not in the runs. */
struct plan_world {
	/*
	 * The first address of a DNS name, of @family unless that is 0. 0, or -errno with a sentence.
	 */
	int (*resolve)(void *userdata, const char *name, uint8_t family, struct ip_addr *ret_addr,
		       char why[static POLICY_WHY_LEN]);
	/*
	 * The name of the interface that goes by @text, the name or an alternative one; what is not there
	 * goes by its own. 0, or -errno with a sentence.
	 */
	int (*find_interface)(void *userdata, const char *text,
			      char ret_name[static POLICY_INTERFACE_MAX + 1],
			      char why[static POLICY_WHY_LEN]);
	void *userdata;
};

struct plan {
	struct policy_runs runs;
	unsigned int n_runs;
	char *current_mm;		/* the name of the last main mode policy; NULL: the agent's */
};

void plan_clear(struct plan *plan);

/*
 * 0, or -EINVAL with a sentence that names the flag, the word and the remedy, or -ENOMEM with one;
 * after a failure the plan is only good to be cleared.
 */
int plan_add(struct plan *plan, const struct run *run, const struct plan_world *world,
	     char why[static RUN_WHY_LEN]);

/*
 * What the @i-th filter of -f stands for, if what is not ( ) or [ ] is negotiated: 1 with *ret_spec,
 * whose strings are borrowed; 0 if it is the other direction of an earlier one, and was joined with
 * it; -EINVAL as plan_add().
 */
int plan_spec(const struct run *run, bool negotiates, size_t i, struct filterspec *ret_spec,
	      char why[static RUN_WHY_LEN]);

/*
 * How many main mode filters -1f makes: none if it says what follows from -f anyway, each rule's own
 * addresses or a tunnel's ends.
 */
size_t plan_mm_filters(const struct run *run);
/* The @i-th one has the addresses of one before it, and one is enough: main mode goes both ways. */
bool plan_is_repeated(const struct run *run, size_t i);

/* The defaults of -n and the choice of the one PFS group that an exchange has; as plan_add(). */
int plan_offers(const struct run *run, struct policy_qm_offer offers[static POLICY_MAX_OFFERS],
		size_t *ret_n, uint8_t *ret_pfs_group, char why[static RUN_WHY_LEN]);

#endif /* IPSECCMD_PLAN_H */
