// SPDX-License-Identifier: MIT
#include "agent/show.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/socket.h>

#include "agent/agent.h"
#include "policy/fault.h"
#include "agent/translate.h"
#include "base/parse.h"
#include "policy/address.h"
#include "policy/authmethod.h"
#include "policy/bus.h"
#include "policy/text.h"

#define ADDRESS_LEN	(2 * IP_ADDR_STRLEN)	/* with a mask that has holes */
#define AUTH_LEN	128
#define NAME_LEN	24
#define COOKIE_LEN	17

/* --- policies ----------------------------------------------------------------------------- */

int show_mm_policies(sd_bus_message *m, const struct agent *agent)
{
	int r = sd_bus_message_open_container(m, 'a', "a{sv}");

	for (size_t i = 0; r >= 0 && i < agent->dynamic->n_mms; i++)
		r = policy_bus_append_mm_policy(m, agent->dynamic->mms[i]->policy);
	return r < 0 ? r : sd_bus_message_close_container(m);
}

int show_qm_policies(sd_bus_message *m, const struct agent *agent)
{
	int r = sd_bus_message_open_container(m, 'a', "a{sv}");

	for (size_t i = 0; r >= 0 && i < agent->dynamic->n_qms; i++)
		r = policy_bus_append_qm_policy(m, agent->dynamic->qms[i]->policy);
	return r < 0 ? r : sd_bus_message_close_container(m);
}

int show_rules(sd_bus_message *m, const struct agent *agent)
{
	int r = sd_bus_message_sensitive(m);

	if (r >= 0)
		r = sd_bus_message_open_container(m, 'a', "a{sv}");
	for (size_t i = 0; r >= 0 && i < agent->dynamic->n_rules; i++)
		r = policy_bus_append_rule(m, agent->dynamic->rules[i]->rule, POLICY_BUS_SECRETS);
	return r < 0 ? r : sd_bus_message_close_container(m);
}

/* --- words -------------------------------------------------------------------------------- */

/* "psk kerberos" */
static void format_auth(const struct policy_rule *rule, char buf[static AUTH_LEN])
{
	size_t len = 0;

	buf[0] = '\0';
	for (size_t i = 0; i < rule->n_methods && len < AUTH_LEN; i++)
		len += (size_t)snprintf(buf + len, AUTH_LEN - len, "%s%s", i ? " " : "",
					policy_method_kind_name(rule->methods[i].kind));
}

/* The place of a rule in the list, from 1: what the other shows call it. */
static void format_name(const struct agent *agent, const struct dynamic_rule *rule,
			char buf[static NAME_LEN])
{
	size_t i = 0;

	while (i < agent->dynamic->n_rules && agent->dynamic->rules[i] != rule)
		i++;
	snprintf(buf, NAME_LEN, "%zu", i + 1);
}

static void format_host(const struct ip_addr *addr, char buf[static ADDRESS_LEN])
{
	ip_addr_format(addr, buf);
}

/* "10.0.0.2", "10.0.0.0/24" */
static void format_net(const struct ip_addr *addr, uint8_t prefix, char buf[static ADDRESS_LEN])
{
	size_t len = strlen(ip_addr_format(addr, buf));

	if (prefix != 8 * ip_addr_len(addr))
		snprintf(buf + len, ADDRESS_LEN - len, "/%u", prefix);
}

/* "10.0.0.2", "10.0.0.0/24", "10.0.3.0/255.0.255.0" */
static void format_mask_side(const struct kernel_filter_side *side, char buf[static ADDRESS_LEN])
{
	char addr[IP_ADDR_STRLEN], mask[IP_ADDR_STRLEN];
	uint8_t prefix;

	ip_addr_format(&side->addr, addr);
	if (mask_to_prefix(&side->mask, &prefix))
		snprintf(buf, ADDRESS_LEN, "%s/%s", addr, ip_addr_format(&side->mask, mask));
	else
		format_net(&side->addr, prefix, buf);
}

static const char *action_name(enum ipsecdrv_action action)
{
	return action == IPSECDRV_ACTION_NONE ? "none" : policy_action_name(action);
}

