// SPDX-License-Identifier: MIT
/*
 * The manual pages against the tables that they describe: every command has a section, in which
 * every tag is an item; every property, exit code, mode, action, algorithm and reason is there; and
 * every table and column of a store. And every reason has a remedy.
 */
#include <ctype.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <linux/ipsecdrv.h>
#include <sqlite3.h>

#include "base/cleanup.h"
#include "ctl/command.h"
#include "nl/remedy.h"
#include "nl/names_gen.h"
#include "policy/config.h"
#include "store/finding.h"
#include "store/store.h"

static char *read_document(const char *name)
{
	const char *top = getenv("TOP") ?: ".";
	_cleanup_fclose_ FILE *file = NULL;
	char path[512], *text = NULL;
	size_t size = 0;

	snprintf(path, sizeof(path), "%s/Documentation/%s", top, name);
	file = fopen(path, "re");
	if (!file)
		fail_msg("no %s", path);
	assert_true(getdelim(&text, &size, '\0', file) > 0);
	return text;
}

static char *read_manual(const char *name)
{
	char path[64];

	snprintf(path, sizeof(path), "man/%s", name);
	return read_document(path);
}

/* From the heading to the next one of any level; the caller frees it. */
static char *section(const char *manual, const char *heading)
{
	const char *start = strstr(manual, heading), *end;

	if (!start)
		fail_msg("no section \"%s\"", heading);
	start += strlen(heading);
	/* .Sh or .Ss, and not .Sx, which refers to one */
	for (end = strstr(start, "\n.S"); end && !strchr("hs", end[3]); end = strstr(end + 1, "\n.S"))
		;
	return strndup(start, end ? (size_t)(end - start) : strlen(start));
}

/* Whether an item of the list ("tag, tag" or "tag = value") names @word. */
static bool has_item(const char *text, const char *word)
{
	size_t len = strlen(word);

	for (const char *at = text; (at = strstr(at, "\n.It Cm ")); at++) {
		const char *line = at + strlen("\n.It Cm ");
		size_t line_len = strcspn(line, "\n");

		for (const char *found = line; (found = strstr(found, word)); found++) {
			bool is_start = found == line || found[-1] == ' ';

			if (found >= line + line_len)
				break;
			if (is_start && (found[len] == ' ' || found[len] == '\n'))
				return true;
		}
	}
	return false;
}

static void check_command(const char *manual, const struct ctl_command *command)
{
	_cleanup_free_ char *text = NULL;
	char heading[128];

	snprintf(heading, sizeof(heading), "\n.Ss %s\n", command->path);
	text = section(manual, heading);
	for (size_t i = 0; i < command->n_tags; i++)
		if (!(command->tags[i].flags & CTL_TAG_HIDDEN) &&
		    !has_item(text, command->tags[i].name))
			fail_msg("%s: no tag %s", command->path, command->tags[i].name);
}

static void commands(void **state)
{
	_cleanup_free_ char *manual = read_manual("ipsecctl.8");
	const struct ctl_command *command;

	(void)state;
	for (size_t i = 0; (command = ctl_command_at(i)); i++)
		check_command(manual, command);
}

