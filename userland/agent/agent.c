// SPDX-License-Identifier: MIT
#include "agent/agent.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/file.h>
#include <time.h>

#include <systemd/sd-daemon.h>

#include "agent/bus.h"
#include "agent/events.h"
#include "policy/fault.h"
#include "agent/state.h"
#include "base/log.h"

#define SERVERS_USEC	(60 * UINT64_C(1000000))
#define REPORT_USEC	500000

static uint64_t now_usec(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000 + (uint64_t)ts.tv_nsec / 1000;
}

/* --- names -------------------------------------------------------------------------------- */

static const struct ip_addr *lookup(void *userdata, const struct policy_address *address,
				    size_t *ret_n)
{
	struct agent *agent = userdata;
	const struct name *name;
	const struct server_list *list;

	if (address->kind == POLICY_ADDRESS_NAME) {
		name = names_find(resolver_names(agent->resolver), address->name);
		*ret_n = name ? name->n_addrs : 0;
		return name ? name->addrs : NULL;
	}
	list = servers_find(&agent->servers, address->kind);
	*ret_n = list->n;
	return list->addrs;
}

static bool is_me(void *userdata, const struct ip_addr *addr)
{
	return addresses_is_me(((struct agent *)userdata)->addresses, addr);
}

static int find_source(void *userdata, const struct ip_addr *remote, struct ip_addr *ret_addr)
{
	return addresses_find_source(((struct agent *)userdata)->addresses, remote, ret_addr);
}

static struct expand_names names_of(struct agent *agent)
{
	return (struct expand_names){
		.lookup = lookup,
		.is_me = is_me,
		.find_source = find_source,
		.userdata = agent,
	};
}

const char *agent_find_unknown_name(const struct agent *agent, const struct policy_rule *rule)
{
	const struct policy_address *sides[] = { &rule->source, &rule->destination,
						 &rule->tunnel_destination };

	for (size_t i = 0; i < (rule->has_tunnel ? 3 : 2); i++)
		if (sides[i]->kind == POLICY_ADDRESS_NAME &&
		    !names_find(resolver_names(agent->resolver), sides[i]->name))
			return sides[i]->name;
	return NULL;
}

/* --- layers ------------------------------------------------------------------------------- */

const char *agent_layers_text(const struct agent *agent, char buf[static AGENT_LAYERS_LEN])
{
	size_t len = 0;

	buf[0] = '\0';
	for (size_t i = 0; i < RULESET_LAYER_COUNT; i++)
		if (agent->rulesets[i])
			len += (size_t)snprintf(buf + len, AGENT_LAYERS_LEN - len, "%s%s",
						len ? " " : "",
						ruleset_layer_name((enum ruleset_layer)i));
	return buf;
}

size_t agent_count_rules(const struct agent *agent)
{
	size_t n = 0;

	for (size_t i = 0; i < RULESET_LAYER_COUNT; i++)
		n += agent->rulesets[i] ? agent->rulesets[i]->n_rules : 0;
	return n;
}

/* --- changes ------------------------------------------------------------------------------ */

static void report_soon(struct agent *agent)
{
	agent->is_reported = false;
	(void)sd_event_source_set_time_relative(agent->report_timer, REPORT_USEC);
	(void)sd_event_source_set_enabled(agent->report_timer, SD_EVENT_ONESHOT);
}

/* The first tunnel that cannot be, and how many there are; NULL: all can. */
static char *describe_tunnels(const struct agent *agent)
{
	const struct layer_filter *first = NULL;
	_cleanup_free_ char *rule = NULL;
	char *text = NULL;
	size_t n = 0;

	for (size_t i = 0; i < agent->layers->n_filters; i++) {
		const struct layer_filter *filter = &agent->layers->filters[i];

		if (filter->tunnel_fault && !n++)
			first = filter;
	}
	if (!first)
		return NULL;
	rule = ruleset_rule_to_text(layer_filter_rule(first));
	if (asprintf(&text, "what the tunnel rule \"%s\" is for is blocked: %s (tunnels like that: "
		     "%zu)", rule ? rule : "", tunnel_fault_text(first->tunnel_fault), n) < 0)
		return NULL;
	return text;
}

