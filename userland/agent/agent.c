// SPDX-License-Identifier: MIT
#include "agent/agent.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/file.h>

#include <systemd/sd-daemon.h>

#include "agent/boot.h"
#include "agent/bus.h"
#include "agent/events.h"
#include "agent/report.h"
#include "agent/start.h"
#include "policy/fault.h"
#include "agent/state.h"
#include "agent/stores.h"
#include "agent/strength.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "base/parse.h"
#include "daemon/status_line.h"
#include "store/runs.h"

#define SERVERS_USEC	(60 * UINT64_C(1000000))
#define LONG_SLEEP_USEC	(30 * UINT64_C(1000000))	/* peers give up who is silent for so long */

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
	struct agent *agent = userdata;

	update_servers(agent);
	if (agent->negotiate)
		negotiate_addresses_changed(agent->negotiate);
}

static int on_servers_timer(sd_event_source *source, uint64_t usec, void *userdata)
{
	struct agent *agent = userdata;

	(void)usec;
	update_servers(agent);
	if (stores_fault(agent->stores))
		stores_look(agent->stores);	/* what the driver refused may be possible now */
	boot_update(agent);
	(void)sd_event_source_set_time_relative(source, SERVERS_USEC);
	return sd_event_source_set_enabled(source, SD_EVENT_ONESHOT);
}

/*
 * A host that sleeps does not answer, so its peers may have ended what they had with it, and would
 * be sent what they cannot read until that is found out. So after a sleep everything begins anew, with
 * the next packet. What has expired meanwhile the driver has ended by itself.
 */
static void check_sleep(struct agent *agent)
{
	uint64_t slept = clock_slept_usec(), before = agent->slept_usec;

	if (slept < before + LONG_SLEEP_USEC)
		return;
	agent->slept_usec = slept;
	log_notice("this host has slept for %" PRIu64 " seconds: what was negotiated before is ended",
		   (slept - before) / 1000000);
	if (ike_is_up(agent->ike))
		ike_flush(agent->ike, IKE_REASON_PEER_LOST);
	else
		(void)negotiate_delete_sas(agent->negotiate, &(struct ip_addr){ 0 });
}

static int on_watch_timer(sd_event_source *source, uint64_t usec, void *userdata)
{
	struct agent *agent = userdata;

	(void)usec;
	check_sleep(agent);
	negotiate_watch(agent->negotiate);
	status_line_touch(agent->status);
	(void)sd_event_source_set_time_relative(source, NEGOTIATE_WATCH_USEC);
	return sd_event_source_set_enabled(source, SD_EVENT_ONESHOT);
}

static void on_names_changed(void *userdata)
{
	struct agent *agent = userdata;

	agent_refresh(agent);
	if (!agent->needs_refresh)
		stores_save_names(agent->stores);
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
	status_line_touch(agent->status);
}

static void on_expire(void *userdata, enum ipsecdrv_lifetime_kind kind, const struct kernel_sa *sa)
{
	struct agent *agent = userdata;

	negotiate_expire(agent->negotiate, kind, sa);
}

/* No command changes the mode, so who did went past the agent: protection is not left to that. */
static void check_mode(struct agent *agent)
{
	struct kernel *kernel = agent->kernel;
	struct kernel_status status;

	if (agent->mode < 0 || kernel->ops->status_get(kernel, &status) ||
	    (int)status.mode == agent->mode)
		return;
	log_warning("somebody else has set the driver's mode; it is set again");
	if (kernel->ops->mode_set(kernel, (enum ipsecdrv_mode)agent->mode, -1))
		log_error("the driver's mode cannot be set: %s", kernel->why);
}

