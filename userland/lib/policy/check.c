// SPDX-License-Identifier: MIT
#include "policy/check.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "policy/address.h"
#include "policy/authmethod.h"
#include "policy/methods.h"
#include "policy/text.h"

static int refuse(char *why, const char *sentence)
{
	snprintf(why, POLICY_WHY_LEN, "%s", sentence);
	return -EINVAL;
}

/* Bytes of the UTF-8 sequence at @text (RFC 3629), 0 if it is none. */
static size_t utf8_len(const unsigned char *text)
{
	uint32_t point;
	size_t len;

	if (text[0] < 0x80)
		return 1;
	if ((text[0] & 0xe0) == 0xc0)
		len = 2;
	else if ((text[0] & 0xf0) == 0xe0)
		len = 3;
	else if ((text[0] & 0xf8) == 0xf0)
		len = 4;
	else
		return 0;
	point = text[0] & (0xff >> (len + 1));
	for (size_t i = 1; i < len; i++) {
		if ((text[i] & 0xc0) != 0x80)
			return 0;
		point = point << 6 | (text[i] & 0x3f);
	}
	if ((len == 2 && point < 0x80) || (len == 3 && point < 0x800) ||
	    (len == 4 && point < 0x10000) || point > 0x10ffff)
		return 0;
	return point >= 0xd800 && point <= 0xdfff ? 0 : len;
}

int policy_text_check(const char *tag, const char *text, char why[static POLICY_WHY_LEN])
{
	const unsigned char *at = (const unsigned char *)text;

	while (*at) {
		size_t len = utf8_len(at);

		if (!len || (len == 1 && (*at < ' ' || *at == 0x7f))) {
			snprintf(why, POLICY_WHY_LEN,
				 "%s: control characters and bytes that are not UTF-8 cannot be used",
				 tag);
			return -EINVAL;
		}
		at += len;
	}
	return 0;
}

int policy_interface_check(const char *tag, const char *name, char why[static POLICY_WHY_LEN])
{
	size_t len = name ? strlen(name) : 0;
	bool is_good = len && len <= POLICY_INTERFACE_MAX && strcmp(name, ".") != 0 &&
		       strcmp(name, "..") != 0;

	for (size_t i = 0; is_good && i < len; i++)
		is_good = name[i] > ' ' && name[i] <= '~' && name[i] != '/' && name[i] != ':';
	if (is_good)
		return 0;
	snprintf(why, POLICY_WHY_LEN, "%s: the name of a network interface has 1 to %d characters, "
		 "and no blank, colon or slash: eth0", tag, POLICY_INTERFACE_MAX);
	return -EINVAL;
}

int policy_name_check(const char *tag, const char *name, char why[static POLICY_WHY_LEN])
{
	if (!name || !name[strspn(name, " ")]) {
		snprintf(why, POLICY_WHY_LEN, "%s: the name is missing", tag);
		return -EINVAL;
	}
	if (strlen(name) > POLICY_NAME_MAX) {
		snprintf(why, POLICY_WHY_LEN, "%s: a name has at most %d bytes", tag,
			 POLICY_NAME_MAX);
		return -EINVAL;
	}
	return policy_text_check(tag, name, why);
}

int policy_mm_policy_check(const struct policy_mm_policy *policy, char why[static POLICY_WHY_LEN])
{
	int err;

	err = policy_name_check("name", policy->name, why);
	if (err)
		return err;
	if (!policy->lifetime_minutes || policy->lifetime_minutes > POLICY_MAX_MINUTES) {
		snprintf(why, POLICY_WHY_LEN, "mmlifetime is 1 to %d minutes", POLICY_MAX_MINUTES);
		return -EINVAL;
	}
	if (!policy->soft_sa_seconds || policy->soft_sa_seconds > 86400)
		return refuse(why, "softsaexpirationtime is 1 to 86400 seconds");
	if (!policy->n_offers || policy->n_offers > POLICY_MAX_OFFERS)
		return refuse(why, "mmsecmethods: name at least one security method");
	for (size_t i = 0; i < policy->n_offers; i++) {
		err = policy_mm_offer_check(&policy->offers[i], why);
		if (err)
			return err;
	}
	return 0;
}

