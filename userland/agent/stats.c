// SPDX-License-Identifier: MIT
#include "agent/stats.h"

#include <errno.h>
#include <stdio.h>

#include "agent/agent.h"
#include "policy/fault.h"
#include "nl/names_gen.h"
#include "policy/bus.h"

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

int stats_append_drops(sd_bus_message *m, const struct kernel_statistics *s)
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
		r = stats_append_drops(m, &statistics);
	return r;
}
