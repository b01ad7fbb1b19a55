/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Packets that came out of a tunnel begin their way through the stack anew. Theory: reinject.c.
 */
#ifndef IPD_REINJECT_H
#define IPD_REINJECT_H

#include <linux/types.h>

struct ipd_net;
struct net_device;
struct sk_buff;

/* of the module; exit after the last hook is gone */
int ipd_reinject_init(void);
void ipd_reinject_exit(void);

/* what a namespace attaches to its packets, made when it is hooked; process context; -ENOMEM */
int ipd_reinject_open(struct ipd_net *ipd);
/* when it is unhooked, a grace period after the last packet */
void ipd_reinject_close(struct ipd_net *ipd);

/**
 * ipd_reinject() - have a judged packet received by the stack
 * @ipd: the namespace
 * @skb: whole, network header at its IP header, device and protocol set; the caller's on error
 *
 * The inbound hook of @ipd finds the proof on it. Return: 0, or why not: -ENOBUFS when too many
 * wait, -ESHUTDOWN. Softirq, RCU.
 */
int __must_check ipd_reinject(struct ipd_net *ipd, struct sk_buff *skb);

/* whether a packet has the proof of @ipd, which goes with its dst; RCU */
bool ipd_reinject_has_proof(const struct ipd_net *ipd, const struct sk_buff *skb);

/* the device leaves the namespace: passes on or drops what came by it; process context */
void ipd_reinject_drop_device(const struct net_device *dev);

#endif /* IPD_REINJECT_H */
