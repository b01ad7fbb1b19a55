// SPDX-License-Identifier: MIT
/*
 * "What happens to this packet, and why?" The driver judges the packet as if it were there; the
 * agent adds the rule behind the filter and how the last negotiation ended; here it is put into
 * sentences, with what can be done about it.
 */
#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/cleanup.h"
#include "base/parse.h"
#include "ctl/client.h"
#include "ctl/columns.h"
#include "ctl/ctl.h"
#include "ctl/stores.h"
#include "nl/remedy.h"
#include "ctl/types.h"
#include "nl/names_gen.h"
#include "policy/bus.h"
#include "policy/text.h"

static const struct ctl_tag tags[] = {
	{ "direction", &ctl_type_direction, CTL_TAG_REQUIRED, NULL, "leaves or arrives here" },
	{ "srcaddr", &ctl_type_ip, CTL_TAG_REQUIRED, NULL, "source address of the packet" },
	{ "dstaddr", &ctl_type_ip, CTL_TAG_REQUIRED, NULL, "destination address of the packet" },
	{ "protocol", &ctl_type_protocol, 0, "ICMP, or ICMPV6", "IP protocol of the packet" },
	{ "srcport", &ctl_type_port, 0, "0; a ping", "source port; for ICMP the type" },
	{ "dstport", &ctl_type_port, 0, "0; a ping", "destination port; for ICMP the code" },
	{ "policy", &ctl_type_policy, 0, "what is in force", "stored policy, as if it were assigned" },
	{ "store", &ctl_type_store, 0, "that of the session", "store that it is in" },
};

/* The answer, and what follows from it. */
struct answer {
	struct policy_explanation_info info;	/* first: its record's offsets hold here, too */
	const char *remedy;
	struct policy_flow_info flow;
};

#define MAX_KEYS 24

static enum ctl_exit fill_flow(struct ctl *ctl, const struct ctl_args *args,
			       struct policy_flow_info *ret_flow)
{
	const char *direction = ctl_args_get(args, "direction");
	const char *protocol = ctl_args_get(args, "protocol");
	const char *ports[] = { ctl_args_get(args, "srcport"), ctl_args_get(args, "dstport") };
	struct policy_flow_info flow = {
		.direction = strncasecmp(direction, "in", 2) ? "out" : "in",
	};
	uint8_t number = 0;

	(void)ip_addr_parse(ctl_args_get(args, "srcaddr"), &flow.source);
	(void)ip_addr_parse(ctl_args_get(args, "dstaddr"), &flow.destination);
	if (flow.source.family != flow.destination.family)
		return ctl_usage_error(ctl, args->command->path,
				       "srcaddr and dstaddr mix IPv4 and IPv6; use one family");
	if (protocol)
		(void)policy_protocol_parse(protocol, &number);
	else
		number = flow.source.family == AF_INET ? IPPROTO_ICMP : IPPROTO_ICMPV6;
	flow.protocol = number;
	/* Would a ping get through? */
	if (number == IPPROTO_ICMP)
		flow.source_port = 8;
	else if (number == IPPROTO_ICMPV6)
		flow.source_port = 128;
	if (ports[0])
		(void)parse_u32(ports[0], &flow.source_port);
	if (ports[1])
		(void)parse_u32(ports[1], &flow.destination_port);
	*ret_flow = flow;
	return CTL_EXIT_OK;
}

/* Of what is in force, or of a stored policy. */
static enum ctl_exit begin_question(struct ctl *ctl, const struct ctl_args *args,
				    sd_bus_message **ret_message)
{
	const char *policy = ctl_args_get(args, "policy");
	enum store_location location = ctl_store_argument(ctl, args, "store");
	enum ctl_exit ret;
	int err;

	if (!policy && ctl_args_get(args, "store"))
		return ctl_usage_error(ctl, args->command->path,
				       "store says where policy is; name the policy, too");
	ret = ctl_call_new(ctl, policy ? "StoreExplain" : "Explain", ret_message);
	if (ret || !policy)
		return ret;
	err = sd_bus_message_append(*ret_message, "ss", store_location_name(location), policy);
	return err < 0 ? ctl_message_error(ctl, err, NULL) : CTL_EXIT_OK;
}

