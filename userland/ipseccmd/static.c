// SPDX-License-Identifier: MIT
#include "ipseccmd/static.h"

#include "ctl/stores.h"

void static_clear_changes(struct static_changes *changes)
{
	static_plan_clear(&changes->plan);
}

/* There is no choice of the persistent store here: that one is ipsecctl's alone. */
static enum ctl_exit read_store(struct session *session, struct static_changes *changes,
				const struct run *run)
{
	if (run->store == RUN_STORE_DIRECTORY)
		return session_refuse(session, "-w DS%s%s: no directory is configured on this machine; "
				      "use -w REG, or make the policy on a machine that has one",
				      run->domain ? ":" : "", run->domain ?: "");
	if (changes->plan.content)
		return CTL_EXIT_OK;
	return ctl_store_read(session->ctl, STORE_LOCATION_LOCAL, NULL, &changes->plan.content);
}

enum ctl_exit static_collect(struct session *session, struct static_changes *changes,
			     struct run *run)
{
	enum ctl_exit ret = read_store(session, changes, run);
	char why[RUN_WHY_LEN];

	if (ret)
		return ret;
	if (static_plan_add(&changes->plan, run, why) < 0)
		return session_refuse(session, "%s", why);
	return CTL_EXIT_OK;
}

enum ctl_exit static_apply(struct session *session, struct static_changes *changes)
{
	if (!changes->plan.n_changes)
		return CTL_EXIT_OK;
	return ctl_store_change_all(session->ctl, changes->plan.changes, changes->plan.n_changes);
}
