// SPDX-License-Identifier: MIT
#include "ctl/types.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>

#include "base/addr.h"
#include "base/parse.h"
#include "policy/address.h"
#include "policy/check.h"
#include "policy/config.h"
#include "policy/methods.h"
#include "policy/tag.h"
#include "policy/text.h"
#include "store/object.h"

static int refuse(char *why, const char *tag, const char *value, const char *expected)
{
	snprintf(why, POLICY_WHY_LEN, "%s=%.64s: expected %s", tag, value, expected);
	return -EINVAL;
}

static int check_choice(const char *tag, const char *value, const char *const *choices,
			const char *usage, char *why)
{
	for (; *choices; choices++)
		if (!strcasecmp(*choices, value))
			return 0;
	return refuse(why, tag, value, usage);
}

/* Types whose values are the fields of a rule or a policy are checked by setting one. */
static int check_by_rule(const char *field, const char *value, char *why)
{
	_cleanup_(policy_rule_freep) struct policy_rule *rule = policy_rule_new();
	uint32_t given = 0;

	return rule ? policy_rule_set_tag(rule, field, value, &given, why) : -ENOMEM;
}

/* The sentence begins with the field's own tag; tags of other names say theirs. */
static int check_renamed(const char *tag, const char *field, const char *value, char *why)
{
	char sentence[POLICY_WHY_LEN];
	int err = check_by_rule(field, value, sentence);
	size_t len = strlen(field);

	if (err)
		snprintf(why, POLICY_WHY_LEN, "%s%.*s", tag, POLICY_WHY_LEN - 32,
			 !strncmp(sentence, field, len) ? sentence + len : sentence);
	return err;
}

static int check_text(const char *tag, const char *value, char why[static POLICY_WHY_LEN])
{
	return policy_text_check(tag, value, why);
}

static int check_name(const char *tag, const char *value, char why[static POLICY_WHY_LEN])
{
	return policy_name_check(tag, value, why);
}

static int check_address(const char *tag, const char *value, char why[static POLICY_WHY_LEN])
{
	return check_renamed(tag, "srcaddr", value, why);
}

static int check_ip(const char *tag, const char *value, char why[static POLICY_WHY_LEN])
{
	struct ip_addr addr;

	return ip_addr_parse(value, &addr) < 0 ?
	       refuse(why, tag, value, "an IPv4 or IPv6 address") : 0;
}

/* Whether it fits its address is seen when both are known. */
static int check_mask(const char *tag, const char *value, char why[static POLICY_WHY_LEN])
{
	struct ip_addr mask;

	return parse_mask(value, strchr(value, '.') ? AF_INET : AF_INET6, &mask) < 0 ?
	       refuse(why, tag, value, "a prefix length, or a mask like 255.255.255.0") : 0;
}

static int check_protocol(const char *tag, const char *value, char why[static POLICY_WHY_LEN])
{
	return check_renamed(tag, "protocol", value, why);
}

static int check_port(const char *tag, const char *value, char why[static POLICY_WHY_LEN])
{
	return check_renamed(tag, "srcport", value, why);
}

static int check_bool(const char *tag, const char *value, char why[static POLICY_WHY_LEN])
{
	int yes;

	return parse_bool(value, &yes) < 0 ? refuse(why, tag, value, "yes or no") : 0;
}

static int check_action(const char *tag, const char *value, char why[static POLICY_WHY_LEN])
{
	return check_renamed(tag, "actioninbound", value, why);
}

static int check_conntype(const char *tag, const char *value, char why[static POLICY_WHY_LEN])
{
	return check_renamed(tag, "conntype", value, why);
}

static int check_mm_methods(const char *tag, const char *value, char why[static POLICY_WHY_LEN])
{
	struct policy_mm_offer offers[POLICY_MAX_OFFERS];
	size_t n;

	(void)tag;
	return policy_mm_offers_parse(value, offers, &n, why);
}

static int check_qm_methods(const char *tag, const char *value, char why[static POLICY_WHY_LEN])
{
	struct policy_qm_offer offers[POLICY_MAX_OFFERS];
	size_t n;

	(void)tag;
	return policy_qm_offers_parse(value, offers, &n, why);
}

/* Actions that do not negotiate can have none. */
static int check_offers(const char *tag, const char *value, char why[static POLICY_WHY_LEN])
{
	return *value ? check_qm_methods(tag, value, why) : 0;
}

static int check_range(const char *tag, const char *value, uint32_t min, uint32_t max, char *why)
{
	char expected[64];
	uint32_t number;

	snprintf(expected, sizeof(expected), "a number from %u to %u", min, max);
	return parse_u32_range(value, min, max, &number) < 0 ?
	       refuse(why, tag, value, expected) : 0;
}

static int check_number(const char *tag, const char *value, char why[static POLICY_WHY_LEN])
{
	return check_range(tag, value, 0, INT32_MAX, why);
}