static void report_tunnels(struct agent *agent)
{
	char *text = describe_tunnels(agent);

	if (text && (!agent->tunnels_told || strcmp(text, agent->tunnels_told) != 0))
		log_warning("%s", text);
	free(agent->tunnels_told);
	agent->tunnels_told = text;
}

/* The first rule that a lower layer overrules, and how many there are; NULL: none. */
static char *describe_losses(const struct agent *agent)
{
	const struct layers *layers = agent->layers;
	_cleanup_free_ char *winner = NULL, *loser = NULL;
	char *text = NULL;

	if (!layers->n_losses)
		return NULL;
	winner = ruleset_rule_to_text(layers->losses[0].winner);
	loser = ruleset_rule_to_text(layers->losses[0].loser);
	if (asprintf(&text, "the %s layer decides: \"%s\" holds for traffic of \"%s\" of the %s "
		     "layer, too, which has no say in it (rules like that: %zu)",
		     ruleset_layer_name(layers->losses[0].winner->treatment->layer),
		     winner ? winner : "", loser ? loser : "",
		     ruleset_layer_name(layers->losses[0].loser->treatment->layer),
		     layers->n_losses) < 0)
		return NULL;
	return text;
}

static void report_losses(struct agent *agent)
{
	char *text = describe_losses(agent);

	if (text && (!agent->losses_told || strcmp(text, agent->losses_told) != 0))
		log_warning("%s", text);
	free(agent->losses_told);
	agent->losses_told = text;
}

static void report(struct agent *agent)
{
	char text[AGENT_LAYERS_LEN];
	size_t n = agent_count_rules(agent);

	if (agent->is_reported)
		return;
	report_tunnels(agent);
	report_losses(agent);
	event_policy_applied(agent_layers_text(agent, text), n, agent->layers->n_filters);
	(void)sd_notifyf(0, "STATUS=%zu rules, %zu filters in the driver", n,
			 agent->layers->n_filters);
	agent->is_reported = true;
}

/* A script makes many changes; one line tells of them. */
static int on_report(sd_event_source *source, uint64_t usec, void *userdata)
{
	(void)source;
	(void)usec;
	report(userdata);
	return 0;
}

static int stage(struct agent *agent, const struct ruleset *dynamic, struct fault *fault)
{
	uint8_t *data;
	size_t len;
	int r = state_encode(dynamic, resolver_names(agent->resolver), &data, &len);

	if (!r) {
		r = state_stage(agent->state_path, data, len);
		wipe_free(data, len);
	}
	if (r)
		return fault_failed(fault, "%s could not be written: %s; nothing was changed",
				    agent->state_path, strerror(-r));
	return 0;
}

static int refused_by_driver(const struct agent *agent, struct fault *fault)
{
	return fault_failed(fault, "the driver refused it: %s; nothing was changed",
			    agent->kernel->why);
}

static void warn_of_conflict(const struct layers *layers, const struct layers *before)
{
	_cleanup_free_ char *first = NULL, *second = NULL;

	if (!layers->conflict[0] || (before && before->conflict[0] == layers->conflict[0] &&
				     before->conflict[1] == layers->conflict[1]))
		return;
	first = ruleset_rule_to_text(layers->conflict[0]);
	second = ruleset_rule_to_text(layers->conflict[1]);
	log_warning("two rules authenticate the same pair of hosts differently, but main mode "
		    "knows addresses only: the methods of \"%s\" hold for \"%s\", too",
		    first ? first : "", second ? second : "");
}

static void set_credentials(struct agent *agent)
{
	cred_set(agent->cred, agent->layers,
		 (uint8_t)config_number(agent->config, "strongcrlcheck"));
}

/* What comes after the driver's agreement cannot fail any more. */
static void use(struct agent *agent, struct ruleset *const *rulesets, struct layers *layers)
{
	struct layers *before_layers = agent->layers;
	struct ruleset *before[RULESET_LAYER_COUNT];

	warn_of_conflict(layers, before_layers);
	memcpy(before, agent->rulesets, sizeof(before));
	memmove(agent->rulesets, rulesets, sizeof(agent->rulesets));
	agent->layers = layers;
	if (agent->cred)
		set_credentials(agent);
	if (agent->negotiate)
		negotiate_set_layers(agent->negotiate, layers);	/* frees those before */
	else
		layers_free(before_layers);
	for (size_t i = 0; i < RULESET_LAYER_COUNT; i++)
		if (before[i] != agent->rulesets[i])
			ruleset_free(before[i]);
	names_retain(resolver_names(agent->resolver), agent->rulesets, RULESET_LAYER_COUNT);
	report_soon(agent);
}

