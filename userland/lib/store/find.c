// SPDX-License-Identifier: MIT
#include "store/find.h"

#include <errno.h>

/* Kinds that have names of their own in the whole store. */
static const struct kind {
	const char *noun;
	const char *command;		/* what lists those that there are */
	const char *by_name;
	const char *by_guid;
} kinds[] = {
	[STORE_KIND_POLICY] = {
		"policy", "show policy all",
		"SELECT id FROM policies WHERE name = ?",
		"SELECT id FROM policies WHERE guid = ?",
	},
	[STORE_KIND_RULE] = {
		"rule", "show rule all",
		NULL,
		"SELECT id FROM rules WHERE guid = ?",
	},
	[STORE_KIND_FILTER_LIST] = {
		"filter list", "show filterlist all",
		"SELECT id FROM filter_lists WHERE name = ?",
		"SELECT id FROM filter_lists WHERE guid = ?",
	},
	[STORE_KIND_FILTER] = { "filter", "show filterlist all", NULL, NULL },
	[STORE_KIND_FILTER_ACTION] = {
		"filter action", "show filteraction all",
		"SELECT id FROM filter_actions WHERE name = ? AND rule IS NULL",
		"SELECT id FROM filter_actions WHERE guid = ? AND rule IS NULL",
	},
	[STORE_KIND_DEFAULT_RULE] = { "default response rule", "show policy all", NULL, NULL },
};

const char *find_noun(enum store_kind kind)
{
	return kinds[kind].noun;
}

int find_name_if_any(struct store *store, enum store_kind kind, const char *name, int64_t *ret_id,
		     struct fault *fault)
{
	return sql_number(store, fault, ret_id, kinds[kind].by_name, "t", name);
}

int find_guid_if_any(struct store *store, enum store_kind kind, const sd_id128_t *guid,
		     int64_t *ret_id, struct fault *fault)
{
	if (sd_id128_is_null(*guid))
		return 0;
	return sql_number(store, fault, ret_id, kinds[kind].by_guid, "g", guid);
}

int find_name(struct store *store, enum store_kind kind, const char *name, int64_t *ret_id,
	      struct fault *fault)
{
	int found = find_name_if_any(store, kind, name, ret_id, fault);

	if (found)
		return found < 0 ? found : 0;
	return fault_number(fault, POLICY_ERROR_OBJECT_NOT_FOUND,
			    "%s \"%s\" does not exist; \"%s\" lists those that do",
			    kinds[kind].noun, name, kinds[kind].command);
}

static int find_guid(struct store *store, enum store_kind kind, const sd_id128_t *guid,
		     int64_t *ret_id, struct fault *fault)
{
	int found = find_guid_if_any(store, kind, guid, ret_id, fault);
	char text[SD_ID128_UUID_STRING_MAX];

	if (found)
		return found < 0 ? found : 0;
	return fault_number(fault, POLICY_ERROR_OBJECT_NOT_FOUND,
			    "no %s has the GUID {%s}; \"%s\" lists those that exist",
			    kinds[kind].noun, sd_id128_to_uuid_string(*guid, text),
			    kinds[kind].command);
}

int find_object(struct store *store, const struct store_change *change, int64_t *ret_id,
		struct fault *fault)
{
	if (!sd_id128_is_null(change->guid))
		return find_guid(store, change->kind, &change->guid, ret_id, fault);
	if (change->name)
		return find_name(store, change->kind, change->name, ret_id, fault);
	return fault_invalid(fault, "%s: say which one, by its name or its GUID",
			     find_noun(change->kind));
}

/* --- rules -------------------------------------------------------------------------------- */

static int find_rule_name(struct store *store, const struct store_change *change, int64_t policy,
			  int64_t *ret_id, struct fault *fault)
{
	int found = sql_number(store, fault, ret_id,
			       "SELECT id FROM rules WHERE policy = ? AND name = ?", "xt", policy,
			       change->name);

	if (found)
		return found < 0 ? found : 0;
	return fault_number(fault, POLICY_ERROR_OBJECT_NOT_FOUND,
			    "policy \"%s\" has no rule \"%s\"; \"show rule all\" lists those that it "
			    "has", change->policy, change->name);
}

