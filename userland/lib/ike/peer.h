/* SPDX-License-Identifier: MIT */
#ifndef IKE_PEER_H
#define IKE_PEER_H

#include "ike/core.h"
#include "ike/dpd.h"

/*
 * Everything with one pair of addresses. Quick modes wait here until one of the main modes can
 * carry them.
 */
struct ike_peer {
	struct table_node node;
	TAILQ_ENTRY(ike_peer) link;
	TAILQ_ENTRY(ike_peer) check_link;
	bool is_checked;
	struct ip_addr local;
	struct ip_addr remote;
	uint16_t local_port;		/* where main modes that we start go */
	uint16_t remote_port;
	uint32_t scope;
	struct mm_list mms;		/* newest first */
	struct qm_list qms;
	struct child_list children;
	size_t n_mms;
	size_t n_qms;
	struct request policy_request;	/* for a main mode that we start without an acquire */
	bool is_conditional;		/* it is asked for only if data moves */
	bool has_failed;		/* a main mode has, while another was on its way, which decides */
	struct timer timer;
	struct dpd dpd;
};

struct ike_peer *peer_find(const struct ike_engine *engine, const struct ip_addr *local,
			   const struct ip_addr *remote);
/* Finds or makes it; NULL when out of memory. */
struct ike_peer *peer_get(struct ike_engine *engine, const struct ike_path *path);
/*
 * Something has changed. Before the running call ends, quick modes that wait are served, and the
 * peer is freed if nothing is left in it.
 */
void peer_put(struct ike_engine *engine, struct ike_peer *peer);
/* Serves; true if something was done that may need another round. */
bool peer_run_checks(struct ike_engine *engine);
void peer_bury(struct ike_engine *engine);

struct ike_path peer_path(const struct ike_peer *peer);

/* The main mode that a new quick mode should use: newest, established, with quick modes left. */
struct ike_mm *peer_usable_mm(const struct ike_peer *peer);
/* A main mode that we began is on its way. */
bool peer_is_starting(const struct ike_peer *peer);
/*
 * Asks for the policy and starts a main mode then; harmless while one is on its way.
 * @active_seconds: only if data has moved within these; 0: in any case.
 */
void peer_renew_mm(struct ike_engine *engine, struct ike_peer *peer, uint32_t active_seconds);
void peer_policy_reply(struct ike_engine *engine, struct ike_peer *peer,
		       const struct ike_mm_policy *policy);
/*
 * A main mode has ended without success, or could not begin: the quick modes that wait fail for the
 * same reason. If another one is on its way, the peer's too, they wait for that, and none is begun.
 */
void peer_mm_failed(struct ike_engine *engine, struct ike_peer *peer, enum ike_reason reason,
		    bool is_at_peer, bool has_answered, const char *text);

#endif