/*
 * Takes @rulesets over when it succeeds, those in force excepted. @before: what the driver has, as
 * far as ids go; @is_known: and in every respect.
 */
static int put_in_force(struct agent *agent, struct ruleset *const *rulesets,
			const struct layers *before, bool is_known, struct fault *fault)
{
	_cleanup_(layers_freep) struct layers *layers = NULL;
	struct expand_names names = names_of(agent);
	int r;

	r = layers_build(rulesets, RULESET_LAYER_COUNT, &names, before, &layers, fault);
	if (r)
		return r;
	if (!cred_can_take(layers))
		return fault_failed(fault,
				    "there are too many preshared keys; use subnets instead of "
				    "hosts, nothing was changed");
	r = stage(agent, rulesets[RULESET_LAYER_DYNAMIC], fault);
	if (r)
		return r;
	if (layers_commit(layers, is_known ? before : NULL, agent->kernel)) {
		state_unstage(agent->state_path);
		return refused_by_driver(agent, fault);
	}
	r = state_publish(agent->state_path);
	if (r)
		log_error("%s could not be replaced (%s): after a crash the agent would go back "
			  "to the policy before", agent->state_path, strerror(-r));
	use(agent, rulesets, TAKE_PTR(layers));
	return 0;
}

int agent_commit_layers(struct agent *agent, uint32_t which,
			struct ruleset *const candidates[static RULESET_LAYER_COUNT],
			struct fault *fault)
{
	struct ruleset *rulesets[RULESET_LAYER_COUNT];
	int r;

	for (size_t i = 0; i < RULESET_LAYER_COUNT; i++)
		rulesets[i] = which & 1U << i ? candidates[i] : agent->rulesets[i];
	r = put_in_force(agent, rulesets, agent->layers, true, fault);
	for (size_t i = 0; r && i < RULESET_LAYER_COUNT; i++)
		if (rulesets[i] != agent->rulesets[i])
			ruleset_free(rulesets[i]);
	return r;
}

int agent_commit(struct agent *agent, struct ruleset *candidate, struct fault *fault)
{
	struct ruleset *candidates[RULESET_LAYER_COUNT] = { 0 };

	candidates[candidate->layer] = candidate;
	return agent_commit_layers(agent, 1U << candidate->layer, candidates, fault);
}

void agent_refresh(struct agent *agent)
{
	char text[AGENT_LAYERS_LEN];
	struct fault fault;
	int r = put_in_force(agent, agent->rulesets, agent->layers, true, &fault);

	agent->needs_refresh = r != 0;
	if (r)
		event_policy_failed(agent_layers_text(agent, text), fault.text);
}

/* --- what changes by itself --------------------------------------------------------------- */

static void read_servers(struct agent *agent)
{
	struct servers servers = { 0 };

	servers_read(&servers, agent->servers_root);
	servers.gateway = *addresses_gateways(agent->addresses);
	agent->servers = servers;
}

static bool is_for_servers(const struct ruleset_rule *rule)
{
	return rule->source.kind >= POLICY_ADDRESS_WINS ||
	       rule->destination.kind >= POLICY_ADDRESS_WINS;
}

/* Which end of a tunnel is this one, and its address, can change with the host's addresses. */
static bool is_for_tunnel(const struct ruleset_rule *rule)
{
	return rule->treatment->rule->has_tunnel;
}

static bool has_rule(const struct agent *agent, bool (*is_wanted)(const struct ruleset_rule *rule))
{
	for (size_t i = 0; i < RULESET_LAYER_COUNT; i++)
		for (size_t j = 0; agent->rulesets[i] && j < agent->rulesets[i]->n_rules; j++)
			if (is_wanted(agent->rulesets[i]->rules[j]))
				return true;
	return false;
}

static void update_servers(struct agent *agent)
{
	struct servers before = agent->servers;

	read_servers(agent);
	if (agent->needs_refresh || has_rule(agent, is_for_tunnel) ||
	    (memcmp(&before, &agent->servers, sizeof(before)) != 0 &&
	     has_rule(agent, is_for_servers)))
		agent_refresh(agent);
}

static void on_addresses_changed(void *userdata)
{
	update_servers(userdata);
}

