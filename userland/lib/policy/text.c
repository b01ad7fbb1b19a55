// SPDX-License-Identifier: MIT
#include "policy/text.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/parse.h"
#include "policy/address.h"
#include "policy/authmethod.h"
#include "policy/check.h"
#include "policy/methods.h"
#include "policy/tag.h"

/* IP protocols with names: those of the original's list that are of use, and ICMPv6. */
static const struct {
	const char *name;
	uint8_t number;
} protocols[] = {
	{ "ANY", 0 }, { "ICMP", 1 }, { "TCP", 6 }, { "UDP", 17 }, { "ICMPV6", 58 }, { "RAW", 255 },
};

static const char *const connections[] = {
	[POLICY_CONNECTION_ALL] = "all",
	[POLICY_CONNECTION_LAN] = "lan",
	[POLICY_CONNECTION_DIALUP] = "dialup",
};

static const struct {
	const char *name;
	enum ipsecdrv_action action;
} actions[] = {
	{ "permit", IPSECDRV_ACTION_PERMIT },
	{ "block", IPSECDRV_ACTION_BLOCK },
	{ "negotiate", IPSECDRV_ACTION_NEGOTIATE },
};

#define ARRAY_LEN(array) (sizeof(array) / sizeof((array)[0]))

const char *policy_action_name(enum ipsecdrv_action action)
{
	for (size_t i = 0; i < ARRAY_LEN(actions); i++)
		if (actions[i].action == action)
			return actions[i].name;
	return "none";
}

int policy_action_parse(const char *text, enum ipsecdrv_action *ret_action)
{
	for (size_t i = 0; i < ARRAY_LEN(actions); i++) {
		if (!strcasecmp(actions[i].name, text)) {
			*ret_action = actions[i].action;
			return 0;
		}
	}
	return -EINVAL;
}

const char *policy_connection_name(enum policy_connection connection)
{
	return connections[connection];
}

int policy_connection_parse(const char *text, enum policy_connection *ret_connection)
{
	for (size_t i = 0; i < ARRAY_LEN(connections); i++) {
		if (!strcasecmp(connections[i], text)) {
			*ret_connection = (enum policy_connection)i;
			return 0;
		}
	}
	return -EINVAL;
}

const char *policy_protocol_format(uint8_t protocol, char buf[static POLICY_PROTOCOL_STRLEN])
{
	snprintf(buf, POLICY_PROTOCOL_STRLEN, "%u", protocol);
	for (size_t i = 0; i < ARRAY_LEN(protocols); i++)
		if (protocols[i].number == protocol)
			snprintf(buf, POLICY_PROTOCOL_STRLEN, "%s", protocols[i].name);
	return buf;
}

int policy_protocol_parse(const char *text, uint8_t *ret_protocol)
{
	for (size_t i = 0; i < ARRAY_LEN(protocols); i++) {
		if (!strcasecmp(protocols[i].name, text)) {
			*ret_protocol = protocols[i].number;
			return 0;
		}
	}
	return parse_u8(text, ret_protocol) < 0 ? -EINVAL : 0;
}

bool policy_protocol_has_ports(uint8_t protocol)
{
	/* TCP, UDP, DCCP, SCTP, UDP-Lite */
	return protocol == 6 || protocol == 17 || protocol == 33 || protocol == 132 ||
	       protocol == 136;
}

__attribute__((format(printf, 2, 3)))
static int refuse(char *why, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	vsnprintf(why, POLICY_WHY_LEN, format, ap);
	va_end(ap);
	return -EINVAL;
}

static int no_such_tag(const char *tag, char *why)
{
	return refuse(why, "there is no tag \"%.64s\" here", tag);
}

