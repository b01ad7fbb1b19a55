// SPDX-License-Identifier: MIT
#include "ipseccmd/plan.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "policy/address.h"
#include "policy/authmethod.h"
#include "policy/text.h"

#define SPEC_LEN 256

static const struct policy_qm_offer default_offers[] = {
	{ .has_esp = true, .esp_cipher = POLICY_CIPHER_3DES, .esp_hash = POLICY_HASH_SHA1 },
	{ .has_esp = true, .esp_cipher = POLICY_CIPHER_3DES, .esp_hash = POLICY_HASH_MD5 },
	{ .has_esp = true, .esp_cipher = POLICY_CIPHER_DES, .esp_hash = POLICY_HASH_SHA1 },
	{ .has_esp = true, .esp_cipher = POLICY_CIPHER_DES, .esp_hash = POLICY_HASH_MD5 },
};

__attribute__((format(printf, 2, 3)))
static int refuse(char *why, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	vsnprintf(why, RUN_WHY_LEN, format, ap);
	va_end(ap);
	return -EINVAL;
}

static int no_memory(char *why)
{
	snprintf(why, RUN_WHY_LEN, "out of memory");
	return -ENOMEM;
}

void plan_clear(struct plan *plan)
{
	policy_runs_clear(&plan->runs);
	free(plan->current_mm);
	*plan = (struct plan){ .n_runs = 0 };
}

/* --- policies ----------------------------------------------------------------------------- */

int plan_offers(const struct run *run, struct policy_qm_offer offers[static POLICY_MAX_OFFERS],
		size_t *ret_n, uint8_t *ret_pfs_group, char why[static RUN_WHY_LEN])
{
	if (!run->n_offers) {
		memcpy(offers, default_offers, sizeof(default_offers));
		*ret_n = sizeof(default_offers) / sizeof(default_offers[0]);
		*ret_pfs_group = POLICY_PFS_NONE;
		return 0;
	}
	for (size_t i = 0; i < run->n_offers; i++) {
		if (run->offers[i].pfs_group != run->offers[0].pfs_group)
			return refuse(why, "-n: the offers differ in their PFS, and all offers of an exchange "
				      "have one Diffie-Hellman group (RFC 2409, 5.5): give all of them "
				      "the same PFS, or none");
		offers[i] = run->offers[i].qm;
	}
	*ret_n = run->n_offers;
	*ret_pfs_group = run->offers[0].pfs_group;
	return 0;
}

static int add_qm(struct plan *plan, const struct run *run, const char *name,
		  char why[static RUN_WHY_LEN])
{
	_cleanup_(policy_qm_policy_freep) struct policy_qm_policy *policy = policy_qm_policy_new();
	int err;

	if (!policy || !(policy->name = strdup(name)))
		return no_memory(why);
	err = plan_offers(run, policy->offers, &policy->n_offers, &policy->pfs_group, why);
	if (err)
		return err;
	policy->soft = run->given & RUN_GIVEN_SOFT;
	return policy_runs_add_qm(&plan->runs, TAKE_PTR(policy)) ? no_memory(why) : 0;
}

static int add_mm(struct plan *plan, const struct run *run, const char *name,
		  char why[static RUN_WHY_LEN])
{
	_cleanup_(policy_mm_policy_freep) struct policy_mm_policy *policy = policy_mm_policy_new();

	if (!policy || !(policy->name = strdup(name)))
		return no_memory(why);
	if (run->n_mm_offers) {
		memcpy(policy->offers, run->mm_offers, sizeof(policy->offers));
		policy->n_offers = run->n_mm_offers;
	}
	if (run->mm_life.has_quick_modes)
		policy->quick_modes = run->mm_life.quick_modes;
	if (run->mm_life.has_seconds)
		policy->lifetime_minutes = run->mm_life.seconds / 60;
	/* A main mode with one quick mode is what master PFS is: objects.md, 3. */
	if (run->given & RUN_GIVEN_MM_PFS)
		policy->quick_modes = 1;
	if (run->given & RUN_GIVEN_SOFT_LIFE)
		policy->soft_sa_seconds = run->soft_seconds;
	free(plan->current_mm);
	plan->current_mm = strdup(name);
	if (!plan->current_mm || policy_runs_add_mm(&plan->runs, TAKE_PTR(policy)))
		return no_memory(why);
	return 0;
}

/* --- rules -------------------------------------------------------------------------------- */

