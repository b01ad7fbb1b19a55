// SPDX-License-Identifier: MIT
#include "policy/config.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/parse.h"
#include "policy/text.h"

#define EXEMPTION_STRLEN 32	/* "UDP:65535:65535:outbound" */

static const char *const boot_modes[] = { "permit", "block", "stateful" };

const struct policy_config_property policy_config_properties[] = {
	{ "ipsecdiagnostics", "IPSecDiagnostics", true, 0, 7, "0-7", "0", true,
	  "Events of the driver that are logged, a sum: 1 aggregated events once per log interval, "
	  "2 every inbound packet dropped, 4 every outbound packet dropped.",
	  offsetof(struct policy_config_info, ipsecdiagnostics) },
	{ "ikelogging", "IKElogging", true, 0, 2, "0-2", "0", true,
	  "Detailed log of IKE: 0 off, 1 on, 2 on with every message.",
	  offsetof(struct policy_config_info, ikelogging) },
	{ "strongcrlcheck", "StrongCRLCheck", true, 0, 2, "0-2", "1", true,
	  "Revocation lists of certificates: 0 not looked at, 1 a certificate known to be revoked "
	  "fails, 2 any error in getting the list fails as well.",
	  offsetof(struct policy_config_info, strongcrlcheck) },
	{ "ipsecloginterval", "IPSecloginterval", true, 60, 86400, "60-86400", "3600", true,
	  "Seconds between two records of the driver's aggregated events.",
	  offsetof(struct policy_config_info, ipsecloginterval) },
	{ "ipsecexempt", "IPSecexempt", true, 0, 3, "0-3", "3", true,
	  "Traffic exempt from filters beside IKE: 0 multicast, broadcast, RSVP and Kerberos, 1 "
	  "multicast and broadcast, 2 RSVP and Kerberos, 3 none.",
	  offsetof(struct policy_config_info, ipsecexempt) },
	{ "strongcrypto", "StrongCrypto", true, 0, 1, "0-1", "0", true,
	  "1 refuses policy that offers DES, MD5, Diffie-Hellman groups 1 and 2, or ESP without "
	  "integrity.",
	  offsetof(struct policy_config_info, strongcrypto) },
	{ "bootmode", "Boot Mode", false, 0, 0, "permit|block|stateful", "permit", false,
	  "What the driver does from its start until the agent has taken over.",
	  offsetof(struct policy_config_info, bootmode) },
	{ "bootexemptions", "Boot Mode Exemptions", false, 0, 0,
	  "none|\"PROTOCOL:SRCPORT:DSTPORT:DIRECTION ...\"", "UDP:0:68:inbound", false,
	  "Traffic that passes in the boot modes block and stateful.",
	  offsetof(struct policy_config_info, bootexemptions) },
};

const size_t policy_n_config_properties =
	sizeof(policy_config_properties) / sizeof(policy_config_properties[0]);

__attribute__((format(printf, 2, 3)))
static int refuse(char *why, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	vsnprintf(why, POLICY_WHY_LEN, format, ap);
	va_end(ap);
	return -EINVAL;
}

static int no_memory(char *why)
{
	(void)refuse(why, "out of memory");
	return -ENOMEM;
}

const struct policy_config_property *policy_config_find(const char *name)
{
	for (size_t i = 0; i < policy_n_config_properties; i++)
		if (!strcasecmp(policy_config_properties[i].name, name))
			return &policy_config_properties[i];
	return NULL;
}

/* The parts of one exemption are cut at the colons, in place; 0 when there are too many. */
static size_t split(char *text, char *parts[static 4])
{
	size_t n = 0;

	for (char *next; text; text = next) {
		next = strchr(text, ':');
		if (next)
			*next++ = '\0';
		if (n == 4)
			return 0;
		parts[n++] = text;
	}
	return n;
}

static int parse_direction(const char *text, bool *ret_is_inbound)
{
	*ret_is_inbound = !strcasecmp(text, "inbound");
	return *ret_is_inbound || !strcasecmp(text, "outbound") ? 0 : -EINVAL;
}

/* TCP and UDP have ports, any other protocol has none: "UDP:0:68:inbound", "ICMP:inbound" */
static int parse_exemption(const char *text, size_t len,
			   struct policy_boot_exemption *ret_exemption, char *why)
{
	struct policy_boot_exemption exemption = { .protocol = 0 };
	char buf[EXEMPTION_STRLEN] = "", *parts[4];
	bool is_good = len < sizeof(buf);
	size_t n = 0;

