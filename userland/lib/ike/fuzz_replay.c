// SPDX-License-Identifier: MIT
/*
 * Runs a fuzz target without libFuzzer: its seeds, and mutations of them that are the same every
 * time, or the files named on the command line.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "ike/fuzz.h"

#define MUTATIONS 400
#define INPUT_MAX 4096

static uint64_t rng = 0x2545f4914f6cdd1d;

static uint64_t next_random(void)
{
	rng ^= rng << 13;
	rng ^= rng >> 7;
	rng ^= rng << 17;
	return rng;
}

static void run(const uint8_t *data, size_t len)
{
	/* No longer than it is, so that reads beyond the end are found. */
	uint8_t *copy = malloc(len ? len : 1);

	assert_non_null(copy);
	if (len)
		memcpy(copy, data, len);
	(void)LLVMFuzzerTestOneInput(copy, len);
	free(copy);
}

static size_t mutate(uint8_t *data, size_t len)
{
	for (unsigned int n = 1 + (unsigned int)(next_random() % 6); n && len; n--) {
		size_t at = next_random() % len;

		switch (next_random() % 4) {
		case 0:
			data[at] ^= (uint8_t)(1U << next_random() % 8);
			break;
		case 1:
			data[at] = (uint8_t)next_random();
			break;
		case 2:
			len = at;
			break;
		case 3:
			memmove(data + at, data + at / 2, len - at);
			break;
		}
	}
	return len;
}

static void test_seeds_and_mutations(void **state)
{
	uint8_t seed[INPUT_MAX] = {0}, data[INPUT_MAX];
	size_t len, n = 0;

	(void)state;
	run(seed, 0);
	for (size_t i = 0; (len = fuzz_seed(i, seed, sizeof(seed))); i++) {
		run(seed, len);
		for (unsigned int j = 0; j < MUTATIONS; j++) {
			memcpy(data, seed, len);
			run(data, mutate(data, len));
			n++;
		}
	}
	assert_true(n >= MUTATIONS);
}

static int replay_file(const char *path)
{
	static uint8_t data[1 << 20];
	FILE *file = fopen(path, "rb");
	size_t len;

	if (!file) {
		perror(path);
		return 1;
	}
	len = fread(data, 1, sizeof(data), file);
	fclose(file);
	(void)LLVMFuzzerTestOneInput(data, len);
	return 0;
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_seeds_and_mutations) };
	int ret = 0;

	for (int i = 1; i < argc; i++)
		ret |= replay_file(argv[i]);
	return argc > 1 ? ret : cmocka_run_group_tests_name("fuzz", tests, NULL, NULL);
}