static enum ctl_exit ask(struct ctl *ctl, const struct ctl_args *args,
			 const struct policy_flow_info *flow,
			 struct policy_explanation_info *ret_info)
{
	_cleanup_(sd_bus_message_unrefp) sd_bus_message *message = NULL;
	_cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
	enum ctl_exit ret = begin_question(ctl, args, &message);
	char why[POLICY_WHY_LEN] = "";
	int err;

	if (ret)
		return ret;
	err = policy_bus_append_record(message, &policy_flow_record, flow);
	if (err < 0)
		return ctl_message_error(ctl, err, NULL);
	ret = ctl_call_send(ctl, message, &reply);
	if (ret)
		return ret;
	err = policy_bus_read_record(reply, &policy_explanation_record, ret_info, why);
	return err <= 0 ? ctl_message_error(ctl, err ?: -EBADMSG, why) : CTL_EXIT_OK;
}

static void print_packet(FILE *file, const struct policy_flow_info *flow)
{
	char src[IP_ADDR_STRLEN], dst[IP_ADDR_STRLEN], name[POLICY_PROTOCOL_STRLEN];
	uint8_t protocol = (uint8_t)flow->protocol;

	policy_protocol_format(protocol, name);
	fprintf(file, "%s %s%s from %s", strcmp(flow->direction, "in") ? "Outbound" : "Inbound",
		isdigit((unsigned char)*name) ? "protocol " : "", name,
		ip_addr_format(&flow->source, src));
	if (policy_protocol_has_ports(protocol))
		fprintf(file, " port %" PRIu32, flow->source_port);
	fprintf(file, " to %s", ip_addr_format(&flow->destination, dst));
	if (policy_protocol_has_ports(protocol))
		fprintf(file, " port %" PRIu32, flow->destination_port);
	if (protocol == IPPROTO_ICMP || protocol == IPPROTO_ICMPV6)
		fprintf(file, " type %" PRIu32 " code %" PRIu32, flow->source_port,
			flow->destination_port);
	fputc('\n', file);
}

/* The verdict as the end of "This packet ...". */
static const char *verdict_text(const char *verdict)
{
	switch (nl_verdict_from_name(verdict)) {
	case IPSECDRV_VERDICT_PASS:
		return "passes in clear";
	case IPSECDRV_VERDICT_DROP:
		return "is dropped";
	case IPSECDRV_VERDICT_PROTECT:
		return "is protected by a security association";
	case IPSECDRV_VERDICT_HOLD:
		return "waits until a security association has been negotiated";
	default:
		return verdict;
	}
}

static void print_line(FILE *file, const char *label, const char *text)
{
	if (!text || !*text)
		return;
	print_label(file, label);
	fprintf(file, "%s\n", text);
}

static void print_known(FILE *file, const char *label, const char *name, int value,
			const char *(*text)(unsigned int value))
{
	if (!name || !*name)
		return;
	print_label(file, label);
	if (value >= 0)
		fprintf(file, "%s: %s\n", name, text((unsigned int)value));
	else
		fprintf(file, "%s\n", name);
}

static void print_filter(FILE *file, const struct policy_explanation_info *info)
{
	if (!info->filter)
		return;
	print_label(file, "Filter");
	fprintf(file, "%s", info->filter);
	if (info->filter_id)
		fprintf(file, " (ID %" PRIu32 ")", info->filter_id);
	fputc('\n', file);
}

static void print_scope(FILE *file, const struct policy_explanation_info *info)
{
	if (info->connection) {
		print_label(file, "Interface");
		fprintf(file, "%s%s%s\n", info->interface ?: "",
			info->interface ? ", connection type " : "connection type ",
			info->connection);
	}
	if (info->out_of_scope) {
		print_label(file, "Does Not Apply Here");
		fprintf(file, "%s: the rule is for the other connection type only\n",
			info->out_of_scope);
	}
}

