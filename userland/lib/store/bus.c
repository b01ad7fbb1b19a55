// SPDX-License-Identifier: MIT
#include "store/bus.h"

#include <errno.h>
#include <string.h>

#include "policy/dict.h"
#include "store/bus_object.h"
#include "store/guid.h"

#define CHANGE_TYPE "ssa{sv}"

/* --- changes ------------------------------------------------------------------------------ */

static bool finds(const struct store_change *change)
{
	return change->verb == STORE_VERB_SET || change->verb == STORE_VERB_DELETE;
}

static int append_found_by(sd_bus_message *m, const struct store_change *change)
{
	char guid[STORE_GUID_STRLEN];

	if (change->is_all)
		return dict_append_bool(m, "all", true);
	if (!sd_id128_is_null(change->guid))
		return dict_append_string(m, "guid", store_guid_format(change->guid, guid));
	if (change->name)
		return dict_append_string(m, "name", change->name);
	return change->id ? dict_append_number(m, "id", change->id) : 0;
}

static int append_values(sd_bus_message *m, const struct store_change *change)
{
	const void *object = store_change_object(change);
	int err = finds(change) ? append_found_by(m, change) : 0;

	if (err >= 0 && change->policy)
		err = dict_append_string(m, "policy", change->policy);
	if (err >= 0 && change->list)
		err = dict_append_string(m, "filterlist", change->list);
	if (err < 0 || !object)
		return err;
	return finds(change) ? bus_append_fields(m, change->kind, object, change->given) :
	       bus_append_whole(m, change->kind, object);
}

int store_bus_append_change(sd_bus_message *m, const struct store_change *change)
{
	int err = sd_bus_message_open_container(m, 'r', CHANGE_TYPE);

	if (err >= 0)
		err = sd_bus_message_append(m, "ss", store_verb_name(change->verb),
					    store_kind_name(change->kind));
	if (err >= 0)
		err = sd_bus_message_open_container(m, 'a', "{sv}");
	if (err >= 0)
		err = append_values(m, change);
	if (err >= 0)
		err = sd_bus_message_close_container(m);
	return err < 0 ? err : sd_bus_message_close_container(m);
}

static int read_change(sd_bus_message *m, struct store_change *change, char *why)
{
	const char *verb, *kind;
	int err = sd_bus_message_read(m, "ss", &verb, &kind);

	if (err < 0)
		return dict_refuse(err, why, "the message has not the form of a change");
	if (store_verb_parse(verb, &change->verb) < 0)
		return dict_refuse(-EINVAL, why, "\"%.64s\" is no change: use add, set, delete or "
				   "import", verb);
	if (store_kind_parse(kind, &change->kind) < 0)
		return dict_refuse(-EINVAL, why, "\"%.64s\" is no kind of object", kind);
	err = bus_read_values(m, change, why);
	if (err < 0)
		return err;
	err = sd_bus_message_exit_container(m);
	return err < 0 ? dict_refuse(err, why, "the message has not the form of a change") : 1;
}

int store_bus_read_change(sd_bus_message *m, struct store_change *ret_change,
			  char why[static POLICY_WHY_LEN])
{
	struct store_change change = { .verb = STORE_VERB_ADD };
	int err = sd_bus_message_enter_container(m, 'r', CHANGE_TYPE);

	if (err == 0)
		return 0;
	if (err < 0)
		return dict_refuse(err, why, "the message has not the form of a change");
	err = read_change(m, &change, why);
	if (err < 0)
		store_change_clear(&change);
	else
		*ret_change = change;
	return err;
}

/* --- contents ----------------------------------------------------------------------------- */

