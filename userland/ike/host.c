// SPDX-License-Identifier: MIT
#include "ike/host.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/log.h"
#include "daemon/daemon.h"
#include "daemon/status_line.h"
#include "ike/pool.h"
#include "ike/udp.h"

#define MS_USEC UINT64_C(1000)
#define STEPS_QUEUE_MAX 64	/* messages under way to the agent, of any kind */

uint64_t host_now(void)
{
	return clock_usec() / MS_USEC;
}

void host_touch(struct host *host)
{
	host->is_touched = true;
	status_line_touch(host->status);
}

static void write_status(void *userdata, FILE *file)
{
	struct host *host = userdata;
	struct ike_stats stats;

	if (!host->is_configured || !link_client_link(host->agent)) {
		fprintf(file, "waiting for the policy agent");
		return;
	}
	ike_engine_get_stats(host->engine, &stats);
	fprintf(file, "%" PRIu64 " main modes (%" PRIu64 " half-open), %" PRIu64 " quick modes; %"
		PRIu64 " negotiations failed so far", stats.isadb_list_size, stats.half_open,
		stats.connection_list_size, stats.negotiation_failures);
	if (!link_client_link(host->cred))
		fprintf(file, "; waiting for ipsec-cred");
}

/* --- the loop ----------------------------------------------------------------------------- */

static void on_datagram(void *userdata, const struct ike_path *path, const uint8_t *data, size_t len)
{
	struct host *host = userdata;

	ike_engine_receive(host->engine, host_now(), path, data, len);
	host_touch(host);
}

static int on_timer(sd_event_source *source, uint64_t usec, void *userdata)
{
	struct host *host = userdata;

	(void)source;
	(void)usec;
	ike_engine_tick(host->engine, host_now());
	host_touch(host);
	return 0;
}

static int on_idle(sd_event_source *source, void *userdata)
{
	struct host *host = userdata;
	bool has_more = ike_engine_idle(host->engine, host_now());

	return sd_event_source_set_enabled(source, has_more ? SD_EVENT_ONESHOT : SD_EVENT_OFF);
}

static int rearm(struct host *host)
{
	uint64_t next = ike_engine_next_timeout(host->engine);
	int r;

	if (next >= UINT64_MAX / MS_USEC)
		return sd_event_source_set_enabled(host->timer, SD_EVENT_OFF);
	r = sd_event_source_set_time(host->timer, next * MS_USEC);
	return r < 0 ? r : sd_event_source_set_enabled(host->timer, SD_EVENT_ONESHOT);
}

/* After whatever happened in a turn of the loop: send what it led to, and wait for what is next. */
static int on_post(sd_event_source *source, void *userdata)
{
	struct host *host = userdata;
	int r;

	(void)source;
	udp_flush(host->udp);
	tracer_flush(&host->tracer);
	r = rearm(host);
	if (r >= 0 && host->is_touched) {
		host->is_touched = false;
		r = sd_event_source_set_enabled(host->idle, SD_EVENT_ONESHOT);
	}
	return r;
}

/*
 * Timers and links come before datagrams, so that they live through a flood; work ahead comes
 * last.
 */
static int add_sources(struct host *host)
{
	int r = sd_event_add_time(host->event, &host->timer, CLOCK_BOOTTIME, 0, MS_USEC, on_timer,
				  host);

	if (r >= 0)
		r = sd_event_source_set_priority(host->timer, SD_EVENT_PRIORITY_IMPORTANT);
	if (r >= 0)
		r = sd_event_source_set_enabled(host->timer, SD_EVENT_OFF);
	if (r >= 0)
		r = sd_event_add_defer(host->event, &host->idle, on_idle, host);
	if (r >= 0)
		r = sd_event_source_set_priority(host->idle, SD_EVENT_PRIORITY_IDLE);
	if (r >= 0)
		r = sd_event_source_set_enabled(host->idle, SD_EVENT_OFF);
	if (r >= 0)
		r = sd_event_add_post(host->event, &host->post, on_post, host);
	if (r >= 0)
		r = sd_event_source_set_priority(host->post, SD_EVENT_PRIORITY_IMPORTANT - 1);
	return r < 0 ? r : 0;
}

/* Nobody waits for a log, and nothing of it waits. */
static int send_steps(void *userdata, const struct link_trace *trace)
{
	struct host *host = userdata;
	struct link *link = link_client_link(host->agent);

	if (link_n_queued(link) > STEPS_QUEUE_MAX)
		return -ENOBUFS;
	return link_send(link, &link_trace, trace);
}

/* --- configuration ------------------------------------------------------------------------ */

static int make_engine(struct host *host)
{
	struct ike_config config = {
		/* always offered; what is passed on follows the configuration of the moment */
		.keylog = true,
	};
	struct ike_engine *engine = ike_engine_new(&config, &host_ops, host, host_now());

	if (!engine)
		return -ENOMEM;
	host->engine = engine;
	return 0;
}

int host_configure(struct host *host, const struct link_ike_config *config)
{
	bool is_first = !host->is_configured;

	host->config = *config;
	host->is_configured = true;
	log_set_level(config->log_level);
	ike_engine_set_dos_mode(host->engine, config->dos_mode);
	ike_engine_set_trace(host->engine, config->trace);
	if (config->keylog)
		log_warning("debug switch is on: keys are being written to files");
	return is_first ? udp_start(host->udp, host->event, on_datagram, host) : 0;
}

