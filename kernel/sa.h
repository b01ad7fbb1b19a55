/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * One security association from the inside, and the table that holds it. For the files that make
 * associations work; everybody else has sad.h. States and transitions: sa.c.
 */
#ifndef IPD_SA_H
#define IPD_SA_H

#include <linux/atomic.h>
#include <linux/cache.h>
#include <linux/hrtimer.h>
#include <linux/llist.h>
#include <linux/refcount.h>
#include <linux/rhashtable-types.h>
#include <linux/spinlock.h>
#include <linux/types.h>
#include <linux/workqueue.h>
#include <linux/xarray.h>
#include <net/dst_cache.h>

#include "crypto.h"
#include "mapping.h"
#include "natt.h"
#include "sad.h"

struct ipd_parallel;
struct ipd_proto_ops;
struct ipd_replay;

/* A limit on bytes or packets. What is taken was promised to some CPU, which may not use all. */
struct ipd_sa_limit {
	u64 soft;		/* U64_MAX is none */
	u64 hard;
	u64 block;		/* what a CPU takes at a time at least */
	atomic64_t taken;
};

/* per CPU; written with bottom halves off */
struct ipd_sa_counters {
	u64 bytes;
	u64 packets;
	u64 byte_credit;	/* taken of the limits and not used yet */
	u64 packet_credit;
	u64 replay_drops;
	u64 integrity_drops;
};

/* in ipd_sad.attention; beside the kinds of lifetimes */
#define IPD_SA_PENDING_LISTED	(BITS_PER_LONG - 1)
#define IPD_SA_PENDING_MAPPING	(BITS_PER_LONG - 2)	/* the peer is elsewhere */

struct ipd_sa {
	/* fixed once the association can be found */
	const struct ipd_proto_ops *proto;
	struct ipd_crypto crypto;
	struct ipd_sa_counters __percpu *counters;	/* NULL while larval */
	struct ipd_replay *replay;
	struct ipd_parallel *parallel;	/* NULL: packets are worked on where they come */
	struct ipd_sad *sad;
	struct ipd_sa *outer;		/* ESP of a bundle: the AH one around it, with a reference */
	__be32 inner_spi;		/* AH of a bundle: the ESP one inside; else 0 */
	struct dst_cache route;		/* outbound in tunnel mode: of protected packets */
	bool is_limited;		/* in bytes or packets */
	u8 state;			/* enum ipsecdrv_sa_state; READ_ONCE; ipd_sa_set_state() */
	struct ipd_sa_params params;
	unsigned long id;		/* in order of creation */
	u32 acquire_id;
	u32 born;			/* seconds; ipd_sad.now */

	/* by every packet */
	atomic64_t sequence ____cacheline_aligned_in_smp;	/* last one sent */
	u32 last_used;			/* READ_ONCE/WRITE_ONCE */
	spinlock_t replay_lock;		/* bottom halves off */
	struct ipd_mapping mapping;	/* in UDP */
	struct ipd_sa_limit bytes;
	struct ipd_sa_limit packets;

	/* life */
	spinlock_t lock ____cacheline_aligned_in_smp;	/* changes of state; _bh */
	refcount_t refs;
	unsigned long pending;		/* bits: enum ipsecdrv_lifetime_kind to announce, and above */
	struct llist_node attention;
	struct rcu_work free_work;

	/* under cfg_mutex */
	bool is_linked;			/* in the tables */
	bool is_attached;		/* to its negotiation */
	u32 due;			/* when the wheel looks at it again */
	u32 kept_alive;			/* second of the last keepalive, or of birth */
	struct rhash_head node;
	struct hlist_node wheel;
	struct hlist_node flow;		/* outbound: by filter and selector */
};

#define IPD_WHEEL_SLOTS		256
#define IPD_FLOW_SLOTS		256

/* per CPU; index is enum ipsecdrv_direction */
struct ipd_sad_counters {
	u64 confidential[2];
	u64 authenticated[2];
	u64 transport[2];
	u64 tunnel[2];
	u64 copies[2];			/* packets that had to be copied to be worked on */
};

struct ipd_sad {
	struct ipd_net *ipd;
	struct ipd_sad_counters __percpu *counters;
	struct rhashtable inbound;	/* by SPI, which is unique */
	struct rhashtable outbound;	/* by destination, SPI and protection */
	u32 now;			/* seconds; READ_ONCE outside of the work */

	/* lifetimes; all but attention under cfg_mutex */
	struct hrtimer alarm;		/* for the work, every second */
	struct work_struct work;
	struct llist_head attention;
	bool is_stopped;		/* READ_ONCE/WRITE_ONCE */
	u32 ticked;			/* the second that the wheel has turned to */
	struct hlist_head wheel[IPD_WHEEL_SLOTS];

	/* under cfg_mutex */
	struct xarray all;		/* by id; readers under RCU */
	unsigned long last_id;
	struct hlist_head flows[IPD_FLOW_SLOTS];
	u32 larval, active;
	u32 pairs, tunnels;		/* of those active */
	u32 in_udp;			/* inbound ones; READ_ONCE/WRITE_ONCE */
	bool had_routes;		/* there were associations that remember one */
	u64 additions, deletions, rekeys;	/* of pairs */
};

