// SPDX-License-Identifier: MIT
/*
 * The two sockets. On RUNDIR/cred ipsec-ike asks for uses of secrets; on RUNDIR/cred-admin the agent
 * says what the secrets are. Neither can ask for a secret.
 */
#include "cred/serve.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "cred/certs.h"
#include "cred/kerberos.h"
#include "cred/limiter.h"
#include "cred/secrets.h"
#include "daemon/confine.h"
#include "daemon/status_line.h"
#include "daemon/daemon.h"
#include "link/messages.h"

/* Many times what negotiation needs: 4,000 main modes per second, 20 of them with one peer. */
#define PAIR_PER_SECOND 20
#define PAIR_BURST	100
#define ALL_PER_SECOND	4000
#define ALL_BURST	8000

/* Requests that wait for the first list of secrets after a start. */
#define EARLY_MAX 256

#define COMPLAIN_EVERY_MS 1000

#define N(array) (sizeof(array) / sizeof((array)[0]))

/* A request, and who answers it once there are secrets. */
struct early {
	struct link_request *request;
	const void *args;
	void (*answer)(struct cred *cred, struct link_request *request, const void *args);
	bool needs_store;	/* of certificates, which is read meanwhile */
};

struct cred {
	struct secrets *secrets;
	struct kerberos *kerberos;
	struct certs *certs;
	struct limiter *limiter;
	struct link_server *server;
	struct link_server *admin;
	struct link *agent; /* which the last list came on, while it is there */
	uint8_t *kinds; /* of that list's rules: bits (1 << enum link_credential_kind) */
	size_t n_rules;
	struct early early[EARLY_MAX];
	size_t n_early;
	struct status_line *status;
	uint64_t complained; /* ms, 0: never */
	uint64_t n_refused; /* since then */
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
	log_warning("the credentials for %s and %s are asked for too often, refused (%llu times)",
		    ip_addr_format(&path->local, local), ip_addr_format(&path->remote, remote),
		    (unsigned long long)cred->n_refused);
	cred->complained = now;
	cred->n_refused = 0;
}

/* False, and answered, if it is asked for more often than negotiation would. */
static bool may_ask(struct cred *cred, struct link_request *request, const struct ike_path *path)
{
	uint64_t now = now_ms();

	if (limiter_take(cred->limiter, now, &path->local, &path->remote))
		return true;
	complain(cred, now, path);
	link_fail(request, -EAGAIN);
	return false;
}

static void answer_psk(struct cred *cred, struct link_request *request, const void *args)
{
	const struct ike_psk_request *psk = args;
	struct link_skeyid skeyid = { 0 };
	int r;

	if (!may_ask(cred, request, &psk->path))
		return;
	r = secrets_skeyid(cred->secrets, psk, &skeyid);
	if (r < 0)
		link_fail(request, r);
	else
		(void)link_reply(request, &skeyid);
	wipe(&skeyid, sizeof(skeyid));
}

static void answer_gss_step(struct cred *cred, struct link_request *request, const void *args)
{
	const struct ike_gss_step *step = args;

	if (may_ask(cred, request, &step->path))
		kerberos_step(cred->kerberos, request, step);
}

static void answer_authorities(struct cred *cred, struct link_request *request, const void *args)
{
	struct ike_authorities authorities;

	certs_authorities(cred->certs, args, &authorities);
	(void)link_reply(request, &authorities);
	certs_authorities_clear(&authorities);
}

static void answer_certificate(struct cred *cred, struct link_request *request, const void *args)
{
	struct ike_certificate certificate;

	certs_choose(cred->certs, args, &certificate);
	(void)link_reply(request, &certificate);
	certs_certificate_clear(&certificate);
}

static void answer_signature(struct cred *cred, struct link_request *request, const void *args)
{
	const struct ike_signature_request *sign = args;
	struct ike_signature signature;

	if (!may_ask(cred, request, &sign->path))
		return;
	certs_sign(cred->certs, sign, &signature);
	(void)link_reply(request, &signature);
}

static void reply_proof(void *userdata, const struct ike_proof *proof)
{
	(void)link_reply(userdata, proof);
}

static void answer_proof(struct cred *cred, struct link_request *request, const void *args)
{
	certs_prove(cred->certs, args, reply_proof, request);
}

static bool is_ready(const struct cred *cred, const struct early *early)
{
	return secrets_is_loaded(cred->secrets) &&
	       (!early->needs_store || certs_is_loaded(cred->certs));
}

/*
 * A restarted process has no secrets for the moment that the agent needs to notice. Main modes
 * must not fail in it.
 */
static void answer_when_loaded(struct cred *cred, const struct early *early)
{
	if (is_ready(cred, early))
		early->answer(cred, early->request, early->args);
	else if (cred->n_early < EARLY_MAX)
		cred->early[cred->n_early++] = *early;
	else
		link_fail(early->request, -EAGAIN);
}

static void on_authorities(void *userdata, struct link_request *request, const void *args)
{
	answer_when_loaded(userdata, &(struct early){ request, args, answer_authorities, true });
}

