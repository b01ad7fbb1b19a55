/* SPDX-License-Identifier: MIT */
#ifndef AGENT_RUNS_STORE_H
#define AGENT_RUNS_STORE_H

#include "agent/ruleset.h"

struct fault;

/*
 * ipseccmd's layer in its file, STATEDIR/dynamic.db: it survives a restart of the service and of the
 * host. The file is made with the first run that is to be kept; only the agent has a use for it.
 */

/*
 * *ret_ruleset is NULL when there is no file. 0; or -errno with *fault, and then the file is left
 * as it is and has to be mended by somebody.
 */
int runs_store_load(const char *path, struct ruleset **ret_ruleset, struct fault *fault);

/*
 * The file has @ruleset (NULL: no rules), whatever it had before, and outlives a power failure when
 * this returns 0. Else -errno with *fault, and it has what it had.
 */
int runs_store_save(const char *path, const struct ruleset *ruleset, struct fault *fault);

#endif /* AGENT_RUNS_STORE_H */
