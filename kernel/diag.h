/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Diagnostics: what is told about dropped packets beside the counters, by the diagnostic level.
 */
#ifndef IPD_DIAG_H
#define IPD_DIAG_H

#include <linux/bits.h>
#include <linux/types.h>

#include "flow.h"

struct ipd_diag;
struct ipd_net;
struct ipd_sa;
struct sk_buff;

/* the bits of a level */
#define IPD_DIAG_SUMMARY	BIT(0)	/* counts of bad packets, once per log interval */
#define IPD_DIAG_IN		BIT(1)	/* every inbound packet that is dropped */
#define IPD_DIAG_OUT		BIT(2)	/* every outbound packet that is dropped */

/* a dropped packet, as it is told of */
struct ipd_diag_record {
	u64 time;			/* nanoseconds since 1970 */
	u64 left_out;			/* records before it that were not made */
	struct ipd_flow flow;
	bool has_flow;			/* its headers could be read */
	u8 direction;
	u8 reason;
	__be32 spi;			/* 0: it has none */
	u32 filter_id;			/* 0: no filter */
	int interface;			/* 0: unknown */
	const char *interface_name;
	unsigned int len;
	const struct sk_buff *skb;
	unsigned int shown;		/* so many bytes of skb, from the network header on */
};

/* Checks the module's parameters; -EINVAL, and the kernel log says why. Before the first namespace. */
int __must_check ipd_diag_init(void);

/* Level and interval that the namespace begins with; -ENOMEM. Process context. */
int __must_check ipd_diag_start(struct ipd_net *ipd);
/* No packet of the namespace is anywhere any more; process context. */
void ipd_diag_free(struct ipd_net *ipd);

/*
 * @level is 0 to 7, @interval in seconds. What was counted so far is told at once. -ENOMEM.
 * Holds cfg_mutex.
 */
int __must_check ipd_diag_set(struct ipd_net *ipd, u8 level, u32 interval);
u8 ipd_diag_level(const struct ipd_net *ipd);
u32 ipd_diag_interval(const struct ipd_net *ipd);

/* As ipd_drop_count(), which calls it when ipd->diag is there. */
void ipd_diag_note(struct ipd_diag *diag, const struct sk_buff *skb, const struct ipd_sa *sa,
		   u8 direction, u8 reason);

#endif /* IPD_DIAG_H */
