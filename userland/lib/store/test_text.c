// SPDX-License-Identifier: MIT
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "store/guid.h"
#include "store/test_content.h"
#include "store/text.h"

#define ROUNDS 300

static char *print_content(const struct store_content *content, bool with_secrets)
{
	char *text = NULL;
	size_t len;
	FILE *file = open_memstream(&text, &len);

	assert_non_null(file);
	store_content_print(file, content, with_secrets);
	assert_int_equal(fclose(file), 0);
	return text;
}

static char *print_change(const struct store_change *change, bool with_secrets)
{
	char *text = NULL;
	size_t len;
	FILE *file = open_memstream(&text, &len);

	assert_non_null(file);
	store_change_print(file, change, with_secrets);
	assert_int_equal(fclose(file), 0);
	return text;
}

static void dumps(void **state)
{
	(void)state;
	for (uint64_t i = 0; i < ROUNDS; i++) {
		struct store_content *content = test_content_random(i);
		char *text = print_content(content, true), *again;
		struct store_content *back = test_content_from(text);

		again = print_content(back, true);
		assert_string_equal(text, again);
		assert_true(store_content_is_equal(content, back));
		store_content_free(content);
		store_content_free(back);
		free(text);
		free(again);
	}
}

/* Lines that are printed as they are read. */
static const char *const lines[] = {
	("static add policy name=AndyPol description=\"a \"\"b\"\" c\" mmpfs=yes qmpermm=3 mmlifetime=10 "
	"activatedefaultrule=no pollinginterval=5 assign=yes softsaexpirationtime=60 "
	"mmsecmethods=AES256-SHA256-14"),
	"static add policy name=\"a b\"",
	"static add policy name=p tool=yes",
	"static add rule name=r policy=p filterlist=l filteraction=a tool=yes",
	"static add filteraction name=a tool=yes",
	"static add filterlist name=l description=d",
	("static add filter filterlist=\"my list\" srcaddr=me dstaddr=10.0.0.0/8 description=x "
	"protocol=TCP mirrored=no srcport=1 dstport=23"),
	"static add filter filterlist=l srcaddr=any dstaddr=me",
	("static add filteraction name=a qmpfs=yes inpass=yes soft=yes "
	"qmsecmethods=\"ESP[3DES,SHA1]:100000k/3600s AH[MD5]\""),
	"static add filteraction name=drop action=block qmsecmethods=\"\"",
	("static add rule name=r policy=p filterlist=l filteraction=a tunnel=10.0.0.1 conntype=lan "
	"activate=no description=d psk=secret rootca=\"CN=A certmap:no excludecaname:yes\""),
	"static add rule name=r policy=p filterlist=l filteraction=a",
	"static set policy name=p newname=q description=\"\" assign=no",
	"static set policy guid={72385236-70FA-11D1-864C-14A300000000} activatedefaultrule=yes",
	"static set filteraction name=a action=permit",
	"static set filterlist name=a newname=b",
	"static set rule id=2 policy=p tunnel=none kerberos=yes",
	"static set rule name=r policy=p newname=s filterlist=l2 kerberos=yes psk=k",
	"static set defaultrule policy=p qmpfs=no activate=yes qmsecmethods=AH[SHA1] kerberos=yes",
	"static delete policy name=p",
	"static delete policy all",
	"static delete rule all policy=p",
	"static delete rule id=7 policy=p",
	"static delete filter filterlist=l srcaddr=me dstaddr=any protocol=ANY mirrored=yes srcport=0",
	"static delete filteraction guid={72385236-70FA-11D1-864C-14A300000000}",
};

static void changes(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		struct store_change change;
		char *text;

		test_change_parse(lines[i], &change);
		text = print_change(&change, true);
		assert_string_equal(text, lines[i]);
		free(text);
		store_change_clear(&change);
	}
}

