// SPDX-License-Identifier: MIT
#include "agent/bus.h"

#include <errno.h>
#include <stdio.h>
#include <strings.h>

#include <systemd/sd-bus.h>

#include "agent/agent.h"
#include "agent/bus_runs.h"
#include "agent/bus_store.h"
#include "agent/caller.h"
#include "agent/driver_check.h"
#include "agent/dynamic.h"
#include "agent/explain.h"
#include "agent/reply.h"
#include "agent/show.h"
#include "agent/show_filter.h"
#include "agent/stats.h"
#include "agent/stores.h"
#include "base/log.h"
#include "link/listener.h"
#include "policy/bus.h"
#include "policy/fault.h"
#include "policy/runs.h"

#define SOCKET_PATH_LEN 128

/* A call whose answer has to wait. */
struct request {
	struct request *next;
	struct request **place;
	struct bus *bus;
	sd_bus_message *message;
	/* AddRule: until its names have addresses */
	struct policy_rule *rule;
	struct resolver_question *question;
	/* DeleteSas */
	unsigned int n_pending;
	struct ip_addr remote;
};

struct bus {
	struct agent *agent;
	struct link_listener *listener;
	struct request *requests;
	size_t n_requests;
};

/* --- calls that wait ---------------------------------------------------------------------- */

static struct request *request_free(struct request *request)
{
	if (!request)
		return NULL;
	*request->place = request->next;
	if (request->next)
		request->next->place = request->place;
	request->bus->n_requests--;
	resolver_cancel(request->question);
	policy_rule_free(request->rule);
	sd_bus_message_unref(request->message);
	free(request);
	return NULL;
}

static struct request *request_new(struct bus *bus, sd_bus_message *m)
{
	struct request *request = bus->n_requests < BUS_REQUESTS_MAX ? calloc(1, sizeof(*request)) :
								       NULL;

	if (!request)
		return NULL;
	request->bus = bus;
	request->message = sd_bus_message_ref(m);
	request->next = bus->requests;
	request->place = &bus->requests;
	if (request->next)
		request->next->place = &request->next;
	bus->requests = request;
	bus->n_requests++;
	return request;
}

/* --- policies ----------------------------------------------------------------------------- */

/* A copy to change; NULL has been answered. */
static struct ruleset *begin(struct bus *bus, sd_bus_message *m, int *ret_r)
{
	struct ruleset *candidate = ruleset_copy(bus->agent->rulesets[RULESET_LAYER_DYNAMIC]);
	struct fault fault;

	if (!candidate) {
		fault_no_memory(&fault);
		*ret_r = reply_fault(m, &fault);
	}
	return candidate;
}

/* Commits @candidate if the change went well (@r is 0), and answers. */
static int finish(struct bus *bus, sd_bus_message *m, struct ruleset *candidate, int r,
		  struct fault *fault)
{
	if (r)
		ruleset_free(candidate);
	else
		r = agent_commit(bus->agent, candidate, fault);
	return reply_change(m, r, fault);
}

static int on_add_mm(sd_bus_message *m, void *userdata, sd_bus_error *ret_error)
{
	_cleanup_(policy_mm_policy_freep) struct policy_mm_policy *policy = NULL;
	char why[POLICY_WHY_LEN];
	struct fault fault = { 0 };
	struct ruleset *candidate;
	int r = policy_bus_read_mm_policy(m, &policy, NULL, why);

	(void)ret_error;
	if (r <= 0)
		return reply_invalid(m, r, why);
	candidate = begin(userdata, m, &r);
	if (!candidate)
		return r;
	r = dynamic_add_mm(candidate, TAKE_PTR(policy), &fault);
	return finish(userdata, m, candidate, r, &fault);
}

static int on_set_mm(sd_bus_message *m, void *userdata, sd_bus_error *ret_error)
{
	_cleanup_(policy_mm_policy_freep) struct policy_mm_policy *changes = NULL;
	char why[POLICY_WHY_LEN];
	struct fault fault = { 0 };
	struct ruleset *candidate;
	uint32_t given;
	int r = policy_bus_read_mm_policy(m, &changes, &given, why);

	(void)ret_error;
	if (r <= 0)
		return reply_invalid(m, r, why);
	if (!changes->name)
		return reply_invalid(m, -EINVAL, "name: say which main mode policy is meant");
	candidate = begin(userdata, m, &r);
	if (!candidate)
		return r;
	r = dynamic_set_mm(candidate, changes, given, &fault);
	return finish(userdata, m, candidate, r, &fault);
}