static const char *spec_text(const struct filterspec *spec, char buf[static SPEC_LEN])
{
	FILE *file = fmemopen(buf, SPEC_LEN, "w");

	*buf = '\0';
	if (file) {
		filterspec_print(file, spec);
		(void)fclose(file);
	}
	buf[SPEC_LEN - 1] = '\0';
	return buf;
}

static int refuse_spec(const struct filterspec *spec, const char *fault, char *why)
{
	char text[SPEC_LEN];

	return refuse(why, "-f %s: %s", spec_text(spec, text), fault);
}

/* The address as it is, a name as its first address: the original does not look again. */
static int set_address(const struct policy_address *from, uint8_t family,
		       const struct plan_world *world, struct policy_address *ret_address, char *fault)
{
	struct ip_addr addr;
	int err;

	if (from->kind != POLICY_ADDRESS_NAME) {
		if (!policy_address_copy(from, ret_address))
			return 0;
		snprintf(fault, POLICY_WHY_LEN, "out of memory");
		return -ENOMEM;
	}
	err = world->resolve(world->userdata, from->name, family, &addr, fault);
	if (err)
		return err;
	*ret_address = (struct policy_address){
		.kind = POLICY_ADDRESS_IP,
		.addr = addr,
		.mask = policy_mask_from_prefix(addr.family, (uint8_t)(8 * ip_addr_len(&addr))),
	};
	return 0;
}

/* The family that the sides agree on if one of them is an address; a name has to follow it. */
static uint8_t family_of(const struct filterspec *spec)
{
	return policy_address_family(&spec->source.address) ?:
	       policy_address_family(&spec->destination.address);
}

/* "{eth0}" is this host, by that interface. */
static int set_interface(const struct filterspec *spec, const struct plan_world *world,
			 struct policy_rule *rule, char *fault)
{
	const char *text = spec->source.interface ?: spec->destination.interface;
	char name[POLICY_INTERFACE_MAX + 1];
	int err;

	if (!text)
		return 0;
	err = world->find_interface(world->userdata, text, name, fault);
	if (err)
		return err;
	rule->interface = strdup(name);
	if (rule->interface)
		return 0;
	snprintf(fault, POLICY_WHY_LEN, "out of memory");
	return -ENOMEM;
}

static int set_sides(const struct filterspec *spec, const struct plan_world *world,
		     struct policy_rule *rule, char *fault)
{
	uint8_t family = family_of(spec);
	int err;

	err = set_address(&spec->source.address, family, world, &rule->source, fault);
	if (err)
		return err;
	family = family ?: policy_address_family(&rule->source);
	err = set_address(&spec->destination.address, family, world, &rule->destination, fault);
	if (err)
		return err;
	err = set_interface(spec, world, rule, fault);
	if (err)
		return err;
	rule->source_port = spec->source.port;
	rule->destination_port = spec->destination.port;
	rule->protocol = spec->protocol;
	rule->mirrored = spec->mirrored;
	return 0;
}

static void set_action(const struct filterspec *spec, struct policy_rule *rule)
{
	switch (spec->kind) {
	case FILTERSPEC_PLAIN:
		break;
	case FILTERSPEC_PASS:
		rule->inbound = rule->outbound = IPSECDRV_ACTION_PERMIT;
		break;
	case FILTERSPEC_DROP:
		rule->inbound = rule->outbound = IPSECDRV_ACTION_BLOCK;
		break;
	case FILTERSPEC_DEFAULT:
		rule->is_default_response = true;
		rule->destination.kind = POLICY_ADDRESS_ANY;
		rule->mirrored = true;
		break;
	}
}

/* @name: the quick mode policy's, NULL for a main mode filter. */
static int set_policies(const struct plan *plan, const struct run *run, const char *name,
			struct policy_rule *rule)
{
	if (!policy_rule_is_negotiated(rule))
		return 0;
	rule->qm_policy = name ? strdup(name) : NULL;
	rule->mm_policy = plan->current_mm ? strdup(plan->current_mm) : NULL;
	if ((name && !rule->qm_policy) || (plan->current_mm && !rule->mm_policy))
		return -ENOMEM;
	if (!run->n_methods)
		return 0;	/* Kerberos */
	policy_methods_clear(rule->methods, &rule->n_methods);
	if (policy_methods_copy(run->methods, run->n_methods, rule->methods))
		return -ENOMEM;
	rule->n_methods = run->n_methods;
	return 0;
}

