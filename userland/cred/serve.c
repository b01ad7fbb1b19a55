// SPDX-License-Identifier: MIT
/*
 * The two sockets. On RUNDIR/cred ipsec-ike asks for uses of secrets; on RUNDIR/cred-admin the agent
 * says what the secrets are. Neither can ask for a secret.
 */
#include "cred/serve.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "cred/limiter.h"
#include "cred/secrets.h"
#include "daemon/daemon.h"
#include "link/messages.h"

/* Many times what negotiation needs: 4,000 main modes per second, 20 of them with one peer. */
#define PAIR_PER_SECOND 20
#define PAIR_BURST 100
#define ALL_PER_SECOND 4000
#define ALL_BURST 8000

/* Requests that wait for the first list of secrets after a start. */
#define EARLY_MAX 256

#define COMPLAIN_EVERY_MS 1000

struct cred {
	struct secrets *secrets;
	struct limiter *limiter;
	struct link_server *server;
	struct link_server *admin;
	struct link_request *early[EARLY_MAX];
	const struct ike_psk_request *early_args[EARLY_MAX];
	size_t n_early;
	uint64_t complained;	/* ms, 0: never */
	uint64_t n_refused;	/* since then */
};

static uint64_t now_ms(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/* --- ipsec-ike's side --------------------------------------------------------------------- */

static void complain(struct cred *cred, uint64_t now, const struct ike_path *path)
{
	char local[IP_ADDR_STRLEN], remote[IP_ADDR_STRLEN];

	cred->n_refused++;
	if (cred->complained && now - cred->complained < COMPLAIN_EVERY_MS)
		return;
	log_warning("preshared key of %s and %s is asked for too often, refused (%llu times)",
		    ip_addr_format(&path->local, local), ip_addr_format(&path->remote, remote),
		    (unsigned long long)cred->n_refused);
	cred->complained = now;
	cred->n_refused = 0;
}

static void answer_psk(struct cred *cred, struct link_request *request,
		       const struct ike_psk_request *args)
{
	struct link_skeyid skeyid = { 0 };
	uint64_t now = now_ms();
	int r;

	if (!limiter_take(cred->limiter, now, &args->path.local, &args->path.remote)) {
		complain(cred, now, &args->path);
		link_fail(request, -EAGAIN);
		return;
	}
	r = secrets_skeyid(cred->secrets, args, &skeyid);
	if (r < 0)
		link_fail(request, r);
	else
		(void)link_reply(request, &skeyid);
	wipe(&skeyid, sizeof(skeyid));
}

/*
 * A restarted process has no secrets for the moment that the agent needs to notice. Main modes
 * must not fail in it.
 */
static void on_psk_skeyid(void *userdata, struct link_request *request, const void *args)
{
	struct cred *cred = userdata;

	if (secrets_is_loaded(cred->secrets)) {
		answer_psk(cred, request, args);
	} else if (cred->n_early < EARLY_MAX) {
		cred->early[cred->n_early] = request;
		cred->early_args[cred->n_early++] = args;
	} else {
		link_fail(request, -EAGAIN);
	}
}

static void answer_early(struct cred *cred)
{
	for (size_t i = 0; i < cred->n_early; i++)
		answer_psk(cred, cred->early[i], cred->early_args[i]);
	cred->n_early = 0;
}

/* --- the agent's side --------------------------------------------------------------------- */

/* Which of the rule's methods have what they need. */
static struct link_rule_state state_of(const struct link_credential_rule *rule)
{
	struct link_rule_state state = { 0 };

	for (size_t i = 0; i < rule->n_methods; i++)
		if (rule->methods[i].kind == LINK_CREDENTIAL_PSK)
			state.usable |= 1 << IKE_AUTH_PSK;
	return state;
}

static void on_set_credentials(void *userdata, struct link_request *request, const void *args)
{
	const struct link_credentials *list = args;
	struct link_credential_state state = { .n_rules = list->n_rules, .gss_name = (char *)"" };
	struct cred *cred = userdata;
	int r;

	state.rules = calloc(list->n_rules + 1, sizeof(*state.rules));
	r = state.rules ? secrets_replace(cred->secrets, list) : -ENOMEM;
	if (r < 0) {
		free(state.rules);
		log_error("no memory that can be locked for %zu rules, keeping the old ones",
			  list->n_rules);
		link_fail(request, r);
		return;
	}
	for (size_t i = 0; i < list->n_rules; i++)
		state.rules[i] = state_of(&list->rules[i]);
	log_info("credentials of %zu rules", list->n_rules);
	(void)link_reply(request, &state);
	free(state.rules);
	answer_early(cred);
}

/* --- both --------------------------------------------------------------------------------- */

/* Signatures, certificate chains and GSS steps will be further rows here. */
static const struct link_handler cred_handlers[] = {
	{ &link_psk_skeyid, on_psk_skeyid },
};

static const struct link_handler admin_handlers[] = {
	{ &link_set_credentials, on_set_credentials },
};

static int serve(sd_event *event, struct cred *cred, const struct cred_config *config,
		 const char *name, bool is_admin, struct link_server **ret_server)
{
	struct link_config link_config = {
		.handlers = is_admin ? admin_handlers : cred_handlers,
		.n_handlers = 1,
		.userdata = cred,
	};
	struct link_listener_config listen = {
		.mode = 0600,
		.owner = is_admin ? (uid_t)-1 : config->ike_uid,
		.group = is_admin ? (gid_t)-1 : config->ike_gid,
		/* who started us, which is root anyway unless this is a test */
		.uids = { is_admin ? geteuid() : config->ike_uid },
		.n_uids = 1,
		.connections_max = 1,
		.replace_oldest = true,
	};
	char path[256];
	int r = daemon_path(config->run_dir, name, path, sizeof(path));

	if (r < 0)
		return r;
	listen.path = path;
	return link_server_new(event, &listen, &link_config, ret_server);
}

struct cred *cred_free(struct cred *cred)
{
	if (!cred)
		return NULL;
	for (size_t i = 0; i < cred->n_early; i++)
		link_fail(cred->early[i], -ECONNRESET);
	(void)link_server_free(cred->server);
	(void)link_server_free(cred->admin);
	(void)limiter_free(cred->limiter);
	(void)secrets_free(cred->secrets);
	free(cred);
	return NULL;
}

DEFINE_CLEANUP(struct cred *, cred_free);

int cred_new(sd_event *event, const struct cred_config *config, struct cred **ret_cred)
{
	static const struct limiter_config limits = {
		.pair_per_second = PAIR_PER_SECOND,
		.pair_burst = PAIR_BURST,
		.all_per_second = ALL_PER_SECOND,
		.all_burst = ALL_BURST,
	};
	_cleanup_(cred_freep) struct cred *cred = calloc(1, sizeof(*cred));
	uint8_t key[16];
	int r;

	if (!cred)
		return -ENOMEM;
	if (getrandom(key, sizeof(key), 0) != sizeof(key))
		return -EIO;
	cred->secrets = secrets_new();
	cred->limiter = limiter_new(&limits, key);
	if (!cred->secrets || !cred->limiter)
		return -ENOMEM;
	r = serve(event, cred, config, LINK_SOCKET_CRED, false, &cred->server);
	if (r == 0)
		r = serve(event, cred, config, LINK_SOCKET_CRED_ADMIN, true, &cred->admin);
	if (r < 0)
		return r;
	*ret_cred = TAKE_PTR(cred);
	return 0;
}
