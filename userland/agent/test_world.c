// SPDX-License-Identifier: MIT
#include "agent/test_world.h"

#include <errno.h>
#include <sys/socket.h>

/* --- names -------------------------------------------------------------------------------- */

pthread_mutex_t world_gate = PTHREAD_MUTEX_INITIALIZER;

/* In the resolver's thread; those that are slow wait until the test opens the gate. */
static int lookup(const char *name, struct ip_addr *ret_addrs, size_t *ret_n,
		  char why[static RESOLVER_WHY_LEN])
{
	if (!strncmp(name, "slow", 4)) {
		pthread_mutex_lock(&world_gate);
		pthread_mutex_unlock(&world_gate);
	}
	if (strcmp(name, "host.example") && strcmp(name, "slow-host.example") &&
	    !strstr(name, ".many.example")) {
		snprintf(why, RESOLVER_WHY_LEN, "no such name");
		return -ENOENT;
	}
	ret_addrs[0] = ip_addr_v4(0x0a000007);
	*ret_n = 1;
	return 0;
}

/* --- ipsec-ike ---------------------------------------------------------------------------- */

static void on_acquire(void *userdata, struct link_request *request, const void *args)
{
	struct world *w = userdata;

	w->n_acquires++;
	w->acquire = *(const struct ike_acquire *)args;
	assert_int_equal(link_reply(request, NULL), 0);
}

static void on_adopt(void *userdata, struct link_request *request, const void *args)
{
	struct world *w = userdata;

	(void)args;
	w->n_adopts++;
	assert_int_equal(link_reply(request, NULL), 0);
}

static void on_plain(void *userdata, struct link_request *request, const void *args)
{
	(void)userdata;
	(void)args;
	assert_int_equal(link_reply(request, NULL), 0);
}

static void on_flush(void *userdata, struct link_request *request, const void *args)
{
	((struct world *)userdata)->n_flushes++;
	on_plain(userdata, request, args);
}

static void on_set_config(void *userdata, struct link_request *request, const void *args)
{
	struct world *w = userdata;

	w->ike_config = *(const struct link_ike_config *)args;
	assert_int_equal(link_reply(request, NULL), 0);
}

static void list_certified(struct world *w, struct link_request *request,
			   const struct link_page *page)
{
	struct ike_mm_info *items = calloc(w->n_certified, sizeof(*items));
	struct link_mm_list list = { .items = items };
	char (*names)[16] = calloc(w->n_certified, sizeof(*names));

	assert_true(items && names);
	for (size_t i = page->skip; i < w->n_certified && list.n_items < page->limit; i++) {
		(void)snprintf(names[i], sizeof(names[i]), "CN=%u", (unsigned int)i);
		items[list.n_items++] = (struct ike_mm_info){
			.mm_id = i + 1,
			.path = { test_addr("10.0.0.1"), test_addr("10.0.0.2"), 500, 500, 0 },
			.state = IKE_MM_STATE_ESTABLISHED,
			.auth = IKE_AUTH_RSA_SIG,
			.local_name = "CN=we",
			.remote_name = names[i],
			.authority = "CN=root",
		};
	}
	assert_int_equal(link_reply(request, &list), 0);
	free(items);
	free(names);
}

static void on_list_mm(void *userdata, struct link_request *request, const void *args)
{
	struct ike_mm_info mm = {
		.mm_id = 3,
		.icookie = htobe64(0x0102030405060708),
		.path = { test_addr("10.0.0.1"), test_addr("10.0.0.2"), 500, 500, 0 },
		.state = IKE_MM_STATE_ESTABLISHED,
		.has_proposal = true,
		.proposal = { IKE_CIPHER_3DES, 0, IKE_HASH_SHA1, 2 },
		.auth = IKE_AUTH_PSK,
	};
	struct link_mm_list list = { &mm, 1 };
	struct world *w = userdata;

	if (w->n_certified)
		list_certified(w, request, args);
	else
		assert_int_equal(link_reply(request, &list), 0);
}

static void on_list_qm(void *userdata, struct link_request *request, const void *args)
{
	struct world *w = userdata;
	struct link_qm_list list = { &w->known_qm, w->has_known_qm };

	(void)args;
	assert_int_equal(link_reply(request, &list), 0);
}

static void on_statistics(void *userdata, struct link_request *request, const void *args)
{
	struct ike_stats stats = { .main_modes = 11, .retransmissions = 12 };

	(void)userdata;
	(void)args;
	assert_int_equal(link_reply(request, &stats), 0);
}