static int on_delete_mm(sd_bus_message *m, void *userdata, sd_bus_error *ret_error)
{
	struct fault fault = { 0 };
	struct ruleset *candidate;
	const char *name;
	int r = sd_bus_message_read(m, "s", &name);

	(void)ret_error;
	if (r < 0)
		return r;
	candidate = begin(userdata, m, &r);
	if (!candidate)
		return r;
	r = dynamic_delete_mm(candidate, name, &fault);
	return finish(userdata, m, candidate, r, &fault);
}

static int on_add_qm(sd_bus_message *m, void *userdata, sd_bus_error *ret_error)
{
	_cleanup_(policy_qm_policy_freep) struct policy_qm_policy *policy = NULL;
	char why[POLICY_WHY_LEN];
	struct fault fault = { 0 };
	struct ruleset *candidate;
	int r = policy_bus_read_qm_policy(m, &policy, NULL, why);

	(void)ret_error;
	if (r <= 0)
		return reply_invalid(m, r, why);
	candidate = begin(userdata, m, &r);
	if (!candidate)
		return r;
	r = dynamic_add_qm(candidate, TAKE_PTR(policy), &fault);
	return finish(userdata, m, candidate, r, &fault);
}

static int on_set_qm(sd_bus_message *m, void *userdata, sd_bus_error *ret_error)
{
	_cleanup_(policy_qm_policy_freep) struct policy_qm_policy *changes = NULL;
	char why[POLICY_WHY_LEN];
	struct fault fault = { 0 };
	struct ruleset *candidate;
	uint32_t given;
	int r = policy_bus_read_qm_policy(m, &changes, &given, why);

	(void)ret_error;
	if (r <= 0)
		return reply_invalid(m, r, why);
	if (!changes->name)
		return reply_invalid(m, -EINVAL, "name: say which quick mode policy is meant");
	candidate = begin(userdata, m, &r);
	if (!candidate)
		return r;
	r = dynamic_set_qm(candidate, changes, given, &fault);
	return finish(userdata, m, candidate, r, &fault);
}

static int on_delete_qm(sd_bus_message *m, void *userdata, sd_bus_error *ret_error)
{
	struct fault fault = { 0 };
	struct ruleset *candidate;
	const char *name;
	int r = sd_bus_message_read(m, "s", &name);

	(void)ret_error;
	if (r < 0)
		return r;
	candidate = begin(userdata, m, &r);
	if (!candidate)
		return r;
	r = dynamic_delete_qm(candidate, name, &fault);
	return finish(userdata, m, candidate, r, &fault);
}

/* --- rules -------------------------------------------------------------------------------- */

static int add_rule(struct bus *bus, sd_bus_message *m, const struct policy_rule *rule)
{
	struct fault fault = { 0 };
	struct policy_rule *copy = policy_rule_copy(rule);
	struct ruleset *candidate;
	int r;

	if (!copy) {
		fault_no_memory(&fault);
		return reply_fault(m, &fault);
	}
	candidate = begin(bus, m, &r);
	if (!candidate) {
		policy_rule_free(copy);
		return r;
	}
	r = dynamic_add_rule(candidate, copy, &fault);
	return finish(bus, m, candidate, r, &fault);
}

/*
 * Refused now rather than after the name server has answered; 0, or the call has been answered
 * (1).
 */
static int check_rule(struct bus *bus, sd_bus_message *m, const struct policy_rule *rule)
{
	_cleanup_(ruleset_freep) struct ruleset *scratch = NULL;
	struct policy_rule *copy = policy_rule_copy(rule);
	struct fault fault = { 0 };
	int r;

	if (!copy) {
		fault_no_memory(&fault);
		r = reply_fault(m, &fault);
		return r < 0 ? r : 1;
	}
	scratch = begin(bus, m, &r);
	if (!scratch) {
		policy_rule_free(copy);
		return r < 0 ? r : 1;
	}
	if (!dynamic_add_rule(scratch, copy, &fault))
		return 0;
	r = reply_fault(m, &fault);
	return r < 0 ? r : 1;
}

