// SPDX-License-Identifier: MIT
/*
 * Most keys are tags: their values become text, and the tags' own parser takes them (text.h). The
 * others are what no command says: GUIDs and times of whole objects, and their parts.
 */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "policy/authmethod.h"
#include "policy/dict.h"
#include "store/bus_object.h"
#include "store/guid.h"
#include "store/head.h"
#include "store/text.h"

/* What takes the value of a key that is no tag; the object is there. As dict_value. */
typedef int take_value(sd_bus_message *m, struct store_change *change, const char *key, char *why);

static take_value take_auth, take_guid, take_modified, take_rules, take_filters;

static const struct key {
	const char *name;
	const char *type;		/* of a tag */
	take_value *take;
} keys[] = {
	/* those of filters first, of which there are many */
	{ "srcaddr", "s", NULL },
	{ "dstaddr", "s", NULL },
	{ "mirrored", "b", NULL },
	{ "guid", "s", take_guid },
	{ "modified", NULL, take_modified },
	{ "protocol", "s", NULL },
	{ "srcport", "u", NULL },
	{ "dstport", "u", NULL },
	{ "name", "s", NULL },
	{ "newname", "s", NULL },
	{ "description", "s", NULL },
	{ "policy", "s", NULL },
	{ "filterlist", "s", NULL },
	{ "filteraction", "s", NULL },
	{ "tunnel", "s", NULL },
	{ "conntype", "s", NULL },
	{ "activate", "b", NULL },
	{ "auth", NULL, take_auth },
	{ "tool", "b", NULL },
	{ "id", "u", NULL },
	{ "all", "b", NULL },
	{ "mmpfs", "b", NULL },
	{ "qmpermm", "u", NULL },
	{ "mmlifetime", "u", NULL },
	{ "activatedefaultrule", "b", NULL },
	{ "pollinginterval", "u", NULL },
	{ "assign", "b", NULL },
	{ "softsaexpirationtime", "u", NULL },
	{ "mmsecmethods", "s", NULL },
	{ "rules", NULL, take_rules },
	{ "filters", NULL, take_filters },
	{ "action", "s", NULL },
	{ "inpass", "b", NULL },
	{ "soft", "b", NULL },
	{ "qmpfs", "b", NULL },
	{ "qmsecmethods", "s", NULL },
	{ "actionguid", NULL, take_guid },
	{ "mainmode", "b", NULL },
};

#define N_KEYS (sizeof(keys) / sizeof(keys[0]))

/* What dict_read() hands on: the change, and a bit for each key that was there. */
struct reading {
	struct store_change *change;
	uint64_t seen;
};

static int unknown_key(const char *key, char *why)
{
	return dict_refuse(-EINVAL, why, "%.64s: there is no such key here", key);
}

static bool is_whole(const struct store_change *change)
{
	return change->verb == STORE_VERB_ADD || change->verb == STORE_VERB_IMPORT;
}

static bool is_rule(const struct store_change *change)
{
	return change->kind == STORE_KIND_RULE || change->kind == STORE_KIND_DEFAULT_RULE;
}

static struct store_head *head_of(const struct store_change *change)
{
	return (struct store_head *)store_object_head(change->kind, store_change_object(change));
}

static int take_auth(sd_bus_message *m, struct store_change *change, const char *key, char *why)
{
	if (!is_rule(change))
		return unknown_key(key, why);
	change->given |= STORE_FIELD_AUTH;
	return dict_read_methods(m, change->rule->methods, &change->rule->n_methods, why);
}

static int take_guid(sd_bus_message *m, struct store_change *change, const char *key, char *why)
{
	bool is_of_action = !strcmp(key, "actionguid");
	struct store_head *head;
	const char *text;
	int err;

	if (is_of_action && change->kind != STORE_KIND_DEFAULT_RULE)
		return unknown_key(key, why);
	err = dict_read_basic(m, key, "s", &text, why);
	if (err)
		return err;
	head = is_of_action ? &change->rule->own_action->head : head_of(change);
	if (store_guid_parse(text, &head->guid) < 0)
		return dict_refuse(-EINVAL, why, "%s: \"%.64s\" is no GUID", key, text);
	return 0;
}

static int take_modified(sd_bus_message *m, struct store_change *change, const char *key,
			 char *why)
{
	uint64_t seconds;
	int err = dict_read_basic(m, key, "t", &seconds, why);

	if (err)
		return err;
	if (seconds > INT64_MAX)
		return dict_refuse(-EINVAL, why, "%s is no time", key);
	head_of(change)->modified = seconds;
	return 0;
}

/* --- parts -------------------------------------------------------------------------------- */

/* Gives a part that was read to its owner. 0, or -errno with a sentence. */
typedef int add_part(struct store_change *owner, struct store_change *part, char *why);

static int add_rule(struct store_change *owner, struct store_change *part, char *why)
{
	if (!part->rule)
		return dict_refuse(-EINVAL, why, "rules: of a policy there are rules only");
	return store_policy_add(owner->store_policy, TAKE_PTR(part->rule)) ?
	       dict_refuse(-ENOMEM, why, "out of memory") : 0;
}