/* The agent chooses the main mode policy if there is none, so none is no fault here. */
static int check_rule(struct policy_rule *rule, char *fault)
{
	bool is_open = policy_rule_is_negotiated(rule) && !rule->mm_policy;
	int err;

	if (is_open && !(rule->mm_policy = strdup("current"))) {
		snprintf(fault, POLICY_WHY_LEN, "out of memory");
		return -ENOMEM;
	}
	err = policy_rule_check(rule, fault);
	if (is_open) {
		free(rule->mm_policy);
		rule->mm_policy = NULL;
	}
	return err;
}

static int make_rule(const struct plan *plan, const struct run *run, const char *name,
		     const struct filterspec *spec, enum policy_main_mode main_mode,
		     const struct plan_world *world, struct policy_rule **ret_rule, char *why)
{
	_cleanup_(policy_rule_freep) struct policy_rule *rule = policy_rule_new();
	char fault[POLICY_WHY_LEN] = "out of memory";
	int err;

	if (!rule)
		return no_memory(why);
	err = set_sides(spec, world, rule, fault);
	set_action(spec, rule);
	if (spec->kind == FILTERSPEC_PLAIN)
		rule->main_mode = main_mode;
	rule->connection = run->given & RUN_GIVEN_LAN ? POLICY_CONNECTION_LAN :
			   run->given & RUN_GIVEN_DIALUP ? POLICY_CONNECTION_DIALUP :
							   POLICY_CONNECTION_ALL;
	if (!err && run->given & RUN_GIVEN_TUNNEL) {
		rule->has_tunnel = true;
		err = set_address(&run->tunnel, 0, world, &rule->tunnel_destination, fault);
	}
	err = err ?: set_policies(plan, run, name, rule);
	err = err ?: check_rule(rule, fault);
	if (err == -ENOMEM)
		return no_memory(why);
	if (err)
		return refuse_spec(spec, fault, why);
	*ret_rule = TAKE_PTR(rule);
	return 0;
}

/* --- filters ------------------------------------------------------------------------------ */

static bool interface_is_equal(const char *a, const char *b)
{
	return a && b ? !strcmp(a, b) : a == b;
}

static bool side_is_equal(const struct filterspec_side *a, const struct filterspec_side *b)
{
	return interface_is_equal(a->interface, b->interface) && a->port == b->port &&
	       policy_address_is_equal(&a->address, &b->address);
}

/* The filter that is the other direction of the @i-th one; the number of filters: none. */
static size_t find_reverse(const struct run_filters *filters, size_t i)
{
	const struct filterspec *one = &filters->list[i];

	for (size_t j = 0; j < filters->n; j++) {
		const struct filterspec *other = &filters->list[j];

		if (j != i && other->kind == one->kind && !other->mirrored &&
		    other->protocol == one->protocol &&
		    side_is_equal(&other->source, &one->destination) &&
		    side_is_equal(&other->destination, &one->source))
			return j;
	}
	return filters->n;
}

static int check_spec(const struct filterspec *spec, bool is_secured, char *why)
{
	if ((spec->source.port || spec->destination.port) &&
	    !policy_protocol_has_ports(spec->protocol))
		return refuse_spec(spec, spec->protocol ? "this protocol has no ports; leave them out" :
				   "a port needs its protocol: write :TCP or :UDP behind the destination's "
				   "port, 0 for any port", why);
	if (is_secured && !spec->mirrored)
		return refuse_spec(spec, "what is secured needs both directions: write + instead of =; one "
				   "direction alone can pass, ( ), or be dropped, [ ]", why);
	return 0;
}

int plan_spec(const struct run *run, bool negotiates, size_t i, struct filterspec *ret_spec,
	      char why[static RUN_WHY_LEN])
{
	struct filterspec spec = run->filters.list[i];
	bool is_secured = negotiates && spec.kind == FILTERSPEC_PLAIN &&
			  !(run->given & RUN_GIVEN_TUNNEL);
	int err;

	if (is_secured && !spec.mirrored) {
		size_t reverse = find_reverse(&run->filters, i);

		if (reverse < i)
			return 0;
		spec.mirrored = reverse < run->filters.n;
	}
	err = check_spec(&spec, is_secured, why);
	if (err)
		return err;
	*ret_spec = spec;
	return 1;
}

/* --- main mode filters -------------------------------------------------------------------- */

static bool has_same_addresses(const struct filterspec *a, const struct filterspec *b)
{
	const struct policy_address *as = &a->source.address, *ad = &a->destination.address;
	const struct policy_address *bs = &b->source.address, *bd = &b->destination.address;

	return (policy_address_is_equal(as, bs) && policy_address_is_equal(ad, bd)) ||
	       (policy_address_is_equal(as, bd) && policy_address_is_equal(ad, bs));
}