/* --- generic filters ---------------------------------------------------------------------- */

static int append_generic_mm(sd_bus_message *m, const struct agent *agent,
			     const struct dynamic_rule *rule)
{
	_cleanup_free_ char *source = policy_address_to_text(&rule->rule->source);
	_cleanup_free_ char *destination = policy_address_to_text(&rule->rule->destination);
	char auth[AUTH_LEN], name[NAME_LEN];
	struct policy_mm_filter_info info = {
		.type = "generic",
		.name = name,
		.source = source,
		.destination = destination,
		.mirrored = rule->rule->mirrored,
		.connection = policy_connection_name(rule->rule->connection),
		.mm_policy = rule->rule->mm_policy,
		.auth = auth,
	};

	if (!source || !destination)
		return -ENOMEM;
	format_name(agent, rule, name);
	format_auth(rule->rule, auth);
	return policy_bus_append_record(m, &policy_mm_filter_record, &info);
}

/*
 * Main mode does not see protocol and ports: of rules that differ in these only the first has
 * one.
 */
static bool has_earlier_pair(const struct agent *agent, size_t place)
{
	const struct policy_rule *rule = agent->dynamic->rules[place]->rule;

	for (size_t i = 0; i < place; i++) {
		const struct policy_rule *other = agent->dynamic->rules[i]->rule;

		if (policy_rule_is_negotiated(other) && !other->is_default_response &&
		    policy_address_is_equal(&rule->source, &other->source) &&
		    policy_address_is_equal(&rule->destination, &other->destination))
			return true;
	}
	return false;
}

static int append_generic_mms(sd_bus_message *m, const struct agent *agent)
{
	int r = 0;

	for (size_t i = 0; r >= 0 && i < agent->dynamic->n_rules; i++) {
		const struct dynamic_rule *rule = agent->dynamic->rules[i];

		if (policy_rule_is_negotiated(rule->rule) && !rule->rule->is_default_response &&
		    !has_earlier_pair(agent, i))
			r = append_generic_mm(m, agent, rule);
	}
	return r;
}

static int append_generic_qm(sd_bus_message *m, const struct agent *agent,
			     const struct dynamic_rule *rule)
{
	_cleanup_free_ char *source = policy_address_to_text(&rule->rule->source);
	_cleanup_free_ char *destination = policy_address_to_text(&rule->rule->destination);
	_cleanup_free_ char *tunnel = rule->rule->has_tunnel ?
				      policy_address_to_text(&rule->rule->tunnel_destination) : NULL;
	char protocol[POLICY_PROTOCOL_STRLEN], name[NAME_LEN];
	struct policy_qm_filter_info info = {
		.type = "generic",
		.name = name,
		.source = source,
		.destination = destination,
		.tunnel_destination = tunnel,
		.protocol = policy_protocol_format(rule->rule->protocol, protocol),
		.source_port = rule->rule->source_port,
		.destination_port = rule->rule->destination_port,
		.mirrored = rule->rule->mirrored,
		.connection = policy_connection_name(rule->rule->connection),
		.qm_policy = rule->rule->qm_policy,
		.inbound_action = action_name(rule->rule->inbound),
		.outbound_action = action_name(rule->rule->outbound),
	};

	if (!source || !destination || (rule->rule->has_tunnel && !tunnel))
		return -ENOMEM;
	format_name(agent, rule, name);
	return policy_bus_append_record(m, &policy_qm_filter_record, &info);
}

static int append_generic_qms(sd_bus_message *m, const struct agent *agent)
{
	int r = 0;

	for (size_t i = 0; r >= 0 && i < agent->dynamic->n_rules; i++)
		if (!agent->dynamic->rules[i]->rule->is_default_response)
			r = append_generic_qm(m, agent, agent->dynamic->rules[i]);
	return r;
}

/* --- specific filters --------------------------------------------------------------------- */

/* The addresses that a side is now: its own, or each of this host's in the family. */
struct side_walk {
	const struct kernel_filter_side *side;
	uint8_t family;
	const struct ip_addr *mine;
	size_t n_mine;
	size_t next;
};

