/* SPDX-License-Identifier: MIT */
#ifndef IKE_FUZZ_H
#define IKE_FUZZ_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

/* One input, from libFuzzer or from fuzz_replay.c in the tests; aborts when something is wrong. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

/* Called by libFuzzer before anything else. Always 0. */
int LLVMFuzzerInitialize(int *argc, char ***argv);

/* The @index'th good input, to begin with; 0 when there are no more. */
size_t fuzz_seed(size_t index, uint8_t *buf, size_t cap);

/* Like assert(), but never compiled out. */
#define FUZZ_CHECK(condition)                                                           \
	do {                                                                            \
		if (!(condition)) {                                                     \
			(void)fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition); \
			abort();                                                        \
		}                                                                       \
	} while (0)

#endif
