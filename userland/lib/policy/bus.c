// SPDX-License-Identifier: MIT
#include "policy/bus.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "policy/address.h"
#include "policy/authmethod.h"
#include "policy/methods.h"
#include "policy/text.h"

__attribute__((format(printf, 3, 4)))
static int refuse(int err, char *why, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	vsnprintf(why, POLICY_WHY_LEN, format, ap);
	va_end(ap);
	return err;
}

/* --- writing ------------------------------------------------------------------------------ */

static int append_string(sd_bus_message *m, const char *key, const char *value)
{
	return sd_bus_message_append(m, "{sv}", key, "s", value ?: "");
}

static int append_number(sd_bus_message *m, const char *key, uint32_t value)
{
	return sd_bus_message_append(m, "{sv}", key, "u", value);
}

static int append_bool(sd_bus_message *m, const char *key, bool value)
{
	return sd_bus_message_append(m, "{sv}", key, "b", (int)value);
}

static int append_owned(sd_bus_message *m, const char *key, char *value)
{
	_cleanup_(policy_secret_freep) char *owned = value;

	return owned ? append_string(m, key, owned) : -ENOMEM;
}

int policy_bus_append_mm_policy_fields(sd_bus_message *m, const struct policy_mm_policy *policy,
				       uint32_t given)
{
	int err = sd_bus_message_open_container(m, 'a', "{sv}");

	if (err >= 0 && given & POLICY_FIELD_NAME)
		err = append_string(m, "name", policy->name);
	if (err >= 0 && given & POLICY_FIELD_QMPERMM)
		err = append_number(m, "qmpermm", policy->quick_modes);
	if (err >= 0 && given & POLICY_FIELD_MMLIFETIME)
		err = append_number(m, "mmlifetime", policy->lifetime_minutes);
	if (err >= 0 && given & POLICY_FIELD_SOFTSAEXPIRATIONTIME)
		err = append_number(m, "softsaexpirationtime", policy->soft_sa_seconds);
	if (err >= 0 && given & POLICY_FIELD_MMSECMETHODS)
		err = append_owned(m, "mmsecmethods",
				   policy_mm_offers_to_text(policy->offers, policy->n_offers));
	return err < 0 ? err : sd_bus_message_close_container(m);
}

int policy_bus_append_mm_policy(sd_bus_message *m, const struct policy_mm_policy *policy)
{
	return policy_bus_append_mm_policy_fields(m, policy, UINT32_MAX);
}

int policy_bus_append_qm_policy_fields(sd_bus_message *m, const struct policy_qm_policy *policy,
				       uint32_t given)
{
	int err = sd_bus_message_open_container(m, 'a', "{sv}");
	char group[8];

	if (err >= 0 && given & POLICY_FIELD_NAME)
		err = append_string(m, "name", policy->name);
	if (err >= 0 && given & POLICY_FIELD_SOFT)
		err = append_bool(m, "soft", policy->soft);
	if (err >= 0 && given & POLICY_FIELD_PFSGROUP)
		err = append_string(m, "pfsgroup", policy_pfs_group_format(policy->pfs_group, group));
	if (err >= 0 && given & POLICY_FIELD_QMSECMETHODS)
		err = append_owned(m, "qmsecmethods",
				   policy_qm_offers_to_text(policy->offers, policy->n_offers));
	return err < 0 ? err : sd_bus_message_close_container(m);
}

int policy_bus_append_qm_policy(sd_bus_message *m, const struct policy_qm_policy *policy)
{
	return policy_bus_append_qm_policy_fields(m, policy, UINT32_MAX);
}

static int append_methods(sd_bus_message *m, const struct policy_rule *rule, bool with_secrets)
{
	int err = sd_bus_message_open_container(m, 'e', "sv");

	if (err >= 0)
		err = sd_bus_message_append(m, "s", "auth");
	if (err >= 0)
		err = sd_bus_message_open_container(m, 'v', "as");
	if (err >= 0)
		err = sd_bus_message_open_container(m, 'a', "s");
	for (size_t i = 0; err >= 0 && i < rule->n_methods; i++) {
		_cleanup_(policy_secret_freep) char *text =
			policy_method_to_text(&rule->methods[i], with_secrets);

		err = text ? sd_bus_message_append(m, "s", text) : -ENOMEM;
	}
	for (int level = 0; err >= 0 && level < 3; level++)
		err = sd_bus_message_close_container(m);
	return err;
}

