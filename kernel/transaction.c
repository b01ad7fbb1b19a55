// SPDX-License-Identifier: GPL-2.0-only
#include <linux/err.h>
#include <linux/list.h>
#include <linux/mm.h>
#include <linux/mutex.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <uapi/linux/ipsecdrv.h>

#include "compat.h"
#include "filter.h"
#include "net.h"
#include "transaction.h"

/* Open ones of a namespace. An agent needs one; others are tests and leftovers. */
#define MAX_TRANSACTIONS	16
#define MIN_SIZE		64

struct ipd_transaction {
	struct list_head list;
	u32 id;
	u32 portid;
	struct ipd_filter **filters;
	u32 n;
	u32 size;
};

struct ipd_transactions {
	struct list_head list;
	u32 n;
	u32 last_id;
};

struct ipd_transactions *ipd_transactions_new(void)
{
	struct ipd_transactions *transactions;

	transactions = kzalloc(sizeof(*transactions), GFP_KERNEL_ACCOUNT);
	if (transactions)
		INIT_LIST_HEAD(&transactions->list);
	return transactions;
}

void ipd_transaction_end(struct ipd_transactions *transactions,
			 struct ipd_transaction *transaction)
{
	u32 i;

	list_del(&transaction->list);
	transactions->n--;
	for (i = 0; i < transaction->n; i++) {
		ipd_filter_put(transaction->filters[i]);
		cond_resched();
	}
	kvfree(transaction->filters);
	kfree(transaction);
}

void ipd_transactions_free(struct ipd_transactions *transactions)
{
	struct ipd_transaction *transaction, *next;

	list_for_each_entry_safe(transaction, next, &transactions->list, list)
		ipd_transaction_end(transactions, transaction);
	kfree(transactions);
}

void ipd_transactions_release(struct ipd_net *ipd, u32 portid)
{
	struct ipd_transaction *transaction, *next;

	mutex_lock(&ipd->cfg_mutex);
	list_for_each_entry_safe(transaction, next, &ipd->transactions->list, list)
		if (transaction->portid == portid)
			ipd_transaction_end(ipd->transactions, transaction);
	mutex_unlock(&ipd->cfg_mutex);
}

struct ipd_transaction *ipd_transaction_begin(struct ipd_transactions *transactions, u32 portid,
					      struct netlink_ext_ack *extack)
{
	struct ipd_transaction *transaction;

	if (transactions->n >= MAX_TRANSACTIONS) {
		NL_SET_ERR_MSG_FMT(extack, "%u filter transactions are open already",
				   transactions->n);
		return ERR_PTR(-ENOSPC);
	}
	transaction = kzalloc(sizeof(*transaction), GFP_KERNEL_ACCOUNT);
	if (!transaction)
		return ERR_PTR(-ENOMEM);
	transaction->portid = portid;
	transaction->id = ++transactions->last_id ?: ++transactions->last_id;
	list_add_tail(&transaction->list, &transactions->list);
	transactions->n++;
	return transaction;
}

struct ipd_transaction *ipd_transaction_find(struct ipd_transactions *transactions, u32 id,
					     u32 portid, struct netlink_ext_ack *extack)
{
	struct ipd_transaction *transaction;

	list_for_each_entry(transaction, &transactions->list, list)
		if (transaction->id == id && transaction->portid == portid)
			return transaction;
	NL_SET_ERR_MSG_FMT(extack, "this socket has no filter transaction %u", id);
	return ERR_PTR(-ENOENT);
}

u32 ipd_transaction_id(const struct ipd_transaction *transaction)
{
	return transaction->id;
}

static int reserve(struct ipd_transaction *transaction, u32 n)
{
	struct ipd_filter **filters;
	u32 size;

	if (n <= transaction->size)
		return 0;
	size = max3(n, 2 * transaction->size, (u32)MIN_SIZE);
	filters = kvmalloc_array(size, sizeof(*filters), GFP_KERNEL_ACCOUNT);
	if (!filters)
		return -ENOMEM;
	if (transaction->n)
		memcpy(filters, transaction->filters, transaction->n * sizeof(*filters));
	kvfree(transaction->filters);
	transaction->filters = filters;
	transaction->size = size;
	return 0;
}

int ipd_transaction_add(struct ipd_transaction *transaction, struct ipd_filter *const *filters,
			u32 n, struct netlink_ext_ack *extack)
{
	int err;

	if (n > IPSECDRV_MAX_FILTERS - transaction->n) {
		NL_SET_ERR_MSG_FMT(extack, "more than %u filters in the transaction",
				   IPSECDRV_MAX_FILTERS);
		return -ENOSPC;
	}
	err = reserve(transaction, transaction->n + n);
	if (err)
		return err;
	memcpy(transaction->filters + transaction->n, filters, n * sizeof(*filters));
	transaction->n += n;
	return 0;
}

struct ipd_filter **ipd_transaction_filters(struct ipd_transaction *transaction, u32 *ret_n)
{
	*ret_n = transaction->n;
	return transaction->filters;
}
