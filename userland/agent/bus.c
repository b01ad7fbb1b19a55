// SPDX-License-Identifier: MIT
#include "agent/bus.h"

#include <errno.h>
#include <stdio.h>
#include <strings.h>

#include <systemd/sd-bus.h>

#include "agent/agent.h"
#include "agent/boot.h"
#include "agent/bus_dynamic.h"
#include "agent/bus_request.h"
#include "agent/bus_runs.h"
#include "agent/bus_sas.h"
#include "agent/bus_store.h"
#include "agent/caller.h"
#include "agent/driver_check.h"
#include "agent/dry_run.h"
#include "agent/explain.h"
#include "agent/reply.h"
#include "agent/show.h"
#include "agent/show_filter.h"
#include "agent/stats.h"
#include "agent/status.h"
#include "agent/stores.h"
#include "base/log.h"
#include "link/listener.h"
#include "policy/bus.h"
#include "policy/fault.h"
#include "policy/runs.h"

#define SOCKET_PATH_LEN 128

struct bus {
	struct agent *agent;
	struct link_listener *listener;
	struct bus_requests requests;
	struct dry_runs dry_runs;
};

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

/* --- the rest ----------------------------------------------------------------------------- */

static int on_get_config(sd_bus_message *m, void *userdata, sd_bus_error *ret_error)
{
	_cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
	struct bus *bus = userdata;
	struct policy_config_info info;
	struct fault fault = { 0 };
	int r = sd_bus_message_new_method_return(m, &reply);

	(void)ret_error;
	config_describe(bus->agent->config, &info);
	info.bootmode = boot_mode(bus->agent);
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
	r = bus_dry_run(bus, m) ? agent_try_config(bus->agent, name, value, &fault) :
				  agent_set_config(bus->agent, name, value, &fault);
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
		r = status_append(reply, bus->agent);
	return reply_shown(m, reply, r, &fault);
}

static int on_begin_dry_run(sd_bus_message *m, void *userdata, sd_bus_error *ret_error)
{
	struct bus *bus = userdata;
	struct fault fault = { 0 };
	int r = dry_run_begin(&bus->dry_runs, sd_bus_message_get_bus(m));

	(void)ret_error;
	if (r < 0)
		fault_failed(&fault, "the dry run cannot begin: %s", strerror(-r));
	return reply_change(m, r, &fault);
}

static int on_get_dry_run(sd_bus_message *m, void *userdata, sd_bus_error *ret_error)
{
	_cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
	const struct dry_run *run = bus_dry_run(userdata, m);
	struct policy_dry_run_info info;
	struct fault fault = { 0 };
	int r;

	(void)ret_error;
	if (!run)
		return reply_invalid(m, -EINVAL, "this is no dry run; call BeginDryRun first");
	info = (struct policy_dry_run_info){
		.filters_added = (uint32_t)run->difference.added,
		.filters_removed = (uint32_t)run->difference.removed,
	};
	r = sd_bus_message_new_method_return(m, &reply);
	if (r >= 0)
		r = policy_bus_append_record(reply, &policy_dry_run_record, &info);
	return reply_shown(m, reply, r, &fault);
}

/* on_call() asks for the caller's rights; sd-bus need not ask for capabilities as well. */
#define METHOD(name, in, out, handler) \
	SD_BUS_METHOD(name, in, out, handler, SD_BUS_VTABLE_UNPRIVILEGED)

static const sd_bus_vtable vtable[] = {
	SD_BUS_VTABLE_START(0),
	METHOD("AddMmPolicy", "a{sv}", "", bus_dynamic_add_mm),
	METHOD("SetMmPolicy", "a{sv}", "", bus_dynamic_set_mm),
	METHOD("DeleteMmPolicy", "s", "", bus_dynamic_delete_mm),
	METHOD("ListMmPolicies", "", "aa{sv}", on_list_mm),
	METHOD("AddQmPolicy", "a{sv}", "", bus_dynamic_add_qm),
	METHOD("SetQmPolicy", "a{sv}", "", bus_dynamic_set_qm),
	METHOD("DeleteQmPolicy", "s", "", bus_dynamic_delete_qm),
	METHOD("ListQmPolicies", "", "aa{sv}", on_list_qm),
	METHOD("AddRule", "a{sv}", "", bus_dynamic_add_rule),
	METHOD("SetRule", "a{sv}", "", bus_dynamic_set_rule),
	METHOD("DeleteRule", "a{sv}", "", bus_dynamic_delete_rule),
	METHOD("ListRules", "", "aa{sv}", on_list_rules),
	METHOD("DeleteAll", "", "", bus_dynamic_delete_all),
	METHOD("AddRuns", "u" POLICY_RUNS_SIGNATURE, "", bus_runs_add),
	METHOD("DeleteRuns", "", "", bus_runs_delete),
	METHOD("ListMmFilters", "s", "aa{sv}", on_list_mm_filters),
	METHOD("ListQmFilters", "s", "aa{sv}", on_list_qm_filters),
	METHOD("ListDriverDifferences", "", "aa{sv}", on_list_driver_differences),
	METHOD("ListMmSas", "", "aa{sv}", bus_sas_list_mm),
	METHOD("ListQmSas", "", "aa{sv}", bus_sas_list_qm),
	METHOD("DeleteSas", "a{sv}", "", bus_sas_delete),
	METHOD("GetStatistics", "", "a{st}a{st}a{st}", bus_sas_statistics),
	METHOD("GetConfig", "", "a{sv}", on_get_config),
	METHOD("SetConfig", "ss", "", on_set_config),
	METHOD("Explain", "a{sv}", "a{sv}", on_explain),
	METHOD("GetStatus", "", STATUS_SIGNATURE, on_get_status),
	METHOD("StoreApply", "sua(ssa{sv})", "a(us)", bus_store_apply),
	METHOD("StoreRead", "sa{sv}", "a(sa{sv})", bus_store_read),
	METHOD("GetStores", "", "aa{sv}", bus_store_list),
	METHOD("StoreExplain", "ssa{sv}", "a{sv}", bus_store_explain),
	METHOD("BeginDryRun", "", "", on_begin_dry_run),
	METHOD("GetDryRun", "", "a{sv}", on_get_dry_run),
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
		"TryEnd", "BeginDryRun", "GetDryRun",
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

struct bus_requests *bus_requests(struct bus *bus)
{
	return &bus->requests;
}

struct dry_run *bus_dry_run(const struct bus *bus, sd_bus_message *m)
{
	return dry_run_find(&bus->dry_runs, m);
}

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
	while (bus->requests.first)
		bus_request_free(bus->requests.first);
	dry_runs_done(&bus->dry_runs);
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