static int append_selectors(sd_bus_message *m, const struct policy_rule *rule, uint32_t given)
{
	char protocol[POLICY_PROTOCOL_STRLEN];
	int err = 0;

	if (given & POLICY_FIELD_SRCADDR)
		err = append_owned(m, "srcaddr", policy_address_to_text(&rule->source));
	if (err >= 0 && given & POLICY_FIELD_DSTADDR)
		err = append_owned(m, "dstaddr", policy_address_to_text(&rule->destination));
	if (err >= 0 && given & POLICY_FIELD_PROTOCOL)
		err = append_string(m, "protocol", policy_protocol_format(rule->protocol, protocol));
	if (err >= 0 && given & POLICY_FIELD_SRCPORT)
		err = append_number(m, "srcport", rule->source_port);
	if (err >= 0 && given & POLICY_FIELD_DSTPORT)
		err = append_number(m, "dstport", rule->destination_port);
	if (err >= 0 && given & POLICY_FIELD_MIRRORED)
		err = append_bool(m, "mirrored", rule->mirrored);
	if (err >= 0 && given & POLICY_FIELD_CONNTYPE)
		err = append_string(m, "conntype", policy_connection_name(rule->connection));
	if (err >= 0 && given & POLICY_FIELD_TUNNELDSTADDRESS && rule->has_tunnel)
		err = append_owned(m, "tunneldstaddress",
				   policy_address_to_text(&rule->tunnel_destination));
	if (err >= 0 && given & POLICY_FIELD_DEFAULTRESPONSE && rule->is_default_response)
		err = append_bool(m, "defaultresponse", true);
	return err;
}

int policy_bus_append_rule_fields(sd_bus_message *m, const struct policy_rule *rule,
				  uint32_t given, enum policy_bus_flags flags)
{
	int err = sd_bus_message_open_container(m, 'a', "{sv}");

	if (err >= 0)
		err = append_selectors(m, rule, given);
	if (err >= 0 && given & POLICY_FIELD_MMPOLICY && rule->mm_policy)
		err = append_string(m, "mmpolicy", rule->mm_policy);
	if (err >= 0 && given & POLICY_FIELD_QMPOLICY && rule->qm_policy)
		err = append_string(m, "qmpolicy", rule->qm_policy);
	if (err >= 0 && given & POLICY_FIELD_ACTIONINBOUND)
		err = append_string(m, "actioninbound", policy_action_name(rule->inbound));
	if (err >= 0 && given & POLICY_FIELD_ACTIONOUTBOUND)
		err = append_string(m, "actionoutbound", policy_action_name(rule->outbound));
	if (err >= 0 && given & POLICY_FIELD_AUTH)
		err = append_methods(m, rule, flags & POLICY_BUS_SECRETS);
	return err < 0 ? err : sd_bus_message_close_container(m);
}

int policy_bus_append_rule(sd_bus_message *m, const struct policy_rule *rule,
			   enum policy_bus_flags flags)
{
	return policy_bus_append_rule_fields(m, rule, UINT32_MAX, flags);
}

static int append_value(sd_bus_message *m, const struct policy_key *key, const void *field)
{
	const struct ip_addr *addr = field;
	char buf[IP_ADDR_STRLEN];

	switch (key->type) {
	case POLICY_VALUE_STRING:
		return *(char *const *)field ? append_string(m, key->name, *(char *const *)field) : 0;
	case POLICY_VALUE_BOOL:
		return append_bool(m, key->name, *(const bool *)field);
	case POLICY_VALUE_NUMBER:
		return append_number(m, key->name, *(const uint32_t *)field);
	case POLICY_VALUE_COUNTER:
		return sd_bus_message_append(m, "{sv}", key->name, "t", *(const uint64_t *)field);
	case POLICY_VALUE_ADDRESS:
		return addr->family ? append_string(m, key->name, ip_addr_format(addr, buf)) : 0;
	}
	return -EINVAL;
}

int policy_bus_append_record(sd_bus_message *m, const struct policy_record *record,
			     const void *info)
{
	int err = sd_bus_message_open_container(m, 'a', "{sv}");

	for (size_t i = 0; err >= 0 && i < record->n_keys; i++)
		err = append_value(m, &record->keys[i],
				   (const char *)info + record->keys[i].offset);
	return err < 0 ? err : sd_bus_message_close_container(m);
}

/* --- reading ------------------------------------------------------------------------------ */

/*
 * Takes one value, whose key and type are known to be right. 0, -EINVAL with a sentence, or
 * another -errno.
 */
typedef int read_value(sd_bus_message *m, const char *key, void *object, uint32_t *given,
		       char *why);

/* Calls @read for every entry. 1, 0 at the end of an array, or as policy_bus_read_rule(). */
static int read_dictionary(sd_bus_message *m, read_value *read, void *object, uint32_t *given,
			   char *why)
{
	int err = sd_bus_message_enter_container(m, 'a', "{sv}");

	if (err == 0)
		return 0;
	while (err > 0) {
		const char *key;

		err = sd_bus_message_enter_container(m, 'e', "sv");
		if (err <= 0)
			break;
		err = sd_bus_message_read(m, "s", &key);
		if (err < 0)
			break;
		err = read(m, key, object, given, why);
		if (err < 0)
			return err;
		err = sd_bus_message_exit_container(m);
	}
	if (err >= 0)
		err = sd_bus_message_exit_container(m);
	return err < 0 ? refuse(err, why, "the message has not the form of a dictionary") : 1;
}

