// SPDX-License-Identifier: MIT
/*
 * Files that are not what a store writes: damaged by chance, by an enemy, of another version, or of
 * something else. They are read or reported, and never written.
 */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>
#include <sqlite3.h>

#include "store/test_support.h"

#define OPEN_EMPTY (STORE_OPEN_WRITE | STORE_OPEN_CREATE | STORE_OPEN_EMPTY)
#define FILE_MAX (1 << 20)

static uint8_t before[FILE_MAX], after[FILE_MAX];

static size_t read_file(uint8_t *bytes)
{
	FILE *file = fopen(test_path(), "re");
	size_t len;

	assert_non_null(file);
	len = fread(bytes, 1, FILE_MAX, file);
	assert_int_equal(fclose(file), 0);
	assert_true(len < FILE_MAX);
	return len;
}

static void write_file(const uint8_t *bytes, size_t len)
{
	FILE *file = fopen(test_path(), "we");

	assert_non_null(file);
	assert_int_equal(fwrite(bytes, 1, len, file), len);
	assert_int_equal(fclose(file), 0);
}

/* A store with a bit of everything, closed. */
static void make_store(void)
{
	struct store *store = test_open(STORE_OPEN_WRITE | STORE_OPEN_CREATE);
	struct ip_addr address = ip_addr_v4(0x0a000001);

	test_fill(store);
	assert_int_equal(test_assign(store, "p", true), 0);
	assert_int_equal(store_set_addresses(store, "host.example", &address, 1, &test_fault), 0);
	store_close(store);
}

