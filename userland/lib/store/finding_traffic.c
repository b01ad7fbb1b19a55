// SPDX-License-Identifier: MIT
/*
 * Rules beside each other. All filters of all active rules become pieces, and sorting brings those
 * together that the driver, or main mode, cannot tell apart:
 *
 *   the same traffic   sides, protocol, ports, kind of connection
 *   the same peers     the sides alone: main mode knows nothing more when it begins
 *
 * Example: "me -> 10.0.0.0/8" and "10.0.0.0/8 -> me" are the same traffic, with the first one not
 * turned and the second one turned, and both of both directions if they are mirrored.
 *
 * What a name or a server keyword stands for is not known here, so each is a side by itself. A rule
 * with a tunnel is a piece of one direction, from its destination: which end is ours does not
 * matter to see that two are equal. Their peers are the tunnel's ends, which two rules share on
 * purpose; main mode is not looked at.
 */
#include <errno.h>
#include <stdlib.h>
#include <strings.h>
#include <sys/socket.h>

#include "policy/authmethod.h"
#include "policy/methods.h"
#include "store/finding_list.h"

#define PIECES_MAX 200000		/* of the filters; the agent takes no more */

/* Two rules that meet in a filter; the one that is first in the policy is the holder. */
struct meeting {
	const struct finding_piece *holder;
	const struct finding_piece *other;
};

struct meetings {
	struct meeting *list;
	size_t n;
};

/* --- pieces ------------------------------------------------------------------------------- */

const struct policy_address *finding_piece_local(const struct finding_piece *piece)
{
	return piece->is_turned ? &piece->filter->destination : &piece->filter->source;
}

const struct policy_address *finding_piece_remote(const struct finding_piece *piece)
{
	return piece->is_turned ? &piece->filter->source : &piece->filter->destination;
}

uint16_t finding_piece_local_port(const struct finding_piece *piece)
{
	return piece->is_turned ? piece->filter->destination_port : piece->filter->source_port;
}

uint16_t finding_piece_remote_port(const struct finding_piece *piece)
{
	return piece->is_turned ? piece->filter->source_port : piece->filter->destination_port;
}

/* A mask of no bits is any address of the family. */
static enum policy_address_kind kind_of(const struct policy_address *address)
{
	if (address->kind == POLICY_ADDRESS_IP && ip_addr_is_unspecified(&address->mask))
		return POLICY_ADDRESS_ANY;
	return address->kind;
}

static int compare_sides(const struct policy_address *a, const struct policy_address *b)
{
	enum policy_address_kind kind_a = kind_of(a), kind_b = kind_of(b);

	if (kind_a != kind_b)
		return kind_a < kind_b ? -1 : 1;
	if (kind_a == POLICY_ADDRESS_NAME)
		return strcasecmp(a->name, b->name);
	if (kind_a != POLICY_ADDRESS_IP)
		return 0;
	return ip_addr_compare(&a->addr, &b->addr) ?: ip_addr_compare(&a->mask, &b->mask);
}

static bool has_family(const struct policy_address *address, uint8_t family)
{
	return address->kind != POLICY_ADDRESS_IP || address->addr.family == family;
}

/* One filter in one family: one piece or two. */
static void add_orientations(struct finding_pieces *pieces, const struct finding_piece *piece)
{
	const struct store_filter *filter = piece->filter;
	struct finding_piece straight = *piece, turned = *piece;

	turned.is_turned = true;
	straight.is_outbound = true;
	straight.is_inbound = filter->mirrored && !piece->rule->has_tunnel;
	turned.is_inbound = true;
	turned.is_outbound = filter->mirrored && !piece->rule->has_tunnel;
	if (piece->rule->has_tunnel) {
		pieces->list[pieces->n++] =
			filter->destination.kind == POLICY_ADDRESS_ME ? turned : straight;
		return;
	}
	if (filter->source_port == filter->destination_port &&
	    !compare_sides(&filter->source, &filter->destination)) {
		straight.is_inbound = true;
		pieces->list[pieces->n++] = straight;
		return;
	}
	if (filter->destination.kind != POLICY_ADDRESS_ME)
		pieces->list[pieces->n++] = straight;
	if (filter->source.kind != POLICY_ADDRESS_ME)
		pieces->list[pieces->n++] = turned;
}

static void add_rule(struct finding_pieces *pieces, const struct store_rule *rule, size_t place)
{
	static const uint8_t families[] = { AF_INET, AF_INET6 };

	for (size_t i = 0; i < rule->list->n_filters; i++) {
		const struct store_filter *filter = rule->list->filters[i];

		for (size_t j = 0; !filter->is_main_mode && j < sizeof(families); j++) {
			struct finding_piece piece = { rule, filter, place, i, families[j],
						       false, false, false };

			if (has_family(&filter->source, families[j]) &&
			    has_family(&filter->destination, families[j]))
				add_orientations(pieces, &piece);
		}
	}
}

