// SPDX-License-Identifier: MIT
/*
 * Two arrays of objects are paired in two passes, each a merge of what is sorted: first by GUID,
 * then by name (filters: by what they match) among those without a partner. Example:
 *
 *   before          after
 *   {1} "web"       {1} "www"      the same: it has a new name
 *   {2} "mail"      {3} "mail"     the same, made anew
 *   {4} "old"                      removed
 */
#include "store/diff.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "policy/authmethod.h"
#include "store/head.h"
#include "store/order.h"
#include "store/tag.h"

struct item {
	enum store_kind kind;
	const void *object;
	struct item *partner;
};

struct items {
	struct item *list;
	size_t n;
};

/* What the functions below have in common. */
struct comparison {
	struct store_diff diff;
	bool with_secrets;
};

static sd_id128_t guid_of(const struct item *item)
{
	return store_object_head(item->kind, item->object)->guid;
}

static int compare_kinds(const struct item *a, const struct item *b)
{
	return (a->kind > b->kind) - (a->kind < b->kind);
}

static int compare_guids(const void *a, const void *b)
{
	const struct item *x = *(struct item *const *)a, *y = *(struct item *const *)b;
	sd_id128_t guid_x = guid_of(x), guid_y = guid_of(y);

	return compare_kinds(x, y) ?: memcmp(&guid_x, &guid_y, sizeof(guid_x));
}

static int compare_identities(const void *a, const void *b)
{
	const struct item *x = *(struct item *const *)a, *y = *(struct item *const *)b;

	if (x->kind == y->kind && x->kind == STORE_KIND_FILTER)
		return store_filter_compare(x->object, y->object);
	return compare_kinds(x, y) ?: strcasecmp(store_object_head(x->kind, x->object)->name ?: "",
						 store_object_head(y->kind, y->object)->name ?: "");
}

/* The items without a partner, sorted; with @has_guid only those that have one. NULL: no memory. */
static struct item **select_single(const struct items *items, bool has_guid,
				   int (*compare)(const void *, const void *), size_t *ret_n)
{
	struct item **selected = calloc(items->n + 1, sizeof(*selected));
	size_t n = 0;

	for (size_t i = 0; selected && i < items->n; i++)
		if (!items->list[i].partner &&
		    (!has_guid || !sd_id128_is_null(guid_of(&items->list[i]))))
			selected[n++] = &items->list[i];
	if (selected)
		qsort(selected, n, sizeof(*selected), compare);
	*ret_n = n;
	return selected;
}

static int pair_by(const struct items *a, const struct items *b, bool has_guid,
		   int (*compare)(const void *, const void *))
{
	_cleanup_free_ struct item **x = NULL;
	_cleanup_free_ struct item **y = NULL;
	size_t n_x, n_y, i = 0, j = 0;

	x = select_single(a, has_guid, compare, &n_x);
	y = select_single(b, has_guid, compare, &n_y);
	if (!x || !y)
		return -ENOMEM;
	while (i < n_x && j < n_y) {
		int order = compare(&x[i], &y[j]);

		if (!order) {
			x[i]->partner = y[j];
			y[j]->partner = x[i];
		}
		i += order <= 0;
		j += order >= 0;
	}
	return 0;
}

static enum store_kind kind_of(enum store_kind kind, const void *object)
{
	const struct store_rule *rule = object;

	return kind == STORE_KIND_RULE && rule->is_default_response ? STORE_KIND_DEFAULT_RULE : kind;
}

static int items_init(struct items *items, enum store_kind kind, const void *array, size_t n)
{
	items->list = calloc(n + 1, sizeof(*items->list));
	if (!items->list)
		return -ENOMEM;
	items->n = n;
	for (size_t i = 0; i < n; i++) {
		struct item *item = &items->list[i];

		memcpy(&item->object, (const char *)array + i * sizeof(void *), sizeof(void *));
		item->kind = kind_of(kind, item->object);
	}
	return 0;
}

static void items_done(struct items *items)
{
	free(items->list);
}

static void difference_clear(struct store_difference *difference)
{
	free(difference->name);
	free(difference->owner);
	policy_secret_free(difference->before);
	policy_secret_free(difference->after);
}

void store_diff_done(struct store_diff *diff)
{
	for (size_t i = 0; i < diff->n; i++)
		difference_clear(&diff->list[i]);
	free(diff->list);
	*diff = (struct store_diff){ .list = NULL };
}

