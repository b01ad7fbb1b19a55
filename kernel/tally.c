// SPDX-License-Identifier: GPL-2.0-only
/*
 * A hash table with open addressing that is never more than half full, so that a search ends soon
 * whether it finds its row or not. Nothing is ever taken out: the whole table is emptied.
 */
#include <linux/random.h>
#include <linux/string.h>

#include "tally.h"

void ipd_tally_init(struct ipd_tally *tally)
{
	memset(tally, 0, sizeof(*tally));
	get_random_bytes(&tally->key, sizeof(tally->key));
}

static bool is_row_of(const struct ipd_tally_row *row, u8 reason, u8 family,
		      const union nf_inet_addr *peer)
{
	return row->reason == reason && row->family == family &&
	       !memcmp(&row->peer, peer, sizeof(*peer));
}

/* the row of this reason and peer, or the free slot where it belongs */
static struct ipd_tally_row *find(struct ipd_tally *tally, u8 reason, u8 family,
				  const union nf_inet_addr *peer)
{
	struct ipd_tally_row *row;
	unsigned int i;

	i = siphash(peer, sizeof(*peer), &tally->key) + reason;
	do {
		row = &tally->slots[i++ % IPD_TALLY_SLOTS];
	} while (row->packets && !is_row_of(row, reason, family, peer));
	return row;
}

void ipd_tally_add(struct ipd_tally *tally, u8 reason, u8 family, const union nf_inet_addr *peer)
{
	struct ipd_tally_row *row = NULL;

	tally->is_used = true;
	if (family)
		row = find(tally, reason, family, peer);
	if (!row || (!row->packets && tally->n_rows == IPD_TALLY_ROWS)) {
		tally->others[reason]++;
		return;
	}
	if (!row->packets) {
		row->peer = *peer;
		row->family = family;
		row->reason = reason;
		tally->n_rows++;
	}
	row->packets++;
}
