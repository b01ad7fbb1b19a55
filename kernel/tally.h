/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Dropped packets counted by reason and peer, for the summary of a log interval. Pure; the caller
 * locks.
 */
#ifndef IPD_TALLY_H
#define IPD_TALLY_H

#include <linux/netfilter.h>
#include <linux/siphash.h>
#include <linux/types.h>
#include <uapi/linux/ipsecdrv.h>

#define IPD_TALLY_ROWS	128
#define IPD_TALLY_SLOTS	(2 * IPD_TALLY_ROWS)

struct ipd_tally_row {
	union nf_inet_addr peer;
	u64 packets;		/* 0: the slot is free */
	u8 family;		/* NFPROTO_IPV4 or NFPROTO_IPV6 */
	u8 reason;		/* enum ipsecdrv_drop_reason */
};

struct ipd_tally {
	siphash_key_t key;			/* strangers must not choose the slots */
	u64 others[__IPSECDRV_DROP_MAX];	/* what is in no row */
	unsigned int n_rows;
	bool is_used;
	struct ipd_tally_row slots[IPD_TALLY_SLOTS];
};

/* Empty, with a key of its own. */
void ipd_tally_init(struct ipd_tally *tally);
/*
 * Counts a packet. @family 0: nobody knows its peer. Peers for whom there is no room are counted
 * as others. Unused bytes of @peer are zero.
 */
void ipd_tally_add(struct ipd_tally *tally, u8 reason, u8 family, const union nf_inet_addr *peer);

#endif /* IPD_TALLY_H */
