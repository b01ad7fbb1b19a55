/* SPDX-License-Identifier: MIT */
/*
 * For tests: something that answers on a run directory's socket as the policy agent does. It takes
 * every object apart with the functions that the agent uses, writes down what it was asked as the
 * command that asks for it, and shows a fixed set of objects. Its stores are real; see
 * fake_stores.h.
 *
 * Some names make it refuse, with the number and the sentence of a real agent: a main mode policy
 * "mm" exists, "used" is in use, "missing" does not exist, "denied" is denied, "broken" breaks the
 * link.
 */
#ifndef CTL_FAKE_AGENT_H
#define CTL_FAKE_AGENT_H

struct fake_agent;

/* Listens at @run_dir/control in a thread of its own; NULL when it cannot. */
struct fake_agent *fake_agent_new(const char *run_dir);
struct fake_agent *fake_agent_free(struct fake_agent *agent);

/* From now on, lists are empty and services are down (1), or as at first (0). */
void fake_agent_set_empty(struct fake_agent *agent, int is_empty);

/* What it was asked since the last call, one line per call; the caller frees it. */
char *fake_agent_take_log(struct fake_agent *agent);

#endif /* CTL_FAKE_AGENT_H */
