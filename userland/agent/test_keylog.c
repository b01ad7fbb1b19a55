// SPDX-License-Identifier: MIT
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "agent/keylog.h"
#include "base/cleanup.h"
#include "ike/engine.h"
#include "link/keylog.h"

/* Keys are appended to files that only their owner reads. */
static void test_files(void **state)
{
	static const uint8_t key[24] = { 0xab, 0xcd };
	struct ike_keylog keylog = {
		.kind = IKE_KEYLOG_MM,
		.icookie = 1,
		.cipher = IKE_CIPHER_3DES,
		.cipher_key = key,
		.cipher_key_len = sizeof(key),
	};
	char dir[] = "/tmp/test_keylog.XXXXXX", sub[64], path[128], line[512];
	struct stat st;
	FILE *file;
	int n = 0;

	(void)state;
	assert_non_null(mkdtemp(dir));
	snprintf(sub, sizeof(sub), "%s/keylog", dir);
	snprintf(path, sizeof(path), "%s/%s", sub, LINK_KEYLOG_MM_FILE);
	assert_int_equal(keylog_write(sub, &keylog), 0);
	assert_int_equal(keylog_write(sub, &keylog), 0);
	assert_int_equal(stat(sub, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0700);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	file = fopen(path, "r");
	assert_non_null(file);
	while (fgets(line, sizeof(line), file)) {
		assert_non_null(strstr(line, "abcd"));
		n++;
	}
	assert_int_equal(n, 2);
	fclose(file);
	assert_int_equal(unlink(path), 0);
	/* a link does not lead elsewhere */
	assert_int_equal(symlink("/dev/null", path), 0);
	assert_int_equal(keylog_write(sub, &keylog), -ELOOP);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(rmdir(sub), 0);
	assert_int_equal(rmdir(dir), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_files) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