/* Enters the variant of @key if it holds @type. */
static int enter_value(sd_bus_message *m, const char *key, const char *type, char *why)
{
	int err = sd_bus_message_enter_container(m, 'v', type);

	/* sd-bus says -ENXIO for a variant of another type */
	if (err == -ENXIO || err == 0)
		return refuse(-EINVAL, why, "%.64s: the value is not of type \"%s\"", key, type);
	return err < 0 ? refuse(err, why, "the message has not the form of a dictionary") : 0;
}

static int read_basic(sd_bus_message *m, const char *key, const char *type, void *ret_value,
		      char *why)
{
	int err = enter_value(m, key, type, why);

	if (err)
		return err;
	err = sd_bus_message_read_basic(m, type[0], ret_value);
	if (err >= 0)
		err = sd_bus_message_exit_container(m);
	return err < 0 ? refuse(err, why, "%.64s: the value cannot be read", key) : 0;
}

/* Numbers and yes/no have types of their own, and the grammar's text besides: one parser does. */
static int read_text(sd_bus_message *m, const char *key, const char *type, const char **ret_text,
		     char buf[static 16], char *why)
{
	uint32_t number;
	int yes, err;

	switch (type[0]) {
	case 'u':
		err = read_basic(m, key, type, &number, why);
		if (!err)
			snprintf(buf, 16, "%" PRIu32, number);
		*ret_text = buf;
		return err;
	case 'b':
		err = read_basic(m, key, type, &yes, why);
		if (!err)
			snprintf(buf, 16, "%s", yes ? "yes" : "no");
		*ret_text = buf;
		return err;
	default:
		return read_basic(m, key, type, ret_text, why);
	}
}

/* The keys that are not strings. */
static const char *key_type(const char *key)
{
	static const char *const numbers[] = {
		"qmpermm", "mmlifetime", "softsaexpirationtime", "srcport", "dstport",
	};
	static const char *const bools[] = { "soft", "mirrored", "defaultresponse" };

	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
		if (!strcmp(key, numbers[i]))
			return "u";
	for (size_t i = 0; i < sizeof(bools) / sizeof(bools[0]); i++)
		if (!strcmp(key, bools[i]))
			return "b";
	return "s";
}

static int check_repeated(uint32_t before, uint32_t after, const char *key, char *why)
{
	if (before == after)
		return refuse(-EINVAL, why, "%.64s is given twice", key);
	return 0;
}

static int read_mm_policy_value(sd_bus_message *m, const char *key, void *object, uint32_t *given,
				char *why)
{
	uint32_t before = *given;
	const char *text;
	char buf[16];

	return read_text(m, key, key_type(key), &text, buf, why) ?:
	       policy_mm_policy_set_tag(object, key, text, given, why) ?:
	       check_repeated(before, *given, key, why);
}

static int read_qm_policy_value(sd_bus_message *m, const char *key, void *object, uint32_t *given,
				char *why)
{
	uint32_t before = *given;
	const char *text;
	char buf[16];

	return read_text(m, key, key_type(key), &text, buf, why) ?:
	       policy_qm_policy_set_tag(object, key, text, given, why) ?:
	       check_repeated(before, *given, key, why);
}

static int read_methods(sd_bus_message *m, struct policy_rule *rule, char *why)
{
	const char *text;
	int err;

	err = enter_value(m, "auth", "as", why);
	if (err)
		return err;
	policy_methods_clear(rule->methods, &rule->n_methods);
	err = sd_bus_message_enter_container(m, 'a', "s");
	while (err >= 0 && (err = sd_bus_message_read(m, "s", &text)) > 0) {
		err = policy_methods_add_text(rule->methods, &rule->n_methods, text, why);
		if (err)
			return err;
	}
	for (int level = 0; err >= 0 && level < 2; level++)
		err = sd_bus_message_exit_container(m);
	return err < 0 ? refuse(err, why, "auth: the value cannot be read") : 0;
}

static int read_rule_value(sd_bus_message *m, const char *key, void *object, uint32_t *given,
			   char *why)
{
	uint32_t before = *given;
	const char *text;
	char buf[16];

	if (!strcmp(key, "auth")) {
		*given |= POLICY_FIELD_AUTH;
		return check_repeated(before, *given, key, why) ?: read_methods(m, object, why);
	}
	/* Tags of the command line that are one key here. */
	if (!strcmp(key, "kerberos") || !strcmp(key, "psk") || !strcmp(key, "rootca"))
		return refuse(-EINVAL, why, "authentication methods are given under the key auth");
	return read_text(m, key, key_type(key), &text, buf, why) ?:
	       policy_rule_set_tag(object, key, text, given, why) ?:
	       check_repeated(before, *given, key, why);
}