static struct side_walk walk_side(struct agent *agent, const struct kernel_filter_side *side,
				  uint8_t family)
{
	struct side_walk walk = { .side = side, .family = family };

	walk.mine = addresses_list(agent->addresses, &walk.n_mine);
	return walk;
}

static bool walk_next(struct side_walk *walk, char buf[static ADDRESS_LEN])
{
	if (walk->side->class == IPSECDRV_ADDRESS_CLASS_MASK) {
		format_mask_side(walk->side, buf);
		return !walk->next++;
	}
	while (walk->next < walk->n_mine) {
		const struct ip_addr *addr = &walk->mine[walk->next++];

		if (addr->family == walk->family) {
			format_host(addr, buf);
			return true;
		}
	}
	return false;
}

/* All pairs of addresses of two sides. */
struct pair_walk {
	struct agent *agent;
	const struct kernel_filter_side *remote_side;
	struct side_walk locals;
	struct side_walk remotes;
	uint8_t family;
	bool has_local;
};

static struct pair_walk walk_pairs(struct agent *agent, uint8_t family,
				   const struct kernel_filter_side *local,
				   const struct kernel_filter_side *remote)
{
	return (struct pair_walk){
		.agent = agent,
		.remote_side = remote,
		.locals = walk_side(agent, local, family),
		.family = family,
	};
}

static bool pair_walk_next(struct pair_walk *walk, char local[static ADDRESS_LEN],
			   char remote[static ADDRESS_LEN])
{
	for (;;) {
		if (walk->has_local && walk_next(&walk->remotes, remote))
			return true;
		walk->has_local = walk_next(&walk->locals, local);
		if (!walk->has_local)
			return false;
		walk->remotes = walk_side(walk->agent, walk->remote_side, walk->family);
	}
}

static int append_specific_qm(sd_bus_message *m, const struct agent *agent,
			      const struct kernel_filter *filter, const struct dynamic_rule *rule,
			      enum ipsecdrv_direction direction, const char *local,
			      const char *remote)
{
	bool is_out = direction == IPSECDRV_DIRECTION_OUT;
	char protocol[POLICY_PROTOCOL_STRLEN], name[NAME_LEN];
	char near[IP_ADDR_STRLEN], far[IP_ADDR_STRLEN];
	struct policy_qm_filter_info info = {
		.type = "specific",
		.name = name,
		.id = filter->id,
		.source = is_out ? local : remote,
		.destination = is_out ? remote : local,
		.protocol = policy_protocol_format(filter->protocol, protocol),
		.source_port = is_out ? filter->local.port : filter->remote.port,
		.destination_port = is_out ? filter->remote.port : filter->local.port,
		.direction = is_out ? "outbound" : "inbound",
		.weight = filter->weight,
		.connection = policy_connection_name(rule->rule->connection),
		.qm_policy = rule->rule->qm_policy,
		.inbound_action = action_name(is_out ? IPSECDRV_ACTION_NONE : filter->inbound),
		.outbound_action = action_name(is_out ? filter->outbound : IPSECDRV_ACTION_NONE),
		.inbound_hits = is_out ? 0 : filter->inbound_hits,
		.outbound_hits = is_out ? filter->outbound_hits : 0,
	};

	if (filter->tunnel_local.family && filter->tunnel_remote.family) {
		ip_addr_format(&filter->tunnel_local, near);
		ip_addr_format(&filter->tunnel_remote, far);
		info.tunnel_source = is_out ? near : far;
		info.tunnel_destination = is_out ? far : near;
	}
	format_name(agent, rule, name);
	return policy_bus_append_record(m, &policy_qm_filter_record, &info);
}

static int append_specific_mm(sd_bus_message *m, const struct agent *agent,
			      const struct dynamic_rule *rule, uint32_t weight,
			      const char *source, const char *destination,
			      const char *direction)
{
	char auth[AUTH_LEN], name[NAME_LEN];
	struct policy_mm_filter_info info = {
		.type = "specific",
		.name = name,
		.source = source,
		.destination = destination,
		.direction = direction,
		.weight = weight,
		.connection = policy_connection_name(rule->rule->connection),
		.mm_policy = rule->rule->mm_policy,
		.auth = auth,
	};

	format_name(agent, rule, name);
	format_auth(rule->rule, auth);
	return policy_bus_append_record(m, &policy_mm_filter_record, &info);
}

