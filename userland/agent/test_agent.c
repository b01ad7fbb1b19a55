// SPDX-License-Identifier: MIT
/* Changes, refusals, restarts, and the links to ipsec-ike and ipsec-cred. */
#include "agent/test_world.h"

#include <errno.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "agent/state.h"

/* --- changes ------------------------------------------------------------------------------ */

static void test_start_and_stop(void **state)
{
	struct world *w = *state;
	struct stat st;

	assert_int_equal(kernel_fake_mode(w->kernel), IPSECDRV_MODE_SECURE);
	assert_int_equal(world_count_filters(w), 0);
	assert_int_equal(stat(world_path_in(w, "control"), &st), 0);
	assert_int_equal(st.st_mode & 07777, 0666);
	world_add_peer_rule(w);
	assert_int_equal(world_count_filters(w), 1);
	assert_int_equal(stat(world_path_in(w, STATE_FILE), &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	world_start_ike(w);
	agent_stop(w->agent);
	assert_int_equal(kernel_fake_mode(w->kernel), IPSECDRV_MODE_PERMIT);
	assert_int_equal(world_count_filters(w), 0);
	assert_int_equal(stat(world_path_in(w, STATE_FILE), &st), -1);
	RUN_UNTIL(w, w->n_flushes);
}

/* When a call has been answered the driver has what it asked for. */
static void test_rules(void **state)
{
	struct world *w = *state;
	const struct kernel_filter *filters;
	size_t n;

	world_add_peer_rule(w);
	filters = kernel_fake_filters(w->kernel, &n);
	assert_int_equal(n, 1);
	assert_int_equal(filters[0].outbound, IPSECDRV_ACTION_NEGOTIATE);
	assert_string_equal(world_change_rule(w, "AddRule",
					      "srcaddr=any dstaddr=me protocol=tcp dstport=23 "
					      "actioninbound=block actionoutbound=block"),
			    "");
	assert_int_equal(world_count_filters(w), 3);	/* both families */
	assert_string_equal(world_change_rule(w, "SetRule",
					      "srcaddr=any dstaddr=me protocol=tcp dstport=23 "
					      "actioninbound=permit"),
			    "");
	filters = kernel_fake_filters(w->kernel, &n);
	for (size_t i = 0; i < n; i++)
		if (filters[i].protocol == 6)
			assert_int_equal(filters[i].inbound, IPSECDRV_ACTION_PERMIT);
	assert_string_equal(world_change_rule(w, "DeleteRule", "srcaddr=me dstaddr=10.0.0.2"), "");
	assert_int_equal(world_count_filters(w), 2);
	{
		sd_bus_message *m = world_call_new(w, "DeleteRule");

		assert_true(sd_bus_message_append(m, "a{sv}", 0) >= 0);
		world_make_call(w, m);
		assert_string_equal(world_error_name(w), "");
	}
	assert_int_equal(world_count_filters(w), 0);
	assert_string_equal(world_call_plain(w, "DeleteAll"), "");
	assert_int_equal(w->agent->rulesets[RULESET_LAYER_DYNAMIC]->n_mms, 0);
}

static void test_errors(void **state)
{
	struct world *w = *state;

	world_add_peer_rule(w);
	assert_string_equal(world_change_mm(w, "AddMmPolicy", "name=m"), "N13003");
	assert_string_equal(world_change_mm(w, "SetMmPolicy", "name=x mmlifetime=5"), "N13004");
	assert_string_equal(world_call_string(w, "DeleteMmPolicy", "x"), "N13004");
	assert_string_equal(world_call_string(w, "DeleteMmPolicy", "m"), "N13005");
	assert_string_equal(world_change_qm(w, "AddQmPolicy", "name=q"), "N13000");
	assert_string_equal(world_change_qm(w, "SetQmPolicy", "name=x soft=yes"), "N13001");
	assert_string_equal(world_call_string(w, "DeleteQmPolicy", "q"), "N13002");
	assert_string_equal(world_change_rule(w, "AddRule", PEER_RULE), "N13008");
	/* not the same rule, but the same traffic */
	assert_string_equal(world_change_rule(w, "AddRule",
					      "srcaddr=10.0.0.2 dstaddr=me mmpolicy=m "
					      "qmpolicy=q psk=k"),
			    "N13008");
	assert_string_equal(world_change_rule(w, "DeleteRule", "srcaddr=me dstaddr=10.0.0.3"),
			    "N13009");
	assert_string_equal(world_call_string(w, "ListQmFilters", "other"), "Invalid");
	assert_int_equal(world_count_filters(w), 1);
	assert_int_equal(w->agent->rulesets[RULESET_LAYER_DYNAMIC]->n_rules, 1);
}

/* The driver says no: its sentence arrives, and everywhere all is as before. */
static const char *first_key(const struct world *w)
{
	const struct ruleset *dynamic = w->agent->rulesets[RULESET_LAYER_DYNAMIC];

	return dynamic->rules[0]->treatment->rule->methods[0].secret;
}

static void test_rollback(void **state)
{
	struct world *w = *state;
	uint8_t *before, *after;
	size_t n_before, n_after;

	world_add_peer_rule(w);
	assert_int_equal(state_read(world_path_in(w, STATE_FILE), &before, &n_before), 0);
	kernel_fake_fail(w->kernel, KERNEL_FAKE_FILTERS_ADD, 1, -ENOSPC,
			 "Too many distinct masks.");
	assert_string_equal(world_change_rule(w, "AddRule",
					      "srcaddr=me dstaddr=10.0.0.9 mmpolicy=m "
					      "qmpolicy=q psk=k"),
			    "Failed");
	assert_non_null(strstr(world_error_text(w), "Too many distinct masks."));
	assert_int_equal(w->agent->rulesets[RULESET_LAYER_DYNAMIC]->n_rules, 1);
	assert_int_equal(w->agent->layers->n_filters, 1);
	assert_int_equal(world_count_filters(w), 1);
	kernel_fake_fail(w->kernel, KERNEL_FAKE_FILTERS_CHANGE, 1, -ENOMEM, "No memory.");
	assert_string_equal(
		world_change_rule(w, "SetRule", "srcaddr=me dstaddr=10.0.0.2 psk=other"), "Failed");
	assert_string_equal(first_key(w), "open sesame");
	assert_int_equal(state_read(world_path_in(w, STATE_FILE), &after, &n_after), 0);
	assert_int_equal(n_before, n_after);
	assert_memory_equal(before, after, n_before);
	assert_int_equal(access(world_path_in(w, STATE_FILE ".new"), F_OK), -1);
	free(before);
	free(after);
	/* and the same again goes through */
	assert_string_equal(world_change_rule(w, "AddRule",
					      "srcaddr=me dstaddr=10.0.0.9 mmpolicy=m "
					      "qmpolicy=q psk=k"),
			    "");
	assert_int_equal(world_count_filters(w), 2);
}

static void test_names(void **state)
{
	struct world *w = *state;
	const struct kernel_filter *filters;
	char text[KERNEL_FILTER_STRLEN];
	size_t n;

	assert_string_equal(world_change_rule(w, "AddRule", "srcaddr=me dstaddr=host.example "
					"actioninbound=block actionoutbound=block"), "");
	filters = kernel_fake_filters(w->kernel, &n);
	assert_int_equal(n, 1);
	assert_string_equal(kernel_filter_format(&filters[0], text), "me <-> 10.0.0.7 IPv4");
	assert_string_equal(world_change_rule(w, "AddRule", "srcaddr=me dstaddr=none.example "
					"actioninbound=block actionoutbound=block"), "Invalid");
	assert_non_null(strstr(world_error_text(w), "none.example"));
	assert_int_equal(w->agent->rulesets[RULESET_LAYER_DYNAMIC]->n_rules, 1);
	/* the loop goes on meanwhile: a call that waits does not hold up another */
	pthread_mutex_lock(&world_gate);
	world_send_call(w, world_rule_call(w, "AddRule",
					   "srcaddr=me dstaddr=slow.example actioninbound=block "
					   "actionoutbound=block"));
	assert_string_equal(world_call_plain(w, "ListRules"), "");
	w->reply = sd_bus_message_unref(w->reply);
	pthread_mutex_unlock(&world_gate);
	RUN_UNTIL(w, w->reply);
	assert_string_equal(world_error_name(w), "Invalid");
}

/* --- restart ------------------------------------------------------------------------------ */

static void test_restart(void **state)
{
	struct world *w = *state;
	struct kernel_flow flow = world_ping();
	char why[AGENT_WHY_LEN];
	struct kernel *kernel;
	uint32_t id;
	size_t n;

	world_add_peer_rule(w);
	assert_string_equal(world_change_rule(w, "AddRule", "srcaddr=me dstaddr=host.example "
					"actioninbound=block actionoutbound=block"), "");
	world_start_cred(w);
	world_start_ike(w);
	assert_int_not_equal(kernel_fake_packet(w->kernel, &flow), 0);
	RUN_UNTIL(w, w->n_acquires == 1);
	assert_int_equal(world_negotiate_pair(w, 100000 * 1024ULL), 0);
	id = kernel_fake_filters(w->kernel, &n)[0].id;

	w->ike = link_client_free(w->ike);
	kernel = world_crash(w);
	assert_int_equal(kernel_fake_mode(kernel), IPSECDRV_MODE_SECURE);
	if (world_start_agent(w, kernel, why))
		fail_msg("%s", why);
	world_connect_admin(w);
	assert_int_equal(w->agent->rulesets[RULESET_LAYER_DYNAMIC]->n_rules, 2);
	assert_int_equal(w->agent->rulesets[RULESET_LAYER_DYNAMIC]->n_mms, 1);
	assert_string_equal(first_key(w), "open sesame");
	assert_int_equal(world_count_filters(w), 2);
	assert_int_equal(kernel_fake_filters(w->kernel, &n)[0].id, id);
	(void)kernel_fake_sas(w->kernel, &n);
	assert_int_equal(n, 2);		/* the associations live on */
	RUN_UNTIL(w, w->n_secrets >= 2);
	assert_string_equal(w->secrets, "10.0.0.2/32=open sesame ");
	/* a new ipsec-ike takes them over */
	world_start_ike(w);
	RUN_UNTIL(w, w->n_adopts == 1);
}

/* A restart: only what is not protection ends. */
static void test_leave(void **state)
{
	struct world *w = *state;
	char why[AGENT_WHY_LEN];
	const struct kernel_flow flow = world_ping();
	struct kernel *kernel;
	struct stat st;
	size_t n;

	world_add_peer_rule(w);
	world_start_cred(w);
	world_start_ike(w);
	assert_int_not_equal(kernel_fake_packet(w->kernel, &flow), 0);
	RUN_UNTIL(w, w->n_acquires == 1);
	assert_int_equal(world_negotiate_pair(w, 100000 * 1024ULL), 0);
	agent_leave(w->agent);
	assert_int_equal(kernel_fake_mode(w->kernel), IPSECDRV_MODE_SECURE);
	assert_int_equal(world_count_filters(w), 1);
	(void)kernel_fake_sas(w->kernel, &n);
	assert_int_equal(n, 0);
	assert_int_equal(stat(world_path_in(w, STATE_FILE), &st), -1);
	RUN_UNTIL(w, w->n_flushes);
	/* the next one has no dynamic rules, and takes their filters away when it has its own */
	w->ike = link_client_free(w->ike);
	kernel = world_crash(w);
	assert_int_equal(world_start_agent(w, kernel, why), 0);
	assert_int_equal(kernel_fake_mode(kernel), IPSECDRV_MODE_SECURE);
	assert_int_equal(world_count_filters(w), 0);
}

static void test_damaged_state(void **state)
{
	struct world *w = *state;
	char why[AGENT_WHY_LEN], path[128];
	struct kernel *kernel;
	FILE *file;

	world_add_peer_rule(w);
	kernel = world_crash(w);
	snprintf(path, sizeof(path), "%s", world_path_in(w, STATE_FILE));
	file = fopen(path, "r+");
	assert_non_null(file);
	assert_int_equal(fseek(file, 40, SEEK_SET), 0);
	fputc(0xff, file);
	fclose(file);
	/* it does not start with less than the driver protects by */
	w->kernel = NULL;
	{
		struct kernel *spare = kernel_fake_new();

		assert_int_not_equal(world_start_agent(w, spare, why), 0);
	}
	assert_non_null(strstr(why, path));
	w->kernel = kernel;
	assert_int_equal(world_count_filters(w), 1);
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

	world_add_peer_rule(w);
	assert_int_equal(world_start_agent(w, kernel_fake_new(), why), -EBUSY);
	assert_non_null(strstr(why, w->dir));
	w->agent = first;
	w->kernel = kernel;
	assert_string_equal(world_call_plain(w, "GetStatus"), "");
}

/* --- links -------------------------------------------------------------------------------- */

/* Keys go to ipsec-cred and not to ipsec-ike, and a negotiation waits until they are there. */
static void test_secrets(void **state)
{
	struct world *w = *state;
	struct kernel_flow flow = world_ping();

	w->cred_is_slow = true;
	world_add_peer_rule(w);
	world_start_ike(w);
	assert_int_not_equal(kernel_fake_packet(w->kernel, &flow), 0);
	world_start_cred(w);
	assert_string_equal(w->secrets, "10.0.0.2/32=open sesame ");
	/* the acquire has been seen when this is answered */
	assert_string_equal(world_call_plain(w, "GetStatus"), "");
	assert_int_equal(w->n_acquires, 0);
	w->cred_is_slow = false;
	world_answer_cred(w);
	RUN_UNTIL(w, w->n_acquires == 1);
	/* a changed key is there before the change is used */
	assert_string_equal(
		world_change_rule(w, "SetRule", "srcaddr=me dstaddr=10.0.0.2 psk=other"), "");
	RUN_UNTIL(w, w->n_secrets == 2);
	assert_string_equal(w->secrets, "10.0.0.2/32=other ");
}

/* A certificate or a keytab comes, and ipsec-cred says so; of another list it can say nothing. */
static void test_cred_tells(void **state)
{
	struct world *w = *state;
	struct link_rule_state rules[] = {
		{ .usable = 1 << IKE_AUTH_PSK | 1 << IKE_AUTH_RSA_SIG }, { .usable = 0 },
	};
	struct link_credential_state tells = { rules, 1, (char *)"host$@TEST" };
	struct link_credential_state of_others = { rules, 2, (char *)"" };
	struct fault fault;
	struct layer_mm *mm;

	world_add_peer_rule(w);
	world_start_cred(w);
	mm = &w->agent->layers->mms[0];
	RUN_UNTIL(w, mm->usable == 1 << IKE_AUTH_PSK);
	assert_int_equal(w->crl_check, 1);
	assert_string_equal(w->gss, "host$@A.TEST of A.TEST, B.TEST");
	assert_int_equal(link_send(w->cred_link, &link_credentials_changed, &tells), 0);
	RUN_UNTIL(w, mm->usable == (1 << IKE_AUTH_PSK | 1 << IKE_AUTH_RSA_SIG));
	rules[0].usable = 0;
	assert_int_equal(link_send(w->cred_link, &link_credentials_changed, &of_others), 0);
	/* the next list comes after it, with the configuration's number */
	assert_true(config_set(w->agent->config, "strongcrlcheck", "2", &fault) >= 0);
	assert_int_equal(agent_apply_config(w->agent, &fault), 0);
	RUN_UNTIL(w, w->crl_check == 2);
	assert_int_equal(mm->usable, 1 << IKE_AUTH_PSK | 1 << IKE_AUTH_RSA_SIG);
	RUN_UNTIL(w, mm->usable == 1 << IKE_AUTH_PSK);
}

static void test_ike_link(void **state)
{
	struct world *w = *state;
	struct kernel_flow flow = world_ping();
	const struct kernel_sa *sas;
	size_t n;

	world_add_peer_rule(w);
	world_start_cred(w);
	world_start_ike(w);
	assert_false(w->ike_config.keylog);
	assert_int_not_equal(kernel_fake_packet(w->kernel, &flow), 0);
	RUN_UNTIL(w, w->n_acquires == 1);
	/* more than policy allows is refused over the link, too */
	assert_int_equal(world_negotiate_pair(w, 100000 * 1024ULL + 1), -EPERM);
	assert_int_equal(world_negotiate_pair(w, 100000 * 1024ULL), 0);
	sas = kernel_fake_sas(w->kernel, &n);
	assert_int_equal(n, 3);		/* and a larval one of the attempt before */
	assert_int_equal(sas[1].filter_id, kernel_fake_filters(w->kernel, &n)[0].id);
	/* IKE dies; the associations stay, the next one takes them over */
	world_stop_ike(w);
	(void)kernel_fake_sas(w->kernel, &n);
	assert_int_equal(n, 3);
	world_start_ike(w);
	RUN_UNTIL(w, w->n_adopts == 1);
}

/* Whoever is not root gets no answer at all. */
static void test_stranger(void **state)
{
	struct world *w = *state;
	struct stat st;
	int status;
	pid_t pid;

	/* Who is not root has nobody else to be; then the kernel is asked to keep others out. */
	assert_int_equal(stat(world_path_in(w, "control"), &st), 0);
	assert_int_equal(st.st_mode & 07777, 0666);
	assert_int_equal(st.st_uid, geteuid());
	if (geteuid())
		return;
	assert_int_equal(chmod(w->dir, 0755), 0);
	/* and the mode is not what keeps it out */
	assert_int_equal(chmod(world_path_in(w, "control"), 0666), 0);
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
	assert_string_equal(world_call_plain(w, "GetStatus"), "");
}

/* No command does that; it takes a program of root's that talks to the driver. */
static void test_mode_of_somebody_else(void **state)
{
	struct world *w = *state;

	assert_int_equal(w->kernel->ops->mode_set(w->kernel, IPSECDRV_MODE_PERMIT, -1), 0);
	RUN_UNTIL(w, kernel_fake_mode(w->kernel) == IPSECDRV_MODE_SECURE);
}

/* Nothing can be written beside dynamic.state: a full disk. */
static void test_full_disk(void **state)
{
	struct world *w = *state;

	world_add_peer_rule(w);
	assert_int_equal(mkdir(world_path_in(w, STATE_FILE ".new"), 0700), 0);
	/* a crash would lose it */
	assert_string_equal(world_change_rule(w, "AddRule", "srcaddr=me dstaddr=10.0.0.9 "
					      "actioninbound=block actionoutbound=block"),
			    "Failed");
	assert_non_null(strstr(world_error_text(w), "dynamic.state could not be written"));
	assert_int_equal(world_count_filters(w), 1);
	/* addresses of names, and stored policy, are in force all the same */
	agent_refresh(w->agent);
	assert_false(w->agent->needs_refresh);
	assert_int_equal(rmdir(world_path_in(w, STATE_FILE ".new")), 0);
	assert_string_equal(world_change_rule(w, "AddRule", "srcaddr=me dstaddr=10.0.0.9 "
					      "actioninbound=block actionoutbound=block"), "");
	assert_int_equal(world_count_filters(w), 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		WORLD_TEST("test_start_and_stop", test_start_and_stop),
		WORLD_TEST("A01 A18 a restart forgets, but protects", test_leave),
		WORLD_TEST("N03 N17 rules act at once", test_rules),
		WORLD_TEST("N17 errors have the service's numbers", test_errors),
		WORLD_TEST("N03 what the driver refuses has not happened", test_rollback),
		WORLD_TEST("F35 rules with DNS names", test_names),
		WORLD_TEST("test_restart", test_restart),
		WORLD_TEST("test_damaged_state", test_damaged_state),
		WORLD_TEST("test_one_agent", test_one_agent),
		WORLD_TEST("K06 keys go to ipsec-cred only", test_secrets),
		WORLD_TEST("K10 ipsec-cred tells what it has a credential for", test_cred_tells),
		WORLD_TEST("A25 associations go to the driver", test_ike_link),
		WORLD_TEST("D19 a mode that somebody else sets does not last",
			   test_mode_of_somebody_else),
		WORLD_TEST("a full disk: nothing new that a crash would lose, and all the rest",
			   test_full_disk),
		WORLD_TEST("test_stranger", test_stranger),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