int policy_mm_policy_set_tag(struct policy_mm_policy *policy, const char *tag, const char *value,
			     uint32_t *given, char why[static POLICY_WHY_LEN])
{
	uint32_t field = 0;
	int err;

	if (!strcmp(tag, "name")) {
		field = POLICY_FIELD_NAME;
		err = policy_tag_set_name(tag, value, &policy->name, why);
	} else if (!strcmp(tag, "qmpermm")) {
		field = POLICY_FIELD_QMPERMM;
		err = policy_tag_set_number(tag, value, 0, INT32_MAX, &policy->quick_modes, why);
	} else if (!strcmp(tag, "mmlifetime")) {
		field = POLICY_FIELD_MMLIFETIME;
		err = policy_tag_set_number(tag, value, 1, POLICY_MAX_MINUTES, &policy->lifetime_minutes,
					    why);
	} else if (!strcmp(tag, "softsaexpirationtime")) {
		field = POLICY_FIELD_SOFTSAEXPIRATIONTIME;
		err = policy_tag_set_number(tag, value, 1, 86400, &policy->soft_sa_seconds, why);
	} else if (!strcmp(tag, "mmsecmethods")) {
		field = POLICY_FIELD_MMSECMETHODS;
		err = policy_mm_offers_parse(value, policy->offers, &policy->n_offers, why);
	} else {
		err = no_such_tag(tag, why);
	}
	if (!err)
		*given |= field;
	return err;
}

static int set_pfs_group(const char *value, uint8_t *field, char *why)
{
	if (policy_pfs_group_parse(value, field) < 0)
		return refuse(why, "pfsgroup=%.64s: expected NOPFS, GRPMM, GRP1, GRP2, GRP3 (group "
			      "14), GRP5 or GRP14 to GRP21", value);
	return 0;
}

int policy_qm_policy_set_tag(struct policy_qm_policy *policy, const char *tag, const char *value,
			     uint32_t *given, char why[static POLICY_WHY_LEN])
{
	uint32_t field = 0;
	int err;

	if (!strcmp(tag, "name")) {
		field = POLICY_FIELD_NAME;
		err = policy_tag_set_name(tag, value, &policy->name, why);
	} else if (!strcmp(tag, "soft")) {
		field = POLICY_FIELD_SOFT;
		err = policy_tag_set_bool(tag, value, &policy->soft, why);
	} else if (!strcmp(tag, "pfsgroup")) {
		field = POLICY_FIELD_PFSGROUP;
		err = set_pfs_group(value, &policy->pfs_group, why);
	} else if (!strcmp(tag, "qmsecmethods")) {
		field = POLICY_FIELD_QMSECMETHODS;
		err = policy_qm_offers_parse(value, policy->offers, &policy->n_offers, why);
	} else {
		err = no_such_tag(tag, why);
	}
	if (!err)
		*given |= field;
	return err;
}

static int rule_set_srcaddr(struct policy_rule *rule, const char *value, char *why)
{
	return policy_tag_set_address("srcaddr", value, &rule->source, why);
}

static int rule_set_dstaddr(struct policy_rule *rule, const char *value, char *why)
{
	return policy_tag_set_address("dstaddr", value, &rule->destination, why);
}

static int rule_set_tunnel(struct policy_rule *rule, const char *value, char *why)
{
	int err = policy_tag_set_address("tunneldstaddress", value, &rule->tunnel_destination, why);

	if (!err)
		rule->has_tunnel = true;
	return err;
}

static int rule_set_default_response(struct policy_rule *rule, const char *value, char *why)
{
	return policy_tag_set_bool("defaultresponse", value, &rule->is_default_response, why);
}

static int rule_set_mmpolicy(struct policy_rule *rule, const char *value, char *why)
{
	return policy_tag_set_name("mmpolicy", value, &rule->mm_policy, why);
}

static int rule_set_qmpolicy(struct policy_rule *rule, const char *value, char *why)
{
	return policy_tag_set_name("qmpolicy", value, &rule->qm_policy, why);
}

static int rule_set_protocol(struct policy_rule *rule, const char *value, char *why)
{
	return policy_tag_set_protocol("protocol", value, &rule->protocol, why);
}

