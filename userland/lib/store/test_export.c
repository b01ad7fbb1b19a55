// SPDX-License-Identifier: MIT
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "store/export.h"
#include "store/test_content.h"
#include "store/test_support.h"

#define OPEN_EMPTY (STORE_OPEN_WRITE | STORE_OPEN_CREATE | STORE_OPEN_EMPTY)

/* Beside the store; static. */
static const char *export_path(void)
{
	static char path[4200];

	(void)snprintf(path, sizeof(path), "%s.ipsec", test_path());
	return path;
}

static void there_and_back(void **state)
{
	_cleanup_(store_content_freep) struct store_content *before = NULL, *after = NULL;
	_cleanup_(store_closep) struct store *store = test_open(OPEN_EMPTY);
	struct stat status;

	(void)state;
	test_fill(store);
	assert_int_equal(test_assign(store, "p", true), 0);
	/* twice: an export takes the place of an older one */
	assert_int_equal(store_export(store, export_path(), &test_fault), 0);
	assert_int_equal(store_export(store, export_path(), &test_fault), 0);
	assert_int_equal(stat(export_path(), &status), 0);
	assert_int_equal(status.st_mode & 07777, 0600);
	assert_int_equal(store_import_content(export_path(), &after, &test_fault), 0);
	before = test_read(store);
	assert_true(before->policies[0]->is_assigned);
	assert_false(after->policies[0]->is_assigned);
	before->policies[0]->is_assigned = false;
	assert_true(store_content_is_equal(before, after));
	assert_true(sd_id128_equal(before->policies[0]->rules[1]->head.guid,
				   after->policies[0]->rules[1]->head.guid));
}

static void random_contents(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= 30; seed++) {
		_cleanup_(store_content_freep) struct store_content *before = NULL, *after = NULL;

		before = test_content_random(seed);
		if (store_export_content(before, export_path(), &test_fault) < 0)
			fail_msg("%s", test_fault.text);
		assert_int_equal(store_import_content(export_path(), &after, &test_fault), 0);
		for (size_t i = 0; i < before->n_policies; i++)
			before->policies[i]->is_assigned = false;
		assert_true(store_content_is_equal(before, after));
	}
}

static void write_text(const char *path, const char *text)
{
	FILE *file = fopen(path, "we");

	assert_non_null(file);
	assert_true(fputs(text, file) >= 0);
	assert_int_equal(fclose(file), 0);
}

static void assert_holds(const char *path, const char *text)
{
	char buf[256] = "";
	FILE *file = fopen(path, "re");

	assert_non_null(file);
	(void)!fread(buf, 1, sizeof(buf) - 1, file);
	assert_int_equal(fclose(file), 0);
	assert_string_equal(buf, text);
}

static void what_is_not_written_over(void **state)
{
	_cleanup_(store_closep) struct store *store = test_open(OPEN_EMPTY);
	char link[4400];

	(void)state;
	test_fill(store);
	write_text(export_path(), "somebody's letter");
	assert_int_equal(store_export(store, export_path(), &test_fault), -EEXIST);
	assert_holds(export_path(), "somebody's letter");
	(void)snprintf(link, sizeof(link), "%s.link", test_path());
	assert_int_equal(symlink(export_path(), link), 0);
	assert_int_equal(store_export(store, link, &test_fault), -ELOOP);
	assert_holds(export_path(), "somebody's letter");
	(void)snprintf(link, sizeof(link), "%s.none/x.ipsec", test_path());
	assert_true(store_export(store, link, &test_fault) < 0);
	/* an empty file, as mktemp makes it, is as good as none */
	write_text(export_path(), "");
	assert_int_equal(store_export(store, export_path(), &test_fault), 0);
}

static void what_is_no_export(void **state)
{
	struct store_content *content = NULL;

	(void)state;
	assert_int_equal(store_import_content(export_path(), &content, &test_fault), -ENOENT);
	write_text(export_path(), "somebody's letter");
	assert_int_equal(store_import_content(export_path(), &content, &test_fault), -EBADMSG);
	write_text(export_path(), "");
	assert_int_equal(store_import_content(export_path(), &content, &test_fault), -ENOENT);
	assert_null(content);
}

/* No room for it: what was there stays, and nothing is left over. */
static void no_room(void **state)
{
	_cleanup_(store_closep) struct store *store = test_open(OPEN_EMPTY);
	_cleanup_(store_content_freep) struct store_content *content = NULL;
	struct rlimit limit, small;
	char temporary[4400];

	(void)state;
	assert_int_equal(test_add_policy(store, "small"), 0);
	assert_int_equal(store_export(store, export_path(), &test_fault), 0);
	test_fill(store);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
	small = (struct rlimit){ 8192, limit.rlim_max };
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
	assert_true(store_export(store, export_path(), &test_fault) < 0);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
	assert_int_equal(store_import_content(export_path(), &content, &test_fault), 0);
	assert_int_equal(content->n_policies, 1);
	(void)snprintf(temporary, sizeof(temporary), "ls %s.*", export_path());
	assert_int_not_equal(system(temporary), 0);
}

#define in_folder(test) cmocka_unit_test_setup_teardown(test, test_make_folder, test_remove_folder)

int main(void)
{
	const struct CMUnitTest tests[] = {
		in_folder(there_and_back),
		in_folder(random_contents),
		in_folder(what_is_not_written_over),
		in_folder(what_is_no_export),
		in_folder(no_room),
	};

	(void)signal(SIGXFSZ, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