static void on_certificate(void *userdata, struct link_request *request, const void *args)
{
	answer_when_loaded(userdata, &(struct early){ request, args, answer_certificate, true });
}

static void on_signature(void *userdata, struct link_request *request, const void *args)
{
	answer_when_loaded(userdata, &(struct early){ request, args, answer_signature, true });
}

static void on_proof(void *userdata, struct link_request *request, const void *args)
{
	answer_when_loaded(userdata, &(struct early){ request, args, answer_proof, true });
}

static void on_psk_skeyid(void *userdata, struct link_request *request, const void *args)
{
	answer_when_loaded(userdata, &(struct early){ request, args, answer_psk, false });
}

static void on_gss_step(void *userdata, struct link_request *request, const void *args)
{
	answer_when_loaded(userdata, &(struct early){ request, args, answer_gss_step, false });
}

/* A context takes a few messages and is gone, so these need no limit of their own. */
static void on_gss_wrap(void *userdata, struct link_request *request, const void *args)
{
	struct cred *cred = userdata;

	kerberos_wrap(cred->kerberos, request, args);
}

static void on_gss_unwrap(void *userdata, struct link_request *request, const void *args)
{
	struct cred *cred = userdata;

	kerberos_unwrap(cred->kerberos, request, args);
}

static void on_gss_end(void *userdata, struct link_request *request, const void *args)
{
	struct cred *cred = userdata;

	(void)request;
	kerberos_end(cred->kerberos, args);
}

/* Those that can be by now; the others stay, in their order. */
static void answer_early(struct cred *cred)
{
	size_t n_stay = 0;

	for (size_t i = 0; i < cred->n_early; i++) {
		struct early early = cred->early[i];

		if (is_ready(cred, &early))
			early.answer(cred, early.request, early.args);
		else
			cred->early[n_stay++] = early;
	}
	cred->n_early = n_stay;
}

/* Whoever connects next did not begin these. */
static void on_ike_down(void *userdata, struct link *link, int error)
{
	struct cred *cred = userdata;

	(void)link;
	(void)error;
	kerberos_end_all(cred->kerberos);
}

/* --- the agent's side --------------------------------------------------------------------- */

/* Methods that have what they need, of a rule that has these. */
static uint8_t usable(const struct cred *cred, uint8_t kinds)
{
	uint8_t methods = 0;

	if (kinds & 1 << LINK_CREDENTIAL_PSK)
		methods |= 1 << IKE_AUTH_PSK;
	if (kinds & 1 << LINK_CREDENTIAL_KERBEROS && *kerberos_own_name(cred->kerberos))
		methods |= 1 << IKE_AUTH_KERBEROS;
	return methods;
}

/* The caller frees the rules. */
static int make_state(const struct cred *cred, struct link_credential_state *ret_state)
{
	_cleanup_free_ uint8_t *by_certificate = calloc(cred->n_rules + 1, 1);
	struct link_rule_state *rules = calloc(cred->n_rules + 1, sizeof(*rules));

	if (!rules || !by_certificate) {
		free(rules);
		return -ENOMEM;
	}
	certs_usable(cred->certs, by_certificate, cred->n_rules);
	for (size_t i = 0; i < cred->n_rules; i++)
		rules[i].usable = usable(cred, cred->kinds[i]) | by_certificate[i];
	*ret_state = (struct link_credential_state){
		.rules = rules,
		.n_rules = cred->n_rules,
		.gss_name = (char *)kerberos_own_name(cred->kerberos),
	};
	return 0;
}

static void write_status(void *userdata, FILE *file)
{
	struct link_credential_state state;
	struct cred *cred = userdata;
	size_t n = 0;

	if (!cred->agent) {
		fprintf(file, "waiting for the policy agent");
		return;
	}
	if (make_state(cred, &state) < 0)
		return;
	for (size_t i = 0; i < state.n_rules; i++)
		n += state.rules[i].usable != 0;
	free(state.rules);
	fprintf(file, "credentials for %zu of %zu rules", n, state.n_rules);
	if (*state.gss_name)
		fprintf(file, "; Kerberos as %s", state.gss_name);
}

static uint8_t kinds_of(const struct link_credential_rule *rule)
{
	uint8_t kinds = 0;

	for (size_t i = 0; i < rule->n_methods; i++)
		kinds |= (uint8_t)(1 << rule->methods[i].kind);
	return kinds;
}

/* On failure the agent sends all again. */
static int replace(struct cred *cred, const struct link_credentials *list)
{
	_cleanup_free_ uint8_t *kinds = calloc(list->n_rules + 1, 1);
	int r = kinds ? secrets_replace(cred->secrets, list) : -ENOMEM;

	if (r == 0)
		r = certs_set_rules(cred->certs, list);
	if (r < 0)
		return r;
	for (size_t i = 0; i < list->n_rules; i++)
		kinds[i] = kinds_of(&list->rules[link_credentials_source(list, i)]);
	free(cred->kinds);
	cred->kinds = TAKE_PTR(kinds);
	cred->n_rules = list->n_rules;
	kerberos_set_policy(cred->kerberos, list->gss_name, list->gss_realms);
	return 0;
}

