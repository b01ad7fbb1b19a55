/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the suites of associations, AH and ESP share: the files under test in a namespace that is
 * none, with fakes around them. The files themselves are built once, in sa_driver.c.
 */
#ifndef IPD_SA_TEST_H
#define IPD_SA_TEST_H

#include <kunit/test.h>
#include <linux/netfilter.h>
#include <linux/skbuff.h>

#include "../compat.h"	/* hex2bin(), for those who include this */
#include "../filter.h"
#include "../net.h"
#include "../replay.h"
#include "../sa.h"

#define SA_TEST_SPI	0x10000001
#define SA_TEST_PEER	0x20000002	/* SPI of the outbound association */
#define SA_TEST_FILTER	7
#define SA_TEST_EVENTS	64

struct sa_test_event {
	u8 kind;
	u8 direction;
	__be32 spi;
};

struct sa_test {
	struct ipd_net ipd;
	struct kunit *test;
	struct net_device *dev;			/* the only one; never registered */
	struct ipd_filter filter;		/* the only one; negotiates */

	/* what the fakes saw */
	u32 drops[__IPSECDRV_DROP_MAX];
	u8 last_drop;
	struct sk_buff_head sent;		/* by okfn */
	struct sk_buff_head resumed;		/* inbound, asynchronously */
	struct sa_test_event events[SA_TEST_EVENTS];
	int n_events;
	int n_routes;				/* asked for, by keepalives and tunnels */
	int n_mappings;				/* events of such; the last one's */
	union nf_inet_addr peer;
	__be16 peer_port;
	int n_attached;

	/* what the fakes do */
	int attach_error;			/* for the attach after the next @attach_good */
	int attach_good;
	int send_result;
	struct dst_entry *route;		/* of tunnels; NULL: there is none */
	const u8 *random;			/* what IVs are made of, if not NULL */
	u32 spi_random[8];			/* what SPIs are made of while there are any */
	int n_spi_random;
	bool in_udp;				/* associations and inbound packets are */
	bool esn;				/* of the associations that sa_test_config() makes */
	bool parallel;				/* as well */
	u64 sequence;				/* where these begin */
	bool use_shim;				/* algorithms that complete when the test says so */
	time64_t now;
	bool is_killed;
};

/* as init and exit of a suite; test->priv is the struct sa_test */
int sa_test_init(struct kunit *test);
void sa_test_exit(struct kunit *test);

/* the namespace goes: no packet may go asynchronous any more, and everybody knows */
void sa_test_kill(struct sa_test *t);

/* --- associations --- */

/* transport, keys of bytes 1, 2, 3 ..., inbound with window 64; key_len 0 is the shortest */
void sa_test_config(struct ipd_sa_config *config, u8 family, u8 direction, u8 cipher,
		    unsigned int key_len, u8 integrity);
/* installs it, allocating its SPI when inbound; fails the test if that fails */
struct ipd_sa *sa_test_install(struct sa_test *t, const struct ipd_sa_config *config);
/* both directions of one algorithm: what goes out of one comes in by the other */
void sa_test_pair(struct sa_test *t, u8 family, u8 cipher, unsigned int key_len, u8 integrity,
		  struct ipd_sa **ret_out, struct ipd_sa **ret_in);
void sa_test_delete(struct sa_test *t, struct ipd_sa *sa);
/* whether it may be used */
bool sa_test_is_there(struct sa_test *t, const struct ipd_sa_config *which);
/* how many there are by dumping, larval ones included; they come in the order of creation */
unsigned int sa_test_count(struct sa_test *t);
/* of struct ipd_sa_counters, over all CPUs */
#define SA_TEST_COUNTER(sa, field) sa_test_counter(sa, offsetof(struct ipd_sa_counters, field))
u64 sa_test_counter(const struct ipd_sa *sa, size_t offset);
/* has the work of lifetime.c done, with the clock at @now */
void sa_test_tick(struct sa_test *t, time64_t now);
/* waits until the workers of parallel associations have nothing to do */
void sa_test_settle(void);
/* as if other associations had @n more packets under way, or less */
void sa_test_crowd(s64 n);

/* --- packets --- */

/* a linear packet of @len bytes with room around it; network header set, ready for a hook */
struct sk_buff *sa_test_skb(struct sa_test *t, const u8 *data, unsigned int len,
			    unsigned int headroom, unsigned int tailroom);
/* an IP packet of @protocol with @payload bytes of a pattern, from the local side to the remote */
struct sk_buff *sa_test_packet(struct sa_test *t, u8 family, u8 protocol, unsigned int payload);
/* writes such a packet to @buffer; returns its length */
unsigned int sa_test_write_packet(u8 *buffer, u8 family, u8 protocol, unsigned int payload);

/*
 * Through ipd_sa_output(): the verdict. @ret_skb is the packet that left, by the verdict or by
 * okfn, or NULL. Fails the test when it was neither sent, dropped nor is under way. Packets of a
 * parallel association stay in t->sent.
 */
unsigned int sa_test_output(struct sa_test *t, struct ipd_sa *sa, struct sk_buff *skb,
			    struct sk_buff **ret_skb);
/* Through ipd_sa_input(): its answer; the reason, and the packet is still the caller's. */
int sa_test_input(struct sa_test *t, struct sk_buff *skb, u8 *ret_reason);
/* The same for a packet that came out of *@sa before, if that is not NULL; then what it came out of. */
int sa_test_input_from(struct sa_test *t, struct sk_buff *skb, struct ipd_sa **sa, u8 *ret_reason);

/* a copy of the packet as it would arrive: linear, with the addresses the other way round if told */
struct sk_buff *sa_test_copy(struct sa_test *t, const struct sk_buff *skb);
/* whether the packet, wherever it lies, consists of these bytes */
bool sa_test_is_packet(const struct sk_buff *skb, const u8 *data, unsigned int len);

/* --- algorithms that complete later (shim.c) --- */

int shim_register(void);
void shim_unregister(void);
#define SHIM_AEAD	"ipd-test-rfc4106-gcm-aes"
#define SHIM_AHASH	"ipd-test-hmac-sha1"

enum shim_mode {
	SHIM_NOW,	/* does it, and returns the result */
	SHIM_LATER,	/* -EINPROGRESS; shim_complete() does it */
	SHIM_REFUSE,	/* returns shim_error */
};
extern enum shim_mode shim_mode;
extern int shim_error;

/* requests that wait */
unsigned int shim_pending(void);
/* does the @index-th and completes it: with its result, or with @error if that is not 0 */
void shim_complete(unsigned int index, int error);
/* calls the @index-th one's callback with -EINPROGRESS, as from a backlog */
void shim_announce(unsigned int index);

#endif /* IPD_SA_TEST_H */