static void on_resolved(void *userdata, int error, const char *why);

/* Asks for one name; the others follow when it is there. */
static int ask_name(struct request *request, const char *name)
{
	return resolver_ask(request->bus->agent->resolver, name, on_resolved, request,
			    &request->question);
}

static void on_resolved(void *userdata, int error, const char *why)
{
	struct request *request = userdata;
	struct agent *agent = request->bus->agent;
	const char *name = agent_find_unknown_name(agent, request->rule);
	struct fault fault = { 0 };

	request->question = NULL;
	if (error && name) {
		fault_invalid(&fault,
			      "the name \"%s\" cannot be resolved: %s; nothing was changed. Use "
			      "an address, or mend the name",
			      name, why);
		(void)reply_fault(request->message, &fault);
	} else if (name) {
		if (!ask_name(request, name))
			return;
		(void)reply_busy(request->message);
	} else {
		(void)add_rule(request->bus, request->message, request->rule);
	}
	request_free(request);
}

static int on_add_rule(sd_bus_message *m, void *userdata, sd_bus_error *ret_error)
{
	_cleanup_(policy_rule_freep) struct policy_rule *rule = NULL;
	struct bus *bus = userdata;
	char why[POLICY_WHY_LEN];
	struct request *request;
	const char *name;
	int r;

	(void)ret_error;
	(void)sd_bus_message_sensitive(m);
	r = policy_bus_read_rule(m, &rule, NULL, why);
	if (r <= 0)
		return reply_invalid(m, r, why);
	name = agent_find_unknown_name(bus->agent, rule);
	if (!name)
		return add_rule(bus, m, rule);
	r = check_rule(bus, m, rule);
	if (r)
		return r;
	request = request_new(bus, m);
	if (!request)
		return reply_busy(m);
	request->rule = TAKE_PTR(rule);
	if (!ask_name(request, name))
		return 1;
	request_free(request);
	return reply_busy(m);
}

static int on_set_rule(sd_bus_message *m, void *userdata, sd_bus_error *ret_error)
{
	_cleanup_(policy_rule_freep) struct policy_rule *changes = NULL;
	char why[POLICY_WHY_LEN];
	struct fault fault = { 0 };
	struct ruleset *candidate;
	uint32_t given;
	int r;

	(void)ret_error;
	(void)sd_bus_message_sensitive(m);
	r = policy_bus_read_rule(m, &changes, &given, why);
	if (r <= 0)
		return reply_invalid(m, r, why);
	candidate = begin(userdata, m, &r);
	if (!candidate)
		return r;
	r = dynamic_set_rule(candidate, changes, given, &fault);
	return finish(userdata, m, candidate, r, &fault);
}

static int on_delete_rule(sd_bus_message *m, void *userdata, sd_bus_error *ret_error)
{
	_cleanup_(policy_rule_freep) struct policy_rule *selectors = NULL;
	char why[POLICY_WHY_LEN];
	struct fault fault = { 0 };
	struct ruleset *candidate;
	uint32_t given;
	int r = policy_bus_read_rule(m, &selectors, &given, why);

	(void)ret_error;
	if (r <= 0)
		return reply_invalid(m, r, why);
	candidate = begin(userdata, m, &r);
	if (!candidate)
		return r;
	r = dynamic_delete_rule(candidate, given ? selectors : NULL, &fault);
	return finish(userdata, m, candidate, r, &fault);
}

static int on_delete_all(sd_bus_message *m, void *userdata, sd_bus_error *ret_error)
{
	struct fault fault = { 0 };
	struct ruleset *candidate;
	int r;

	(void)ret_error;
	candidate = begin(userdata, m, &r);
	if (!candidate)
		return r;
	dynamic_clear(candidate);
	return finish(userdata, m, candidate, 0, &fault);
}

/* --- lists -------------------------------------------------------------------------------- */

static int show(sd_bus_message *m, struct bus *bus,
		int (*append)(sd_bus_message *reply, const struct agent *agent))
{
	_cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
	struct fault fault = { 0 };
	int r = sd_bus_message_new_method_return(m, &reply);

	if (r >= 0)
		r = append(reply, bus->agent);
	return reply_shown(m, reply, r, &fault);
}

