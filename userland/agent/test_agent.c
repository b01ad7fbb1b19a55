// SPDX-License-Identifier: MIT
/*
 * The whole agent in one loop with the programs around it: the driver is in memory, ipsec-ike and
 * ipsec-cred are played by the test over their real sockets, the administrator calls over the
 * control socket.
 */
#include "agent/test_util.h"

#include <errno.h>
#include <pthread.h>
#include <sys/stat.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "agent/agent.h"
#include "agent/state.h"
#include "nl/kernel_fake.h"
#include "policy/bus.h"

#define DEADLINE_USEC (20 * UINT64_C(1000000))

struct world {
	sd_event *event;
	char dir[64];
	struct kernel *kernel;		/* the agent's; for looking */
	struct agent *agent;
	sd_bus *bus;			/* the administrator's */
	/* the last answer */
	sd_bus_message *reply;
	/* ipsec-ike */
	struct link_client *ike;
	bool ike_has_config;
	struct link_ike_config ike_config;
	unsigned int n_acquires, n_adopts, n_flushes;
	struct ike_acquire acquire;
	struct ike_qm_info known_qm;
	bool has_known_qm;
	uint32_t spi;
	int add_result;
	bool has_added;
	/* ipsec-cred */
	struct link_server *cred;
	unsigned int n_secrets;		/* times that they came */
	char secrets[256];		/* "10.0.0.2/32=key " */
	bool cred_is_slow;
	struct link_request *cred_request;
};