static void on_mode(void *userdata, enum ipsecdrv_mode mode)
{
	event_driver_mode(mode);
	check_mode(userdata);
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
	check_mode(agent);
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
		event_serious("the driver's events cannot be read: %s; the policy agent ends and has to "
			      "be started again", agent->kernel->why);
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

int agent_set_diagnostics(struct agent *agent)
{
	return agent->kernel->ops->diag_set(agent->kernel,
					    (uint8_t)config_number(agent->config,
								   "ipsecdiagnostics"),
					    config_number(agent->config, "ipsecloginterval"));
}

static enum ipsecdrv_mode mode_of(const struct agent *agent)
{
	return stores_is_blocking(agent->stores) || agent->runs_fault ? IPSECDRV_MODE_BLOCK :
									IPSECDRV_MODE_SECURE;
}

int agent_set_mode(struct agent *agent)
{
	enum ipsecdrv_mode mode = mode_of(agent);
	int r;

	if (agent->mode == (int)mode)
		return 0;
	r = agent->kernel->ops->mode_set(agent->kernel, mode,
					 (int)config_number(agent->config, "ipsecexempt"));
	if (r)
		return r;
	agent->mode = (int)mode;
	return 0;
}

int agent_apply_config(struct agent *agent, struct fault *fault)
{
	struct link_ike_config settings = ike_settings(agent);
	int level = (int)config_number(agent->config, "ipsecexempt");

	oakley_set_on(agent->oakley, settings.trace != IKE_TRACE_OFF);
	ike_set_config(agent->ike, &settings);
	agent_set_credentials(agent);
	if (agent->kernel->ops->mode_set(agent->kernel, mode_of(agent), level) ||
	    agent_set_diagnostics(agent))
		return fault_failed(fault, "it is stored, but the driver refused it: %s",
				    agent->kernel->why);
	return 0;
}

/* Whether strongcrypto can be switched on now. */
static int check_strength(const struct agent *agent, struct fault *fault)
{
	int r = strength_check(agent->rulesets, RULESET_LAYER_COUNT, fault);

	return r ? r : stores_check_strength(agent->stores, fault);
}

static bool is_strength_switch(const char *name, const char *value)
{
	const struct policy_config_property *property = policy_config_find(name);
	uint32_t number;

	return property && !strcmp(property->name, "strongcrypto") &&
	       !parse_u32_range(value, 1, 1, &number);
}

int agent_try_config(const struct agent *agent, const char *name, const char *value,
		     struct fault *fault)
{
	int r = is_strength_switch(name, value) ? check_strength(agent, fault) : 0;

	return r ? r : config_try(name, value, fault);
}

int agent_set_config(struct agent *agent, const char *name, const char *value,
		     struct fault *fault)
{
	bool is_switch = is_strength_switch(name, value);
	int r = is_switch ? check_strength(agent, fault) : 0;

	if (!r)
		r = boot_prepare_property(agent, name, value, fault);
	if (r)
		return r;
	r = config_set(agent->config, name, value, fault);
	if (r) {
		boot_update(agent);	/* as it was */
		return r;
	}
	if (is_switch)
		strength_warn(NULL, agent->rulesets, RULESET_LAYER_COUNT);
	return agent_apply_config(agent, fault);
}

static void complain(const char *line, const char *why)
{
	log_warning("configuration line \"%s\" was ignored: %s", line, why);
}

/* --- start -------------------------------------------------------------------------------- */

static int say(char *why, int error, const char *what)
{
	snprintf(why, AGENT_WHY_LEN, "%s: %s%s", what, strerror(-error), file_remedy(error));
	return error;
}

static int say_sockets(const struct agent *agent, char *why, int error)
{
	snprintf(why, AGENT_WHY_LEN, "the sockets in %s cannot be opened: %s%s", agent->run_dir,
		 strerror(-error), file_remedy(error));
	return error;
}

static int make_paths(struct agent *agent, const struct agent_config *config)
{
	agent->run_dir = strdup(config->run_dir);
	agent->servers_root = strdup(config->servers_root ? config->servers_root : "");
	if (asprintf(&agent->state_path, "%s/%s", config->run_dir, STATE_FILE) < 0)
		agent->state_path = NULL;
	agent->state_dir = strdup(config->state_dir);
	if (asprintf(&agent->runs_path, "%s/" STORE_RUNS_FILE, config->state_dir) < 0)
		agent->runs_path = NULL;
	return agent->run_dir && agent->servers_root && agent->state_path && agent->state_dir &&
	       agent->runs_path ? 0 : -ENOMEM;
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
	if (r)
		return say(why, r, path);
	r = boot_new(config->boot_socket, &agent->boot);
	return r ? say(why, r, "starting") : 0;
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
	r = sd_event_add_time_relative(agent->event, &agent->servers_timer, CLOCK_BOOTTIME,
				       SERVERS_USEC, 0, on_servers_timer, agent);
	if (r >= 0)
		r = report_start(agent);
	if (r >= 0)
		r = sd_event_add_time_relative(agent->event, &agent->watch_timer, CLOCK_BOOTTIME,
					       NEGOTIATE_WATCH_USEC, 0, on_watch_timer, agent);
	return r < 0 ? r : 0;
}

static int start_negotiating(struct agent *agent)
{
	struct negotiate_config config = {
		.kernel = agent->kernel,
		.addresses = agent->addresses,
		.ike = ike_negotiate_calls,
		.now = clock_usec,
	};
	struct link_ike_config settings = ike_settings(agent);
	_cleanup_free_ char *keylog = NULL;
	int r;

	if (agent->exports_keys && asprintf(&keylog, "%s/keylog", agent->run_dir) < 0)
		return -ENOMEM;
	agent->oakley = oakley_new(settings_oakley_path(agent->settings), clock_usec);
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
	agent_set_credentials(agent);
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
	agent->process = process_self("ipsec-policy-agent");
	agent->kernel = kernel;
	agent->addresses = config->addresses;
	agent->exports_keys = config->exports_keys;
	agent->lock_fd = -1;
	agent->mode = -1;
	agent->slept_usec = clock_slept_usec();
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
		return say_sockets(agent, why, r);
	r = start_listening(agent);
	if (r)
		return say_sockets(agent, why, r);
	boot_update(agent);
	event_started(agent_layers_text(agent, layers), agent_count_rules(agent));
	report_soon(agent);	/* after the driver has told its mode */
	resolver_refresh(agent->resolver);
	*ret_agent = TAKE_PTR(agent);
	return 0;
}

/* --- end ---------------------------------------------------------------------------------- */

/* What no stop of the service survives. */
static void forget(struct agent *agent)
{
	struct kernel *kernel = agent->kernel;

	if (kernel->ops->sa_flush(kernel))
		log_error("the driver's associations were not removed: %s", kernel->why);
	state_remove(agent->state_path);
}

void agent_stop(struct agent *agent)
{
	struct kernel *kernel = agent->kernel;

	report_now(agent);
	ike_flush(agent->ike, IKE_REASON_SHUTTING_DOWN);
	if (kernel->ops->mode_set(kernel, IPSECDRV_MODE_PERMIT, -1))
		event_serious("the driver did not go to permit mode: %s", kernel->why);
	else
		event_driver_mode(IPSECDRV_MODE_PERMIT);
	if (kernel->ops->filters_replace(kernel, NULL, 0))
		log_error("the driver's filters were not removed: %s", kernel->why);
	forget(agent);
	event_stopped(false);
}

void agent_leave(struct agent *agent)
{
	report_now(agent);
	ike_flush(agent->ike, IKE_REASON_SHUTTING_DOWN);
	forget(agent);
	event_stopped(true);
}

struct agent *agent_free(struct agent *agent)
{
	if (!agent)
		return NULL;
	bus_free(agent->bus);
	stores_free(agent->stores);
	sd_event_source_disable_unref(agent->kernel_source);
	sd_event_source_disable_unref(agent->diag_source);
	sd_event_source_disable_unref(agent->servers_timer);
	sd_event_source_disable_unref(agent->report_timer);
	status_line_free(agent->status);
	sd_event_source_disable_unref(agent->watch_timer);
	cred_free(agent->cred);
	ike_free(agent->ike);
	oakley_free(agent->oakley);
	negotiate_free(agent->negotiate);
	resolver_free(agent->resolver);
	addresses_free(agent->addresses);
	boot_free(agent->boot);
	config_free(agent->config);
	settings_free(agent->settings);
	layers_free(agent->layers);
	layers_free(agent->adopted);
	for (size_t i = 0; i < RULESET_LAYER_COUNT; i++)
		ruleset_free(agent->rulesets[i]);
	kernel_free(agent->kernel);
	free(agent->servers_root);
	free(agent->state_path);
	free(agent->state_dir);
	free(agent->runs_path);
	free(agent->runs_fault);
	free(agent->tunnels_told);
	free(agent->losses_told);
	free(agent->run_dir);
	if (agent->lock_fd >= 0)
		(void)close(agent->lock_fd);
	sd_event_unref(agent->event);
	return wipe_free(agent, sizeof(*agent));
}
