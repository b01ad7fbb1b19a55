/* SPDX-License-Identifier: MIT */
#ifndef AGENT_NEGOTIATE_H
#define AGENT_NEGOTIATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "agent/addresses.h"
#include "agent/layers.h"
#include "ike/engine.h"
#include "link/messages.h"

/*
 * Between the driver, which wants associations, and ipsec-ike, which negotiates them.
 *
 *   driver: acquire --> job: policy of its filter --> IKE ... GetSpi, AddSa --> checks --> driver
 *   peer: main mode --> IKE: PolicyMm, PolicyQm --> grant ... GetSpi, AddSa --> checks --> driver
 *   driver: soft expiry --> IKE: PolicyQm --> grant ... AddSa (replaces) --> checks --> driver
 *
 * IKE is not trusted to know what it may do. An association is installed only when somebody other
 * than IKE has asked for it (a job), or when the filters allow what the peer asked for (a grant,
 * good for one pair of associations and two minutes); and then it must be what sa_check.h
 * demands. Whatever is refused is logged as an audit event.
 *
 * What is not here: a socket, a link, a log format. Time is base/clock's, sleep included.
 */
struct negotiate;

/* Bounds on what a captured or broken IKE can make grow. */
#define NEGOTIATE_JOBS_MAX	IPSECDRV_MAX_ACQUIRES
#define NEGOTIATE_GRANTS_MAX	4096
#define NEGOTIATE_LARVALS_MAX	4096
#define NEGOTIATE_PAIRS_MAX	(IPSECDRV_MAX_SAS / 2)
#define NEGOTIATE_MMS_MAX	100000
#define NEGOTIATE_FAILURES_MAX	1024

#define NEGOTIATE_GRANT_USEC	(120 * UINT64_C(1000000))
#define NEGOTIATE_WATCH_USEC	(10 * UINT64_C(1000000))
#define NEGOTIATE_LARVAL_USEC	(60 * UINT64_C(1000000))	/* the driver's, too */

/* To ipsec-ike. Each returns 0, or -ENOTCONN while it is not there, or another -errno. */
struct negotiate_ike {
	int (*acquire)(void *userdata, const struct ike_acquire *acquire);
	int (*cancel_acquire)(void *userdata, uint64_t acquire_id);
	int (*expire)(void *userdata, const struct link_expire *expire);
	int (*delete_mm)(void *userdata, uint64_t mm_id, enum ike_reason reason);
	int (*delete_filter)(void *userdata, uint32_t filter_id, enum ike_reason reason);
	int (*adopt_sa)(void *userdata, const struct ike_sa_install *install);
	/* Asks for all main modes: negotiate_listed_mm() for each, then negotiate_listed(). */
	int (*list_mm)(void *userdata);
};

struct negotiate_config {
	struct kernel *kernel;
	struct addresses *addresses;
	struct negotiate_ike ike;
	uint64_t (*now)(void);
	void *userdata;
};

struct negotiate *negotiate_new(const struct negotiate_config *config);
struct negotiate *negotiate_free(struct negotiate *negotiate);
DEFINE_CLEANUP(struct negotiate *, negotiate_free);

/*
 * The driver has other filters now. @layers is borrowed; those of the call before are taken over:
 * they are freed when nobody needs them any more. What was negotiated for filters that are gone
 * or changed is forgotten here and in IKE (the driver has dropped it), and so are main modes
 * whose rule is another one, those that are under way included: IKE is asked which there are, and
 * gets no negotiation to start until that is done, or it would go on with what an old rule has
 * begun.
 */
void negotiate_set_layers(struct negotiate *negotiate, struct layers *layers);

/* --- from the driver ---------------------------------------------------------------------- */

void negotiate_acquire(struct negotiate *negotiate, const struct kernel_acquire *acquire);
void negotiate_expire(struct negotiate *negotiate, enum ipsecdrv_lifetime_kind kind,
		      const struct kernel_sa *sa);
/* This host has other addresses than before; the next two looks of negotiate_watch() are at that. */
void negotiate_addresses_changed(struct negotiate *negotiate);
/*
 * To be called every NEGOTIATE_WATCH_USEC: looks for pairs by which packets leave and none come, and
 * tells IKE, which asks the peer whether it is still there; for soft associations that have ended; and
 * for what belongs to addresses that this host does not have any more.
 */