static int on_servers_timer(sd_event_source *source, uint64_t usec, void *userdata)
{
	(void)usec;
	update_servers(userdata);
	(void)sd_event_source_set_time_relative(source, SERVERS_USEC);
	return sd_event_source_set_enabled(source, SD_EVENT_ONESHOT);
}

static int on_watch_timer(sd_event_source *source, uint64_t usec, void *userdata)
{
	struct agent *agent = userdata;

	(void)usec;
	negotiate_watch(agent->negotiate);
	(void)sd_event_source_set_time_relative(source, NEGOTIATE_WATCH_USEC);
	return sd_event_source_set_enabled(source, SD_EVENT_ONESHOT);
}

static void on_names_changed(void *userdata)
{
	agent_refresh(userdata);
}

static void on_name_failed(void *userdata, const char *name, const char *why)
{
	(void)userdata;
	log_warning("%s cannot be resolved any more (%s); its rules keep the last addresses", name,
		    why);
}

/* --- the driver --------------------------------------------------------------------------- */

static void on_acquire(void *userdata, const struct kernel_acquire *acquire)
{
	struct agent *agent = userdata;

	negotiate_acquire(agent->negotiate, acquire);
}

static void on_expire(void *userdata, enum ipsecdrv_lifetime_kind kind, const struct kernel_sa *sa)
{
	struct agent *agent = userdata;

	negotiate_expire(agent->negotiate, kind, sa);
}

static void on_mode(void *userdata, enum ipsecdrv_mode mode)
{
	(void)userdata;
	event_driver_mode(mode);
}

static void on_mapping(void *userdata, const struct kernel_sa *sa, const struct ip_addr *peer,
		       uint16_t port)
{
	char was[IP_ADDR_STRLEN], is[IP_ADDR_STRLEN];

	(void)userdata;
	log_info("peer %s: its packets come from %s, UDP port %u now",
		 ip_addr_format(&sa->remote, was), ip_addr_format(peer, is), port);
}

static void on_lost(void *userdata)
{
	struct agent *agent = userdata;

	log_warning("events of the driver were lost, reading its tables");
	negotiate_resync(agent->negotiate);
}

static int on_kernel(sd_event_source *source, int fd, uint32_t revents, void *userdata)
{
	struct agent *agent = userdata;
	struct kernel_event_handler handler = {
		.acquire = on_acquire,
		.expire = on_expire,
		.mode = on_mode,
		.mapping = on_mapping,
		.lost = on_lost,
		.userdata = agent,
	};
	int r = agent->kernel->ops->event_dispatch(agent->kernel, &handler);

	(void)source;
	(void)fd;
	(void)revents;
	if (r) {
		event_serious("the driver's events cannot be read: %s", agent->kernel->why);
		return sd_event_exit(agent->event, r);
	}
	return 0;
}

static void on_drop(void *userdata, const struct kernel_drop *drop)
{
	(void)userdata;
	event_drop(drop);
}

static void on_drop_count(void *userdata, const struct kernel_drop_count *count)
{
	(void)userdata;
	event_drop_count(count);
}

static int on_diag(sd_event_source *source, int fd, uint32_t revents, void *userdata)
{
	struct agent *agent = userdata;
	struct kernel_diag_handler handler = { .drop = on_drop, .count = on_drop_count };

	(void)fd;
	(void)revents;
	if (!agent->kernel->ops->diag_dispatch(agent->kernel, &handler))
		return 0;
	log_error("the driver's diagnostics cannot be read and are not logged any more: %s",
		  agent->kernel->why);
	return sd_event_source_set_enabled(source, SD_EVENT_OFF);
}

/* --- ipsec-cred --------------------------------------------------------------------------- */

static void on_credentials(void *userdata, const struct link_credential_state *state)
{
	struct agent *agent = userdata;

	if (!agent->negotiate)
		return;
	if (state)
		negotiate_set_credentials(agent->negotiate, state);
	negotiate_set_paused(agent->negotiate, !state);
}

/* --- configuration ------------------------------------------------------------------------ */

static struct link_ike_config ike_settings(const struct agent *agent)
{
	return (struct link_ike_config){
		.keylog = agent->exports_keys,
		.dos_mode = settings_always_challenges(agent->settings) ? IKE_DOS_ALWAYS :
									  IKE_DOS_AUTO,
		.trace = (enum ike_trace_level)config_number(agent->config, "ikelogging"),
		.log_level = (uint8_t)log_get_level(),
	};
}

