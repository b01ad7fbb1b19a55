// SPDX-License-Identifier: MIT
#include "policy/runs.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "policy/bus.h"

void policy_runs_clear(struct policy_runs *runs)
{
	for (size_t i = 0; i < runs->n_mms; i++)
		policy_mm_policy_free(runs->mms[i]);
	for (size_t i = 0; i < runs->n_qms; i++)
		policy_qm_policy_free(runs->qms[i]);
	for (size_t i = 0; i < runs->n_rules; i++)
		policy_rule_free(runs->rules[i]);
	free(runs->mms);
	free(runs->qms);
	free(runs->rules);
	*runs = (struct policy_runs){ .n_mms = 0 };
}

/* An array of @n pointers with room for one more; grows at powers of two. NULL without memory. */
static void *make_room(void *items, size_t n)
{
	return n & (n - 1) ? items : reallocarray(items, n ? 2 * n : 1, sizeof(void *));
}

int policy_runs_add_mm(struct policy_runs *runs, struct policy_mm_policy *policy)
{
	struct policy_mm_policy **longer = make_room(runs->mms, runs->n_mms);

	if (!longer) {
		policy_mm_policy_free(policy);
		return -ENOMEM;
	}
	runs->mms = longer;
	runs->mms[runs->n_mms++] = policy;
	return 0;
}

int policy_runs_add_qm(struct policy_runs *runs, struct policy_qm_policy *policy)
{
	struct policy_qm_policy **longer = make_room(runs->qms, runs->n_qms);

	if (!longer) {
		policy_qm_policy_free(policy);
		return -ENOMEM;
	}
	runs->qms = longer;
	runs->qms[runs->n_qms++] = policy;
	return 0;
}

int policy_runs_add_rule(struct policy_runs *runs, struct policy_rule *rule)
{
	struct policy_rule **longer = make_room(runs->rules, runs->n_rules);

	if (!longer) {
		policy_rule_free(rule);
		return -ENOMEM;
	}
	runs->rules = longer;
	runs->rules[runs->n_rules++] = rule;
	return 0;
}

int policy_bus_append_runs(sd_bus_message *m, const struct policy_runs *runs)
{
	int err = sd_bus_message_open_container(m, 'a', "a{sv}");

	for (size_t i = 0; err >= 0 && i < runs->n_mms; i++)
		err = policy_bus_append_mm_policy(m, runs->mms[i]);
	if (err >= 0)
		err = sd_bus_message_close_container(m);
	if (err >= 0)
		err = sd_bus_message_open_container(m, 'a', "a{sv}");
	for (size_t i = 0; err >= 0 && i < runs->n_qms; i++)
		err = policy_bus_append_qm_policy(m, runs->qms[i]);
	if (err >= 0)
		err = sd_bus_message_close_container(m);
	if (err >= 0)
		err = sd_bus_message_open_container(m, 'a', "a{sv}");
	for (size_t i = 0; err >= 0 && i < runs->n_rules; i++)
		err = policy_bus_append_rule(m, runs->rules[i], POLICY_BUS_SECRETS);
	return err < 0 ? err : sd_bus_message_close_container(m);
}

static int read_mms(sd_bus_message *m, struct policy_runs *runs, char *why)
{
	int err = sd_bus_message_enter_container(m, 'a', "a{sv}");

	while (err > 0) {
		struct policy_mm_policy *policy = NULL;

		err = policy_bus_read_mm_policy(m, &policy, NULL, why);
		if (err > 0 && policy_runs_add_mm(runs, policy))
			err = -ENOMEM;
	}
	return err < 0 ? err : sd_bus_message_exit_container(m);
}

static int read_qms(sd_bus_message *m, struct policy_runs *runs, char *why)
{
	int err = sd_bus_message_enter_container(m, 'a', "a{sv}");

	while (err > 0) {
		struct policy_qm_policy *policy = NULL;

		err = policy_bus_read_qm_policy(m, &policy, NULL, why);
		if (err > 0 && policy_runs_add_qm(runs, policy))
			err = -ENOMEM;
	}
	return err < 0 ? err : sd_bus_message_exit_container(m);
}

static int read_rules(sd_bus_message *m, struct policy_runs *runs, char *why)
{
	int err = sd_bus_message_enter_container(m, 'a', "a{sv}");

	while (err > 0) {
		struct policy_rule *rule = NULL;

		err = policy_bus_read_rule(m, &rule, NULL, why);
		if (err > 0 && policy_runs_add_rule(runs, rule))
			err = -ENOMEM;
	}
	return err < 0 ? err : sd_bus_message_exit_container(m);
}

int policy_bus_read_runs(sd_bus_message *m, struct policy_runs *ret_runs,
			 char why[static POLICY_WHY_LEN])
{
	struct policy_runs runs = { .n_mms = 0 };
	int err;

	snprintf(why, POLICY_WHY_LEN, "the runs cannot be read");
	err = read_mms(m, &runs, why);
	if (err >= 0)
		err = read_qms(m, &runs, why);
	if (err >= 0)
		err = read_rules(m, &runs, why);
	if (err < 0) {
		policy_runs_clear(&runs);
		return err;
	}
	*ret_runs = runs;
	return 0;
}
