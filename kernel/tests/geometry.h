/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Packets in every shape that an skb can have, over memory that is not the driver's to change.
 */
#ifndef IPD_TEST_GEOMETRY_H
#define IPD_TEST_GEOMETRY_H

#include <linux/skbuff.h>

struct sa_test;

#define GEOMETRY_PAGES	8

struct geometry {
	unsigned int headroom;
	unsigned int tailroom;
	unsigned int linear;	/* bytes in the head, at least; all when there is nothing else */
	unsigned int frags;
	unsigned int list;	/* skbs in the frag_list */
	bool cloned;		/* somebody else has the data */
	bool shared_frag;	/* SKBFL_SHARED_FRAG, as on pages of a file */
	bool shared;		/* somebody else has the skb itself */
};

/* a packet, and what must look the same afterwards */
struct shape {
	struct sk_buff *skb;
	struct sk_buff *sibling;		/* of a clone */
	const u8 *data;
	unsigned int len;
	struct page *pages[GEOMETRY_PAGES];	/* of frags */
	u8 *before[GEOMETRY_PAGES];
	unsigned int n_pages;
};

/* the @index-th of all shapes whose head has room for @least bytes; false after the last */
bool geometry_nth(unsigned int index, unsigned int least, struct geometry *geometry);

/* @data stays there until shape_end() */
void shape_begin(struct sa_test *t, struct shape *shape, const struct geometry *geometry,
		 const u8 *data, unsigned int len);
/* whether nobody else's memory was written; releases what shape_begin() kept, but not the skb */
bool shape_end(struct sa_test *t, struct shape *shape);

#endif /* IPD_TEST_GEOMETRY_H */
