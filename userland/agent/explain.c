// SPDX-License-Identifier: MIT
#include "agent/explain.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#include "agent/agent.h"
#include "agent/layers_mm.h"
#include "policy/fault.h"
#include "agent/translate.h"
#include "base/clock.h"
#include "nl/names_gen.h"
#include "policy/bus.h"

#define SA_LEN		128
#define FAILURE_LEN	320

int explain_read_flow(const struct policy_flow_info *info, struct kernel_flow *ret_flow,
		      struct fault *fault)
{
	int direction = info->direction ? nl_direction_from_name(info->direction) : -EINVAL;

	if (direction < 0)
		return fault_invalid(fault, "direction is in or out");
	if (!info->source.family || info->source.family != info->destination.family)
		return fault_invalid(fault,
				     "source and destination are two addresses of one family");
	if (info->protocol > UINT8_MAX || info->source_port > UINT16_MAX ||
	    info->destination_port > UINT16_MAX)
		return fault_invalid(fault, "protocol is at most 255, ports are at most 65535");
	*ret_flow = (struct kernel_flow){
		.direction = (enum ipsecdrv_direction)direction,
		.source = info->source,
		.destination = info->destination,
		.protocol = (uint8_t)info->protocol,
		.source_port = (uint16_t)info->source_port,
		.destination_port = (uint16_t)info->destination_port,
	};
	return 0;
}

/* "ESP[3DES,SHA1], SPI 0x00001000 out, 0x00002000 in" */
static void format_sa(const struct kernel_sa *sa, const struct ike_sa_install *pair,
		      char buf[static SA_LEN])
{
	uint32_t out = sa->direction == IPSECDRV_DIRECTION_OUT ? sa->spi : sa->pair_spi;
	uint32_t in = sa->direction == IPSECDRV_DIRECTION_OUT ? sa->pair_spi : sa->spi;
	const char *hash = translate_hash_name((enum ike_hash)sa->integrity);
	unsigned int key_bits = 0;
	char methods[64];

	for (size_t i = 0; pair && i < pair->n_suites; i++)
		if ((int)pair->suites[i].suite.cipher == (int)sa->cipher)
			key_bits = pair->suites[i].suite.key_bits;
	if (sa->protection == IPSECDRV_PROTECTION_AH)
		snprintf(methods, sizeof(methods), "AH[%s]", hash);
	else
		snprintf(methods, sizeof(methods), "ESP[%s,%s]",
			 translate_cipher_name((enum ike_cipher)sa->cipher, key_bits), hash);
	snprintf(buf, SA_LEN, "%s, SPI 0x%08" PRIx32 " out, 0x%08" PRIx32 " in", methods, out, in);
}

/* Negotiations begun or wanted; NULL when there is nothing to say. */
static const char *describe_negotiation(const struct agent *agent, const struct ip_addr *peer,
					bool is_held, char buf[static FAILURE_LEN])
{
	const struct negotiate_failure *failure = negotiate_find_failure(agent->negotiate, peer);

	if (failure) {
		snprintf(buf, FAILURE_LEN, "%s (%d), failure point: %s, %" PRIu32 " seconds ago",
			 failure->text, failure->reason, failure->failed_at_peer ? "peer" : "me",
			 negotiate_seconds_since(agent->negotiate, failure->when));
		return buf;
	}
	if (is_held && !ike_is_up(agent->ike))
		return "none has begun: ipsec-ike is not connected to the agent";
	if (is_held && !cred_is_up(agent->cred))
		return "none has begun: ipsec-cred is not connected to the agent";
	return NULL;
}

static const struct ruleset_rule *rule_of(const struct agent *agent, uint32_t filter_id,
					  enum ipsecdrv_direction direction)
{
	const struct layer_filter *filter = layers_find(agent->layers, filter_id);

	if (!filter)
		return NULL;
	return filter->rule[direction] ? filter->rule[direction] : layer_filter_rule(filter);
}

void explain_fill_reason(const struct kernel_match *match, struct policy_explanation_info *info)
{
	switch (match->verdict) {
	case IPSECDRV_VERDICT_PASS:
		info->reason = nl_pass_reason_name(match->pass_reason);
		info->text = nl_pass_reason_text(match->pass_reason);
		break;
	case IPSECDRV_VERDICT_DROP:
		info->reason = nl_drop_reason_name(match->drop_reason);
		info->text = nl_drop_reason_text(match->drop_reason);
		break;
	default:
		info->reason = "none";
		info->text = nl_verdict_text(match->verdict);
	}
}

bool explain_has_no_mm(const struct layers *layers, const struct agent *agent,
		       const struct layer_filter *filter, const struct kernel_flow *flow,
		       const struct kernel_match *match)
{
	bool is_out = flow->direction == IPSECDRV_DIRECTION_OUT;
	bool is_tunnel = match->filter.class == IPSECDRV_FILTER_CLASS_TUNNEL;
	const struct ip_addr *local = is_tunnel ? &match->filter.tunnel_local :
				      is_out ? &flow->source : &flow->destination;
	const struct ip_addr *remote = is_tunnel ? &match->filter.tunnel_remote :
				       is_out ? &flow->destination : &flow->source;
	bool is_me = addresses_is_me(agent->addresses, local);

	return is_me && match->action == IPSECDRV_ACTION_NEGOTIATE && !match->has_sa &&
	       !layers_find_mm_of(layers, filter, local, is_me, remote);
}

