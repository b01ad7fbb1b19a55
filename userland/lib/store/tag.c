// SPDX-License-Identifier: MIT
#include "store/tag.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "policy/address.h"
#include "policy/authmethod.h"
#include "policy/methods.h"
#include "policy/tag.h"
#include "policy/text.h"
#include "store/head.h"

enum value_type {
	VALUE_NAME,
	VALUE_REFERENCE,		/* the name of another object */
	VALUE_DESCRIPTION,		/* NULL is empty */
	VALUE_BOOL,
	VALUE_NUMBER,
	VALUE_POLLING,			/* a number, 0 is the default */
	VALUE_PORT,
	VALUE_PROTOCOL,
	VALUE_ADDRESS,
	VALUE_ACTION,
	VALUE_CONNECTION,
	VALUE_MM_OFFERS,		/* of a policy */
	VALUE_QM_OFFERS,		/* of a filter action */
	VALUE_TUNNEL,			/* of a rule */
	VALUE_RESPONSE,			/* of a policy: is its default response rule active? */
};

/* One field: where it is in the object, and the limits of a number. */
struct row {
	enum store_kind kind;
	const char *tag;
	uint32_t field;
	enum value_type type;
	size_t offset;
	uint32_t min;
	uint32_t max;
};

#define POLICY(tag, field, type, member, ...)						\
	{ STORE_KIND_POLICY, tag, STORE_FIELD_##field, VALUE_##type,			\
	  offsetof(struct store_policy, member), ##__VA_ARGS__ }
#define RULE(tag, field, type, member)							\
	{ STORE_KIND_RULE, tag, STORE_FIELD_##field, VALUE_##type,			\
	  offsetof(struct store_rule, member), 0, 0 }
#define LIST(tag, field, type, member)							\
	{ STORE_KIND_FILTER_LIST, tag, STORE_FIELD_##field, VALUE_##type,		\
	  offsetof(struct store_filter_list, member), 0, 0 }
#define FILTER(tag, field, type, member)						\
	{ STORE_KIND_FILTER, tag, STORE_FIELD_##field, VALUE_##type,			\
	  offsetof(struct store_filter, member), 0, 0 }
#define ACTION(tag, field, type, member)						\
	{ STORE_KIND_FILTER_ACTION, tag, STORE_FIELD_##field, VALUE_##type,		\
	  offsetof(struct store_filter_action, member), 0, 0 }
#define RESPONSE(tag, field, type, owner, member)					\
	{ STORE_KIND_DEFAULT_RULE, tag, STORE_FIELD_##field, VALUE_##type,		\
	  offsetof(struct owner, member), 0, 0 }

static const struct row rows[] = {
	POLICY("newname", NEWNAME, NAME, head.name, 0, 0),
	POLICY("description", DESCRIPTION, DESCRIPTION, head.description, 0, 0),
	POLICY("mmpfs", MMPFS, BOOL, mmpfs, 0, 0),
	POLICY("qmpermm", QMPERMM, NUMBER, quick_modes, 0, INT32_MAX),
	POLICY("mmlifetime", MMLIFETIME, NUMBER, lifetime_minutes, 1, POLICY_MAX_MINUTES),
	POLICY("activatedefaultrule", ACTIVATEDEFAULTRULE, RESPONSE, rules, 0, 0),
	POLICY("pollinginterval", POLLINGINTERVAL, POLLING, polling_minutes, 0,
	       STORE_POLLING_MAX_MINUTES),
	POLICY("assign", ASSIGN, BOOL, is_assigned, 0, 0),
	POLICY("softsaexpirationtime", SOFTSAEXPIRATIONTIME, NUMBER, soft_sa_seconds, 0,
	       STORE_SOFT_SA_MAX_SECONDS),
	POLICY("mmsecmethods", MMSECMETHODS, MM_OFFERS, offers, 0, 0),
	POLICY("tool", TOOL, BOOL, is_tool, 0, 0),
	RULE("newname", NEWNAME, NAME, head.name),
	RULE("filterlist", FILTERLIST, REFERENCE, filter_list),
	RULE("filteraction", FILTERACTION, REFERENCE, filter_action),
	RULE("tunnel", TUNNEL, TUNNEL, tunnel),
	RULE("conntype", CONNTYPE, CONNECTION, connection),
	RULE("activate", ACTIVATE, BOOL, is_active),
	RULE("description", DESCRIPTION, DESCRIPTION, head.description),
	RULE("tool", TOOL, BOOL, is_tool),
	LIST("newname", NEWNAME, NAME, head.name),
	LIST("description", DESCRIPTION, DESCRIPTION, head.description),
	FILTER("srcaddr", SRCADDR, ADDRESS, source),
	FILTER("dstaddr", DSTADDR, ADDRESS, destination),
	FILTER("description", DESCRIPTION, DESCRIPTION, head.description),
	FILTER("protocol", PROTOCOL, PROTOCOL, protocol),
	FILTER("mirrored", MIRRORED, BOOL, mirrored),
	FILTER("srcport", SRCPORT, PORT, source_port),
	FILTER("dstport", DSTPORT, PORT, destination_port),
	FILTER("mainmode", MAINMODE, BOOL, is_main_mode),
	ACTION("newname", NEWNAME, NAME, head.name),
	ACTION("description", DESCRIPTION, DESCRIPTION, head.description),
	ACTION("qmpfs", QMPFS, BOOL, qmpfs),
	ACTION("inpass", INPASS, BOOL, inpass),
	ACTION("soft", SOFT, BOOL, soft),
	ACTION("action", ACTION, ACTION, action),
	ACTION("qmsecmethods", QMSECMETHODS, QM_OFFERS, offers),
	ACTION("tool", TOOL, BOOL, is_tool),
	RESPONSE("description", DESCRIPTION, DESCRIPTION, store_rule, head.description),
	RESPONSE("qmpfs", QMPFS, BOOL, store_filter_action, qmpfs),
	RESPONSE("activate", ACTIVATE, BOOL, store_rule, is_active),
	RESPONSE("qmsecmethods", QMSECMETHODS, QM_OFFERS, store_filter_action, offers),
};

#define N_ROWS (sizeof(rows) / sizeof(rows[0]))

static bool has_methods(enum store_kind kind)
{
	return kind == STORE_KIND_RULE || kind == STORE_KIND_DEFAULT_RULE;
}

/* What the row's offset is of: the object, or the default response rule's action. */
static void *owner_of(const struct row *row, const void *object)
{
	const struct store_rule *rule = object;

	if (row->kind == STORE_KIND_DEFAULT_RULE &&
	    row->field & (STORE_FIELD_QMPFS | STORE_FIELD_QMSECMETHODS))
		return rule->own_action;
	return (void *)object;
}

static bool is_response_active(const struct store_policy *policy)
{
	const struct store_rule *rule = store_policy_default_rule(policy);

	return rule && rule->is_active;
}

static int set_description(const char *value, char **field, char *why)
{
	char *copy;

	if (store_description_check(value, why) < 0)
		return -EINVAL;
	if (store_text_copy(*value ? value : NULL, &copy) < 0) {
		store_refuse(why, "out of memory");
		return -ENOMEM;
	}
	free(*field);
	*field = copy;
	return 0;
}

static int set_tunnel(const char *tag, const char *value, struct store_rule *rule, char *why)
{
	int err;

	if (!*value || !strcasecmp(value, "none")) {
		policy_address_clear(&rule->tunnel);
		rule->has_tunnel = false;
		return 0;
	}
	err = policy_tag_set_address(tag, value, &rule->tunnel, why);
	if (!err)
		rule->has_tunnel = true;
	return err;
}

static int set_polling(const struct row *row, const char *value, uint32_t *field, char *why)
{
	int err = policy_tag_set_number(row->tag, value, row->min, row->max, field, why);

	if (!err && !*field)
		*field = STORE_POLLING_MINUTES;
	return err;
}

/* An action that does not negotiate can have no method; the check knows which those are. */
static int set_qm_offers(const struct row *row, const char *value,
			 struct store_filter_action *action, char *why)
{
	if (!*value && row->kind == STORE_KIND_FILTER_ACTION) {
		action->n_offers = 0;
		return 0;
	}
	return policy_qm_offers_parse(value, action->offers, &action->n_offers, why);
}

static int set_response(const char *tag, const char *value, struct store_policy *policy, char *why)
{
	struct store_rule *rule = store_policy_default_rule(policy);

	if (!rule)
		return store_refuse(why, "%s: the policy has no default response rule", tag);
	return policy_tag_set_bool(tag, value, &rule->is_active, why);
}

static int set_field(const struct row *row, void *object, const char *value, char *why)
{
	void *owner = owner_of(row, object), *field = (char *)owner + row->offset;
	struct store_policy *policy = object;

	switch (row->type) {
	case VALUE_NAME:
	case VALUE_REFERENCE:
		return policy_tag_set_name(row->tag, value, field, why);
	case VALUE_DESCRIPTION:
		return set_description(value, field, why);
	case VALUE_BOOL:
		return policy_tag_set_bool(row->tag, value, field, why);
	case VALUE_NUMBER:
		return policy_tag_set_number(row->tag, value, row->min, row->max, field, why);
	case VALUE_POLLING:
		return set_polling(row, value, field, why);
	case VALUE_PORT:
		return policy_tag_set_port(row->tag, value, field, why);
	case VALUE_PROTOCOL:
		return policy_tag_set_protocol(row->tag, value, field, why);
	case VALUE_ADDRESS:
		return policy_tag_set_address(row->tag, value, field, why);
	case VALUE_ACTION:
		return policy_tag_set_action(row->tag, value, field, why);
	case VALUE_CONNECTION:
		return policy_tag_set_connection(row->tag, value, field, why);
	case VALUE_MM_OFFERS:
		return policy_mm_offers_parse(value, policy->offers, &policy->n_offers, why);
	case VALUE_QM_OFFERS:
		return set_qm_offers(row, value, owner, why);
	case VALUE_TUNNEL:
		return set_tunnel(row->tag, value, object, why);
	case VALUE_RESPONSE:
		return set_response(row->tag, value, policy, why);
	}
	return 1;
}

static int add_method(struct store_rule *rule, const char *tag, const char *value, uint32_t *given,
		      char *why)
{
	if (!(*given & STORE_FIELD_AUTH))
		policy_methods_clear(rule->methods, &rule->n_methods);
	*given |= STORE_FIELD_AUTH;
	return policy_methods_add_tag(rule->methods, &rule->n_methods, tag, value, why);
}

int store_tag_set(enum store_kind kind, void *object, const char *tag, const char *value,
		  uint32_t *given, char why[static POLICY_WHY_LEN])
{
	int err;

	if (has_methods(kind) && policy_tag_is_auth(tag))
		return add_method(object, tag, value, given, why);
	for (size_t i = 0; i < N_ROWS; i++) {
		if (rows[i].kind != kind || strcmp(rows[i].tag, tag) != 0)
			continue;
		err = set_field(&rows[i], object, value, why);
		if (!err)
			*given |= rows[i].field;
		return err;
	}
	return 1;
}

static void print_offers(FILE *file, const char *tag, char *text)
{
	policy_tag_print(file, tag, text);
	free(text);
}

static void print_number(FILE *file, const char *tag, uint32_t number)
{
	fprintf(file, " %s=%" PRIu32, tag, number);
}

static void print_bool(FILE *file, const char *tag, bool value)
{
	fprintf(file, " %s=%s", tag, value ? "yes" : "no");
}

static void print_tunnel(FILE *file, const char *tag, const struct store_rule *rule)
{
	if (rule->has_tunnel)
		policy_tag_print_address(file, tag, &rule->tunnel);
	else
		fprintf(file, " %s=none", tag);
}

static void print_field(FILE *file, const struct row *row, const void *object)
{
	const void *owner = owner_of(row, object), *field = (const char *)owner + row->offset;
	const struct store_filter_action *action = owner;
	const struct store_policy *policy = object;
	char protocol[POLICY_PROTOCOL_STRLEN];

	switch (row->type) {
	case VALUE_NAME:
	case VALUE_REFERENCE:
	case VALUE_DESCRIPTION:
		policy_tag_print(file, row->tag, *(char *const *)field);
		break;
	case VALUE_BOOL:
		print_bool(file, row->tag, *(const bool *)field);
		break;
	case VALUE_NUMBER:
	case VALUE_POLLING:
		print_number(file, row->tag, *(const uint32_t *)field);
		break;
	case VALUE_PORT:
		print_number(file, row->tag, *(const uint16_t *)field);
		break;
	case VALUE_PROTOCOL:
		policy_tag_print(file, row->tag,
				 policy_protocol_format(*(const uint8_t *)field, protocol));
		break;
	case VALUE_ADDRESS:
		policy_tag_print_address(file, row->tag, field);
		break;
	case VALUE_ACTION:
		policy_tag_print(file, row->tag,
				 policy_action_name(*(const enum ipsecdrv_action *)field));
		break;
	case VALUE_CONNECTION:
		policy_tag_print(file, row->tag,
				 policy_connection_name(*(const enum policy_connection *)field));
		break;
	case VALUE_MM_OFFERS:
		print_offers(file, row->tag,
			     policy_mm_offers_to_text(policy->offers, policy->n_offers));
		break;
	case VALUE_QM_OFFERS:
		print_offers(file, row->tag,
			     policy_qm_offers_to_text(action->offers, action->n_offers));
		break;
	case VALUE_TUNNEL:
		print_tunnel(file, row->tag, object);
		break;
	case VALUE_RESPONSE:
		print_bool(file, row->tag, is_response_active(policy));
		break;
	}
}

/* Kerberos alone is not left out here: it may be what is set. */
static void print_methods(FILE *file, const struct store_rule *rule, bool with_secrets)
{
	if (rule->n_methods == 1 && rule->methods[0].kind == POLICY_METHOD_KERBEROS)
		fputs(" kerberos=yes", file);
	else
		policy_tag_print_methods(file, rule->methods, rule->n_methods, with_secrets);
}

void store_tags_print(FILE *file, enum store_kind kind, const void *object, uint32_t given,
		      bool with_secrets)
{
	const struct store_rule *rule = object;

	given &= ~(uint32_t)STORE_FIELD_NEWNAME;
	for (size_t i = 0; i < N_ROWS; i++)
		if (rows[i].kind == kind && rows[i].field & given)
			print_field(file, &rows[i], object);
	if (has_methods(kind) && given & STORE_FIELD_AUTH)
		print_methods(file, rule, with_secrets);
}

static bool is_same_name(const char *a, const char *b)
{
	return a && b ? policy_name_is_equal(a, b) : a == b;
}

static bool is_same_tunnel(const struct store_rule *a, const struct store_rule *b)
{
	return a->has_tunnel == b->has_tunnel &&
	       (!a->has_tunnel || policy_address_is_equal(&a->tunnel, &b->tunnel));
}

static bool is_same_field(const struct row *row, const void *a, const void *b)
{
	const void *owner_a = owner_of(row, a), *field_a = (const char *)owner_a + row->offset;
	const void *owner_b = owner_of(row, b), *field_b = (const char *)owner_b + row->offset;
	const struct store_filter_action *action_a = owner_a, *action_b = owner_b;
	const struct store_policy *policy_a = a, *policy_b = b;

	switch (row->type) {
	case VALUE_NAME:
	case VALUE_DESCRIPTION:
		return store_text_is_equal(*(char *const *)field_a, *(char *const *)field_b);
	case VALUE_REFERENCE:
		return is_same_name(*(char *const *)field_a, *(char *const *)field_b);
	case VALUE_BOOL:
		return *(const bool *)field_a == *(const bool *)field_b;
	case VALUE_NUMBER:
	case VALUE_POLLING:
		return *(const uint32_t *)field_a == *(const uint32_t *)field_b;
	case VALUE_PORT:
		return *(const uint16_t *)field_a == *(const uint16_t *)field_b;
	case VALUE_PROTOCOL:
		return *(const uint8_t *)field_a == *(const uint8_t *)field_b;
	case VALUE_ADDRESS:
		return policy_address_is_equal(field_a, field_b);
	case VALUE_ACTION:
	case VALUE_CONNECTION:
		return *(const unsigned int *)field_a == *(const unsigned int *)field_b;
	case VALUE_MM_OFFERS:
		return policy_mm_offers_are_equal(policy_a->offers, policy_a->n_offers,
						  policy_b->offers, policy_b->n_offers);
	case VALUE_QM_OFFERS:
		return policy_qm_offers_are_equal(action_a->offers, action_a->n_offers,
						  action_b->offers, action_b->n_offers);
	case VALUE_TUNNEL:
		return is_same_tunnel(a, b);
	case VALUE_RESPONSE:
		return is_response_active(policy_a) == is_response_active(policy_b);
	}
	return false;
}

uint32_t store_tags_differ(enum store_kind kind, const void *a, const void *b)
{
	const struct store_rule *x = a, *y = b;
	uint32_t fields = 0;

	for (size_t i = 0; i < N_ROWS; i++)
		if (rows[i].kind == kind && !is_same_field(&rows[i], a, b))
			fields |= rows[i].field;
	if (has_methods(kind) &&
	    !policy_methods_are_equal(x->methods, x->n_methods, y->methods, y->n_methods))
		fields |= STORE_FIELD_AUTH;
	return fields;
}

uint32_t store_tags_to_make(enum store_kind kind, const void *object)
{
	void *fresh = store_object_new(kind);
	uint32_t fields = ~0u;

	if (fresh)
		fields = store_tags_differ(kind, object, fresh);
	store_object_free(kind, fresh);
	if (kind == STORE_KIND_FILTER)
		fields |= STORE_FIELD_SRCADDR | STORE_FIELD_DSTADDR;
	return fields;
}

const char *store_tag_name(enum store_kind kind, uint32_t field)
{
	if (field == STORE_FIELD_NEWNAME)
		return "name";
	if (field == STORE_FIELD_AUTH)
		return "authentication";
	for (size_t i = 0; i < N_ROWS; i++)
		if (rows[i].kind == kind && rows[i].field == field)
			return rows[i].tag;
	return NULL;
}

char *store_tags_text(enum store_kind kind, const void *object, uint32_t given, bool with_secrets)
{
	char *text = NULL;
	size_t len;
	FILE *file = open_memstream(&text, &len);

	if (!file)
		return NULL;
	store_tags_print(file, kind, object, given, with_secrets);
	if (fclose(file) != 0) {
		policy_secret_free(text);
		return NULL;
	}
	if (*text)			/* the blank before the first one */
		memmove(text, text + 1, strlen(text));
	return text;
}

char *store_tag_text(enum store_kind kind, const void *object, uint32_t field, bool with_secrets)
{
	const char *tag = store_tag_name(kind, field);
	char *text;

	if (field == STORE_FIELD_NEWNAME)
		return strdup(store_object_head(kind, object)->name ?: "");
	text = store_tags_text(kind, object, field, with_secrets);
	/* "10.0.0.1", but "kerberos=yes psk=*" */
	if (text && tag && !strncmp(text, tag, strlen(tag)) && text[strlen(tag)] == '=')
		memmove(text, text + strlen(tag) + 1, strlen(text + strlen(tag)));
	return text;
}
