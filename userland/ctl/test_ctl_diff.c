// SPDX-License-Identifier: MIT
/* What is stored beside what is in force; and the administrator's connection, from its text. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/wait.h>

#include <cmocka.h>

#include "ctl/driver_diff.h"
#include "ctl/ssh.h"
#include "store/test_content.h"

static const char script[] =
	"static add filteraction name=drop action=block\n"
	"static add filteraction name=ask inpass=yes\n"
	"static add filterlist name=l\n"
	"static add filter filterlist=l srcaddr=any dstaddr=me protocol=TCP dstport=23\n"
	"static add filterlist name=m\n"
	"static add filter filterlist=m srcaddr=me dstaddr=10.0.0.0/8\n"
	"static add policy name=p assign=yes\n"
	"static add rule name=r1 policy=p filterlist=l filteraction=drop\n"
	"static add rule name=r2 policy=p filterlist=m filteraction=ask\n"
	"static add rule name=r3 policy=p filterlist=m filteraction=ask tunnel=10.0.0.1 conntype=lan\n"
	"static add rule name=r4 policy=p filterlist=m filteraction=drop activate=no\n";

/* As the agent tells them when the policy is in force. */
static const struct policy_qm_filter_info in_force[] = {
	{ .layer = "dynamic", .name = "x", .source = "me", .destination = "any", .protocol = "ANY",
	  .connection = "all", .inbound_action = "block", .outbound_action = "block" },
	{ .layer = "local", .name = "r1", .source = "any", .destination = "me", .protocol = "TCP",
	  .destination_port = 23, .mirrored = true, .connection = "all",
	  .inbound_action = "block", .outbound_action = "block" },
	{ .layer = "local", .name = "r2", .source = "me", .destination = "10.0.0.0/8",
	  .protocol = "ANY", .mirrored = true, .connection = "all",
	  .inbound_action = "permit", .outbound_action = "negotiate" },
	{ .layer = "local", .name = "r3", .source = "me", .destination = "10.0.0.0/8",
	  .protocol = "ANY", .connection = "lan", .tunnel_destination = "10.0.0.1",
	  .inbound_action = "permit", .outbound_action = "negotiate" },
};

#define N_IN_FORCE (sizeof(in_force) / sizeof(in_force[0]))

static struct driver_diff compare(const struct policy_qm_filter_info *filters, size_t n)
{
	struct store_content *content = test_content_from(script);
	struct driver_diff diff;

	assert_int_equal(driver_diff_make(store_content_assigned(content), "local", filters, n,
					  &diff), 0);
	store_content_free(content);
	return diff;
}

static void expect(const struct driver_difference *difference, enum driver_difference_type type,
		   const char *rule, const char *before, const char *after)
{
	assert_int_equal(difference->type, type);
	assert_string_equal(difference->rule, rule);
	if (before)
		assert_string_equal(difference->before, before);
	if (after)
		assert_string_equal(difference->after, after);
}

static void same(void **state)
{
	struct driver_diff diff = compare(in_force, N_IN_FORCE);

	(void)state;
	for (size_t i = 0; i < diff.n; i++)
		print_message("%s %s %s %s\n", diff.list[i].rule, diff.list[i].filter,
			      diff.list[i].before, diff.list[i].after);
	assert_int_equal(diff.n, 0);
	driver_diff_done(&diff);
}

static void different(void **state)
{
	struct policy_qm_filter_info filters[N_IN_FORCE + 1];
	struct driver_diff diff;

	(void)state;
	memcpy(filters, in_force, sizeof(in_force));
	filters[N_IN_FORCE] = in_force[1];
	filters[N_IN_FORCE].name = "r9";
	filters[1].inbound_action = "permit";
	filters[2].overruled_by = "persistent";
	filters[3].mirrored = true;
	diff = compare(filters, N_IN_FORCE + 1);
	assert_int_equal(diff.n, 5);
	expect(&diff.list[0], DRIVER_DIFFERENCE_CHANGED, "r1",
	       "actioninbound=block actionoutbound=block", "actioninbound=permit actionoutbound=block");
	assert_string_equal(diff.list[0].filter, "srcaddr=any dstaddr=me protocol=TCP dstport=23");
	expect(&diff.list[1], DRIVER_DIFFERENCE_OVERRULED, "r2", NULL, "persistent");
	expect(&diff.list[2], DRIVER_DIFFERENCE_NOT_STORED, "r3", NULL, NULL);
	expect(&diff.list[3], DRIVER_DIFFERENCE_NOT_IN_FORCE, "r3",
	       "actioninbound=permit actionoutbound=negotiate conntype=lan tunnel=10.0.0.1", NULL);
	expect(&diff.list[4], DRIVER_DIFFERENCE_NOT_STORED, "r9", NULL, NULL);
	driver_diff_done(&diff);
	/* nothing in force, nothing assigned */
	diff = compare(NULL, 0);
	assert_int_equal(diff.n, 3);
	driver_diff_done(&diff);
	assert_int_equal(driver_diff_make(NULL, "local", in_force, N_IN_FORCE, &diff), 0);
	assert_int_equal(diff.n, 3);
	driver_diff_done(&diff);
}