static void defaults(void **state)
{
	_cleanup_free_ char *manual = read_manual("ipsecctl.8"), *config = NULL;
	static const char *const texts[] = {
		"3DES-SHA1-2 3DES-MD5-2 DES-SHA1-1 DES-MD5-1", "ESP[3DES,SHA1] ESP[3DES,MD5]",
		"1000 to 2147483647", "300 to 172799", "group 14", "At most 20", "1 to 2880",
		".It Fl -run-dir", ".It Fl -json", ".It Fl f Ar file", ".It Fl -state-dir",
		".It Fl -dry-run", ".It Fl H", "IPSEC_POLICY_RUN_DIR",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		if (!strstr(manual, texts[i]))
			fail_msg("\"%s\" is missing", texts[i]);
	config = section(manual, "\n.Ss dynamic set config\n");
	for (size_t i = 0; i < policy_n_config_properties; i++)
		if (!has_item(config, policy_config_properties[i].name) ||
		    !strstr(config, policy_config_properties[i].fallback))
			fail_msg("property %s", policy_config_properties[i].name);
}

static void findings(void **state)
{
	_cleanup_free_ char *manual = read_manual("ipsecctl.8"), *text = NULL;
	const char *id;

	(void)state;
	text = section(manual, "\n.Ss check\n");
	for (size_t i = 0; (id = store_finding_id_at(i)); i++)
		if (!has_item(text, id))
			fail_msg("finding %s", id);
}

/* What scripts and administrators of one version would look for in another. */
static void differences(void **state)
{
	_cleanup_free_ char *text = read_document("differences.rst");
	static const char *const words[] = {
		"     - 2000\n     - XP\n     - Server 2003\n     - here\n",
		"bootmode", "bootexemptions", "Persistent policy", "NoDefaultExempt", "NAT",
		"Diffie-Hellman", "strongcrlcheck", "EnableDOSProtect", "ipsecpol", "ipseccmd",
		"netsh ipsec", "ipsecmon", "netdiag", "ipsecdiagnostics", "oakley.log",
		"restorepolicyexamples", ".ipsec",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (!strstr(text, words[i]))
			fail_msg("\"%s\" is missing", words[i]);
}

static void exit_codes(void **state)
{
	_cleanup_free_ char *manual = read_manual("ipsecctl.8"), *text = NULL;
	char item[24];

	(void)state;
	text = section(manual, "\n.Sh EXIT STATUS\n");
	for (int i = CTL_EXIT_OK; i <= CTL_EXIT_HOLD; i++) {
		snprintf(item, sizeof(item), "\n.It %d\n", i);
		assert_non_null(strstr(text, item));
	}
}

/* The lines of an item of a list, with blanks between them; the caller frees it. */
static char *item_text(const char *text, const char *name)
{
	char head[64], *copy;
	const char *start, *end;

	snprintf(head, sizeof(head), "\n.It Cm %s\n", name);
	start = strstr(text, head);
	if (!start)
		fail_msg("no item %s", name);
	start += strlen(head);
	end = strstr(start, "\n.");
	copy = strndup(start, end ? (size_t)(end - start) : strlen(start));
	for (char *c = copy; c && *c; c++)
		if (*c == '\n')
			*c = ' ';
	return copy;
}

static void check_values(const char *manual, const char *heading, unsigned int first,
			 unsigned int n, const char *(*name)(unsigned int value),
			 const char *(*text)(unsigned int value))
{
	_cleanup_free_ char *part = section(manual, heading);

	for (unsigned int i = first; i < n; i++) {
		_cleanup_free_ char *item = item_text(part, name(i));

		assert_string_equal(item, text(i));
	}
}

static void driver(void **state)
{
	_cleanup_free_ char *manual = read_manual("ipsecdrv.7");

	(void)state;
	check_values(manual, "\n.Ss Modes\n", 0, __IPSECDRV_MODE_MAX, nl_mode_name, nl_mode_text);
	check_values(manual, "\n.Ss Filters\n", 1, __IPSECDRV_ACTION_MAX, nl_action_name,
		     nl_action_text);
	check_values(manual, "\n.Ss Security associations\n", 1, __IPSECDRV_CIPHER_MAX,
		     nl_cipher_name, nl_cipher_text);
	check_values(manual, "\n.Ss Security associations\n", 1, __IPSECDRV_INTEGRITY_MAX,
		     nl_integrity_name, nl_integrity_text);
	check_values(manual, "\n.Ss Reasons\n", 1, __IPSECDRV_DROP_MAX, nl_drop_reason_name,
		     nl_drop_reason_text);
}

static void remedies(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < __IPSECDRV_DROP_MAX; i++)
		if (!nl_drop_remedy(nl_drop_reason_name(i)))
			fail_msg("no remedy for %s", nl_drop_reason_name(i));
	for (unsigned int i = 0; i < __IPSECDRV_PASS_REASON_MAX; i++)
		if (!nl_pass_remedy(nl_pass_reason_name(i)))
			fail_msg("no remedy for %s", nl_pass_reason_name(i));
	assert_null(nl_drop_remedy("tomorrow's"));
	assert_null(nl_pass_remedy("tomorrow's"));
}

/* Whether ".Cm" says @word in @text. */
static bool has_word(const char *text, const char *word)
{
	char line[64];
	size_t len = (size_t)snprintf(line, sizeof(line), "\n.Cm %s", word);

	for (const char *at = text; (at = strstr(at, line)); at++)
		if (isspace((unsigned char)at[len]))
			return true;
	return false;
}

/* The item of the list that is for @word, alone or among others. */
static char *item_of(const char *text, const char *word)
{
	for (const char *at = text; (at = strstr(at, "\n.It Cm ")); at++) {
		const char *end = strstr(at + 1, "\n.It ") ?: at + strlen(at);
		_cleanup_free_ char *item = strndup(at, (size_t)(end - at));

		if (has_item(item, word))
			return TAKE_PTR(item);
	}
	fail_msg("no item %s", word);
	return NULL;
}

static void check_table(const char *manual, const char *table, const char *column)
{
	_cleanup_free_ char *item = item_of(manual, table);
	_cleanup_free_ char *intro = strndup(manual, (size_t)(strstr(manual, "\n.It ") - manual));

	if (!has_word(item, column) && !has_word(intro, column) && !strstr(item, "columns are the tags"))
		fail_msg("table %s: no column %s", table, column);
}

static void store_layout(void **state)
{
	_cleanup_free_ char *manual = read_manual("ipsec-policy-stores.5"), *text = NULL;
	char folder[] = "/tmp/manual-XXXXXX", path[64];
	sqlite3_stmt *columns = NULL;
	struct store *store = NULL;
	sqlite3 *db = NULL;
	struct fault fault;
	unsigned int n = 0;

	(void)state;
	text = section(manual, "\n.Ss Tables\n");
	assert_non_null(mkdtemp(folder));
	snprintf(path, sizeof(path), "%s/local.db", folder);
	assert_int_equal(store_open(path, STORE_OPEN_WRITE | STORE_OPEN_CREATE, &store, &fault), 0);
	store_close(store);
	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	assert_int_equal(sqlite3_prepare_v2(db, "SELECT s.name, c.name FROM sqlite_schema s, "
					    "pragma_table_info(s.name) c WHERE s.type = 'table'", -1,
					    &columns, NULL), SQLITE_OK);
	for (; sqlite3_step(columns) == SQLITE_ROW; n++)
		check_table(text, (const char *)sqlite3_column_text(columns, 0),
			    (const char *)sqlite3_column_text(columns, 1));
	assert_true(n > 60);
	sqlite3_finalize(columns);
	assert_int_equal(sqlite3_close(db), SQLITE_OK);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(rmdir(folder), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		{ "every command and tag is in ipsecctl(8)", commands, NULL, NULL, NULL },
		{ "defaults and limits are in ipsecctl(8)", defaults, NULL, NULL, NULL },
		{ "what check finds is in ipsecctl(8)", findings, NULL, NULL, NULL },
		{ "exit codes are in ipsecctl(8)", exit_codes, NULL, NULL, NULL },
		{ "modes, actions, algorithms and drop reasons are in ipsecdrv(7)", driver, NULL,
		  NULL, NULL },
		{ "every reason has a remedy", remedies, NULL, NULL, NULL },
		{ "X01 tables and columns of a store are in ipsec-policy-stores(5)", store_layout, NULL,
		  NULL, NULL },
		{ "X16 what 2000, XP and 2003 did is told", differences, NULL, NULL, NULL },
	};

	return cmocka_run_group_tests_name("manual", tests, NULL, NULL);
}