static bool is_looked_at(const struct store_rule *rule)
{
	return rule->is_active && rule->list && rule->action;
}

/* 0, -ENOMEM, or -ENOSPC. */
static int collect_pieces(const struct store_policy *policy, struct finding_pieces *ret_pieces)
{
	struct finding_pieces pieces = { .n = 0 };
	size_t n = 0;

	for (size_t i = 0; i < policy->n_rules; i++)
		if (is_looked_at(policy->rules[i]))
			n += policy->rules[i]->list->n_filters;
	if (n > PIECES_MAX)
		return -ENOSPC;
	pieces.list = calloc(4 * n + 1, sizeof(*pieces.list));
	if (!pieces.list)
		return -ENOMEM;
	for (size_t i = 0; i < policy->n_rules; i++)
		if (is_looked_at(policy->rules[i]))
			add_rule(&pieces, policy->rules[i], i);
	*ret_pieces = pieces;
	return 0;
}

/* --- the same traffic --------------------------------------------------------------------- */

static int compare_peers(const struct finding_piece *a, const struct finding_piece *b)
{
	if (a->family != b->family)
		return a->family < b->family ? -1 : 1;
	return compare_sides(finding_piece_remote(a), finding_piece_remote(b)) ?:
	       compare_sides(finding_piece_local(a), finding_piece_local(b));
}

/* One number that orders as all does that is not an address. */
static uint64_t traffic_key(const struct finding_piece *piece)
{
	return (uint64_t)piece->rule->has_tunnel << 48 |
	       (uint64_t)piece->rule->connection << 40 |
	       (uint64_t)piece->filter->protocol << 32 |
	       (uint64_t)finding_piece_local_port(piece) << 16 | finding_piece_remote_port(piece);
}

static int compare_traffic(const struct finding_piece *a, const struct finding_piece *b)
{
	uint64_t key_a = traffic_key(a), key_b = traffic_key(b);

	return compare_peers(a, b) ?: (key_a > key_b) - (key_a < key_b);
}

/* By traffic, and of the same one in the order of the policy. */
static int compare_pieces(const void *a, const void *b)
{
	const struct finding_piece *x = a, *y = b;
	int order = compare_traffic(x, y);

	if (!order)
		order = (x->place > y->place) - (x->place < y->place);
	return order ? order : (x->index > y->index) - (x->index < y->index);
}

/* The same two rules. */
static int compare_rules(const struct meeting *a, const struct meeting *b)
{
	if (a->other->place != b->other->place)
		return a->other->place < b->other->place ? -1 : 1;
	return (a->holder->place > b->holder->place) - (a->holder->place < b->holder->place);
}

static int compare_meetings(const void *a, const void *b)
{
	const struct meeting *x = a, *y = b;
	int order = compare_rules(x, y);

	return order ? order : (x->other->index > y->other->index) -
			       (x->other->index < y->other->index);
}

static bool has_same_methods(const struct store_rule *a, const struct store_rule *b)
{
	return policy_methods_are_equal(a->methods, a->n_methods, b->methods, b->n_methods);
}

static bool has_same_treatment(const struct store_rule *a, const struct store_rule *b)
{
	const struct store_filter_action *x = a->action, *y = b->action;

	if (a == b)
		return true;
	if (x->action != y->action || a->has_tunnel != b->has_tunnel ||
	    (a->has_tunnel && !policy_address_is_equal(&a->tunnel, &b->tunnel)))
		return false;
	if (x->action != IPSECDRV_ACTION_NEGOTIATE)
		return true;
	return x->inpass == y->inpass && x->soft == y->soft && x->qmpfs == y->qmpfs &&
	       policy_qm_offers_are_equal(x->offers, x->n_offers, y->offers, y->n_offers) &&
	       has_same_methods(a, b);
}

/* Of a filter that both rules have: one finding for each pair of rules, and how many there are. */
static void tell_same_traffic(struct finding_list *list, const struct meeting *meeting, size_t n)
{
	const struct store_rule *rule = meeting->other->rule, *holder = meeting->holder->rule;
	_cleanup_free_ char *filters = finding_filters_name(rule->list, meeting->other->filter, n);

	if (!filters)
		list->err = -ENOMEM;
	else if (rule == holder)
		finding_add(list, FINDING_SAME_TRAFFIC, finding_filter_list_name(rule->list),
			    "%s: another filter of the list matches the same", filters);
	else if (has_same_treatment(rule, holder))
		finding_add(list, FINDING_SAME_TRAFFIC, finding_rule_name(list, rule),
			    "%s: rule \"%s\" does the same with the same traffic", filters,
			    holder->head.name);
	else
		finding_add(list, FINDING_SAME_TRAFFIC_CONFLICT, finding_rule_name(list, rule),
			    "%s: rule \"%s\" does something else with the same traffic, and nothing "
			    "says which of them counts", filters, holder->head.name);
}