int policy_qm_policy_check(const struct policy_qm_policy *policy, char why[static POLICY_WHY_LEN])
{
	int err;

	err = policy_name_check("name", policy->name, why);
	if (err)
		return err;
	if (policy->pfs_group != POLICY_PFS_NONE && policy->pfs_group != POLICY_PFS_MAIN_MODE &&
	    !policy_group_is_known(policy->pfs_group))
		return refuse(why, "pfsgroup is NOPFS, GRPMM, GRP1, GRP2, GRP3 (group 14), GRP5 or "
			      "GRP14 to GRP21");
	if (!policy->n_offers || policy->n_offers > POLICY_MAX_OFFERS)
		return refuse(why, "qmsecmethods: name at least one security method");
	for (size_t i = 0; i < policy->n_offers; i++) {
		err = policy_qm_offer_check(&policy->offers[i], why);
		if (err)
			return err;
	}
	return 0;
}

static bool is_server(const struct policy_address *address)
{
	switch (address->kind) {
	case POLICY_ADDRESS_WINS:
	case POLICY_ADDRESS_DNS:
	case POLICY_ADDRESS_DHCP:
	case POLICY_ADDRESS_GATEWAY:
		return true;
	case POLICY_ADDRESS_ME:
	case POLICY_ADDRESS_ANY:
	case POLICY_ADDRESS_IP:
	case POLICY_ADDRESS_NAME:
		break;
	}
	return false;
}

static int check_addresses(const struct policy_rule *rule, char *why)
{
	const struct policy_address *src = &rule->source, *dst = &rule->destination;
	uint8_t src_family = policy_address_family(src), dst_family = policy_address_family(dst);

	if (src->kind == POLICY_ADDRESS_ME && dst->kind == POLICY_ADDRESS_ME)
		return refuse(why, "srcaddr and dstaddr are both me: traffic of this host with "
			      "itself is never filtered; name the other side");
	if ((is_server(src) && dst->kind != POLICY_ADDRESS_ME) ||
	    (is_server(dst) && src->kind != POLICY_ADDRESS_ME))
		return refuse(why, "WINS, DNS, DHCP and GATEWAY need me on the other side");
	if (src_family && dst_family && src_family != dst_family)
		return refuse(why, "srcaddr and dstaddr mix IPv4 and IPv6; use one family");
	return 0;
}

static int check_ports(const struct policy_rule *rule, char *why)
{
	if ((rule->source_port || rule->destination_port) &&
	    !policy_protocol_has_ports(rule->protocol))
		return refuse(why, "srcport and dstport need protocol=TCP or UDP");
	return 0;
}

static bool is_action(enum ipsecdrv_action action)
{
	return action == IPSECDRV_ACTION_PERMIT || action == IPSECDRV_ACTION_BLOCK ||
	       action == IPSECDRV_ACTION_NEGOTIATE;
}

static int check_actions(const struct policy_rule *rule, char *why)
{
	if (!is_action(rule->inbound) || !is_action(rule->outbound))
		return refuse(why, "actioninbound and actionoutbound are permit, block or negotiate");
	if (!policy_rule_is_negotiated(rule))
		return 0;
	if (!rule->mirrored && !rule->has_tunnel)
		return refuse(why, "a rule that negotiates needs both directions: use mirrored=yes, "
			      "or the actions permit or block");
	if (!rule->mm_policy)
		return refuse(why, "mmpolicy is missing: a rule that negotiates needs the name of a "
			      "main mode policy");
	if (!rule->qm_policy && rule->main_mode != POLICY_MAIN_MODE_ONLY)
		return refuse(why, "qmpolicy is missing: a rule that negotiates needs the name of a "
			      "quick mode policy");
	if (!rule->n_methods)
		return refuse(why, "a rule that negotiates needs an authentication method: "
			      "kerberos=yes, psk= or rootca=");
	return 0;
}

