/* SPDX-License-Identifier: MIT */
#ifndef NL_SEARCH_H
#define NL_SEARCH_H

#include "nl/kernel.h"

/*
 * The driver's search for filters that are not in the driver: which one would decide a packet. The
 * order is that of kernel/filter.c and kernel/tuple.c, by what a filter looks at and never by its
 * place in a list; a test in a guest holds the two against each other. Pure.
 *
 * Example: of "me <-> any" (weight 0x002000), "me <-> any TCP 23" (0x002014) and "me <-> 10.0.0.2/32
 * TCP 23" (0x202014) a packet from 10.0.0.2 to our port 23 is decided by the last one, whichever
 * comes first in the list.
 */

/* Which of the two ends of a flow are addresses of this host. */
struct kernel_search {
	struct kernel_flow flow;	/* with the interface and connection type that it is for */
	bool local_is_me;
	bool remote_is_me;
};

/* How specific the filter is, as the driver says it in kernel_filter.weight. */
uint32_t kernel_filter_weigh(const struct kernel_filter *filter);
/* As the driver tries them: less than 0 when @a comes first; 0 when no packet can tell. */
int kernel_filter_compare_order(const struct kernel_filter *a, const struct kernel_filter *b);
/* The filter acts on the packet in its direction, if no other filter is before it. */
bool kernel_filter_matches(const struct kernel_filter *filter, const struct kernel_search *search);
/* The filter that decides, or NULL; linear. */
const struct kernel_filter *kernel_filters_search(const struct kernel_filter *filters, size_t n,
						  const struct kernel_search *search);

#endif /* NL_SEARCH_H */