/* By place in layers->mms: the weight of the heaviest filter between the two sides. */
static uint32_t *weigh_mms(const struct layers *layers, const struct kernel_filter *filters,
			   size_t n)
{
	uint32_t *weights = calloc(layers->n_mms + 1, sizeof(*weights));

	for (size_t i = 0; weights && i < n; i++) {
		const struct layer_mm *mm = layers_mm_of(layers, &filters[i]);

		if (mm && weights[mm - layers->mms] < filters[i].weight)
			weights[mm - layers->mms] = filters[i].weight;
	}
	return weights;
}

static int append_specific_mms(sd_bus_message *m, struct agent *agent,
			       const struct kernel_filter *filters, size_t n)
{
	_cleanup_free_ uint32_t *weights = weigh_mms(agent->layers, filters, n);
	char local[ADDRESS_LEN], remote[ADDRESS_LEN];
	int r = weights ? 0 : -ENOMEM;

	for (size_t i = 0; r >= 0 && i < agent->layers->n_mms; i++) {
		const struct layer_mm *mm = &agent->layers->mms[i];
		struct pair_walk walk = walk_pairs(agent, mm->family, &mm->local, &mm->remote);

		while (r >= 0 && pair_walk_next(&walk, local, remote)) {
			r = append_specific_mm(m, agent, mm->rule, weights[i], local, remote,
					       "outbound");
			if (r >= 0)
				r = append_specific_mm(m, agent, mm->rule, weights[i], remote,
						       local, "inbound");
		}
	}
	return r;
}

/* One row per direction that the filter acts in and pair of addresses. */
static int append_specific(sd_bus_message *m, struct agent *agent,
			   const struct kernel_filter *filter, const struct layer_filter *layer)
{
	struct pair_walk walk = walk_pairs(agent, filter->family, &filter->local, &filter->remote);
	char local[ADDRESS_LEN], remote[ADDRESS_LEN];
	int r = 0;

	while (r >= 0 && pair_walk_next(&walk, local, remote)) {
		if (filter->outbound != IPSECDRV_ACTION_NONE)
			r = append_specific_qm(m, agent, filter,
					       layer->rule[IPSECDRV_DIRECTION_OUT],
					       IPSECDRV_DIRECTION_OUT, local, remote);
		if (r >= 0 && filter->inbound != IPSECDRV_ACTION_NONE)
			r = append_specific_qm(m, agent, filter, layer->rule[IPSECDRV_DIRECTION_IN],
					       IPSECDRV_DIRECTION_IN, local, remote);
	}
	return r;
}

static int append_specific_qms(sd_bus_message *m, struct agent *agent,
			       const struct kernel_filter *filters, size_t n)
{
	int r = 0;

	for (size_t i = 0; r >= 0 && i < n; i++) {
		const struct layer_filter *layer = layers_find(agent->layers, filters[i].id);

		if (layer)
			r = append_specific(m, agent, &filters[i], layer);
	}
	return r;
}

static int show_filters(sd_bus_message *m, struct agent *agent, struct fault *fault,
			int (*append)(sd_bus_message *m, struct agent *agent,
				      const struct kernel_filter *filters, size_t n))
{
	_cleanup_free_ struct kernel_filter *filters = NULL;
	size_t n;

	if (agent->kernel->ops->filter_dump(agent->kernel, &filters, &n))
		return fault_failed(fault, "the driver's filters cannot be read: %s",
				    agent->kernel->why);
	return append(m, agent, filters, n);
}

int show_mm_filters(sd_bus_message *m, struct agent *agent, bool is_specific, struct fault *fault)
{
	int r = sd_bus_message_open_container(m, 'a', "a{sv}");

	if (r >= 0)
		r = is_specific ? show_filters(m, agent, fault, append_specific_mms) :
				  append_generic_mms(m, agent);
	return r < 0 ? r : sd_bus_message_close_container(m);
}

