// SPDX-License-Identifier: MIT
#include "ctl/roundtrip.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ctl/command.h"
#include "ctl/ctl.h"
#include "ctl/static.h"
#include "ctl/words.h"
#include "policy/text.h"
#include "store/tag.h"
#include "store/text.h"

typedef int set_tag(void *object, const char *tag, const char *value, uint32_t *given, char *why);

static int set_mm(void *object, const char *tag, const char *value, uint32_t *given, char *why)
{
	return policy_mm_policy_set_tag(object, tag, value, given, why);
}

static int set_qm(void *object, const char *tag, const char *value, uint32_t *given, char *why)
{
	return policy_qm_policy_set_tag(object, tag, value, given, why);
}

static int set_rule(void *object, const char *tag, const char *value, uint32_t *given, char *why)
{
	/* the command line joins masks with their addresses; printed rules have none apart */
	if (!strcmp(tag, "srcmask") || !strcmp(tag, "dstmask"))
		return 0;
	return policy_rule_set_tag(object, tag, value, given, why);
}

static int fill(const struct ctl_args *args, set_tag *set, void *object, char *why)
{
	uint32_t given = 0;
	int err = 0;

	for (size_t i = 0; !err && i < args->n; i++)
		err = set(object, args->list[i].tag->name, args->list[i].value, &given, why);
	return err;
}

/* "static add rule" and so on, by the words of verb and kind; other commands have none. */
static int build_change(const struct ctl_args *args, struct roundtrip *object, char *why)
{
	char verb_word[16] = "", kind_word[32] = "";
	enum store_verb verb;
	enum store_kind kind;
	enum ctl_exit ret;
	struct ctl ctl;
	FILE *null;

	if (sscanf(args->command->path, "static %15s %31s", verb_word, kind_word) != 2 ||
	    store_verb_parse(verb_word, &verb) < 0 || store_kind_parse(kind_word, &kind) < 0)
		return 0;
	null = fopen("/dev/null", "we");
	object->change = calloc(1, sizeof(*object->change));
	if (!null || !object->change)
		return -ENOMEM;
	ctl_init(&ctl, null, null);
	ret = static_parse(&ctl, args, verb, kind, object->change);
	ctl_exit(&ctl);
	(void)fclose(null);
	if (ret)
		snprintf(why, POLICY_WHY_LEN, "the static command is refused");
	return ret ? -EINVAL : 0;
}

static int build(const struct ctl_args *args, struct roundtrip *object, char *why)
{
	const char *path = args->command->path;

	if (!strcmp(path, "dynamic add mmpolicy")) {
		object->mm_policy = policy_mm_policy_new();
		return fill(args, set_mm, object->mm_policy, why);
	}
	if (!strcmp(path, "dynamic add qmpolicy")) {
		object->qm_policy = policy_qm_policy_new();
		return fill(args, set_qm, object->qm_policy, why);
	}
	if (!strcmp(path, "dynamic add rule")) {
		object->rule = policy_rule_new();
		return fill(args, set_rule, object->rule, why);
	}
	return build_change(args, object, why);
}

static int parse_words(char **words, size_t n, struct roundtrip *object, char *why)
{
	char path[CTL_PATH_LEN] = "";
	int taken = ctl_resolve(path, words, n, why);
	const struct ctl_command *command;
	struct ctl_args args;
	int err;

	if (taken < 0)
		return -EINVAL;
	command = ctl_command_find(path);
	if (!command)
		return 0;
	err = ctl_parse_args(command, words + taken, n - (size_t)taken, &args, why);
	return err ? err : build(&args, object, why);
}

int roundtrip_parse(const char *line, struct roundtrip *ret_object, char why[static POLICY_WHY_LEN])
{
	struct roundtrip object = { .rule = NULL };
	struct ctl_words words;
	int err;

	err = ctl_words_split(line, &words, why);
	if (err)
		return err;
	err = parse_words(words.list, words.n, &object, why);
	ctl_words_clear(&words);
	if (err) {
		roundtrip_clear(&object);
		return err;
	}
	*ret_object = object;
	return 0;
}

char *roundtrip_print(const struct roundtrip *object)
{
	char *text = NULL;
	size_t len;
	FILE *file;

	if (!object->mm_policy && !object->qm_policy && !object->rule && !object->change)
		return NULL;
	file = open_memstream(&text, &len);
	if (!file)
		return NULL;
	if (object->mm_policy)
		policy_mm_policy_print(file, object->mm_policy);
	else if (object->qm_policy)
		policy_qm_policy_print(file, object->qm_policy);
	else if (object->rule)
		policy_rule_print(file, object->rule, true);
	else
		store_change_print(file, object->change, true);
	(void)fclose(file);
	return text;
}

static bool is_same_text(const char *a, const char *b)
{
	return a && b ? !strcmp(a, b) : a == b;
}

static const void *object_of(const struct store_change *change)
{
	const void *objects[] = {
		change->filter, change->filter_list, change->filter_action, change->rule,
		change->store_policy,
	};

	for (size_t i = 0; i < sizeof(objects) / sizeof(objects[0]); i++)
		if (objects[i])
			return objects[i];
	return NULL;
}

/* What an ADD names that is a default is not printed, so that the fields given do not count there. */
static bool is_same_change(const struct store_change *a, const struct store_change *b)
{
	const void *x = object_of(a), *y = object_of(b);

	if (a->verb != b->verb || a->kind != b->kind || a->is_all != b->is_all || a->id != b->id ||
	    !sd_id128_equal(a->guid, b->guid) || !is_same_text(a->name, b->name) ||
	    !is_same_text(a->policy, b->policy) || !is_same_text(a->list, b->list) ||
	    (a->verb != STORE_VERB_ADD && a->given != b->given))
		return false;
	return x && y ? !store_tags_differ(a->kind, x, y) : x == y;
}

bool roundtrip_is_equal(const struct roundtrip *a, const struct roundtrip *b)
{
	if (a->mm_policy)
		return b->mm_policy && policy_mm_policy_is_equal(a->mm_policy, b->mm_policy);
	if (a->qm_policy)
		return b->qm_policy && policy_qm_policy_is_equal(a->qm_policy, b->qm_policy);
	if (a->change)
		return b->change && is_same_change(a->change, b->change);
	return a->rule && b->rule && policy_rule_is_equal(a->rule, b->rule);
}

void roundtrip_clear(struct roundtrip *object)
{
	policy_mm_policy_free(object->mm_policy);
	policy_qm_policy_free(object->qm_policy);
	policy_rule_free(object->rule);
	if (object->change)
		store_change_clear(object->change);
	free(object->change);
	*object = (struct roundtrip){ .rule = NULL };
}