static void found_by(void **state)
{
	struct store_change change;

	(void)state;
	test_change_parse("static set rule id=2 policy=p activate=no psk=k rootca=CN=B", &change);
	assert_int_equal(change.id, 2);
	assert_string_equal(change.policy, "p");
	assert_int_equal(change.given, STORE_FIELD_ACTIVATE | STORE_FIELD_AUTH);
	assert_false(change.rule->is_active);
	assert_int_equal(change.rule->n_methods, 2);
	store_change_clear(&change);
	test_change_parse("static delete filter filterlist=l srcaddr=me dstaddr=any dstport=0", &change);
	assert_string_equal(change.list, "l");
	assert_int_equal(change.given, STORE_FIELD_SRCADDR | STORE_FIELD_DSTADDR |
				       STORE_FIELD_DSTPORT);
	store_change_clear(&change);
	test_change_parse("static add policy name=p pollinginterval=0", &change);
	assert_int_equal(change.store_policy->polling_minutes, 180);
	assert_string_equal(change.store_policy->head.name, "p");
	store_change_clear(&change);
}

static void secrets(void **state)
{
	struct store_content *content = test_content_from(
		"static add policy name=p\n"
		"static add rule name=r policy=p filterlist=l filteraction=a psk=\"open sesame\"\n"
		"static set defaultrule policy=p psk=\"open sesame\"\n");
	char *text = print_content(content, false);

	(void)state;
	assert_null(strstr(text, "sesame"));
	assert_string_equal(text,
			    "static add policy name=p\n"
			    "static add rule name=r policy=p filterlist=l filteraction=a psk=*\n"
			    "static set defaultrule policy=p psk=*\n");
	free(text);
	store_content_free(content);
}

/* What can be run in an empty store needs what it refers to. */
static void order(void **state)
{
	static const char script[] =
		"static add filteraction name=a action=block\n"
		"static add filterlist name=l\n"
		"static add filter filterlist=l srcaddr=me dstaddr=any\n"
		"static add policy name=p activatedefaultrule=no\n"
		"static add rule name=r policy=p filterlist=l filteraction=a\n"
		"static set defaultrule policy=p qmpfs=yes\n"
		"static set policy name=p assign=yes\n";
	struct store_content *content = test_content_from(script);
	char *text = print_content(content, true);

	(void)state;
	assert_string_equal(text, script);
	assert_true(content->policies[0]->is_assigned);
	free(text);
	store_content_free(content);
}

static void refuse(enum store_verb verb, enum store_kind kind, const char *tag, const char *value,
		   const char *part)
{
	struct store_change change = { .verb = verb, .kind = kind };
	char why[POLICY_WHY_LEN] = "";

	assert_int_equal(store_change_set_tag(&change, tag, value, why), -EINVAL);
	if (!strstr(why, part))
		fail_msg("\"%s\" is not in: %s", part, why);
	store_change_clear(&change);
}

