// SPDX-License-Identifier: MIT
/* FUZZER --seeds=DIR writes the good inputs that the fuzzer knows of into a folder. */
#include <string.h>

#include "ike/fuzz.h"

#define SEED_MAX 4096

static void write_seed(const char *dir, size_t index, const uint8_t *data, size_t len)
{
	char path[4096];
	FILE *file;

	FUZZ_CHECK(snprintf(path, sizeof(path), "%s/seed-%zu", dir, index) < (int)sizeof(path));
	file = fopen(path, "wb");
	if (!file) {
		perror(path);
		exit(1);
	}
	FUZZ_CHECK(fwrite(data, 1, len, file) == len && !fclose(file));
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	static const char option[] = "--seeds=";
	const char *first = *argc > 1 ? (*argv)[1] : "";
	uint8_t seed[SEED_MAX];
	size_t len;

	if (strncmp(first, option, sizeof(option) - 1) != 0)
		return 0;
	for (size_t i = 0; (len = fuzz_seed(i, seed, sizeof(seed))); i++)
		write_seed(first + sizeof(option) - 1, i, seed, len);
	exit(0);
}
