// SPDX-License-Identifier: MIT
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "ctl/client.h"
#include "ctl/columns.h"
#include "ctl/ctl.h"
#include "ctl/types.h"
#include "policy/bus.h"
#include "policy/config.h"
#include "policy/text.h"

static const struct ctl_tag set_tags[] = {
	{ "property", &ctl_type_property, CTL_TAG_REQUIRED, NULL, "what is set" },
	{ "value", &ctl_type_config_value, CTL_TAG_REQUIRED, NULL, "its new value" },
};

static enum ctl_exit run_set(struct ctl *ctl, const struct ctl_args *args)
{
	const struct policy_config_property *property =
		policy_config_find(ctl_args_get(args, "property"));
	_cleanup_(sd_bus_message_unrefp) sd_bus_message *message = NULL;
	_cleanup_free_ char *value = NULL;
	char why[POLICY_WHY_LEN];
	enum ctl_exit ret;

	if (policy_config_check(property, ctl_args_get(args, "value"), &value, why) < 0)
		return ctl_usage_error(ctl, args->command->path, "%s", why);
	ret = ctl_call_new(ctl, "SetConfig", &message);
	if (ret)
		return ret;
	if (sd_bus_message_append(message, "ss", property->name, value) < 0)
		return ctl_message_error(ctl, -ENOMEM, NULL);
	ret = ctl_call_send(ctl, message, NULL);
	if (!ret && !property->is_immediate && !ctl->json)
		fprintf(ctl->out, "%s takes effect when the IPsec driver starts next.\n",
			property->name);
	return ret;
}

static void print_exemptions(FILE *file, const char *text)
{
	_cleanup_free_ struct policy_boot_exemption *list = NULL;
	char protocol[POLICY_PROTOCOL_STRLEN], why[POLICY_WHY_LEN];
	size_t n = 0;

	/* What a newer agent has is printed as it is. */
	if (policy_boot_exemptions_parse(text, &list, &n, why) < 0 || !n) {
		print_label(file, "Boot Mode Exemptions");
		fprintf(file, "%s\n", text);
		return;
	}
	fputs("Boot Mode Exemptions        :\n", file);
	fprintf(file, "%-10s%-11s%-11s%s\n", "Protocol", "Src Port", "Dst Port", "Direction");
	for (size_t i = 0; i < n; i++)
		fprintf(file, "%-10s%-11u%-11u%s\n",
			policy_protocol_format(list[i].protocol, protocol), list[i].source_port,
			list[i].destination_port, list[i].is_inbound ? "Inbound" : "Outbound");
}

static void print_boot_mode(FILE *file, const void *row)
{
	const char *mode = ((const struct policy_config_info *)row)->bootmode;

	/* "Permit": the layout has capitals where the grammar has none */
	if (mode && *mode)
		fprintf(file, "%c%s", *mode >= 'a' && *mode <= 'z' ? *mode - 'a' + 'A' : *mode,
			mode + 1);
}

static void print_tail(FILE *file, const void *row)
{
	const struct policy_config_info *config = row;

	if (config->bootexemptions)
		print_exemptions(file, config->bootexemptions);
}

static const struct column columns[] = {
	{ "IPSecDiagnostics", "ipsecdiagnostics", NULL, COLUMN_BOTH },
	{ "IKElogging", "ikelogging", NULL, COLUMN_BOTH },
	{ "StrongCRLCheck", "strongcrlcheck", NULL, COLUMN_BOTH },
	{ "IPSecloginterval", "ipsecloginterval", NULL, COLUMN_BOTH },
	{ "IPSecexempt", "ipsecexempt", NULL, COLUMN_BOTH },
	{ "StrongCrypto", "strongcrypto", NULL, COLUMN_BOTH },
	{ "Boot Mode", NULL, print_boot_mode, COLUMN_BOTH },
	{ "Boot Mode Exemptions", "bootexemptions", NULL, COLUMN_TABLE },
};

static const struct view view = {
	.name = "config",
	.title = "IPSec Configuration Parameters",
	.none = "There is no configuration.",
	.record = &policy_config_record,
	VIEW_COLUMNS(columns),
	.print_tail = print_tail,
};

static const struct ctl_tag show_tags[] = {
	CTL_TAG_FORMAT,
};

static enum ctl_exit run_show(struct ctl *ctl, const struct ctl_args *args)
{
	_cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
	struct layout layout = ctl_layout(args);
	struct policy_config_info config;
	char why[POLICY_WHY_LEN] = "";
	enum ctl_exit ret;
	int err;

	ret = ctl_call(ctl, "GetConfig", NULL, &reply);
	if (ret)
		return ret;
	err = policy_bus_read_record(reply, &policy_config_record, &config, why);
	if (err <= 0)
		return ctl_message_error(ctl, err ?: -EBADMSG, why);
	ret = ctl_print_view(ctl, &layout, &view, &config, 1);
	policy_record_clear(&policy_config_record, &config);
	return ret;
}

#define SET_REMARKS								\
	"ipsecdiagnostics 0-7: events of the driver that are logged, a sum of 1 (aggregated), 2 " \
	"(every inbound packet dropped) and 4 (every outbound one). ikelogging 0-2: detailed log " \
	"of IKE. strongcrlcheck 0-2: 0 no revocation lists, 1 revoked certificates fail, 2 so does " \
	"any error in getting a list. ipsecloginterval 60-86400: seconds between aggregated " \
	"events. ipsecexempt 0-3: traffic exempt from filters beside IKE, 0 multicast, broadcast, " \
	"RSVP and Kerberos, 1 multicast and broadcast, 2 RSVP and Kerberos, 3 none. strongcrypto " \
	"0-1: 1 refuses policy that offers DES, MD5, Diffie-Hellman groups 1 and 2, or ESP without " \
	"integrity. bootmode " \
	"permit, block or stateful: what the driver does before the agent runs. bootexemptions " \
	"none or a list of PROTOCOL:SRCPORT:DSTPORT:DIRECTION (TCP and UDP) and " \
	"PROTOCOL:DIRECTION (others). Unlike other dynamic changes these are kept when the " \
	"agent stops; bootmode and bootexemptions wait for the next start of the driver."

#define SET_EXAMPLES								\
	"  dynamic set config property=ipsecdiagnostics value=7\n"		\
	"  dynamic set config bootmode value=stateful\n"			\
	"  dynamic set config bootexemptions \"ICMP:inbound TCP:80:80:outbound\"\n"

static const struct ctl_command commands[] = {
	{
		.path = "dynamic set config",
		.text = "set a property of the configuration",
		.remarks = SET_REMARKS,
		.examples = SET_EXAMPLES,
		CTL_TAGS(set_tags),
		.flags = CTL_COMMAND_AGENT,
		.run = run_set,
	},
	{
		.path = "dynamic show config",
		.text = "print the configuration",
		CTL_TAGS(show_tags),
		.run = run_show,
	},
	{
		/* Descriptions of the original name both contexts. */
		.path = "static set config",
		.text = "the same as dynamic set config",
		.remarks = SET_REMARKS,
		.examples = SET_EXAMPLES,
		CTL_TAGS(set_tags),
		.flags = CTL_COMMAND_AGENT,
		.run = run_set,
	},
	{
		.path = "static show config",
		.text = "the same as dynamic show config",
		CTL_TAGS(show_tags),
		.run = run_show,
	},
};

const struct ctl_command_set ctl_config_set = CTL_COMMAND_SET(commands);
