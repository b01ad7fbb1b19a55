// SPDX-License-Identifier: MIT
#include "agent/show.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/socket.h>

#include "agent/agent.h"
#include "agent/layers_mm.h"
#include "agent/show_filter.h"
#include "policy/fault.h"
#include "agent/translate.h"
#include "base/parse.h"
#include "policy/address.h"
#include "policy/authmethod.h"
#include "policy/bus.h"
#include "policy/text.h"

#define COOKIE_LEN	17

/* --- policies ----------------------------------------------------------------------------- */

/* Of all layers, lowest first: what is in force, wherever it was said. */
static int append_layers(sd_bus_message *m, const struct agent *agent,
			 int (*append)(sd_bus_message *m, const struct ruleset *ruleset))
{
	int r = sd_bus_message_open_container(m, 'a', "a{sv}");

	for (size_t i = 0; r >= 0 && i < RULESET_LAYER_COUNT; i++)
		if (agent->rulesets[i])
			r = append(m, agent->rulesets[i]);
	return r < 0 ? r : sd_bus_message_close_container(m);
}

static int append_mms(sd_bus_message *m, const struct ruleset *ruleset)
{
	int r = 0;

	for (size_t i = 0; r >= 0 && i < ruleset->n_mms; i++)
		r = policy_bus_append_mm_policy(m, ruleset->mms[i]->policy);
	return r;
}

static int append_qms(sd_bus_message *m, const struct ruleset *ruleset)
{
	int r = 0;

	for (size_t i = 0; r >= 0 && i < ruleset->n_qms; i++)
		r = policy_bus_append_qm_policy(m, ruleset->qms[i]->policy);
	return r;
}

static int append_rules(sd_bus_message *m, const struct ruleset *ruleset)
{
	int r = 0;

	for (size_t i = 0; r >= 0 && i < ruleset->n_rules; i++) {
		struct policy_rule rule = ruleset_rule_view(ruleset->rules[i]);

		r = policy_bus_append_rule(m, &rule, POLICY_BUS_SECRETS);
	}
	return r;
}

int show_mm_policies(sd_bus_message *m, const struct agent *agent)
{
	return append_layers(m, agent, append_mms);
}

int show_qm_policies(sd_bus_message *m, const struct agent *agent)
{
	return append_layers(m, agent, append_qms);
}

int show_rules(sd_bus_message *m, const struct agent *agent)
{
	int r = sd_bus_message_sensitive(m);

	return r < 0 ? r : append_layers(m, agent, append_rules);
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

	return mm ? mm->rule->treatment->rule->mm_policy : NULL;
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
	const struct ruleset_rule *rule = filter ? layer_filter_rule(filter) : NULL;

	return rule ? rule->treatment->rule->qm_policy : NULL;
}

static void append_pair(void *userdata, const struct ike_sa_install *pair)
{
	struct qm_show *show = userdata;
	struct qm_row row = row_of(show, pair);
	char source[SHOW_ADDRESS_LEN], destination[SHOW_ADDRESS_LEN], protocol[POLICY_PROTOCOL_STRLEN];
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
	show_format_net(&pair->selector.local, pair->selector.local_prefix, source);
	show_format_net(&pair->selector.remote, pair->selector.remote_prefix, destination);
	fill_suites(pair, &info);
	fill_counters(&row, &info);
	show->result = policy_bus_append_record(show->m, &policy_qm_sa_record, &info);
}

/* Peers that are talked to in clear for a while. */
static int append_soft(const struct qm_show *show, const struct kernel_acquire *acquire)
{
	char source[SHOW_ADDRESS_LEN], destination[SHOW_ADDRESS_LEN], protocol[POLICY_PROTOCOL_STRLEN];
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

	ip_addr_format(&acquire->selector.local, source);
	ip_addr_format(&acquire->selector.remote, destination);
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
