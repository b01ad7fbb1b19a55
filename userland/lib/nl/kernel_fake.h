/* SPDX-License-Identifier: MIT */
#ifndef NL_KERNEL_FAKE_H
#define NL_KERNEL_FAKE_H

#include "nl/kernel.h"

/*
 * A driver in memory, for tests: it keeps filters, associations and acquires by the rules of the
 * specification (transactions are atomic, duplicates are refused, associations go with their
 * filter), orders filters most specific first, and does what the functions below tell it.
 */

struct kernel *kernel_fake_new(void);

/* The calls that can be made to fail; the dumps fail, too. */
enum kernel_fake_call {
	KERNEL_FAKE_STATUS_GET,
	KERNEL_FAKE_MODE_SET,
	KERNEL_FAKE_DIAG_SET,
	KERNEL_FAKE_FILTERS_REPLACE,
	KERNEL_FAKE_FILTERS_CHECK,
	KERNEL_FAKE_FILTERS_ADD,
	KERNEL_FAKE_FILTERS_DEL,
	KERNEL_FAKE_FILTERS_CHANGE,
	KERNEL_FAKE_FILTER_DUMP,
	KERNEL_FAKE_SPI_ALLOC,
	KERNEL_FAKE_SA_NEW,
	KERNEL_FAKE_SA_DEL,
	KERNEL_FAKE_SA_DUMP,
	KERNEL_FAKE_SA_FLUSH,
	KERNEL_FAKE_ACQUIRE_END,
	KERNEL_FAKE_ACQUIRE_DUMP,
	KERNEL_FAKE_STATISTICS_GET,
	KERNEL_FAKE_MATCH,
	KERNEL_FAKE_N_CALLS,
};

/* The next @times such calls fail with @error (negative) and the sentence, which is not copied. */
void kernel_fake_fail(struct kernel *kernel, enum kernel_fake_call call, unsigned int times,
		      int error, const char *why);
/* How often it was called, failures included. */
unsigned int kernel_fake_count(const struct kernel *kernel, enum kernel_fake_call call);

/*
 * An acquire of a packet with this flow, by the filter that decides it; its id, or 0 if none
 * does.
 */
uint32_t kernel_fake_packet(struct kernel *kernel, const struct kernel_flow *flow);
/* An acquire event whatever the tables say; kept for acquire_dump() if @is_kept. */
void kernel_fake_acquire(struct kernel *kernel, const struct kernel_acquire *acquire, bool is_kept);
/* The association's event; hard and idle remove it (idle also its pair). */
void kernel_fake_expire(struct kernel *kernel, enum ipsecdrv_lifetime_kind kind, uint32_t spi,
			enum ipsecdrv_direction direction);
/* Packets have gone through the association, the last one so many seconds ago. */
void kernel_fake_traffic(struct kernel *kernel, uint32_t spi, enum ipsecdrv_direction direction,
			 uint64_t packets, uint32_t idle_seconds);
/* The inbound association's peer was seen there. */
void kernel_fake_mapping(struct kernel *kernel, uint32_t spi, const struct ip_addr *peer,
			 uint16_t port);
/* A record and a row of a summary, as the driver would send them. */
void kernel_fake_drop(struct kernel *kernel, const struct kernel_drop *drop);
void kernel_fake_drop_count(struct kernel *kernel, const struct kernel_drop_count *count);
/* The listener's buffer overflowed: events not dispatched are gone, and it will be told. */
void kernel_fake_lose_events(struct kernel *kernel);

/* What is in force, in the order of the search; borrowed until the next call. */
const struct kernel_filter *kernel_fake_filters(const struct kernel *kernel, size_t *ret_n);
const struct kernel_sa *kernel_fake_sas(const struct kernel *kernel, size_t *ret_n);
/* The time of all that have ended is over, and nobody waits for the others. */
void kernel_fake_forget_acquires(struct kernel *kernel);
const struct kernel_acquire *kernel_fake_acquires(const struct kernel *kernel, size_t *ret_n);
enum ipsecdrv_mode kernel_fake_mode(const struct kernel *kernel);
/* How many filters there were when the mode was set last. */
size_t kernel_fake_filters_at_mode(const struct kernel *kernel);
/* hold_seconds of the last acquire_end() */
uint32_t kernel_fake_hold(const struct kernel *kernel);

#endif /* NL_KERNEL_FAKE_H */
