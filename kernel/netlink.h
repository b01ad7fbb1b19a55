/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The netlink family: registration, events and what its handlers share. The operations themselves
 * are generated from the specification (netlink_gen.c) and handled in netlink.c (mode, state and
 * match), netlink_filter.c, netlink_sa.c, netlink_acquire.c and netlink_diag.c.
 */
#ifndef IPD_NETLINK_H
#define IPD_NETLINK_H

#include <linux/netfilter.h>
#include <linux/types.h>
#include <net/genetlink.h>
#include <uapi/linux/ipsecdrv.h>

struct ipd_diag_record;
struct ipd_filter;
struct ipd_flow;
struct ipd_net;
struct ipd_sa;
struct ipd_selector;
struct ipd_tally;

extern struct genl_family ipd_nl_family;

int ipd_nl_init(void);
void ipd_nl_exit(void);

/* per namespace: transactions; process context */
int ipd_nl_net_init(struct ipd_net *ipd);
void ipd_nl_net_exit(struct ipd_net *ipd);

/* Events: process context, no spinlock held; cfg_mutex may be. Losses are counted. */
struct ipd_nl_acquire {
	u32 id;
	u32 filter_id;
	const struct ipd_selector *selector;
	const struct ipd_flow *flow;
};

void ipd_nl_event_acquire(struct ipd_net *ipd, const struct ipd_nl_acquire *acquire);
void ipd_nl_event_expire(struct ipd_net *ipd, const struct ipd_sa *sa, u8 lifetime_kind);
/* an inbound association's peer was seen at another address or port */
void ipd_nl_event_mapping(struct ipd_net *ipd, const struct ipd_sa *sa,
			  const union nf_inet_addr *address, __be16 port);
void ipd_nl_event_mode(struct ipd_net *ipd);

/*
 * Diagnostics, which have no numbers. An error: nobody was told. Of a packet in RCU and any
 * context, of a log interval in process context.
 */
int ipd_nl_event_drop(struct ipd_net *ipd, const struct ipd_diag_record *record);
int ipd_nl_event_summary(struct ipd_net *ipd, const struct ipd_tally *tally, u32 seconds);

/*
 * Whether somebody listens to diagnostics; RCU. Not while the family is not registered, before it
 * can be and after: its groups' numbers are another family's then.
 */
bool ipd_nl_has_diag_listener(struct net *net);
/* whether somebody listens for acquires; RCU */
bool ipd_nl_has_acquire_listener(struct net *net);

/* Shared by the handlers. */

/* the namespace of a request */
struct ipd_net *ipd_nl_net(struct genl_info *info);
/* the start of a list that takes no attributes, though its command does; -EINVAL */
int __must_check ipd_nl_start_list(struct netlink_callback *cb);
/* an answer with its header, or NULL; @size is for attributes */
struct sk_buff *ipd_nl_reply_new(struct genl_info *info, size_t size, void **ret_header);
int ipd_nl_reply_send(struct sk_buff *msg, void *header, struct genl_info *info);
/* the header of one object of a dump; NULL when the message is full */
void *ipd_nl_dump_header(struct sk_buff *skb, struct netlink_callback *cb, u8 cmd, u32 changes);

/* AF_INET or AF_INET6; 0 when it is neither or not there */
u8 ipd_nl_family_of(const struct nlattr *attr);
unsigned int ipd_nl_address_len(u8 family);
/* false when @attr has not the length of an address of @family; no @attr gives zeros */
bool __must_check ipd_nl_get_address(const struct nlattr *attr, u8 family,
				     union nf_inet_addr *ret_addr);
int ipd_nl_put_address(struct sk_buff *msg, int type, u8 family, const union nf_inet_addr *addr);

/* nests of the specification's attribute sets; -EMSGSIZE */
int ipd_nl_put_filter(struct sk_buff *msg, const struct ipd_filter *filter);
int ipd_nl_put_selector(struct sk_buff *msg, int type, const struct ipd_selector *selector);
int ipd_nl_put_flow(struct sk_buff *msg, int type, const struct ipd_flow *flow);
/* -EINVAL with a sentence; @what names the object in it */
int __must_check ipd_nl_get_selector(const struct nlattr *nest, struct ipd_selector *ret_selector,
				     struct netlink_ext_ack *extack);

#endif /* IPD_NETLINK_H */
