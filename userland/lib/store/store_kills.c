// SPDX-License-Identifier: MIT
/* Of selftests/stress/store_kills.sh: store_kills PATH TIMES. */
#include <stdio.h>

#include "base/parse.h"
#include "store/test_kills.h"

int main(int argc, char **argv)
{
	uint32_t times;

	if (argc != 3 || parse_u32(argv[2], &times) < 0) {
		fprintf(stderr, "usage: store_kills PATH TIMES\n");
		return 2;
	}
	return test_kills(argv[1], times, 25) ? 1 : 0;
}
