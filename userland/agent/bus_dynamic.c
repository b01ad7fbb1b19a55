// SPDX-License-Identifier: MIT
#include "agent/bus_dynamic.h"

#include <errno.h>

#include "agent/agent.h"
#include "agent/bus.h"
#include "agent/bus_request.h"
#include "agent/dry_run.h"
#include "agent/dynamic.h"
#include "agent/reply.h"
#include "policy/bus.h"
#include "policy/fault.h"

/* --- policies ----------------------------------------------------------------------------- */

/* A copy to change; NULL has been answered. */
static struct ruleset *begin(struct bus *bus, sd_bus_message *m, int *ret_r)
{
	const struct dry_run *dry = bus_dry_run(bus, m);
	const struct ruleset *before = dry && dry->dynamic ? dry->dynamic :
				       bus_agent(bus)->rulesets[RULESET_LAYER_DYNAMIC];
	struct ruleset *candidate = ruleset_copy(before);
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
	struct dry_run *dry = bus_dry_run(bus, m);

	if (r)
		ruleset_free(candidate);
	else
		r = dry ? dry_run_commit(dry, bus_agent(bus), candidate, fault) :
			  agent_commit(bus_agent(bus), candidate, fault);
	return reply_change(m, r, fault);
}

int bus_dynamic_add_mm(sd_bus_message *m, void *userdata, sd_bus_error *ret_error)
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

int bus_dynamic_set_mm(sd_bus_message *m, void *userdata, sd_bus_error *ret_error)
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

int bus_dynamic_delete_mm(sd_bus_message *m, void *userdata, sd_bus_error *ret_error)
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

int bus_dynamic_add_qm(sd_bus_message *m, void *userdata, sd_bus_error *ret_error)
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

int bus_dynamic_set_qm(sd_bus_message *m, void *userdata, sd_bus_error *ret_error)
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

int bus_dynamic_delete_qm(sd_bus_message *m, void *userdata, sd_bus_error *ret_error)
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
static int ask_name(struct bus_request *request, const char *name)
{
	return resolver_ask(bus_agent(request->bus)->resolver, name, on_resolved, request,
			    &request->question);
}

static void on_resolved(void *userdata, int error, const char *why)
{
	struct bus_request *request = userdata;
	struct agent *agent = bus_agent(request->bus);
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
	bus_request_free(request);
}

int bus_dynamic_add_rule(sd_bus_message *m, void *userdata, sd_bus_error *ret_error)
{
	_cleanup_(policy_rule_freep) struct policy_rule *rule = NULL;
	struct bus *bus = userdata;
	char why[POLICY_WHY_LEN];
	struct bus_request *request;
	const char *name;
	int r;

	(void)ret_error;
	(void)sd_bus_message_sensitive(m);
	r = policy_bus_read_rule(m, &rule, NULL, why);
	if (r <= 0)
		return reply_invalid(m, r, why);
	name = agent_find_unknown_name(bus_agent(bus), rule);
	if (!name)
		return add_rule(bus, m, rule);
	r = check_rule(bus, m, rule);
	if (r)
		return r;
	request = bus_request_new(bus, m);
	if (!request)
		return reply_busy(m);
	request->rule = TAKE_PTR(rule);
	if (!ask_name(request, name))
		return 1;
	bus_request_free(request);
	return reply_busy(m);
}

int bus_dynamic_set_rule(sd_bus_message *m, void *userdata, sd_bus_error *ret_error)
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

int bus_dynamic_delete_rule(sd_bus_message *m, void *userdata, sd_bus_error *ret_error)
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

int bus_dynamic_delete_all(sd_bus_message *m, void *userdata, sd_bus_error *ret_error)
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