static int add_filter(struct store_change *owner, struct store_change *part, char *why)
{
	if (!part->filter)
		return dict_refuse(-EINVAL, why, "filters: of a filter list there are filters only");
	return store_filter_list_add(owner->filter_list, TAKE_PTR(part->filter)) ?
	       dict_refuse(-ENOMEM, why, "out of memory") : 0;
}

static int take_parts(sd_bus_message *m, struct store_change *owner, const char *key,
		      add_part *add, char *why)
{
	struct store_change part;
	int err = dict_enter_value(m, key, "a" BUS_OBJECT_TYPE, why);

	if (err)
		return err;
	err = sd_bus_message_enter_container(m, 'a', BUS_OBJECT_TYPE);
	while (err >= 0 && (err = bus_read_object(m, &part, why)) > 0) {
		err = add(owner, &part, why);
		store_change_clear(&part);
	}
	if (err < 0)
		return err;
	err = sd_bus_message_exit_container(m);
	if (err >= 0)
		err = sd_bus_message_exit_container(m);
	return err < 0 ? dict_refuse(err, why, "%s: the value cannot be read", key) : 0;
}

static int take_rules(sd_bus_message *m, struct store_change *change, const char *key, char *why)
{
	struct store_policy *policy = change->store_policy;

	if (change->kind != STORE_KIND_POLICY)
		return unknown_key(key, why);
	/* The default response rule that a new policy has. */
	while (policy->n_rules)
		store_rule_free(policy->rules[--policy->n_rules]);
	return take_parts(m, change, key, add_rule, why);
}

static int take_filters(sd_bus_message *m, struct store_change *change, const char *key, char *why)
{
	if (change->kind != STORE_KIND_FILTER_LIST)
		return unknown_key(key, why);
	return take_parts(m, change, key, add_filter, why);
}

/* --- dictionaries ------------------------------------------------------------------------- */

static int take_tag(sd_bus_message *m, struct store_change *change, const struct key *key,
		    char *why)
{
	const char *text;
	char buf[16];

	return dict_read_text(m, key->name, key->type, &text, buf, why) ?:
	       store_change_set_tag(change, key->name, text, why);
}

/* The GUID of a change that finds its object is a tag, what a whole object has is not. */
static bool is_tag(const struct store_change *change, const struct key *key)
{
	return key->type && (!key->take || !is_whole(change));
}

static int read_value(sd_bus_message *m, const char *name, void *object, uint32_t *given,
		      char *why)
{
	struct reading *reading = object;
	struct store_change *change = reading->change;
	size_t i = 0;

	(void)given;
	while (i < N_KEYS && strcmp(keys[i].name, name) != 0)
		i++;
	if (i == N_KEYS)
		return unknown_key(name, why);
	if (reading->seen & UINT64_C(1) << i)
		return dict_refuse(-EINVAL, why, "%s is given twice", name);
	reading->seen |= UINT64_C(1) << i;
	if (is_tag(change, &keys[i]))
		return take_tag(m, change, &keys[i], why);
	if (!is_whole(change) && (keys[i].take != take_auth || change->verb != STORE_VERB_SET))
		return unknown_key(name, why);
	if (store_change_make_object(change) < 0)
		return dict_refuse(-ENOMEM, why, "out of memory");
	return keys[i].take(m, change, name, why);
}

int bus_read_values(sd_bus_message *m, struct store_change *change, char *why)
{
	struct reading reading = { .change = change };

	static_assert(N_KEYS <= 64, "a bit for each key");
	return dict_read(m, read_value, &reading, NULL, why);
}

static int read_object(sd_bus_message *m, struct store_change *change, char *why)
{
	const char *kind;
	int err = sd_bus_message_read(m, "s", &kind);

	if (err < 0)
		return dict_refuse(err, why, "the message has not the form of an object");
	if (store_kind_parse(kind, &change->kind) < 0)
		return dict_refuse(-EINVAL, why, "\"%.64s\" is no kind of object", kind);
	err = bus_read_values(m, change, why);
	if (err < 0)
		return err;
	/* An object without a word about it has its defaults. */
	if (store_change_make_object(change) < 0)
		return dict_refuse(-ENOMEM, why, "out of memory");
	err = sd_bus_message_exit_container(m);
	return err < 0 ? dict_refuse(err, why, "the message has not the form of an object") : 1;
}

int bus_read_object(sd_bus_message *m, struct store_change *ret_change, char *why)
{
	struct store_change change = { .verb = STORE_VERB_ADD };
	int err = sd_bus_message_enter_container(m, 'r', "sa{sv}");

	*ret_change = change;
	if (err == 0)
		return 0;
	if (err < 0)
		return dict_refuse(err, why, "the message has not the form of an object");
	err = read_object(m, &change, why);
	if (err < 0)
		store_change_clear(&change);
	*ret_change = change;
	return err;
}
