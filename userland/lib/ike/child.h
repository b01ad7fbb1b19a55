/* SPDX-License-Identifier: MIT */
#ifndef IKE_CHILD_H
#define IKE_CHILD_H

#include "ike/core.h"

/* Finds a pair by one of its SPIs. */
struct child_index {
	struct table_node node;
	struct ike_child *child;
	size_t suite;
};

/*
 * An established pair of IPsec SAs. The driver has the keys and enforces the lifetimes; we keep
 * what expiry, rekeying and deletes need.
 */
struct ike_child {
	struct child_index in[IKE_SUITES_MAX];
	struct child_index out[IKE_SUITES_MAX];
	TAILQ_ENTRY(ike_child) peer_link;
	TAILQ_ENTRY(ike_child) dead_link;
	struct ike_peer *peer;
	uint64_t id;
	uint64_t mm_id;			/* main mode that made it */
	struct ike_path path;
	struct ike_selector selector;
	struct ike_suite suites[IKE_SUITES_MAX];
	uint32_t spi_in[IKE_SUITES_MAX];
	uint32_t spi_out[IKE_SUITES_MAX];
	size_t n_suites;
	enum ike_encapsulation encapsulation;
	uint32_t message_id;		/* of its quick mode, decides collisions */
	uint64_t replaces;		/* id of the pair that it renews, 0 if none */
	uint32_t filter_id;
	uint32_t life_seconds;
	uint32_t life_kbytes;
	uint16_t pfs_group;
	uint64_t created_at;
	bool is_initiator;
	bool is_rekeying;
	bool is_replaced;		/* a newer pair does its work */
	bool is_gone;
	struct timer timer;		/* deletion after being replaced, or well past its life */
};

/*
 * From what was installed. Older pairs for the same traffic are replaced (succession.h).
 * @message_id 0: taken over from an earlier process, replaces nothing. NULL when out of memory.
 */
struct ike_child *child_new(struct ike_engine *engine, struct ike_peer *peer,
			    const struct ike_sa_install *install, uint64_t mm_id,
			    uint32_t message_id);
void child_free(struct ike_child *child);
/* Out of everything, nothing is sent. */
void child_unlink(struct ike_engine *engine, struct ike_child *child);

enum child_end {
	CHILD_END_TELL_PEER = 1,	/* send a delete */
	CHILD_END_DEL_SA = 2,		/* take it out of the driver */
};

/* Ends it: reports, and does what @flags say. */
void child_remove(struct ike_engine *engine, struct ike_child *child, enum ike_reason reason,
		  unsigned int flags);

struct ike_child *child_find_in(const struct ike_engine *engine, const struct ip_addr *remote,
				enum ike_protocol protocol, uint32_t spi);
struct ike_child *child_find_out(const struct ike_engine *engine, const struct ip_addr *remote,
				 enum ike_protocol protocol, uint32_t spi);
void child_get_info(const struct ike_engine *engine, const struct ike_child *child,
		    struct ike_qm_info *ret_info);

#endif
