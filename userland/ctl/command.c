// SPDX-License-Identifier: MIT
#include "ctl/command.h"

#include <errno.h>
#include <stdarg.h>
#include <string.h>
#include <strings.h>

#include "base/parse.h"

/* In the order in which help lists them. */
static const struct ctl_command_set *const sets[] = {
	&ctl_mmpolicy_set, &ctl_qmpolicy_set, &ctl_rule_set, &ctl_all_set, &ctl_filter_set,
	&ctl_sas_set, &ctl_stats_set, &ctl_static_policy_set, &ctl_static_rule_set,
	&ctl_static_filterlist_set, &ctl_static_filter_set, &ctl_static_filteraction_set,
	&ctl_static_all_set, &ctl_static_store_set, &ctl_static_file_set, &ctl_config_set,
	&ctl_explain_set, &ctl_check_set, &ctl_diff_set, &ctl_dump_set, &ctl_try_set, &ctl_status_set,
};

__attribute__((format(printf, 3, 4)))
static int refuse(int err, char *why, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	vsnprintf(why, POLICY_WHY_LEN, format, ap);
	va_end(ap);
	return err;
}

const struct ctl_command *ctl_command_at(size_t i)
{
	for (size_t s = 0; s < sizeof(sets) / sizeof(sets[0]); s++) {
		if (i < sets[s]->n)
			return &sets[s]->commands[i];
		i -= sets[s]->n;
	}
	return NULL;
}

const struct ctl_command *ctl_command_find(const char *path)
{
	const struct ctl_command *command;

	for (size_t i = 0; (command = ctl_command_at(i)); i++)
		if (!strcmp(command->path, path))
			return command;
	return NULL;
}

/* What follows @path and a blank in @full; NULL if @full does not begin so. */
static const char *path_tail(const char *full, const char *path)
{
	size_t len = strlen(path);

	if (!len)
		return full;
	return !strncmp(full, path, len) && full[len] == ' ' ? full + len + 1 : NULL;
}

/* Whether an earlier command than the @i-th has the same word behind @path. */
static bool is_word_seen(const char *path, size_t i, const char *word, size_t len)
{
	for (size_t j = 0; j < i; j++) {
		const char *tail = path_tail(ctl_command_at(j)->path, path);

		if (tail && strcspn(tail, " ") == len && !strncmp(tail, word, len))
			return true;
	}
	return false;
}

const char *ctl_next_word(const char *path, size_t *cursor, char buf[static CTL_PATH_LEN])
{
	const struct ctl_command *command;

	while ((command = ctl_command_at(*cursor))) {
		const char *tail = path_tail(command->path, path);
		size_t len = tail ? strcspn(tail, " ") : 0;
		size_t i = (*cursor)++;

		if (!tail || is_word_seen(path, i, tail, len))
			continue;
		snprintf(buf, CTL_PATH_LEN, "%.*s", (int)len, tail);
		return buf;
	}
	return NULL;
}

static void append_choice(char *text, size_t cap, const char *word)
{
	size_t len = strlen(text);

	snprintf(text + len, cap - len, "%s%s", len ? ", " : "", word);
}

/*
 * The one word behind @path that @word is or abbreviates, in @buf. 0, -ENOENT, or -ENOTUNIQ with
 * the candidates in @why.
 */
static int match_word(const char *path, const char *word, char *buf, char *why)
{
	char candidate[CTL_PATH_LEN], found[CTL_PATH_LEN] = "", choices[POLICY_WHY_LEN / 2] = "";
	size_t n = 0, cursor = 0;

	while (ctl_next_word(path, &cursor, candidate)) {
		if (!*word || strncasecmp(candidate, word, strlen(word)) != 0)
			continue;
		memcpy(found, candidate, sizeof(found));
		append_choice(choices, sizeof(choices), candidate);
		n++;
		if (strlen(candidate) == strlen(word)) {
			n = 1;
			break;
		}
	}
	if (n > 1)
		return refuse(-ENOTUNIQ, why, "\"%.32s\" is too short, it can be: %s", word, choices);
	if (!n)
		return -ENOENT;
	memcpy(buf, found, sizeof(found));
	return 0;
}

