/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The part of KUnit that the driver's suites use, on top of cmocka (kunit.c). include/kunit/test.h
 * is a link to this file.
 */
#ifndef IPD_KUNIT_H
#define IPD_KUNIT_H

#include "shim.h"

struct kunit {
	bool failed;
};

struct kunit_case {
	void (*run_case)(struct kunit *test);
	const char *name;
};

struct kunit_suite {
	const char *name;
	int (*suite_init)(struct kunit_suite *suite);
	void (*suite_exit)(struct kunit_suite *suite);
	struct kunit_case *test_cases;
};

/* never returns if @fatal */
__printf(5, 6) void shim_kunit_fail(struct kunit *test, const char *file, int line, bool fatal,
				    const char *format, ...);

#define SHIM_CHECK(test, fatal, condition, ...) do {				\
	if (!(condition))							\
		shim_kunit_fail(test, __FILE__, __LINE__, fatal, __VA_ARGS__);	\
} while (0)
#define SHIM_COMPARE(test, fatal, a, operator, b) do {				\
	__typeof__(a) _a = (a);							\
	__typeof__(b) _b = (b);							\
										\
	SHIM_CHECK(test, fatal, _a operator _b, "%s %s %s: %#llx, %#llx", #a,	\
		   #operator, #b, (unsigned long long)(uintptr_t)_a,		\
		   (unsigned long long)(uintptr_t)_b);				\
} while (0)

#define KUNIT_FAIL(test, ...)		SHIM_CHECK(test, false, false, __VA_ARGS__)
#define KUNIT_EXPECT_TRUE(test, c)	SHIM_CHECK(test, false, c, "%s", #c)
#define KUNIT_EXPECT_FALSE(test, c)	SHIM_CHECK(test, false, !(c), "not %s", #c)
#define KUNIT_ASSERT_TRUE(test, c)	SHIM_CHECK(test, true, c, "%s", #c)
#define KUNIT_EXPECT_EQ(test, a, b)	SHIM_COMPARE(test, false, a, ==, b)
#define KUNIT_EXPECT_NE(test, a, b)	SHIM_COMPARE(test, false, a, !=, b)
#define KUNIT_EXPECT_PTR_EQ(test, a, b)	SHIM_COMPARE(test, false, a, ==, b)
#define KUNIT_EXPECT_GT(test, a, b)	SHIM_COMPARE(test, false, a, >, b)
#define KUNIT_EXPECT_GE(test, a, b)	SHIM_COMPARE(test, false, a, >=, b)
#define KUNIT_EXPECT_LT(test, a, b)	SHIM_COMPARE(test, false, a, <, b)
#define KUNIT_EXPECT_LE(test, a, b)	SHIM_COMPARE(test, false, a, <=, b)
#define KUNIT_ASSERT_EQ(test, a, b)	SHIM_COMPARE(test, true, a, ==, b)
#define KUNIT_ASSERT_PTR_EQ(test, a, b)	SHIM_COMPARE(test, true, a, ==, b)
#define KUNIT_ASSERT_NOT_ERR_OR_NULL(test, p) \
	SHIM_CHECK(test, true, (p) && !IS_ERR(p), "%s: %ld", #p, PTR_ERR(p))
#define KUNIT_EXPECT_TRUE_MSG(test, c, ...)	SHIM_CHECK(test, false, c, __VA_ARGS__)
#define KUNIT_EXPECT_EQ_MSG(test, a, b, ...)	SHIM_CHECK(test, false, (a) == (b), __VA_ARGS__)
#define KUNIT_ASSERT_TRUE_MSG(test, c, ...)	SHIM_CHECK(test, true, c, __VA_ARGS__)

int shim_kunit_run(struct kunit_suite *suite);

/* a program has one suite */
#define kunit_test_suite(suite)			\
int main(void)					\
{						\
	return shim_kunit_run(&(suite));	\
}

#define MODULE_LICENSE(license)	_Static_assert(1, license)

#endif /* IPD_KUNIT_H */