static void refusals(void **state)
{
	struct store_change change = { .verb = STORE_VERB_SET, .kind = STORE_KIND_POLICY };
	char why[POLICY_WHY_LEN] = "";

	(void)state;
	refuse(STORE_VERB_ADD, STORE_KIND_POLICY, "newname", "x", "no tag");
	refuse(STORE_VERB_ADD, STORE_KIND_POLICY, "guid", "x", "no tag");
	refuse(STORE_VERB_ADD, STORE_KIND_POLICY, "srcaddr", "me", "no tag");
	refuse(STORE_VERB_ADD, STORE_KIND_FILTER, "name", "x", "no tag");
	refuse(STORE_VERB_SET, STORE_KIND_DEFAULT_RULE, "name", "x", "no tag");
	refuse(STORE_VERB_SET, STORE_KIND_DEFAULT_RULE, "newname", "x", "no tag");
	refuse(STORE_VERB_SET, STORE_KIND_POLICY, "all", "yes", "no tag");
	refuse(STORE_VERB_DELETE, STORE_KIND_POLICY, "all", "no", "all");
	refuse(STORE_VERB_DELETE, STORE_KIND_POLICY, "mmpfs", "yes", "no tag");
	refuse(STORE_VERB_DELETE, STORE_KIND_FILTER, "description", "x", "no tag");
	refuse(STORE_VERB_SET, STORE_KIND_POLICY, "guid", "{72385236}", "guid");
	refuse(STORE_VERB_SET, STORE_KIND_RULE, "id", "0", "id");
	refuse(STORE_VERB_ADD, STORE_KIND_POLICY, "name", " ", "name");
	refuse(STORE_VERB_ADD, STORE_KIND_POLICY, "mmlifetime", "2881", "mmlifetime");
	refuse(STORE_VERB_ADD, STORE_KIND_POLICY, "mmpfs", "maybe", "yes or no");
	refuse(STORE_VERB_ADD, STORE_KIND_POLICY, "mmsecmethods", "DES", "DES");
	refuse(STORE_VERB_ADD, STORE_KIND_POLICY, "description", "\x01", "description");
	refuse(STORE_VERB_ADD, STORE_KIND_FILTER, "srcaddr", "10.0.0.0/33", "srcaddr");
	refuse(STORE_VERB_ADD, STORE_KIND_FILTER, "dstport", "65536", "dstport");
	refuse(STORE_VERB_ADD, STORE_KIND_FILTER, "protocol", "256", "protocol");
	refuse(STORE_VERB_ADD, STORE_KIND_FILTER_ACTION, "action", "drop", "action");
	refuse(STORE_VERB_ADD, STORE_KIND_FILTER_ACTION, "qmsecmethods", "ESP", "ESP");
	refuse(STORE_VERB_SET, STORE_KIND_DEFAULT_RULE, "qmsecmethods", "", "qmsecmethods");
	refuse(STORE_VERB_ADD, STORE_KIND_RULE, "tunnel", "1.2.3", "tunnel");
	refuse(STORE_VERB_ADD, STORE_KIND_RULE, "conntype", "x", "conntype");
	refuse(STORE_VERB_ADD, STORE_KIND_RULE, "psk", " ", "blank");
	assert_int_equal(store_change_set_tag(&change, "name", "p", why), 0);
	assert_int_equal(store_change_set_tag(&change, "name", "q", why), -EINVAL);
	assert_string_equal(change.name, "p");
	store_change_clear(&change);
}

static void guids(void **state)
{
	static const char *const bad[] = {
		"", "{", "{}", "72385236", "{72385236-70FA-11D1-864C-14A300000000",
		"72385236-70FA-11D1-864C-14A300000000}", "{72385236-70FA-11D1-864C-14A30000000G}",
		"7238523670FA11D1864C14A300000000", "{{72385236-70FA-11D1-864C-14A300000000}}",
	};
	char text[STORE_GUID_STRLEN];
	sd_id128_t guid;

	(void)state;
	assert_int_equal(store_guid_parse("{72385236-70fa-11D1-864C-14a300000000}", &guid), 0);
	assert_int_equal(guid.bytes[0], 0x72);
	assert_int_equal(guid.bytes[15], 0);
	assert_string_equal(store_guid_format(guid, text), "{72385236-70FA-11D1-864C-14A300000000}");
	assert_int_equal(store_guid_parse("72385236-70fa-11D1-864C-14a300000000", &guid), 0);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(store_guid_parse(bad[i], &guid), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		{ "a dump makes what was dumped", dumps, NULL, NULL, NULL },
		{ "commands are printed as they are read", changes, NULL, NULL, NULL },
		{ "what a command is to find, and what to change", found_by, NULL, NULL, NULL },
		{ "secrets are printed when they are asked for", secrets, NULL, NULL, NULL },
		{ "a dump has things before what uses them", order, NULL, NULL, NULL },
		{ "tags that are refused", refusals, NULL, NULL, NULL },
		{ "GUIDs", guids, NULL, NULL, NULL },
	};

	return cmocka_run_group_tests_name("store text", tests, NULL, NULL);
}