static int on_list_mm(sd_bus_message *m, void *userdata, sd_bus_error *ret_error)
{
	(void)ret_error;
	return show(m, userdata, show_mm_policies);
}

static int on_list_qm(sd_bus_message *m, void *userdata, sd_bus_error *ret_error)
{
	(void)ret_error;
	return show(m, userdata, show_qm_policies);
}

static int on_list_rules(sd_bus_message *m, void *userdata, sd_bus_error *ret_error)
{
	(void)ret_error;
	return show(m, userdata, show_rules);
}

/* 1 specific, 0 generic, -EINVAL after an answer has been sent. */
static int read_type(sd_bus_message *m)
{
	struct fault fault;
	const char *type;
	int r = sd_bus_message_read(m, "s", &type);

	if (r < 0)
		return r;
	if (!strcasecmp(type, "specific"))
		return 1;
	if (!strcasecmp(type, "generic"))
		return 0;
	fault_invalid(&fault, "type is generic or specific");
	(void)reply_fault(m, &fault);
	return -EINVAL;
}

static int list_filters(sd_bus_message *m, struct bus *bus,
			int (*append)(sd_bus_message *reply, struct agent *agent, bool is_specific,
				      struct fault *fault))
{
	_cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
	struct fault fault = { 0 };
	int is_specific = read_type(m);
	int r;

	if (is_specific < 0)
		return 1;
	r = sd_bus_message_new_method_return(m, &reply);
	if (r >= 0)
		r = append(reply, bus->agent, is_specific, &fault);
	return reply_shown(m, reply, r, &fault);
}

static int on_list_mm_filters(sd_bus_message *m, void *userdata, sd_bus_error *ret_error)
{
	(void)ret_error;
	return list_filters(m, userdata, show_mm_filters);
}

static int on_list_qm_filters(sd_bus_message *m, void *userdata, sd_bus_error *ret_error)
{
	(void)ret_error;
	return list_filters(m, userdata, show_qm_filters);
}

static int on_list_driver_differences(sd_bus_message *m, void *userdata, sd_bus_error *ret_error)
{
	_cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
	struct bus *bus = userdata;
	struct fault fault = { 0 };
	int r = sd_bus_message_new_method_return(m, &reply);

	(void)ret_error;
	if (r >= 0)
		r = driver_check_append(reply, bus->agent, &fault);
	return reply_shown(m, reply, r, &fault);
}

/* Without ipsec-ike there are no main modes, and quick modes are what the driver has. */
static void on_mm_sas(void *userdata, int error, const struct ike_mm_info *items, size_t n)
{
	_cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
	struct request *request = userdata;
	struct fault fault = { 0 };
	int r = sd_bus_message_new_method_return(request->message, &reply);

	if (r >= 0)
		r = show_mm_sas(reply, request->bus->agent, items, error ? 0 : n);
	(void)reply_shown(request->message, reply, r, &fault);
	request_free(request);
}

static int on_list_mm_sas(sd_bus_message *m, void *userdata, sd_bus_error *ret_error)
{
	struct bus *bus = userdata;
	struct request *request = request_new(bus, m);

	(void)ret_error;
	if (!request)
		return reply_busy(m);
	ike_list_mm(bus->agent->ike, on_mm_sas, request);
	return 1;
}

static void on_qm_sas(void *userdata, int error, const struct ike_qm_info *items, size_t n)
{
	_cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
	struct request *request = userdata;
	struct fault fault = { 0 };
	int r = sd_bus_message_new_method_return(request->message, &reply);

	if (r >= 0)
		r = show_qm_sas(reply, request->bus->agent, items, error ? 0 : n, &fault);
	(void)reply_shown(request->message, reply, r, &fault);
	request_free(request);
}

static int on_list_qm_sas(sd_bus_message *m, void *userdata, sd_bus_error *ret_error)
{
	struct bus *bus = userdata;
	struct request *request = request_new(bus, m);

	(void)ret_error;
	if (!request)
		return reply_busy(m);
	ike_list_qm(bus->agent->ike, on_qm_sas, request);
	return 1;
}