static void on_hello(void *userdata, int error, const void *reply)
{
	struct host *host = userdata;

	if (error == 0)
		error = host_configure(host, reply);
	status_line_touch(host->status);
	if (error < 0 && error != -ECONNRESET) {
		log_error("the policy agent does not talk to us: %s", strerror(-error));
		link_close(link_client_link(host->agent), error);
	}
}

static void on_agent_up(void *userdata, struct link *link)
{
	struct host *host = userdata;
	struct link_hello hello = { .version = LINK_VERSION, .instance = host->instance };
	int r = link_call(link, &link_hello, &hello, 0, on_hello, host, NULL);

	if (r < 0)
		link_close(link, r);
	log_info("connected to the policy agent");
}

static void on_agent_down(void *userdata, struct link *link, int error)
{
	struct host *host = userdata;

	(void)link;
	status_line_touch(host->status);
	log_notice("the policy agent is gone (%s), waiting for it", strerror(-error));
}

static void on_cred_up(void *userdata, struct link *link)
{
	struct host *host = userdata;

	(void)link;
	status_line_touch(host->status);
	log_info("connected to ipsec-cred");
}

static void on_cred_down(void *userdata, struct link *link, int error)
{
	struct host *host = userdata;

	(void)link;
	status_line_touch(host->status);
	log_notice("ipsec-cred is gone (%s), waiting for it", strerror(-error));
}

/* --- start and end ------------------------------------------------------------------------ */

struct host *host_free(struct host *host)
{
	if (!host)
		return NULL;
	/* the engine first: it holds ids of what the links are asking */
	(void)ike_engine_free(host->engine);
	(void)status_line_free(host->status);
	(void)pool_free(host->pool);
	(void)link_client_free(host->agent);
	(void)link_client_free(host->cred);
	(void)udp_free(host->udp);
	sd_event_source_disable_unref(host->timer);
	sd_event_source_disable_unref(host->idle);
	sd_event_source_disable_unref(host->post);
	sd_event_unref(host->event);
	free(host);
	return NULL;
}

DEFINE_CLEANUP(struct host *, host_free);

int host_open(sd_event *event, const struct host_options *options, struct host **ret_host)
{
	struct udp_config udp_config = { .port = options->port, .natt_port = options->natt_port };
	_cleanup_(host_freep) struct host *host = calloc(1, sizeof(*host));
	int r;

	if (!host)
		return -ENOMEM;
	host->event = sd_event_ref(event);
	tracer_init(&host->tracer, send_steps, host);
	if (getrandom(&host->instance, sizeof(host->instance), 0) != sizeof(host->instance))
		return -EIO;
	r = udp_open(&udp_config, &host->udp);
	if (r == 0)
		r = make_engine(host);
	if (r == 0)
		r = add_sources(host);
	if (r == 0)
		r = status_line_new(event, write_status, host, &host->status);
	if (r < 0)
		return r;
	*ret_host = TAKE_PTR(host);
	return 0;
}

static void on_job_done(void *userdata, uint64_t id, struct ike_job *job)
{
	struct host *host = userdata;

	(void)ike_engine_job_reply(host->engine, host_now(), id, job);
	host_touch(host);
}

int host_start(struct host *host, const char *run_dir)
{
	const struct link_config agent = {
		.handlers = host_handlers,
		.n_handlers = host_n_handlers,
		.up = on_agent_up,
		.down = on_agent_down,
		.userdata = host,
	};
	const struct link_config cred = { .up = on_cred_up, .down = on_cred_down, .userdata = host };
	char path[256];
	int r = daemon_path(run_dir, LINK_SOCKET_IKE, path, sizeof(path));

	/* both listen as root, or, in a test, as who we are */
	if (r == 0)
		r = link_client_new(host->event, path, &(uid_t){ geteuid() }, 1, &agent,
				    &host->agent);
	if (r == 0)
		r = daemon_path(run_dir, LINK_SOCKET_CRED, path, sizeof(path));
	if (r == 0)
		r = link_client_new(host->event, path, &(uid_t){ geteuid() }, 1, &cred, &host->cred);
	if (r == 0)
		r = pool_new(host->event, on_job_done, host, &host->pool);
	status_line_touch(host->status);
	return r;
}

struct mm_ids {
	uint64_t *ids;
	size_t n, cap;
};

static bool collect_mm(void *userdata, const struct ike_mm_info *info)
{
	struct mm_ids *list = userdata;

	if (list->n == list->cap) {
		size_t cap = list->cap ? 2 * list->cap : 64;
		uint64_t *ids = realloc(list->ids, cap * sizeof(*ids));

		if (!ids)
			return false;
		list->ids = ids;
		list->cap = cap;
	}
	list->ids[list->n++] = info->mm_id;
	return true;
}

void host_say_goodbye(struct host *host)
{
	struct mm_ids list = { 0 };
	uint64_t now = host_now();

	ike_engine_for_each_mm(host->engine, now, collect_mm, &list);
	for (size_t i = 0; i < list.n; i++) {
		(void)ike_engine_delete_mm(host->engine, now, list.ids[i],
					   IKE_REASON_SHUTTING_DOWN);
		udp_flush(host->udp);
	}
	free(list.ids);
}
