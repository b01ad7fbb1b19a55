/* SPDX-License-Identifier: MIT */
#ifndef AGENT_SUPPORT_H
#define AGENT_SUPPORT_H

#include "policy/model.h"

struct fault;

/*
 * What the policy language can say and this version cannot enforce is refused with a sentence,
 * never accepted and ignored. 0, or -EINVAL with *fault filled in.
 */
int support_check_mm(const struct policy_mm_policy *policy, struct fault *fault);
int support_check_qm(const struct policy_qm_policy *policy, struct fault *fault);
int support_check_rule(const struct policy_rule *rule, struct fault *fault);

#endif /* AGENT_SUPPORT_H */