static int set_name(struct store_difference *difference, const void *object)
{
	uint32_t fields;

	if (difference->kind != STORE_KIND_FILTER)
		return store_text_copy(store_object_head(difference->kind, object)->name,
				       &difference->name);
	fields = store_tags_to_make(STORE_KIND_FILTER, object);
	difference->name = store_tags_text(STORE_KIND_FILTER, object,
					   fields & ~(uint32_t)STORE_FIELD_DESCRIPTION, false);
	return difference->name ? 0 : -ENOMEM;
}

/* Takes the strings of @difference over, also when it fails. */
static int add(struct comparison *comparison, struct store_difference *difference,
	       const void *object, const char *owner)
{
	struct store_diff *diff = &comparison->diff;
	struct store_difference *grown = diff->list;
	bool is_full = !(diff->n & (diff->n - 1));

	if (is_full)
		grown = reallocarray(diff->list, diff->n ? 2 * diff->n : 1, sizeof(*grown));
	if (grown)
		diff->list = grown;
	if (!grown || set_name(difference, object) < 0 ||
	    store_text_copy(owner, &difference->owner) < 0) {
		difference_clear(difference);
		return -ENOMEM;
	}
	diff->list[diff->n++] = *difference;
	return 0;
}

static int add_whole(struct comparison *comparison, enum store_difference_type type,
		     const struct item *item, const char *owner)
{
	struct store_difference difference = { .type = type, .kind = item->kind };
	uint32_t fields = store_tags_to_make(item->kind, item->object);
	char *text;

	/* What a policy has anyway is no news. */
	if (item->kind == STORE_KIND_DEFAULT_RULE && !(fields & ~(uint32_t)STORE_FIELD_ACTIVATE))
		return 0;
	text = store_tags_text(item->kind, item->object, fields, comparison->with_secrets);
	if (!text)
		return -ENOMEM;
	if (type == STORE_DIFFERENCE_ADDED)
		difference.after = text;
	else
		difference.before = text;
	return add(comparison, &difference, item->object, owner);
}

static int mark_other_key(char **text)
{
	char *marked;

	if (asprintf(&marked, "%s (another key)", *text) < 0)
		return -ENOMEM;
	free(*text);
	*text = marked;
	return 0;
}

static int add_field(struct comparison *comparison, const struct item *a, uint32_t field,
		     const char *owner)
{
	const struct item *b = a->partner;
	struct store_difference difference = {
		.type = STORE_DIFFERENCE_CHANGED,
		.kind = a->kind,
		.field = store_tag_name(a->kind, field),
		.before = store_tag_text(a->kind, a->object, field, comparison->with_secrets),
		.after = store_tag_text(b->kind, b->object, field, comparison->with_secrets),
	};

	if (!difference.before || !difference.after ||
	    (field == STORE_FIELD_AUTH && !strcmp(difference.before, difference.after) &&
	     mark_other_key(&difference.after) < 0)) {
		difference_clear(&difference);
		return -ENOMEM;
	}
	return add(comparison, &difference, a->object, owner);
}

static int add_fields(struct comparison *comparison, const struct item *a, const char *owner)
{
	uint32_t fields = store_tags_differ(a->kind, a->object, a->partner->object);
	int err = 0;

	/* The default response rule says so itself. */
	if (a->kind == STORE_KIND_POLICY)
		fields &= ~(uint32_t)STORE_FIELD_ACTIVATEDEFAULTRULE;
	for (unsigned int bit = 0; !err && bit < 32; bit++)
		if (fields & UINT32_C(1) << bit)
			err = add_field(comparison, a, UINT32_C(1) << bit, owner);
	return err;
}

static int compare_arrays(struct comparison *comparison, enum store_kind kind, const char *owner,
			  const void *a, size_t n_a, const void *b, size_t n_b);

/* The rules of a policy, the filters of a list; @a or @b may be NULL. */
static int compare_contents(struct comparison *comparison, enum store_kind kind, const void *a,
			    const void *b)
{
	const struct store_policy *policy_a = a, *policy_b = b;
	const struct store_filter_list *list_a = a, *list_b = b;
	const char *owner;

	if (kind != STORE_KIND_POLICY && kind != STORE_KIND_FILTER_LIST)
		return 0;
	owner = store_object_head(kind, b ? b : a)->name;
	if (kind == STORE_KIND_POLICY)
		return compare_arrays(comparison, STORE_KIND_RULE, owner,
				      a ? policy_a->rules : NULL, a ? policy_a->n_rules : 0,
				      b ? policy_b->rules : NULL, b ? policy_b->n_rules : 0);
	return compare_arrays(comparison, STORE_KIND_FILTER, owner,
			      a ? list_a->filters : NULL, a ? list_a->n_filters : 0,
			      b ? list_b->filters : NULL, b ? list_b->n_filters : 0);
}

