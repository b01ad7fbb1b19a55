/* SPDX-License-Identifier: MIT */
/*
 * What one or many runs of ipseccmd ask for, as it travels. A run is a main mode policy, or a
 * quick mode policy and rules, or both, and anonymous: the names in it only say which of them
 * belong together, and the agent gives others.
 */
#ifndef POLICY_RUNS_H
#define POLICY_RUNS_H

#include <systemd/sd-bus.h>

#include "policy/model.h"

#define POLICY_RUNS_SIGNATURE	"aa{sv}aa{sv}aa{sv}"

enum policy_runs_flags {
	POLICY_RUNS_VOLATILE = 1,	/* ipsecpol: until the agent stops */
	POLICY_RUNS_REPLACE = 2,	/* instead of those that there were */
};

/* The arrays and what is in them are owned. */
struct policy_runs {
	struct policy_mm_policy **mms;
	size_t n_mms;
	struct policy_qm_policy **qms;
	size_t n_qms;
	struct policy_rule **rules;
	size_t n_rules;
};

void policy_runs_clear(struct policy_runs *runs);

/* Each takes its object over, whether it succeeds or not. 0 or -ENOMEM. */
int policy_runs_add_mm(struct policy_runs *runs, struct policy_mm_policy *policy);
int policy_runs_add_qm(struct policy_runs *runs, struct policy_qm_policy *policy);
int policy_runs_add_rule(struct policy_runs *runs, struct policy_rule *rule);

/* The three arrays of a message. Keys are in clear: mark the message as sensitive. */
int policy_bus_append_runs(sd_bus_message *m, const struct policy_runs *runs);
/* 0, -EINVAL with a sentence, or another -errno (and a general sentence). */
int policy_bus_read_runs(sd_bus_message *m, struct policy_runs *ret_runs,
			 char why[static POLICY_WHY_LEN]);

#endif /* POLICY_RUNS_H */
