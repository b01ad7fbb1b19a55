// SPDX-License-Identifier: MIT
#include "agent/stats.h"

#include <errno.h>
#include <stdio.h>

#include "agent/agent.h"
#include "agent/stores.h"
#include "policy/fault.h"
#include "nl/names_gen.h"
#include "policy/bus.h"

#ifndef IPD_VERSION
#define IPD_VERSION "unknown"
#endif

#define VERSION_LEN 64

struct counter {
	const char *key;	/* of policy_ike_counters[] and policy_ipsec_counters[] */
	uint64_t value;
};

static int append(sd_bus_message *m, const struct counter *counters, size_t n)
{
	int r = sd_bus_message_open_container(m, 'a', "{st}");

	for (size_t i = 0; r >= 0 && i < n; i++)
		r = sd_bus_message_append(m, "{st}", counters[i].key, counters[i].value);
	return r < 0 ? r : sd_bus_message_close_container(m);
}

static int append_ike(sd_bus_message *m, const struct agent *agent, const struct ike_stats *s)
{
	const struct counter counters[] = {
		{ "activeacquire", s->active_acquire },
		{ "activereceive", s->active_receive },
		{ "acquirefail", s->acquire_failures },
		{ "receivefail", s->receive_failures },
		{ "sendfail", s->send_failures },
		{ "acquireheapsize", s->acquire_heap_size },
		{ "receiveheapsize", s->receive_heap_size },
		{ "authenticationfailures", s->authentication_failures },
		{ "negotiationfailures", s->negotiation_failures },
		{ "invalidcookiesrcvd", s->invalid_cookies },
		{ "totalacquire", s->total_acquire },
		{ "totalgetspi", s->total_get_spi },
		{ "totalkeyadd", s->key_additions },
		{ "totalkeyupdate", s->key_updates },
		{ "getspifail", s->get_spi_failures },
		{ "keyaddfail", s->key_addition_failures },
		{ "keyupdatefail", s->key_update_failures },
		{ "isadblistsize", s->isadb_list_size },
		{ "connlistsize", s->connection_list_size },
		{ "mainmodes", s->main_modes },
		{ "quickmodes", s->quick_modes },
		{ "softsas", negotiate_get_counts(agent->negotiate).soft_associations },
		{ "invalidpacketsrcvd", s->invalid_packets },
		/* beyond the original */
		{ "packetsreceived", s->packets_received },
		{ "packetssent", s->packets_sent },
		{ "retransmissions", s->retransmissions },
		{ "duplicatesanswered", s->duplicates_answered },
		{ "duplicatesignored", s->duplicates_ignored },
		{ "halfopen", s->half_open },
		{ "halfopenbytes", s->half_open_bytes },
		{ "halfopenevicted", s->half_open_evicted },
		{ "ratelimited", s->rate_limited },
		{ "cookiechallenges", s->cookie_challenges },
		{ "unauthenticatednotifies", s->unauthenticated_notifies },
		{ "unauthenticateddeletes", s->unauthenticated_deletes },
		{ "badmessage5", s->bad_message_5 },
		{ "dhoperations", s->dh_operations },
		{ "rekeys", s->rekeys },
		{ "messagesfragmented", s->messages_fragmented },
		{ "messagesreassembled", s->messages_reassembled },
		{ "refusedbypolicy", negotiate_get_counts(agent->negotiate).refused },
	};

	return append(m, counters, sizeof(counters) / sizeof(counters[0]));
}

