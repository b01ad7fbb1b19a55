/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * TCP and the size of packets: what keeps its segments small enough to be protected.
 */
#ifndef IPD_MSS_H
#define IPD_MSS_H

#include <linux/types.h>

struct ipd_place;
struct sk_buff;

/*
 * Where the TCP header of a packet is that has its next header at @place, from the network
 * header on; -1 if it is not TCP or not all there. IPv6 destination options may come before it.
 */
int ipd_mss_find_tcp(const struct sk_buff *skb, const struct ipd_place *place);

/*
 * Lowers the MSS option of a SYN to @mss, if it is larger; @tcp from ipd_mss_find_tcp(). The
 * packet's data may move. -ENOMEM when that was not possible.
 */
int __must_check ipd_mss_clamp(struct sk_buff *skb, unsigned int tcp, unsigned int mss);

/**
 * ipd_mss_resegment() - have a TCP packet cut into segments of at most @len bytes
 * @skb: GSO or not, data at the network header
 * @tcp: from ipd_mss_find_tcp(); its transport header if GSO
 * @len: of a segment, from the network header on
 *
 * Sets what skb_gso_segment() needs. Return: 0, -EMSGSIZE when a segment would have no room for
 * data, -ENOMEM. Softirq or process context.
 */
int __must_check ipd_mss_resegment(struct sk_buff *skb, unsigned int tcp, unsigned int len);

#endif /* IPD_MSS_H */