int show_qm_filters(sd_bus_message *m, struct agent *agent, bool is_specific, struct fault *fault)
{
	int r = sd_bus_message_open_container(m, 'a', "a{sv}");

	if (r >= 0)
		r = is_specific ? show_filters(m, agent, fault, append_specific_qms) :
				  append_generic_qms(m, agent);
	return r < 0 ? r : sd_bus_message_close_container(m);
}

/* --- main mode associations --------------------------------------------------------------- */

/* The cookie's bytes are as on the wire, whatever this machine's order. */
static const char *format_cookie(uint64_t cookie, char buf[static COOKIE_LEN])
{
	const uint8_t *bytes = (const uint8_t *)&cookie;

	for (size_t i = 0; i < 8; i++)
		snprintf(buf + 2 * i, 3, "%02x", bytes[i]);
	return buf;
}

static const char *mm_state_name(enum ike_mm_state state)
{
	switch (state) {
	case IKE_MM_STATE_ESTABLISHED:
		return "established";
	case IKE_MM_STATE_DYING:
		return "dying";
	case IKE_MM_STATE_DEAD:
		return "dead";
	default:
		return "negotiating";
	}
}

static const char *auth_label(enum ike_auth auth)
{
	switch (auth) {
	case IKE_AUTH_PSK:
		return policy_method_kind_label(POLICY_METHOD_PSK);
	case IKE_AUTH_RSA_SIG:
	case IKE_AUTH_ECDSA_256:
	case IKE_AUTH_ECDSA_384:
		return policy_method_kind_label(POLICY_METHOD_ROOT_CA);
	case IKE_AUTH_KERBEROS:
		return policy_method_kind_label(POLICY_METHOD_KERBEROS);
	default:
		return NULL;
	}
}

static const char *mm_policy_between(struct agent *agent, const struct ike_path *path)
{
	const struct layer_mm *mm =
		layers_find_mm(agent->layers, &path->local,
			       addresses_is_me(agent->addresses, &path->local), &path->remote);

	return mm ? mm->rule->rule->mm_policy : NULL;
}

static int append_mm_sa(sd_bus_message *m, struct agent *agent, const struct ike_mm_info *mm)
{
	char icookie[COOKIE_LEN], rcookie[COOKIE_LEN];
	char local_id[IP_ADDR_STRLEN], remote_id[IP_ADDR_STRLEN];
	struct policy_mm_sa_info info = {
		.initiator_cookie = format_cookie(mm->icookie, icookie),
		.responder_cookie = format_cookie(mm->rcookie, rcookie),
		.state = mm_state_name(mm->state),
		.is_initiator = mm->is_initiator,
		.group = mm->proposal.group,
		.lifetime_seconds = mm->life_seconds,
		.age_seconds = (uint32_t)(mm->age_ms / 1000),
		.auth = auth_label(mm->auth),
		.mm_policy = mm_policy_between(agent, &mm->path),
		.source = mm->path.local,
		.source_port = mm->path.local_port,
		.destination = mm->path.remote,
		.destination_port = mm->path.remote_port,
		.root_ca = mm->authority,
		.quick_modes = mm->n_qm,
		.quick_mode_limit = mm->qm_limit,
	};

	if (mm->has_proposal) {
		info.encryption = translate_cipher_name(mm->proposal.cipher, mm->proposal.key_bits);
		info.integrity = translate_hash_name(mm->proposal.hash);
	}
	if (mm->local_id.family)
		info.source_id = ip_addr_format(&mm->local_id, local_id);
	if (mm->remote_id.family)
		info.destination_id = ip_addr_format(&mm->remote_id, remote_id);
	if (mm->local_name)
		info.source_id = mm->local_name;
	if (mm->remote_name)
		info.destination_id = mm->remote_name;
	return policy_bus_append_record(m, &policy_mm_sa_record, &info);
}