static int refuse_word(const char *path, const char *word, char *why)
{
	char choices[POLICY_WHY_LEN / 2] = "", candidate[CTL_PATH_LEN];
	size_t cursor = 0;

	while (ctl_next_word(path, &cursor, candidate))
		append_choice(choices, sizeof(choices), candidate);
	return refuse(-ENOENT, why, "there is no \"%.32s\"%s%s; expected one of: %s", word,
		      *path ? " after " : "", path, choices);
}

int ctl_resolve(char path[static CTL_PATH_LEN], char *const *words, size_t n,
		char why[static POLICY_WHY_LEN])
{
	size_t taken = 0;

	while (taken < n && !ctl_command_find(path)) {
		char word[CTL_PATH_LEN];
		size_t len = strlen(path);
		int err = match_word(path, words[taken], word, why);

		if (err == -ENOENT)
			return refuse_word(path, words[taken], why);
		if (err)
			return err;
		snprintf(path + len, CTL_PATH_LEN - len, "%s%s", len ? " " : "", word);
		taken++;
	}
	return (int)taken;
}

const struct ctl_tag *ctl_tag_find(const struct ctl_command *command, const char *name,
				   char why[static POLICY_WHY_LEN])
{
	char choices[POLICY_WHY_LEN / 2] = "";
	const struct ctl_tag *found = NULL;
	size_t n = 0;

	for (size_t i = 0; i < command->n_tags; i++) {
		const struct ctl_tag *tag = &command->tags[i];

		if (!*name || strncasecmp(tag->name, name, strlen(name)) != 0)
			continue;
		if (strlen(tag->name) == strlen(name))
			return tag;
		if (tag->flags & CTL_TAG_HIDDEN)
			continue;
		append_choice(choices, sizeof(choices), tag->name);
		found = tag;
		n++;
	}
	if (n == 1)
		return found;
	if (n > 1) {
		refuse(0, why, "tag \"%.32s\" is too short, it can be: %s", name, choices);
		return NULL;
	}
	for (size_t i = 0; i < command->n_tags; i++)
		if (!(command->tags[i].flags & CTL_TAG_HIDDEN))
			append_choice(choices, sizeof(choices), command->tags[i].name);
	refuse(0, why, "there is no tag \"%.32s\"; expected: %s", name, *choices ? choices : "none");
	return NULL;
}

static bool is_given(const struct ctl_args *args, const struct ctl_tag *tag)
{
	for (size_t i = 0; i < args->n; i++)
		if (args->list[i].tag == tag)
			return true;
	return false;
}

static int add_argument(struct ctl_args *args, const struct ctl_tag *tag, const char *value,
			char *why)
{
	if (!(tag->flags & CTL_TAG_MULTIPLE) && is_given(args, tag))
		return refuse(-EINVAL, why, "%s is given twice", tag->name);
	if (tag->type->check) {
		int err = tag->type->check(tag->name, value, why);

		if (err)
			return err;
	}
	args->list[args->n++] = (struct ctl_argument){ tag, value };
	return 0;
}

/*
 * The first tag in usage order that the command line neither names nor has filled yet. The words
 * "all" and "default" are where the name would be.
 */
static const struct ctl_tag *next_positional(const struct ctl_args *args, const bool *is_named)
{
	const struct ctl_command *command = args->command;
	bool has_word = args->has_all || args->has_default;

	for (size_t i = 0; i < command->n_tags; i++) {
		const struct ctl_tag *tag = &command->tags[i];

		if (!is_named[i] && !is_given(args, tag) && !(tag->flags & CTL_TAG_HIDDEN) &&
		    !(has_word && !strcmp(tag->name, "name")))
			return tag;
	}
	return NULL;
}