static int find_rule_number(struct store *store, const struct store_change *change, int64_t policy,
			    int64_t *ret_id, struct fault *fault)
{
	int found = sql_number(store, fault, ret_id,
			       "SELECT id FROM rules WHERE policy = ? AND NOT is_default_response "
			       "ORDER BY id LIMIT 1 OFFSET ?", "xx", policy,
			       (int64_t)change->id - 1);

	if (found)
		return found < 0 ? found : 0;
	return fault_number(fault, POLICY_ERROR_OBJECT_NOT_FOUND,
			    "policy \"%s\" has no rule with id %u; \"show rule all\" lists those that "
			    "it has", change->policy, change->id);
}

int find_rule(struct store *store, const struct store_change *change, int64_t *ret_id,
	      int64_t *ret_policy, struct fault *fault)
{
	int64_t id = 0, policy = 0;
	int err = 0;

	if (!change->policy && sd_id128_is_null(change->guid))
		return fault_invalid(fault, "rule: say of which policy");
	if (change->policy)
		err = find_name(store, STORE_KIND_POLICY, change->policy, &policy, fault);
	if (err)
		return err;
	if (!sd_id128_is_null(change->guid))
		err = find_guid(store, STORE_KIND_RULE, &change->guid, &id, fault);
	else if (change->name)
		err = find_rule_name(store, change, policy, &id, fault);
	else if (change->id)
		err = find_rule_number(store, change, policy, &id, fault);
	else
		err = fault_invalid(fault, "rule: say which one, by its name or its id");
	if (!err && !policy && sql_number(store, fault, &policy,
					  "SELECT policy FROM rules WHERE id = ?", "x", id) < 0)
		err = -EIO;
	if (err)
		return err;
	*ret_id = id;
	*ret_policy = policy;
	return 0;
}

int find_default_rule(struct store *store, int64_t policy, const char *name, int64_t *ret_id,
		      struct fault *fault)
{
	int found = sql_number(store, fault, ret_id,
			       "SELECT id FROM rules WHERE policy = ? AND is_default_response", "x",
			       policy);

	if (found)
		return found < 0 ? found : 0;
	return fault_number(fault, POLICY_ERROR_OBJECT_NOT_FOUND,
			    "policy \"%s\" has no default response rule; add the policy again", name);
}

/* --- what must not be there --------------------------------------------------------------- */

static int exists(enum store_kind kind, const char *name, struct fault *fault)
{
	return fault_number(fault, POLICY_ERROR_OBJECT_EXISTS,
			    "%s \"%s\" exists already; choose another name, or change it with set",
			    find_noun(kind), name);
}

static int find_free_guid(struct store *store, enum store_kind kind, const sd_id128_t *guid,
			  int64_t id, struct fault *fault)
{
	int64_t other = id;
	int found = find_guid_if_any(store, kind, guid, &other, fault);
	char text[SD_ID128_UUID_STRING_MAX];

	if (found < 0)
		return found;
	if (other == id)
		return 0;
	return fault_number(fault, POLICY_ERROR_OBJECT_EXISTS,
			    "another %s has the GUID {%s} already; delete it first", find_noun(kind),
			    sd_id128_to_uuid_string(*guid, text));
}

int find_free(struct store *store, enum store_kind kind, const struct store_head *head, int64_t id,
	      struct fault *fault)
{
	int64_t other = id;
	int found = head->name ? find_name_if_any(store, kind, head->name, &other, fault) : 0;

	if (found < 0)
		return found;
	if (other != id)
		return exists(kind, head->name, fault);
	return find_free_guid(store, kind, &head->guid, id, fault);
}

int find_free_rule(struct store *store, const struct store_head *head, int64_t policy, int64_t id,
		   struct fault *fault)
{
	int64_t other = id;
	int found = 0;

	if (head->name)
		found = sql_number(store, fault, &other,
				   "SELECT id FROM rules WHERE policy = ? AND name = ?", "xt", policy,
				   head->name);
	if (found < 0)
		return found;
	if (other != id)
		return exists(STORE_KIND_RULE, head->name, fault);
	return find_free_guid(store, STORE_KIND_RULE, &head->guid, id, fault);
}