static int set_diagnostics(struct agent *agent)
{
	return agent->kernel->ops->diag_set(agent->kernel,
					    (uint8_t)config_number(agent->config,
								   "ipsecdiagnostics"),
					    config_number(agent->config, "ipsecloginterval"));
}

int agent_apply_config(struct agent *agent, struct fault *fault)
{
	struct link_ike_config settings = ike_settings(agent);
	int level = (int)config_number(agent->config, "ipsecexempt");

	oakley_set_on(agent->oakley, settings.trace != IKE_TRACE_OFF);
	ike_set_config(agent->ike, &settings);
	set_credentials(agent);
	if (agent->kernel->ops->mode_set(agent->kernel, IPSECDRV_MODE_SECURE, level) ||
	    set_diagnostics(agent))
		return fault_failed(fault, "it is stored, but the driver refused it: %s",
				    agent->kernel->why);
	return 0;
}

static void complain(const char *line, const char *why)
{
	log_warning("configuration line \"%s\" was ignored: %s", line, why);
}

/* --- start -------------------------------------------------------------------------------- */

static int say(char *why, int error, const char *what)
{
	snprintf(why, AGENT_WHY_LEN, "%s: %s", what, strerror(-error));
	return error;
}

static int make_paths(struct agent *agent, const struct agent_config *config)
{
	agent->run_dir = strdup(config->run_dir);
	agent->servers_root = strdup(config->servers_root ? config->servers_root : "");
	if (asprintf(&agent->state_path, "%s/%s", config->run_dir, STATE_FILE) < 0)
		agent->state_path = NULL;
	return agent->run_dir && agent->servers_root && agent->state_path ? 0 : -ENOMEM;
}

/* Two agents with one run directory would undo each other's work. */
static int lock_run_dir(struct agent *agent, char *why)
{
	_cleanup_free_ char *path = NULL;

	if (asprintf(&path, "%s/agent.lock", agent->run_dir) < 0) {
		path = NULL;
		return say(why, -ENOMEM, "starting");
	}
	agent->lock_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (agent->lock_fd < 0)
		return say(why, -errno, path);
	if (!flock(agent->lock_fd, LOCK_EX | LOCK_NB))
		return 0;
	snprintf(why, AGENT_WHY_LEN,
		 "another policy agent runs with %s; stop it first, or give another "
		 "--run-dir",
		 agent->run_dir);
	return -EBUSY;
}

static int read_config(struct agent *agent, const struct agent_config *config, char *why)
{
	_cleanup_free_ char *path = NULL;
	int r = settings_new(config->settings_path, complain, &agent->settings);

	if (r)
		return say(why, r, config->settings_path);
	events_set_audit(settings_has_audit(agent->settings));
	if (asprintf(&path, "%s/%s", config->state_dir, CONFIG_FILE) < 0) {
		path = NULL;
		return say(why, -ENOMEM, "reading the configuration");
	}
	r = config_new(path, agent->settings, complain, &agent->config);
	return r ? say(why, r, path) : 0;
}

static int start_followers(struct agent *agent, const struct agent_config *config)
{
	struct resolver_config resolver = {
		.lookup = config->lookup,
		.changed = on_names_changed,
		.failed = on_name_failed,
		.userdata = agent,
	};
	int r = 0;

	if (!agent->addresses)
		r = addresses_new(agent->event, on_addresses_changed, agent, &agent->addresses);
	if (r < 0)
		return r;
	r = resolver_new(agent->event, &resolver, &agent->resolver);
	if (r < 0)
		return r;
	read_servers(agent);
	r = sd_event_add_time_relative(agent->event, &agent->servers_timer, CLOCK_MONOTONIC,
				       SERVERS_USEC, 0, on_servers_timer, agent);
	if (r >= 0)
		r = sd_event_add_time_relative(agent->event, &agent->report_timer, CLOCK_MONOTONIC,
					       REPORT_USEC, 0, on_report, agent);
	if (r >= 0)
		r = sd_event_add_time_relative(agent->event, &agent->watch_timer, CLOCK_MONOTONIC,
					       NEGOTIATE_WATCH_USEC, 0, on_watch_timer, agent);
	return r < 0 ? r : 0;
}