/* --- deleting associations ---------------------------------------------------------------- */

/* 0 and the peer (family 0: everybody), or -errno and a sentence. */
static int read_peer(sd_bus_message *m, struct ip_addr *ret_remote, char why[static POLICY_WHY_LEN])
{
	struct ip_addr remote = { 0 };
	const char *key, *value;
	int r = sd_bus_message_enter_container(m, 'a', "{sv}");

	while (r >= 0 && (r = sd_bus_message_enter_container(m, 'e', "sv")) > 0) {
		r = sd_bus_message_read(m, "s", &key);
		if (r < 0)
			break;
		if (strcmp(key, "dstaddr") != 0) {
			snprintf(why, POLICY_WHY_LEN,
				 "\"%s\" is not known here; the key is dstaddr", key);
			return -EINVAL;
		}
		r = sd_bus_message_read(m, "v", "s", &value);
		if (r < 0 || ip_addr_parse(value, &remote)) {
			snprintf(why, POLICY_WHY_LEN, "dstaddr is the address of a peer");
			return -EINVAL;
		}
		r = sd_bus_message_exit_container(m);
	}
	if (r < 0) {
		snprintf(why, POLICY_WHY_LEN, "the message is malformed");
		return r;
	}
	*ret_remote = remote;
	return 0;
}

static void deleted_one(struct request *request)
{
	if (--request->n_pending)
		return;
	/* what ipsec-ike did not know, or was not there to delete */
	(void)negotiate_delete_sas(request->bus->agent->negotiate, &request->remote);
	(void)sd_bus_reply_method_return(request->message, NULL);
	request_free(request);
}

static void on_deleted(void *userdata, int error)
{
	if (error && error != -ENOENT && error != -ENOTCONN)
		log_warning("ipsec-ike did not delete all associations: %s", strerror(-error));
	deleted_one(userdata);
}

static int on_delete_sas(sd_bus_message *m, void *userdata, sd_bus_error *ret_error)
{
	struct bus *bus = userdata;
	struct agent *agent = bus->agent;
	char why[POLICY_WHY_LEN];
	struct request *request;
	struct ip_addr remote;
	const struct ip_addr *mine;
	size_t n;
	int r = read_peer(m, &remote, why);

	(void)ret_error;
	if (r)
		return reply_invalid(m, r, why);
	request = request_new(bus, m);
	if (!request)
		return reply_busy(m);
	request->remote = remote;
	request->n_pending = 1;
	mine = addresses_list(agent->addresses, &n);
	for (size_t i = 0; remote.family && i < n; i++) {
		if (mine[i].family != remote.family)
			continue;
		request->n_pending++;
		ike_delete_peer(agent->ike, &mine[i], &remote, on_deleted, request);
	}
	if (!remote.family) {
		request->n_pending++;
		ike_delete_all(agent->ike, on_deleted, request);
	}
	deleted_one(request);
	return 1;
}

/* --- the rest ----------------------------------------------------------------------------- */

static void on_statistics(void *userdata, int error, const struct ike_stats *stats)
{
	_cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
	struct request *request = userdata;
	struct fault fault = { 0 };
	int r = sd_bus_message_new_method_return(request->message, &reply);

	if (r >= 0)
		r = stats_append(reply, request->bus->agent, error ? NULL : stats, &fault);
	(void)reply_shown(request->message, reply, r, &fault);
	request_free(request);
}

static int on_get_statistics(sd_bus_message *m, void *userdata, sd_bus_error *ret_error)
{
	struct bus *bus = userdata;
	struct request *request = request_new(bus, m);

	(void)ret_error;
	if (!request)
		return reply_busy(m);
	ike_get_statistics(bus->agent->ike, on_statistics, request);
	return 1;
}

static int on_get_config(sd_bus_message *m, void *userdata, sd_bus_error *ret_error)
{
	_cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
	struct bus *bus = userdata;
	struct policy_config_info info;
	struct fault fault = { 0 };
	int r = sd_bus_message_new_method_return(m, &reply);

	(void)ret_error;
	config_describe(bus->agent->config, &info);
	if (r >= 0)
		r = policy_bus_append_record(reply, &policy_config_record, &info);
	return reply_shown(m, reply, r, &fault);
}