/* Sorted as they are; a filter of two families, or two directions, meets more than once. */
static void tell_meetings(struct finding_list *list, struct meetings *meetings,
			  void (*tell)(struct finding_list *, const struct meeting *, size_t))
{
	size_t n;

	qsort(meetings->list, meetings->n, sizeof(*meetings->list), compare_meetings);
	for (size_t i = 0; i < meetings->n; i += n) {
		size_t n_filters = 1;

		for (n = 1; i + n < meetings->n &&
		     !compare_rules(&meetings->list[i], &meetings->list[i + n]); n++)
			n_filters += compare_meetings(&meetings->list[i + n - 1],
						      &meetings->list[i + n]) != 0;
		tell(list, &meetings->list[i], n_filters);
	}
}

static void meet(struct meetings *meetings, const struct finding_piece **holder,
		 const struct finding_piece *piece)
{
	if (*holder)
		meetings->list[meetings->n++] = (struct meeting){ *holder, piece };
	else
		*holder = piece;
}

static void find_same_traffic(struct finding_list *list, const struct finding_pieces *pieces,
			      struct meetings *meetings)
{
	const struct finding_piece *outbound = NULL, *inbound = NULL;

	meetings->n = 0;
	for (size_t i = 0; i < pieces->n; i++) {
		const struct finding_piece *piece = &pieces->list[i];

		if (i && compare_traffic(&pieces->list[i - 1], piece) != 0)
			outbound = inbound = NULL;
		if (piece->is_outbound)
			meet(meetings, &outbound, piece);
		if (piece->is_inbound)
			meet(meetings, &inbound, piece);
	}
	tell_meetings(list, meetings, tell_same_traffic);
}

/* --- the same peers ----------------------------------------------------------------------- */

static void tell_same_peers(struct finding_list *list, const struct meeting *meeting, size_t n)
{
	const struct store_rule *rule = meeting->other->rule, *holder = meeting->holder->rule;
	_cleanup_free_ char *filters = finding_filters_name(rule->list, meeting->other->filter, 1);

	(void)n;
	finding_add(list, FINDING_METHODS_DIFFER, filters ? finding_rule_name(list, rule) : NULL,
		    "%s: rule \"%s\" is for the same two hosts and authenticates in another way, but "
		    "main mode knows addresses only and takes one of them for both", filters,
		    holder->head.name);
}

/* The pieces are sorted by their peers first, so those of the same ones are next to each other. */
static void find_same_peers(struct finding_list *list, const struct finding_pieces *pieces,
			    struct meetings *meetings)
{
	const struct finding_piece *first = NULL;

	meetings->n = 0;
	for (size_t i = 0; i < pieces->n; i++) {
		const struct finding_piece *piece = &pieces->list[i];

		if (piece->rule->has_tunnel || !finding_negotiates(piece->rule))
			continue;
		if (!first || compare_peers(first, piece) != 0)
			first = piece;
		else if (!has_same_methods(first->rule, piece->rule))
			meetings->list[meetings->n++] =
				first->place < piece->place ? (struct meeting){ first, piece } :
							      (struct meeting){ piece, first };
	}
	tell_meetings(list, meetings, tell_same_peers);
}

void finding_check_traffic(struct finding_list *list, const struct store_check_context *context)
{
	struct finding_pieces pieces = { .n = 0 };
	struct meetings meetings = { .n = 0 };
	int err = collect_pieces(list->policy, &pieces);

	if (err == -ENOSPC) {
		finding_add(list, FINDING_TOO_MANY_FILTERS, finding_policy_name(list),
			    "its active rules have more than %d filters", PIECES_MAX);
		return;
	}
	if (!err) {
		meetings.list = calloc(2 * pieces.n + 1, sizeof(*meetings.list));
		err = meetings.list ? 0 : -ENOMEM;
	}
	if (err) {
		list->err = err;
	} else {
		qsort(pieces.list, pieces.n, sizeof(*pieces.list), compare_pieces);
		find_same_traffic(list, &pieces, &meetings);
		find_same_peers(list, &pieces, &meetings);
		finding_check_ssh(list, &pieces, context);
	}
	free(meetings.list);
	free(pieces.list);
}