	if (is_good) {
		memcpy(buf, text, len);
		n = split(buf, parts);
		is_good = n && !policy_protocol_parse(parts[0], &exemption.protocol) &&
			  exemption.protocol;
	}
	if (is_good && (exemption.protocol == 6 || exemption.protocol == 17))
		is_good = n == 4 && !parse_u16(parts[1], &exemption.source_port) &&
			  !parse_u16(parts[2], &exemption.destination_port);
	else
		is_good = is_good && n == 2;
	if (!is_good || parse_direction(parts[n - 1], &exemption.is_inbound) < 0)
		return refuse(why, "bootexemptions: \"%.*s\" is not of the form "
			      "UDP:0:68:inbound (TCP or UDP) or ICMP:inbound (other protocols)",
			      (int)(len > 64 ? 64 : len), text);
	*ret_exemption = exemption;
	return 0;
}

int policy_boot_exemptions_parse(const char *text, struct policy_boot_exemption **ret_list,
				 size_t *ret_n, char why[static POLICY_WHY_LEN])
{
	_cleanup_free_ struct policy_boot_exemption *list =
		calloc(POLICY_BOOT_EXEMPTIONS_MAX, sizeof(*list));
	size_t n = 0, len;
	int err;

	if (!list)
		return no_memory(why);
	if (!text[strspn(text, " ")])
		return refuse(why, "bootexemptions: write none, or a list such as "
			      "\"UDP:0:68:inbound ICMP:inbound\"");
	if (!strcasecmp(text, "none"))
		text = "";
	for (text += strspn(text, " "); *text; text += strspn(text, " ")) {
		len = strcspn(text, " ");
		if (n == POLICY_BOOT_EXEMPTIONS_MAX)
			return refuse(why, "bootexemptions: more than %d exemptions",
				      POLICY_BOOT_EXEMPTIONS_MAX);
		err = parse_exemption(text, len, &list[n++], why);
		if (err)
			return err;
		text += len;
	}
	*ret_list = TAKE_PTR(list);
	*ret_n = n;
	return 0;
}

static char *exemptions_to_text(const struct policy_boot_exemption *list, size_t n)
{
	char *text = calloc(n + 1, EXEMPTION_STRLEN), *at = text;
	char protocol[POLICY_PROTOCOL_STRLEN];

	if (text && !n)
		strcpy(text, "none");
	for (size_t i = 0; text && i < n; i++) {
		const char *direction = list[i].is_inbound ? "inbound" : "outbound";

		at += sprintf(at, "%s%s", i ? " " : "",
			      policy_protocol_format(list[i].protocol, protocol));
		if (list[i].protocol == 6 || list[i].protocol == 17)
			at += sprintf(at, ":%u:%u", list[i].source_port, list[i].destination_port);
		at += sprintf(at, ":%s", direction);
	}
	return text;
}

static int check_exemptions(const char *value, char **ret_text, char *why)
{
	_cleanup_free_ struct policy_boot_exemption *list = NULL;
	size_t n = 0;
	int err;

	err = policy_boot_exemptions_parse(value, &list, &n, why);
	if (err)
		return err;
	*ret_text = exemptions_to_text(list, n);
	return *ret_text ? 0 : no_memory(why);
}

static int check_number(const struct policy_config_property *property, const char *value,
			char **ret_text, char *why)
{
	uint32_t number;
	char text[16];

	if (parse_u32_range(value, property->min, property->max, &number) < 0)
		return refuse(why, "%s=%.64s: a number from %" PRIu32 " to %" PRIu32 " is expected",
			      property->name, value, property->min, property->max);
	snprintf(text, sizeof(text), "%" PRIu32, number);
	*ret_text = strdup(text);
	return *ret_text ? 0 : no_memory(why);
}

int policy_config_check(const struct policy_config_property *property, const char *value,
			char **ret_text, char why[static POLICY_WHY_LEN])
{
	if (property->is_number)
		return check_number(property, value, ret_text, why);
	if (!strcmp(property->name, "bootexemptions"))
		return check_exemptions(value, ret_text, why);
	for (size_t i = 0; i < sizeof(boot_modes) / sizeof(boot_modes[0]); i++) {
		if (strcasecmp(boot_modes[i], value) != 0)
			continue;
		*ret_text = strdup(boot_modes[i]);
		return *ret_text ? 0 : no_memory(why);
	}
	return refuse(why, "bootmode=%.64s: permit, block or stateful is expected", value);
}