int show_mm_sas(sd_bus_message *m, struct agent *agent, const struct ike_mm_info *items, size_t n)
{
	int r = sd_bus_message_open_container(m, 'a', "a{sv}");

	for (size_t i = 0; r >= 0 && i < n; i++)
		if (items[i].state != IKE_MM_STATE_DEAD)
			r = append_mm_sa(m, agent, &items[i]);
	return r < 0 ? r : sd_bus_message_close_container(m);
}

/* --- quick mode associations -------------------------------------------------------------- */

/* What the driver and IKE know of one pair. */
struct qm_row {
	const struct ike_sa_install *pair;
	const struct ike_qm_info *qm;		/* may be NULL */
	const struct kernel_sa *in;		/* the ESP one of a bundle; may be NULL */
	const struct kernel_sa *out;
};

struct qm_show {
	sd_bus_message *m;
	struct agent *agent;
	const struct ike_qm_info *items;
	size_t n_items;
	const struct kernel_sa *sas;
	size_t n_sas;
	int result;
};

static const struct kernel_sa *find_sa(const struct qm_show *show, uint32_t spi,
				       enum ipsecdrv_direction direction,
				       enum ipsecdrv_protection protection)
{
	for (size_t i = 0; i < show->n_sas; i++)
		if (show->sas[i].spi == spi && show->sas[i].direction == direction &&
		    show->sas[i].protection == protection)
			return &show->sas[i];
	return NULL;
}

static const struct ike_qm_info *find_qm(const struct qm_show *show, uint32_t spi_in)
{
	for (size_t i = 0; i < show->n_items; i++)
		for (size_t j = 0; j < show->items[i].n_suites; j++)
			if (show->items[i].spi_in[j] == spi_in)
				return &show->items[i];
	return NULL;
}

static struct qm_row row_of(const struct qm_show *show, const struct ike_sa_install *pair)
{
	const struct ike_sa_suite *last = &pair->suites[pair->n_suites - 1];
	enum ipsecdrv_protection protection = translate_protection(last->suite.protocol);

	return (struct qm_row){
		.pair = pair,
		.qm = find_qm(show, last->spi_in),
		.in = find_sa(show, last->spi_in, IPSECDRV_DIRECTION_IN, protection),
		.out = find_sa(show, last->spi_out, IPSECDRV_DIRECTION_OUT, protection),
	};
}

static const char *qm_state_name(const struct qm_row *row)
{
	if (row->qm && row->qm->state == IKE_QM_STATE_REPLACED)
		return "replaced";
	if (row->out && row->out->state == IPSECDRV_SA_STATE_DYING)
		return "dying";
	return row->out ? "established" : "negotiating";
}

static void fill_suites(const struct ike_sa_install *pair, struct policy_qm_sa_info *info)
{
	for (size_t i = 0; i < pair->n_suites; i++) {
		const struct ike_sa_suite *s = &pair->suites[i];

		if (s->suite.protocol == IKE_PROTOCOL_AH) {
			info->ah_integrity = translate_hash_name(s->suite.hash);
			info->ah_spi_in = s->spi_in;
			info->ah_spi_out = s->spi_out;
		} else {
			info->esp_encryption = translate_cipher_name(s->suite.cipher,
								     s->suite.key_bits);
			info->esp_integrity = translate_hash_name(s->suite.hash);
			info->esp_spi_in = s->spi_in;
			info->esp_spi_out = s->spi_out;
		}
	}
}

static void fill_counters(const struct qm_row *row, struct policy_qm_sa_info *info)
{
	if (row->in) {
		info->bytes_in = row->in->bytes;
		info->packets_in = row->in->packets;
		info->age_seconds = row->in->age_seconds;
		info->idle_seconds = row->in->idle_seconds;
		info->lifetime_seconds = row->in->lifetime.hard_seconds;
		info->lifetime_kilobytes = row->in->lifetime.hard_bytes / 1024;
	}
	if (row->out) {
		info->bytes_out = row->out->bytes;
		info->packets_out = row->out->packets;
		if (row->in && row->out->idle_seconds < info->idle_seconds)
			info->idle_seconds = row->out->idle_seconds;
	}
}

