/* SPDX-License-Identifier: MIT */
#ifndef AGENT_NEGOTIATE_INTERNAL_H
#define AGENT_NEGOTIATE_INTERNAL_H

#include "agent/negotiate.h"
#include "base/siphash.h"
#include "ike/table.h"

/*
 * Shared by negotiate.c (what changes all of it), jobs.c (what the driver waits for), grants.c (what
 * peers are allowed), install.c (what is installed), pairs.c (how that is found), soft.c (who is talked
 * to in clear), memory.c (what is remembered), traffic.c (what moves) and gone.c (whose address is gone).
 */

/* What the driver waits for. */
struct job {
	struct job *next;
	uint64_t id;			/* for IKE: never used again */
	uint32_t driver_id;		/* the driver's last name for it */
	uint32_t filter_id;
	struct ike_selector selector;
	struct ip_addr local;		/* who negotiates: the hosts, or the ends of a tunnel */
	struct ip_addr remote;
	bool is_sent;
};

/* What the filters allow a peer, or a rekey. */
struct grant {
	struct grant *next;
	uint32_t filter_id;
	bool is_initiator;
	bool is_response;		/* the default response rule's: its filter may not be there yet */
	struct ike_selector selector;
	uint64_t until;
};

/* An SPI that the driver has reserved for IKE. */
struct larval {
	struct larval *next;
	uint32_t spi;
	enum ike_protocol protocol;
	struct ip_addr local;
	struct ip_addr remote;
	uint64_t until;
};

/* In the index of SPIs; the address in it is the peer's. */
struct pair_end {
	struct table_node node;
	size_t suite;
};

/* A pair of associations (or of bundles) in the driver. */
struct pair {
	struct pair *next;
	struct pair **prev_next;
	struct table_node by_id;	/* while it is known */
	struct pair_end in[IKE_SUITES_MAX];
	struct pair_end out[IKE_SUITES_MAX];
	struct ike_sa_install install;	/* without keys */
	unsigned int present[IKE_SUITES_MAX];	/* enum ike_direction, in the driver */
	bool is_known;			/* IKE has it under install.qm_id */
	bool is_dying;			/* past a soft lifetime */
	bool is_homeless;		/* its address was not this host's at the last look */
};

/* A soft association that the driver had when it was looked at last. */
struct soft {
	struct soft *next;
	uint32_t driver_id;		/* of the negotiation */
	uint32_t filter_id;
	struct ike_selector selector;
};

struct main_mode {
	struct main_mode *next;
	struct main_mode **prev_next;
	struct table_node by_id;
	uint64_t id;
	struct ip_addr local;
	struct ip_addr remote;
	uint64_t version;		/* of the rule that it was made by */
	bool is_homeless;		/* as a pair */
};

struct failure {
	struct failure *next;		/* newest first */
	struct negotiate_failure failure;
};

struct negotiate {
	struct negotiate_config config;
	struct layers *layers;
	struct layers *old_layers;	/* owned: what main modes under way were begun by */
	uint64_t changed_at;
	struct job *jobs;
	struct grant *grants;		/* newest first, as all lists */
	struct larval *larvals;
	struct pair *pairs;
	struct soft *softs;
	struct main_mode *mms;
	struct failure *failures;
	struct siphash_key hash_key;	/* of the tables */
	struct table pairs_by_id;
	struct table pairs_in;		/* by peer and SPI */
	struct table pairs_out;
	struct table mms_by_id;
	size_t n_jobs, n_grants, n_larvals, n_pairs, n_softs, n_mms, n_failures;
	uint64_t last_job_id;
	uint64_t last_qm_id;		/* of pairs that IKE has not named */
	uint64_t soft_associations;
	uint64_t refused;
	uint64_t refused_since;		/* window of the limit on audit lines */
	unsigned int refused_in_window;
	char gss_name[IKE_GSS_NAME_MAX_LEN + 1];	/* of this host; "": it has none */
	bool is_up;
	bool is_paused;
	bool is_listing;		/* IKE's main modes have been asked for */
	bool is_list_stale;		/* and policy has changed since */
	bool is_moved;			/* addresses have changed since the last look */
};

