// SPDX-License-Identifier: MIT
/* Changes and contents through a D-Bus message and back, and what a well-behaved caller never sends. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <cmocka.h>

#include "policy/address.h"
#include "store/bus.h"
#include "store/test_content.h"
#include "store/text.h"

/* Messages need a bus that has begun; nobody answers on this one. */
static sd_bus *bus;
static int peer = -1;

static int start_bus(void **state)
{
	int fds[2];

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
	assert_true(sd_bus_new(&bus) >= 0);
	assert_true(sd_bus_set_fd(bus, fds[0], fds[0]) >= 0);
	assert_true(sd_bus_start(bus) >= 0);
	peer = fds[1];
	return 0;
}

static int stop_bus(void **state)
{
	(void)state;
	sd_bus_close_unref(bus);
	return close(peer);
}

static sd_bus_message *new_message(void)
{
	sd_bus_message *m = NULL;

	assert_true(sd_bus_message_new_method_call(bus, &m, NULL, POLICY_BUS_PATH,
						   POLICY_BUS_INTERFACE, "Test") >= 0);
	return m;
}

static void seal(sd_bus_message *m)
{
	assert_true(sd_bus_message_seal(m, 1, 0) >= 0);
	assert_true(sd_bus_message_rewind(m, true) >= 0);
}

static char *change_text(const struct store_change *change)
{
	char *text = NULL;
	size_t len;
	FILE *file = open_memstream(&text, &len);

	assert_non_null(file);
	store_change_print(file, change, true);
	assert_int_equal(fclose(file), 0);
	return text;
}

/* --- there and back ----------------------------------------------------------------------- */

static void changes(void **state)
{
	static const char *const lines[] = {
		"static add policy name=\"a b\" mmpfs=yes qmpermm=3 mmlifetime=60 "
		"activatedefaultrule=no pollinginterval=5 mmsecmethods=\"AES256-SHA256-14 DES-MD5-1\"",
		"static add filterlist name=l description=\"x y\"",
		"static add filter filterlist=l srcaddr=me dstaddr=10.0.0.0/255.0.255.0 "
		"description=d protocol=TCP mirrored=no srcport=1 dstport=65535",
		"static add filteraction name=a qmpfs=yes inpass=yes soft=yes "
		"qmsecmethods=\"ESP[AES128,SHA1]:100000k/3600s AH[MD5]\"",
		"static add filteraction name=a action=block qmsecmethods=\"\" tool=yes",
		"static add rule name=r policy=p filterlist=l filteraction=a tunnel=peer.example "
		"conntype=lan activate=no description=d psk=\"k  = k\" kerberos=yes "
		"rootca=\"CN=X certmap:yes excludecaname:no\"",
		"static set policy name=p newname=q assign=yes activatedefaultrule=yes",
		"static set policy guid={72385236-70FA-11D1-864C-14A300000000} description=\"\"",
		"static set rule id=2 policy=p tunnel=none activate=no kerberos=yes",
		"static set rule name=r policy=p newname=s description=\"\" filterlist=m psk=secret",
		"static set filteraction name=a action=permit inpass=no soft=no qmpfs=no",
		"static set defaultrule policy=p qmpfs=yes activate=no qmsecmethods=\"AH[SHA1]\" psk=x",
		"static delete policy all",
		"static delete rule id=1 policy=p",
		"static delete rule all policy=p",
		"static delete filterlist name=l",
		"static delete filter filterlist=l srcaddr=me dstaddr=any protocol=ANY mirrored=yes "
		"srcport=0",
	};
	sd_bus_message *m = new_message();
	char why[POLICY_WHY_LEN] = "";
	struct store_change change;

	(void)state;
	assert_true(sd_bus_message_open_container(m, 'a', "(ssa{sv})") >= 0);
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		test_change_parse(lines[i], &change);
		assert_true(store_bus_append_change(m, &change) >= 0);
		store_change_clear(&change);
	}
	assert_true(sd_bus_message_close_container(m) >= 0);
	seal(m);
	assert_int_equal(sd_bus_message_enter_container(m, 'a', "(ssa{sv})"), 1);
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		struct store_change sent;
		char *wanted, *got;

		test_change_parse(lines[i], &sent);
		if (store_bus_read_change(m, &change, why) != 1)
			fail_msg("%s: %s", lines[i], why);
		wanted = change_text(&sent);
		got = change_text(&change);
		assert_string_equal(got, wanted);
		if (sent.verb == STORE_VERB_SET || sent.kind == STORE_KIND_FILTER)
			assert_int_equal(change.given & sent.given, sent.given);
		free(wanted);
		free(got);
		store_change_clear(&change);
		store_change_clear(&sent);
	}
	assert_int_equal(store_bus_read_change(m, &change, why), 0);
	sd_bus_message_unref(m);
}

