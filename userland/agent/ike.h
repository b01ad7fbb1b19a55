/* SPDX-License-Identifier: MIT */
#ifndef AGENT_IKE_H
#define AGENT_IKE_H

#include <stddef.h>
#include <stdint.h>

#include <systemd/sd-event.h>

#include "agent/negotiate.h"
#include "agent/process.h"
#include "base/cleanup.h"
#include "link/messages.h"

/*
 * The link to ipsec-ike: RUNDIR/ike, where the agent listens. One ipsec-ike at a time; a new one
 * takes the place of an old one. Whatever it asks goes to negotiate.h.
 */
struct ike;
struct oakley;

#define IKE_USER "ipsec-ike"	/* may connect beside root; "nobody" where there is no such user */

/*
 * Listens in @run_dir. @keylog: the directory that debug keys are written to when the settings
 * say so (may be NULL). @oakley (borrowed) gets the steps.
 */
int ike_new(sd_event *event, const char *run_dir, const char *keylog, struct oakley *oakley,
	    const struct link_ike_config *settings, struct ike **ret_ike);
struct ike *ike_free(struct ike *ike);
DEFINE_CLEANUP(struct ike *, ike_free);

/* What negotiate.h sends through; @userdata of these calls is the struct ike. */
extern const struct negotiate_ike ike_negotiate_calls;
/* Before negotiate.h can be made there is no ike, so it is given later. */
void ike_set_negotiate(struct ike *ike, struct negotiate *negotiate);

bool ike_is_up(const struct ike *ike);
const struct process *ike_process(const struct ike *ike);
void ike_set_config(struct ike *ike, const struct link_ike_config *settings);

/*
 * Questions whose answers come later, @done once: 0 and the answer, borrowed, or a negative errno
 * (-ENOTCONN while there is no ipsec-ike; it is called before the function returns then).
 */
void ike_list_mm(struct ike *ike, void (*done)(void *userdata, int error,
					       const struct ike_mm_info *items, size_t n),
		 void *userdata);
void ike_list_qm(struct ike *ike, void (*done)(void *userdata, int error,
					       const struct ike_qm_info *items, size_t n),
		 void *userdata);
void ike_get_statistics(struct ike *ike,
			void (*done)(void *userdata, int error, const struct ike_stats *stats),
			void *userdata);
/* All between the two addresses; -ENOENT when there is nothing. */
void ike_delete_peer(struct ike *ike, const struct ip_addr *local, const struct ip_addr *remote,
		     void (*done)(void *userdata, int error), void *userdata);
/* All there is. */
void ike_delete_all(struct ike *ike, void (*done)(void *userdata, int error), void *userdata);
/* Peers are told that we go; does not wait for more than the message to be on its way. */
void ike_flush(struct ike *ike, enum ike_reason reason);

#endif /* AGENT_IKE_H */