/* --- negotiate.c -------------------------------------------------------------------------- */

uint64_t negotiate_now(const struct negotiate *negotiate);
bool negotiate_is_me(struct negotiate *negotiate, const struct ip_addr *addr);
/* Counts and logs, not more than a few lines per second. Returns -EPERM. */
int negotiate_refuse(struct negotiate *negotiate, const char *what, const struct ike_path *path,
		     uint32_t filter_id, const char *why);
/* A filter that negotiates, or NULL. */
const struct layer_filter *negotiate_filter(const struct negotiate *negotiate, uint32_t id);
/* Main mode's rule, for initiators and responders alike. */
const struct layer_mm *negotiate_find_mm(struct negotiate *negotiate, const struct ip_addr *local,
					 const struct ip_addr *remote);
/* The same for what is negotiated by one filter: see layers_find_mm_of(). */
const struct layer_mm *negotiate_find_mm_of(struct negotiate *negotiate,
					    const struct layer_filter *filter,
					    const struct ip_addr *local,
					    const struct ip_addr *remote);
/* Removes the filter, if it is one of these and has no pair any more. */
void negotiate_close_response(struct negotiate *negotiate, uint32_t filter_id);

/* --- jobs.c ------------------------------------------------------------------------------- */

struct job *negotiate_find_job(const struct negotiate *negotiate, uint64_t id);
struct job *negotiate_find_same_job(const struct negotiate *negotiate, uint32_t filter_id,
				    const struct ike_selector *selector);
/* Gives IKE what it has not got yet, if it may. */
void negotiate_send_jobs(struct negotiate *negotiate);
/* The association that it was for is there. */
void negotiate_finish_job(struct negotiate *negotiate, uint32_t filter_id,
			  const struct ike_selector *selector);
/* IKE is told; whether there were any. */
bool negotiate_drop_jobs(struct negotiate *negotiate, uint32_t filter_id);
/* Those that the driver does not wait for any more. */
void negotiate_drop_stale_jobs(struct negotiate *negotiate, const struct kernel_acquire *acquires,
			       size_t n);
/* IKE is gone: the next one gets them. */
void negotiate_take_back_jobs(struct negotiate *negotiate);
void negotiate_clear_jobs(struct negotiate *negotiate);

/* --- grants.c ----------------------------------------------------------------------------- */

/* The grant is used up: it was for one pair. */
bool negotiate_take_grant(struct negotiate *negotiate, const struct ike_sa_install *install);
/* Whether there were any. */
bool negotiate_drop_grants(struct negotiate *negotiate, uint32_t filter_id);
void negotiate_clear_grants(struct negotiate *negotiate);

/*
 * The filter of the default response rule that a grant is for, made now. NULL: no grant, or the
 * driver does not take it.
 */
const struct layer_filter *negotiate_open_response(struct negotiate *negotiate,
						   const struct ike_sa_install *install);

/* --- pairs.c ------------------------------------------------------------------------------ */

/* Without keys, and nothing of it in the driver yet. NULL without memory, or with too many. */
struct pair *pair_add(struct negotiate *negotiate, const struct ike_sa_install *install);
void pair_remove(struct negotiate *negotiate, struct pair *pair);
/* IKE has it under this name, or under none. */
void pair_set_known(struct negotiate *negotiate, struct pair *pair, uint64_t qm_id);
void pair_set_unknown(struct negotiate *negotiate, struct pair *pair);
struct pair *pair_find_known(const struct negotiate *negotiate, uint64_t qm_id);
/* The pair with such an association, and which of its suites it is. */
struct pair *pair_find_by_spi(const struct negotiate *negotiate, enum ike_direction direction,
			      uint32_t spi, enum ike_protocol protocol,
			      const struct ip_addr *remote, size_t *ret_suite);

