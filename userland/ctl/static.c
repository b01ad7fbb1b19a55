// SPDX-License-Identifier: MIT
#include "ctl/static.h"

#include <errno.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "base/cleanup.h"
#include "ctl/client.h"
#include "ctl/select.h"
#include "policy/bus.h"
#include "store/text.h"

static enum ctl_exit set_tag(struct ctl *ctl, const struct ctl_args *args,
			     struct store_change *change, const char *tag, const char *value)
{
	char why[POLICY_WHY_LEN];
	int err = store_change_set_tag(change, tag, value, why);

	if (err == -EINVAL)
		return ctl_usage_error(ctl, args->command->path, "%s", why);
	return err ? ctl_message_error(ctl, err, why) : CTL_EXIT_OK;
}

/* An address and its mask, wherever on the line they are. */
static enum ctl_exit set_masked(struct ctl *ctl, const struct ctl_args *args,
				struct store_change *change, const char *tag, const char *mask_tag)
{
	_cleanup_free_ char *text = NULL;
	enum ctl_exit ret = ctl_address_text(ctl, args, tag, mask_tag, &text);

	return ret || !text ? ret : set_tag(ctl, args, change, tag, text);
}

static int check_object(const struct store_change *change, char *why)
{
	switch (change->kind) {
	case STORE_KIND_POLICY:
		return store_policy_check(change->store_policy, why);
	case STORE_KIND_RULE:
	case STORE_KIND_DEFAULT_RULE:
		return store_rule_check(change->rule, why);
	case STORE_KIND_FILTER_LIST:
		return store_filter_list_check(change->filter_list, why);
	case STORE_KIND_FILTER:
		return store_filter_check(change->filter, why);
	case STORE_KIND_FILTER_ACTION:
		return store_filter_action_check(change->filter_action, why);
	}
	return 0;
}

/* One of name, guid and id says what is meant; the default rule and filters have none. */
static enum ctl_exit check_target(struct ctl *ctl, const struct ctl_args *args,
				  const struct store_change *change)
{
	static const char *const tags[] = { "name", "guid", "id" };
	const char *path = args->command->path, *other = NULL;
	size_t n = args->has_all;

	if (change->kind == STORE_KIND_FILTER || change->kind == STORE_KIND_DEFAULT_RULE)
		return CTL_EXIT_OK;
	if (change->kind == STORE_KIND_RULE && !change->policy)
		return ctl_usage_error(ctl, path, "policy=NAME is missing");
	for (size_t i = 0; i < args->command->n_tags; i++)
		if (!strcmp(args->command->tags[i].name, "guid") ||
		    !strcmp(args->command->tags[i].name, "id"))
			other = args->command->tags[i].name;
	for (size_t i = 0; i < sizeof(tags) / sizeof(tags[0]); i++)
		n += ctl_args_get(args, tags[i]) != NULL;
	if (n == 1)
		return CTL_EXIT_OK;
	return ctl_usage_error(ctl, path, n ? "name%s%s%s exclude each other" :
			       "name=NAME%s%s%s is missing", other ? n ? " and " : " or " : "",
			       other ?: "", args->command->flags & CTL_COMMAND_ALL && !n ?
			       " or the word all" : "");
}

/* Whether the command names something that is not there to find the object. */
static bool has_changes(const struct ctl_args *args, enum store_kind kind)
{
	static const char *const finders[] = { "name", "guid", "id" };

	for (size_t i = 0; i < args->n; i++) {
		const char *tag = args->list[i].tag->name;
		bool is_finder = (kind == STORE_KIND_RULE || kind == STORE_KIND_DEFAULT_RULE) &&
				 !strcmp(tag, "policy");

		for (size_t j = 0; j < sizeof(finders) / sizeof(finders[0]); j++)
			is_finder |= !strcmp(tag, finders[j]);
		if (!is_finder)
			return true;
	}
	return false;
}

static enum ctl_exit check(struct ctl *ctl, const struct ctl_args *args,
			   const struct store_change *change)
{
	const char *path = args->command->path;
	char why[POLICY_WHY_LEN];
	enum ctl_exit ret;

	if (change->verb == STORE_VERB_ADD)
		return check_object(change, why) < 0 ? ctl_usage_error(ctl, path, "%s", why) :
		       CTL_EXIT_OK;
	ret = check_target(ctl, args, change);
	if (!ret && change->verb == STORE_VERB_SET && !has_changes(args, change->kind))
		return ctl_usage_error(ctl, path, "nothing to change is named");
	return ret;
}

