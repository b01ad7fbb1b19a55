// SPDX-License-Identifier: MIT
/*
 * ipsec-ike in the hands of an attacker: a process with its user, its sockets and its confinement
 * that tries what it should not be able to do. Started by hosts_isolation.sh in its place.
 *
 *   captured_ike RUNDIR STATEDIR LOCAL REMOTE OTHER CREDPID AGENTPID
 *
 * The policy secures LOCAL with REMOTE, and blocks OTHER. Prints a line of KTAP for each attempt,
 * numbered from 1; the script gives them their numbers. Exits with 1 when the test itself is
 * broken.
 */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/parse.h"
#include "daemon/confine.h"
#include "daemon/daemon.h"
#include "link/messages.h"
#include "link/method.h"

#define ANSWER_USEC (10 * UINT64_C(1000000))

struct captured {
	sd_event *event;
	const char *run_dir;
	const char *state_dir;
	struct ip_addr local;
	struct ip_addr remote;
	struct ip_addr other;
	pid_t cred_pid;
	pid_t agent_pid;
	struct link_client *agent;
	struct link_client *cred;
	unsigned int n_agent_downs;
	unsigned int n_cred_downs;
	uint64_t instance;
};

__attribute__((noreturn, format(printf, 1, 2)))
static void die(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	(void)printf("# ");
	(void)vprintf(format, args);
	va_end(args);
	(void)printf("\n");
	exit(1);
}

static void tell(bool is_good, const char *name)
{
	(void)printf("%s - %s\n", is_good ? "ok" : "not ok", name);
	(void)fflush(stdout);
}

/* --- calls that wait ---------------------------------------------------------------------- */

struct answer {
	bool is_there;
	int error;
	/* what came, as far as an attempt looks at it */
	struct ike_qm_policy qm;
	struct link_spi spi;
	struct link_skeyid skeyid;
};

struct call {
	struct answer *answer;
	const struct link_method *method;
};

static void on_answer(void *userdata, int error, const void *reply)
{
	struct call *call = userdata;

	call->answer->is_there = true;
	call->answer->error = error;
	if (error)
		return;
	if (call->method == &link_policy_qm)
		call->answer->qm = *(const struct ike_qm_policy *)reply;
	else if (call->method == &link_get_spi)
		call->answer->spi = *(const struct link_spi *)reply;
	else if (call->method == &link_psk_skeyid)
		call->answer->skeyid = *(const struct link_skeyid *)reply;
}

/* Calls and waits for what comes of it: 0 or -errno. */
static int ask(struct captured *c, struct link_client *client, const struct link_method *method,
	       const void *args, struct answer *ret_answer)
{
	struct call call = { .answer = ret_answer, .method = method };
	int r;

	*ret_answer = (struct answer){ 0 };
	r = link_client_call(client, method, args, ANSWER_USEC, false, on_answer, &call, NULL);
	if (r < 0)
		die("%d for a call that was to be made", r);
	while (!ret_answer->is_there)
		if (sd_event_run(c->event, UINT64_MAX) < 0)
			die("event loop");
	return ret_answer->error;
}

/* --- what the agent asks of us ------------------------------------------------------------- */

static void answer_nothing(void *userdata, struct link_request *request, const void *args)
{
	(void)userdata;
	(void)args;
	(void)link_reply(request, NULL);
}

static void answer_list_mm(void *userdata, struct link_request *request, const void *args)
{
	(void)userdata;
	(void)args;
	(void)link_reply(request, &(struct link_mm_list){ 0 });
}

static void answer_list_qm(void *userdata, struct link_request *request, const void *args)
{
	(void)userdata;
	(void)args;
	(void)link_reply(request, &(struct link_qm_list){ 0 });
}

static const struct link_handler handlers[] = {
	{ &link_list_mm, answer_list_mm },	{ &link_list_qm, answer_list_qm },
	{ &link_acquire, answer_nothing },	{ &link_cancel_acquire, answer_nothing },
	{ &link_expire, answer_nothing },	{ &link_delete_peer, answer_nothing },
	{ &link_delete_filter, answer_nothing }, { &link_flush, answer_nothing },
	{ &link_adopt_sa, answer_nothing },	{ &link_set_config, answer_nothing },
};

static void on_hello(void *userdata, int error, const void *reply)
{
	(void)userdata;
	(void)reply;
	if (error && error != -ECONNRESET)
		die("Hello: %d", error);
}

