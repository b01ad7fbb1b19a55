/* SPDX-License-Identifier: MIT */
#ifndef AGENT_REPORT_H
#define AGENT_REPORT_H

struct agent;

/*
 * What the log and the service manager are told of the policy in force: how many rules and filters
 * there are, which tunnels cannot be, which rules a lower layer overrules. Changes come in numbers,
 * so it is told half a second after the first one that is not told yet.
 */
int report_start(struct agent *agent);		/* 0 or -errno */
void report_soon(struct agent *agent);
void report_now(struct agent *agent);		/* if there is something to tell */

#endif /* AGENT_REPORT_H */