int policy_endpoint_check(const char *tag, const struct policy_address *end,
			  char why[static POLICY_WHY_LEN])
{
	uint8_t family = policy_address_family(end);
	struct ip_addr full;

	if (end->kind == POLICY_ADDRESS_NAME)
		return 0;
	if (end->kind == POLICY_ADDRESS_IP) {
		full = policy_mask_from_prefix(family, (uint8_t)(8 * ip_addr_len(&end->addr)));
		if (ip_addr_is_equal(&end->mask, &full) && !ip_addr_is_multicast(&end->addr) &&
		    !ip_addr_is_unspecified(&end->addr))
			return 0;
	}
	snprintf(why, POLICY_WHY_LEN, "%s is the address or DNS name of one host", tag);
	return -EINVAL;
}

/* The original's limits on tunnel rules, see the man page. */
static int check_tunnel(const struct policy_rule *rule, char *why)
{
	if (!rule->has_tunnel)
		return 0;
	if (rule->mirrored)
		return refuse(why, "a tunnel rule cannot be mirrored: use mirrored=no and one rule "
			      "for each direction");
	if (rule->protocol)
		return refuse(why, "a tunnel rule is for all protocols: leave protocol and ports out");
	return policy_endpoint_check("tunneldstaddress", &rule->tunnel_destination, why);
}

static int check_interface(const struct policy_rule *rule, char *why)
{
	int err = rule->interface ? policy_interface_check("interface", rule->interface, why) : 0;

	if (!err && rule->interface && rule->connection != POLICY_CONNECTION_ALL)
		err = refuse(why, "a rule is for one interface or for a connection type: leave "
			     "interface or conntype out");
	return err;
}

static int check_default_response(const struct policy_rule *rule, char *why)
{
	if (!rule->is_default_response)
		return 0;
	if (rule->interface)
		return refuse(why, "a default response rule is for all interfaces: leave interface out");
	if (rule->source.kind != POLICY_ADDRESS_ME || rule->destination.kind != POLICY_ADDRESS_ANY ||
	    rule->protocol || !rule->mirrored || rule->has_tunnel ||
	    rule->connection != POLICY_CONNECTION_ALL)
		return refuse(why, "a default response rule is from me to any, for all protocols and "
			      "interfaces, mirrored and without a tunnel: leave the other tags out");
	if (rule->inbound != IPSECDRV_ACTION_NEGOTIATE || rule->outbound != IPSECDRV_ACTION_NEGOTIATE)
		return refuse(why, "a default response rule can only negotiate: leave actioninbound "
			      "and actionoutbound out");
	return 0;
}

/* Main mode looks at nothing but addresses. */
static int check_main_mode(const struct policy_rule *rule, char *why)
{
	if (rule->main_mode == POLICY_MAIN_MODE_OWN)
		return 0;
	if (rule->is_default_response)
		return refuse(why, "a default response rule has a main mode of its own: leave mainmode out");
	if (!policy_rule_is_negotiated(rule))
		return refuse(why, "a rule that does not negotiate has no main mode: leave mainmode out");
	if (rule->main_mode != POLICY_MAIN_MODE_ONLY)
		return 0;
	if (rule->protocol || rule->has_tunnel || rule->interface || !rule->mirrored ||
	    rule->connection != POLICY_CONNECTION_ALL || rule->qm_policy ||
	    rule->inbound != IPSECDRV_ACTION_NEGOTIATE ||
	    rule->outbound != IPSECDRV_ACTION_NEGOTIATE)
		return refuse(why, "mainmode=only: main mode looks at addresses alone and goes both ways: "
			      "give srcaddr, dstaddr, mmpolicy and the methods only");
	return 0;
}

int policy_rule_check(const struct policy_rule *rule, char why[static POLICY_WHY_LEN])
{
	int err;

	if (rule->mm_policy) {
		err = policy_name_check("mmpolicy", rule->mm_policy, why);
		if (err)
			return err;
	}
	if (rule->qm_policy) {
		err = policy_name_check("qmpolicy", rule->qm_policy, why);
		if (err)
			return err;
	}
	return check_addresses(rule, why) ?: check_ports(rule, why) ?: check_interface(rule, why) ?:
	       check_default_response(rule, why) ?: check_main_mode(rule, why) ?:
	       check_tunnel(rule, why) ?: check_actions(rule, why) ?:
	       policy_methods_check(rule->methods, rule->n_methods, why);
}
