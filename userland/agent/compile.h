/* SPDX-License-Identifier: MIT */
#ifndef AGENT_COMPILE_H
#define AGENT_COMPILE_H

#include "agent/ruleset.h"
#include "store/object.h"

struct fault;

/*
 * From a stored policy to the rules of its layer. Pure.
 *
 *   policy                             one main mode policy; master key PFS is one quick mode each
 *   filter action that negotiates      one quick mode policy: soft, session key PFS is GRPMM
 *   active rule                        one treatment: actions, tunnel, connection type, methods
 *   filter of its filter list          one rule with this treatment
 *   main mode filter of the list       one rule with a treatment like it, of main mode only; then
 *                                      the filters make no main mode filters of their own
 *   active default response rule       one more rule, with an action of its own
 *
 * Example, "block telnet, but negotiate it with one host":
 *
 *   policy "AndyPol"
 *     rule "telnet"   list "In-Telnet"  (any -> me TCP 0 23, mirrored)        action "Block"
 *     rule "partner"  list "Partner"    (10.0.0.2 -> me TCP 0 23, mirrored)   action "Secure"
 *     default response rule, not active
 *
 * is the mm policy "AndyPol", the qm policy "Secure" and two rules.
 *
 * "Accept unsecured communication, but always respond using IPsec" is inbound permit and outbound
 * negotiate. A tunnel rule is never mirrored, whatever its filters say. Offers without lifetimes
 * stay so: translate.h gives them the defaults, in the default response rule the initiator's.
 *
 * Versions. A stored rule that negotiates by the same methods and policies as in the ruleset before
 * keeps its version, and so its filters their ids and associations; it is known by its GUID. Names
 * and descriptions, and the actions, change nothing here.
 */

/*
 * @policy is one of a linked content. @before (may be NULL) is what is in force of the layer. 0, or
 * -errno with *fault: something in the policy cannot be put in force; then none of it is.
 */
int compile_policy(const struct store_policy *policy, enum ruleset_layer layer,
		   const struct ruleset *before, struct ruleset **ret_ruleset,
		   struct fault *fault);

#endif /* AGENT_COMPILE_H */