#define RUN_UNTIL(w, condition)                                                   \
	do {                                                                      \
		while (!(condition))                                              \
			if (sd_event_run((w)->event, DEADLINE_USEC) <= 0)         \
				fail_msg("still not: %s", #condition);            \
	} while (0)

/* --- names -------------------------------------------------------------------------------- */

static pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER;

/* In the resolver's thread; "slow.example" waits until the test opens the gate. */
static int lookup(const char *name, struct ip_addr *ret_addrs, size_t *ret_n,
		  char why[static RESOLVER_WHY_LEN])
{
	if (!strcmp(name, "slow.example")) {
		pthread_mutex_lock(&gate);
		pthread_mutex_unlock(&gate);
	}
	if (strcmp(name, "host.example")) {
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

	(void)userdata;
	(void)args;
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

	assert_int_equal(link_call(link, &link_hello, &hello, 0, on_hello_reply, userdata, NULL), 0);
}

static char *path_in(const struct world *w, const char *name)
{
	static char path[128];

	snprintf(path, sizeof(path), "%s/%s", w->dir, name);
	return path;
}

static void start_ike(struct world *w)
{
	struct link_config config = {
		.handlers = ike_handlers,
		.n_handlers = sizeof(ike_handlers) / sizeof(ike_handlers[0]),
		.up = on_ike_up,
		.userdata = w,
	};
	uid_t me = geteuid();

	w->ike_has_config = false;
	assert_int_equal(link_client_new(w->event, path_in(w, LINK_SOCKET_IKE), &me, 1, &config,
					 &w->ike), 0);
	RUN_UNTIL(w, ike_is_up(w->agent->ike));
}

static void stop_ike(struct world *w)
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
static int negotiate_pair(struct world *w, uint64_t life_bytes)
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

static void on_secrets(void *userdata, struct link_request *request, const void *args)
{
	const struct link_secrets *secrets = args;
	struct world *w = userdata;
	size_t len = 0;

	w->secrets[0] = '\0';
	for (size_t i = 0; i < secrets->n_items; i++) {
		const struct link_secret *s = &secrets->items[i];
		char remote[IP_ADDR_STRLEN];

		len += (size_t)snprintf(w->secrets + len, sizeof(w->secrets) - len, "%s/%u=%.*s ",
					ip_addr_format(&s->remote, remote), s->remote_prefix,
					(int)s->secret_len, (const char *)s->secret);
	}
	w->n_secrets++;
	if (w->cred_is_slow)
		w->cred_request = request;
	else
		assert_int_equal(link_reply(request, NULL), 0);
}

static const struct link_handler cred_handlers[] = { { &link_set_secrets, on_secrets } };

static void start_cred(struct world *w)
{
	struct link_listener_config listen = {
		.path = path_in(w, LINK_SOCKET_CRED_ADMIN),
		.mode = 0600,
		.owner = (uid_t)-1,
		.group = (gid_t)-1,
		.uids = { geteuid() },
		.n_uids = 1,
	};
	struct link_config config = {
		.handlers = cred_handlers, .n_handlers = 1, .userdata = w,
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

static sd_bus_message *call_new(struct world *w, const char *method)
{
	sd_bus_message *m;

	assert_true(sd_bus_message_new_method_call(w->bus, &m, NULL, POLICY_BUS_PATH,
						   POLICY_BUS_INTERFACE, method) >= 0);
	return m;
}

/* Sends without waiting. */
static void send_call(struct world *w, sd_bus_message *m)
{
	w->reply = sd_bus_message_unref(w->reply);
	assert_true(sd_bus_call_async(w->bus, NULL, m, on_reply, w, 0) >= 0);
	sd_bus_message_unref(m);
}

static void make_call(struct world *w, sd_bus_message *m)
{
	send_call(w, m);
	RUN_UNTIL(w, w->reply);
}

/* The error's name after "org.ipsec_policy.Error.", or "" for success. */
static const char *error_name(const struct world *w)
{
	const sd_bus_error *error = sd_bus_message_get_error(w->reply);

	if (!error)
		return "";
	return strncmp(error->name, POLICY_BUS_ERROR, strlen(POLICY_BUS_ERROR)) ? error->name :
	       error->name + strlen(POLICY_BUS_ERROR);
}

static const char *error_text(const struct world *w)
{
	const sd_bus_error *error = sd_bus_message_get_error(w->reply);

	return error ? error->message : "";
}

static const char *change_mm(struct world *w, const char *method, const char *tags)
{
	_cleanup_(policy_mm_policy_freep) struct policy_mm_policy *policy = NULL;
	sd_bus_message *m = call_new(w, method);
	uint32_t given;

	policy = test_mm(tags, &given);
	assert_true(policy_bus_append_mm_policy_fields(m, policy, given) >= 0);
	make_call(w, m);
	return error_name(w);
}

static const char *change_qm(struct world *w, const char *method, const char *tags)
{
	_cleanup_(policy_qm_policy_freep) struct policy_qm_policy *policy = NULL;
	sd_bus_message *m = call_new(w, method);
	uint32_t given;

	policy = test_qm(tags, &given);
	assert_true(policy_bus_append_qm_policy_fields(m, policy, given) >= 0);
	make_call(w, m);
	return error_name(w);
}

static sd_bus_message *rule_call(struct world *w, const char *method, const char *tags)
{
	_cleanup_(policy_rule_freep) struct policy_rule *rule = NULL;
	sd_bus_message *m = call_new(w, method);
	uint32_t given;

	rule = test_rule(tags, &given);
	assert_true(policy_bus_append_rule_fields(m, rule, given, POLICY_BUS_SECRETS) >= 0);
	return m;
}

static const char *change_rule(struct world *w, const char *method, const char *tags)
{
	make_call(w, rule_call(w, method, tags));
	return error_name(w);
}

static const char *call_string(struct world *w, const char *method, const char *text)
{
	sd_bus_message *m = call_new(w, method);

	assert_true(sd_bus_message_append(m, "s", text) >= 0);
	make_call(w, m);
	return error_name(w);
}

static const char *call_plain(struct world *w, const char *method)
{
	make_call(w, call_new(w, method));
	return error_name(w);
}

static void connect_admin(struct world *w)
{
	char address[128];

	snprintf(address, sizeof(address), "unix:path=%s/control", w->dir);
	assert_true(sd_bus_new(&w->bus) >= 0);
	assert_true(sd_bus_set_address(w->bus, address) >= 0);
	assert_true(sd_bus_start(w->bus) >= 0);
	assert_true(sd_bus_attach_event(w->bus, w->event, 0) >= 0);
}

/* --- set up ------------------------------------------------------------------------------- */

static int start_agent(struct world *w, struct kernel *kernel, char why[static AGENT_WHY_LEN])
{
	struct ip_addr mine[] = { test_addr("10.0.0.1"), test_addr("10.1.0.1"),
				  test_addr("2001:db8::1") };
	struct agent_config config = {
		.run_dir = w->dir,
		.state_dir = w->dir,
		.kernel = kernel,
		.lookup = lookup,
		.servers_root = "/nonexistent",
	};

	assert_int_equal(addresses_new_fixed(mine, 3, &config.addresses), 0);
	w->kernel = kernel;
	return agent_new(w->event, &config, &w->agent, why);
}

static int set_up(void **state)
{
	struct world *w = calloc(1, sizeof(*w));
	char why[AGENT_WHY_LEN];

	strcpy(w->dir, "/tmp/test_agent.XXXXXX");
	assert_non_null(mkdtemp(w->dir));
	assert_true(sd_event_new(&w->event) >= 0);
	if (start_agent(w, kernel_fake_new(), why))
		fail_msg("%s", why);
	connect_admin(w);
	*state = w;
	return 0;
}

static int tear_down(void **state)
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

static size_t count_filters(const struct world *w)
{
	size_t n;

	(void)kernel_fake_filters(w->kernel, &n);
	return n;
}

#define PEER_RULE "srcaddr=me dstaddr=10.0.0.2 mmpolicy=m qmpolicy=q psk=open~sesame"

static void add_peer_rule(struct world *w)
{
	assert_string_equal(change_mm(w, "AddMmPolicy", "name=m"), "");
	assert_string_equal(change_qm(w, "AddQmPolicy", "name=q"), "");
	assert_string_equal(change_rule(w, "AddRule", PEER_RULE), "");
}

/* --- changes ------------------------------------------------------------------------------ */

static void test_start_and_stop(void **state)
{
	struct world *w = *state;
	struct stat st;

	assert_int_equal(kernel_fake_mode(w->kernel), IPSECDRV_MODE_SECURE);
	assert_int_equal(count_filters(w), 0);
	assert_int_equal(stat(path_in(w, "control"), &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	add_peer_rule(w);
	assert_int_equal(count_filters(w), 1);
	assert_int_equal(stat(path_in(w, STATE_FILE), &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	start_ike(w);
	agent_stop(w->agent);
	assert_int_equal(kernel_fake_mode(w->kernel), IPSECDRV_MODE_PERMIT);
	assert_int_equal(count_filters(w), 0);
	assert_int_equal(stat(path_in(w, STATE_FILE), &st), -1);
	RUN_UNTIL(w, w->n_flushes);
}

/* When a call has been answered the driver has what it asked for. */
static void test_rules(void **state)
{
	struct world *w = *state;
	const struct kernel_filter *filters;
	size_t n;

	add_peer_rule(w);
	filters = kernel_fake_filters(w->kernel, &n);
	assert_int_equal(n, 1);
	assert_int_equal(filters[0].outbound, IPSECDRV_ACTION_NEGOTIATE);
	assert_string_equal(change_rule(w, "AddRule", "srcaddr=any dstaddr=me protocol=tcp dstport=23 "
					"actioninbound=block actionoutbound=block"), "");
	assert_int_equal(count_filters(w), 3);	/* both families */
	assert_string_equal(change_rule(w, "SetRule", "srcaddr=any dstaddr=me protocol=tcp dstport=23 "
					"actioninbound=permit"), "");
	filters = kernel_fake_filters(w->kernel, &n);
	for (size_t i = 0; i < n; i++)
		if (filters[i].protocol == 6)
			assert_int_equal(filters[i].inbound, IPSECDRV_ACTION_PERMIT);
	assert_string_equal(change_rule(w, "DeleteRule", "srcaddr=me dstaddr=10.0.0.2"), "");
	assert_int_equal(count_filters(w), 2);
	{
		sd_bus_message *m = call_new(w, "DeleteRule");

		assert_true(sd_bus_message_append(m, "a{sv}", 0) >= 0);
		make_call(w, m);
		assert_string_equal(error_name(w), "");
	}
	assert_int_equal(count_filters(w), 0);
	assert_string_equal(call_plain(w, "DeleteAll"), "");
	assert_int_equal(w->agent->dynamic->n_mms, 0);
}

static void test_errors(void **state)
{
	struct world *w = *state;

	add_peer_rule(w);
	assert_string_equal(change_mm(w, "AddMmPolicy", "name=m"), "N13003");
	assert_string_equal(change_mm(w, "SetMmPolicy", "name=x mmlifetime=5"), "N13004");
	assert_string_equal(call_string(w, "DeleteMmPolicy", "x"), "N13004");
	assert_string_equal(call_string(w, "DeleteMmPolicy", "m"), "N13005");
	assert_string_equal(change_qm(w, "AddQmPolicy", "name=q"), "N13000");
	assert_string_equal(change_qm(w, "SetQmPolicy", "name=x soft=yes"), "N13001");
	assert_string_equal(call_string(w, "DeleteQmPolicy", "q"), "N13002");
	assert_string_equal(change_rule(w, "AddRule", PEER_RULE), "N13008");
	/* not the same rule, but the same traffic */
	assert_string_equal(change_rule(w, "AddRule", "srcaddr=10.0.0.2 dstaddr=me mmpolicy=m "
					"qmpolicy=q psk=k"), "N13008");
	assert_string_equal(change_rule(w, "DeleteRule", "srcaddr=me dstaddr=10.0.0.3"), "N13009");
	assert_string_equal(change_rule(w, "AddRule", "srcaddr=me dstaddr=10.0.0.3 mmpolicy=m "
					"qmpolicy=q kerberos=yes"), "Invalid");
	assert_non_null(strstr(error_text(w), "psk="));
	assert_string_equal(call_string(w, "ListQmFilters", "other"), "Invalid");
	assert_int_equal(count_filters(w), 1);
	assert_int_equal(w->agent->dynamic->n_rules, 1);
}

/* The driver says no: its sentence arrives, and everywhere all is as before. */
static void test_rollback(void **state)
{
	struct world *w = *state;
	uint8_t *before, *after;
	size_t n_before, n_after;

	add_peer_rule(w);
	assert_int_equal(state_read(path_in(w, STATE_FILE), &before, &n_before), 0);
	kernel_fake_fail(w->kernel, KERNEL_FAKE_FILTERS_ADD, 1, -ENOSPC, "Too many distinct masks.");
	assert_string_equal(change_rule(w, "AddRule", "srcaddr=me dstaddr=10.0.0.9 mmpolicy=m "
					"qmpolicy=q psk=k"), "Failed");
	assert_non_null(strstr(error_text(w), "Too many distinct masks."));
	assert_int_equal(w->agent->dynamic->n_rules, 1);
	assert_int_equal(w->agent->layers->n_filters, 1);
	assert_int_equal(count_filters(w), 1);
	kernel_fake_fail(w->kernel, KERNEL_FAKE_FILTERS_REPLACE, 1, -ENOMEM, "No memory.");
	assert_string_equal(change_rule(w, "SetRule", "srcaddr=me dstaddr=10.0.0.2 psk=other"), "Failed");
	assert_string_equal(w->agent->dynamic->rules[0]->rule->methods[0].secret, "open sesame");
	assert_int_equal(state_read(path_in(w, STATE_FILE), &after, &n_after), 0);
	assert_int_equal(n_before, n_after);
	assert_memory_equal(before, after, n_before);
	assert_int_equal(access(path_in(w, STATE_FILE ".new"), F_OK), -1);
	free(before);
	free(after);
	/* and the same again goes through */
	assert_string_equal(change_rule(w, "AddRule", "srcaddr=me dstaddr=10.0.0.9 mmpolicy=m "
					"qmpolicy=q psk=k"), "");
	assert_int_equal(count_filters(w), 2);
}

static void test_names(void **state)
{
	struct world *w = *state;
	const struct kernel_filter *filters;
	char text[KERNEL_FILTER_STRLEN];
	size_t n;

	assert_string_equal(change_rule(w, "AddRule", "srcaddr=me dstaddr=host.example "
					"actioninbound=block actionoutbound=block"), "");
	filters = kernel_fake_filters(w->kernel, &n);
	assert_int_equal(n, 1);
	assert_string_equal(kernel_filter_format(&filters[0], text), "me <-> 10.0.0.7 IPv4");
	assert_string_equal(change_rule(w, "AddRule", "srcaddr=me dstaddr=none.example "
					"actioninbound=block actionoutbound=block"), "Invalid");
	assert_non_null(strstr(error_text(w), "none.example"));
	assert_int_equal(w->agent->dynamic->n_rules, 1);
	/* the loop goes on meanwhile: a call that waits does not hold up another */
	pthread_mutex_lock(&gate);
	send_call(w, rule_call(w, "AddRule", "srcaddr=me dstaddr=slow.example actioninbound=block "
			       "actionoutbound=block"));
	assert_string_equal(call_plain(w, "ListRules"), "");
	w->reply = sd_bus_message_unref(w->reply);
	pthread_mutex_unlock(&gate);
	RUN_UNTIL(w, w->reply);
	assert_string_equal(error_name(w), "Invalid");
}

/* --- restart ------------------------------------------------------------------------------ */

/* The agent is killed: the driver is left alone, and what comes back knows all. */
static struct kernel *crash(struct world *w)
{
	struct kernel *kernel = w->kernel;
	struct agent *agent = w->agent;

	w->bus = sd_bus_close_unref(w->bus);
	agent->kernel = kernel_fake_new();	/* not to be freed with it */
	w->agent = agent_free(agent);
	return kernel;
}

static struct kernel_flow ping(void)
{
	return (struct kernel_flow){
		.direction = IPSECDRV_DIRECTION_OUT,
		.source = test_addr("10.0.0.1"),
		.destination = test_addr("10.0.0.2"),
		.protocol = 1,
		.source_port = 8,
	};
}

static void test_restart(void **state)
{
	struct world *w = *state;
	struct kernel_flow flow = ping();
	char why[AGENT_WHY_LEN];
	struct kernel *kernel;
	uint32_t id;
	size_t n;

	add_peer_rule(w);
	assert_string_equal(change_rule(w, "AddRule", "srcaddr=me dstaddr=host.example "
					"actioninbound=block actionoutbound=block"), "");
	start_cred(w);
	start_ike(w);
	assert_int_not_equal(kernel_fake_packet(w->kernel, &flow), 0);
	RUN_UNTIL(w, w->n_acquires == 1);
	assert_int_equal(negotiate_pair(w, 100000 * 1024ULL), 0);
	id = kernel_fake_filters(w->kernel, &n)[0].id;

	w->ike = link_client_free(w->ike);
	kernel = crash(w);
	assert_int_equal(kernel_fake_mode(kernel), IPSECDRV_MODE_SECURE);
	if (start_agent(w, kernel, why))
		fail_msg("%s", why);
	connect_admin(w);
	assert_int_equal(w->agent->dynamic->n_rules, 2);
	assert_int_equal(w->agent->dynamic->n_mms, 1);
	assert_string_equal(w->agent->dynamic->rules[0]->rule->methods[0].secret, "open sesame");
	assert_int_equal(count_filters(w), 2);
	assert_int_equal(kernel_fake_filters(w->kernel, &n)[0].id, id);
	(void)kernel_fake_sas(w->kernel, &n);
	assert_int_equal(n, 2);		/* the associations live on */
	RUN_UNTIL(w, w->n_secrets >= 2);
	assert_string_equal(w->secrets, "10.0.0.2/32=open sesame ");
	/* a new ipsec-ike takes them over */
	start_ike(w);
	RUN_UNTIL(w, w->n_adopts == 1);
}

static void test_damaged_state(void **state)
{
	struct world *w = *state;
	char why[AGENT_WHY_LEN], path[128];
	struct kernel *kernel;
	FILE *file;

	add_peer_rule(w);
	kernel = crash(w);
	snprintf(path, sizeof(path), "%s", path_in(w, STATE_FILE));
	file = fopen(path, "r+");
	assert_non_null(file);
	assert_int_equal(fseek(file, 40, SEEK_SET), 0);
	fputc(0xff, file);
	fclose(file);
	/* it does not start with less than the driver protects by */
	w->kernel = NULL;
	{
		struct kernel *spare = kernel_fake_new();

		assert_int_not_equal(start_agent(w, spare, why), 0);
	}
	assert_non_null(strstr(why, path));
	w->kernel = kernel;
	assert_int_equal(count_filters(w), 1);
	assert_int_equal(kernel_fake_mode(kernel), IPSECDRV_MODE_SECURE);
	kernel_free(kernel);
}

/* A second agent would undo what the first one does. */
static void test_one_agent(void **state)
{
	struct world *w = *state;
	struct agent *first = w->agent;
	struct kernel *kernel = w->kernel;
	char why[AGENT_WHY_LEN];

	add_peer_rule(w);
	assert_int_equal(start_agent(w, kernel_fake_new(), why), -EBUSY);
	assert_non_null(strstr(why, w->dir));
	w->agent = first;
	w->kernel = kernel;
	assert_string_equal(call_plain(w, "GetStatus"), "");
}

/* --- links -------------------------------------------------------------------------------- */

/* Keys go to ipsec-cred and not to ipsec-ike, and a negotiation waits until they are there. */
static void test_secrets(void **state)
{
	struct world *w = *state;
	struct kernel_flow flow = ping();

	w->cred_is_slow = true;
	add_peer_rule(w);
	start_ike(w);
	assert_int_not_equal(kernel_fake_packet(w->kernel, &flow), 0);
	start_cred(w);
	assert_string_equal(w->secrets, "10.0.0.2/32=open sesame ");
	assert_string_equal(call_plain(w, "GetStatus"), "");	/* the acquire has been seen by now */
	assert_int_equal(w->n_acquires, 0);
	w->cred_is_slow = false;
	assert_int_equal(link_reply(w->cred_request, NULL), 0);
	w->cred_request = NULL;
	RUN_UNTIL(w, w->n_acquires == 1);
	/* a changed key is there before the change is used */
	assert_string_equal(change_rule(w, "SetRule", "srcaddr=me dstaddr=10.0.0.2 psk=other"), "");
	RUN_UNTIL(w, w->n_secrets == 2);
	assert_string_equal(w->secrets, "10.0.0.2/32=other ");
}

static void test_ike_link(void **state)
{
	struct world *w = *state;
	struct kernel_flow flow = ping();
	const struct kernel_sa *sas;
	size_t n;

	add_peer_rule(w);
	start_cred(w);
	start_ike(w);
	assert_false(w->ike_config.keylog);
	assert_int_not_equal(kernel_fake_packet(w->kernel, &flow), 0);
	RUN_UNTIL(w, w->n_acquires == 1);
	/* more than policy allows is refused over the link, too */
	assert_int_equal(negotiate_pair(w, 100000 * 1024ULL + 1), -EPERM);
	assert_int_equal(negotiate_pair(w, 100000 * 1024ULL), 0);
	sas = kernel_fake_sas(w->kernel, &n);
	assert_int_equal(n, 3);		/* and a larval one of the attempt before */
	assert_int_equal(sas[1].filter_id, kernel_fake_filters(w->kernel, &n)[0].id);
	/* IKE dies; the associations stay, the next one takes them over */
	stop_ike(w);
	(void)kernel_fake_sas(w->kernel, &n);
	assert_int_equal(n, 3);
	start_ike(w);
	RUN_UNTIL(w, w->n_adopts == 1);
}

/* --- shows -------------------------------------------------------------------------------- */

/* Rows of an answer, one after the other. */
static bool next_row(struct world *w, const struct policy_record *record, void *ret_info)
{
	char why[POLICY_WHY_LEN];
	int r = policy_bus_read_record(w->reply, record, ret_info, why);

	if (r < 0)
		fail_msg("%s", why);
	return r > 0;
}

static void test_filters_shown(void **state)
{
	struct world *w = *state;
	struct policy_qm_filter_info qm;
	struct policy_mm_filter_info mm;
	char lines[512] = "";
	size_t len = 0;

	add_peer_rule(w);
	assert_string_equal(call_string(w, "ListQmFilters", "generic"), "");
	assert_true(sd_bus_message_enter_container(w->reply, 'a', "a{sv}") > 0);
	assert_true(next_row(w, &policy_qm_filter_record, &qm));
	assert_string_equal(qm.source, "me");
	assert_string_equal(qm.destination, "10.0.0.2");
	assert_true(qm.mirrored);
	policy_record_clear(&policy_qm_filter_record, &qm);
	assert_false(next_row(w, &policy_qm_filter_record, &qm));

	/* me is two addresses of the family, and a mirrored rule has two directions */
	assert_string_equal(call_string(w, "ListQmFilters", "specific"), "");
	assert_true(sd_bus_message_enter_container(w->reply, 'a', "a{sv}") > 0);
	while (next_row(w, &policy_qm_filter_record, &qm)) {
		len += (size_t)snprintf(lines + len, sizeof(lines) - len, "%s %s>%s %s/%s; ",
					qm.direction, qm.source, qm.destination,
					qm.outbound_action, qm.inbound_action);
		assert_true(qm.weight > 0 && qm.id > 0);
		policy_record_clear(&policy_qm_filter_record, &qm);
	}
	assert_string_equal(lines, "outbound 10.0.0.1>10.0.0.2 negotiate/none; "
			    "inbound 10.0.0.2>10.0.0.1 none/negotiate; "
			    "outbound 10.1.0.1>10.0.0.2 negotiate/none; "
			    "inbound 10.0.0.2>10.1.0.1 none/negotiate; ");

	assert_string_equal(call_string(w, "ListMmFilters", "specific"), "");
	assert_true(sd_bus_message_enter_container(w->reply, 'a', "a{sv}") > 0);
	assert_true(next_row(w, &policy_mm_filter_record, &mm));
	assert_string_equal(mm.mm_policy, "m");
	assert_string_equal(mm.auth, "psk");
	assert_string_equal(mm.source, "10.0.0.1");
	policy_record_clear(&policy_mm_filter_record, &mm);
}

static void test_policies_shown(void **state)
{
	struct world *w = *state;
	_cleanup_(policy_rule_freep) struct policy_rule *rule = NULL;
	_cleanup_(policy_mm_policy_freep) struct policy_mm_policy *mm = NULL;
	char why[POLICY_WHY_LEN];

	add_peer_rule(w);
	assert_string_equal(call_plain(w, "ListRules"), "");
	assert_true(sd_bus_message_enter_container(w->reply, 'a', "a{sv}") > 0);
	assert_int_equal(policy_bus_read_rule(w->reply, &rule, NULL, why), 1);
	assert_string_equal(rule->methods[0].secret, "open sesame");
	assert_string_equal(call_plain(w, "ListMmPolicies"), "");
	assert_true(sd_bus_message_enter_container(w->reply, 'a', "a{sv}") > 0);
	assert_int_equal(policy_bus_read_mm_policy(w->reply, &mm, NULL, why), 1);
	assert_string_equal(mm->name, "m");
	assert_int_equal(mm->lifetime_minutes, 480);
}

static void test_sas_shown(void **state)
{
	struct world *w = *state;
	struct kernel_flow flow = ping();
	struct policy_qm_sa_info qm;
	struct policy_mm_sa_info mm;

	add_peer_rule(w);
	start_cred(w);
	/* without ipsec-ike there are no main modes; that is an answer and not an error */
	assert_string_equal(call_plain(w, "ListMmSas"), "");
	assert_true(sd_bus_message_enter_container(w->reply, 'a', "a{sv}") > 0);
	assert_false(next_row(w, &policy_mm_sa_record, &mm));
	start_ike(w);
	assert_int_not_equal(kernel_fake_packet(w->kernel, &flow), 0);
	RUN_UNTIL(w, w->n_acquires == 1);
	assert_int_equal(negotiate_pair(w, 100000 * 1024ULL), 0);

	assert_string_equal(call_plain(w, "ListMmSas"), "");
	assert_true(sd_bus_message_enter_container(w->reply, 'a', "a{sv}") > 0);
	assert_true(next_row(w, &policy_mm_sa_record, &mm));
	assert_string_equal(mm.initiator_cookie, "0102030405060708");
	assert_string_equal(mm.encryption, "3DES");
	assert_string_equal(mm.integrity, "SHA1");
	assert_string_equal(mm.mm_policy, "m");
	policy_record_clear(&policy_mm_sa_record, &mm);

	assert_string_equal(call_plain(w, "ListQmSas"), "");
	assert_true(sd_bus_message_enter_container(w->reply, 'a', "a{sv}") > 0);
	assert_true(next_row(w, &policy_qm_sa_record, &qm));
	assert_string_equal(qm.source, "10.0.0.1");
	assert_string_equal(qm.destination, "10.0.0.2");
	assert_string_equal(qm.qm_policy, "q");
	assert_string_equal(qm.state, "established");
	assert_int_equal(qm.esp_spi_in, w->spi);
	assert_int_equal(qm.esp_spi_out, 0x4444);
	assert_int_equal(qm.lifetime_seconds, 3600);
	policy_record_clear(&policy_qm_sa_record, &qm);
	assert_false(next_row(w, &policy_qm_sa_record, &qm));
}

static void test_delete_sas(void **state)
{
	struct world *w = *state;
	struct kernel_flow flow = ping();
	sd_bus_message *m;
	size_t n;

	add_peer_rule(w);
	start_cred(w);
	start_ike(w);
	assert_int_not_equal(kernel_fake_packet(w->kernel, &flow), 0);
	RUN_UNTIL(w, w->n_acquires == 1);
	assert_int_equal(negotiate_pair(w, 100000 * 1024ULL), 0);
	m = call_new(w, "DeleteSas");
	assert_true(sd_bus_message_append(m, "a{sv}", 1, "dstaddr", "s", "10.0.0.3") >= 0);
	make_call(w, m);
	assert_string_equal(error_name(w), "");
	(void)kernel_fake_sas(w->kernel, &n);
	assert_int_equal(n, 2);
	stop_ike(w);		/* nobody there to do it */
	m = call_new(w, "DeleteSas");
	assert_true(sd_bus_message_append(m, "a{sv}", 1, "dstaddr", "s", "10.0.0.2") >= 0);
	make_call(w, m);
	assert_string_equal(error_name(w), "");
	(void)kernel_fake_sas(w->kernel, &n);
	assert_int_equal(n, 0);
	m = call_new(w, "DeleteSas");
	assert_true(sd_bus_message_append(m, "a{sv}", 1, "peer", "s", "10.0.0.2") >= 0);
	make_call(w, m);
	assert_string_equal(error_name(w), "Invalid");
}

static bool find_counter(struct world *w, const char *key, uint64_t *ret_value)
{
	const char *name;
	bool has_found = false;

	assert_true(sd_bus_message_enter_container(w->reply, 'a', "{st}") > 0);
	for (;;) {
		uint64_t value;
		int r = sd_bus_message_read(w->reply, "{st}", &name, &value);

		assert_true(r >= 0);
		if (!r)
			break;
		if (!strcmp(name, key)) {
			*ret_value = value;
			has_found = true;
		}
	}
	assert_true(sd_bus_message_exit_container(w->reply) >= 0);
	return has_found;
}

static void test_statistics(void **state)
{
	struct world *w = *state;
	uint64_t value = 0;

	assert_string_equal(call_plain(w, "GetStatistics"), "");
	assert_false(find_counter(w, "mainmodes", &value));
	assert_true(find_counter(w, "keyadds", &value));
	assert_true(find_counter(w, "clear-text", &value));
	assert_int_equal(value, 7);
	start_ike(w);
	assert_string_equal(call_plain(w, "GetStatistics"), "");
	assert_true(find_counter(w, "mainmodes", &value));
	assert_int_equal(value, 11);
	/* every label of "show stats" has a number */
	for (size_t i = 0; i < policy_n_ike_counters; i++) {
		assert_string_equal(call_plain(w, "GetStatistics"), "");
		if (!find_counter(w, policy_ike_counters[i].key, &value))
			fail_msg("%s", policy_ike_counters[i].key);
	}
	for (size_t i = 0; i < policy_n_ipsec_counters; i++) {
		assert_string_equal(call_plain(w, "GetStatistics"), "");
		(void)find_counter(w, "", &value);
		if (!find_counter(w, policy_ipsec_counters[i].key, &value))
			fail_msg("%s", policy_ipsec_counters[i].key);
	}
}

static void explain(struct world *w, const char *destination, struct policy_explanation_info *ret)
{
	struct policy_flow_info flow = {
		.direction = "out",
		.source = test_addr("10.0.0.1"),
		.destination = test_addr(destination),
		.protocol = 6,
		.source_port = 40000,
		.destination_port = 445,
	};
	sd_bus_message *m = call_new(w, "Explain");

	assert_true(policy_bus_append_record(m, &policy_flow_record, &flow) >= 0);
	make_call(w, m);
	assert_string_equal(error_name(w), "");
	assert_true(next_row(w, &policy_explanation_record, ret));
}

static void test_explain(void **state)
{
	struct world *w = *state;
	struct kernel_flow flow = ping();
	struct policy_explanation_info info;
	struct link_acquire_result result = { .reason = IKE_REASON_NO_RESPONSE };

	add_peer_rule(w);
	explain(w, "10.0.0.3", &info);
	assert_string_equal(info.verdict, "pass");
	assert_string_equal(info.reason, "no-filter");
	assert_null(info.rule);
	policy_record_clear(&policy_explanation_record, &info);

	/* held, and why it will stay so */
	explain(w, "10.0.0.2", &info);
	assert_string_equal(info.verdict, "hold");
	assert_string_equal(info.action, "negotiate");
	assert_non_null(strstr(info.rule, "dstaddr=10.0.0.2"));
	assert_null(strstr(info.rule, "sesame"));
	assert_non_null(strstr(info.filter, "me <-> 10.0.0.2"));
	assert_non_null(strstr(info.failure, "ipsec-ike"));
	policy_record_clear(&policy_explanation_record, &info);

	start_cred(w);
	start_ike(w);
	assert_int_not_equal(kernel_fake_packet(w->kernel, &flow), 0);
	RUN_UNTIL(w, w->n_acquires == 1);
	result.acquire_id = w->acquire.id;
	assert_int_equal(link_send(link_client_link(w->ike), &link_acquire_result, &result), 0);
	RUN_UNTIL(w, kernel_fake_count(w->kernel, KERNEL_FAKE_ACQUIRE_END) == 1);
	explain(w, "10.0.0.2", &info);
	assert_string_equal(info.verdict, "drop");
	assert_string_equal(info.reason, "negotiation-failed");
	assert_non_null(strstr(info.failure, "13813"));
	assert_int_equal(info.peer.bytes[3], 2);
	policy_record_clear(&policy_explanation_record, &info);
}

static void test_config(void **state)
{
	struct world *w = *state;
	struct policy_config_info info;
	struct kernel_status status;
	char why[AGENT_WHY_LEN];
	struct kernel *kernel;
	sd_bus_message *m;

	start_ike(w);
	m = call_new(w, "SetConfig");
	assert_true(sd_bus_message_append(m, "ss", "IPsecExempt", "1") >= 0);
	make_call(w, m);
	assert_string_equal(error_name(w), "");
	assert_int_equal(w->kernel->ops->status_get(w->kernel, &status), 0);
	assert_int_equal(status.exempt_level, 1);
	m = call_new(w, "SetConfig");
	assert_true(sd_bus_message_append(m, "ss", "ikelogging", "1") >= 0);
	make_call(w, m);
	RUN_UNTIL(w, w->ike_config.log_level == 7);
	m = call_new(w, "SetConfig");
	assert_true(sd_bus_message_append(m, "ss", "ipsecexempt", "9") >= 0);
	make_call(w, m);
	assert_string_equal(error_name(w), "Invalid");
	w->ike = link_client_free(w->ike);
	/* kept over a restart, also over a clean one */
	agent_stop(w->agent);
	kernel = crash(w);
	if (start_agent(w, kernel, why))
		fail_msg("%s", why);
	connect_admin(w);
	assert_string_equal(call_plain(w, "GetConfig"), "");
	assert_true(next_row(w, &policy_config_record, &info));
	assert_int_equal(info.ipsecexempt, 1);
	assert_int_equal(info.ikelogging, 1);
	assert_int_equal(info.ipsecloginterval, 3600);
	assert_string_equal(info.bootmode, "permit");
	policy_record_clear(&policy_config_record, &info);
	assert_int_equal(w->kernel->ops->status_get(w->kernel, &status), 0);
	assert_int_equal(status.exempt_level, 1);
}

static void test_status(void **state)
{
	struct world *w = *state;
	struct policy_status_info info;

	add_peer_rule(w);
	start_cred(w);
	start_ike(w);
	assert_string_equal(call_plain(w, "GetStatus"), "");
	assert_true(next_row(w, &policy_status_record, &info));
	assert_string_equal(info.mode, "secure");
	assert_string_equal(info.layers, "dynamic");
	assert_int_equal(info.filters, 1);
	assert_int_equal(info.rules, 1);
	assert_true(info.ike);
	assert_true(info.cred);
	policy_record_clear(&policy_status_record, &info);
}

/* Whoever is not root gets no answer at all. */
static void test_stranger(void **state)
{
	struct world *w = *state;
	struct stat st;
	int status;
	pid_t pid;

	/* Who is not root has nobody else to be; then the kernel is asked to keep others out. */
	assert_int_equal(stat(path_in(w, "control"), &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_int_equal(st.st_uid, geteuid());
	if (geteuid())
		return;
	assert_int_equal(chmod(w->dir, 0755), 0);
	assert_int_equal(chmod(path_in(w, "control"), 0666), 0);	/* the mode is not what keeps it out */
	pid = fork();
	if (!pid) {
		sd_bus *bus = NULL;
		char address[128];
		int r;

		snprintf(address, sizeof(address), "unix:path=%s/control", w->dir);
		if (setresgid(65534, 65534, 65534) || setresuid(65534, 65534, 65534))
			_exit(2);
		r = sd_bus_new(&bus);
		if (r >= 0)
			r = sd_bus_set_address(bus, address);
		if (r >= 0)
			r = sd_bus_start(bus);
		if (r >= 0)
			r = sd_bus_call_method(bus, NULL, POLICY_BUS_PATH, POLICY_BUS_INTERFACE,
					       "GetStatus", NULL, NULL, "");
		_exit(r < 0 ? 0 : 1);
	}
	for (;;) {
		assert_true(sd_event_run(w->event, 100000) >= 0);
		if (waitpid(pid, &status, WNOHANG) == pid)
			break;
	}
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
	assert_string_equal(call_plain(w, "GetStatus"), "");
}

#define TEST(name, function) { name, function, set_up, tear_down, NULL }

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST("test_start_and_stop", test_start_and_stop),
		TEST("N03 N17 rules act at once", test_rules),
		TEST("N17 errors have the service's numbers", test_errors),
		TEST("N03 what the driver refuses has not happened", test_rollback),
		TEST("F35 rules with DNS names", test_names),
		TEST("test_restart", test_restart),
		TEST("test_damaged_state", test_damaged_state),
		TEST("test_one_agent", test_one_agent),
		TEST("K06 keys go to ipsec-cred only", test_secrets),
		TEST("A25 associations go to the driver", test_ike_link),
		TEST("F10 N19 filters are shown as written and as they act", test_filters_shown),
		TEST("N19 policies and rules are shown", test_policies_shown),
		TEST("F13 N18 associations are shown", test_sas_shown),
		TEST("test_delete_sas", test_delete_sas),
		TEST("N18 statistics", test_statistics),
		TEST("test_explain", test_explain),
		TEST("N19 config", test_config),
		TEST("test_status", test_status),
		TEST("test_stranger", test_stranger),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
