// SPDX-License-Identifier: MIT
#include "ipseccmd/dynamic.h"

#include <systemd/sd-bus.h>

#include "ctl/client.h"
#include "ctl/dry_run.h"
#include "policy/text.h"

void dynamic_clear_changes(struct dynamic_changes *changes)
{
	plan_clear(&changes->plan);
	*changes = (struct dynamic_changes){ .wipes = false };
}

enum ctl_exit dynamic_collect(struct session *session, struct dynamic_changes *changes,
			      const struct run *run)
{
	char why[RUN_WHY_LEN];

	if (run_mode(run) == RUN_WIPE) {
		plan_clear(&changes->plan);
		changes->wipes = true;
		return CTL_EXIT_OK;
	}
	changes->asks = changes->asks || run->given & RUN_GIVEN_CONFIRM;
	if (plan_add(&changes->plan, run, &session->world, why) < 0)
		return session_refuse(session, "%s", why);
	return CTL_EXIT_OK;
}

static bool is_confirmed(struct session *session, const struct dynamic_changes *changes)
{
	const struct policy_runs *runs = &changes->plan.runs;
	char question[128];

	if (!changes->asks)
		return true;
	snprintf(question, sizeof(question), "%s: add %zu rule%s and %zu polic%s to the policy in force?",
		 session->program, runs->n_rules, runs->n_rules == 1 ? "" : "s",
		 runs->n_mms + runs->n_qms, runs->n_mms + runs->n_qms == 1 ? "y" : "ies");
	if (session_confirms(session, question))
		return true;
	fprintf(session->ctl->err, "%s: nothing was changed\n", session->program);
	return false;
}

static enum ctl_exit add_runs(struct session *session, const struct dynamic_changes *changes)
{
	_cleanup_(sd_bus_message_unrefp) sd_bus_message *message = NULL;
	uint32_t flags = (session->is_volatile ? POLICY_RUNS_VOLATILE : 0) |
			 (changes->wipes ? POLICY_RUNS_REPLACE : 0);
	enum ctl_exit ret = ctl_call_new(session->ctl, "AddRuns", &message);
	int err;

	if (ret)
		return ret;
	(void)sd_bus_message_sensitive(message);
	err = sd_bus_message_append(message, "u", flags);
	if (err >= 0)
		err = policy_bus_append_runs(message, &changes->plan.runs);
	if (err < 0)
		return ctl_message_error(session->ctl, err, NULL);
	return ctl_call_send(session->ctl, message, NULL);
}

/* What the agent would have been asked for, as commands of ipsecctl. */
static void print_dry_run(FILE *out, const struct dynamic_changes *changes)
{
	const struct policy_runs *runs = &changes->plan.runs;

	if (changes->wipes)
		fputs("ipseccmd -u\n", out);
	for (size_t i = 0; i < runs->n_mms; i++) {
		policy_mm_policy_print(out, runs->mms[i]);
		fputc('\n', out);
	}
	for (size_t i = 0; i < runs->n_qms; i++) {
		policy_qm_policy_print(out, runs->qms[i]);
		fputc('\n', out);
	}
	for (size_t i = 0; i < runs->n_rules; i++) {
		policy_rule_print(out, runs->rules[i], false);
		fputc('\n', out);
	}
}

static void tell_dry_run(struct ctl *ctl, const struct dynamic_changes *changes)
{
	print_dry_run(ctl->out, changes);
	ctl->has_tried = true;
	ctl_dry_run_tell_driver(ctl);
}

enum ctl_exit dynamic_apply(struct session *session, struct dynamic_changes *changes)
{
	enum ctl_exit ret;

	if (!changes->plan.n_runs && !changes->wipes)
		return CTL_EXIT_OK;
	if (changes->plan.n_runs && !session->ctl->is_dry_run && !is_confirmed(session, changes))
		return CTL_EXIT_FAILED;
	ret = changes->plan.n_runs ? add_runs(session, changes) :
				     ctl_call(session->ctl, "DeleteRuns", NULL, NULL);
	if (!ret && session->ctl->is_dry_run)
		tell_dry_run(session->ctl, changes);
	return ret;
}