static const char *qm_policy_of(const struct agent *agent, uint32_t filter_id)
{
	const struct layer_filter *filter = layers_find(agent->layers, filter_id);
	const struct dynamic_rule *rule = filter ? layer_filter_rule(filter) : NULL;

	return rule ? rule->rule->qm_policy : NULL;
}

static void append_pair(void *userdata, const struct ike_sa_install *pair)
{
	struct qm_show *show = userdata;
	struct qm_row row = row_of(show, pair);
	char source[ADDRESS_LEN], destination[ADDRESS_LEN], protocol[POLICY_PROTOCOL_STRLEN];
	struct policy_qm_sa_info info = {
		.qm_policy = qm_policy_of(show->agent, pair->filter_id),
		.filter = pair->filter_id,
		.state = qm_state_name(&row),
		.encapsulation = pair->encapsulation == IKE_ENCAPSULATION_TUNNEL ? "tunnel" :
										    "transport",
		.local = pair->path.local,
		.remote = pair->path.remote,
		.source = source,
		.destination = destination,
		.protocol = policy_protocol_format(pair->selector.protocol, protocol),
		.source_port = pair->selector.local_port,
		.destination_port = pair->selector.remote_port,
		.pfs_group = pair->pfs_group,
	};

	if (show->result < 0 || (!row.in && !row.out))
		return;
	format_net(&pair->selector.local, pair->selector.local_prefix, source);
	format_net(&pair->selector.remote, pair->selector.remote_prefix, destination);
	fill_suites(pair, &info);
	fill_counters(&row, &info);
	show->result = policy_bus_append_record(show->m, &policy_qm_sa_record, &info);
}

/* Peers that are talked to in clear for a while. */
static int append_soft(const struct qm_show *show, const struct kernel_acquire *acquire)
{
	char source[ADDRESS_LEN], destination[ADDRESS_LEN], protocol[POLICY_PROTOCOL_STRLEN];
	struct policy_qm_sa_info info = {
		.qm_policy = qm_policy_of(show->agent, acquire->filter_id),
		.filter = acquire->filter_id,
		.state = "soft",
		.encapsulation = "transport",
		.local = acquire->selector.local,
		.remote = acquire->selector.remote,
		.source = source,
		.destination = destination,
		.protocol = policy_protocol_format(acquire->selector.protocol, protocol),
		.source_port = acquire->selector.local_port,
		.destination_port = acquire->selector.remote_port,
	};

	format_host(&acquire->selector.local, source);
	format_host(&acquire->selector.remote, destination);
	return policy_bus_append_record(show->m, &policy_qm_sa_record, &info);
}

static int append_softs(const struct qm_show *show, struct fault *fault)
{
	struct kernel *kernel = show->agent->kernel;
	_cleanup_free_ struct kernel_acquire *acquires = NULL;
	size_t n;
	int r = 0;

	if (kernel->ops->acquire_dump(kernel, &acquires, &n))
		return fault_failed(fault, "the driver's negotiations cannot be read: %s",
				    kernel->why);
	for (size_t i = 0; r >= 0 && i < n; i++)
		if (acquires[i].has_ended && acquires[i].result == IPSECDRV_ACQUIRE_RESULT_SOFT)
			r = append_soft(show, &acquires[i]);
	return r;
}

int show_qm_sas(sd_bus_message *m, struct agent *agent, const struct ike_qm_info *items, size_t n,
		struct fault *fault)
{
	_cleanup_free_ struct kernel_sa *sas = NULL;
	struct qm_show show = { .m = m, .agent = agent, .items = items, .n_items = n };
	int r;

	if (agent->kernel->ops->sa_dump(agent->kernel, &sas, &show.n_sas))
		return fault_failed(fault, "the driver's associations cannot be read: %s",
				    agent->kernel->why);
	show.sas = sas;
	r = sd_bus_message_open_container(m, 'a', "a{sv}");
	if (r >= 0) {
		negotiate_for_each_pair(agent->negotiate, append_pair, &show);
		r = show.result;
	}
	if (r >= 0)
		r = append_softs(&show, fault);
	return r < 0 ? r : sd_bus_message_close_container(m);
}