static void on_agent_up(void *userdata, struct link *link)
{
	struct captured *c = userdata;
	struct link_hello hello = { .version = LINK_VERSION, .instance = c->instance };

	if (link_call(link, &link_hello, &hello, 0, on_hello, c, NULL) < 0)
		die("no Hello");
}

static void on_agent_down(void *userdata, struct link *link, int error)
{
	(void)link;
	(void)error;
	((struct captured *)userdata)->n_agent_downs++;
}

static void on_cred_down(void *userdata, struct link *link, int error)
{
	(void)link;
	(void)error;
	((struct captured *)userdata)->n_cred_downs++;
}

static void connect_links(struct captured *c)
{
	const struct link_config agent = {
		.handlers = handlers,
		.n_handlers = sizeof(handlers) / sizeof(handlers[0]),
		.up = on_agent_up,
		.down = on_agent_down,
		.userdata = c,
	};
	const struct link_config cred = { .down = on_cred_down, .userdata = c };
	char path[256];

	if (daemon_path(c->run_dir, LINK_SOCKET_IKE, path, sizeof(path)) < 0 ||
	    link_client_new(c->event, path, &(uid_t){ 0 }, 1, &agent, &c->agent) < 0 ||
	    daemon_path(c->run_dir, LINK_SOCKET_CRED, path, sizeof(path)) < 0 ||
	    link_client_new(c->event, path, &(uid_t){ 0 }, 1, &cred, &c->cred) < 0)
		die("cannot connect in %s", c->run_dir);
}

/* --- the machine --------------------------------------------------------------------------- */

static bool can_open(const char *dir, const char *name)
{
	char path[512];
	int fd;

	(void)snprintf(path, sizeof(path), "%s/%s", dir, name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd >= 0)
		(void)close(fd);
	return fd >= 0;
}

static bool can_connect(const char *dir, const char *name)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), r;

	(void)snprintf(addr.sun_path, sizeof(addr.sun_path), "%s/%s", dir, name);
	r = connect(fd, (struct sockaddr *)&addr, sizeof(addr));
	(void)close(fd);
	return r == 0;
}

static bool can_read_memory(pid_t pid)
{
	char byte, path[64];
	struct iovec here = { &byte, 1 }, there = { (void *)(uintptr_t)0x1000, 1 };

	(void)snprintf(path, sizeof(path), "/proc/%d", pid);
	if (can_open(path, "mem") || can_open(path, "environ"))
		return true;
	/* ENOSYS: a kernel without it */
	if (process_vm_readv(pid, &here, 1, &there, 1, 0) >= 0 ||
	    (errno != EPERM && errno != ENOSYS))
		return true;
	return ptrace(PTRACE_ATTACH, pid, NULL, NULL) == 0;
}

/* After the user has been changed, and before the filter of system calls: permissions alone. */
static void attempt_machine(const struct captured *c)
{
	int fd;

	tell(!can_open(c->state_dir, ".") && !can_open(c->state_dir, "config"),
	     "the stores cannot be read");
	tell(!can_connect(c->run_dir, LINK_SOCKET_CRED_ADMIN),
	     "it cannot say what the credentials are");
	tell(!can_read_memory(c->cred_pid), "it cannot look into the memory of ipsec-cred");
	tell(!can_read_memory(c->agent_pid), "it cannot look into the memory of the agent");
	tell(kill(c->cred_pid, SIGKILL) < 0 && kill(c->agent_pid, SIGKILL) < 0,
	     "it cannot end them");
	fd = socket(AF_PACKET, SOCK_RAW, 0);
	tell(fd < 0, "it has no raw packets");
	fd = socket(AF_INET, SOCK_RAW, IPPROTO_ESP);
	tell(fd < 0, "it has no raw IP");
	tell(setuid(0) < 0, "it does not become root again");
}

static void attempt_calls(const struct captured *c)
{
	tell(!can_open("/etc", "passwd") && errno == EACCES, "no file at all can be opened");
	tell(socket(AF_NETLINK, SOCK_RAW, 16) < 0 && errno == EACCES,
	     "there is no way to the driver");
	tell(socket(AF_INET, SOCK_DGRAM, 0) < 0 && errno == EACCES, "no socket can be made");
	(void)c;
}

