// SPDX-License-Identifier: MIT
/* Filter lists and their filters. */
#include <errno.h>

#include "store/apply.h"
#include "store/find.h"
#include "store/load.h"
#include "store/save.h"

static int check_list(const struct store_filter_list *list, struct fault *fault)
{
	char why[POLICY_WHY_LEN] = "";
	int err = store_filter_list_check(list, why);

	return err ? apply_refuse(fault, STORE_KIND_FILTER_LIST, list->head.name, why) : 0;
}

/* The list as it is in row @id, 0 for a new one, with all its filters. */
static int put_list(struct store *store, const struct store_filter_list *list, int64_t id,
		    struct fault *fault)
{
	int err = find_free(store, STORE_KIND_FILTER_LIST, &list->head, id, fault) ?:
		  save_list(store, list, &id, fault) ?:
		  sql_run(store, fault, "DELETE FROM filters WHERE list = ?", "x", id);

	for (size_t i = 0; !err && i < list->n_filters; i++)
		err = save_filter(store, list->filters[i], id, fault);
	return err;
}

static int import_list(struct store *store, const struct store_filter_list *list,
		       struct fault *fault)
{
	int64_t id = 0;
	int found = find_guid_if_any(store, STORE_KIND_FILTER_LIST, &list->head.guid, &id, fault);

	if (!found)
		found = find_name_if_any(store, STORE_KIND_FILTER_LIST, list->head.name, &id, fault);
	return found < 0 ? found : put_list(store, list, id, fault);
}

static int set_list(struct store *store, const struct store_change *change, struct fault *fault)
{
	_cleanup_(store_content_freep) struct store_content *content = store_content_new();
	struct load_which which = { .without_filters = true };
	struct store_filter_list *list;
	int err;

	if (!content)
		return fault_no_memory(fault);
	err = find_object(store, change, &which.id, fault) ?:
	      load_lists(store, &which, content, fault);
	if (err)
		return err;
	list = content->lists[0];
	if (store_filter_list_merge(list, change->filter_list, change->given) < 0)
		return fault_no_memory(fault);
	list->head.modified = 0;
	return check_list(list, fault) ?:
	       find_free(store, STORE_KIND_FILTER_LIST, &list->head, which.id, fault) ?:
	       save_list(store, list, &which.id, fault);
}

static int delete_lists(struct store *store, const struct store_change *change,
			struct fault *fault)
{
	int64_t id = 0;
	int err = change->is_all ? 0 : find_object(store, change, &id, fault);

	if (!err)
		err = apply_check_unused(store, STORE_KIND_FILTER_LIST, id, fault);
	if (err)
		return err;
	return sql_run(store, fault, "DELETE FROM filter_lists WHERE id BETWEEN ? AND ?", "xx", id,
		       id ?: INT64_MAX);
}

int apply_filter_list(struct store *store, const struct store_change *change, struct fault *fault)
{
	if (change->verb == STORE_VERB_DELETE)
		return delete_lists(store, change, fault);
	if (!change->filter_list)
		return apply_incomplete(fault, change);
	switch (change->verb) {
	case STORE_VERB_ADD:
		return check_list(change->filter_list, fault) ?:
		       put_list(store, change->filter_list, 0, fault);
	case STORE_VERB_SET:
		return set_list(store, change, fault);
	case STORE_VERB_IMPORT:
		return check_list(change->filter_list, fault) ?:
		       import_list(store, change->filter_list, fault);
	case STORE_VERB_DELETE:
		break;
	}
	return apply_incomplete(fault, change);
}

/* --- filters ------------------------------------------------------------------------------ */

/* netsh makes the list with its first filter. */
static int make_list(struct store *store, const char *name, int64_t *ret_id, struct fault *fault)
{
	struct store_filter_list list = { .head.name = (char *)name };
	int found = find_name_if_any(store, STORE_KIND_FILTER_LIST, name, ret_id, fault);

	if (found)
		return found < 0 ? found : 0;
	*ret_id = 0;
	return check_list(&list, fault) ?: save_list(store, &list, ret_id, fault);
}

static int add_filter(struct store *store, const struct store_change *change, struct fault *fault)
{
	char why[POLICY_WHY_LEN] = "";
	int64_t list = 0;
	int err;

	if (store_filter_check(change->filter, why) < 0)
		return fault_invalid(fault, "filter of filter list \"%s\": %s", change->list, why);
	err = make_list(store, change->list, &list, fault) ?:
	      save_filter(store, change->filter, list, fault);
	return err ?: save_touch_list(store, list, fault);
}

static int delete_filters(struct store *store, const struct store_change *change,
			  struct fault *fault)
{
	_cleanup_free_ int64_t *ids = NULL;
	int64_t list;
	size_t n;
	int err;

	err = find_name(store, STORE_KIND_FILTER_LIST, change->list, &list, fault) ?:
	      load_matching_filters(store, list, change->filter, change->is_all ? 0 : change->given,
				    &ids, &n, fault);
	if (err)
		return err;
	if (!n && !change->is_all)
		return fault_number(fault, POLICY_ERROR_OBJECT_NOT_FOUND,
				    "filter list \"%s\" has no such filter; \"show filterlist\" with "
				    "level=verbose lists those that it has", change->list);
	for (size_t i = 0; !err && i < n; i++)
		err = sql_run(store, fault, "DELETE FROM filters WHERE id = ?", "x", ids[i]);
	return err ?: save_touch_list(store, list, fault);
}

int apply_filter(struct store *store, const struct store_change *change, struct fault *fault)
{
	if (!change->list)
		return fault_invalid(fault, "filter: say of which filter list");
	if (change->filter && change->verb == STORE_VERB_ADD)
		return add_filter(store, change, fault);
	if (change->verb == STORE_VERB_DELETE &&
	    (change->is_all || (change->filter && change->given)))
		return delete_filters(store, change, fault);
	if (change->verb == STORE_VERB_SET)
		return fault_invalid(fault, "a filter cannot be changed; delete it and add another "
				     "one");
	return apply_incomplete(fault, change);
}