static const struct link_handler ike_handlers[] = {
	{ &link_acquire, on_acquire },
	{ &link_cancel_acquire, on_plain },
	{ &link_expire, on_plain },
	{ &link_delete_peer, on_plain },
	{ &link_delete_mm, on_plain },
	{ &link_delete_filter, on_plain },
	{ &link_flush, on_flush },
	{ &link_list_mm, on_list_mm },
	{ &link_list_qm, on_list_qm },
	{ &link_statistics, on_statistics },
	{ &link_adopt_sa, on_adopt },
	{ &link_set_config, on_set_config },
};

static void on_hello_reply(void *userdata, int error, const void *reply)
{
	struct world *w = userdata;

	assert_int_equal(error, 0);
	w->ike_config = *(const struct link_ike_config *)reply;
	w->ike_has_config = true;
}

static void on_ike_up(void *userdata, struct link *link)
{
	struct link_hello hello = { .version = LINK_VERSION, .instance = 1 };

	assert_int_equal(link_call(link, &link_hello, &hello, 0, on_hello_reply, userdata, NULL),
			 0);
}

char *world_path_in(const struct world *w, const char *name)
{
	static char path[128];

	snprintf(path, sizeof(path), "%s/%s", w->dir, name);
	return path;
}

void world_start_ike(struct world *w)
{
	struct link_config config = {
		.handlers = ike_handlers,
		.n_handlers = sizeof(ike_handlers) / sizeof(ike_handlers[0]),
		.up = on_ike_up,
		.userdata = w,
	};
	uid_t me = geteuid();

	w->ike_has_config = false;
	assert_int_equal(link_client_new(w->event, world_path_in(w, LINK_SOCKET_IKE), &me, 1,
					 &config, &w->ike),
			 0);
	RUN_UNTIL(w, ike_is_up(w->agent->ike));
}

void world_stop_ike(struct world *w)
{
	w->ike = link_client_free(w->ike);
	RUN_UNTIL(w, !ike_is_up(w->agent->ike));
}

static void on_spi(void *userdata, int error, const void *reply)
{
	struct world *w = userdata;

	assert_int_equal(error, 0);
	w->spi = ((const struct link_spi *)reply)->spi;
}

static void on_added(void *userdata, int error, const void *reply)
{
	struct world *w = userdata;

	(void)reply;
	w->add_result = error;
	w->has_added = true;
}

/* IKE negotiates what it was asked for, with the peer's help that it does not need here. */
int world_negotiate_pair(struct world *w, uint64_t life_bytes)
{
	struct ike_spi_request request = {
		.path = w->acquire.path, .protocol = IKE_PROTOCOL_ESP,
		.acquire_id = w->acquire.id,
	};
	struct ike_sa_install install = {
		.qm_id = 1,
		.directions = IKE_DIRECTION_IN | IKE_DIRECTION_OUT,
		.is_initiator = true,
		.path = w->acquire.path,
		.selector = w->acquire.selector,
		.n_suites = 1,
		.life_seconds = w->acquire.qm.offers[0].life_seconds,
		.life_bytes = life_bytes,
		.filter_id = w->acquire.qm.filter_id,
		.acquire_id = w->acquire.id,
	};
	struct ike_sa_suite *suite = &install.suites[0];

	w->spi = 0;
	assert_int_equal(link_call(link_client_link(w->ike), &link_get_spi, &request, 0, on_spi, w,
				   NULL), 0);
	RUN_UNTIL(w, w->spi);
	suite->suite = w->acquire.qm.offers[0].suites[0];
	suite->spi_in = w->spi;
	suite->spi_out = 0x4444;
	suite->in.cipher_key_len = suite->out.cipher_key_len =
		ike_cipher_key_len(suite->suite.cipher, suite->suite.key_bits);
	suite->in.hash_key_len = suite->out.hash_key_len = ike_hash_len(suite->suite.hash);
	w->has_added = false;
	assert_int_equal(link_call(link_client_link(w->ike), &link_add_sa, &install, 0, on_added, w,
				   NULL), 0);
	RUN_UNTIL(w, w->has_added);
	return w->add_result;
}

/* --- ipsec-cred --------------------------------------------------------------------------- */

static void answer_cred(struct link_request *request, size_t n_rules)
{
	struct link_rule_state states[64];
	struct link_credential_state state = { states, n_rules, (char *)"" };

	assert_true(n_rules <= sizeof(states) / sizeof(states[0]));
	for (size_t i = 0; i < n_rules; i++)
		states[i] = (struct link_rule_state){ .usable = 1 << IKE_AUTH_PSK };
	assert_int_equal(link_reply(request, &state), 0);
}

void world_answer_cred(struct world *w)
{
	answer_cred(w->cred_request, w->n_cred_rules);
	w->cred_request = NULL;
}

