// SPDX-License-Identifier: MIT
/*
 * Any text as a command of the static context, "add rule name=r ...": what is taken can be printed,
 * and what is printed is taken again and printed the same.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "ctl/words.h"
#include "store/text.h"

#define CHECK(condition)		\
	do {				\
		if (!(condition))	\
			abort();	\
	} while (0)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

/* 0; -EINVAL with a sentence, or without one when the first two words are no command. */
static int parse(const char *line, size_t skip, struct store_change *change, char *why)
{
	struct ctl_words words;
	int err = ctl_words_split(line, &words, why);

	if (err < 0)
		return err;
	if (words.n < skip + 2 || store_verb_parse(words.list[skip], &change->verb) < 0 ||
	    store_kind_parse(words.list[skip + 1], &change->kind) < 0) {
		strcpy(why, "no command");
		err = -1;
	}
	for (size_t i = skip + 2; !err && i < words.n; i++) {
		char *value = strchr(words.list[i], '=');

		if (value)
			*value++ = '\0';
		err = store_change_set_tag(change, words.list[i], value ? value : "yes", why);
	}
	ctl_words_clear(&words);
	return err;
}

static char *print(const struct store_change *change)
{
	char *text = NULL;
	size_t len;
	FILE *file = open_memstream(&text, &len);

	store_change_print(file, change, true);
	CHECK(fclose(file) == 0);
	return text;
}

/* Whether everything is there that a command must have. */
static bool is_whole(const struct store_change *change)
{
	char why[POLICY_WHY_LEN];
	bool is_made = change->verb == STORE_VERB_ADD || change->verb == STORE_VERB_IMPORT;

	switch (change->kind) {
	case STORE_KIND_POLICY:
		return !is_made || (change->store_policy &&
				    !store_policy_check(change->store_policy, why));
	case STORE_KIND_FILTER_LIST:
		return !is_made || (change->filter_list &&
				    !store_filter_list_check(change->filter_list, why));
	case STORE_KIND_FILTER_ACTION:
		return !is_made || (change->filter_action &&
				    !store_filter_action_check(change->filter_action, why));
	case STORE_KIND_FILTER:
		return change->list &&
		       (!is_made || (change->filter && !store_filter_check(change->filter, why)));
	case STORE_KIND_RULE:
	case STORE_KIND_DEFAULT_RULE:
		return change->policy &&
		       (!is_made || (change->rule && !store_rule_check(change->rule, why)));
	}
	return false;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	_cleanup_(store_change_clear) struct store_change change = { .id = 0 }, back = { .id = 0 };
	_cleanup_free_ char *line = malloc(len + 1);
	_cleanup_free_ char *text = NULL, *again = NULL;
	char why[POLICY_WHY_LEN] = "";

	memcpy(line, data, len);
	line[len] = '\0';
	if (parse(line, 0, &change, why) < 0) {
		CHECK(*why);
		return 0;
	}
	text = print(&change);
	if (!is_whole(&change))
		return 0;
	CHECK(!parse(text, 1, &back, why));
	again = print(&back);
	CHECK(!strcmp(text, again));
	return 0;
}