/* how a larval association goes, in seconds */
#define IPD_LARVAL_SECONDS	60

/* --- sa.c ------------------------------------------------------------- */

/* of the module; for freeing associations and for the work of lifetime.c */
extern struct workqueue_struct *ipd_sa_queue;

int ipd_sa_init(void);
void ipd_sa_exit(void);

/* A larval association with one reference; process context; NULL without memory. */
struct ipd_sa *ipd_sa_new_larval(struct ipd_sad *sad, const struct ipd_sa_config *config);
/* The same with keys, ready to become mature; ERR_PTR() with extack. @config has been checked. */
struct ipd_sa *ipd_sa_new(struct ipd_sad *sad, const struct ipd_sa_config *config,
			  struct netlink_ext_ack *extack);

/*
 * Moves on to @state. False, and nothing changes, when the association is already there or past
 * it. Any context.
 */
bool ipd_sa_set_state(struct ipd_sa *sa, u8 state);

/*
 * Takes a packet of @bytes from the limits and counts it. False when a hard limit does not allow
 * it: the association is dead then. Bottom halves off.
 */
bool ipd_sa_charge(struct ipd_sa *sa, u32 bytes);

/* What @payload bytes become, all headers and trailers included, those of a bundle's AH too. */
unsigned int ipd_sa_grown(const struct ipd_sa *sa, u8 family, unsigned int payload);
/* the largest payload that does not become more than @room bytes; -1 if none */
int ipd_sa_payload_max(const struct ipd_sa *sa, u8 family, unsigned int room);
/* room for the headers that a bundle, or UDP, puts around this association's */
unsigned int ipd_sa_outer_len(const struct ipd_sa *sa, u8 family);

/* A lifetime ended: changes the state at once and has the event sent. Any context. */
void ipd_sa_expire(struct ipd_sa *sa, u8 kind);

static inline bool ipd_sa_is_tunnel(const struct ipd_sa *sa)
{
	return sa->params.encapsulation == IPSECDRV_ENCAPSULATION_TUNNEL;
}

/*
 * Whether the outer IP header of a tunnel goes on and comes off with it. AH of a bundle is for the
 * same traffic as the ESP inside, and protects what that has made: outer header and all.
 */
static inline bool ipd_sa_wraps(const struct ipd_sa *sa)
{
	return ipd_sa_is_tunnel(sa) && !sa->inner_spi;
}

/* whether its ESP is in UDP */
static inline bool ipd_sa_is_in_udp(const struct ipd_sa *sa)
{
	return sa->params.encap_local_port;
}

static inline unsigned int ipd_sa_udp_len(const struct ipd_sa *sa)
{
	return ipd_sa_is_in_udp(sa) ? IPD_NATT_HEADER_LEN : 0;
}

/* notes that the association was used */
static inline void ipd_sa_touch(struct ipd_sa *sa)
{
	u32 now = READ_ONCE(sa->sad->now);

	if (READ_ONCE(sa->last_used) != now)
		WRITE_ONCE(sa->last_used, now);
}

/* the last sequence number that the association may send */
static inline u64 ipd_sa_last_number(const struct ipd_sa_params *params)
{
	return params->esn ? U64_MAX : U32_MAX;
}

/* --- sa_check.c ------------------------------------------------------- */

/* Whether an association may be made as @config says; errors with extack. */
int ipd_sa_check(const struct ipd_sa_config *config, struct netlink_ext_ack *extack);
/* the same for the larval association that reserves an SPI */
int ipd_sa_check_larval(const struct ipd_sa_config *config, struct netlink_ext_ack *extack);

/* --- sad.c ------------------------------------------------------------ */

/* The inbound association of a packet; RCU. */
struct ipd_sa *ipd_sad_lookup(struct ipd_sad *sad, u8 family, const union nf_inet_addr *local,
			      __be32 spi, u8 protection);

/* The outbound association of a packet that somebody quotes; RCU. */
struct ipd_sa *ipd_sad_lookup_outbound(struct ipd_sad *sad, u8 family,
				       const union nf_inet_addr *remote, __be32 spi,
				       u8 protection);

/* The association of the other direction, or NULL; cfg_mutex. */
struct ipd_sa *ipd_sad_pair(const struct ipd_sa *sa);

/* The other association of the bundle, in the same direction, or NULL; cfg_mutex. */
struct ipd_sa *ipd_sad_bundled(const struct ipd_sa *sa);

/* Takes it, and its bundle, out of the tables, dead, and drops their references; cfg_mutex. */
void ipd_sad_remove(struct ipd_sa *sa);

/* --- lifetime.c; cfg_mutex unless it says otherwise -------------------- */

void ipd_lifetime_init(struct ipd_sad *sad);	/* no lock */
void ipd_lifetime_stop(struct ipd_sad *sad);	/* process context, not under cfg_mutex */
void ipd_lifetime_exit(struct ipd_sad *sad);	/* process context, after it and the last packet */
void ipd_lifetime_add(struct ipd_sa *sa);	/* sets born and starts the clock */
void ipd_lifetime_remove(struct ipd_sa *sa);
/* has the work look at sa->pending soon; any context */
void ipd_lifetime_attend(struct ipd_sa *sa);

#endif /* IPD_SA_H */