static void behind_the_agent(void **state)
{
	static const struct policy_driver_difference_info infos[] = {
		{ .difference = "missing", .id = 7, .rule = "r1", .filter = "me <-> any IPv4",
		  .before = "actioninbound=block" },
		{ .difference = "foreign", .id = 8, .filter = "me <-> me IPv6", .after = "x" },
		{ .difference = "tomorrow's", .id = 9, .filter = "f" },
	};
	struct driver_diff diff = compare(in_force, N_IN_FORCE);

	(void)state;
	assert_int_equal(driver_diff_add_foreign(&diff, infos, 2), 0);
	assert_int_equal(diff.n, 2);
	expect(&diff.list[0], DRIVER_DIFFERENCE_NOT_IN_FORCE, "r1", "actioninbound=block", NULL);
	assert_string_equal(diff.list[0].filter, "me <-> any IPv4 (ID 7)");
	expect(&diff.list[1], DRIVER_DIFFERENCE_FOREIGN, "", NULL, "x");
	assert_int_equal(driver_diff_add_foreign(&diff, infos, 3), -EBADMSG);
	driver_diff_done(&diff);
}

static void ssh_texts(void **state)
{
	static const char *const bad[] = {
		"", "10.0.0.2", "10.0.0.2 40000 10.0.0.1", "10.0.0.2 40000 10.0.0.1 22 ",
		"10.0.0.2 40000 10.0.0.1 65536", "10.0.0.2 40000 fe80::1 22", "a 1 10.0.0.1 22",
		"10.0.0.2  40000 10.0.0.1 22",
	};
	struct store_check_context context;

	(void)state;
	assert_int_equal(ctl_ssh_parse("10.0.0.2 40000 10.0.0.1 22", &context), 0);
	assert_int_equal(context.ssh_remote_port, 40000);
	assert_int_equal(context.ssh_local_port, 22);
	assert_int_equal(context.ssh_remote.bytes[3], 2);
	assert_int_equal(context.ssh_local.bytes[3], 1);
	assert_int_equal(ctl_ssh_parse("2001:db8::2 40000 2001:db8::1 22", &context), 0);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(ctl_ssh_parse(bad[i], &context), -EINVAL);
}

/* Runs in a process of its own, whose parent has the variable and which has not. */
static int look_as_child(void)
{
	char *found;

	unsetenv("SSH_CONNECTION");
	found = ctl_ssh_find();
	if (!found || strcmp(found, "10.0.0.2 40000 10.0.0.1 22") != 0)
		return 1;
	free(found);
	return 0;
}

/* The environment that others see is that of the last exec, so the test runs itself again. */
static void ssh_of_ancestors(void **state)
{
	pid_t pid;
	int status;

	(void)state;
	pid = fork();
	if (!pid) {
		setenv("SSH_CONNECTION", "10.0.0.2 40000 10.0.0.1 22", 1);
		execl("/proc/self/exe", "test_ctl_diff", "--parent", NULL);
		_exit(2);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

static int run_parent(void)
{
	pid_t pid = fork();
	int status;

	if (!pid)
		_exit(look_as_child());
	return waitpid(pid, &status, 0) == pid ? status : 3;
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		{ "what is in force is what is stored", same, NULL, NULL, NULL },
		{ "what is in force is something else", different, NULL, NULL, NULL },
		{ "what is done behind the agent is told", behind_the_agent, NULL, NULL, NULL },
		{ "an SSH connection is read strictly", ssh_texts, NULL, NULL, NULL },
		{ "an SSH connection is found behind sudo", ssh_of_ancestors, NULL, NULL, NULL },
	};

	if (argc == 2 && !strcmp(argv[1], "--parent"))
		return run_parent();
	return cmocka_run_group_tests_name("diff", tests, NULL, NULL);
}