/* --- install.c ---------------------------------------------------------------------------- */

/* The driver has dropped what was negotiated for this filter. */
void negotiate_forget_pairs(struct negotiate *negotiate, uint32_t filter_id);
bool negotiate_has_pairs(const struct negotiate *negotiate, uint32_t filter_id);
/* Makes the pairs what the driver has. */
void negotiate_read_pairs(struct negotiate *negotiate, const struct kernel_sa *sas, size_t n);
/* Gives IKE the pairs that it does not know. */
void negotiate_adopt_pairs(struct negotiate *negotiate);
/* IKE is gone, and with it the names that it had for them. */
void negotiate_unname_pairs(struct negotiate *negotiate);
void negotiate_clear_larvals(struct negotiate *negotiate);
void negotiate_clear_pairs(struct negotiate *negotiate);

/* Out of the driver, and IKE is told; not the peer, if that cannot be. */
void negotiate_end_pair(struct negotiate *negotiate, struct pair *pair);

/* To IKE: the association has come to a limit, or what else the kinds are. */
void negotiate_tell_expiry(struct negotiate *negotiate, enum ike_expire_kind kind,
			   const struct kernel_sa *sa);

/* --- soft.c ------------------------------------------------------------------------------- */

/* The driver has begun it; another look at one that is known does nothing. */
void negotiate_note_soft(struct negotiate *negotiate, uint32_t driver_id, uint32_t filter_id,
			 const struct ike_selector *selector);
/* Reports those that the driver does not have any more. */
void negotiate_check_softs(struct negotiate *negotiate);
/* Those that the driver has, for an agent that has just started. */
void negotiate_read_softs(struct negotiate *negotiate, const struct kernel_acquire *acquires,
			  size_t n);
void negotiate_clear_softs(struct negotiate *negotiate);

/* --- gone.c ------------------------------------------------------------------------------- */

/* Ends what belongs to addresses that were not this host's at the last look either. */
void negotiate_end_gone(struct negotiate *negotiate);

/* --- traffic.c ---------------------------------------------------------------------------- */

/* Whether a packet has come or gone within the last @seconds; true if the driver cannot tell. */
bool negotiate_has_moved(const struct negotiate *negotiate, const struct pair *pair,
			 uint32_t seconds);
/* By any pair of the two hosts. */
bool negotiate_has_peer_moved(const struct negotiate *negotiate, const struct ike_path *path,
			      uint32_t seconds);

/* --- memory.c ----------------------------------------------------------------------------- */

void negotiate_note_mm(struct negotiate *negotiate, uint64_t mm_id, const struct ike_path *path);
void negotiate_forget_mm(struct negotiate *negotiate, uint64_t mm_id);
void negotiate_clear_mms(struct negotiate *negotiate);
/* Main modes whose rule is another one now are deleted, in IKE too. */
void negotiate_check_mms(struct negotiate *negotiate);
/* After a change of policy from @before, which is taken over: looks at those under way, too. */
void negotiate_check_running(struct negotiate *negotiate, struct layers *before);
void negotiate_forget_old_layers(struct negotiate *negotiate);
/* IKE has said no more than the reason; an event of it says all. */
void negotiate_note_failure(struct negotiate *negotiate, const struct ip_addr *remote,
			    enum ike_reason reason);
void negotiate_note_failed(struct negotiate *negotiate, const struct ike_event *event);
/* Main mode filters leave the two hosts of @job out; told once, until something else comes of it. */
void negotiate_note_no_mm(struct negotiate *negotiate, const struct job *job,
			  const struct ruleset_rule *rule);
void negotiate_forget_failure(struct negotiate *negotiate, const struct ip_addr *remote);
void negotiate_clear_failures(struct negotiate *negotiate);
size_t negotiate_count_failing(const struct negotiate *negotiate);

#endif /* AGENT_NEGOTIATE_INTERNAL_H */