/* GUIDs and times too, which a comparison of contents leaves out. */
static void assert_same_heads(const struct store_content *a, const struct store_content *b)
{
	for (size_t i = 0; i < a->n_policies; i++) {
		const struct store_policy *x = a->policies[i], *y = b->policies[i];

		assert_true(sd_id128_equal(x->head.guid, y->head.guid));
		assert_true(x->head.modified == y->head.modified);
		for (size_t j = 0; j < x->n_rules; j++)
			assert_true(sd_id128_equal(x->rules[j]->head.guid, y->rules[j]->head.guid));
	}
	for (size_t i = 0; i < a->n_lists; i++)
		for (size_t j = 0; j < a->lists[i]->n_filters; j++)
			assert_true(sd_id128_equal(a->lists[i]->filters[j]->head.guid,
						   b->lists[i]->filters[j]->head.guid));
}

static sd_id128_t any_guid(void)
{
	sd_id128_t guid;

	for (size_t i = 0; i < sizeof(guid.bytes); i++)
		guid.bytes[i] = (uint8_t)test_below(256);
	return guid;
}

static void give_heads(struct store_content *content)
{
	for (size_t i = 0; i < content->n_policies; i++) {
		struct store_policy *policy = content->policies[i];

		policy->head.guid = any_guid();
		policy->head.modified = test_below(2000000000);
		policy->is_tool = test_below(2);
		for (size_t j = 0; j < policy->n_rules; j++)
			policy->rules[j]->head.guid = any_guid();
	}
	for (size_t i = 0; i < content->n_lists; i++)
		for (size_t j = 0; j < content->lists[i]->n_filters; j++)
			content->lists[i]->filters[j]->head.guid = any_guid();
}

static void random_contents(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= 200; seed++) {
		struct store_content *content = test_content_random(seed), *back = NULL;
		sd_bus_message *m = new_message();
		char why[POLICY_WHY_LEN] = "";

		give_heads(content);
		assert_true(store_bus_append_content(m, content) >= 0);
		seal(m);
		if (store_bus_read_content(m, &back, why) < 0)
			fail_msg("seed %d: %s", (int)seed, why);
		assert_true(store_content_is_equal(content, back));
		assert_same_heads(content, back);
		for (size_t i = 0; i < back->n_policies; i++)
			for (size_t j = 1; j < back->policies[i]->n_rules; j++)
				assert_non_null(back->policies[i]->rules[j]->list);
		store_content_free(content);
		store_content_free(back);
		sd_bus_message_unref(m);
	}
}

