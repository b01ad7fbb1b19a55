// SPDX-License-Identifier: MIT
/*
 * A change names what it is about ("target": name, guid, id, policy, filterlist, all) and has an
 * object that holds the other tags. Example:
 *
 *   static set rule name=r1 policy=p activate=no    target r1 of p; object: a rule, is_active false
 *   static add rule name=r1 policy=p ...            target p; object: a rule with the name r1
 *
 * Fields of the object are in tag.c.
 */
#include "store/text.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "policy/tag.h"
#include "store/guid.h"
#include "store/head.h"
#include "store/tag.h"

static bool finds(const struct store_change *change)
{
	return change->verb == STORE_VERB_SET || change->verb == STORE_VERB_DELETE;
}

/* Whether an object of @kind has a name by which a change finds it. */
static bool is_named(enum store_kind kind)
{
	return kind != STORE_KIND_FILTER && kind != STORE_KIND_DEFAULT_RULE;
}

static bool has_policy(enum store_kind kind)
{
	return kind == STORE_KIND_RULE || kind == STORE_KIND_DEFAULT_RULE;
}

static int no_such_tag(const char *tag, char *why)
{
	return store_refuse(why, "there is no tag \"%.64s\" here", tag);
}

static bool has_no_target(const struct store_change *change)
{
	return !change->name && sd_id128_is_null(change->guid) && !change->id && !change->is_all;
}

static int set_guid(struct store_change *change, const char *value, char *why)
{
	if (store_guid_parse(value, &change->guid) < 0)
		return store_refuse(why, "guid=%.64s: expected {xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx}",
				    value);
	return 0;
}

static int set_all(struct store_change *change, const char *value, char *why)
{
	int err = policy_tag_set_bool("all", value, &change->is_all, why);

	if (!err && !change->is_all)
		err = store_refuse(why, "all=%.64s: leave it out, or say yes", value);
	return err;
}

/* What is changed or deleted; one of these tags. 1 if @tag is none of them. */
static int set_found_by(struct store_change *change, const char *tag, const char *value, char *why)
{
	bool is_name = !strcmp(tag, "name") && is_named(change->kind);
	bool is_guid = !strcmp(tag, "guid") && is_named(change->kind);
	bool is_id = !strcmp(tag, "id") && change->kind == STORE_KIND_RULE;
	bool is_all = !strcmp(tag, "all") && change->verb == STORE_VERB_DELETE &&
		      is_named(change->kind);

	if (!is_name && !is_guid && !is_id && !is_all)
		return 1;
	if (!has_no_target(change))
		return store_refuse(why, "%s: what is meant has been said already; give one of name, "
					 "guid, id and all", tag);
	if (is_name)
		return policy_tag_set_name(tag, value, &change->name, why);
	if (is_guid)
		return set_guid(change, value, why);
	if (is_id)
		return policy_tag_set_number(tag, value, 1, INT32_MAX, &change->id, why);
	return set_all(change, value, why);
}

/* 1 if @tag does not belong to the target. */
static int set_target(struct store_change *change, const char *tag, const char *value, char *why)
{
	if (!strcmp(tag, "policy") && has_policy(change->kind))
		return policy_tag_set_name(tag, value, &change->policy, why);
	if (!strcmp(tag, "filterlist") && change->kind == STORE_KIND_FILTER)
		return policy_tag_set_name(tag, value, &change->list, why);
	return finds(change) ? set_found_by(change, tag, value, why) : 1;
}

int store_change_set_tag(struct store_change *change, const char *tag, const char *value,
			 char why[static POLICY_WHY_LEN])
{
	bool is_name = !strcmp(tag, "name");
	int err = set_target(change, tag, value, why);

	if (err != 1)
		return err;
	/* What is added has a name, what is set can get a new one. */
	if (finds(change) ? is_name : !strcmp(tag, "newname"))
		return no_such_tag(tag, why);
	if (change->verb == STORE_VERB_DELETE &&
	    (change->kind != STORE_KIND_FILTER || !strcmp(tag, "description")))
		return no_such_tag(tag, why);
	if (store_change_make_object(change) < 0) {
		store_refuse(why, "out of memory");
		return -ENOMEM;
	}
	err = store_tag_set(change->kind, store_change_object(change), is_name ? "newname" : tag, value,
			    &change->given, why);
	return err == 1 ? no_such_tag(tag, why) : err;
}

static void print_found_by(FILE *file, const struct store_change *change)
{
	char guid[STORE_GUID_STRLEN];

	if (change->is_all)
		fputs(" all", file);
	else if (change->name)
		policy_tag_print(file, "name", change->name);
	else if (change->id)
		fprintf(file, " id=%" PRIu32, change->id);
	else if (!sd_id128_is_null(change->guid))
		policy_tag_print(file, "guid", store_guid_format(change->guid, guid));
}

