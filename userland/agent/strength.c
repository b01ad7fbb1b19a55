// SPDX-License-Identifier: MIT
#include "agent/strength.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "policy/fault.h"
#include "policy/methods.h"

#define LIST_LEN 320	/* no further object is named beyond it: the fault's text has an end, too */

/* A list that is being written. */
struct list {
	FILE *file;
	unsigned int flaws;
	size_t n_named;
	size_t n_more;
};

/* Whether the next object is to be named. */
static bool has_room(struct list *list)
{
	if (list->n_named && ftell(list->file) > LIST_LEN) {
		list->n_more++;
		return false;
	}
	if (list->n_named++)
		fputs(", ", list->file);
	return true;
}

static bool is_stored(const struct ruleset *ruleset)
{
	return ruleset->layer <= RULESET_LAYER_LOCAL;
}

static void add_mm(struct list *list, const struct ruleset *ruleset,
		   const struct policy_mm_policy *policy)
{
	char text[POLICY_OFFER_STRLEN];
	size_t i = 0;

	while (i < policy->n_offers && !(policy_mm_offer_flaws(&policy->offers[i]) & list->flaws))
		i++;
	if (i == policy->n_offers || !has_room(list))
		return;
	fprintf(list->file, "%s \"%s\" (%s)", is_stored(ruleset) ? "policy" : "main mode policy",
		policy->name, policy_mm_offer_format(&policy->offers[i], text));
}

/* "ESP[DES,MD5]", "pfsgroup=GRP2"; NULL: nothing is wrong with it. */
static const char *find_qm_flaw(const struct policy_qm_policy *policy, unsigned int flaws,
				char text[static POLICY_OFFER_STRLEN])
{
	char group[8];

	for (size_t i = 0; i < policy->n_offers; i++)
		if (policy_qm_offer_flaws(&policy->offers[i]) & flaws)
			return policy_qm_offer_format(&policy->offers[i], text);
	if (!(policy_group_flaws(policy->pfs_group) & flaws))
		return NULL;
	snprintf(text, POLICY_OFFER_STRLEN, "pfsgroup=%s",
		 policy_pfs_group_format(policy->pfs_group, group));
	return text;
}

static void add_qm(struct list *list, const struct ruleset *ruleset,
		   const struct policy_qm_policy *policy)
{
	char buf[POLICY_OFFER_STRLEN];
	const char *flaw = find_qm_flaw(policy, list->flaws, buf);

	if (!flaw || !has_room(list))
		return;
	if (is_stored(ruleset))
		fprintf(list->file, "filter action \"%s\" of policy \"%s\" (%s)", policy->name,
			ruleset->n_mms ? ruleset->mms[0]->policy->name : "", flaw);
	else
		fprintf(list->file, "quick mode policy \"%s\" (%s)", policy->name, flaw);
}

static void add_ruleset(struct list *list, const struct ruleset *ruleset)
{
	/* A stored policy always has methods of main mode; without a filter action they are idle. */
	if (is_stored(ruleset) && !ruleset->n_qms)
		return;
	for (size_t i = 0; i < ruleset->n_mms; i++)
		add_mm(list, ruleset, ruleset->mms[i]->policy);
	for (size_t i = 0; i < ruleset->n_qms; i++)
		add_qm(list, ruleset, ruleset->qms[i]->policy);
}

int strength_list(struct ruleset *const *rulesets, size_t n, unsigned int flaws, char **ret_text)
{
	_cleanup_free_ char *text = NULL;
	struct list list = { .flaws = flaws };
	size_t len;
	bool is_short;

	list.file = open_memstream(&text, &len);
	if (!list.file)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++)
		if (rulesets[i])
			add_ruleset(&list, rulesets[i]);
	if (list.n_more)
		fprintf(list.file, " and %zu more", list.n_more);
	is_short = ferror(list.file);
	if (fclose(list.file) || is_short)
		return -ENOMEM;
	*ret_text = list.n_named ? TAKE_PTR(text) : NULL;
	return 0;
}

void strength_warn(struct ruleset *const *before, struct ruleset *const *rulesets, size_t n)
{
	_cleanup_free_ char *text = NULL, *told = NULL;

	if (strength_list(rulesets, n, POLICY_FLAWS_WEAK, &text) || !text)
		return;
	if (before && !strength_list(before, n, POLICY_FLAWS_WEAK, &told) && told &&
	    !strcmp(told, text))
		return;
	log_warning("%s: weak algorithms, which strongcrypto=1 still takes", text);
}

int strength_check(struct ruleset *const *rulesets, size_t n, struct fault *fault)
{
	_cleanup_free_ char *text = NULL;

	if (strength_list(rulesets, n, POLICY_FLAWS_BROKEN, &text))
		return fault_no_memory(fault);
	if (!text)
		return 0;
	return fault_invalid(fault, "%s: broken algorithms, which strongcrypto=1 refuses; offer "
			     "such as AES256-SHA256-14 and ESP[AES256,SHA256] instead", text);
}