/*
 * Cuts the tagged words at "=". tags[i] is the tag of words[i], NULL for a positional value, and
 * values[i] what it is set to.
 */
static int split_words(const struct ctl_command *command, char **words, size_t n,
		       const struct ctl_tag **tags, const char **values, bool *is_named, char *why)
{
	for (size_t i = 0; i < n; i++) {
		char *equals = strchr(words[i], '=');

		tags[i] = NULL;
		values[i] = words[i];
		if (!equals)
			continue;
		*equals = '\0';
		tags[i] = ctl_tag_find(command, words[i], why);
		*equals = '=';
		if (!tags[i])
			return -EINVAL;
		values[i] = equals + 1;
		is_named[tags[i] - command->tags] = true;
	}
	return 0;
}

/*
 * Whether @value is @word and stands for name or selectors. Not behind some of these: "delete rule
 * me any TCP 0 0 yes all" is for one rule, of connection type all.
 */
static bool is_word_for(const struct ctl_args *args, const bool *is_named, const char *value,
			unsigned int flag, const char *word)
{
	const struct ctl_command *command = args->command;

	if (!(command->flags & flag) || strcasecmp(value, word) != 0)
		return false;
	for (size_t i = 0; i < command->n_tags; i++)
		if (command->tags[i].flags & CTL_TAG_REQUIRED &&
		    (is_named[i] || is_given(args, &command->tags[i])))
			return false;
	return true;
}

static bool take_word(struct ctl_args *args, const bool *is_named, const char *value)
{
	if (is_word_for(args, is_named, value, CTL_COMMAND_ALL, "all"))
		return args->has_all = true;
	if (is_word_for(args, is_named, value, CTL_COMMAND_DEFAULT, "default"))
		return args->has_default = true;
	return false;
}

static int check_required(const struct ctl_args *args, char *why)
{
	const struct ctl_command *command = args->command;

	if (args->has_all)
		return 0;
	for (size_t i = 0; i < command->n_tags; i++) {
		const struct ctl_tag *tag = &command->tags[i];

		if (tag->flags & CTL_TAG_REQUIRED && !is_given(args, tag))
			return refuse(-EINVAL, why, "%s=%s is missing", tag->name,
				      tag->type->usage);
	}
	return 0;
}

int ctl_parse_args(const struct ctl_command *command, char **words, size_t n,
		   struct ctl_args *ret_args, char why[static POLICY_WHY_LEN])
{
	const struct ctl_tag *tags[CTL_MAX_WORDS];
	const char *values[CTL_MAX_WORDS];
	bool is_named[CTL_MAX_WORDS] = { false };
	struct ctl_args args = { .command = command };
	int err;

	if (n > CTL_MAX_WORDS)
		return refuse(-EINVAL, why, "more than %d words", CTL_MAX_WORDS);
	err = split_words(command, words, n, tags, values, is_named, why);
	for (size_t i = 0; !err && i < n; i++) {
		if (!tags[i] && take_word(&args, is_named, values[i]))
			continue;
		if (!tags[i])
			tags[i] = next_positional(&args, is_named);
		err = tags[i] ? add_argument(&args, tags[i], values[i], why) :
		      refuse(-EINVAL, why, "\"%.64s\" is one value too many", values[i]);
	}
	if (!err)
		err = check_required(&args, why);
	if (!err)
		*ret_args = args;
	return err;
}

const char *ctl_args_get(const struct ctl_args *args, const char *tag)
{
	for (size_t i = args->n; i > 0; i--)
		if (!strcmp(args->list[i - 1].tag->name, tag))
			return args->list[i - 1].value;
	return NULL;
}

bool ctl_args_get_bool(const struct ctl_args *args, const char *tag, bool fallback)
{
	const char *value = ctl_args_get(args, tag);
	int yes = fallback;

	if (value)
		(void)parse_bool(value, &yes);
	return yes;
}