void negotiate_watch(struct negotiate *negotiate);
/* Events were lost, or the agent has started: the driver's tables are the truth. */
void negotiate_resync(struct negotiate *negotiate);

/* --- from the link to ipsec-ike ----------------------------------------------------------- */

/*
 * IKE is there. The caller first tells with negotiate_known_qm() and negotiate_known_mm() what
 * IKE already has (nothing, if it was restarted); then this gives it what the driver has beside
 * that, and the jobs.
 */
void negotiate_ike_up(struct negotiate *negotiate);
void negotiate_ike_down(struct negotiate *negotiate);
/*
 * While paused no job is given to IKE: ipsec-cred has not got the keys yet, so negotiation would
 * fail, and the driver would not try again for a minute.
 */
void negotiate_set_paused(struct negotiate *negotiate, bool is_paused);
/* What ipsec-cred has for the pairs of sides of the layers, in their order, the default one last. */
void negotiate_set_credentials(struct negotiate *negotiate,
			       const struct link_credential_state *state);
void negotiate_known_qm(struct negotiate *negotiate, const struct ike_qm_info *info);
void negotiate_known_mm(struct negotiate *negotiate, const struct ike_mm_info *info);
/* The answer to list_mm(); @error as of the link. */
void negotiate_listed_mm(struct negotiate *negotiate, const struct ike_mm_info *info);
void negotiate_listed(struct negotiate *negotiate, int error);
/* IKE did not take the acquire. */
void negotiate_acquire_refused(struct negotiate *negotiate, uint64_t acquire_id, int error);

/* IKE's calls: 0 and the answer, or the -errno to answer with. */
int negotiate_policy_mm(struct negotiate *negotiate, const struct link_policy_mm_query *query,
			struct ike_mm_policy *ret_policy);
int negotiate_policy_qm(struct negotiate *negotiate, const struct ike_qm_query *query,
			struct ike_qm_policy *ret_policy);
int negotiate_get_spi(struct negotiate *negotiate, const struct ike_spi_request *request,
		      uint32_t *ret_spi);
int negotiate_add_sa(struct negotiate *negotiate, const struct ike_sa_install *install);
void negotiate_del_sa(struct negotiate *negotiate, const struct ike_sa_ref *ref);
void negotiate_acquire_result(struct negotiate *negotiate,
			      const struct link_acquire_result *result);
void negotiate_event(struct negotiate *negotiate, const struct ike_event *event);

/* --- for people --------------------------------------------------------------------------- */

/* With one peer, since the last success with it. */
struct negotiate_failure {
	struct ip_addr remote;
	enum ike_reason reason;		/* of the last one, and so on */
	bool failed_at_peer;
	bool is_quick;			/* in quick mode */
	uint64_t when;
	uint32_t times;
	char text[192];
};

/* The last failure with a peer, or NULL if there was none since the last success. */
const struct negotiate_failure *negotiate_find_failure(const struct negotiate *negotiate,
						       const struct ip_addr *remote);

/* The last ones, newest first, at most @max of them; borrowed until the next call. */
size_t negotiate_last_failures(const struct negotiate *negotiate, size_t max,
			       const struct negotiate_failure **ret_failures);

/* Of a time such as a failure's. */
uint32_t negotiate_seconds_since(const struct negotiate *negotiate, uint64_t when);

struct negotiate_counts {
	size_t jobs;			/* negotiations that packets wait for */
	size_t pairs;
	size_t mms;
	size_t failing;			/* peers with which one failed in the last minute */
	uint64_t soft_associations;	/* made so far */
	uint64_t refused;		/* requests of IKE that were against policy */
};

struct negotiate_counts negotiate_get_counts(const struct negotiate *negotiate);

/* The pair with this inbound SPI, or NULL; keys are not in it. */
const struct ike_sa_install *negotiate_find_pair(const struct negotiate *negotiate,
						 uint32_t spi_in);
void negotiate_for_each_pair(const struct negotiate *negotiate,
			     void (*visit)(void *userdata, const struct ike_sa_install *install),
			     void *userdata);
/*
 * Removes the associations of the driver with this peer (family 0: all), for when IKE is not
 * there to do it and to tell the peer.
 */
int negotiate_delete_sas(struct negotiate *negotiate, const struct ip_addr *remote);

#endif /* AGENT_NEGOTIATE_H */
