// SPDX-License-Identifier: MIT
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "policy/methods.h"
#include "store/head.h"
#include "store/object.h"

struct store_filter_action *store_filter_action_new(void)
{
	_cleanup_(store_filter_action_freep) struct store_filter_action *action = NULL;
	_cleanup_(policy_qm_policy_freep) struct policy_qm_policy *defaults = policy_qm_policy_new();

	action = calloc(1, sizeof(*action));
	if (!action || !defaults)
		return NULL;
	action->action = IPSECDRV_ACTION_NEGOTIATE;
	memcpy(action->offers, defaults->offers, sizeof(action->offers));
	action->n_offers = defaults->n_offers;
	return TAKE_PTR(action);
}

struct store_filter_action *store_filter_action_copy(const struct store_filter_action *action)
{
	_cleanup_(store_filter_action_freep) struct store_filter_action *copy = NULL;

	copy = malloc(sizeof(*copy));
	if (!copy)
		return NULL;
	*copy = *action;
	if (store_head_copy(&action->head, &copy->head) < 0)
		return NULL;
	return TAKE_PTR(copy);
}

struct store_filter_action *store_filter_action_free(struct store_filter_action *action)
{
	if (action)
		store_head_clear(&action->head);
	free(action);
	return NULL;
}

int store_filter_action_merge(struct store_filter_action *action,
			      const struct store_filter_action *changes, uint32_t given)
{
	struct store_head fresh;

	if (store_head_copy(&changes->head, &fresh) < 0)
		return -ENOMEM;
	store_head_take(&action->head, &fresh, given);
	store_head_clear(&fresh);
	if (given & STORE_FIELD_ACTION)
		action->action = changes->action;
	if (given & STORE_FIELD_INPASS)
		action->inpass = changes->inpass;
	if (given & STORE_FIELD_SOFT)
		action->soft = changes->soft;
	if (given & STORE_FIELD_QMPFS)
		action->qmpfs = changes->qmpfs;
	if (given & STORE_FIELD_QMSECMETHODS) {
		memcpy(action->offers, changes->offers, sizeof(action->offers));
		action->n_offers = changes->n_offers;
	}
	return 0;
}

int store_filter_action_check_body(const struct store_filter_action *action,
				   char why[static POLICY_WHY_LEN])
{
	int err = 0;

	if (action->action != IPSECDRV_ACTION_PERMIT && action->action != IPSECDRV_ACTION_BLOCK &&
	    action->action != IPSECDRV_ACTION_NEGOTIATE)
		return store_refuse(why, "action is permit, block or negotiate");
	if (action->n_offers > POLICY_MAX_OFFERS)
		return store_refuse(why, "qmsecmethods has more than %d security methods",
				    POLICY_MAX_OFFERS);
	if (action->action == IPSECDRV_ACTION_NEGOTIATE && !action->n_offers)
		return store_refuse(why, "qmsecmethods: an action that negotiates needs at least one "
					 "security method");
	for (size_t i = 0; !err && i < action->n_offers; i++)
		err = policy_qm_offer_check(&action->offers[i], why);
	return err;
}

int store_filter_action_check(const struct store_filter_action *action,
			      char why[static POLICY_WHY_LEN])
{
	return store_head_check(&action->head, why) ?:
	       store_filter_action_check_body(action, why);
}
