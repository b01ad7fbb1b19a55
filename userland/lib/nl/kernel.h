/* SPDX-License-Identifier: MIT */
#ifndef NL_KERNEL_H
#define NL_KERNEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <linux/ipsecdrv.h>

#include "base/addr.h"
#include "base/cleanup.h"

/*
 * The driver as a struct of calls. kernel_genl.h makes the real one, kernel_fake.h one for tests.
 * Meaning and limits of every field: Documentation/netlink/specs/ipsecdrv.yaml.
 *
 * Calls are answered before they return; netlink does not sleep on the network. They return 0 or
 * -errno, out-parameters are untouched on failure, and kernel->why then holds the driver's sentence
 * (or one that says what went wrong on the way). Ports, SPIs and numbers are in host order.
 */

#define KERNEL_WHY_LEN 512
#define KERNEL_INTERFACE_LEN 16

struct kernel;

/* --- what the calls carry ----------------------------------------------------------------- */

struct kernel_status {
	enum ipsecdrv_mode mode;
	enum ipsecdrv_mode startup_mode;	/* that it began in */
	uint32_t generation;
	uint32_t filters;
	uint32_t tuples;
	uint8_t exempt_level;
	uint32_t event_number;
	uint8_t diag_level;
	uint32_t log_interval;
};

struct kernel_filter_side {
	enum ipsecdrv_address_class class;
	struct ip_addr addr; /* class mask: masked; family as the filter's. Class me: none. */
	struct ip_addr mask;
	uint16_t port;			/* 0 is any */
};

struct kernel_filter {
	uint32_t id;
	uint8_t family;			/* AF_INET, AF_INET6 */
	enum ipsecdrv_filter_class class;
	struct kernel_filter_side local;
	struct kernel_filter_side remote;
	uint8_t protocol;		/* 0 is any */
	enum ipsecdrv_action outbound;
	enum ipsecdrv_action inbound;
	struct ip_addr tunnel_local;	/* class tunnel */
	struct ip_addr tunnel_remote;
	enum ipsecdrv_connection connection;
	char interface[KERNEL_INTERFACE_LEN];	/* "" is every one of the connection type */
	/* answers only */
	uint32_t weight;
	uint64_t outbound_hits;
	uint64_t inbound_hits;
};

struct kernel_selector {
	struct ip_addr local;
	struct ip_addr remote;
	uint8_t local_prefix;
	uint8_t remote_prefix;
	uint8_t protocol;
	uint16_t local_port;
	uint16_t remote_port;
};

struct kernel_lifetime {		/* 0 is no limit */
	uint64_t soft_bytes, hard_bytes;
	uint64_t soft_packets, hard_packets;
	uint32_t soft_seconds, hard_seconds;
	uint32_t idle_seconds;
};

/* One direction. Keys are in requests only: wipe what has them. */
struct kernel_sa {
	uint32_t spi;
	enum ipsecdrv_protection protection;
	enum ipsecdrv_direction direction;
	enum ipsecdrv_encapsulation encapsulation;
	struct ip_addr local;		/* endpoints */
	struct ip_addr remote;
	uint32_t filter_id;
	struct kernel_selector selector;
	bool has_selector;
	enum ipsecdrv_cipher cipher;
	enum ipsecdrv_integrity integrity;
	uint8_t cipher_key[IPSECDRV_MAX_KEY_LEN];
	size_t cipher_key_len;
	uint8_t integrity_key[IPSECDRV_MAX_KEY_LEN];
	size_t integrity_key_len;
	uint32_t replay_window;		/* 0 in a request: the driver's default */
	struct kernel_lifetime lifetime;
	uint32_t pair_spi;		/* 0 is none, also below */
	uint32_t bundle_spi;
	uint16_t encap_local_port;
	uint16_t encap_remote_port;
	bool encap_follow;		/* the peer's port; inbound */
	uint32_t encap_keepalive;	/* seconds; outbound; 0 is none */
	bool esn;
	bool parallel;
	uint32_t acquire_id;
	/* answers only */
	enum ipsecdrv_sa_state state;
	uint64_t sequence;
	uint64_t bytes;
	uint64_t packets;
	uint32_t age_seconds;
	uint32_t idle_seconds;
	uint64_t replay_drops;
	uint64_t integrity_drops;
	uint32_t under_way;
};