/* --- ipsec-cred ---------------------------------------------------------------------------- */

static struct ike_path path_to(const struct captured *c, const struct ip_addr *remote)
{
	return (struct ike_path){ .local = c->local, .remote = *remote, .local_port = 500,
				  .remote_port = 500 };
}

/* The call is not answered, and the one at the other end hangs up. */
static bool is_cut(struct captured *c, struct link_client *client, const struct link_method *method,
		   const void *args, const unsigned int *n_downs)
{
	unsigned int before = *n_downs;
	struct answer answer;

	if (ask(c, client, method, args, &answer) == 0)
		return false;
	while (*n_downs == before)
		if (sd_event_run(c->event, ANSWER_USEC) <= 0)
			return false;
	return true;
}

/* Calls that are not for ipsec-ike. */
static void attempt_admin_calls(struct captured *c)
{
	struct link_credential key = { .value = (uint8_t *)"mine", .value_len = 4 };
	struct link_credential_rule rule = { .methods = &key, .n_methods = 1 };
	struct link_credentials list = { .rules = &rule, .n_rules = 1, .gss_name = (char *)"",
					 .gss_realms = (char *)"" };
	struct link_flush flush = { .reason = IKE_REASON_SHUTTING_DOWN };

	tell(is_cut(c, c->cred, &link_set_credentials, &list, &c->n_cred_downs),
	     "SetCredentials by it ends the connection");
	tell(is_cut(c, c->agent, &link_flush, &flush, &c->n_agent_downs),
	     "a call that is the agent's ends the connection");
}

static void attempt_oracle(struct captured *c)
{
	uint8_t nonce[16] = { 1 };
	struct ike_psk_request request = { .path = path_to(c, &c->remote), .hash = IKE_HASH_SHA256,
					   .ni = nonce, .ni_len = 16, .nr = nonce, .nr_len = 16 };
	struct answer answer;
	unsigned int n = 0;

	tell(ask(c, c->cred, &link_psk_skeyid, &request, &answer) == 0 && answer.skeyid.len == 32,
	     "of a preshared key it gets the hash that negotiation needs");
	request.path.remote = c->other;
	tell(ask(c, c->cred, &link_psk_skeyid, &request, &answer) == -ENOENT,
	     "and none for a peer that no rule names");
	request.path.remote = c->remote;
	while (n < 10000 && ask(c, c->cred, &link_psk_skeyid, &request, &answer) == 0)
		n++;
	tell(answer.error == -EAGAIN && n < 1000, "it cannot ask as often as it likes");
}

/* --- associations -------------------------------------------------------------------------- */

/* What policy allows with the peer, as a good ipsec-ike would install it. */
static void good_install(struct captured *c, struct ike_sa_install *ret_install)
{
	struct ike_qm_query query = {
		.path = path_to(c, &c->remote),
		.selector = { .local = c->local, .remote = c->remote, .local_prefix = 32,
			      .remote_prefix = 32 },
		.auth = IKE_AUTH_PSK,
	};
	struct ike_spi_request spi = { .path = query.path, .protocol = IKE_PROTOCOL_ESP };
	struct ike_sa_install install = {
		.qm_id = 1, .directions = IKE_DIRECTION_IN | IKE_DIRECTION_OUT,
		.path = query.path, .selector = query.selector, .n_suites = 1,
	};
	struct ike_sa_suite *suite = &install.suites[0];
	struct answer answer;

	if (ask(c, c->agent, &link_policy_qm, &query, &answer))
		die("no policy for the peer: %d", answer.error);
	install.filter_id = answer.qm.filter_id;
	install.life_seconds = answer.qm.offers[0].life_seconds;
	install.life_bytes = UINT64_C(1024) * answer.qm.offers[0].life_kbytes;
	suite->suite = answer.qm.offers[0].suites[0];
	if (ask(c, c->agent, &link_get_spi, &spi, &answer))
		die("no SPI: %d", answer.error);
	suite->spi_in = answer.spi.spi;
	suite->spi_out = 0x1234;
	suite->in.cipher_key_len = suite->out.cipher_key_len =
		ike_cipher_key_len(suite->suite.cipher, suite->suite.key_bits);
	suite->in.hash_key_len = suite->out.hash_key_len = ike_hash_len(suite->suite.hash);
	*ret_install = install;
}