static int rule_set_srcport(struct policy_rule *rule, const char *value, char *why)
{
	return policy_tag_set_port("srcport", value, &rule->source_port, why);
}

static int rule_set_dstport(struct policy_rule *rule, const char *value, char *why)
{
	return policy_tag_set_port("dstport", value, &rule->destination_port, why);
}

static int rule_set_mirrored(struct policy_rule *rule, const char *value, char *why)
{
	return policy_tag_set_bool("mirrored", value, &rule->mirrored, why);
}

static int rule_set_conntype(struct policy_rule *rule, const char *value, char *why)
{
	return policy_tag_set_connection("conntype", value, &rule->connection, why);
}

static int rule_set_interface(struct policy_rule *rule, const char *value, char *why)
{
	return policy_tag_set_interface("interface", value, &rule->interface, why);
}

static int rule_set_main_mode(struct policy_rule *rule, const char *value, char *why)
{
	return policy_tag_set_main_mode("mainmode", value, &rule->main_mode, why);
}

static int rule_set_inbound(struct policy_rule *rule, const char *value, char *why)
{
	return policy_tag_set_action("actioninbound", value, &rule->inbound, why);
}

static int rule_set_outbound(struct policy_rule *rule, const char *value, char *why)
{
	return policy_tag_set_action("actionoutbound", value, &rule->outbound, why);
}

static const struct {
	const char *tag;
	uint32_t field;
	int (*set)(struct policy_rule *rule, const char *value, char *why);
} rule_tags[] = {
	{ "srcaddr", POLICY_FIELD_SRCADDR, rule_set_srcaddr },
	{ "dstaddr", POLICY_FIELD_DSTADDR, rule_set_dstaddr },
	{ "mmpolicy", POLICY_FIELD_MMPOLICY, rule_set_mmpolicy },
	{ "qmpolicy", POLICY_FIELD_QMPOLICY, rule_set_qmpolicy },
	{ "protocol", POLICY_FIELD_PROTOCOL, rule_set_protocol },
	{ "srcport", POLICY_FIELD_SRCPORT, rule_set_srcport },
	{ "dstport", POLICY_FIELD_DSTPORT, rule_set_dstport },
	{ "mirrored", POLICY_FIELD_MIRRORED, rule_set_mirrored },
	{ "conntype", POLICY_FIELD_CONNTYPE, rule_set_conntype },
	{ "actioninbound", POLICY_FIELD_ACTIONINBOUND, rule_set_inbound },
	{ "actionoutbound", POLICY_FIELD_ACTIONOUTBOUND, rule_set_outbound },
	{ "tunneldstaddress", POLICY_FIELD_TUNNELDSTADDRESS, rule_set_tunnel },
	{ "defaultresponse", POLICY_FIELD_DEFAULTRESPONSE, rule_set_default_response },
	{ "interface", POLICY_FIELD_INTERFACE, rule_set_interface },
	{ "mainmode", POLICY_FIELD_MAINMODE, rule_set_main_mode },
};

int policy_rule_set_tag(struct policy_rule *rule, const char *tag, const char *value,
			uint32_t *given, char why[static POLICY_WHY_LEN])
{
	int err;

	if (policy_tag_is_auth(tag)) {
		if (!(*given & POLICY_FIELD_AUTH))
			policy_methods_clear(rule->methods, &rule->n_methods);
		*given |= POLICY_FIELD_AUTH;
		return policy_methods_add_tag(rule->methods, &rule->n_methods, tag, value, why);
	}
	for (size_t i = 0; i < ARRAY_LEN(rule_tags); i++) {
		if (strcmp(rule_tags[i].tag, tag) != 0)
			continue;
		err = rule_tags[i].set(rule, value, why);
		if (!err)
			*given |= rule_tags[i].field;
		return err;
	}
	return no_such_tag(tag, why);
}

