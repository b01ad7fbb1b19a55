/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Filter transactions: filters that are collected over several messages, to replace all filters
 * in force in one step. Each belongs to a netlink socket and ends with it.
 */
#ifndef IPD_TRANSACTION_H
#define IPD_TRANSACTION_H

#include <linux/types.h>

struct ipd_filter;
struct ipd_net;
struct ipd_transaction;
struct ipd_transactions;
struct netlink_ext_ack;

struct ipd_transactions *ipd_transactions_new(void);	/* process context; NULL without memory */
void ipd_transactions_free(struct ipd_transactions *transactions);
/* a socket was closed: its transactions end; process context, takes cfg_mutex */
void ipd_transactions_release(struct ipd_net *ipd, u32 portid);

/* --- cfg_mutex is held ---------------------------------------------------------- */

/* an empty one of @portid; ERR_PTR() with a sentence */
struct ipd_transaction *ipd_transaction_begin(struct ipd_transactions *transactions, u32 portid,
					      struct netlink_ext_ack *extack);
/* the one with this id, if it belongs to @portid; ERR_PTR() with a sentence */
struct ipd_transaction *ipd_transaction_find(struct ipd_transactions *transactions, u32 id,
					     u32 portid, struct netlink_ext_ack *extack);
u32 ipd_transaction_id(const struct ipd_transaction *transaction);
/* takes over the references of @filters, or leaves all with the caller when it fails */
int __must_check ipd_transaction_add(struct ipd_transaction *transaction,
				     struct ipd_filter *const *filters, u32 n,
				     struct netlink_ext_ack *extack);
struct ipd_filter **ipd_transaction_filters(struct ipd_transaction *transaction, u32 *ret_n);
/* ends it and puts its filters */
void ipd_transaction_end(struct ipd_transactions *transactions,
			 struct ipd_transaction *transaction);

#endif /* IPD_TRANSACTION_H */
