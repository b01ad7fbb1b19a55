// SPDX-License-Identifier: MIT
#include "agent/support.h"

#include "policy/fault.h"
#include "ike/engine.h"
#include "link/messages.h"

int support_check_mm(const struct policy_mm_policy *policy, struct fault *fault)
{
	if (policy->n_offers > IKE_MM_PROPOSALS_MAX)
		return fault_invalid(fault,
				     "mmsecmethods has %zu methods, IKE takes at most %d; leave "
				     "the weaker ones out",
				     policy->n_offers, IKE_MM_PROPOSALS_MAX);
	return 0;
}

int support_check_qm(const struct policy_qm_policy *policy, struct fault *fault)
{
	if (policy->n_offers > IKE_QM_OFFERS_MAX)
		return fault_invalid(fault,
				     "qmsecmethods has %zu methods, IKE takes at most %d; leave "
				     "the weaker ones out",
				     policy->n_offers, IKE_QM_OFFERS_MAX);
	return 0;
}

static int check_methods(const struct policy_rule *rule, struct fault *fault)
{
	for (size_t i = 0; i < rule->n_methods; i++) {
		const struct policy_method *method = &rule->methods[i];

		if (method->kind == POLICY_METHOD_KERBEROS ||
		    strlen(method->secret) <= LINK_SECRET_MAX_LEN)
			continue;
		return fault_invalid(fault, "%s has at most %d bytes",
				     method->kind == POLICY_METHOD_PSK ?
				     "psk: a preshared key" : "rootca: the name of a CA",
				     LINK_SECRET_MAX_LEN);
	}
	return 0;
}

int support_check_rule(const struct policy_rule *rule, struct fault *fault)
{
	if (policy_rule_is_negotiated(rule))
		return check_methods(rule, fault);
	return 0;
}
