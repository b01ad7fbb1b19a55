/* SPDX-License-Identifier: MIT */
#ifndef NL_KERNEL_FAKE_INTERNAL_H
#define NL_KERNEL_FAKE_INTERNAL_H

#include "nl/kernel_fake.h"

/* What the files of the driver in memory share. */

#define FILTERS_MAX	4096
#define SAS_MAX		8192
#define ACQUIRES_MAX	1024
#define EVENTS_MAX	256

enum event_kind { EVENT_ACQUIRE, EVENT_EXPIRE, EVENT_MODE, EVENT_MAPPING };

struct event {
	enum event_kind kind;
	struct kernel_acquire acquire;
	enum ipsecdrv_lifetime_kind lifetime;
	struct kernel_sa sa;
	enum ipsecdrv_mode mode;
	struct ip_addr peer;
	uint16_t peer_port;
};

struct failure {
	unsigned int times;
	int error;
	const char *why;
};

struct fake {
	struct kernel kernel;
	enum ipsecdrv_mode mode;
	size_t n_at_mode;		/* filters when it was set last */
	uint8_t exempt_level;
	uint8_t diag_level;
	uint32_t log_interval;
	uint32_t generation;
	struct kernel_filter filters[FILTERS_MAX];
	size_t n_filters;
	struct kernel_sa sas[SAS_MAX];
	size_t n_sas;
	struct kernel_acquire acquires[ACQUIRES_MAX];
	size_t n_acquires;
	struct event events[EVENTS_MAX];
	size_t n_events;
	bool has_lost;
	int event_fd;
	struct kernel_drop drop;
	struct kernel_drop_count drop_count;
	bool has_drop, has_drop_count;
	int diag_fd;
	uint32_t next_spi;
	uint32_t next_acquire;
	uint32_t hold_seconds;
	struct failure failures[KERNEL_FAKE_N_CALLS];
	unsigned int counts[KERNEL_FAKE_N_CALLS];
};

static inline struct fake *fake_of(const struct kernel *kernel)
{
	return (struct fake *)kernel;
}

/* @error, with this sentence. */
int fake_refuse(struct fake *fake, int error, const char *text);
/* Counts the call; the failure that was ordered for it, or 0. */
int fake_enter(struct fake *fake, enum kernel_fake_call call);
/* What a dump answers with; the caller frees *ret_items. */
int fake_copy_array(struct fake *fake, const void *items, size_t n, size_t size, void **ret_items,
		    size_t *ret_n);

static inline bool fake_is_tunnel(const struct kernel_filter *filter)
{
	return filter->class == IPSECDRV_FILTER_CLASS_TUNNEL;
}

/* Where the flow's packet goes: the only route leads to a LAN. */
enum ipsecdrv_connection fake_connection_of(const struct kernel_flow *flow);
/* The filter that decides it, or NULL. */
const struct kernel_filter *fake_find_filter(const struct fake *fake, const struct kernel_flow *flow);

/* Calls of struct kernel_ops: kernel_fake_filters.c. */
int fake_filters_replace(struct kernel *kernel, const struct kernel_filter *filters, size_t n);
int fake_filters_check(struct kernel *kernel, const struct kernel_filter *filters, size_t n);
int fake_filters_add(struct kernel *kernel, const struct kernel_filter *filters, size_t n);
int fake_filters_del(struct kernel *kernel, const uint32_t *ids, size_t n);
int fake_filters_change(struct kernel *kernel, const uint32_t *removed, size_t n_removed,
			const struct kernel_filter *added, size_t n_added);
int fake_filter_get(struct kernel *kernel, uint32_t id, struct kernel_filter *ret_filter);
int fake_filter_dump(struct kernel *kernel, struct kernel_filter **ret_filters, size_t *ret_n);

#endif /* NL_KERNEL_FAKE_INTERNAL_H */
