/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Where the peer of an association in UDP is reached. Theory of operation: mapping.c.
 */
#ifndef IPD_MAPPING_H
#define IPD_MAPPING_H

#include <linux/netfilter.h>
#include <linux/types.h>

struct ipd_sa;

/* of one association; fixed but for the port outbound */
struct ipd_mapping {
	__be16 port;			/* the peer's; READ_ONCE/WRITE_ONCE */
	/* inbound: where the newest packet came from; replay_lock */
	__be16 seen_port;
	union nf_inet_addr seen;
	u32 told;			/* second of the last event; READ_ONCE/WRITE_ONCE */
};

/* before anybody can find the association */
void ipd_mapping_init(struct ipd_sa *sa);

/*
 * @sa accepted a packet from there, which is authentic and newer than all before. Under RCU and the
 * association's replay_lock; softirq.
 */
void ipd_mapping_note(struct ipd_sa *sa, const union nf_inet_addr *address, __be16 port);

/* sends the event that is due; cfg_mutex */
void ipd_mapping_tell(struct ipd_sa *sa);

#endif /* IPD_MAPPING_H */
