/* SPDX-License-Identifier: MIT */
#ifndef AGENT_START_H
#define AGENT_START_H

struct agent;

/*
 * The first policy of a service that starts, and the driver's operational mode. 0, or -errno with a
 * sentence in @why (AGENT_WHY_LEN) and the driver is as it was.
 */
int start_policy(struct agent *agent, char *why);

#endif /* AGENT_START_H */
