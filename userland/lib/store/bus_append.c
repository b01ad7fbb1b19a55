// SPDX-License-Identifier: MIT
#include <errno.h>

#include "policy/address.h"
#include "policy/dict.h"
#include "policy/methods.h"
#include "policy/text.h"
#include "store/bus_object.h"
#include "store/guid.h"
#include "store/head.h"

static int append_guid(sd_bus_message *m, const char *key, sd_id128_t guid)
{
	char text[STORE_GUID_STRLEN];

	if (sd_id128_is_null(guid))
		return 0;
	return dict_append_string(m, key, store_guid_format(guid, text));
}

static int append_address(sd_bus_message *m, const char *key, const struct policy_address *address)
{
	return dict_append_owned(m, key, policy_address_to_text(address));
}

static int append_policy(sd_bus_message *m, const struct store_policy *policy, uint32_t given)
{
	const struct store_rule *response = store_policy_default_rule(policy);
	int err = 0;

	if (given & STORE_FIELD_MMPFS)
		err = dict_append_bool(m, "mmpfs", policy->mmpfs);
	if (err >= 0 && given & STORE_FIELD_QMPERMM)
		err = dict_append_number(m, "qmpermm", policy->quick_modes);
	if (err >= 0 && given & STORE_FIELD_MMLIFETIME)
		err = dict_append_number(m, "mmlifetime", policy->lifetime_minutes);
	if (err >= 0 && given & STORE_FIELD_ACTIVATEDEFAULTRULE)
		err = dict_append_bool(m, "activatedefaultrule", response && response->is_active);
	if (err >= 0 && given & STORE_FIELD_POLLINGINTERVAL)
		err = dict_append_number(m, "pollinginterval", policy->polling_minutes);
	if (err >= 0 && given & STORE_FIELD_ASSIGN)
		err = dict_append_bool(m, "assign", policy->is_assigned);
	if (err >= 0 && given & STORE_FIELD_SOFTSAEXPIRATIONTIME)
		err = dict_append_number(m, "softsaexpirationtime", policy->soft_sa_seconds);
	if (err >= 0 && given & STORE_FIELD_MMSECMETHODS)
		err = dict_append_owned(m, "mmsecmethods",
					policy_mm_offers_to_text(policy->offers, policy->n_offers));
	return err;
}

static int append_filter(sd_bus_message *m, const struct store_filter *filter, uint32_t given)
{
	char protocol[POLICY_PROTOCOL_STRLEN];
	int err = 0;

	if (given & STORE_FIELD_SRCADDR)
		err = append_address(m, "srcaddr", &filter->source);
	if (err >= 0 && given & STORE_FIELD_DSTADDR)
		err = append_address(m, "dstaddr", &filter->destination);
	if (err >= 0 && given & STORE_FIELD_PROTOCOL)
		err = dict_append_string(m, "protocol",
					 policy_protocol_format(filter->protocol, protocol));
	if (err >= 0 && given & STORE_FIELD_SRCPORT)
		err = dict_append_number(m, "srcport", filter->source_port);
	if (err >= 0 && given & STORE_FIELD_DSTPORT)
		err = dict_append_number(m, "dstport", filter->destination_port);
	if (err >= 0 && given & STORE_FIELD_MIRRORED)
		err = dict_append_bool(m, "mirrored", filter->mirrored);
	if (err >= 0 && given & STORE_FIELD_MAINMODE)
		err = dict_append_bool(m, "mainmode", filter->is_main_mode);
	return err;
}

static int append_methods_of_action(sd_bus_message *m, const struct store_filter_action *action,
				    uint32_t given)
{
	int err = 0;

	if (given & STORE_FIELD_QMPFS)
		err = dict_append_bool(m, "qmpfs", action->qmpfs);
	if (err >= 0 && given & STORE_FIELD_QMSECMETHODS)
		err = dict_append_owned(m, "qmsecmethods",
					policy_qm_offers_to_text(action->offers, action->n_offers));
	return err;
}