/* Whether one of @filters that negotiates is between the addresses of @spec. */
static bool has_pair(const struct run_filters *filters, const struct filterspec *spec)
{
	for (size_t i = 0; i < filters->n; i++)
		if (filters->list[i].kind == FILTERSPEC_PLAIN &&
		    has_same_addresses(&filters->list[i], spec))
			return true;
	return false;
}

size_t plan_mm_filters(const struct run *run)
{
	for (size_t i = 0; i < run->mm_filters.n; i++)
		if (!has_pair(&run->filters, &run->mm_filters.list[i]))
			return run->mm_filters.n;
	for (size_t i = 0; i < run->filters.n; i++)
		if (run->filters.list[i].kind == FILTERSPEC_PLAIN &&
		    !has_pair(&run->mm_filters, &run->filters.list[i]))
			return run->mm_filters.n;
	return 0;
}

bool plan_is_repeated(const struct run *run, size_t i)
{
	const struct run_filters *filters = &run->mm_filters;

	for (size_t j = 0; j < i; j++)
		if (has_same_addresses(&filters->list[i], &filters->list[j]))
			return true;
	return false;
}

/* --- runs --------------------------------------------------------------------------------- */

static int add_rules(struct plan *plan, const struct run *run, const char *name,
		     const struct plan_world *world, char *why)
{
	enum policy_main_mode main_mode = plan_mm_filters(run) ? POLICY_MAIN_MODE_OTHERS :
								 POLICY_MAIN_MODE_OWN;

	for (size_t i = 0; i < run->filters.n; i++) {
		struct policy_rule *rule = NULL;
		struct filterspec spec;
		int err = plan_spec(run, true, i, &spec, why);

		if (!err)
			continue;
		if (err > 0)
			err = make_rule(plan, run, name, &spec, main_mode, world, &rule, why);
		if (err)
			return err;
		if (policy_runs_add_rule(&plan->runs, rule))
			return no_memory(why);
	}
	return 0;
}

static bool is_negotiated(const struct run *run)
{
	for (size_t i = 0; i < run->filters.n; i++)
		if (run->filters.list[i].kind == FILTERSPEC_PLAIN ||
		    run->filters.list[i].kind == FILTERSPEC_DEFAULT)
			return true;
	return false;
}

static int make_mm_filter(const struct plan *plan, const struct run *run,
			  const struct filterspec *spec, const struct plan_world *world,
			  struct policy_rule **ret_rule, char *why)
{
	_cleanup_(policy_rule_freep) struct policy_rule *rule = policy_rule_new();
	char fault[POLICY_WHY_LEN] = "out of memory", text[SPEC_LEN];
	int err;

	if (!rule)
		return no_memory(why);
	rule->main_mode = POLICY_MAIN_MODE_ONLY;
	err = set_sides(spec, world, rule, fault);
	rule->mirrored = true;
	err = err ?: set_policies(plan, run, NULL, rule);
	err = err ?: check_rule(rule, fault);
	if (err == -ENOMEM)
		return no_memory(why);
	if (err)
		return refuse(why, "-1f %s: %s", spec_text(spec, text), fault);
	*ret_rule = TAKE_PTR(rule);
	return 0;
}

static int add_mm_filters(struct plan *plan, const struct run *run,
			  const struct plan_world *world, char *why)
{
	for (size_t i = 0; i < plan_mm_filters(run); i++) {
		struct policy_rule *rule = NULL;
		int err;

		if (plan_is_repeated(run, i))
			continue;
		err = make_mm_filter(plan, run, &run->mm_filters.list[i], world, &rule, why);
		if (err)
			return err;
		if (policy_runs_add_rule(&plan->runs, rule))
			return no_memory(why);
	}
	return 0;
}

int plan_add(struct plan *plan, const struct run *run, const struct plan_world *world,
	     char why[static RUN_WHY_LEN])
{
	char name[16];
	int err = 0;

	snprintf(name, sizeof(name), "%u", ++plan->n_runs);
	if (run->given & RUN_GIVEN_IKE)
		err = add_mm(plan, run, name, why);
	if (!err && is_negotiated(run))
		err = add_qm(plan, run, name, why);
	return err ?: add_rules(plan, run, name, world, why) ?:
	       add_mm_filters(plan, run, world, why);
}
