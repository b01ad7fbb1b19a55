/* SPDX-License-Identifier: MIT */
#ifndef LINK_TEST_RANDOM_H
#define LINK_TEST_RANDOM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct codec_type;

/* For tests: repeatable random numbers. */
struct test_random {
	uint64_t state;
};

uint64_t test_random_u64(struct test_random *random);
uint64_t test_random_range(struct test_random *random, uint64_t min, uint64_t max);

/* A valid object with random contents, to be freed by codec_free(). */
void *test_random_object(struct test_random *random, const struct codec_type *type);
/* Same contents; what pointers point to is compared, not the pointers. */
bool test_object_is_equal(const struct codec_type *type, const void *a, const void *b);

#endif
