/* SPDX-License-Identifier: MIT */
/*
 * What a store's assigned policy says beside what is in force: the filters of its active rules, and
 * what is done with them. Methods and offers are not compared.
 */
#ifndef CTL_DRIVER_DIFF_H
#define CTL_DRIVER_DIFF_H

#include "policy/record.h"
#include "store/object.h"

enum driver_difference_type {
	DRIVER_DIFFERENCE_NOT_IN_FORCE,
	DRIVER_DIFFERENCE_NOT_STORED,
	DRIVER_DIFFERENCE_CHANGED,
	DRIVER_DIFFERENCE_OVERRULED,	/* by a layer below; @after is its name */
	DRIVER_DIFFERENCE_FOREIGN,	/* in the driver, but not by the agent; @rule is "" */
};

struct driver_difference {
	enum driver_difference_type type;
	char *rule;
	char *filter;			/* "srcaddr=me dstaddr=any protocol=TCP dstport=23" */
	char *before;			/* stored: "actioninbound=block ..."; or NULL */
	char *after;			/* in force; or NULL */
};

struct driver_diff {
	struct driver_difference *list;	/* by rule and filter */
	size_t n;
};

/*
 * @policy is the assigned one of a linked content, or NULL; @filters are the agent's generic quick
 * mode filters, of which those of @layer count. 0 or -ENOMEM; release with driver_diff_done().
 */
int driver_diff_make(const struct store_policy *policy, const char *layer,
		     const struct policy_qm_filter_info *filters, size_t n,
		     struct driver_diff *ret_diff);
/*
 * And what somebody else has done to the driver's filters, which the agent does not know as policy.
 * 0, -ENOMEM, or -EBADMSG: a kind of difference that is not known; what was added stays.
 */
int driver_diff_add_foreign(struct driver_diff *diff,
			    const struct policy_driver_difference_info *infos, size_t n);
void driver_diff_done(struct driver_diff *diff);

const char *driver_difference_name(enum driver_difference_type type);	/* "not in force" */

#endif /* CTL_DRIVER_DIFF_H */
