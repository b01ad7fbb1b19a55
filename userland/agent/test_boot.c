// SPDX-License-Identifier: MIT
/*
 * What the driver starts with next: by whom it is changed, and when. The program that writes the
 * file is a process of the test, which does the same as the real one, with a file of the test.
 */
#include "agent/test_store_calls.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>

#include "agent/boot.h"
#include "base/file.h"
#include "boot/request.h"
#include "policy/runs.h"

static char socket_path[96], file_path[96];
static pid_t server;

/* --- the other program -------------------------------------------------------------------- */

static void serve_one(int fd)
{
	char text[BOOT_REQUEST_MAX], answer[BOOT_ANSWER_MAX];
	size_t len = 0;
	ssize_t n = 1;

	while (n > 0) {
		n = recv(fd, text + len, sizeof(text) - 1 - len, 0);
		len += n > 0 ? (size_t)n : 0;
	}
	text[len] = '\0';
	(void)boot_request_serve(text, file_path, answer);
	strcat(answer, "\n");
	(void)send(fd, answer, strlen(answer), MSG_NOSIGNAL);
}

static void start_server(void)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	strcpy(address.sun_path, socket_path);
	assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(listen(fd, 4), 0);
	server = fork();
	assert_true(server >= 0);
	if (!server) {
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
		/* the agent's lock, too, would live on here */
		assert_int_equal(dup2(fd, STDIN_FILENO), STDIN_FILENO);
		fd = STDIN_FILENO;
		assert_int_equal(close_range(3, ~0U, 0), 0);
		for (;;) {
			int peer = accept(fd, NULL, NULL);

			serve_one(peer);
			close(peer);
		}
	}
	close(fd);
}

static void stop_server(void)
{
	if (server <= 0)
		return;
	(void)kill(server, SIGKILL);
	assert_int_equal(waitpid(server, NULL, 0), server);
	server = 0;
	(void)unlink(socket_path);
}

/* --- the scene ---------------------------------------------------------------------------- */

static int set_up(void **state)
{
	struct world *w;
	char why[AGENT_WHY_LEN];

	assert_int_equal(world_set_up(state), 0);
	w = *state;
	snprintf(socket_path, sizeof(socket_path), "%s/options", w->dir);
	snprintf(file_path, sizeof(file_path), "%s/ipsec-policy.conf", w->dir);
	start_server();
	w->boot_socket = socket_path;
	if (world_start_agent(w, world_crash(w), why))
		fail_msg("%s", why);
	world_connect_admin(w);
	return 0;
}

static int tear_down(void **state)
{
	stop_server();
	return world_tear_down(state);
}

static const char *set_config(struct world *w, const char *name, const char *value)
{
	sd_bus_message *m = world_call_new(w, "SetConfig");

	assert_true(sd_bus_message_append(m, "ss", name, value) >= 0);
	world_make_call(w, m);
	return world_error_name(w);
}

static void write_text(const char *text)
{
	assert_int_equal(file_replace(file_path, text, strlen(text), 0644), 0);
}

static bool file_says(const char *text)
{
	_cleanup_free_ char *contents = NULL;

	assert_int_equal(file_read(file_path, 65536, &contents), 0);
	return strstr(contents, text);
}

static void restart(struct world *w)
{
	char why[AGENT_WHY_LEN];

	if (world_start_agent(w, world_crash(w), why))
		fail_msg("%s", why);
	world_connect_admin(w);
}

#define ASSIGN "set policy name=p assign=yes"
#define UNASSIGN "set policy name=p assign=no"

/* --- tests -------------------------------------------------------------------------------- */

static void test_mode_by_policy(void **state)
{
	struct world *w = *state;

	assert_true(file_says("startup_mode=permit boot_exempt=UDP:0:68:inbound exempt=3 diag=0 "
			      "log_interval=3600\n"));
	assert_true(file_says("# policy=none "));
	assert_string_equal(boot_mode(w->agent), "permit");
	store_add_policy(w, "local", "p", "10.0.0.2");
	assert_true(file_says("startup_mode=permit "));
	APPLY(w, ASSIGN);
	assert_true(file_says("startup_mode=stateful "));
	assert_true(file_says("# policy=assigned "));
	assert_string_equal(boot_mode(w->agent), "stateful");
	APPLY(w, UNASSIGN);
	assert_true(file_says("startup_mode=permit "));
	assert_true(file_says("# policy=none "));
}

/* Nothing of it is in force before the next boot, which it has to be ready for. */
static void test_persistent(void **state)
{
	struct world *w = *state;

	store_add_policy(w, "persistent", "p", "10.0.0.2");
	assert_int_equal(store_apply_one(w, "persistent", ASSIGN), 0);
	assert_true(file_says("startup_mode=stateful "));
	restart(w);
	assert_int_equal(store_apply_one(w, "persistent", UNASSIGN), 0);
	assert_true(file_says("startup_mode=permit "));
	assert_int_equal(store_apply_one(w, "persistent", ASSIGN), 0);
	assert_true(file_says("startup_mode=stateful "));
}