struct kernel_flow {
	enum ipsecdrv_direction direction;
	struct ip_addr source;
	struct ip_addr destination;
	uint8_t protocol;
	uint16_t source_port;
	uint16_t destination_port;
	char interface[KERNEL_INTERFACE_LEN];	/* match: "" is that of the route */
	enum ipsecdrv_connection connection;	/* match: instead of an interface */
};

struct kernel_acquire {
	uint32_t id;
	uint32_t filter_id;
	struct kernel_selector selector;
	struct kernel_flow flow;	/* of the packet that asked */
	bool has_ended;			/* dump only: failed or soft, and not forgotten yet */
	enum ipsecdrv_acquire_result result;
};

struct kernel_match {
	enum ipsecdrv_mode mode;
	enum ipsecdrv_verdict verdict;
	enum ipsecdrv_pass_reason pass_reason;
	enum ipsecdrv_drop_reason drop_reason;
	enum ipsecdrv_action action;
	bool has_filter;
	struct kernel_filter filter;
	bool has_sa;
	struct kernel_sa sa;
	uint32_t acquire_id;		/* 0 is none */
	char interface[KERNEL_INTERFACE_LEN];	/* it was judged for; "" is not known */
	enum ipsecdrv_connection connection;	/* of that; all is not known */
};

struct kernel_statistics {
	uint32_t active_sas;
	uint32_t active_pairs;		/* keys, rekeys and tunnels are counted in these, too */
	uint32_t larval_sas;
	uint64_t key_additions;
	uint64_t key_deletions;
	uint64_t rekeys;
	uint32_t active_tunnels;
	uint64_t confidential_bytes_out, confidential_bytes_in;
	uint64_t authenticated_bytes_out, authenticated_bytes_in;
	uint64_t transport_bytes_out, transport_bytes_in;
	uint64_t tunnel_bytes_out, tunnel_bytes_in;
	uint64_t acquires;
	uint64_t acquire_failures;
	uint32_t held_packets;
	uint32_t held_bytes;
	uint64_t flow_hits, flow_misses;
	uint64_t events_lost;
	uint64_t drops[IPSECDRV_DROP_MAX + 1];
};

/* A packet that was dropped, where the diagnostic level asks for a record of each. */
struct kernel_drop {
	uint64_t time;			/* nanoseconds since 1970 */
	enum ipsecdrv_direction direction;
	enum ipsecdrv_drop_reason reason;
	bool has_flow;			/* else its headers could not be read */
	struct kernel_flow flow;
	uint32_t spi;			/* 0 is none, also below */
	uint32_t filter_id;
	char interface[KERNEL_INTERFACE_LEN];	/* "" is none */
	uint32_t length;		/* of the packet */
	uint8_t shown[IPSECDRV_MAX_SHOWN];	/* its first bytes */
	size_t shown_len;
	uint64_t left_out;		/* packets before it without a record */
};

/* A row of a summary. */
struct kernel_drop_count {
	enum ipsecdrv_drop_reason reason;
	struct ip_addr peer;		/* none: all peers without a row of their own */
	uint64_t packets;
	uint32_t seconds;		/* in which they came */
};

/* Called by diag_dispatch(), with the limits of the calls below. */
struct kernel_diag_handler {
	void (*drop)(void *userdata, const struct kernel_drop *drop);
	void (*count)(void *userdata, const struct kernel_drop_count *count);
	void *userdata;
};

/* Called by event_dispatch(). They may call the kernel's calls, but not event_dispatch(). */
struct kernel_event_handler {
	void (*acquire)(void *userdata, const struct kernel_acquire *acquire);
	void (*expire)(void *userdata, enum ipsecdrv_lifetime_kind kind,
		       const struct kernel_sa *sa);
	void (*mode)(void *userdata, enum ipsecdrv_mode mode);
	/* @sa: inbound; its peer was seen there */
	void (*mapping)(void *userdata, const struct kernel_sa *sa, const struct ip_addr *peer,
			uint16_t port);
	/* Events are missing: what acquire_dump() and sa_dump() say now is the truth. */
	void (*lost)(void *userdata);
	void *userdata;
};

/* --- the calls ---------------------------------------------------------------------------- */

