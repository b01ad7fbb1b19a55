// SPDX-License-Identifier: MIT
#include "ctl/complete.h"

#include <string.h>
#include <strings.h>

#include "ctl/client.h"
#include "ctl/stores.h"
#include "ctl/types.h"

struct completion {
	const char *head;		/* "srcaddr=", or "" */
	const char *prefix;		/* what the candidate has to begin with */
	void (*each)(void *data, const char *word);
	void *data;
};

static void offer(const struct completion *c, const char *candidate, const char *tail)
{
	char word[2 * POLICY_NAME_MAX];

	if (strncasecmp(candidate, c->prefix, strlen(c->prefix)) != 0)
		return;
	snprintf(word, sizeof(word), "%s%s%s", c->head, candidate, tail);
	c->each(c->data, word);
}

static void offer_name(void *data, const char *name)
{
	offer(data, name, "");
}

static void offer_rules(const struct store_content *content, const struct completion *c)
{
	for (size_t i = 0; i < content->n_policies; i++)
		for (size_t j = 0; j < content->policies[i]->n_rules; j++)
			if (content->policies[i]->rules[j]->head.name)
				offer(c, content->policies[i]->rules[j]->head.name, "");
}

static void offer_objects(const struct store_content *content, enum ctl_names names,
			  const struct completion *c)
{
	for (size_t i = 0; names == CTL_NAMES_POLICY && i < content->n_policies; i++)
		offer(c, content->policies[i]->head.name, "");
	for (size_t i = 0; names == CTL_NAMES_FILTER_LIST && i < content->n_lists; i++)
		offer(c, content->lists[i]->head.name, "");
	for (size_t i = 0; names == CTL_NAMES_FILTER_ACTION && i < content->n_actions; i++)
		offer(c, content->actions[i]->head.name, "");
	if (names == CTL_NAMES_RULE)
		offer_rules(content, c);
}

/* The value of the tag with this type in @words; NULL if it is not among them. */
static const char *find_value(const struct ctl_command *command, char *const *words, size_t n,
			      const struct ctl_value_type *type, char *buf)
{
	char why[POLICY_WHY_LEN];

	for (size_t i = 0; i < n; i++) {
		const struct ctl_tag *tag;
		size_t len = strcspn(words[i], "=");

		if (!words[i][len] || len >= CTL_PATH_LEN)
			continue;
		memcpy(buf, words[i], len);
		buf[len] = '\0';
		tag = ctl_tag_find(command, buf, why);
		if (tag && tag->type == type)
			return words[i] + len + 1;
	}
	return NULL;
}

static void offer_stored(struct ctl *ctl, const struct completion *c,
			 const struct ctl_command *command, char *const *words, size_t n,
			 enum ctl_names names)
{
	char buf[CTL_PATH_LEN];
	const struct store_query query = {
		.policy = names == CTL_NAMES_RULE ?
			  find_value(command, words, n, &ctl_type_policy, buf) : NULL,
		.without_filters = true,
	};
	struct store_content *content = ctl_store_peek(ctl, ctl_store_location(ctl), &query);

	if (content)
		offer_objects(content, names, c);
	store_content_free(content);
}

static void offer_values(struct ctl *ctl, struct completion *c, const struct ctl_command *command,
			 char *const *words, size_t n, const struct ctl_value_type *type)
{
	for (size_t i = 0; type->choices && type->choices[i]; i++)
		offer(c, type->choices[i], "");
	if (ctl->host)
		return;	/* the names are there, not here */
	switch (type->names) {
	case CTL_NAMES_NONE:
		break;
	case CTL_NAMES_MM_POLICY:
		ctl_list_names(ctl, "ListMmPolicies", offer_name, c);
		break;
	case CTL_NAMES_QM_POLICY:
		ctl_list_names(ctl, "ListQmPolicies", offer_name, c);
		break;
	case CTL_NAMES_POLICY:
	case CTL_NAMES_RULE:
	case CTL_NAMES_FILTER_LIST:
	case CTL_NAMES_FILTER_ACTION:
		offer_stored(ctl, c, command, words, n, type->names);
		break;
	}
}

/* The tags that @words name, as far as they can be told. */
static void find_named(const struct ctl_command *command, char *const *words, size_t n,
		       bool *is_named)
{
	char why[POLICY_WHY_LEN];

	for (size_t i = 0; i < n; i++) {
		const char *equals = strchr(words[i], '=');
		char name[CTL_PATH_LEN];
		const struct ctl_tag *tag;

		if (!equals || (size_t)(equals - words[i]) >= sizeof(name))
			continue;
		memcpy(name, words[i], (size_t)(equals - words[i]));
		name[equals - words[i]] = '\0';
		tag = ctl_tag_find(command, name, why);
		if (tag && !(tag->flags & CTL_TAG_MULTIPLE))
			is_named[tag - command->tags] = true;
	}
}

static void complete_value(struct ctl *ctl, const struct ctl_command *command, char *const *words,
			   size_t n, const struct completion *c)
{
	const char *word = words[n - 1];
	struct completion value = *c;
	char head[CTL_PATH_LEN], why[POLICY_WHY_LEN];
	size_t len = strcspn(word, "=");
	const struct ctl_tag *tag;

	if (len + 2 > sizeof(head))
		return;
	memcpy(head, word, len);
	head[len] = '\0';
	tag = ctl_tag_find(command, head, why);
	if (!tag)
		return;
	head[len] = '=';
	head[len + 1] = '\0';
	value.head = head;
	value.prefix = word + len + 1;
	offer_values(ctl, &value, command, words, n - 1, tag->type);
}

static void complete_argument(struct ctl *ctl, const struct ctl_command *command,
			      char *const *words, size_t n, struct completion *c)
{
	const char *word = words[n - 1];
	bool is_named[CTL_MAX_WORDS] = { false };

	if (strchr(word, '=')) {
		complete_value(ctl, command, words, n, c);
		return;
	}
	find_named(command, words, n - 1, is_named);
	if (command->flags & CTL_COMMAND_ALL)
		offer(c, "all", "");
	if (command->flags & CTL_COMMAND_DEFAULT)
		offer(c, "default", "");
	for (size_t i = 0; i < command->n_tags; i++)
		if (!is_named[i] && !(command->tags[i].flags & CTL_TAG_HIDDEN))
			offer(c, command->tags[i].name, "=");
}

void ctl_complete_each(struct ctl *ctl, char *const *words, size_t n,
		       void (*each)(void *data, const char *word), void *data)
{
	char path[CTL_PATH_LEN], word[CTL_PATH_LEN], why[POLICY_WHY_LEN];
	struct completion c = { .head = "", .each = each, .data = data };
	size_t cursor = 0;
	int taken;

	if (n && !strcasecmp(words[0], "ipsec")) {
		words++;
		n--;
	}
	if (!n)
		return;
	c.prefix = words[n - 1];
	snprintf(path, sizeof(path), "%s", ctl->context);
	taken = ctl_resolve(path, words, n - 1, why);
	if (taken < 0)
		return;
	if (ctl_command_find(path)) {
		complete_argument(ctl, ctl_command_find(path), words + taken, n - (size_t)taken, &c);
		return;
	}
	while (ctl_next_word(path, &cursor, word))
		offer(&c, word, "");
}

static void print_word(void *data, const char *word)
{
	fprintf(data, "%s\n", word);
}

void ctl_complete(struct ctl *ctl, char *const *words, size_t n)
{
	ctl_complete_each(ctl, words, n, print_word, ctl->out);
}
