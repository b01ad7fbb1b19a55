/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The flows that outbound packets opened while the startup mode is stateful: their answers may
 * come in. Pure but for its lock; the clock is an argument.
 */
#ifndef IPD_STATEFUL_H
#define IPD_STATEFUL_H

#include <linux/netfilter.h>
#include <linux/types.h>

struct ipd_stateful;

/*
 * What an answer is told by: the peer's address, the protocol and the ports. Of an ICMP query the
 * identifier and the type of the query are in the places of the ports; protocols that have
 * neither have zeros. Compared and hashed as memory: every byte is set.
 */
struct ipd_stateful_flow {
	union nf_inet_addr peer;
	__be16 local_port;
	__be16 peer_port;
	u8 family;		/* NFPROTO_IPV4 or NFPROTO_IPV6 */
	u8 protocol;
	u16 zero;
};

/* how long a flow without outbound packets is remembered, in seconds */
#define IPD_STATEFUL_TCP_SECONDS	7200
#define IPD_STATEFUL_OTHER_SECONDS	120

#define IPD_STATEFUL_SETS	8192
#define IPD_STATEFUL_WAYS	4

/* one megabyte; process context; NULL without memory */
struct ipd_stateful *ipd_stateful_new(void);
/* NULL is fine; the caller has seen to it that nobody looks into it any more */
void ipd_stateful_free(struct ipd_stateful *table);

/*
 * An outbound packet of @flow at @now, in seconds: any clock that never goes back. Another flow
 * may be forgotten for it. Any context but hard interrupts.
 */
void ipd_stateful_open(struct ipd_stateful *table, const struct ipd_stateful_flow *flow, u32 now);
/* whether @flow is open; changes nothing */
bool ipd_stateful_is_open(struct ipd_stateful *table, const struct ipd_stateful_flow *flow,
			  u32 now);
/* how many flows are open */
u32 ipd_stateful_count(struct ipd_stateful *table, u32 now);

#endif /* IPD_STATEFUL_H */
