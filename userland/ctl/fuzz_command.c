// SPDX-License-Identifier: MIT
/*
 * Any line as a command. It is run against an agent that is not there, completed, and, if it adds
 * something, printed and read again. The line may not crash, and what was read twice must be equal.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "ctl/complete.h"
#include "ctl/ctl.h"
#include "ctl/roundtrip.h"
#include "ctl/words.h"

#define CHECK(condition)		\
	do {				\
		if (!(condition))	\
			abort();	\
	} while (0)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

/* The first byte chooses one, so that every run gets behind the words and to the values. */
static const char *const heads[] = {
	"", "dynamic add mmpolicy ", "dynamic add mmpolicy x mmsecmethods=\"3DES-",
	"dynamic add qmpolicy ",
	"dynamic add qmpolicy x qmsecmethods=\"ESP[", "dynamic add rule ", "dynamic add rule me any m q ",
	"dynamic add rule me 10.0.0.", "dynamic add rule me any rootca=\"CN=", "dynamic set rule ",
	"dynamic delete rule ", "dynamic show qmfilter ", "dynamic set config ",
	"dynamic set config bootexemptions \"TCP:", "explain out 10.0.0.1 ", "static add filter ",
	"static add policy ", "static add rule r p l a ", "static add filteraction a ",
	"static add filteraction a qmsecmethods=\"ESP[", "static add filterlist ",
	"static add filter l me 10.0.0.", "static set policy ", "static set rule r p ",
	"static set defaultrule p ", "static set filteraction guid={7238523B-", "static delete filter ",
	"static delete rule ", "static show rule ", "static set ",
};

static void count(void *data, const char *word)
{
	CHECK(*word);
	++*(size_t *)data;
}

static void complete(struct ctl *ctl, const char *line)
{
	char why[POLICY_WHY_LEN];
	struct ctl_words words;
	size_t n = 0;

	if (ctl_words_split(line, &words, why) < 0)
		return;
	ctl_complete_each(ctl, words.list, words.n, count, &n);
	ctl_words_clear(&words);
}

static void roundtrip(const char *line)
{
	_cleanup_(roundtrip_clear) struct roundtrip object = { .rule = NULL };
	_cleanup_(roundtrip_clear) struct roundtrip back = { .rule = NULL };
	_cleanup_free_ char *text = NULL, *again = NULL;
	char why[POLICY_WHY_LEN] = "";

	if (roundtrip_parse(line, &object, why) < 0) {
		CHECK(*why);
		return;
	}
	text = roundtrip_print(&object);
	if (!text)
		return;
	CHECK(!roundtrip_parse(text, &back, why));
	CHECK(roundtrip_is_equal(&object, &back));
	again = roundtrip_print(&back);
	CHECK(!strcmp(text, again));
}

/* The line that the input stands for; NULL for none. */
static char *make_line(const uint8_t *data, size_t len)
{
	const char *head;
	char *line;

	if (!len)
		return NULL;
	head = heads[data[0] % (sizeof(heads) / sizeof(heads[0]))];
	line = malloc(strlen(head) + len);
	CHECK(line);
	strcpy(line, head);
	memcpy(line + strlen(head), data + 1, len - 1);
	line[strlen(head) + len - 1] = '\0';
	return line;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	_cleanup_free_ char *line = make_line(data, len);
	static FILE *null;
	struct ctl ctl;

	if (!line)
		return 0;
	if (!null)
		null = fopen("/dev/null", "we");
	roundtrip(line);
	ctl_init(&ctl, null, null);
	ctl.run_dir = "/nonexistent";
	complete(&ctl, line);
	(void)ctl_run_line(&ctl, line);
	/* In a context, too. */
	ctl.is_done = false;
	(void)ctl_run_line(&ctl, "dynamic");
	(void)ctl_run_line(&ctl, line);
	ctl_exit(&ctl);
	return 0;
}