static int on_set_config(sd_bus_message *m, void *userdata, sd_bus_error *ret_error)
{
	struct bus *bus = userdata;
	struct fault fault = { 0 };
	const char *name, *value;
	int r = sd_bus_message_read(m, "ss", &name, &value);

	(void)ret_error;
	if (r < 0)
		return r;
	r = agent_set_config(bus->agent, name, value, &fault);
	return reply_change(m, r, &fault);
}

static int on_explain(sd_bus_message *m, void *userdata, sd_bus_error *ret_error)
{
	_cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
	struct bus *bus = userdata;
	struct policy_flow_info flow;
	char why[POLICY_WHY_LEN];
	struct fault fault = { 0 };
	int r = policy_bus_read_record(m, &policy_flow_record, &flow, why);

	(void)ret_error;
	if (r <= 0)
		return reply_invalid(m, r, why);
	r = sd_bus_message_new_method_return(m, &reply);
	if (r >= 0)
		r = explain_append(reply, bus->agent, &flow, &fault);
	policy_record_clear(&policy_flow_record, &flow);
	return reply_shown(m, reply, r, &fault);
}

static int on_get_status(sd_bus_message *m, void *userdata, sd_bus_error *ret_error)
{
	_cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
	struct bus *bus = userdata;
	struct fault fault = { 0 };
	int r = sd_bus_message_new_method_return(m, &reply);

	(void)ret_error;
	if (r >= 0)
		r = stats_append_status(reply, bus->agent);
	return reply_shown(m, reply, r, &fault);
}

/* on_call() asks for the caller's rights; sd-bus need not ask for capabilities as well. */
#define METHOD(name, in, out, handler) \
	SD_BUS_METHOD(name, in, out, handler, SD_BUS_VTABLE_UNPRIVILEGED)

static const sd_bus_vtable vtable[] = {
	SD_BUS_VTABLE_START(0),
	METHOD("AddMmPolicy", "a{sv}", "", on_add_mm),
	METHOD("SetMmPolicy", "a{sv}", "", on_set_mm),
	METHOD("DeleteMmPolicy", "s", "", on_delete_mm),
	METHOD("ListMmPolicies", "", "aa{sv}", on_list_mm),
	METHOD("AddQmPolicy", "a{sv}", "", on_add_qm),
	METHOD("SetQmPolicy", "a{sv}", "", on_set_qm),
	METHOD("DeleteQmPolicy", "s", "", on_delete_qm),
	METHOD("ListQmPolicies", "", "aa{sv}", on_list_qm),
	METHOD("AddRule", "a{sv}", "", on_add_rule),
	METHOD("SetRule", "a{sv}", "", on_set_rule),
	METHOD("DeleteRule", "a{sv}", "", on_delete_rule),
	METHOD("ListRules", "", "aa{sv}", on_list_rules),
	METHOD("DeleteAll", "", "", on_delete_all),
	METHOD("AddRuns", "u" POLICY_RUNS_SIGNATURE, "", bus_runs_add),
	METHOD("DeleteRuns", "", "", bus_runs_delete),
	METHOD("ListMmFilters", "s", "aa{sv}", on_list_mm_filters),
	METHOD("ListQmFilters", "s", "aa{sv}", on_list_qm_filters),
	METHOD("ListDriverDifferences", "", "aa{sv}", on_list_driver_differences),
	METHOD("ListMmSas", "", "aa{sv}", on_list_mm_sas),
	METHOD("ListQmSas", "", "aa{sv}", on_list_qm_sas),
	METHOD("DeleteSas", "a{sv}", "", on_delete_sas),
	METHOD("GetStatistics", "", "a{st}a{st}a{st}", on_get_statistics),
	METHOD("GetConfig", "", "a{sv}", on_get_config),
	METHOD("SetConfig", "ss", "", on_set_config),
	METHOD("Explain", "a{sv}", "a{sv}", on_explain),
	METHOD("GetStatus", "", "a{sv}", on_get_status),
	METHOD("StoreApply", "sua(ssa{sv})", "a(us)", bus_store_apply),
	METHOD("StoreRead", "sa{sv}", "a(sa{sv})", bus_store_read),
	METHOD("GetStores", "", "aa{sv}", bus_store_list),
	METHOD("StoreExplain", "ssa{sv}", "a{sv}", bus_store_explain),
	METHOD("TryBegin", "u", "", bus_try_begin),
	METHOD("TryConfirm", "", "", bus_try_confirm),
	METHOD("TryEnd", "", "", bus_try_end),
	SD_BUS_VTABLE_END,
};

