// SPDX-License-Identifier: MIT
#include "policy/bus.h"

#include <errno.h>
#include <string.h>

#include "policy/address.h"
#include "policy/authmethod.h"
#include "policy/dict.h"
#include "policy/methods.h"
#include "policy/text.h"

/* --- writing ------------------------------------------------------------------------------ */

int policy_bus_append_mm_policy_fields(sd_bus_message *m, const struct policy_mm_policy *policy,
				       uint32_t given)
{
	int err = sd_bus_message_open_container(m, 'a', "{sv}");

	if (err >= 0 && given & POLICY_FIELD_NAME)
		err = dict_append_string(m, "name", policy->name);
	if (err >= 0 && given & POLICY_FIELD_QMPERMM)
		err = dict_append_number(m, "qmpermm", policy->quick_modes);
	if (err >= 0 && given & POLICY_FIELD_MMLIFETIME)
		err = dict_append_number(m, "mmlifetime", policy->lifetime_minutes);
	if (err >= 0 && given & POLICY_FIELD_SOFTSAEXPIRATIONTIME)
		err = dict_append_number(m, "softsaexpirationtime", policy->soft_sa_seconds);
	if (err >= 0 && given & POLICY_FIELD_MMSECMETHODS)
		err = dict_append_owned(m, "mmsecmethods",
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
		err = dict_append_string(m, "name", policy->name);
	if (err >= 0 && given & POLICY_FIELD_SOFT)
		err = dict_append_bool(m, "soft", policy->soft);
	if (err >= 0 && given & POLICY_FIELD_PFSGROUP)
		err = dict_append_string(m, "pfsgroup", policy_pfs_group_format(policy->pfs_group, group));
	if (err >= 0 && given & POLICY_FIELD_QMSECMETHODS)
		err = dict_append_owned(m, "qmsecmethods",
				   policy_qm_offers_to_text(policy->offers, policy->n_offers));
	return err < 0 ? err : sd_bus_message_close_container(m);
}

int policy_bus_append_qm_policy(sd_bus_message *m, const struct policy_qm_policy *policy)
{
	return policy_bus_append_qm_policy_fields(m, policy, UINT32_MAX);
}

static int append_selectors(sd_bus_message *m, const struct policy_rule *rule, uint32_t given)
{
	char protocol[POLICY_PROTOCOL_STRLEN];
	int err = 0;

	if (given & POLICY_FIELD_SRCADDR)
		err = dict_append_owned(m, "srcaddr", policy_address_to_text(&rule->source));
	if (err >= 0 && given & POLICY_FIELD_DSTADDR)
		err = dict_append_owned(m, "dstaddr", policy_address_to_text(&rule->destination));
	if (err >= 0 && given & POLICY_FIELD_PROTOCOL)
		err = dict_append_string(m, "protocol", policy_protocol_format(rule->protocol, protocol));
	if (err >= 0 && given & POLICY_FIELD_SRCPORT)
		err = dict_append_number(m, "srcport", rule->source_port);
	if (err >= 0 && given & POLICY_FIELD_DSTPORT)
		err = dict_append_number(m, "dstport", rule->destination_port);
	if (err >= 0 && given & POLICY_FIELD_MIRRORED)
		err = dict_append_bool(m, "mirrored", rule->mirrored);
	if (err >= 0 && given & POLICY_FIELD_CONNTYPE)
		err = dict_append_string(m, "conntype", policy_connection_name(rule->connection));
	if (err >= 0 && given & POLICY_FIELD_TUNNELDSTADDRESS && rule->has_tunnel)
		err = dict_append_owned(m, "tunneldstaddress",
				   policy_address_to_text(&rule->tunnel_destination));
	if (err >= 0 && given & POLICY_FIELD_INTERFACE && rule->interface)
		err = dict_append_string(m, "interface", rule->interface);
	if (err >= 0 && given & POLICY_FIELD_DEFAULTRESPONSE && rule->is_default_response)
		err = dict_append_bool(m, "defaultresponse", true);
	if (err >= 0 && given & POLICY_FIELD_MAINMODE && rule->main_mode)
		err = dict_append_string(m, "mainmode", policy_main_mode_name(rule->main_mode));
	return err;
}

int policy_bus_append_rule_fields(sd_bus_message *m, const struct policy_rule *rule,
				  uint32_t given, enum policy_bus_flags flags)
{
	int err = sd_bus_message_open_container(m, 'a', "{sv}");

	if (err >= 0)
		err = append_selectors(m, rule, given);
	if (err >= 0 && given & POLICY_FIELD_MMPOLICY && rule->mm_policy)
		err = dict_append_string(m, "mmpolicy", rule->mm_policy);
	if (err >= 0 && given & POLICY_FIELD_QMPOLICY && rule->qm_policy)
		err = dict_append_string(m, "qmpolicy", rule->qm_policy);
	if (err >= 0 && given & POLICY_FIELD_ACTIONINBOUND)
		err = dict_append_string(m, "actioninbound", policy_action_name(rule->inbound));
	if (err >= 0 && given & POLICY_FIELD_ACTIONOUTBOUND)
		err = dict_append_string(m, "actionoutbound", policy_action_name(rule->outbound));
	if (err >= 0 && given & POLICY_FIELD_AUTH)
		err = dict_append_methods(m, rule->methods, rule->n_methods,
						flags & POLICY_BUS_SECRETS);
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
		return *(char *const *)field ? dict_append_string(m, key->name, *(char *const *)field) : 0;
	case POLICY_VALUE_BOOL:
		return dict_append_bool(m, key->name, *(const bool *)field);
	case POLICY_VALUE_NUMBER:
		return dict_append_number(m, key->name, *(const uint32_t *)field);
	case POLICY_VALUE_COUNTER:
		return sd_bus_message_append(m, "{sv}", key->name, "t", *(const uint64_t *)field);
	case POLICY_VALUE_ADDRESS:
		return addr->family ? dict_append_string(m, key->name, ip_addr_format(addr, buf)) : 0;
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

static int read_mm_policy_value(sd_bus_message *m, const char *key, void *object, uint32_t *given,
				char *why)
{
	uint32_t before = *given;
	const char *text;
	char buf[16];

	return dict_read_text(m, key, key_type(key), &text, buf, why) ?:
	       policy_mm_policy_set_tag(object, key, text, given, why) ?:
	       dict_check_repeated(before, *given, key, why);
}

static int read_qm_policy_value(sd_bus_message *m, const char *key, void *object, uint32_t *given,
				char *why)
{
	uint32_t before = *given;
	const char *text;
	char buf[16];

	return dict_read_text(m, key, key_type(key), &text, buf, why) ?:
	       policy_qm_policy_set_tag(object, key, text, given, why) ?:
	       dict_check_repeated(before, *given, key, why);
}

static int read_rule_value(sd_bus_message *m, const char *key, void *object, uint32_t *given,
			   char *why)
{
	struct policy_rule *rule = object;
	uint32_t before = *given;
	const char *text;
	char buf[16];

	if (!strcmp(key, "auth")) {
		*given |= POLICY_FIELD_AUTH;
		return dict_check_repeated(before, *given, key, why) ?:
		       dict_read_methods(m, rule->methods, &rule->n_methods, why);
	}
	/* Tags of the command line that are one key here. */
	if (!strcmp(key, "kerberos") || !strcmp(key, "psk") || !strcmp(key, "rootca"))
		return dict_refuse(-EINVAL, why, "authentication methods are given under the key auth");
	return dict_read_text(m, key, key_type(key), &text, buf, why) ?:
	       policy_rule_set_tag(object, key, text, given, why) ?:
	       dict_check_repeated(before, *given, key, why);
}

int policy_bus_read_mm_policy(sd_bus_message *m, struct policy_mm_policy **ret_policy,
			      uint32_t *ret_given, char why[static POLICY_WHY_LEN])
{
	_cleanup_(policy_mm_policy_freep) struct policy_mm_policy *policy = policy_mm_policy_new();
	uint32_t given = 0;
	int err;

	if (!policy)
		return dict_refuse(-ENOMEM, why, "out of memory");
	err = dict_read(m, read_mm_policy_value, policy, &given, why);
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
		return dict_refuse(-ENOMEM, why, "out of memory");
	err = dict_read(m, read_qm_policy_value, policy, &given, why);
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
		return dict_refuse(-ENOMEM, why, "out of memory");
	err = dict_read(m, read_rule_value, rule, &given, why);
	if (err <= 0)
		return err;
	*ret_rule = TAKE_PTR(rule);
	if (ret_given)
		*ret_given = given;
	return 1;
}

/* What a record is read into: dict_read() hands one pointer on. */
struct record_target {
	const struct policy_record *record;
	char *info;
};

static int read_string_field(sd_bus_message *m, const char *key, char **field, char *why)
{
	const char *text;
	int err = dict_read_basic(m, key, "s", &text, why);

	if (err)
		return err;
	free(*field);
	*field = strdup(text);
	return *field ? 0 : dict_refuse(-ENOMEM, why, "out of memory");
}

static int read_address_field(sd_bus_message *m, const char *key, struct ip_addr *field, char *why)
{
	const char *text;
	int err = dict_read_basic(m, key, "s", &text, why);

	if (err)
		return err;
	if (ip_addr_parse(text, field) < 0)
		return dict_refuse(-EINVAL, why, "%.64s: \"%.64s\" is not an address", key, text);
	return 0;
}

static int read_bool_field(sd_bus_message *m, const char *key, bool *field, char *why)
{
	int yes;
	int err = dict_read_basic(m, key, "b", &yes, why);

	if (!err)
		*field = yes;
	return err;
}

static int read_record_value(sd_bus_message *m, const char *name, void *object, uint32_t *given,
			     char *why)
{
	const struct record_target *target = object;
	const struct policy_key *key = policy_record_find_key(target->record, name);
	void *field;
	int err;

	(void)given;
	if (!key) {
		err = sd_bus_message_skip(m, "v");
		return err < 0 ? dict_refuse(err, why, "%.64s: the value cannot be read", name) : 0;
	}
	field = target->info + key->offset;
	switch (key->type) {
	case POLICY_VALUE_STRING:
		return read_string_field(m, name, field, why);
	case POLICY_VALUE_BOOL:
		return read_bool_field(m, name, field, why);
	case POLICY_VALUE_NUMBER:
		return dict_read_basic(m, name, "u", field, why);
	case POLICY_VALUE_COUNTER:
		return dict_read_basic(m, name, "t", field, why);
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
	ret = dict_read(m, read_record_value, &target, NULL, why);
	if (ret <= 0)
		policy_record_clear(record, ret_info);
	return ret;
}
