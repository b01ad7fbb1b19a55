// SPDX-License-Identifier: MIT
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "base/file.h"

static char dir[64], path[80], new[84];

static int set_up(void **state)
{
	(void)state;
	strcpy(dir, "/tmp/test_file.XXXXXX");
	assert_non_null(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/file", dir);
	snprintf(new, sizeof(new), "%s.new", path);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	(void)unlink(path);
	assert_int_equal(rmdir(dir), 0);
	return 0;
}

static void test_replace(void **state)
{
	struct stat before, after;
	char *text;

	(void)state;
	assert_int_equal(file_read(path, 10, &text), -ENOENT);
	assert_int_equal(file_replace(path, "one\n", 4, 0600), 0);
	assert_int_equal(stat(path, &before), 0);
	assert_int_equal(before.st_mode & 07777, 0600);
	assert_int_equal(symlink("/dev/null", new), 0);	/* is not followed */
	assert_int_equal(file_replace(path, "two\n", 4, 0644), 0);
	assert_int_equal(stat(path, &after), 0);
	assert_int_equal(after.st_mode & 07777, 0644);
	assert_int_not_equal(before.st_ino, after.st_ino);
	assert_int_equal(file_read(path, 4, &text), 0);
	assert_string_equal(text, "two\n");
	free(text);
}

static void test_remedy(void **state)
{
	(void)state;
	assert_non_null(strstr(file_remedy(-ENOSPC), "df -i"));
	assert_non_null(strstr(file_remedy(-EDQUOT), "make room"));
	assert_string_equal(file_remedy(-EACCES), "");
	assert_string_equal(file_remedy(0), "");
}

static void test_refused(void **state)
{
	char *text = NULL;

	(void)state;
	assert_int_equal(file_replace("/proc/none/file", "", 0, 0600), -ENOENT);
	assert_int_equal(file_replace(path, "four", 4, 0600), 0);
	assert_int_equal(file_read(path, 3, &text), -EFBIG);
	assert_int_equal(file_replace(path, "a\0b", 3, 0600), 0);
	assert_int_equal(file_read(path, 3, &text), -EINVAL);
	assert_int_equal(file_read(dir, 3, &text), -EINVAL);
	assert_null(text);
	/* a directory is not replaced, and nothing is left beside it */
	assert_int_equal(unlink(path), 0);
	assert_int_equal(mkdir(path, 0755), 0);
	assert_int_equal(file_replace(path, "four", 4, 0600), -EISDIR);
	assert_int_equal(access(new, F_OK), -1);
	assert_int_equal(rmdir(path), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_replace, set_up, tear_down),
		cmocka_unit_test(test_remedy),
		cmocka_unit_test_setup_teardown(test_refused, set_up, tear_down),
	};

	return cmocka_run_group_tests_name("file", tests, NULL, NULL);
}