/* --- who may call what -------------------------------------------------------------------- */

/* These look at the caller's rights by themselves; all others are an administrator's. */
static bool is_for_others(sd_bus_message *m)
{
	static const char *const methods[] = {
		"StoreApply", "StoreRead", "GetStores", "StoreExplain", "TryBegin", "TryConfirm",
		"TryEnd",
	};
	const char *member = sd_bus_message_get_member(m);

	for (size_t i = 0; member && i < sizeof(methods) / sizeof(methods[0]); i++)
		if (!strcmp(member, methods[i]))
			return true;
	return false;
}

/* Of somebody who is no administrator: every message, before anything else sees it. */
static int on_call(sd_bus_message *m, void *userdata, sd_bus_error *ret_error)
{
	struct fault fault;
	int r;

	(void)userdata;
	(void)ret_error;
	if (!sd_bus_message_is_method_call(m, NULL, NULL) || is_for_others(m))
		return 0;
	fault_denied(&fault, "only an administrator may do this; run it as root");
	r = reply_fault(m, &fault);
	return r < 0 ? r : 1;
}

/* Somebody who may do nothing at all need not be listened to. */
static bool may_use_any(const struct stores *stores, const struct caller *caller)
{
	for (size_t i = 0; i < STORE_LOCATION_DOMAIN; i++)
		if (caller_may_use(caller, stores->slots[i].path, false) ||
		    caller_may_use(caller, stores->slots[i].path, true))
			return true;
	return false;
}

static int check_caller(const struct bus *bus, sd_bus *connection)
{
	_cleanup_(caller_done) struct caller caller = { 0 };
	int r = caller_get(connection, &caller);

	if (r)
		return r;
	if (caller_is_administrator(&caller))
		return 0;
	if (!may_use_any(bus->agent->stores, &caller))
		return -EACCES;
	return sd_bus_add_filter(connection, NULL, on_call, NULL);
}

/* --- life --------------------------------------------------------------------------------- */

struct agent *bus_agent(const struct bus *bus)
{
	return bus->agent;
}

static int on_connected(void *userdata, sd_bus *connection, const struct link_peer *peer)
{
	int r = check_caller(userdata, connection);

	log_debug("control socket: process %d of user %u is %s", (int)peer->pid,
		  (unsigned int)peer->uid, r < 0 ? "refused" : "connected");
	if (r < 0)
		return r;
	return sd_bus_add_object_vtable(connection, NULL, POLICY_BUS_PATH, POLICY_BUS_INTERFACE,
					vtable, userdata);
}

struct bus *bus_free(struct bus *bus)
{
	if (!bus)
		return NULL;
	while (bus->requests)
		request_free(bus->requests);
	link_listener_free(bus->listener);
	free(bus);
	return NULL;
}

int bus_new(struct agent *agent, struct bus **ret_bus)
{
	struct bus *bus = calloc(1, sizeof(*bus));
	char path[SOCKET_PATH_LEN];
	struct link_listener_config config = {
		.path = path,
		.fd = -1,
		.mode = 0666,
		.owner = (uid_t)-1,
		.group = (gid_t)-1,
		.uids = { geteuid() },
		.n_uids = 1,
		.guests_max = BUS_GUESTS_MAX,
		.connections_max = BUS_CONNECTIONS_MAX,
		.connected = on_connected,
		.userdata = bus,
	};
	int r;

	if (!bus)
		return -ENOMEM;
	bus->agent = agent;
	if (snprintf(path, sizeof(path), "%s/%s", agent->run_dir, POLICY_BUS_SOCKET) >=
	    (int)sizeof(path))
		r = -ENAMETOOLONG;
	else
		r = link_listener_new(agent->event, &config, &bus->listener);
	if (r < 0) {
		bus_free(bus);
		return r;
	}
	*ret_bus = bus;
	return 0;
}