/* One thing changed; the agent must refuse it. */
static void attempt_install(struct captured *c, const struct ike_sa_install *install,
			    const char *name)
{
	struct answer answer;
	int r = ask(c, c->agent, &link_add_sa, install, &answer);

	if (r != -EPERM && r != -ENOENT)
		(void)printf("# answered with %d\n", r);
	tell(r == -EPERM || r == -ENOENT, name);
}

static void attempt_installs(struct captured *c)
{
	struct ike_sa_install good, i;

	good_install(c, &good);
#define ATTEMPT(name, ...)                                        \
	do {                                                      \
		i = good;                                         \
		__VA_ARGS__;                                      \
		attempt_install(c, &i, name);                     \
	} while (0)
	ATTEMPT("no association for a filter that does not exist", i.filter_id = 0x7fffffff);
	ATTEMPT("none with a host that policy blocks",
		i.path.remote = i.selector.remote = c->other);
	ATTEMPT("none for traffic with one host under the address of another",
		i.selector.remote = c->other);
	ATTEMPT("none for more than the filter", i.selector.remote_prefix = 0);
	ATTEMPT("none for a tunnel", i.encapsulation = IKE_ENCAPSULATION_TUNNEL);
	ATTEMPT("none without encryption", i.suites[0].suite.cipher = IKE_CIPHER_NULL;
		i.suites[0].suite.key_bits = 0;
		i.suites[0].in.cipher_key_len = i.suites[0].out.cipher_key_len = 0);
	ATTEMPT("none that lives longer than policy says", i.life_seconds *= 2);
	ATTEMPT("none that never ends", i.life_seconds = 0; i.life_bytes = 0);
	ATTEMPT("none for an SPI that the driver did not give", i.suites[0].spi_in ^= 0x5555);
#undef ATTEMPT
}

/* --- clear text ---------------------------------------------------------------------------- */

/* Nobody asked, and policy does not allow it: no word of ours may let a packet out in clear. */
static void attempt_soft(struct captured *c)
{
	for (uint64_t id = 1; id < 64; id++) {
		struct link_acquire_result result = { .acquire_id = id,
						      .reason = IKE_REASON_NO_RESPONSE };

		if (link_client_send(c->agent, &link_acquire_result, &result) < 0)
			die("cannot send");
	}
	/* an answer means that all of them have been read */
	{
		struct ike_spi_request spi = { .path = path_to(c, &c->remote),
					       .protocol = IKE_PROTOCOL_ESP };
		struct answer answer;

		(void)ask(c, c->agent, &link_get_spi, &spi, &answer);
		tell(answer.is_there, "it may say that nobody answers");
	}
}

int main(int argc, char **argv)
{
	struct captured c = { .instance = 0x6361707475726564 };
	struct confine_user user;
	uint32_t cred_pid, agent_pid;

	if (argc != 8)
		die("usage: captured_ike RUNDIR STATEDIR LOCAL REMOTE OTHER CREDPID AGENTPID");
	c.run_dir = argv[1];
	c.state_dir = argv[2];
	if (parse_u32_range(argv[6], 1, INT32_MAX, &cred_pid) < 0 ||
	    parse_u32_range(argv[7], 1, INT32_MAX, &agent_pid) < 0)
		die("no pid: %s %s", argv[6], argv[7]);
	c.cred_pid = (pid_t)cred_pid;
	c.agent_pid = (pid_t)agent_pid;
	if (ip_addr_parse(argv[3], &c.local) < 0 || ip_addr_parse(argv[4], &c.remote) < 0 ||
	    ip_addr_parse(argv[5], &c.other) < 0 || sd_event_new(&c.event) < 0 ||
	    confine_find_user(NULL, "ipsec-ike", &user, NULL) < 0)
		die("cannot start");
	if (confine_memory() < 0 || confine_drop(&user) < 0)
		die("cannot become what ipsec-ike is");
	attempt_machine(&c);
	connect_links(&c);
	if (confine_syscalls(CONFINE_NETWORK_OPEN) < 0)
		die("no filter of system calls");
	attempt_calls(&c);
	attempt_oracle(&c);
	attempt_installs(&c);
	attempt_soft(&c);
	attempt_admin_calls(&c);
	(void)link_client_free(c.agent);
	(void)link_client_free(c.cred);
	sd_event_unref(c.event);
	return 0;
}
