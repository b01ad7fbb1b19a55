// SPDX-License-Identifier: MIT
/*
 * Would the policy cut the connection by which its administrator came? The search is the driver's
 * (nl/search.h). What names and server keywords stand for is not known here, so they do not match.
 */
#include <netinet/in.h>
#include <sys/socket.h>

#include "nl/search.h"
#include "policy/address.h"
#include "store/finding_list.h"

/* false if it is not known which addresses it has. */
static bool make_side(const struct policy_address *address, uint16_t port, uint8_t family,
		      struct kernel_filter_side *ret_side)
{
	*ret_side = (struct kernel_filter_side){ .port = port };
	switch (address->kind) {
	case POLICY_ADDRESS_ME:
		ret_side->class = IPSECDRV_ADDRESS_CLASS_ME;
		return true;
	case POLICY_ADDRESS_ANY:
		ret_side->addr.family = family;
		ret_side->mask.family = family;
		return true;
	case POLICY_ADDRESS_IP:
		ret_side->addr = address->addr;
		ret_side->mask = address->mask;
		return true;
	case POLICY_ADDRESS_NAME:
	case POLICY_ADDRESS_WINS:
	case POLICY_ADDRESS_DNS:
	case POLICY_ADDRESS_DHCP:
	case POLICY_ADDRESS_GATEWAY:
		break;
	}
	return false;
}

static bool make_filter(const struct finding_piece *piece, struct kernel_filter *ret_filter)
{
	static const enum ipsecdrv_connection connections[] = {
		[POLICY_CONNECTION_ALL] = IPSECDRV_CONNECTION_ALL,
		[POLICY_CONNECTION_LAN] = IPSECDRV_CONNECTION_LAN,
		[POLICY_CONNECTION_DIALUP] = IPSECDRV_CONNECTION_DIALUP,
	};
	enum ipsecdrv_action action = piece->rule->action->action;

	*ret_filter = (struct kernel_filter){
		.family = piece->family,
		.class = piece->rule->has_tunnel ? IPSECDRV_FILTER_CLASS_TUNNEL :
						   IPSECDRV_FILTER_CLASS_TRANSPORT,
		.protocol = piece->filter->protocol,
		.connection = connections[piece->rule->connection],
		.outbound = piece->is_outbound ? action : IPSECDRV_ACTION_NONE,
		.inbound = piece->is_inbound ? action : IPSECDRV_ACTION_NONE,
	};
	if (piece->is_inbound && piece->rule->action->inpass && action == IPSECDRV_ACTION_NEGOTIATE)
		ret_filter->inbound = IPSECDRV_ACTION_PERMIT;
	return make_side(finding_piece_local(piece), finding_piece_local_port(piece), piece->family,
			 &ret_filter->local) &&
	       make_side(finding_piece_remote(piece), finding_piece_remote_port(piece),
			 piece->family, &ret_filter->remote);
}

/* The piece that decides, or NULL. */
static const struct finding_piece *decide(const struct finding_pieces *pieces,
					  const struct kernel_search *search,
					  enum ipsecdrv_action *ret_action)
{
	const struct finding_piece *first = NULL;
	struct kernel_filter filter, first_filter = { .id = 0 };

	for (size_t i = 0; i < pieces->n; i++) {
		if (!make_filter(&pieces->list[i], &filter) ||
		    !kernel_filter_matches(&filter, search) ||
		    (first && kernel_filter_compare_order(&filter, &first_filter) >= 0))
			continue;
		first = &pieces->list[i];
		first_filter = filter;
	}
	if (first)
		*ret_action = search->flow.direction == IPSECDRV_DIRECTION_OUT ?
			      first_filter.outbound : first_filter.inbound;
	return first;
}

/* The connection's packets of one direction, on a LAN: what else it comes by is not known. */
static struct kernel_search make_search(const struct store_check_context *context,
					enum ipsecdrv_direction direction)
{
	bool is_out = direction == IPSECDRV_DIRECTION_OUT;
	struct kernel_search search = {
		.flow = {
			.direction = direction,
			.source = is_out ? context->ssh_local : context->ssh_remote,
			.destination = is_out ? context->ssh_remote : context->ssh_local,
			.source_port = is_out ? context->ssh_local_port : context->ssh_remote_port,
			.destination_port = is_out ? context->ssh_remote_port :
						     context->ssh_local_port,
			.protocol = IPPROTO_TCP,
			.connection = IPSECDRV_CONNECTION_LAN,
		},
		.local_is_me = true,
	};

	return search;
}

/* Whether it says something. */
static bool tell(struct finding_list *list, const struct store_check_context *context,
		 const struct finding_piece *piece, enum ipsecdrv_action action)
{
	char remote[IP_ADDR_STRLEN];

	if (!piece || (action != IPSECDRV_ACTION_BLOCK && action != IPSECDRV_ACTION_NEGOTIATE))
		return false;
	ip_addr_format(&context->ssh_remote, remote);
	if (action == IPSECDRV_ACTION_BLOCK)
		finding_add(list, FINDING_SSH_LOCK_OUT, finding_rule_name(list, piece->rule),
			    "it blocks your own SSH connection from %s", remote);
	else
		finding_add(list, FINDING_SSH_LOCK_OUT, finding_rule_name(list, piece->rule),
			    "your own SSH connection from %s goes on only if that host %s", remote,
			    piece->rule->action->soft ?
			    "negotiates, or, after a pause, because it does not answer" :
			    "can negotiate with this one");
	return true;
}

void finding_check_ssh(struct finding_list *list, const struct finding_pieces *pieces,
		       const struct store_check_context *context)
{
	static const enum ipsecdrv_direction directions[] = {
		IPSECDRV_DIRECTION_IN, IPSECDRV_DIRECTION_OUT,
	};

	if (!context || !context->ssh_remote.family)
		return;
	for (size_t i = 0; i < sizeof(directions) / sizeof(directions[0]); i++) {
		struct kernel_search search = make_search(context, directions[i]);
		enum ipsecdrv_action action = IPSECDRV_ACTION_NONE;
		const struct finding_piece *piece = decide(pieces, &search, &action);

		if (tell(list, context, piece, action))
			return;
	}
}
