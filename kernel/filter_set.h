/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What filter.c and filter_set.c know of each other.
 */
#ifndef IPD_FILTER_SET_H
#define IPD_FILTER_SET_H

int ipd_filter_set_init(void);
/* waits until every set that was given to ipd_filter_set_free() is gone */
void ipd_filter_set_exit(void);

#endif /* IPD_FILTER_SET_H */