/*
 * The dynamic layer of an agent that ended without being stopped; an empty one if there was none.
 */
static int restore(struct agent *agent, struct ruleset **ret_dynamic, char *why)
{
	uint8_t *data;
	size_t len;
	struct names names;
	struct fault fault;
	int r = state_read(agent->state_path, &data, &len);

	if (r == -ENOENT) {
		*ret_dynamic = ruleset_new(RULESET_LAYER_DYNAMIC);
		return *ret_dynamic ? 0 : -ENOMEM;
	}
	if (!r) {
		r = state_decode(data, len, ret_dynamic, &names, &fault);
		wipe_free(data, len);
		if (!r) {
			names_done(resolver_names(agent->resolver));
			*resolver_names(agent->resolver) = names;
			return 0;
		}
	} else {
		snprintf(fault.text, sizeof(fault.text), "%s", strerror(-r));
	}
	/* The driver protects by what is in that file: better no agent than none of it. */
	snprintf(why, AGENT_WHY_LEN,
		 "the dynamic rules in %s cannot be restored: %s; the driver goes on "
		 "with its filters. Remove the file to start without them",
		 agent->state_path, fault.text);
	return r;
}

static int start_policy(struct agent *agent, char *why)
{
	_cleanup_(ruleset_freep) struct ruleset *dynamic = NULL;
	_cleanup_(layers_freep) struct layers *adopted = NULL;
	struct ruleset *rulesets[RULESET_LAYER_COUNT] = { 0 };
	struct fault fault;
	struct kernel_status status;
	int r = restore(agent, &dynamic, why);

	if (r)
		return r;
	/* 4295 and its like: nobody listened when the driver started */
	if (!agent->kernel->ops->status_get(agent->kernel, &status) &&
	    status.mode >= IPSECDRV_MODE_STARTUP_PERMIT)
		event_driver_mode(status.mode);
	if (layers_adopt(agent->kernel, &adopted)) {
		snprintf(why, AGENT_WHY_LEN, "the driver's filters cannot be read: %s",
			 agent->kernel->why);
		return -EIO;
	}
	rulesets[RULESET_LAYER_DYNAMIC] = dynamic;
	r = put_in_force(agent, rulesets, adopted, false, &fault);
	if (r) {
		snprintf(why, AGENT_WHY_LEN, "the policy cannot be applied: %s", fault.text);
		return r;
	}
	dynamic = NULL;
	if (set_diagnostics(agent))
		log_error("the driver's diagnostics cannot be set: %s", agent->kernel->why);
	r = agent->kernel->ops->mode_set(agent->kernel, IPSECDRV_MODE_SECURE,
					 (int)config_number(agent->config, "ipsecexempt"));
	if (r)
		snprintf(why, AGENT_WHY_LEN, "the driver cannot be set to secure mode: %s",
			 agent->kernel->why);
	return r;
}

static int start_negotiating(struct agent *agent)
{
	struct negotiate_config config = {
		.kernel = agent->kernel,
		.addresses = agent->addresses,
		.ike = ike_negotiate_calls,
		.now = now_usec,
	};
	struct link_ike_config settings = ike_settings(agent);
	_cleanup_free_ char *keylog = NULL;
	int r;

	if (agent->exports_keys && asprintf(&keylog, "%s/keylog", agent->run_dir) < 0)
		return -ENOMEM;
	agent->oakley = oakley_new(settings_oakley_path(agent->settings), now_usec);
	if (!agent->oakley)
		return -ENOMEM;
	oakley_set_on(agent->oakley, settings.trace != IKE_TRACE_OFF);
	r = ike_new(agent->event, agent->run_dir, keylog, agent->oakley, &settings, &agent->ike);
	if (r)
		return r;
	config.userdata = agent->ike;
	agent->negotiate = negotiate_new(&config);
	if (!agent->negotiate)
		return -ENOMEM;
	ike_set_negotiate(agent->ike, agent->negotiate);
	negotiate_set_paused(agent->negotiate, true);
	negotiate_set_layers(agent->negotiate, agent->layers);
	r = cred_new(agent->event, agent->run_dir, settings_kerberos_name(agent->settings),
		     settings_kerberos_realms(agent->settings), on_credentials, agent, &agent->cred);
	if (r)
		return r;
	set_credentials(agent);
	return 0;
}