enum ctl_exit static_parse(struct ctl *ctl, const struct ctl_args *args, enum store_verb verb,
			   enum store_kind kind, struct store_change *ret_change)
{
	struct store_change *change = ret_change;
	enum ctl_exit ret;

	*change = (struct store_change){ .verb = verb, .kind = kind, .is_all = args->has_all };
	ret = set_masked(ctl, args, change, "srcaddr", "srcmask") ?:
	      set_masked(ctl, args, change, "dstaddr", "dstmask");
	for (size_t i = 0; !ret && i < args->n; i++) {
		const struct ctl_tag *tag = args->list[i].tag;

		if (tag->type != &ctl_type_address && tag->type != &ctl_type_mask)
			ret = set_tag(ctl, args, change, tag->name, args->list[i].value);
	}
	return ret ?: check(ctl, args, change);
}

enum ctl_exit static_run(struct ctl *ctl, const struct ctl_args *args, enum store_verb verb,
			 enum store_kind kind)
{
	struct store_change change;
	enum ctl_exit ret = static_parse(ctl, args, verb, kind, &change);

	if (!ret)
		return ctl_store_change(ctl, &change);
	store_change_clear(&change);
	return ret;
}

enum ctl_exit static_show_begin(struct ctl *ctl, const struct ctl_args *args,
				const struct store_query *query, struct static_show *ret_show)
{
	struct store_content *content = NULL;
	enum ctl_exit ret;

	*ret_show = (struct static_show){
		.ctl = ctl,
		.layout = ctl_layout(args),
		.location = ctl_store_location(ctl),
	};
	ret_show->has_secrets = ret_show->layout.is_verbose && ctl->is_root;
	ret = ctl_store_read(ctl, ret_show->location, query, &content);
	ret_show->content = content;
	return ret;
}

void static_show_end(struct static_show *show)
{
	store_content_free((struct store_content *)show->content);
	show->content = NULL;
}

enum ctl_exit static_not_found(const struct static_show *show, const char *what, const char *name,
			       const char *remedy)
{
	return ctl_error(show->ctl, POLICY_ERROR_OBJECT_NOT_FOUND,
			 "%s \"%s\" does not exist in the %s store; \"%s\" lists those that do",
			 what, name, store_location_name(show->location), remedy);
}

enum ctl_exit static_no_user(const struct static_show *show, const char *what, const char *rule)
{
	return ctl_error(show->ctl, POLICY_ERROR_OBJECT_NOT_FOUND,
			 "no rule \"%s\" in the %s store uses a %s; \"show policy all\" with "
			 "level=verbose lists the rules", rule, store_location_name(show->location),
			 what);
}

static bool uses(const struct store_rule *rule, const void *object)
{
	return rule->list == object || rule->action == object;
}

bool static_is_used_by(const struct store_content *content, const char *rule, const void *object)
{
	for (size_t i = 0; i < content->n_policies; i++) {
		const struct store_policy *policy = content->policies[i];

		for (size_t j = 0; j < policy->n_rules; j++)
			if (uses(policy->rules[j], object) && policy->rules[j]->head.name &&
			    policy_name_is_equal(policy->rules[j]->head.name, rule))
				return true;
	}
	return false;
}

uint32_t static_count_users(const struct store_content *content, const void *object)
{
	uint32_t n = 0;

	for (size_t i = 0; i < content->n_policies; i++)
		for (size_t j = 0; j < content->policies[i]->n_rules; j++)
			n += uses(content->policies[i]->rules[j], object);
	return n;
}

char *static_copy(const char *text)
{
	return text ? strdup(text) : NULL;
}

const char *static_time_format(uint64_t seconds, char buf[static STATIC_TIME_LEN])
{
	time_t when = (time_t)seconds;
	struct tm tm;

	buf[0] = '\0';
	if (seconds && localtime_r(&when, &tm))
		(void)strftime(buf, STATIC_TIME_LEN, "%Y-%m-%d %H:%M:%S", &tm);
	return buf;
}
