// SPDX-License-Identifier: MIT
#include "ctl/driver_diff.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "policy/address.h"
#include "policy/tag.h"
#include "policy/text.h"

/* One filter of one rule, from either side; what is equal is the same filter. */
struct entry {
	char *rule;
	char *filter;
	char *treatment;
	const char *overruled_by;	/* borrowed, or NULL */
};

struct entries {
	struct entry *list;
	size_t n;
};

static void entries_done(struct entries *entries)
{
	for (size_t i = 0; i < entries->n; i++) {
		free(entries->list[i].rule);
		free(entries->list[i].filter);
		free(entries->list[i].treatment);
	}
	free(entries->list);
}

/* The same words for both sides, so that they can be compared as they are. */
static char *filter_text(const struct policy_qm_filter_info *info)
{
	char *text = NULL;
	size_t len;
	FILE *file = open_memstream(&text, &len);

	if (!file)
		return NULL;
	fprintf(file, "srcaddr=%s dstaddr=%s", info->source ?: "", info->destination ?: "");
	if (info->protocol && strcmp(info->protocol, "ANY") != 0)
		policy_tag_print(file, "protocol", info->protocol);
	if (!info->mirrored)
		fputs(" mirrored=no", file);
	if (info->source_port)
		fprintf(file, " srcport=%u", info->source_port);
	if (info->destination_port)
		fprintf(file, " dstport=%u", info->destination_port);
	return fclose(file) == 0 ? text : (free(text), NULL);
}

static char *treatment_text(const struct policy_qm_filter_info *info)
{
	char *text = NULL;
	size_t len;
	FILE *file = open_memstream(&text, &len);

	if (!file)
		return NULL;
	fprintf(file, "actioninbound=%s actionoutbound=%s", info->inbound_action ?: "",
		info->outbound_action ?: "");
	if (info->connection && strcmp(info->connection, "all") != 0)
		policy_tag_print(file, "conntype", info->connection);
	if (info->interface)
		policy_tag_print(file, "interface", info->interface);
	if (info->tunnel_destination)
		policy_tag_print(file, "tunnel", info->tunnel_destination);
	return fclose(file) == 0 ? text : (free(text), NULL);
}

static int add_entry(struct entries *entries, const struct policy_qm_filter_info *info)
{
	struct entry entry = {
		.rule = strdup(info->name ?: ""),
		.filter = filter_text(info),
		.treatment = treatment_text(info),
		.overruled_by = info->overruled_by,
	};

	entries->list[entries->n++] = entry;
	return entry.rule && entry.filter && entry.treatment ? 0 : -ENOMEM;
}

/* As the agent shows it when it is in force. */
static int add_stored(struct entries *entries, const struct store_rule *rule,
		      const struct store_filter *filter)
{
	_cleanup_free_ char *source = policy_address_to_text(&filter->source);
	_cleanup_free_ char *destination = policy_address_to_text(&filter->destination);
	_cleanup_free_ char *tunnel = NULL;
	const char *action = policy_action_name(rule->action->action);
	bool is_inpass = rule->action->inpass && rule->action->action == IPSECDRV_ACTION_NEGOTIATE;
	char protocol[POLICY_PROTOCOL_STRLEN];
	struct policy_qm_filter_info info = {
		.name = rule->head.name,
		.source = source,
		.destination = destination,
		.protocol = policy_protocol_format(filter->protocol, protocol),
		.source_port = filter->source_port,
		.destination_port = filter->destination_port,
		.mirrored = filter->mirrored && !rule->has_tunnel,
		.connection = policy_connection_name(rule->connection),
		.inbound_action = is_inpass ? "permit" : action,
		.outbound_action = action,
	};

	if (rule->has_tunnel)
		tunnel = policy_address_to_text(&rule->tunnel);
	if (!source || !destination || (rule->has_tunnel && !tunnel))
		return -ENOMEM;
	info.tunnel_destination = tunnel;
	return add_entry(entries, &info);
}

static bool counts(const struct store_rule *rule)
{
	return rule->is_active && !rule->is_default_response && rule->list && rule->action;
}

static int collect_stored(const struct store_policy *policy, struct entries *entries)
{
	size_t n = 0;
	int err = 0;

	for (size_t i = 0; policy && i < policy->n_rules; i++)
		n += counts(policy->rules[i]) ? policy->rules[i]->list->n_filters : 0;
	entries->list = calloc(n + 1, sizeof(*entries->list));
	if (!entries->list)
		return -ENOMEM;
	for (size_t i = 0; policy && i < policy->n_rules; i++) {
		const struct store_rule *rule = policy->rules[i];

		for (size_t j = 0; !err && counts(rule) && j < rule->list->n_filters; j++)
			if (!rule->list->filters[j]->is_main_mode)
				err = add_stored(entries, rule, rule->list->filters[j]);
	}
	return err;
}

static int collect_in_force(const char *layer, const struct policy_qm_filter_info *filters,
			    size_t n, struct entries *entries)
{
	int err = 0;

	entries->list = calloc(n + 1, sizeof(*entries->list));
	if (!entries->list)
		return -ENOMEM;
	for (size_t i = 0; !err && i < n; i++)
		if (filters[i].layer && !strcmp(filters[i].layer, layer))
			err = add_entry(entries, &filters[i]);
	return err;
}

static int compare_keys(const struct entry *a, const struct entry *b)
{
	return strcmp(a->rule, b->rule) ?: strcmp(a->filter, b->filter);
}

static int compare_entries(const void *a, const void *b)
{
	const struct entry *x = a, *y = b;

	return compare_keys(x, y) ?: strcmp(x->treatment, y->treatment);
}

