/* SPDX-License-Identifier: MIT */
#ifndef AGENT_SA_CHECK_H
#define AGENT_SA_CHECK_H

#include "agent/layers.h"
#include "ike/engine.h"

/*
 * What ipsec-ike may have installed. It parses what strangers send and may be in their hands, so
 * everything it says is held against policy again, by a process that no stranger talks to: even
 * then it can make no association for traffic, peers, algorithms or lifetimes that no rule allows.
 * Pure functions; who asked for the association is the caller's question (negotiate.h).
 */

#define SA_CHECK_WHY_LEN 256

/*
 * Whether @selector is two hosts on the two sides of @filter, with its protocol and ports or
 * narrower ones. @is_me: the local address is this host's.
 */
bool sa_check_selector(const struct kernel_filter *filter, const struct ike_selector *selector,
		       bool is_me);

/*
 * 0, or -EPERM with the reason in @why (no full stop; it may name numbers of the peer, never keys).
 * @filter is the one that install->filter_id names, or NULL.
 */
int sa_check_install(const struct ike_sa_install *install, const struct layer_filter *filter,
		     bool is_me, char why[static SA_CHECK_WHY_LEN]);

#endif /* AGENT_SA_CHECK_H */
