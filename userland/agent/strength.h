/* SPDX-License-Identifier: MIT */
#ifndef AGENT_STRENGTH_H
#define AGENT_STRENGTH_H

#include "agent/ruleset.h"
#include "policy/strength.h"

struct fault;

/*
 * The property strongcrypto: with 1 no policy that offers broken algorithms gets in force, of no
 * layer. All of a layer's policy is refused, for half of it would leave traffic without its rule.
 */

/*
 * What of @rulesets (NULLs are passed over) offers one of @flaws, with the first such offer of
 * each: 'main mode policy "m" (DES-MD5-1), filter action "a" of policy "p" (ESP[DES,MD5])'. Of many
 * the first ones, and how many more. NULL: nothing does. 0, or -ENOMEM.
 */
int strength_list(struct ruleset *const *rulesets, size_t n, unsigned int flaws, char **ret_text);

/* Logs what of @rulesets is weak, if not the same of @before (NULL: nothing) was. */
void strength_warn(struct ruleset *const *before, struct ruleset *const *rulesets, size_t n);

/* 0, or -EINVAL with a sentence that names what is broken. */
int strength_check(struct ruleset *const *rulesets, size_t n, struct fault *fault);

#endif /* AGENT_STRENGTH_H */
