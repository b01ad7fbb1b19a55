/* SPDX-License-Identifier: MIT */
/*
 * The check of a whole policy: what is wrong with it, or will surprise. Pure. All findings stand in
 * the table of finding.c; what is said of many filters of one rule is one finding. Rules that are
 * not active are not looked at.
 */
#ifndef STORE_FINDING_H
#define STORE_FINDING_H

#include "store/object.h"

enum store_severity {
	STORE_SEVERITY_NOTE,		/* good to know */
	STORE_SEVERITY_WARNING,		/* works, but hardly as meant, or not safely */
	STORE_SEVERITY_ERROR,		/* cannot be put in force */
};

struct store_finding {
	enum store_severity severity;
	const char *id;			/* "one-way-negotiate": stable, for scripts and the manual */
	char *object;			/* 'rule "r2" of policy "AndyPol"' */
	char *fault;			/* a sentence without its full stop */
	char *remedy;			/* another one */
};

struct store_findings {
	struct store_finding *list;	/* errors first */
	size_t n;
};

/* What is not in the policy. */
struct store_check_context {
	/* The administrator's own SSH connection, if any: would the policy cut it? family 0: none. */
	struct ip_addr ssh_local;
	struct ip_addr ssh_remote;
	uint16_t ssh_local_port;
	uint16_t ssh_remote_port;
};

/*
 * Checks one policy of a linked content. @context may be NULL. 0 or -ENOMEM; release with
 * store_findings_done(). Not quadratic: 100,000 filters take a second at most.
 */
int store_policy_find(const struct store_content *content, const struct store_policy *policy,
		      const struct store_check_context *context,
		      struct store_findings *ret_findings);
void store_findings_done(struct store_findings *findings);
bool store_findings_has_error(const struct store_findings *findings);

/* The ids that there are; NULL beyond the last one. */
const char *store_finding_id_at(size_t i);

const char *store_severity_name(enum store_severity severity);	/* "warning" */

#endif /* STORE_FINDING_H */