static void print_answer(FILE *file, const struct answer *answer)
{
	const struct policy_explanation_info *info = &answer->info;
	char peer[IP_ADDR_STRLEN];

	print_packet(file, &answer->flow);
	fprintf(file, "This packet %s.\n\n", verdict_text(info->verdict));
	if (info->reason && strcmp(info->reason, "none") != 0) {
		print_label(file, "Reason");
		fprintf(file, "%s: %s\n", info->reason, info->text ?: "");
	}
	if (info->peer.family)
		print_line(file, "Peer", ip_addr_format(&info->peer, peer));
	print_line(file, "Why Negotiation Failed", info->failure);
	print_line(file, "Rule", info->rule);
	print_line(file, "Policy Layer", info->layer);
	print_line(file, "Overrules", info->overrules);
	print_filter(file, info);
	print_scope(file, info);
	print_known(file, "Action", info->action,
		    info->action ? nl_action_from_name(info->action) : -1, nl_action_text);
	print_line(file, "Security Association", info->sa);
	print_known(file, "Driver Mode", info->mode,
		    info->mode ? nl_mode_from_name(info->mode) : -1, nl_mode_text);
	print_line(file, "Remedy", answer->remedy);
}

static const char *find_remedy(const struct policy_explanation_info *info)
{
	const char *reason = info->reason ?: "none";

	switch (nl_verdict_from_name(info->verdict)) {
	case IPSECDRV_VERDICT_PASS:
		return nl_pass_remedy(reason);
	case IPSECDRV_VERDICT_DROP:
		return nl_drop_remedy(reason);
	case IPSECDRV_VERDICT_HOLD:
		return "Nothing, if the negotiation ends soon. \"dynamic show mmsas\" shows how far "
		       "it is; the packet leaves as soon as it has succeeded.";
	default:
		return NULL;
	}
}

/* The keys of the answer, and "remedy". */
static enum ctl_exit print_json(struct ctl *ctl, const struct answer *answer)
{
	const struct policy_record *info = &policy_explanation_record;
	struct policy_key keys[MAX_KEYS];
	struct policy_record record = { "explain", sizeof(*answer), keys, info->n_keys + 1 };
	struct view view = { .name = "explain", .record = &record };
	struct layout layout = { .is_table = false };

	memcpy(keys, info->keys, info->n_keys * sizeof(keys[0]));
	keys[info->n_keys] = (struct policy_key){
		"remedy", POLICY_VALUE_STRING, offsetof(struct answer, remedy),
	};
	return ctl_print_view(ctl, &layout, &view, answer, 1);
}

static enum ctl_exit exit_code(const char *verdict)
{
	switch (nl_verdict_from_name(verdict)) {
	case IPSECDRV_VERDICT_DROP:
		return CTL_EXIT_DROP;
	case IPSECDRV_VERDICT_HOLD:
		return CTL_EXIT_HOLD;
	default:
		return CTL_EXIT_OK;
	}
}

static enum ctl_exit run_explain(struct ctl *ctl, const struct ctl_args *args)
{
	struct answer answer = { .remedy = NULL };
	enum ctl_exit ret = fill_flow(ctl, args, &answer.flow);

	if (ret)
		return ret;
	ret = ask(ctl, args, &answer.flow, &answer.info);
	if (ret)
		return ret;
	if (!answer.info.verdict || nl_verdict_from_name(answer.info.verdict) < 0) {
		ret = ctl_message_error(ctl, -EBADMSG, "unknown verdict");
	} else {
		answer.remedy = find_remedy(&answer.info);
		if (ctl->json)
			ret = print_json(ctl, &answer);
		else
			print_answer(ctl->out, &answer);
		if (!ret)
			ret = exit_code(answer.info.verdict);
	}
	policy_record_clear(&policy_explanation_record, &answer.info);
	return ret;
}

static const struct ctl_command commands[] = {
	{
		.path = "explain",
		.text = "say what would happen to a packet, and why",
		.remarks = "Nothing is sent, counted or negotiated. An inbound packet is taken as "
			   "arriving in clear. The exit code is 0 if the packet passes or is "
			   "protected, 3 if it is dropped, 4 if it waits for a negotiation.",
		.examples = "  explain out 10.0.0.1 10.0.0.2 tcp 40000 445\n"
			    "  explain in 10.0.0.2 10.0.0.1\n"
			    "  explain in 10.0.0.2 10.0.0.1 policy=AndyPol\n",
		CTL_TAGS(tags),
		.flags = CTL_COMMAND_DRY,
		.run = run_explain,
	},
};

const struct ctl_command_set ctl_explain_set = CTL_COMMAND_SET(commands);