/* Takes the strings out of the entries. */
static void add(struct driver_diff *diff, enum driver_difference_type type, struct entry *stored,
		struct entry *in_force)
{
	struct entry *named = stored ? stored : in_force;

	diff->list[diff->n++] = (struct driver_difference){
		.type = type,
		.rule = TAKE_PTR(named->rule),
		.filter = TAKE_PTR(named->filter),
		.before = stored ? TAKE_PTR(stored->treatment) : NULL,
		.after = in_force ? TAKE_PTR(in_force->treatment) : NULL,
	};
}

static int add_pair(struct driver_diff *diff, struct entry *stored, struct entry *in_force)
{
	struct driver_difference *last;

	if (in_force->overruled_by) {
		add(diff, DRIVER_DIFFERENCE_OVERRULED, stored, in_force);
		last = &diff->list[diff->n - 1];
		free(last->after);
		last->after = strdup(in_force->overruled_by);
		return last->after ? 0 : -ENOMEM;
	}
	if (strcmp(stored->treatment, in_force->treatment) != 0)
		add(diff, DRIVER_DIFFERENCE_CHANGED, stored, in_force);
	return 0;
}

/* Both are sorted. */
static int merge(struct entries *stored, struct entries *in_force, struct driver_diff *diff)
{
	size_t i = 0, j = 0;
	int err = 0;

	while (!err && (i < stored->n || j < in_force->n)) {
		struct entry *a = i < stored->n ? &stored->list[i] : NULL;
		struct entry *b = j < in_force->n ? &in_force->list[j] : NULL;
		int order = !a ? 1 : !b ? -1 : compare_keys(a, b);

		if (order < 0)
			add(diff, DRIVER_DIFFERENCE_NOT_IN_FORCE, a, NULL);
		else if (order > 0)
			add(diff, DRIVER_DIFFERENCE_NOT_STORED, NULL, b);
		else
			err = add_pair(diff, a, b);
		i += order <= 0;
		j += order >= 0;
	}
	return err;
}

int driver_diff_make(const struct store_policy *policy, const char *layer,
		     const struct policy_qm_filter_info *filters, size_t n,
		     struct driver_diff *ret_diff)
{
	_cleanup_(entries_done) struct entries stored = { .n = 0 };
	_cleanup_(entries_done) struct entries in_force = { .n = 0 };
	struct driver_diff diff = { .n = 0 };
	int err;

	err = collect_stored(policy, &stored) ?: collect_in_force(layer, filters, n, &in_force);
	if (err)
		return err;
	qsort(stored.list, stored.n, sizeof(*stored.list), compare_entries);
	qsort(in_force.list, in_force.n, sizeof(*in_force.list), compare_entries);
	diff.list = calloc(stored.n + in_force.n + 1, sizeof(*diff.list));
	err = diff.list ? merge(&stored, &in_force, &diff) : -ENOMEM;
	if (err) {
		driver_diff_done(&diff);
		return err;
	}
	*ret_diff = diff;
	return 0;
}

/* --- behind the agent --------------------------------------------------------------------- */

/* The agent's word, or -EBADMSG. */
static int type_from_word(const char *word)
{
	if (!word)
		return -EBADMSG;
	if (!strcmp(word, "missing"))
		return DRIVER_DIFFERENCE_NOT_IN_FORCE;
	if (!strcmp(word, "changed"))
		return DRIVER_DIFFERENCE_CHANGED;
	return strcmp(word, "foreign") ? -EBADMSG : DRIVER_DIFFERENCE_FOREIGN;
}

static int add_foreign(struct driver_diff *diff, const struct policy_driver_difference_info *info)
{
	struct driver_difference *added = &diff->list[diff->n];
	int type = type_from_word(info->difference);

	if (type < 0)
		return type;
	*added = (struct driver_difference){
		.type = (enum driver_difference_type)type,
		.rule = strdup(info->rule ?: ""),
		.before = info->before ? strdup(info->before) : NULL,
		.after = info->after ? strdup(info->after) : NULL,
	};
	diff->n++;
	if (asprintf(&added->filter, "%s (ID %u)", info->filter ?: "", info->id) < 0)
		added->filter = NULL;
	return added->rule && added->filter && !added->before == !info->before &&
	       !added->after == !info->after ? 0 : -ENOMEM;
}

int driver_diff_add_foreign(struct driver_diff *diff,
			    const struct policy_driver_difference_info *infos, size_t n)
{
	struct driver_difference *grown = reallocarray(diff->list, diff->n + n + 1, sizeof(*grown));
	int err = 0;

	if (!grown)
		return -ENOMEM;
	diff->list = grown;
	for (size_t i = 0; !err && i < n; i++)
		err = add_foreign(diff, &infos[i]);
	return err;
}

void driver_diff_done(struct driver_diff *diff)
{
	for (size_t i = 0; i < diff->n; i++) {
		free(diff->list[i].rule);
		free(diff->list[i].filter);
		free(diff->list[i].before);
		free(diff->list[i].after);
	}
	free(diff->list);
	*diff = (struct driver_diff){ .list = NULL };
}

const char *driver_difference_name(enum driver_difference_type type)
{
	switch (type) {
	case DRIVER_DIFFERENCE_NOT_IN_FORCE:
		return "not in force";
	case DRIVER_DIFFERENCE_NOT_STORED:
		return "not stored";
	case DRIVER_DIFFERENCE_CHANGED:
		return "changed";
	case DRIVER_DIFFERENCE_OVERRULED:
		return "overruled";
	case DRIVER_DIFFERENCE_FOREIGN:
		return "not of the agent";
	}
	return NULL;
}