static int append_action(sd_bus_message *m, const struct store_filter_action *action,
			 uint32_t given)
{
	int err = append_methods_of_action(m, action, given);

	if (err >= 0 && given & STORE_FIELD_ACTION)
		err = dict_append_string(m, "action", policy_action_name(action->action));
	if (err >= 0 && given & STORE_FIELD_INPASS)
		err = dict_append_bool(m, "inpass", action->inpass);
	if (err >= 0 && given & STORE_FIELD_SOFT)
		err = dict_append_bool(m, "soft", action->soft);
	return err;
}

static int append_references(sd_bus_message *m, const struct store_rule *rule, uint32_t given)
{
	int err = 0;

	if (given & STORE_FIELD_FILTERLIST)
		err = dict_append_string(m, "filterlist", rule->filter_list);
	if (err >= 0 && given & STORE_FIELD_FILTERACTION)
		err = dict_append_string(m, "filteraction", rule->filter_action);
	if (err >= 0 && given & STORE_FIELD_CONNTYPE)
		err = dict_append_string(m, "conntype", policy_connection_name(rule->connection));
	if (err >= 0 && given & STORE_FIELD_TUNNEL)
		err = rule->has_tunnel ? append_address(m, "tunnel", &rule->tunnel) :
		      dict_append_string(m, "tunnel", "none");
	return err;
}

static int append_rule(sd_bus_message *m, const struct store_rule *rule, uint32_t given)
{
	int err = rule->is_default_response ? 0 : append_references(m, rule, given);

	if (err >= 0 && rule->own_action)
		err = append_methods_of_action(m, rule->own_action, given);
	if (err >= 0 && given & STORE_FIELD_ACTIVATE)
		err = dict_append_bool(m, "activate", rule->is_active);
	if (err >= 0 && given & STORE_FIELD_AUTH)
		err = dict_append_methods(m, rule->methods, rule->n_methods, true);
	return err;
}

static int append_own_fields(sd_bus_message *m, enum store_kind kind, const void *object,
			     uint32_t given)
{
	switch (kind) {
	case STORE_KIND_POLICY:
		return append_policy(m, object, given);
	case STORE_KIND_RULE:
	case STORE_KIND_DEFAULT_RULE:
		return append_rule(m, object, given);
	case STORE_KIND_FILTER:
		return append_filter(m, object, given);
	case STORE_KIND_FILTER_ACTION:
		return append_action(m, object, given);
	case STORE_KIND_FILTER_LIST:
		break;
	}
	return 0;
}

int bus_append_fields(sd_bus_message *m, enum store_kind kind, const void *object, uint32_t given)
{
	const struct store_head *head = store_object_head(kind, object);
	int err = 0;

	if (given & STORE_FIELD_NEWNAME)
		err = dict_append_string(m, "newname", head->name);
	if (err >= 0 && given & STORE_FIELD_DESCRIPTION)
		err = dict_append_string(m, "description", head->description);
	return err < 0 ? err : append_own_fields(m, kind, object, given);
}

/* --- whole objects ------------------------------------------------------------------------ */

static int append_head(sd_bus_message *m, const struct store_head *head)
{
	int err = append_guid(m, "guid", head->guid);

	if (err >= 0 && head->name)
		err = dict_append_string(m, "name", head->name);
	if (err >= 0 && head->description)
		err = dict_append_string(m, "description", head->description);
	if (err >= 0 && head->modified)
		err = sd_bus_message_append(m, "{sv}", "modified", "t", head->modified);
	return err;
}

static int append_tool(sd_bus_message *m, bool is_tool)
{
	return is_tool ? dict_append_bool(m, "tool", true) : 0;
}

static int open_parts(sd_bus_message *m, const char *key)
{
	int err = dict_open_entry(m, key, "a" BUS_OBJECT_TYPE);

	return err < 0 ? err : sd_bus_message_open_container(m, 'a', BUS_OBJECT_TYPE);
}

static int close_parts(sd_bus_message *m)
{
	int err = sd_bus_message_close_container(m);

	return err < 0 ? err : dict_close_entry(m);
}