static int start_listening(struct agent *agent)
{
	int r = sd_event_add_io(agent->event, &agent->kernel_source,
				agent->kernel->ops->event_fd(agent->kernel), EPOLLIN, on_kernel,
				agent);

	if (r < 0)
		return r;
	r = sd_event_add_io(agent->event, &agent->diag_source,
			    agent->kernel->ops->diag_fd(agent->kernel), EPOLLIN, on_diag, agent);
	if (r < 0)
		return r;
	/* negotiations come first */
	r = sd_event_source_set_priority(agent->diag_source, SD_EVENT_PRIORITY_IDLE);
	if (r < 0)
		return r;
	negotiate_resync(agent->negotiate);
	return bus_new(agent, &agent->bus);
}

int agent_new(sd_event *event, const struct agent_config *config, struct agent **ret_agent,
	      char why[static AGENT_WHY_LEN])
{
	_cleanup_(agent_freep) struct agent *agent = calloc(1, sizeof(*agent));
	struct kernel *kernel = config->kernel;
	char layers[AGENT_LAYERS_LEN];
	int r;

	if (!agent) {
		kernel_free(kernel);
		addresses_free(config->addresses);
		return say(why, -ENOMEM, "starting");
	}
	agent->event = sd_event_ref(event);
	agent->kernel = kernel;
	agent->addresses = config->addresses;
	agent->exports_keys = config->exports_keys;
	agent->lock_fd = -1;
	r = make_paths(agent, config);
	if (r)
		return say(why, r, "starting");
	r = lock_run_dir(agent, why);
	if (r)
		return r;
	r = read_config(agent, config, why);
	if (r)
		return r;
	r = start_followers(agent, config);
	if (r)
		return say(why, r, "following the host's addresses");
	r = start_policy(agent, why);
	if (r)
		return r;
	r = start_negotiating(agent);
	if (r)
		return say(why, r, "opening the sockets in the run directory");
	r = start_listening(agent);
	if (r)
		return say(why, r, "opening the control socket");
	event_started(agent_layers_text(agent, layers), agent_count_rules(agent));
	report(agent);
	resolver_refresh(agent->resolver);
	*ret_agent = TAKE_PTR(agent);
	return 0;
}

/* --- end ---------------------------------------------------------------------------------- */

void agent_stop(struct agent *agent)
{
	struct kernel *kernel = agent->kernel;

	report(agent);
	ike_flush(agent->ike, IKE_REASON_SHUTTING_DOWN);
	if (kernel->ops->mode_set(kernel, IPSECDRV_MODE_PERMIT, -1))
		event_serious("the driver did not go to permit mode: %s", kernel->why);
	else
		event_driver_mode(IPSECDRV_MODE_PERMIT);
	if (kernel->ops->filters_replace(kernel, NULL, 0))
		log_error("the driver's filters were not removed: %s", kernel->why);
	if (kernel->ops->sa_flush(kernel))
		log_error("the driver's associations were not removed: %s", kernel->why);
	state_remove(agent->state_path);
	event_stopped();
}

struct agent *agent_free(struct agent *agent)
{
	if (!agent)
		return NULL;
	bus_free(agent->bus);
	sd_event_source_disable_unref(agent->kernel_source);
	sd_event_source_disable_unref(agent->diag_source);
	sd_event_source_disable_unref(agent->servers_timer);
	sd_event_source_disable_unref(agent->report_timer);
	sd_event_source_disable_unref(agent->watch_timer);
	cred_free(agent->cred);
	ike_free(agent->ike);
	oakley_free(agent->oakley);
	negotiate_free(agent->negotiate);
	resolver_free(agent->resolver);
	addresses_free(agent->addresses);
	config_free(agent->config);
	settings_free(agent->settings);
	layers_free(agent->layers);
	for (size_t i = 0; i < RULESET_LAYER_COUNT; i++)
		ruleset_free(agent->rulesets[i]);
	kernel_free(agent->kernel);
	free(agent->servers_root);
	free(agent->state_path);
	free(agent->tunnels_told);
	free(agent->losses_told);
	free(agent->run_dir);
	if (agent->lock_fd >= 0)
		(void)close(agent->lock_fd);
	sd_event_unref(agent->event);
	return wipe_free(agent, sizeof(*agent));
}
