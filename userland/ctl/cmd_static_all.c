// SPDX-License-Identifier: MIT
#include "ctl/static.h"

static const struct ctl_tag show_tags[] = {
	CTL_TAG_FORMAT,
	CTL_TAG_WIDE,
	CTL_TAG_RESOLVEDNS,
};

/* Policies first: lists and actions that rules use cannot be deleted. */
static enum ctl_exit run_delete(struct ctl *ctl, const struct ctl_args *args)
{
	struct store_change changes[] = {
		{ .verb = STORE_VERB_DELETE, .kind = STORE_KIND_POLICY, .is_all = true },
		{ .verb = STORE_VERB_DELETE, .kind = STORE_KIND_FILTER_LIST, .is_all = true },
		{ .verb = STORE_VERB_DELETE, .kind = STORE_KIND_FILTER_ACTION, .is_all = true },
	};

	(void)args;
	return ctl_store_change_all(ctl, changes, sizeof(changes) / sizeof(changes[0]));
}

static enum ctl_exit show_counts(const struct static_show *show)
{
	const struct store_content *content = show->content;
	size_t n_rules = 0, n_filters = 0;

	for (size_t i = 0; i < content->n_policies; i++)
		n_rules += content->policies[i]->n_rules;
	for (size_t i = 0; i < content->n_lists; i++)
		n_filters += content->lists[i]->n_filters;
	return ctl_print_counters(show->ctl, "counts", "Counts", (struct ctl_counter[]){
		{ "policies", "Policies", content->n_policies },
		{ "policy_rules", "Rules", n_rules },
		{ "filterlists", "Filter Lists", content->n_lists },
		{ "filters", "Filters", n_filters },
		{ "filteractions", "Filter Actions", content->n_actions },
	}, 5);
}

static void next_part(const struct static_show *show)
{
	if (!show->ctl->json)
		fputc('\n', show->ctl->out);
}

static enum ctl_exit show_parts(const struct static_show *show)
{
	const struct static_rule_choice all = { .policy = NULL };
	enum ctl_exit ret = static_show_policies(show, NULL);

	next_part(show);
	ret = ret ?: static_show_rules(show, &all);
	next_part(show);
	ret = ret ?: static_show_lists(show, NULL, NULL);
	next_part(show);
	ret = ret ?: static_show_actions(show, NULL, NULL);
	next_part(show);
	return ret ?: show_counts(show);
}

static enum ctl_exit run_show(struct ctl *ctl, const struct ctl_args *args)
{
	struct static_show show;
	enum ctl_exit ret = static_show_begin(ctl, args, NULL, &show);

	/* everything, but no keys: they are for who asks for them */
	show.layout.is_verbose = true;
	if (!ret)
		ret = show_parts(&show);
	static_show_end(&show);
	return ret;
}

static const struct ctl_command commands[] = {
	{
		.path = "static delete all",
		.text = "remove all policies, filter lists and filter actions of the store",
		.remarks = "All or, if something is refused, nothing. If a policy was assigned, it no "
			   "longer acts.",
		.flags = CTL_COMMAND_DRY,
		.run = run_delete,
	},
	{
		.path = "static show all",
		.text = "print everything in the store, and how much it is",
		.examples = "  static show all format=table wide=yes\n",
		CTL_TAGS(show_tags),
		.run = run_show,
	},
};

const struct ctl_command_set ctl_static_all_set = CTL_COMMAND_SET(commands);