int policy_bus_read_mm_policy(sd_bus_message *m, struct policy_mm_policy **ret_policy,
			      uint32_t *ret_given, char why[static POLICY_WHY_LEN])
{
	_cleanup_(policy_mm_policy_freep) struct policy_mm_policy *policy = policy_mm_policy_new();
	uint32_t given = 0;
	int err;

	if (!policy)
		return refuse(-ENOMEM, why, "out of memory");
	err = read_dictionary(m, read_mm_policy_value, policy, &given, why);
	if (err <= 0)
		return err;
	*ret_policy = TAKE_PTR(policy);
	if (ret_given)
		*ret_given = given;
	return 1;
}

int policy_bus_read_qm_policy(sd_bus_message *m, struct policy_qm_policy **ret_policy,
			      uint32_t *ret_given, char why[static POLICY_WHY_LEN])
{
	_cleanup_(policy_qm_policy_freep) struct policy_qm_policy *policy = policy_qm_policy_new();
	uint32_t given = 0;
	int err;

	if (!policy)
		return refuse(-ENOMEM, why, "out of memory");
	err = read_dictionary(m, read_qm_policy_value, policy, &given, why);
	if (err <= 0)
		return err;
	*ret_policy = TAKE_PTR(policy);
	if (ret_given)
		*ret_given = given;
	return 1;
}

int policy_bus_read_rule(sd_bus_message *m, struct policy_rule **ret_rule, uint32_t *ret_given,
			 char why[static POLICY_WHY_LEN])
{
	_cleanup_(policy_rule_freep) struct policy_rule *rule = policy_rule_new();
	uint32_t given = 0;
	int err;

	if (!rule)
		return refuse(-ENOMEM, why, "out of memory");
	err = read_dictionary(m, read_rule_value, rule, &given, why);
	if (err <= 0)
		return err;
	*ret_rule = TAKE_PTR(rule);
	if (ret_given)
		*ret_given = given;
	return 1;
}

/* What a record is read into: read_dictionary() hands one pointer on. */
struct record_target {
	const struct policy_record *record;
	char *info;
};

static const struct policy_key *find_key(const struct policy_record *record, const char *name)
{
	for (size_t i = 0; i < record->n_keys; i++)
		if (!strcmp(record->keys[i].name, name))
			return &record->keys[i];
	return NULL;
}

static int read_string_field(sd_bus_message *m, const char *key, char **field, char *why)
{
	const char *text;
	int err = read_basic(m, key, "s", &text, why);

	if (err)
		return err;
	free(*field);
	*field = strdup(text);
	return *field ? 0 : refuse(-ENOMEM, why, "out of memory");
}

static int read_address_field(sd_bus_message *m, const char *key, struct ip_addr *field, char *why)
{
	const char *text;
	int err = read_basic(m, key, "s", &text, why);

	if (err)
		return err;
	if (ip_addr_parse(text, field) < 0)
		return refuse(-EINVAL, why, "%.64s: \"%.64s\" is not an address", key, text);
	return 0;
}

static int read_bool_field(sd_bus_message *m, const char *key, bool *field, char *why)
{
	int yes;
	int err = read_basic(m, key, "b", &yes, why);

	if (!err)
		*field = yes;
	return err;
}

static int read_record_value(sd_bus_message *m, const char *name, void *object, uint32_t *given,
			     char *why)
{
	const struct record_target *target = object;
	const struct policy_key *key = find_key(target->record, name);
	void *field;
	int err;

	(void)given;
	if (!key) {
		err = sd_bus_message_skip(m, "v");
		return err < 0 ? refuse(err, why, "%.64s: the value cannot be read", name) : 0;
	}
	field = target->info + key->offset;
	switch (key->type) {
	case POLICY_VALUE_STRING:
		return read_string_field(m, name, field, why);
	case POLICY_VALUE_BOOL:
		return read_bool_field(m, name, field, why);
	case POLICY_VALUE_NUMBER:
		return read_basic(m, name, "u", field, why);
	case POLICY_VALUE_COUNTER:
		return read_basic(m, name, "t", field, why);
	case POLICY_VALUE_ADDRESS:
		return read_address_field(m, name, field, why);
	}
	return -EINVAL;
}

int policy_bus_read_record(sd_bus_message *m, const struct policy_record *record, void *ret_info,
			   char why[static POLICY_WHY_LEN])
{
	struct record_target target = { record, ret_info };
	int ret;

	memset(ret_info, 0, record->size);
	ret = read_dictionary(m, read_record_value, &target, NULL, why);
	if (ret <= 0)
		policy_record_clear(record, ret_info);
	return ret;
}