static int check_rule_id(const char *tag, const char *value, char why[static POLICY_WHY_LEN])
{
	return check_range(tag, value, 1, INT32_MAX, why);
}

static int check_minutes(const char *tag, const char *value, char why[static POLICY_WHY_LEN])
{
	return check_range(tag, value, 1, POLICY_MAX_MINUTES, why);
}

/* 0 is the default, as in what the original stores */
static int check_polling(const char *tag, const char *value, char why[static POLICY_WHY_LEN])
{
	return check_range(tag, value, 0, STORE_POLLING_MAX_MINUTES, why);
}

static int check_soft_seconds(const char *tag, const char *value, char why[static POLICY_WHY_LEN])
{
	return check_range(tag, value, 1, 86400, why);
}

/* 0 is the default */
static int check_soft_sa(const char *tag, const char *value, char why[static POLICY_WHY_LEN])
{
	return check_range(tag, value, 0, STORE_SOFT_SA_MAX_SECONDS, why);
}

static int check_pfs_group(const char *tag, const char *value, char why[static POLICY_WHY_LEN])
{
	uint8_t group;

	return policy_pfs_group_parse(value, &group) < 0 ?
	       refuse(why, tag, value, "NOPFS, GRPMM, GRP1, GRP2, GRP3 (group 14), GRP5 or GRP14 "
		      "to GRP21") : 0;
}

static int check_psk(const char *tag, const char *value, char why[static POLICY_WHY_LEN])
{
	return check_by_rule(tag, value, why);
}

static int check_main_mode(const char *tag, const char *value, char why[static POLICY_WHY_LEN])
{
	enum policy_main_mode main_mode;

	return policy_tag_set_main_mode(tag, value, &main_mode, why);
}

static int check_interface(const char *tag, const char *value, char why[static POLICY_WHY_LEN])
{
	return policy_interface_check(tag, value, why);
}

static int check_property(const char *tag, const char *value, char why[static POLICY_WHY_LEN])
{
	char expected[POLICY_WHY_LEN / 2] = "one of:";
	size_t len = strlen(expected);

	if (policy_config_find(value))
		return 0;
	for (size_t i = 0; i < policy_n_config_properties && len < sizeof(expected); i++)
		len += (size_t)snprintf(expected + len, sizeof(expected) - len, "%s %s",
					i ? "," : "", policy_config_properties[i].name);
	return refuse(why, tag, value, expected);
}

/* "{11E6E97E-0031-49f5-AC7D-5F2FE99BABAF}" */
static int check_guid(const char *tag, const char *value, char why[static POLICY_WHY_LEN])
{
	static const char form[] = "{xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx}";
	size_t len = strlen(value);
	bool is_good = len == sizeof(form) - 1;

	for (size_t i = 0; is_good && i < len; i++)
		is_good = form[i] == 'x' ? isxdigit((unsigned char)value[i]) : value[i] == form[i];
	return is_good ? 0 : refuse(why, tag, value, form);
}