static int compare_items(struct comparison *comparison, const struct items *a,
			 const struct items *b, const char *owner)
{
	int err = 0;

	for (size_t i = 0; !err && i < a->n; i++) {
		const struct item *item = &a->list[i], *partner = item->partner;

		if (partner)
			err = add_fields(comparison, item, owner);
		else
			err = add_whole(comparison, STORE_DIFFERENCE_REMOVED, item, owner);
		if (!err)
			err = compare_contents(comparison, item->kind, item->object,
					       partner ? partner->object : NULL);
	}
	for (size_t i = 0; !err && i < b->n; i++) {
		const struct item *item = &b->list[i];

		if (item->partner)
			continue;
		err = add_whole(comparison, STORE_DIFFERENCE_ADDED, item, owner) ?:
		      compare_contents(comparison, item->kind, NULL, item->object);
	}
	return err;
}

static int compare_arrays(struct comparison *comparison, enum store_kind kind, const char *owner,
			  const void *a, size_t n_a, const void *b, size_t n_b)
{
	_cleanup_(items_done) struct items items_a = { .n = 0 };
	_cleanup_(items_done) struct items items_b = { .n = 0 };

	return items_init(&items_a, kind, a, n_a) ?: items_init(&items_b, kind, b, n_b) ?:
	       pair_by(&items_a, &items_b, true, compare_guids) ?:
	       pair_by(&items_a, &items_b, false, compare_identities) ?:
	       compare_items(comparison, &items_a, &items_b, owner);
}

int store_content_diff(const struct store_content *before, const struct store_content *after,
		       bool with_secrets, struct store_diff *ret_diff)
{
	struct comparison comparison = { .with_secrets = with_secrets };
	int err;

	err = compare_arrays(&comparison, STORE_KIND_POLICY, NULL, before->policies,
			     before->n_policies, after->policies, after->n_policies) ?:
	      compare_arrays(&comparison, STORE_KIND_FILTER_LIST, NULL, before->lists,
			     before->n_lists, after->lists, after->n_lists) ?:
	      compare_arrays(&comparison, STORE_KIND_FILTER_ACTION, NULL, before->actions,
			     before->n_actions, after->actions, after->n_actions);
	if (err) {
		store_diff_done(&comparison.diff);
		return err;
	}
	*ret_diff = comparison.diff;
	return 0;
}

const char *store_difference_type_name(enum store_difference_type type)
{
	switch (type) {
	case STORE_DIFFERENCE_ADDED:
		return "added";
	case STORE_DIFFERENCE_REMOVED:
		return "removed";
	case STORE_DIFFERENCE_CHANGED:
		return "changed";
	}
	return NULL;
}

static void print_object(FILE *file, const struct store_difference *difference)
{
	switch (difference->kind) {
	case STORE_KIND_POLICY:
		fprintf(file, "policy \"%s\"", difference->name);
		break;
	case STORE_KIND_RULE:
		fprintf(file, "rule \"%s\" of policy \"%s\"", difference->name, difference->owner);
		break;
	case STORE_KIND_FILTER_LIST:
		fprintf(file, "filter list \"%s\"", difference->name);
		break;
	case STORE_KIND_FILTER:
		fprintf(file, "filter %s of filter list \"%s\"", difference->name,
			difference->owner);
		break;
	case STORE_KIND_FILTER_ACTION:
		fprintf(file, "filter action \"%s\"", difference->name);
		break;
	case STORE_KIND_DEFAULT_RULE:
		fprintf(file, "default response rule of policy \"%s\"", difference->owner);
		break;
	}
}

void store_difference_print(FILE *file, const struct store_difference *difference)
{
	const char *tags = difference->type == STORE_DIFFERENCE_ADDED ? difference->after :
									difference->before;

	print_object(file, difference);
	if (difference->type == STORE_DIFFERENCE_CHANGED)
		fprintf(file, ": %s: %s -> %s", difference->field, difference->before,
			difference->after);
	else if (difference->kind == STORE_KIND_FILTER || !*tags)
		fprintf(file, ": %s", store_difference_type_name(difference->type));
	else
		fprintf(file, ": %s: %s", store_difference_type_name(difference->type), tags);
}