/* Whole objects: an import's policy comes with its rules. */
static void imports(void **state)
{
	_cleanup_(store_content_freep) struct store_content *content = NULL;
	struct store_change change = { .verb = STORE_VERB_IMPORT, .kind = STORE_KIND_POLICY }, back;
	sd_bus_message *m = new_message();
	char why[POLICY_WHY_LEN] = "";

	(void)state;
	content = test_content_from("static add filteraction name=a\n"
				    "static add filterlist name=l\n"
				    "static add policy name=p\n"
				    "static add rule name=r policy=p filterlist=l filteraction=a psk=k\n"
				    "static set defaultrule policy=p qmpfs=yes\n");
	give_heads(content);
	change.store_policy = content->policies[0];
	change.store_policy->rules[0]->own_action->head.guid = any_guid();
	assert_true(sd_bus_message_open_container(m, 'a', "(ssa{sv})") >= 0);
	assert_true(store_bus_append_change(m, &change) >= 0);
	assert_true(sd_bus_message_close_container(m) >= 0);
	seal(m);
	assert_int_equal(sd_bus_message_enter_container(m, 'a', "(ssa{sv})"), 1);
	assert_int_equal(store_bus_read_change(m, &back, why), 1);
	assert_int_equal(back.verb, STORE_VERB_IMPORT);
	assert_true(sd_id128_is_null(back.guid));
	assert_true(sd_id128_equal(back.store_policy->head.guid, change.store_policy->head.guid));
	assert_int_equal(back.store_policy->n_rules, 2);
	assert_true(back.store_policy->rules[0]->own_action->qmpfs);
	assert_true(sd_id128_equal(back.store_policy->rules[0]->own_action->head.guid,
				   change.store_policy->rules[0]->own_action->head.guid));
	assert_string_equal(back.store_policy->rules[1]->methods[0].secret, "k");
	store_change_clear(&back);
	sd_bus_message_unref(m);
}

static void many_filters(void **state)
{
	_cleanup_(store_content_freep) struct store_content *content = store_content_new();
	_cleanup_(store_content_freep) struct store_content *back = NULL;
	struct store_filter_list *list = store_filter_list_new();
	sd_bus_message *m = new_message();
	char why[POLICY_WHY_LEN] = "";

	(void)state;
	list->head.name = strdup("l");
	for (uint32_t i = 0; i < 20000; i++) {
		struct store_filter *filter = store_filter_new();

		filter->destination.kind = POLICY_ADDRESS_IP;
		filter->destination.addr = ip_addr_v4(0x0a000000 + i);
		filter->destination.mask = policy_mask_from_prefix(AF_INET, 32);
		filter->head.guid = any_guid();
		assert_int_equal(store_filter_list_add(list, filter), 0);
	}
	assert_int_equal(store_content_add_list(content, list), 0);
	assert_true(store_bus_append_content(m, content) >= 0);
	seal(m);
	if (store_bus_read_content(m, &back, why) < 0)
		fail_msg("%s", why);
	assert_true(store_content_is_equal(content, back));
	sd_bus_message_unref(m);
}

static void queries(void **state)
{
	const struct store_query cases[] = {
		{ .policy = NULL }, { .policy = "p" }, { .only_assigned = true },
		{ .policy = "p", .without_filters = true },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		sd_bus_message *m = new_message();
		struct store_query back;
		char why[POLICY_WHY_LEN];

		assert_true(store_bus_append_query(m, &cases[i]) >= 0);
		seal(m);
		assert_int_equal(store_bus_read_query(m, &back, why), 0);
		if (cases[i].policy)
			assert_string_equal(back.policy, cases[i].policy);
		else
			assert_null(back.policy);
		assert_int_equal(back.only_assigned, cases[i].only_assigned);
		assert_int_equal(back.without_filters, cases[i].without_filters);
		sd_bus_message_unref(m);
	}
}

/* --- what is refused ---------------------------------------------------------------------- */

