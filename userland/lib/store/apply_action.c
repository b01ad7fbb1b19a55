// SPDX-License-Identifier: MIT
/* Filter actions that have names. */
#include <errno.h>

#include "store/apply.h"
#include "store/find.h"
#include "store/load.h"
#include "store/save.h"

static int check_action(const struct store_filter_action *action, struct fault *fault)
{
	char why[POLICY_WHY_LEN] = "";
	int err = store_filter_action_check(action, why);

	return err ? apply_refuse(fault, STORE_KIND_FILTER_ACTION, action->head.name, why) : 0;
}

static int put_action(struct store *store, const struct store_filter_action *action, int64_t id,
		      struct fault *fault)
{
	return check_action(action, fault) ?:
	       find_free(store, STORE_KIND_FILTER_ACTION, &action->head, id, fault) ?:
	       save_action(store, action, 0, &id, fault);
}

static int import_action(struct store *store, const struct store_filter_action *action,
			 struct fault *fault)
{
	int64_t id = 0;
	int found, err = check_action(action, fault);

	if (err)
		return err;
	found = find_guid_if_any(store, STORE_KIND_FILTER_ACTION, &action->head.guid, &id, fault);
	if (!found)
		found = find_name_if_any(store, STORE_KIND_FILTER_ACTION, action->head.name, &id,
					 fault);
	return found < 0 ? found : put_action(store, action, id, fault);
}

static int set_action(struct store *store, const struct store_change *change, struct fault *fault)
{
	_cleanup_(store_content_freep) struct store_content *content = store_content_new();
	struct load_which which = { .id = 0 };
	struct store_filter_action *action;
	int err;

	if (!content)
		return fault_no_memory(fault);
	err = find_object(store, change, &which.id, fault) ?:
	      load_actions(store, &which, content, fault);
	if (err)
		return err;
	action = content->actions[0];
	if (store_filter_action_merge(action, change->filter_action, change->given) < 0)
		return fault_no_memory(fault);
	action->head.modified = 0;
	return put_action(store, action, which.id, fault);
}

static int delete_actions(struct store *store, const struct store_change *change,
			  struct fault *fault)
{
	int64_t id = 0;
	int err = change->is_all ? 0 : find_object(store, change, &id, fault);

	if (!err)
		err = apply_check_unused(store, STORE_KIND_FILTER_ACTION, id, fault);
	if (err)
		return err;
	return sql_run(store, fault,
		       "DELETE FROM filter_actions WHERE rule IS NULL AND id BETWEEN ? AND ?", "xx",
		       id, id ?: INT64_MAX);
}

int apply_filter_action(struct store *store, const struct store_change *change,
			struct fault *fault)
{
	if (change->verb == STORE_VERB_DELETE)
		return delete_actions(store, change, fault);
	if (!change->filter_action)
		return apply_incomplete(fault, change);
	switch (change->verb) {
	case STORE_VERB_ADD:
		return put_action(store, change->filter_action, 0, fault);
	case STORE_VERB_SET:
		return set_action(store, change, fault);
	case STORE_VERB_IMPORT:
		return import_action(store, change->filter_action, fault);
	case STORE_VERB_DELETE:
		break;
	}
	return apply_incomplete(fault, change);
}