static void test_configured(void **state)
{
	struct world *w = *state;

	assert_string_equal(set_config(w, "bootmode", "block"), "");
	assert_true(file_says("startup_mode=block "));
	assert_string_equal(set_config(w, "bootexemptions", "TCP:0:22:inbound ICMP:inbound"), "");
	assert_true(file_says(" boot_exempt=TCP:0:22:inbound,ICMP:inbound "));
	assert_string_equal(set_config(w, "ipsecdiagnostics", "7"), "");
	assert_string_equal(set_config(w, "ipsecloginterval", "60"), "");
	assert_string_equal(set_config(w, "ipsecexempt", "0"), "");
	assert_true(file_says(" exempt=0 diag=7 log_interval=60\n"));
	assert_string_equal(set_config(w, "bootmode", "permit"), "");
	store_add_policy(w, "local", "p", "10.0.0.2");
	APPLY(w, ASSIGN);
	assert_true(file_says("startup_mode=permit "));
	assert_true(file_says("# policy=assigned "));
	restart(w);
	assert_true(file_says("startup_mode=permit "));
	assert_true(file_says(" exempt=0 diag=7 log_interval=60\n"));
	assert_string_equal(boot_mode(w->agent), "permit");
}

/* Nothing is done that the next boot would not know of. */
static void test_not_written(void **state)
{
	struct world *w = *state;

	store_add_policy(w, "local", "p", "10.0.0.2");
	assert_int_equal(unlink(file_path), 0);
	assert_int_equal(mkdir(file_path, 0755), 0);
	assert_string_not_equal(set_config(w, "bootmode", "block"), "");
	assert_non_null(strstr(world_error_text(w), "cannot be read"));
	assert_null(config_set_text(w->agent->config, "bootmode"));
	assert_int_not_equal(store_apply_one(w, "local", ASSIGN), 0);
	assert_non_null(strstr(store_texts[0], "what the driver starts with cannot be written"));
	assert_int_equal(world_count_filters(w), 0);
	/* what is no concern of the driver's start is */
	assert_string_equal(set_config(w, "strongcrlcheck", "2"), "");

	stop_server();
	assert_string_not_equal(set_config(w, "bootmode", "block"), "");
	assert_non_null(strstr(world_error_text(w), "Is ipsec-policy-options.socket active?"));
	assert_int_not_equal(store_apply_one(w, "local", ASSIGN), 0);

	/* it is tried again; here by what a look at the store does anyway */
	assert_int_equal(rmdir(file_path), 0);
	start_server();
	boot_update(w->agent);
	assert_true(file_says("startup_mode=permit "));
	APPLY(w, ASSIGN);
	assert_true(file_says("startup_mode=stateful "));
}

static void test_by_hand(void **state)
{
	struct world *w = *state;

	write_text("options ipsecdrv startup_mode=block diag=2\n");
	restart(w);
	assert_true(file_says("options ipsecdrv startup_mode=block diag=2\n"));
	assert_string_equal(boot_mode(w->agent), "block");
	assert_int_equal(config_number(w->agent->config, "ipsecdiagnostics"), 2);
	store_add_policy(w, "local", "p", "10.0.0.2");
	APPLY(w, ASSIGN);
	assert_true(file_says("options ipsecdrv startup_mode=block diag=2\n"));

	/* while the agent runs, too */
	write_text("options ipsecdrv startup_mode=block diag=4\n");
	assert_string_equal(set_config(w, "ipsecexempt", "0"), "");
	assert_true(file_says("startup_mode=block boot_exempt=UDP:0:68:inbound exempt=0 diag=4 "));
	assert_string_equal(set_config(w, "bootmode", "stateful"), "");
	assert_true(file_says("startup_mode=stateful "));
	strcat(file_path, ".old");
	assert_true(file_says("options ipsecdrv startup_mode=block diag=4\n"));
}

/* Rules of ipseccmd's dynamic mode come back after a reboot. */
static void test_runs(void **state)
{
	struct world *w = *state;
	struct policy_runs runs = { .n_mms = 0 };
	sd_bus_message *m = world_call_new(w, "AddRuns");
	const char *rule = "srcaddr=me dstaddr=10.0.0.2 actioninbound=block actionoutbound=block";

	assert_int_equal(policy_runs_add_rule(&runs, test_rule(rule, NULL)), 0);
	assert_true(sd_bus_message_append(m, "u", 0) >= 0);
	assert_true(policy_bus_append_runs(m, &runs) >= 0);
	policy_runs_clear(&runs);
	world_make_call(w, m);
	assert_string_equal(world_error_name(w), "");
	assert_true(file_says("startup_mode=stateful "));
	assert_string_equal(world_call_plain(w, "DeleteRuns"), "");
	assert_true(file_says("startup_mode=permit "));
}

#define BOOT_TEST(name, function) { name, function, set_up, tear_down, NULL }

int main(void)
{
	const struct CMUnitTest tests[] = {
		BOOT_TEST("D02 D05 assigned policy makes the boot mode stateful, none permit",
			  test_mode_by_policy),
		BOOT_TEST("D05 persistent policy does so for the boot that it waits for",
			  test_persistent),
		BOOT_TEST("D12 D28 N23 N24 what is configured is what the driver starts with",
			  test_configured),
		BOOT_TEST("what cannot be written is not done", test_not_written),
		BOOT_TEST("D13 what was changed by hand counts, and stays until something is set", test_by_hand),
		BOOT_TEST("D05 rules of ipseccmd count as policy", test_runs),
	};

	return cmocka_run_group_tests_name("agent: boot", tests, NULL, NULL);
}
