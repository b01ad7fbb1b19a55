// SPDX-License-Identifier: GPL-2.0-only
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "kunit.h"

#define MAX_CASES	64

void shim_kunit_fail(struct kunit *test, const char *file, int line, bool fatal,
		     const char *format, ...)
{
	char text[400];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	print_error("%s:%d: %s\n", file, line, text);
	test->failed = true;
	if (fatal)
		fail();
}

static void run_case(void **state)
{
	const struct kunit_case *one = *state;
	struct kunit test = { .failed = false };

	one->run_case(&test);
	if (test.failed)
		fail();
}

int shim_kunit_run(struct kunit_suite *suite)
{
	struct CMUnitTest tests[MAX_CASES] = { };
	size_t n;
	int failed;

	for (n = 0; suite->test_cases[n].run_case; n++) {
		if (n == MAX_CASES)
			abort();
		tests[n].name = suite->test_cases[n].name;
		tests[n].test_func = run_case;
		tests[n].initial_state = &suite->test_cases[n];
	}
	if (suite->suite_init && suite->suite_init(suite))
		return 1;
	failed = _cmocka_run_group_tests(suite->name, tests, n, NULL, NULL);
	if (suite->suite_exit)
		suite->suite_exit(suite);
	return failed;
}