/* What the strings of the answer are in. */
struct texts {
	char filter[KERNEL_FILTER_STRLEN];
	char sa[SA_LEN];
	char failure[FAILURE_LEN];
	char *rule;
	char *loser;
	char *other_rule;
};

/* A rule that wanted something else of @rule's traffic; NULL: none did. */
static const struct ruleset_rule *find_loser(const struct layers *layers,
					     const struct ruleset_rule *rule)
{
	for (size_t i = 0; i < layers->n_losses; i++)
		if (layers->losses[i].winner == rule)
			return layers->losses[i].loser;
	return NULL;
}

static void fill_rule(const struct agent *agent, const struct ruleset_rule *rule,
		      struct texts *texts, struct policy_explanation_info *info)
{
	const struct ruleset_rule *loser = find_loser(agent->layers, rule);

	texts->rule = ruleset_rule_to_text(rule);
	texts->loser = loser ? ruleset_rule_to_text(loser) : NULL;
	info->rule = texts->rule;
	info->layer = ruleset_layer_name(rule->treatment->layer);
	info->overrules = texts->loser;
}

static void fill_filter(const struct agent *agent, const struct kernel_flow *flow,
			const struct kernel_match *match, struct texts *texts,
			struct policy_explanation_info *info)
{
	const struct ruleset_rule *rule = rule_of(agent, match->filter.id, flow->direction);
	const struct layer_filter *layer = layers_find(agent->layers, match->filter.id);

	info->filter = kernel_filter_format(&match->filter, texts->filter);
	info->filter_id = match->filter.id;
	info->action = nl_action_name(match->action);
	if (rule)
		fill_rule(agent, rule, texts, info);
	if (layer && layer->tunnel_fault)
		info->failure = tunnel_fault_text(layer->tunnel_fault);
	if (match->action != IPSECDRV_ACTION_NEGOTIATE)
		return;
	if (match->filter.class == IPSECDRV_FILTER_CLASS_TUNNEL)
		info->peer = match->filter.tunnel_remote;
	else
		info->peer = flow->direction == IPSECDRV_DIRECTION_OUT ? flow->destination :
									 flow->source;
	if (layer && !info->failure && explain_has_no_mm(agent->layers, agent, layer, flow, match))
		info->failure = LAYERS_NO_MM;
	if (info->failure)
		return;
	info->failure = describe_negotiation(agent, &info->peer,
					     match->verdict == IPSECDRV_VERDICT_HOLD,
					     texts->failure);
}

/* A rule that says nothing here, but would decide on the other kind of interface. */
static void fill_scope(const struct agent *agent, const struct kernel_flow *flow,
		       const struct kernel_match *match, struct texts *texts,
		       struct policy_explanation_info *info)
{
	const struct ruleset_rule *rule;
	struct kernel_flow elsewhere = *flow;
	struct kernel_match other;

	info->interface = match->interface[0] ? match->interface : NULL;
	if (match->connection == IPSECDRV_CONNECTION_ALL)
		return;
	info->connection = nl_connection_name(match->connection);
	elsewhere.connection = match->connection == IPSECDRV_CONNECTION_LAN ?
			       IPSECDRV_CONNECTION_DIALUP : IPSECDRV_CONNECTION_LAN;
	if (agent->kernel->ops->match(agent->kernel, &elsewhere, &other) || !other.has_filter ||
	    other.filter.connection != elsewhere.connection)
		return;
	rule = rule_of(agent, other.filter.id, flow->direction);
	texts->other_rule = rule ? ruleset_rule_to_text(rule) : NULL;
	info->out_of_scope = texts->other_rule;
}

int explain_append(sd_bus_message *m, struct agent *agent, const struct policy_flow_info *flow,
		   struct fault *fault)
{
	struct policy_explanation_info info = { 0 };
	struct texts texts = { 0 };
	struct kernel_match match;
	struct kernel_flow packet;
	int r = explain_read_flow(flow, &packet, fault);

	if (r)
		return r;
	if (agent->kernel->ops->match(agent->kernel, &packet, &match))
		return fault_failed(fault, "the driver did not judge the packet: %s",
				    agent->kernel->why);
	info.verdict = nl_verdict_name(match.verdict);
	info.mode = nl_mode_name(match.mode);
	explain_fill_reason(&match, &info);
	if (match.has_filter)
		fill_filter(agent, &packet, &match, &texts, &info);
	fill_scope(agent, &packet, &match, &texts, &info);
	if (match.has_sa) {
		uint32_t spi_in = match.sa.direction == IPSECDRV_DIRECTION_OUT ? match.sa.pair_spi :
										 match.sa.spi;

		format_sa(&match.sa, negotiate_find_pair(agent->negotiate, spi_in), texts.sa);
		info.sa = texts.sa;
	}
	r = policy_bus_append_record(m, &policy_explanation_record, &info);
	free(texts.rule);
	free(texts.loser);
	free(texts.other_rule);
	return r;
}
