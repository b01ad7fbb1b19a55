// SPDX-License-Identifier: MIT
#include <errno.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>
#include <krb5.h>

#include "cred/serve.h"
#include "cred/test_realm.h"
#include "link/messages.h"

#define ARGS_MAX 12
#define N_KDCS	 2

struct realms {
	char dir[64];
	pid_t kdcs[N_KDCS];
	int silent; /* UDP socket of the KDC that never answers */
	int silent_tcp;
};

uint64_t test_now_ms(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/* --- realms ------------------------------------------------------------------------------- */

const char *realms_path(const struct realms *realms, const char *name)
{
	static char path[256];

	(void)snprintf(path, sizeof(path), "%s/%s", realms->dir, name);
	return path;
}

static void exec_kdc_sh(const struct realms *realms, const char *function, const char *const *more)
{
	const char *top = getenv("TOP");
	const char *args[ARGS_MAX + 5] = { "bash", NULL, function, realms->dir };
	char script[512];

	(void)snprintf(script, sizeof(script), "%s/selftests/kdc.sh", top ? top : ".");
	args[1] = script;
	for (size_t i = 0; i < ARGS_MAX && more[i]; i++)
		args[i + 4] = more[i];
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	(void)execvp("bash", (char **)args);
	_exit(127);
}

void realms_run(const struct realms *realms, const char *function, ...)
{
	const char *args[ARGS_MAX + 1] = { 0 };
	va_list list;
	int status;
	pid_t child;

	va_start(list, function);
	for (size_t i = 0; i < ARGS_MAX && (args[i] = va_arg(list, const char *)); i++)
		;
	va_end(list);
	child = fork();
	if (child == 0)
		exec_kdc_sh(realms, function, args);
	assert_int_equal(waitpid(child, &status, 0), child);
	if (status != 0)
		fail_msg("selftests/kdc.sh %s: status %d", function, status);
}

/* A port for UDP and TCP that nobody has, and sockets on it if they are asked for. */
static uint16_t find_port(int *ret_udp, int *ret_tcp)
{
	for (int i = 0; i < 100; i++) {
		struct sockaddr_in any = { .sin_family = AF_INET,
					   .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
		socklen_t len = sizeof(any);
		int udp = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
		int tcp = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
		bool is_free = bind(udp, (struct sockaddr *)&any, len) == 0 &&
			       getsockname(udp, (struct sockaddr *)&any, &len) == 0 &&
			       bind(tcp, (struct sockaddr *)&any, len) == 0;

		if (is_free && ret_udp) {
			assert_int_equal(listen(tcp, 64), 0);
			*ret_udp = udp;
			*ret_tcp = tcp;
		} else {
			(void)close(udp);
			(void)close(tcp);
		}
		if (is_free)
			return ntohs(any.sin_port);
	}
	fail_msg("no port");
	return 0;
}

static bool is_listening(uint16_t port)
{
	struct sockaddr_in to = { .sin_family = AF_INET,
				  .sin_port = htons(port),
				  .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	bool is = connect(fd, (struct sockaddr *)&to, sizeof(to)) == 0;

	(void)close(fd);
	return is;
}

static pid_t serve_realm(const struct realms *realms, const char *realm, uint16_t port)
{
	const char *const args[] = { realm, NULL };
	uint64_t end = test_now_ms() + 20000;
	pid_t child = fork();

	if (child == 0)
		exec_kdc_sh(realms, "realm_serve", args);
	while (!is_listening(port)) {
		if (test_now_ms() > end || waitpid(child, NULL, WNOHANG) != 0)
			fail_msg("no KDC of %s", realm);
		(void)usleep(5000);
	}
	return child;
}

/* A key that no KDC knows. */
static void write_keytab(const struct realms *realms, const char *keytab, const char *principal)
{
	krb5_keytab_entry entry = { .vno = 1 };
	krb5_context krb5;
	krb5_keytab file;

	assert_int_equal(krb5_init_context(&krb5), 0);
	assert_int_equal(krb5_parse_name(krb5, principal, &entry.principal), 0);
	assert_int_equal(krb5_c_make_random_key(krb5, ENCTYPE_AES256_CTS_HMAC_SHA1_96, &entry.key),
			 0);
	assert_int_equal(krb5_kt_resolve(krb5, realms_path(realms, keytab), &file), 0);
	assert_int_equal(krb5_kt_add_entry(krb5, file, &entry), 0);
	assert_int_equal(krb5_kt_close(krb5, file), 0);
	(void)krb5_free_keytab_entry_contents(krb5, &entry);
	krb5_free_context(krb5);
}

static void make_principals(const struct realms *realms)
{
	realms_run(realms, "realm_new", "A.TEST", NULL);
	realms_run(realms, "realm_keys", "A.TEST", "host-a.keytab", "host-a$", NULL);
	realms_run(realms, "realm_keys", "A.TEST", "host-b.keytab", "host/host-b.a.test", "host-b$",
		   NULL);
	realms_run(realms, "realm_keys", "A.TEST", "host-c.keytab", "host/host-c.a.test", NULL);
	realms_run(realms, "realm_keys", "A.TEST", "alice.keytab", "alice", NULL);
	realms_run(realms, "realm_new", "B.TEST", NULL);
	realms_run(realms, "realm_keys", "B.TEST", "host-d.keytab", "host-d$", NULL);
	realms_run(realms, "realm_trust", "A.TEST", "B.TEST", NULL);
	write_keytab(realms, "host-s.keytab", "host-s$@SILENT.TEST");
	write_keytab(realms, "host-e.keytab", "host-e$@DEAD.TEST");
}

struct realms *realms_new(void)
{
	static const char *const names[] = { "A.TEST", "B.TEST", "SILENT.TEST", "DEAD.TEST" };
	struct realms *realms = calloc(1, sizeof(*realms));
	char places[4][64];
	uint16_t ports[4];

	assert_non_null(realms);
	strcpy(realms->dir, "/tmp/test_gss.XXXXXX");
	assert_non_null(mkdtemp(realms->dir));
	for (size_t i = 0; i < 4; i++) {
		ports[i] = i == 2 ? find_port(&realms->silent, &realms->silent_tcp)
				  : find_port(NULL, NULL);
		(void)snprintf(places[i], sizeof(places[i]), "%s=127.0.0.1:%u", names[i], ports[i]);
	}
	realms_run(realms, "realms_conf", places[0], places[1], places[2], places[3], NULL);
	assert_int_equal(setenv("KRB5_CONFIG", realms_path(realms, "krb5.conf"), 1), 0);
	make_principals(realms);
	for (size_t i = 0; i < N_KDCS; i++)
		realms->kdcs[i] = serve_realm(realms, names[i], ports[i]);
	return realms;
}

struct realms *realms_free(struct realms *realms)
{
	char command[128];

	if (!realms)
		return NULL;
	for (size_t i = 0; i < N_KDCS; i++) {
		(void)kill(realms->kdcs[i], SIGTERM);
		(void)waitpid(realms->kdcs[i], NULL, 0);
	}
	(void)close(realms->silent);
	(void)close(realms->silent_tcp);
	(void)snprintf(command, sizeof(command), "rm -rf %s", realms->dir);
	assert_int_equal(system(command), 0);
	free(realms);
	return NULL;
}

unsigned int realms_silent_requests(const struct realms *realms)
{
	static unsigned int n;
	char byte;

	while (recv(realms->silent, &byte, 1, 0) > 0)
		n++;
	return n;
}

/* --- hosts -------------------------------------------------------------------------------- */

static void take_state(struct host *host, const struct link_credential_state *state)
{
	strcpy(host->name, state->gss_name);
	assert_int_equal(state->n_rules, 1);
	host->usable = state->rules[0].usable;
}

static void on_state(void *userdata, int error, const void *reply)
{
	struct host *host = userdata;

	assert_int_equal(error, 0);
	take_state(host, reply);
	host->has_state = true;
}

static void on_changed(void *userdata, struct link_request *request, const void *args)
{
	struct host *host = userdata;

	assert_null(request);
	take_state(host, args);
	host->n_changed++;
}

static void send_policy(struct host *host, const char *realms_list)
{
	struct link_credential kerberos = { .kind = LINK_CREDENTIAL_KERBEROS };
	struct link_credential_rule rule = { .methods = &kerberos, .n_methods = 1 };
	struct link_credentials list = { .rules = &rule,
					 .n_rules = 1,
					 .gss_name = (char *)"",
					 .gss_realms = (char *)realms_list };

	host->has_state = false;
	assert_int_equal(link_client_call(host->admin, &link_set_credentials, &list, 0, true,
					  on_state, host, NULL),
			 0);
	RUN_UNTIL(host, host->has_state);
}

static void connect_ike(struct host *host)
{
	const struct link_config config = { .userdata = host };
	const uid_t me = getuid();
	char path[128];

	(void)snprintf(path, sizeof(path), "%s/cred", host->dir);
	assert_int_equal(link_client_new(host->event, path, &me, 1, &config, &host->ike), 0);
}

void host_start(struct host *host, const struct realms *realms, const char *keytab,
		const char *realms_list, uint64_t timeout_usec)
{
	static const struct link_handler handlers[] = { { &link_credentials_changed, on_changed } };
	const struct link_config config = { .handlers = handlers,
					    .n_handlers = 1,
					    .userdata = host };
	const uid_t me = getuid();
	char path[128], keytab_path[256];

	*host = (struct host){ 0 };
	assert_true(sd_event_new(&host->event) >= 0);
	strcpy(host->dir, "/tmp/test_gss_host.XXXXXX");
	assert_non_null(mkdtemp(host->dir));
	strcpy(keytab_path, realms_path(realms, keytab));
	assert_int_equal(cred_new(host->event,
				  &(struct cred_config){ .run_dir = host->dir,
							 .ike_uid = me,
							 .ike_gid = getgid(),
							 .keytab = keytab_path,
							 .kerberos_timeout_usec = timeout_usec },
				  &host->cred),
			 0);
	(void)snprintf(path, sizeof(path), "%s/cred-admin", host->dir);
	assert_int_equal(link_client_new(host->event, path, &me, 1, &config, &host->admin), 0);
	connect_ike(host);
	send_policy(host, realms_list);
	if (access(keytab_path, F_OK) == 0)
		RUN_UNTIL(host, *host->name);
}

void host_stop(struct host *host)
{
	(void)link_client_free(host->ike);
	(void)link_client_free(host->admin);
	(void)cred_free(host->cred);
	sd_event_unref(host->event);
	assert_int_equal(rmdir(host->dir), 0);
}

void host_reconnect(struct host *host)
{
	(void)link_client_free(host->ike);
	connect_ike(host);
}

/* --- calls -------------------------------------------------------------------------------- */

static void take(struct answer *answer, enum ike_reason reason, const uint8_t *data, size_t len)
{
	answer->reason = reason;
	answer->len = len;
	assert_true(len <= sizeof(answer->data));
	if (len)
		memcpy(answer->data, data, len);
}

static void on_token(void *userdata, int error, const void *reply)
{
	const struct ike_gss_token *token = reply;
	struct answer *answer = userdata;

	answer->is_there = true;
	answer->error = error;
	if (error < 0)
		return;
	take(answer, token->reason, token->token.data, token->token.len);
	answer->is_complete = token->is_complete;
	(void)snprintf(answer->peer, sizeof(answer->peer), "%s", token->peer);
	(void)snprintf(answer->detail, sizeof(answer->detail), "%s", token->detail);
}

static void on_result(void *userdata, int error, const void *reply)
{
	const struct ike_gss_result *result = reply;
	struct answer *answer = userdata;

	answer->is_there = true;
	answer->error = error;
	if (error == 0)
		take(answer, result->reason, result->bytes, result->len);
}

void host_ask_step(struct host *host, uint64_t context, uint32_t remote, bool is_initiator,
		   const char *peer, struct bytes token, struct answer *answer)
{
	uint8_t wide[2 * IKE_GSS_NAME_MAX_LEN] = { 0 };
	size_t len = peer ? strlen(peer) : 0;
	struct ike_gss_step step = {
		.context = context,
		.path = { .local = ip_addr_v4(0xc0000202), .remote = ip_addr_v4(remote) },
		.is_initiator = is_initiator,
		.peer_name = { wide, 2 * len },
		.token = token,
	};

	for (size_t i = 0; i < len; i++)
		wide[2 * i] = (uint8_t)peer[i];
	memset(answer, 0, sizeof(*answer));
	assert_int_equal(link_client_call(host->ike, &link_gss_step, &step, 60000000, false,
					  on_token, answer, NULL),
			 0);
}

void host_wait(struct host *host, const struct answer *answer)
{
	RUN_UNTIL(host, answer->is_there);
}

void host_step(struct host *host, uint64_t context, bool is_initiator, const char *peer,
	       struct bytes token, struct answer *answer)
{
	host_ask_step(host, context, 0xc0000201, is_initiator, peer, token, answer);
	host_wait(host, answer);
	assert_int_equal(answer->error, 0);
}

static void call_message(struct host *host, const struct link_method *method, uint64_t context,
			 struct bytes data, struct answer *answer)
{
	const struct ike_gss_message message = { context, data };

	memset(answer, 0, sizeof(*answer));
	assert_int_equal(link_client_call(host->ike, method, &message, 0, false, on_result, answer,
					  NULL),
			 0);
	host_wait(host, answer);
	assert_int_equal(answer->error, 0);
}

void host_wrap(struct host *host, uint64_t context, struct bytes hash, struct answer *answer)
{
	call_message(host, &link_gss_wrap, context, hash, answer);
}

void host_unwrap(struct host *host, uint64_t context, struct bytes wrapped, struct answer *answer)
{
	call_message(host, &link_gss_unwrap, context, wrapped, answer);
}

void host_end(struct host *host, uint64_t context)
{
	const struct ike_gss_end end = { context };

	assert_int_equal(link_client_send(host->ike, &link_gss_end, &end), 0);
}