static void on_credentials(void *userdata, struct link_request *request, const void *args)
{
	const struct link_credentials *list = args;
	struct world *w = userdata;
	size_t len = 0;

	w->secrets[0] = '\0';
	w->n_cred_shared = 0;
	for (size_t i = 0; i < list->n_rules; i++) {
		const struct link_credential_rule *rule = &list->rules[i];
		const struct link_credential *method =
			&list->rules[link_credentials_source(list, i)].methods[0];
		char remote[IP_ADDR_STRLEN];

		w->n_cred_shared += rule->same_as != 0;
		len += (size_t)snprintf(w->secrets + len, sizeof(w->secrets) - len, "%s/%u=%.*s ",
					ip_addr_format(&rule->remote, remote), rule->remote_prefix,
					(int)method->value_len, (const char *)method->value);
	}
	w->n_secrets++;
	w->n_cred_rules = list->n_rules;
	w->crl_check = list->crl_check;
	(void)snprintf(w->gss, sizeof(w->gss), "%s of %s", list->gss_name, list->gss_realms);
	w->cred_request = request;
	if (!w->cred_is_slow)
		world_answer_cred(w);
}

static const struct link_handler cred_handlers[] = { { &link_set_credentials, on_credentials } };

static void on_cred_up(void *userdata, struct link *link)
{
	((struct world *)userdata)->cred_link = link;
}

void world_start_cred(struct world *w)
{
	struct link_listener_config listen = {
		.path = world_path_in(w, LINK_SOCKET_CRED_ADMIN),
		.mode = 0600,
		.owner = (uid_t)-1,
		.group = (gid_t)-1,
		.uids = { geteuid() },
		.n_uids = 1,
	};
	struct link_config config = {
		.handlers = cred_handlers, .n_handlers = 1, .up = on_cred_up, .userdata = w,
	};
	unsigned int before = w->n_secrets;

	assert_int_equal(link_server_new(w->event, &listen, &config, &w->cred), 0);
	RUN_UNTIL(w, w->n_secrets > before);
}

/* --- the administrator -------------------------------------------------------------------- */

static int on_reply(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
	struct world *w = userdata;

	(void)error;
	sd_bus_message_unref(w->reply);
	w->reply = sd_bus_message_ref(m);
	return 1;
}

sd_bus_message *world_call_new(struct world *w, const char *method)
{
	sd_bus_message *m;

	assert_true(sd_bus_message_new_method_call(w->bus, &m, NULL, POLICY_BUS_PATH,
						   POLICY_BUS_INTERFACE, method) >= 0);
	return m;
}

/* Sends without waiting. */
void world_send_call(struct world *w, sd_bus_message *m)
{
	w->reply = sd_bus_message_unref(w->reply);
	assert_true(sd_bus_call_async(w->bus, NULL, m, on_reply, w, 0) >= 0);
	sd_bus_message_unref(m);
}

void world_make_call(struct world *w, sd_bus_message *m)
{
	world_send_call(w, m);
	RUN_UNTIL(w, w->reply);
}

/* The error's name after "org.ipsec_policy.Error.", or "" for success. */
const char *world_error_name(const struct world *w)
{
	const sd_bus_error *error = sd_bus_message_get_error(w->reply);

	if (!error)
		return "";
	return strncmp(error->name, POLICY_BUS_ERROR, strlen(POLICY_BUS_ERROR)) ? error->name :
	       error->name + strlen(POLICY_BUS_ERROR);
}

const char *world_error_text(const struct world *w)
{
	const sd_bus_error *error = sd_bus_message_get_error(w->reply);

	return error ? error->message : "";
}

const char *world_change_mm(struct world *w, const char *method, const char *tags)
{
	_cleanup_(policy_mm_policy_freep) struct policy_mm_policy *policy = NULL;
	sd_bus_message *m = world_call_new(w, method);
	uint32_t given;

	policy = test_mm(tags, &given);
	assert_true(policy_bus_append_mm_policy_fields(m, policy, given) >= 0);
	world_make_call(w, m);
	return world_error_name(w);
}

const char *world_change_qm(struct world *w, const char *method, const char *tags)
{
	_cleanup_(policy_qm_policy_freep) struct policy_qm_policy *policy = NULL;
	sd_bus_message *m = world_call_new(w, method);
	uint32_t given;

	policy = test_qm(tags, &given);
	assert_true(policy_bus_append_qm_policy_fields(m, policy, given) >= 0);
	world_make_call(w, m);
	return world_error_name(w);
}

sd_bus_message *world_rule_call(struct world *w, const char *method, const char *tags)
{
	_cleanup_(policy_rule_freep) struct policy_rule *rule = NULL;
	sd_bus_message *m = world_call_new(w, method);
	uint32_t given;

	rule = test_rule(tags, &given);
	assert_true(policy_bus_append_rule_fields(m, rule, given, POLICY_BUS_SECRETS) >= 0);
	return m;
}