static int append_rules(sd_bus_message *m, const struct store_policy *policy)
{
	int err = open_parts(m, "rules");

	for (size_t i = 0; err >= 0 && i < policy->n_rules; i++)
		err = bus_append_object(m, policy->rules[i]->is_default_response ?
					STORE_KIND_DEFAULT_RULE : STORE_KIND_RULE, policy->rules[i]);
	return err < 0 ? err : close_parts(m);
}

static int append_filters(sd_bus_message *m, const struct store_filter_list *list)
{
	int err = list->n_filters ? open_parts(m, "filters") : 0;

	for (size_t i = 0; err >= 0 && i < list->n_filters; i++)
		err = bus_append_object(m, STORE_KIND_FILTER, list->filters[i]);
	return err < 0 || !list->n_filters ? err : close_parts(m);
}

static int append_whole_policy(sd_bus_message *m, const struct store_policy *policy)
{
	int err = append_policy(m, policy, ~(uint32_t)STORE_FIELD_ACTIVATEDEFAULTRULE);

	if (err >= 0)
		err = append_tool(m, policy->is_tool);
	return err < 0 ? err : append_rules(m, policy);
}

static int append_whole_rule(sd_bus_message *m, const struct store_rule *rule)
{
	uint32_t fields = ~(uint32_t)(rule->has_tunnel ? 0 : STORE_FIELD_TUNNEL);
	int err;

	if (!rule->filter_list)
		fields &= ~(uint32_t)STORE_FIELD_FILTERLIST;
	if (!rule->filter_action)
		fields &= ~(uint32_t)STORE_FIELD_FILTERACTION;
	err = append_rule(m, rule, fields);
	if (err >= 0 && rule->own_action)
		err = append_guid(m, "actionguid", rule->own_action->head.guid);
	return err < 0 ? err : append_tool(m, rule->is_tool);
}

static int append_whole_filter(sd_bus_message *m, const struct store_filter *filter)
{
	uint32_t fields = STORE_FIELD_SRCADDR | STORE_FIELD_DSTADDR | STORE_FIELD_MIRRORED;

	if (filter->protocol)
		fields |= STORE_FIELD_PROTOCOL;
	if (filter->source_port)
		fields |= STORE_FIELD_SRCPORT;
	if (filter->destination_port)
		fields |= STORE_FIELD_DSTPORT;
	if (filter->is_main_mode)
		fields |= STORE_FIELD_MAINMODE;
	return append_filter(m, filter, fields);
}

static int append_whole_action(sd_bus_message *m, const struct store_filter_action *action)
{
	int err = append_action(m, action, ~0u);

	return err < 0 ? err : append_tool(m, action->is_tool);
}

int bus_append_whole(sd_bus_message *m, enum store_kind kind, const void *object)
{
	int err = append_head(m, store_object_head(kind, object));

	if (err < 0)
		return err;
	switch (kind) {
	case STORE_KIND_POLICY:
		return append_whole_policy(m, object);
	case STORE_KIND_RULE:
	case STORE_KIND_DEFAULT_RULE:
		return append_whole_rule(m, object);
	case STORE_KIND_FILTER_LIST:
		return append_filters(m, object);
	case STORE_KIND_FILTER:
		return append_whole_filter(m, object);
	case STORE_KIND_FILTER_ACTION:
		return append_whole_action(m, object);
	}
	return -EINVAL;
}

int bus_append_object(sd_bus_message *m, enum store_kind kind, const void *object)
{
	int err = sd_bus_message_open_container(m, 'r', "sa{sv}");

	if (err >= 0)
		err = sd_bus_message_append(m, "s", store_kind_name(kind));
	if (err >= 0)
		err = sd_bus_message_open_container(m, 'a', "{sv}");
	if (err >= 0)
		err = bus_append_whole(m, kind, object);
	if (err >= 0)
		err = sd_bus_message_close_container(m);
	return err < 0 ? err : sd_bus_message_close_container(m);
}