int store_bus_append_content(sd_bus_message *m, const struct store_content *content)
{
	int err = sd_bus_message_open_container(m, 'a', BUS_OBJECT_TYPE);

	for (size_t i = 0; err >= 0 && i < content->n_actions; i++)
		err = bus_append_object(m, STORE_KIND_FILTER_ACTION, content->actions[i]);
	for (size_t i = 0; err >= 0 && i < content->n_lists; i++)
		err = bus_append_object(m, STORE_KIND_FILTER_LIST, content->lists[i]);
	for (size_t i = 0; err >= 0 && i < content->n_policies; i++)
		err = bus_append_object(m, STORE_KIND_POLICY, content->policies[i]);
	return err < 0 ? err : sd_bus_message_close_container(m);
}

static int add_object(struct store_content *content, struct store_change *object, char *why)
{
	int err;

	if (object->filter_action)
		err = store_content_add_action(content, TAKE_PTR(object->filter_action));
	else if (object->filter_list)
		err = store_content_add_list(content, TAKE_PTR(object->filter_list));
	else if (object->store_policy)
		err = store_content_add_policy(content, TAKE_PTR(object->store_policy));
	else
		return dict_refuse(-EINVAL, why, "%s: a store has policies, filter lists and filter "
				   "actions", store_kind_name(object->kind));
	return err ? dict_refuse(err, why, "out of memory") : 0;
}

static int read_objects(sd_bus_message *m, struct store_content *content, char *why)
{
	struct store_change object;
	int err;

	while ((err = bus_read_object(m, &object, why)) > 0) {
		err = add_object(content, &object, why);
		store_change_clear(&object);
		if (err)
			return err;
	}
	return err;
}

int store_bus_read_content(sd_bus_message *m, struct store_content **ret_content,
			   char why[static POLICY_WHY_LEN])
{
	_cleanup_(store_content_freep) struct store_content *content = store_content_new();
	int err;

	if (!content)
		return dict_refuse(-ENOMEM, why, "out of memory");
	err = sd_bus_message_enter_container(m, 'a', BUS_OBJECT_TYPE);
	if (err <= 0)
		return dict_refuse(err ?: -EINVAL, why, "the message has not the form of a store");
	err = read_objects(m, content, why);
	if (err)
		return err;
	err = sd_bus_message_exit_container(m);
	if (err < 0)
		return dict_refuse(err, why, "the message has not the form of a store");
	if (store_content_link(content) < 0)
		return dict_refuse(-ENOMEM, why, "out of memory");
	*ret_content = TAKE_PTR(content);
	return 0;
}

/* --- queries ------------------------------------------------------------------------------ */

int store_bus_append_query(sd_bus_message *m, const struct store_query *query)
{
	int err = sd_bus_message_open_container(m, 'a', "{sv}");

	if (err >= 0 && query->policy)
		err = dict_append_string(m, "policy", query->policy);
	if (err >= 0 && query->only_assigned)
		err = dict_append_bool(m, "assigned", true);
	if (err >= 0 && query->without_filters)
		err = dict_append_bool(m, "filters", false);
	return err < 0 ? err : sd_bus_message_close_container(m);
}

static int read_query_value(sd_bus_message *m, const char *key, void *object, uint32_t *given,
			    char *why)
{
	struct store_query *query = object;
	int value = 0, err;

	(void)given;
	if (!strcmp(key, "policy"))
		return dict_read_basic(m, key, "s", &query->policy, why);
	err = dict_read_basic(m, key, "b", &value, why);
	if (err)
		return err;
	if (!strcmp(key, "assigned"))
		query->only_assigned = value;
	else if (!strcmp(key, "filters"))
		query->without_filters = !value;
	else
		return dict_refuse(-EINVAL, why, "%.64s: there is no such key here", key);
	return 0;
}

int store_bus_read_query(sd_bus_message *m, struct store_query *ret_query,
			 char why[static POLICY_WHY_LEN])
{
	struct store_query query = { .policy = NULL };
	int err = dict_read(m, read_query_value, &query, NULL, why);

	if (err < 0)
		return err;
	if (!err)
		return dict_refuse(-EINVAL, why, "the message has no query");
	*ret_query = query;
	return 0;
}
