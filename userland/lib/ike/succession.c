// SPDX-License-Identifier: MIT
#include "ike/succession.h"

#include "ike/child.h"
#include "ike/ident.h"
#include "ike/peer.h"

/* A pair that was replaced lives on so long, for packets under way. */
#define REPLACED_MS 5000
/* Two pairs that crossed on the wire. */
#define CROSSED_MS 30000
/* One of ours that the peer should have deleted, unless it thinks that the two have crossed. */
#define FORGOTTEN_MS 60000
/* The driver should have said so long before. */
#define OVERDUE_MS 60000

enum side {
	SIDE_PEER,
	SIDE_US,
	SIDE_COUNT,
};

static enum side side_of(const struct ike_child *child)
{
	return child->is_initiator ? SIDE_US : SIDE_PEER;
}

/* Behind a NAT several hosts have one address. */
static bool is_same_traffic(const struct ike_child *a, const struct ike_child *b)
{
	return a->encapsulation == b->encapsulation &&
	       a->path.remote_port == b->path.remote_port &&
	       ident_selector_is_equal(&a->selector, &b->selector);
}

void succession_set_overdue(struct ike_engine *engine, struct ike_child *child)
{
	if (child->life_seconds)
		(void)timer_set(&engine->timers, &child->timer,
				child->created_at + (uint64_t)child->life_seconds * 1000 +
					OVERDUE_MS);
	else
		timer_stop(&engine->timers, &child->timer);
}

/* --- which one counts ----------------------------------------------------------------------- */

/* Ids of pairs go up. */
static struct ike_child *newest_of(const struct ike_child *like, enum side side)
{
	struct ike_child *c, *newest = NULL;

	TAILQ_FOREACH(c, &like->peer->children, peer_link) {
		if (side_of(c) == side && is_same_traffic(c, like) &&
		    (!newest || c->id > newest->id))
			newest = c;
	}
	return newest;
}

static bool have_crossed(const struct ike_child *a, const struct ike_child *b)
{
	uint64_t apart = a->created_at > b->created_at ? a->created_at - b->created_at :
							 b->created_at - a->created_at;

	return apart < CROSSED_MS && a->replaces != b->id && b->replaces != a->id;
}

static struct ike_child *winner_of(struct ike_child *const newest[static SIDE_COUNT])
{
	struct ike_child *ours = newest[SIDE_US], *theirs = newest[SIDE_PEER];

	if (!ours || !theirs)
		return ours ? ours : theirs;
	if (have_crossed(ours, theirs))
		return ours->message_id > theirs->message_id ? ours : theirs;
	return ours->id > theirs->id ? ours : theirs;
}

/* --- what becomes of the others ------------------------------------------------------------- */

static void restore(struct ike_engine *engine, struct ike_child *child)
{
	if (!child->is_replaced)
		return;
	child->is_replaced = false;
	succession_set_overdue(engine, child);
}

/* When we delete the one that does not count; 0: that is for the peer to do. */
static uint64_t delay_of(const struct ike_child *child, const struct ike_child *winner)
{
	if (side_of(child) == side_of(winner))
		return child->is_initiator ? REPLACED_MS : 0;
	if (have_crossed(child, winner))
		return child->is_initiator ? CROSSED_MS : 0;
	return winner->is_initiator ? REPLACED_MS : FORGOTTEN_MS;
}

static void replace(struct ike_engine *engine, struct ike_child *child, uint64_t delay)
{
	if (child->is_replaced)
		return;
	child->is_replaced = true;
	if (delay)
		(void)timer_set(&engine->timers, &child->timer, engine->now + delay);
}

void succession_settle(struct ike_engine *engine, struct ike_child *child)
{
	struct ike_child *newest[] = { newest_of(child, SIDE_PEER), newest_of(child, SIDE_US) };
	struct ike_child *winner = winner_of(newest), *c;

	TAILQ_FOREACH(c, &child->peer->children, peer_link) {
		if (!is_same_traffic(c, child))
			continue;
		if (c == winner)
			restore(engine, c);
		else if (c == newest[side_of(c)])
			replace(engine, c, delay_of(c, winner));
		else
			replace(engine, c, delay_of(c, newest[side_of(c)]));
	}
}

void succession_revive(struct ike_engine *engine, const struct ike_child *gone)
{
	struct ike_child *newest[] = { newest_of(gone, SIDE_PEER), newest_of(gone, SIDE_US) };
	struct ike_child *winner = winner_of(newest), *c;

	TAILQ_FOREACH(c, &gone->peer->children, peer_link) {
		if (!c->is_replaced && is_same_traffic(c, gone))
			return;
	}
	if (winner)
		restore(engine, winner);
}