static void refused_changes(void **state)
{
	static const struct {
		const char *verb;
		const char *kind;
		const char *key;
		const char *type;
		const char *text;
		uint32_t number;
		const char *why;
	} cases[] = {
		{ "drop", "policy", "name", "s", "x", 0, "no change" },
		{ "add", "table", "name", "s", "x", 0, "no kind" },
		{ "add", "policy", "colour", "s", "red", 0, "colour" },
		{ "add", "policy", "newname", "s", "x", 0, "newname" },
		{ "add", "policy", "name", "u", NULL, 1, "not of type" },
		{ "add", "policy", "qmpermm", "s", "1", 0, "not of type" },
		{ "add", "policy", "mmlifetime", "u", NULL, 0, "mmlifetime" },
		{ "add", "policy", "auth", "s", "kerberos", 0, "auth" },
		{ "add", "policy", "filters", "s", "x", 0, "filters" },
		{ "add", "policy", "rules", "s", "x", 0, "not of type" },
		{ "add", "policy", "guid", "s", "x", 0, "guid" },
		{ "add", "policy", "actionguid", "s", "x", 0, "actionguid" },
		{ "add", "policy", "modified", "u", NULL, 1, "not of type" },
		{ "add", "filterlist", "rules", "s", "x", 0, "rules" },
		{ "add", "filterlist", "filters", "as", NULL, 0, "not of type" },
		{ "add", "rule", "auth", "s", "kerberos", 0, "not of type" },
		{ "add", "rule", "psk", "s", "x", 0, "psk" },
		{ "add", "filter", "srcaddr", "s", "10.0.0.300", 0, "10.0.0.300" },
		{ "add", "filter", "srcport", "u", NULL, 65536, "srcport" },
		{ "add", "filter", "mirrored", "s", "yes", 0, "not of type" },
		{ "delete", "policy", "modified", "t", NULL, 0, "modified" },
		{ "delete", "rule", "auth", "as", NULL, 0, "auth" },
		{ "delete", "policy", "description", "s", "x", 0, "description" },
		{ "set", "policy", "rules", "as", NULL, 0, "rules" },
		{ "set", "rule", "id", "u", NULL, 0, "id" },
		{ "set", "policy", "guid", "s", "{}", 0, "guid" },
		{ "delete", "policy", "all", "b", NULL, 0, "all" },
		{ "add", "filterlist", "name", "s", "a\nb", 0, "control" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		sd_bus_message *m = new_message();
		struct store_change change;
		char why[POLICY_WHY_LEN] = "";
		int err;

		assert_true(sd_bus_message_open_container(m, 'r', "ssa{sv}") >= 0);
		assert_true(sd_bus_message_append(m, "ss", cases[i].verb, cases[i].kind) >= 0);
		if (!strcmp(cases[i].type, "as"))
			err = sd_bus_message_append(m, "a{sv}", 1, cases[i].key, "as", 1, "x");
		else if (*cases[i].type == 't')
			err = sd_bus_message_append(m, "a{sv}", 1, cases[i].key, "t", UINT64_C(1));
		else if (*cases[i].type == 's')
			err = sd_bus_message_append(m, "a{sv}", 1, cases[i].key, "s",
						    cases[i].text);
		else
			err = sd_bus_message_append(m, "a{sv}", 1, cases[i].key, cases[i].type,
						    cases[i].number);
		assert_true(err >= 0);
		assert_true(sd_bus_message_close_container(m) >= 0);
		seal(m);
		assert_int_equal(store_bus_read_change(m, &change, why), -EINVAL);
		if (!strstr(why, cases[i].why))
			fail_msg("case %zu: \"%s\" does not say \"%s\"", i, why, cases[i].why);
		sd_bus_message_unref(m);
	}
}

static void twice(void **state)
{
	sd_bus_message *m = new_message();
	struct store_change change;
	char why[POLICY_WHY_LEN] = "";

	(void)state;
	assert_true(sd_bus_message_append(m, "(ssa{sv})", "add", "policy", 2, "name", "s", "x",
					  "name", "s", "y") >= 0);
	seal(m);
	assert_int_equal(store_bus_read_change(m, &change, why), -EINVAL);
	assert_non_null(strstr(why, "twice"));
	sd_bus_message_unref(m);
}

/* A part that belongs elsewhere, and contents of what stands in no store by itself. */
static void parts_of_another(void **state)
{
	struct store_content *content = NULL;
	struct store_change change;
	char why[POLICY_WHY_LEN] = "";
	sd_bus_message *m = new_message();

	(void)state;
	assert_true(sd_bus_message_append(m, "(ssa{sv})", "import", "policy", 1, "rules",
					  "a(sa{sv})", 1, "filter", 1, "srcaddr", "s", "me") >= 0);
	seal(m);
	assert_int_equal(store_bus_read_change(m, &change, why), -EINVAL);
	assert_non_null(strstr(why, "rules only"));
	sd_bus_message_unref(m);
	m = new_message();
	assert_true(sd_bus_message_append(m, "(ssa{sv})", "import", "filterlist", 1, "filters",
					  "a(sa{sv})", 1, "policy", 1, "rules", "a(sa{sv})", 0) >= 0);
	seal(m);
	assert_int_equal(store_bus_read_change(m, &change, why), -EINVAL);
	assert_non_null(strstr(why, "filters only"));
	sd_bus_message_unref(m);
	m = new_message();
	assert_true(sd_bus_message_append(m, "a(sa{sv})", 1, "rule", 1, "name", "s", "r") >= 0);
	seal(m);
	assert_int_equal(store_bus_read_content(m, &content, why), -EINVAL);
	assert_non_null(strstr(why, "rule"));
	sd_bus_message_unref(m);
}

static void other_forms(void **state)
{
	static const char *const types[] = { "s", "as", "a{sv}", "(ss)", "a(ss)", "(sa{sv})", "" };
	struct store_content *content = NULL;
	struct store_change change;
	struct store_query query;

	(void)state;
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		sd_bus_message *m = new_message();
		char why[POLICY_WHY_LEN] = "";
		int err = 0;

		if (!strcmp(types[i], "s"))
			err = sd_bus_message_append(m, "s", "x");
		else if (!strcmp(types[i], "(ss)"))
			err = sd_bus_message_append(m, "(ss)", "x", "y");
		else if (!strcmp(types[i], "(sa{sv})"))
			err = sd_bus_message_append(m, "(sa{sv})", "policy", 0);
		else if (*types[i])
			err = sd_bus_message_append(m, types[i], 0);
		assert_true(err >= 0);
		seal(m);
		assert_true(store_bus_read_content(m, &content, why) < 0);
		assert_true(*why);
		assert_true(store_bus_read_change(m, &change, why) < 0);
		if (strcmp(types[i], "a{sv}") != 0)
			assert_true(store_bus_read_query(m, &query, why) < 0);
		sd_bus_message_unref(m);
	}
}