void store_change_print(FILE *file, const struct store_change *change, bool with_secrets)
{
	const void *object = store_change_object(change);
	uint32_t fields = change->given;

	fprintf(file, "static %s %s", store_verb_name(change->verb), store_kind_name(change->kind));
	if (finds(change)) {
		print_found_by(file, change);
	} else if (object) {
		fields = store_tags_to_make(change->kind, object);
		if (is_named(change->kind))
			policy_tag_print(file, "name",
					 store_object_head(change->kind, object)->name);
	}
	if (has_policy(change->kind))
		policy_tag_print(file, "policy", change->policy);
	if (change->kind == STORE_KIND_FILTER)
		policy_tag_print(file, "filterlist", change->list);
	if (finds(change) && object && fields & STORE_FIELD_NEWNAME)
		policy_tag_print(file, "newname", store_object_head(change->kind, object)->name);
	if (object)
		store_tags_print(file, change->kind, object, fields, with_secrets);
}

/* The command without its fields: "static add rule name=r1 policy=p". */
static void print_command(FILE *file, const char *words, const char *tag, const char *name,
			  const char *policy)
{
	fprintf(file, "static %s", words);
	policy_tag_print(file, tag, name);
	if (policy)
		policy_tag_print(file, "policy", policy);
}

static void print_lists(FILE *file, const struct store_content *content)
{
	for (size_t i = 0; i < content->n_lists; i++) {
		const struct store_filter_list *list = content->lists[i];

		print_command(file, "add filterlist", "name", list->head.name, NULL);
		store_tags_print(file, STORE_KIND_FILTER_LIST, list,
				 store_tags_to_make(STORE_KIND_FILTER_LIST, list), false);
		fputc('\n', file);
		for (size_t j = 0; j < list->n_filters; j++) {
			print_command(file, "add filter", "filterlist", list->head.name, NULL);
			store_tags_print(file, STORE_KIND_FILTER, list->filters[j],
					 store_tags_to_make(STORE_KIND_FILTER, list->filters[j]), false);
			fputc('\n', file);
		}
	}
}

static void print_rule(FILE *file, const struct store_policy *policy, const struct store_rule *rule,
		       bool with_secrets)
{
	uint32_t fields;

	if (!rule->is_default_response) {
		print_command(file, "add rule", "name", rule->head.name, policy->head.name);
		store_tags_print(file, STORE_KIND_RULE, rule,
				 store_tags_to_make(STORE_KIND_RULE, rule), with_secrets);
		fputc('\n', file);
		return;
	}
	/* whether it is active the policy said */
	fields = store_tags_to_make(STORE_KIND_DEFAULT_RULE, rule) & ~(uint32_t)STORE_FIELD_ACTIVATE;
	if (!fields)
		return;
	print_command(file, "set defaultrule", "policy", policy->head.name, NULL);
	store_tags_print(file, STORE_KIND_DEFAULT_RULE, rule, fields, with_secrets);
	fputc('\n', file);
}

static void print_policy(FILE *file, const struct store_policy *policy, bool with_secrets)
{
	const struct store_rule *response = store_policy_default_rule(policy);
	uint32_t fields = store_tags_to_make(STORE_KIND_POLICY, policy);

	print_command(file, "add policy", "name", policy->head.name, NULL);
	store_tags_print(file, STORE_KIND_POLICY, policy, fields & ~(uint32_t)STORE_FIELD_ASSIGN,
			 false);
	fputc('\n', file);
	for (size_t i = 0; i < policy->n_rules; i++)
		if (!policy->rules[i]->is_default_response)
			print_rule(file, policy, policy->rules[i], with_secrets);
	if (response)
		print_rule(file, policy, response, with_secrets);
}

void store_content_print(FILE *file, const struct store_content *content, bool with_secrets)
{
	const struct store_policy *assigned = store_content_assigned(content);

	for (size_t i = 0; i < content->n_actions; i++) {
		const struct store_filter_action *action = content->actions[i];

		print_command(file, "add filteraction", "name", action->head.name, NULL);
		store_tags_print(file, STORE_KIND_FILTER_ACTION, action,
				 store_tags_to_make(STORE_KIND_FILTER_ACTION, action), false);
		fputc('\n', file);
	}
	print_lists(file, content);
	for (size_t i = 0; i < content->n_policies; i++)
		print_policy(file, content->policies[i], with_secrets);
	if (assigned) {
		print_command(file, "set policy", "name", assigned->head.name, NULL);
		fputs(" assign=yes\n", file);
	}
}