static void on_set_credentials(void *userdata, struct link_request *request, const void *args)
{
	const struct link_credentials *list = args;
	struct link_credential_state state = { 0 };
	struct cred *cred = userdata;
	int r = replace(cred, list);

	if (r < 0)
		log_error("no memory that can be locked for %zu rules, keeping the old ones",
			  list->n_rules);
	else
		r = make_state(cred, &state);
	if (r < 0) {
		link_fail(request, r);
		return;
	}
	log_info("credentials of %zu rules", list->n_rules);
	cred->agent = link_request_link(request);
	status_line_touch(cred->status);
	(void)link_reply(request, &state);
	free(state.rules);
	answer_early(cred);
}

static void tell_agent(struct cred *cred)
{
	struct link_credential_state state;

	status_line_touch(cred->status);
	if (!cred->agent || make_state(cred, &state) < 0)
		return;
	(void)link_send(cred->agent, &link_credentials_changed, &state);
	free(state.rules);
}

/* The machine has another name, or none any more. */
static void on_kerberos_changed(void *userdata)
{
	tell_agent(userdata);
}

/* The store has been read, for the first time or again. */
static void on_certs_changed(void *userdata)
{
	struct cred *cred = userdata;

	tell_agent(cred);
	answer_early(cred);
}

void cred_read_again(struct cred *cred)
{
	certs_read_again(cred->certs);
}

static void on_agent_down(void *userdata, struct link *link, int error)
{
	struct cred *cred = userdata;

	(void)error;
	if (cred->agent == link)
		cred->agent = NULL;
	status_line_touch(cred->status);
}

/* --- both --------------------------------------------------------------------------------- */

static const struct link_handler cred_handlers[] = {
	{ &link_psk_skeyid, on_psk_skeyid },
	{ &link_authorities, on_authorities },
	{ &link_certificate, on_certificate },
	{ &link_signature, on_signature },
	{ &link_proof, on_proof },
	{ &link_gss_step, on_gss_step },
	{ &link_gss_wrap, on_gss_wrap },
	{ &link_gss_unwrap, on_gss_unwrap },
	{ &link_gss_end, on_gss_end },
};

static const struct link_handler admin_handlers[] = {
	{ &link_set_credentials, on_set_credentials },
};

static int serve(sd_event *event, struct cred *cred, const struct cred_config *config,
		 const char *name, bool is_admin, struct link_server **ret_server)
{
	struct link_config link_config = {
		.handlers = is_admin ? admin_handlers : cred_handlers,
		.n_handlers = is_admin ? N(admin_handlers) : N(cred_handlers),
		.down = is_admin ? on_agent_down : on_ike_down,
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
		link_fail(cred->early[i].request, -ECONNRESET);
	/* what waits for it is answered, while there is somebody to answer */
	(void)kerberos_free(cred->kerberos);
	(void)certs_free(cred->certs);
	(void)link_server_free(cred->server);
	(void)link_server_free(cred->admin);
	(void)limiter_free(cred->limiter);
	(void)status_line_free(cred->status);
	(void)secrets_free(cred->secrets);
	free(cred->kinds);
	free(cred);
	return NULL;
}

DEFINE_CLEANUP(struct cred *, cred_free);

/* First of all: its process has what this one has by then. */
static int start_kerberos(sd_event *event, struct cred *cred, const struct cred_config *config)
{
	const struct kerberos_config kerberos_config = {
		.keytab = config->keytab,
		.user = config->helper_user,
		.timeout_usec = config->kerberos_timeout_usec ? config->kerberos_timeout_usec
							      : KERBEROS_TIMEOUT_USEC,
		.changed = on_kerberos_changed,
		.userdata = cred,
	};

	return kerberos_new(event, &kerberos_config, &cred->kerberos);
}

static int start_certs(sd_event *event, struct cred *cred, const struct cred_config *config)
{
	const struct certs_config certs_config = {
		.dir = config->certs_dir,
		.opener_user = config->helper_user,
		.fetch_user = config->fetch_user,
		.uid = config->helper_user ? config->helper_user->uid : geteuid(),
		.gid = config->helper_user ? config->helper_user->gid : getegid(),
		.guard = config->fetch_guard,
		.changed = on_certs_changed,
		.userdata = cred,
	};

	return certs_new(event, &certs_config, &cred->certs);
}

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
	r = start_kerberos(event, cred, config);
	if (r == 0)
		r = start_certs(event, cred, config);
	if (r < 0)
		return r;
	if (getrandom(key, sizeof(key), 0) != sizeof(key))
		return -EIO;
	cred->secrets = secrets_new();
	cred->limiter = limiter_new(&limits, key);
	if (!cred->secrets || !cred->limiter)
		return -ENOMEM;
	r = serve(event, cred, config, LINK_SOCKET_CRED, false, &cred->server);
	if (r == 0)
		r = serve(event, cred, config, LINK_SOCKET_CRED_ADMIN, true, &cred->admin);
	if (r == 0)
		r = status_line_new(event, write_status, cred, &cred->status);
	if (r < 0)
		return r;
	status_line_touch(cred->status);
	*ret_cred = TAKE_PTR(cred);
	return 0;
}