static void refused_queries(void **state)
{
	struct store_query query;
	char why[POLICY_WHY_LEN] = "";
	sd_bus_message *m = new_message();

	(void)state;
	assert_true(sd_bus_message_append(m, "a{sv}", 1, "policy", "u", 1) >= 0);
	assert_true(sd_bus_message_append(m, "a{sv}", 1, "colour", "b", 1) >= 0);
	seal(m);
	assert_int_equal(store_bus_read_query(m, &query, why), -EINVAL);
	sd_bus_message_unref(m);
	m = new_message();
	assert_true(sd_bus_message_append(m, "a{sv}", 1, "colour", "b", 1) >= 0);
	seal(m);
	assert_int_equal(store_bus_read_query(m, &query, why), -EINVAL);
	assert_non_null(strstr(why, "colour"));
	sd_bus_message_unref(m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(changes),
		cmocka_unit_test(random_contents),
		cmocka_unit_test(imports),
		cmocka_unit_test(many_filters),
		cmocka_unit_test(queries),
		cmocka_unit_test(refused_changes),
		cmocka_unit_test(twice),
		cmocka_unit_test(parts_of_another),
		cmocka_unit_test(other_forms),
		cmocka_unit_test(refused_queries),
	};

	return cmocka_run_group_tests(tests, start_bus, stop_bus);
}
