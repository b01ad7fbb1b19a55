// SPDX-License-Identifier: MIT
/*
 * Any line as a command of ipseccmd. It may not crash, a refusal has a sentence, and what was read
 * is read again from what is printed of it, and prints the same.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "ctl/words.h"
#include "ipseccmd/flags.h"
#include "ipseccmd/print.h"
#include "policy/authmethod.h"

#define CHECK(condition)		\
	do {				\
		if (!(condition))	\
			abort();	\
	} while (0)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

/* The first byte chooses one, so that every run gets behind the flags and to the values. */
static const char *const heads[] = {
	"", "-f ", "-f 0+", "-f [", "-f 0+* -n ESP[", "-f 0+* -n ", "-f 0+* -a ", "-1s ", "-1k ", "-f 0+* -1f ",
	"-w REG -p ", "-w REG -p a -r b -f 0+* -n ", "\\\\", "show ", "-f 0=1.2.3.4 -t ",
};

static struct run *read_line(const char *line)
{
	char why[RUN_WHY_LEN] = "";
	struct run *run = NULL;
	struct ctl_words words;

	if (ctl_words_split(line, &words, why) < 0)
		return NULL;
	if (flags_parse(words.list, words.n, &run, why) < 0)
		CHECK(*why && !run);
	ctl_words_clear(&words);
	return run;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	_cleanup_(policy_secret_freep) char *text = NULL, *again = NULL;
	_cleanup_(run_freep) struct run *run = NULL, *back = NULL;
	_cleanup_free_ char *line = NULL;
	const char *head;

	if (!len)
		return 0;
	head = heads[data[0] % (sizeof(heads) / sizeof(heads[0]))];
	line = calloc(1, strlen(head) + len);
	CHECK(line);
	strcpy(line, head);
	memcpy(line + strlen(head), data + 1, len - 1);
	run = read_line(line);
	if (!run || run_mode(run) == RUN_HELP)
		return 0;
	text = print_run_to_text(run, true);
	CHECK(text);
	back = read_line(text);
	CHECK(back && run_is_equal(run, back));
	again = print_run_to_text(back, true);
	CHECK(again && !strcmp(text, again));
	return 0;
}
