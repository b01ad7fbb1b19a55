// SPDX-License-Identifier: MIT
#include "ctl/roundtrip.h"

#include <errno.h>
#include <string.h>

#include "ctl/command.h"
#include "ctl/words.h"
#include "policy/text.h"

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
	return 0;
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

	if (!object->mm_policy && !object->qm_policy && !object->rule)
		return NULL;
	file = open_memstream(&text, &len);
	if (!file)
		return NULL;
	if (object->mm_policy)
		policy_mm_policy_print(file, object->mm_policy);
	else if (object->qm_policy)
		policy_qm_policy_print(file, object->qm_policy);
	else
		policy_rule_print(file, object->rule, true);
	(void)fclose(file);
	return text;
}

bool roundtrip_is_equal(const struct roundtrip *a, const struct roundtrip *b)
{
	if (a->mm_policy)
		return b->mm_policy && policy_mm_policy_is_equal(a->mm_policy, b->mm_policy);
	if (a->qm_policy)
		return b->qm_policy && policy_qm_policy_is_equal(a->qm_policy, b->qm_policy);
	return a->rule && b->rule && policy_rule_is_equal(a->rule, b->rule);
}

void roundtrip_clear(struct roundtrip *object)
{
	policy_mm_policy_free(object->mm_policy);
	policy_qm_policy_free(object->qm_policy);
	policy_rule_free(object->rule);
	*object = (struct roundtrip){ .rule = NULL };
}