/* Does to the file what no store would. */
static void tamper(const char *sql)
{
	sqlite3 *db;
	char *why = NULL;

	assert_int_equal(sqlite3_open(test_path(), &db), SQLITE_OK);
	if (sqlite3_exec(db, "PRAGMA ignore_check_constraints = ON; PRAGMA foreign_keys = OFF;"
			 "PRAGMA trusted_schema = ON", NULL, NULL, NULL) != SQLITE_OK ||
	    sqlite3_exec(db, sql, NULL, NULL, &why) != SQLITE_OK)
		fail_msg("%s: %s", sql, why);
	assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

/* Opens and reads all; 0 or the first error. */
static int try_to_read(unsigned int flags)
{
	const struct store_query all = { .policy = NULL };
	struct store_content *content = NULL;
	struct store *store = NULL;
	struct ip_addr *addresses = NULL;
	size_t n;
	int err;

	test_fault = (struct fault){ .name = NULL };
	err = store_open(test_path(), flags, &store, &test_fault);
	if (!err)
		err = store_read(store, &all, &content, &test_fault);
	if (!err)
		err = store_get_addresses(store, "host.example", &addresses, &n, &test_fault);
	free(addresses);
	store_content_free(content);
	store_close(store);
	return err;
}

static void assert_reported(int err)
{
	if (err != -EBADMSG && err != -EACCES && err != -EIO)
		fail_msg("error %d: %s", err, test_fault.text);
	assert_true(*test_fault.text);
}

/* Reads the file in all ways; it must be as it was if it is not good. */
static int check_file(size_t len)
{
	int err = try_to_read(STORE_OPEN_READ), err_write;

	if (err)
		assert_reported(err);
	err_write = try_to_read(STORE_OPEN_WRITE | STORE_OPEN_CREATE);
	if (err_write)
		assert_reported(err_write);
	if (err && err_write) {
		assert_int_equal(read_file(after), len);
		assert_memory_equal(before, after, len);
	}
	return err ?: err_write;
}

static void single_bits(void **state)
{
	uint64_t random = 88172645463325252u;
	int damaged = 0;
	size_t len;

	(void)state;
	make_store();
	len = read_file(before);
	for (int i = 0; i < 200; i++) {
		size_t at;

		random ^= random << 13;
		random ^= random >> 7;
		random ^= random << 17;
		/* The header, the schema's page, and anywhere. */
		at = (random >> 8) % (i < 50 ? 100 : i < 100 ? 4096 : len);
		before[at] ^= (uint8_t)(1 << (random & 7));
		write_file(before, len);
		damaged += check_file(len) != 0;
		before[at] ^= (uint8_t)(1 << (random & 7));
	}
	/* It is not that nothing was found, or everything. */
	print_message("%d of 200 were reported\n", damaged);
	assert_in_range(damaged, 20, 190);
	write_file(before, len);
	assert_int_equal(try_to_read(STORE_OPEN_READ), 0);
}

/* The last page is an empty table's: zeros that are missing at its end are no damage. */
static void truncated(void **state)
{
	size_t len;

	(void)state;
	make_store();
	len = read_file(before);
	for (size_t cut = 1; cut + 4096 <= len; cut += cut < 600 ? 97 : 2711) {
		write_file(before, cut);
		assert_int_not_equal(check_file(cut), 0);
	}
}

static void blocks_of_noise(void **state)
{
	size_t len;

	(void)state;
	make_store();
	len = read_file(before);
	for (size_t at = 0; at + 512 <= len; at += 4096 - 512) {
		uint8_t saved[512];

		memcpy(saved, before + at, sizeof(saved));
		memset(before + at, (int)(at >> 9) | 0x81, sizeof(saved));
		write_file(before, len);
		(void)check_file(len);
		memcpy(before + at, saved, sizeof(saved));
	}
}

/* What a value or a table cannot be, in a file that SQLite itself has no complaint about. */
static void hostile_content(void **state)
{
	static const struct {
		const char *sql;
		const char *words;
	} cases[] = {
		{ "UPDATE policies SET name = '' WHERE is_assigned", "CHECK constraint" },
		{ "UPDATE policies SET name = printf('%.*c', 300, 'x') WHERE is_assigned", "name" },
		{ "UPDATE policies SET name = 'a' || char(0) || 'b' WHERE is_assigned", "name" },
		{ "UPDATE policies SET name = 'a' || char(10) || 'b' WHERE is_assigned", "control" },
		{ "UPDATE policies SET description = CAST(x'ff' AS TEXT)", "UTF-8" },
		{ "UPDATE policies SET guid = x'00' WHERE is_assigned", "CHECK constraint" },
		{ "UPDATE policies SET mmsecmethods = 'ROT13-CRC-1'", "ROT13" },
		{ "UPDATE policies SET mmsecmethods = ''", "mmsecmethods" },
		{ "UPDATE policies SET lifetime_minutes = 99999999999", "mmlifetime" },
		{ "UPDATE policies SET lifetime_minutes = 0", "mmlifetime" },
		{ "UPDATE policies SET quick_modes = -1", "qmpermm" },
		{ "UPDATE policies SET polling_minutes = 4294967295", "pollinginterval" },
		{ "UPDATE policies SET mmpfs = 2", "CHECK constraint" },
		{ "UPDATE filters SET source = 'nobody at all'", "nobody at all" },
		{ "UPDATE filters SET source = 'me', destination = 'me'", "both me" },
		{ "UPDATE filters SET protocol = 256", "CHECK constraint" },
		{ "UPDATE filters SET source_port = 65536", "srcport" },
		{ "UPDATE filters SET source_port = 5", "protocol=TCP" },
		{ "UPDATE filters SET list = 77", "refers to" },
		{ "UPDATE filter_actions SET action = 'dance'", "action" },
		{ "UPDATE filter_actions SET qmsecmethods = 'ESP[None,None]'", "filter action" },
		{ "DELETE FROM filter_actions WHERE rule IS NOT NULL", "no filter action" },
		{ "UPDATE rules SET connection = 'smoke signals'", "conntype" },
		{ "UPDATE rules SET tunnel = '10.0.0.0/8' WHERE name = 'r'", "tunnel" },
		{ "UPDATE rules SET filter_list = NULL WHERE name = 'r'", "CHECK constraint" },
		{ "UPDATE rules SET policy = 77 WHERE name = 'r'", "refers to" },
		{ "DELETE FROM methods", "authentication method" },
		{ "UPDATE methods SET kind = 'handshake'", "auth" },
		{ "UPDATE methods SET secret = ' '", "blank" },
		{ "UPDATE methods SET secret = NULL WHERE kind = 'psk'", "blank" },
		{ "UPDATE methods SET secret = printf('%.*c', 5000, 'x')", "auth" },
		{ "INSERT INTO methods SELECT rule, value, kind, secret, 0, 0 FROM methods, "
		  "(WITH RECURSIVE n(value) AS (SELECT 100 UNION ALL SELECT value + 1 FROM n LIMIT 20) "
		  "SELECT value FROM n)", "more authentication methods" },
		{ "UPDATE addresses SET address = 'nowhere'", "address" },
		/* two are assigned, and the index that forbids it knows of one */
		{ "PRAGMA writable_schema = ON; CREATE TEMP TABLE saved AS SELECT * FROM sqlite_schema "
		  "WHERE name = 'policy_assigned'; DELETE FROM sqlite_schema WHERE "
		  "name = 'policy_assigned'; PRAGMA writable_schema = RESET; "
		  "UPDATE policies SET is_assigned = 1; PRAGMA writable_schema = ON; "
		  "INSERT INTO sqlite_schema SELECT * FROM saved", "index policy_assigned" },
		{ "CREATE TABLE more (a)", "tables are not those" },
		{ "CREATE VIEW v AS SELECT 1", "tables are not those" },
		{ "CREATE TRIGGER t AFTER INSERT ON rules BEGIN DELETE FROM rules; END",
		  "tables are not those" },
		{ "DROP INDEX policy_assigned", "tables are not those" },
		{ "ALTER TABLE rules RENAME TO laws", "tables are not those" },
		{ "DROP TABLE addresses; CREATE VIEW addresses AS SELECT 'host.example' AS name, "
		  "0 AS position, '10.0.0.1' AS address", "tables are not those" },
		{ "PRAGMA user_version = 6", "newer release" },
		{ "PRAGMA user_version = -1", "no store" },
		{ "PRAGMA user_version = 1", "tables are not those" },
		{ "PRAGMA application_id = 1", "no store" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		size_t len;

		make_store();
		tamper(cases[i].sql);
		len = read_file(before);
		if (check_file(len) != -EBADMSG)
			fail_msg("%s: taken, or %s", cases[i].sql, test_fault.text);
		if (!strstr(test_fault.text, cases[i].words))
			fail_msg("%s: %s", cases[i].sql, test_fault.text);
		assert_null(strstr(test_fault.text, "Geheimnis"));
		assert_int_equal(remove(test_path()), 0);
	}
}

/* --- versions ----------------------------------------------------------------------------- */

/* What the first release of the schema had: no addresses, no main mode filters, nothing of ipseccmd's. */
static const char to_version_1[] =
	"DROP TABLE run_methods; DROP TABLE run_rules; DROP TABLE run_mm_policies;"
	"DROP TABLE run_qm_policies; DROP TABLE addresses;"
	"ALTER TABLE filters DROP COLUMN is_main_mode; PRAGMA user_version = 1";

static void older_versions(void **state)
{
	_cleanup_(store_content_freep) struct store_content *wanted = NULL, *read = NULL,
							    *migrated = NULL;
	struct store *store;
	struct ip_addr *addresses, address = ip_addr_v4(1);
	size_t len, n;

	(void)state;
	make_store();
	store = test_open(STORE_OPEN_READ);
	wanted = test_read(store);
	store_close(store);
	tamper(to_version_1);
	/* who only reads gets all of it, and leaves the file alone */
	len = read_file(before);
	store = test_open(STORE_OPEN_READ);
	read = test_read(store);
	assert_true(store_content_is_equal(wanted, read));
	assert_int_equal(store_get_addresses(store, "host.example", &addresses, &n, &test_fault), 0);
	assert_int_equal(n, 0);
	free(addresses);
	assert_true(store_version(store) == 0);
	store_close(store);
	assert_int_equal(read_file(after), len);
	assert_memory_equal(before, after, len);
	/* who writes brings it up to date, once */
	store = test_open(STORE_OPEN_WRITE);
	migrated = test_read(store);
	assert_true(store_content_is_equal(wanted, migrated));
	assert_int_equal(store_set_addresses(store, "host.example", &address, 1, &test_fault), 0);
	store_close(store);
	assert_int_equal(try_to_read(STORE_OPEN_READ), 0);
}

static void what_is_no_store(void **state)
{
	static const char letter[] = "Dear Sir or Madam, this is certainly no database at all.";
	size_t len = sizeof(letter);

	(void)state;
	memcpy(before, letter, len);
	write_file(before, len);
	assert_int_equal(check_file(len), -EBADMSG);
	/* somebody else's database */
	assert_int_equal(remove(test_path()), 0);
	tamper("CREATE TABLE diary (day, entry)");
	len = read_file(before);
	assert_int_equal(check_file(len), -EBADMSG);
	assert_non_null(strstr(test_fault.text, "no store"));
	/* not there, and not begun */
	assert_int_equal(remove(test_path()), 0);
	assert_int_equal(try_to_read(STORE_OPEN_READ), -ENOENT);
	assert_int_equal(try_to_read(STORE_OPEN_WRITE), -ENOENT);
	assert_int_equal(access(test_path(), F_OK), -1);
	write_file(before, 0);
	assert_int_equal(try_to_read(STORE_OPEN_READ), -ENOENT);
	assert_int_equal(try_to_read(STORE_OPEN_WRITE), -ENOENT);
	/* what was begun is brought to its end */
	assert_int_equal(try_to_read(OPEN_EMPTY), 0);
}

static void what_is_no_file(void **state)
{
	char real[4200];

	(void)state;
	make_store();
	(void)snprintf(real, sizeof(real), "%s.real", test_path());
	assert_int_equal(rename(test_path(), real), 0);
	assert_int_equal(symlink(real, test_path()), 0);
	assert_int_equal(try_to_read(STORE_OPEN_READ), -EBADMSG);
	assert_int_equal(try_to_read(STORE_OPEN_WRITE | STORE_OPEN_CREATE), -EBADMSG);
	assert_non_null(strstr(test_fault.text, "symbolic link"));
	assert_int_equal(remove(test_path()), 0);
	assert_int_equal(symlink("/nowhere/at/all", test_path()), 0);
	assert_int_equal(try_to_read(STORE_OPEN_WRITE | STORE_OPEN_CREATE), -EBADMSG);
	assert_int_equal(remove(test_path()), 0);
	assert_int_equal(mkfifo(test_path(), 0600), 0);
	assert_int_equal(try_to_read(STORE_OPEN_READ), -EBADMSG);
	assert_int_equal(remove(test_path()), 0);
	assert_int_equal(mkdir(test_path(), 0700), 0);
	assert_int_equal(try_to_read(STORE_OPEN_READ), -EBADMSG);
	assert_int_equal(rmdir(test_path()), 0);
}

#define in_folder(test) cmocka_unit_test_setup_teardown(test, test_make_folder, test_remove_folder)

int main(void)
{
	const struct CMUnitTest tests[] = {
		in_folder(single_bits),
		in_folder(truncated),
		in_folder(blocks_of_noise),
		in_folder(hostile_content),
		in_folder(older_versions),
		in_folder(what_is_no_store),
		in_folder(what_is_no_file),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