static int append_ipsec(sd_bus_message *m, const struct kernel_statistics *s)
{
	const struct counter counters[] = {
		{ "activeassoc", s->active_pairs },
		{ "offloadsas", 0 },
		{ "pendingkey", s->larval_sas },
		{ "keyadds", s->key_additions },
		{ "keydeletes", s->key_deletions },
		{ "rekeys", s->rekeys },
		{ "activetunnels", s->active_tunnels },
		{ "badspipkts", s->drops[IPSECDRV_DROP_BAD_SPI] },
		{ "pktsnotdecrypted", s->drops[IPSECDRV_DROP_MALFORMED] +
				      s->drops[IPSECDRV_DROP_CRYPTO] },
		{ "pktsnotauthenticated", s->drops[IPSECDRV_DROP_INTEGRITY] },
		{ "pktswithreplaydetection", s->drops[IPSECDRV_DROP_REPLAY] },
		{ "confidentialbytessent", s->confidential_bytes_out },
		{ "confidentialbytesreceived", s->confidential_bytes_in },
		{ "authenticatedbytessent", s->authenticated_bytes_out },
		{ "authenticatedbytesreceived", s->authenticated_bytes_in },
		{ "transportbytessent", s->transport_bytes_out },
		{ "transportbytesreceived", s->transport_bytes_in },
		{ "bytessentintunnels", s->tunnel_bytes_out },
		{ "bytesreceivedintunnels", s->tunnel_bytes_in },
		{ "offloadedbytessent", 0 },
		{ "offloadedbytesreceived", 0 },
		/* beyond the original */
		{ "acquires", s->acquires },
		{ "acquirefailures", s->acquire_failures },
		{ "heldpackets", s->held_packets },
		{ "heldbytes", s->held_bytes },
		{ "flowcachehits", s->flow_hits },
		{ "flowcachemisses", s->flow_misses },
		{ "eventslost", s->events_lost },
	};

	return append(m, counters, sizeof(counters) / sizeof(counters[0]));
}

static int append_drops(sd_bus_message *m, const struct kernel_statistics *s)
{
	struct counter counters[IPSECDRV_DROP_MAX];
	size_t n = 0;

	for (unsigned int i = IPSECDRV_DROP_NONE + 1; i <= IPSECDRV_DROP_MAX; i++)
		counters[n++] = (struct counter){ nl_drop_reason_name(i), s->drops[i] };
	return append(m, counters, n);
}

int stats_append(sd_bus_message *m, struct agent *agent, const struct ike_stats *ike,
		 struct fault *fault)
{
	struct kernel_statistics statistics;
	int r;

	if (agent->kernel->ops->statistics_get(agent->kernel, &statistics))
		return fault_failed(fault, "the driver's counters cannot be read: %s",
				    agent->kernel->why);
	r = ike ? append_ike(m, agent, ike) : append(m, NULL, 0);
	if (r >= 0)
		r = append_ipsec(m, &statistics);
	if (r >= 0)
		r = append_drops(m, &statistics);
	return r;
}

/* NULL when the driver does not tell; else in @buf. */
static const char *read_driver_version(char buf[static VERSION_LEN])
{
	_cleanup_fclose_ FILE *file = fopen("/sys/module/" IPSECDRV_FAMILY_NAME "/version", "re");

	if (!file || !fgets(buf, VERSION_LEN, file))
		return NULL;
	buf[strcspn(buf, "\n")] = '\0';
	return buf;
}

int stats_append_status(sd_bus_message *m, struct agent *agent)
{
	struct negotiate_counts counts = negotiate_get_counts(agent->negotiate);
	const struct stores_slot *assigned = stores_assigned(agent->stores);
	char version[VERSION_LEN], layers[AGENT_LAYERS_LEN];
	struct kernel_status status;
	struct policy_status_info info = {
		.layers = agent_layers_text(agent, layers),
		.rules = (uint32_t)agent_count_rules(agent),
		.mm_sas = (uint32_t)counts.mms,
		.qm_sas = (uint32_t)counts.pairs,
		.ike = ike_is_up(agent->ike),
		.cred = cred_is_up(agent->cred),
		.policy = assigned ? stores_slot_policy(assigned) : NULL,
		.store = assigned ? store_location_name(assigned->location) : NULL,
		.fault = stores_fault(agent->stores) ?: agent->runs_fault,
		.agent_version = IPD_VERSION,
	};

	for (size_t i = 0; i < RULESET_LAYER_COUNT; i++) {
		info.mm_policies += agent->rulesets[i] ? (uint32_t)agent->rulesets[i]->n_mms : 0;
		info.qm_policies += agent->rulesets[i] ? (uint32_t)agent->rulesets[i]->n_qms : 0;
	}
	/* A driver that does not answer is what the status is asked for. */
	if (!agent->kernel->ops->status_get(agent->kernel, &status)) {
		info.mode = nl_mode_name(status.mode);
		info.filters = status.filters;
		info.generation = status.generation;
		info.exempt_level = status.exempt_level;
		info.driver_version = read_driver_version(version);
	}
	return policy_bus_append_record(m, &policy_status_record, &info);
}