/* A type that is a fixed list of words. */
#define CHOICE_TYPE(type, words, ...)						\
	static const char *const type##_choices[] = { __VA_ARGS__, NULL };	\
	static int type##_check(const char *tag, const char *value,		\
				char why[static POLICY_WHY_LEN])		\
	{									\
		return check_choice(tag, value, type##_choices, words, why);	\
	}									\
	const struct ctl_value_type type = { words, .choices = type##_choices, .check = type##_check }

CHOICE_TYPE(ctl_type_format, "list|table", "list", "table");
CHOICE_TYPE(ctl_type_level, "verbose|normal", "verbose", "normal");
CHOICE_TYPE(ctl_type_filter_type, "generic|specific", "generic", "specific");
CHOICE_TYPE(ctl_type_rule_type, "transport|tunnel", "transport", "tunnel");
CHOICE_TYPE(ctl_type_stats_type, "all|ike|ipsec", "all", "ike", "ipsec");
CHOICE_TYPE(ctl_type_direction, "in|out", "in", "out", "inbound", "outbound");
CHOICE_TYPE(ctl_type_batch_mode, "enable|disable", "enable", "disable");
CHOICE_TYPE(ctl_type_store, "local|persistent|domain", "local", "persistent", "domain");
CHOICE_TYPE(ctl_type_release, "win2k|win2003", "win2k", "win2003");

static const char *const bool_choices[] = { "yes", "no", NULL };
static const char *const action_choices[] = { "permit", "block", "negotiate", NULL };
static const char *const conntype_choices[] = { "lan", "dialup", "all", NULL };
static const char *const address_choices[] = {
	"me", "any", "WINS", "DNS", "DHCP", "GATEWAY", NULL,
};
static const char *const protocol_choices[] = {
	"ANY", "ICMP", "TCP", "UDP", "ICMPV6", "RAW", NULL,
};
static const char *const pfs_choices[] = {
	"NOPFS", "GRPMM", "GRP1", "GRP2", "GRP3", "GRP5", "GRP14", "GRP15", "GRP16", "GRP17",
	"GRP18", "GRP19", "GRP20", "GRP21", NULL,
};
static const char *const property_choices[] = {
	"ipsecdiagnostics", "ikelogging", "strongcrlcheck", "ipsecloginterval", "ipsecexempt",
	"strongcrypto", "bootmode", "bootexemptions", NULL,
};

const struct ctl_value_type ctl_type_text = { "TEXT", .check = check_text };
const struct ctl_value_type ctl_type_file = { "FILE", .check = check_text };
const struct ctl_value_type ctl_type_name = { "NAME", .check = check_name };
const struct ctl_value_type ctl_type_mmpolicy = { "NAME", .check = check_name, .names = CTL_NAMES_MM_POLICY };
const struct ctl_value_type ctl_type_qmpolicy = { "NAME", .check = check_name, .names = CTL_NAMES_QM_POLICY };
const struct ctl_value_type ctl_type_policy = {
	"NAME", .check = check_name, .names = CTL_NAMES_POLICY
};
const struct ctl_value_type ctl_type_rule = { "NAME", .check = check_name, .names = CTL_NAMES_RULE };
const struct ctl_value_type ctl_type_filterlist = {
	"NAME", .check = check_name, .names = CTL_NAMES_FILTER_LIST
};
const struct ctl_value_type ctl_type_filteraction = {
	"NAME", .check = check_name, .names = CTL_NAMES_FILTER_ACTION
};
const struct ctl_value_type ctl_type_address = {
	"me|any|ADDRESS[/MASK]|DNSNAME|WINS|DNS|DHCP|GATEWAY", .choices = address_choices, .check = check_address
};
const struct ctl_value_type ctl_type_ip = { "ADDRESS", .check = check_ip };
const struct ctl_value_type ctl_type_tunnel = { "ADDRESS|DNSNAME", .check = check_address };
const struct ctl_value_type ctl_type_mask = { "MASK|PREFIX", .check = check_mask };
const struct ctl_value_type ctl_type_protocol = {
	"ANY|ICMP|TCP|UDP|ICMPV6|RAW|NUMBER", .choices = protocol_choices, .check = check_protocol
};
const struct ctl_value_type ctl_type_port = { "PORT", .check = check_port };
const struct ctl_value_type ctl_type_bool = { "yes|no", .choices = bool_choices, .check = check_bool };
const struct ctl_value_type ctl_type_action = {
	"permit|block|negotiate", .choices = action_choices, .check = check_action
};
static const char *const main_mode_choices[] = { "own", "others", "only", NULL };
const struct ctl_value_type ctl_type_main_mode = {
	"own|others|only", .choices = main_mode_choices, .check = check_main_mode
};
const struct ctl_value_type ctl_type_conntype = {
	"lan|dialup|all", .choices = conntype_choices, .check = check_conntype
};
const struct ctl_value_type ctl_type_mm_methods = {
	"\"CONF-HASH-GROUP ...\"", .check = check_mm_methods
};
const struct ctl_value_type ctl_type_qm_methods = {
	"\"ESP[CONF,HASH]:KBk/SECs AH[HASH]+ESP[CONF,HASH] ...\"", .check = check_qm_methods
};
const struct ctl_value_type ctl_type_offers = {
	"\"ESP[CONF,HASH]:KBk/SECs AH[HASH]+ESP[CONF,HASH] ...\"", .check = check_offers
};
const struct ctl_value_type ctl_type_number = { "NUMBER", .check = check_number };
const struct ctl_value_type ctl_type_rule_id = { "NUMBER", .check = check_rule_id };
const struct ctl_value_type ctl_type_minutes = { "MINUTES", .check = check_minutes };
const struct ctl_value_type ctl_type_polling = { "MINUTES", .check = check_polling };
const struct ctl_value_type ctl_type_soft_seconds = { "SECONDS", .check = check_soft_seconds };
const struct ctl_value_type ctl_type_soft_sa = { "SECONDS", .check = check_soft_sa };
const struct ctl_value_type ctl_type_pfs_group = {
	"GRP1|GRP2|GRP3|GRP5|GRP14-GRP21|GRPMM|NOPFS", .choices = pfs_choices, .check = check_pfs_group
};
const struct ctl_value_type ctl_type_psk = { "\"KEY\"", .check = check_psk };
const struct ctl_value_type ctl_type_root_ca = {
	"\"CANAME certmap:{yes|no} excludecaname:{yes|no}\"", .check = check_psk
};
const struct ctl_value_type ctl_type_interface = { "NAME", .check = check_interface };
const struct ctl_value_type ctl_type_property = {
	"PROPERTY", .choices = property_choices, .check = check_property
};
const struct ctl_value_type ctl_type_config_value = { .usage = "VALUE" };
const struct ctl_value_type ctl_type_guid = { "{GUID}", .check = check_guid };
