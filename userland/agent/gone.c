// SPDX-License-Identifier: MIT
/*
 * What was negotiated from an address that this host does not have any more. Contract: negotiate.h.
 *
 *   00:00  192.0.2.7 goes    nothing: whoever sets up the network anew takes addresses away and
 *                            gives them back, and the peer would not hear a goodbye
 *   00:04  a look            its pairs and main modes are noted
 *   00:14  the next look     192.0.2.7 is back: nothing has happened. It is not: they end
 *
 * Meanwhile what a socket still sends from that address (in IPv6 it can) is "me" to the driver and
 * never passes a rule by that; what comes for the address is not for this host.
 */
#include "agent/negotiate_internal.h"

#include "base/log.h"

void negotiate_addresses_changed(struct negotiate *negotiate)
{
	negotiate->is_moved = true;
}

/* At the second look in a row. */
static bool is_gone(struct negotiate *negotiate, const struct ip_addr *local, bool *is_noted)
{
	bool was_noted = *is_noted;

	*is_noted = !negotiate_is_me(negotiate, local);
	if (*is_noted)
		negotiate->is_moved = true;	/* there is something to look at again */
	return *is_noted && was_noted;
}

static size_t end_pairs(struct negotiate *negotiate)
{
	struct pair *next;
	size_t n = 0;

	for (struct pair *pair = negotiate->pairs; pair; pair = next) {
		next = pair->next;
		if (!is_gone(negotiate, &pair->install.path.local, &pair->is_homeless))
			continue;
		negotiate_end_pair(negotiate, pair);
		n++;
	}
	return n;
}

static size_t end_mms(struct negotiate *negotiate)
{
	const struct negotiate_config *config = &negotiate->config;
	struct main_mode *next;
	size_t n = 0;

	for (struct main_mode *mm = negotiate->mms; mm; mm = next) {
		next = mm->next;
		if (!is_gone(negotiate, &mm->local, &mm->is_homeless))
			continue;
		(void)config->ike.delete_mm(config->userdata, mm->id, IKE_REASON_POLICY_CHANGE);
		negotiate_forget_mm(negotiate, mm->id);
		n++;
	}
	return n;
}

void negotiate_end_gone(struct negotiate *negotiate)
{
	size_t n_pairs, n_mms;

	if (!negotiate->is_moved)
		return;
	negotiate->is_moved = false;
	n_pairs = end_pairs(negotiate);
	n_mms = end_mms(negotiate);
	if (n_pairs || n_mms)
		log_info("%zu pairs of associations and %zu main modes were ended: this host does "
			 "not have their addresses any more", n_pairs, n_mms);
}
