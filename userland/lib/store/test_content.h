/* SPDX-License-Identifier: MIT */
/* Contents for tests: written as scripts, or by chance. */
#ifndef STORE_TEST_CONTENT_H
#define STORE_TEST_CONTENT_H

#include "store/change.h"
#include "store/object.h"

/* Ends the test if the line is not a command with a change, or if its tags are refused. */
void test_change_parse(const char *line, struct store_change *ret_change);

/* What the lines of @script make, linked. Only what a dump has: add, set defaultrule, assign. */
struct store_content *test_content_from(const char *script);

/* The same for each seed; linked, valid, and not made by a tool. */
struct store_content *test_content_random(uint64_t seed);

/* From 0 to @n - 1; what comes next depends on the last seed. */
uint32_t test_below(uint32_t n);

#endif /* STORE_TEST_CONTENT_H */