const char *world_change_rule(struct world *w, const char *method, const char *tags)
{
	world_make_call(w, world_rule_call(w, method, tags));
	return world_error_name(w);
}

const char *world_call_string(struct world *w, const char *method, const char *text)
{
	sd_bus_message *m = world_call_new(w, method);

	assert_true(sd_bus_message_append(m, "s", text) >= 0);
	world_make_call(w, m);
	return world_error_name(w);
}

const char *world_call_plain(struct world *w, const char *method)
{
	world_make_call(w, world_call_new(w, method));
	return world_error_name(w);
}

void world_connect_admin(struct world *w)
{
	char address[128];

	snprintf(address, sizeof(address), "unix:path=%s/control", w->dir);
	assert_true(sd_bus_new(&w->bus) >= 0);
	assert_true(sd_bus_set_address(w->bus, address) >= 0);
	assert_true(sd_bus_start(w->bus) >= 0);
	assert_true(sd_bus_attach_event(w->bus, w->event, 0) >= 0);
}

/* --- set up ------------------------------------------------------------------------------- */

static void write_settings(const char *path)
{
	FILE *file = fopen(path, "we");

	assert_non_null(file);
	fputs("KerberosName = host$@A.TEST\nKerberosRealms = A.TEST, B.TEST\n", file);
	assert_int_equal(fclose(file), 0);
}

int world_start_agent(struct world *w, struct kernel *kernel, char why[static AGENT_WHY_LEN])
{
	struct ip_addr mine[] = { test_addr("10.0.0.1"), test_addr("10.1.0.1"),
				  test_addr("2001:db8::1") };
	struct agent_config config = {
		.run_dir = w->dir,
		.state_dir = w->dir,
		.kernel = kernel,
		.lookup = lookup,
		.servers_root = "/nonexistent",
		.boot_socket = w->boot_socket,
	};
	char settings[sizeof(w->dir) + 16];
	int r;

	assert_int_equal(addresses_new_fixed(mine, 3, &config.addresses), 0);
	w->kernel = kernel;
	(void)snprintf(settings, sizeof(settings), "%s/agent.conf", w->dir);
	write_settings(settings);
	config.settings_path = settings;
	r = agent_new(w->event, &config, &w->agent, why);
	(void)unlink(settings);
	return r;
}

int world_set_up(void **state)
{
	struct world *w = calloc(1, sizeof(*w));
	char why[AGENT_WHY_LEN];

	strcpy(w->dir, "/tmp/test_agent.XXXXXX");
	assert_non_null(mkdtemp(w->dir));
	assert_true(sd_event_new(&w->event) >= 0);
	if (world_start_agent(w, kernel_fake_new(), why))
		fail_msg("%s", why);
	world_connect_admin(w);
	*state = w;
	return 0;
}

int world_tear_down(void **state)
{
	struct world *w = *state;
	char command[128];

	sd_bus_message_unref(w->reply);
	sd_bus_close_unref(w->bus);
	link_client_free(w->ike);
	agent_free(w->agent);
	if (w->cred_request)
		link_fail(w->cred_request, -EIO);
	link_server_free(w->cred);
	sd_event_unref(w->event);
	snprintf(command, sizeof(command), "rm -r %s", w->dir);
	assert_int_equal(system(command), 0);
	free(w);
	return 0;
}

size_t world_count_filters(const struct world *w)
{
	size_t n;

	(void)kernel_fake_filters(w->kernel, &n);
	return n;
}

void world_add_peer_rule(struct world *w)
{
	assert_string_equal(world_change_mm(w, "AddMmPolicy", "name=m"), "");
	assert_string_equal(world_change_qm(w, "AddQmPolicy", "name=q"), "");
	assert_string_equal(world_change_rule(w, "AddRule", PEER_RULE), "");
}

/* The agent is killed: the driver is left alone, and what comes back knows all. */
struct kernel *world_crash(struct world *w)
{
	struct kernel *kernel = w->kernel;
	struct agent *agent = w->agent;

	w->bus = sd_bus_close_unref(w->bus);
	agent->kernel = kernel_fake_new();	/* not to be freed with it */
	w->agent = agent_free(agent);
	return kernel;
}

struct kernel_flow world_ping(void)
{
	return (struct kernel_flow){
		.direction = IPSECDRV_DIRECTION_OUT,
		.source = test_addr("10.0.0.1"),
		.destination = test_addr("10.0.0.2"),
		.protocol = 1,
		.source_port = 8,
	};
}