void policy_print_quoted(FILE *file, const char *value)
{
	if (*value && !strpbrk(value, " \t\"#;?")) {
		fputs(value, file);
		return;
	}
	fputc('"', file);
	for (; *value; value++) {
		if (*value == '"')
			fputc('"', file);
		fputc(*value, file);
	}
	fputc('"', file);
}

void policy_mm_policy_print(FILE *file, const struct policy_mm_policy *policy)
{
	_cleanup_free_ char *offers = policy_mm_offers_to_text(policy->offers, policy->n_offers);

	fputs("dynamic add mmpolicy", file);
	policy_tag_print(file, "name", policy->name);
	if (policy->quick_modes)
		fprintf(file, " qmpermm=%" PRIu32, policy->quick_modes);
	if (policy->lifetime_minutes != 480)
		fprintf(file, " mmlifetime=%" PRIu32, policy->lifetime_minutes);
	if (policy->soft_sa_seconds != 300)
		fprintf(file, " softsaexpirationtime=%" PRIu32, policy->soft_sa_seconds);
	policy_tag_print(file, "mmsecmethods", offers);
}

void policy_qm_policy_print(FILE *file, const struct policy_qm_policy *policy)
{
	_cleanup_free_ char *offers = policy_qm_offers_to_text(policy->offers, policy->n_offers);
	char group[8];

	fputs("dynamic add qmpolicy", file);
	policy_tag_print(file, "name", policy->name);
	if (policy->soft)
		fputs(" soft=yes", file);
	if (policy->pfs_group)
		fprintf(file, " pfsgroup=%s", policy_pfs_group_format(policy->pfs_group, group));
	policy_tag_print(file, "qmsecmethods", offers);
}

void policy_rule_print(FILE *file, const struct policy_rule *rule, bool with_secrets)
{
	char protocol[POLICY_PROTOCOL_STRLEN];

	fputs("dynamic add rule", file);
	policy_tag_print_address(file, "srcaddr", &rule->source);
	policy_tag_print_address(file, "dstaddr", &rule->destination);
	if (rule->mm_policy)
		policy_tag_print(file, "mmpolicy", rule->mm_policy);
	if (rule->qm_policy)
		policy_tag_print(file, "qmpolicy", rule->qm_policy);
	if (rule->protocol)
		policy_tag_print(file, "protocol", policy_protocol_format(rule->protocol, protocol));
	if (rule->source_port)
		fprintf(file, " srcport=%u", rule->source_port);
	if (rule->destination_port)
		fprintf(file, " dstport=%u", rule->destination_port);
	if (!rule->mirrored)
		fputs(" mirrored=no", file);
	if (rule->connection != POLICY_CONNECTION_ALL)
		policy_tag_print(file, "conntype", policy_connection_name(rule->connection));
	if (rule->inbound != IPSECDRV_ACTION_NEGOTIATE)
		policy_tag_print(file, "actioninbound", policy_action_name(rule->inbound));
	if (rule->outbound != IPSECDRV_ACTION_NEGOTIATE)
		policy_tag_print(file, "actionoutbound", policy_action_name(rule->outbound));
	if (rule->has_tunnel)
		policy_tag_print_address(file, "tunneldstaddress", &rule->tunnel_destination);
	if (rule->is_default_response)
		fputs(" defaultresponse=yes", file);
	policy_tag_print_methods(file, rule->methods, rule->n_methods, with_secrets);
	if (rule->interface)
		policy_tag_print(file, "interface", rule->interface);
	if (rule->main_mode)
		policy_tag_print(file, "mainmode", policy_main_mode_name(rule->main_mode));
}

char *policy_rule_to_text(const struct policy_rule *rule, bool with_secrets)
{
	_cleanup_fclose_ FILE *file = NULL;
	char *text = NULL;
	size_t len;

	file = open_memstream(&text, &len);
	if (!file)
		return NULL;
	policy_rule_print(file, rule, with_secrets);
	if (fclose(TAKE_PTR(file)) == 0)
		return text;
	free(text);
	return NULL;
}