struct kernel_ops {
	int (*status_get)(struct kernel *kernel, struct kernel_status *ret_status);
	/* @exempt_level: 0 to 3, or -1 to leave it */
	int (*mode_set)(struct kernel *kernel, enum ipsecdrv_mode mode, int exempt_level);
	/* @level: 0 to 7; @log_interval: in seconds */
	int (*diag_set)(struct kernel *kernel, uint8_t level, uint32_t log_interval);

	/*
	 * All filters in one step: all of these are in force, or none of them and what was
	 * before.
	 */
	int (*filters_replace)(struct kernel *kernel, const struct kernel_filter *filters,
			       size_t n);
	/* What filters_replace() would say now; changes nothing. */
	int (*filters_check)(struct kernel *kernel, const struct kernel_filter *filters, size_t n);
	/* To what is in force, all or none; -E2BIG when they do not fit into one message. */
	int (*filters_add)(struct kernel *kernel, const struct kernel_filter *filters, size_t n);
	int (*filters_del)(struct kernel *kernel, const uint32_t *ids, size_t n);
	/* Both in one step: what is named goes, what is given comes; as filters_add(). */
	int (*filters_change)(struct kernel *kernel, const uint32_t *removed, size_t n_removed,
			      const struct kernel_filter *added, size_t n_added);
	/*
	 * Dumps are consistent: retried until no change came between. The caller frees the array.
	 */
	int (*filter_get)(struct kernel *kernel, uint32_t id, struct kernel_filter *ret_filter);
	int (*filter_dump)(struct kernel *kernel, struct kernel_filter **ret_filters,
			   size_t *ret_n);

	/* @sa: protection, endpoints, acquire_id */
	int (*spi_alloc)(struct kernel *kernel, const struct kernel_sa *sa, uint32_t *ret_spi);
	int (*sa_new)(struct kernel *kernel, const struct kernel_sa *sas, size_t n);
	/* @sa: spi, protection, direction, endpoints */
	int (*sa_del)(struct kernel *kernel, const struct kernel_sa *sa);
	int (*sa_get)(struct kernel *kernel, const struct kernel_sa *sa, struct kernel_sa *ret_sa);
	int (*sa_dump)(struct kernel *kernel, struct kernel_sa **ret_sas, size_t *ret_n);
	int (*sa_flush)(struct kernel *kernel);

	/* @hold_seconds 0: the driver's default for the result */
	int (*acquire_end)(struct kernel *kernel, uint32_t id, enum ipsecdrv_acquire_result result,
			   uint32_t hold_seconds);
	int (*acquire_dump)(struct kernel *kernel, struct kernel_acquire **ret_acquires,
			    size_t *ret_n);
	int (*statistics_get)(struct kernel *kernel, struct kernel_statistics *ret_statistics);
	int (*match)(struct kernel *kernel, const struct kernel_flow *flow,
		     struct kernel_match *ret_match);

	/* Readable when event_dispatch() has something to do. */
	int (*event_fd)(struct kernel *kernel);
	/* Handles what is there, at most a few hundred events, and does not wait. */
	int (*event_dispatch)(struct kernel *kernel, const struct kernel_event_handler *handler);

	/* The same for diagnostics, which may be many and may be missed. */
	int (*diag_fd)(struct kernel *kernel);
	int (*diag_dispatch)(struct kernel *kernel, const struct kernel_diag_handler *handler);

	struct kernel *(*free)(struct kernel *kernel);
};

struct kernel {
	const struct kernel_ops *ops;
	char why[KERNEL_WHY_LEN];	/* of the last call that failed */
};

static inline struct kernel *kernel_free(struct kernel *kernel)
{
	return kernel ? kernel->ops->free(kernel) : NULL;
}
DEFINE_CLEANUP(struct kernel *, kernel_free);

/* Same traffic (family, class, sides, protocol, ports, tunnel), whatever ids and actions. */
bool kernel_filter_is_same_traffic(const struct kernel_filter *a, const struct kernel_filter *b);
/* A total order of exactly that, for searching and sorting. */
int kernel_filter_compare_traffic(const struct kernel_filter *a, const struct kernel_filter *b);

/* "me <-> 10.0.0.0/24 TCP 0 445": for sentences. Returns @buf. */
#define KERNEL_FILTER_STRLEN 256
const char *kernel_filter_format(const struct kernel_filter *filter,
				 char buf[static KERNEL_FILTER_STRLEN]);

#endif /* NL_KERNEL_H */
