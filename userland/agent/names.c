// SPDX-License-Identifier: MIT
#include "agent/names.h"

#include <errno.h>
#include <strings.h>

#include "agent/ruleset.h"

static void name_done(struct name *name)
{
	free(name->name);
	free(name->addrs);
}

void names_done(struct names *names)
{
	for (size_t i = 0; i < names->n; i++)
		name_done(&names->names[i]);
	free(names->names);
	*names = (struct names){ 0 };
}

/* Where the name is, or belongs. */
static size_t place_of(const struct names *names, const char *name)
{
	size_t low = 0, high = names->n;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (strcasecmp(names->names[middle].name, name) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static struct name *find(const struct names *names, const char *name)
{
	size_t i = place_of(names, name);

	return i < names->n && !strcasecmp(names->names[i].name, name) ? &names->names[i] : NULL;
}

const struct name *names_find(const struct names *names, const char *name)
{
	return find(names, name);
}

static int compare_addrs(const void *a, const void *b)
{
	return ip_addr_compare(a, b);
}

/* A sorted copy without repetitions, at most NAMES_ADDRS_MAX. */
static struct ip_addr *sorted_copy(const struct ip_addr *addrs, size_t n, size_t *ret_n)
{
	struct ip_addr *copy = calloc(n + 1, sizeof(*copy));
	size_t kept = 0;

	if (!copy)
		return NULL;
	if (n)
		memcpy(copy, addrs, n * sizeof(*copy));
	qsort(copy, n, sizeof(*copy), compare_addrs);
	for (size_t i = 0; i < n && kept < NAMES_ADDRS_MAX; i++)
		if (!kept || !ip_addr_is_equal(&copy[kept - 1], &copy[i]))
			copy[kept++] = copy[i];
	*ret_n = kept;
	return copy;
}

static struct name *add(struct names *names, const char *name)
{
	struct name *longer = reallocarray(names->names, names->n + 1, sizeof(*longer));
	size_t place;
	char *copy;

	if (!longer)
		return NULL;
	names->names = longer;
	copy = strdup(name);
	if (!copy)
		return NULL;
	place = place_of(names, name);
	memmove(&longer[place + 1], &longer[place], (names->n - place) * sizeof(*longer));
	longer[place] = (struct name){ .name = copy };
	names->n++;
	return &longer[place];
}

int names_set(struct names *names, const char *name, const struct ip_addr *addrs, size_t n)
{
	struct name *entry = find(names, name);
	bool is_new = !entry;
	size_t n_sorted;
	_cleanup_free_ struct ip_addr *sorted = sorted_copy(addrs, n, &n_sorted);

	if (!sorted)
		return -ENOMEM;
	if (!entry)
		entry = add(names, name);
	if (!entry)
		return -ENOMEM;
	if (!is_new && entry->n_addrs == n_sorted &&
	    !memcmp(entry->addrs, sorted, n_sorted * sizeof(*sorted)))
		return 0;
	free(entry->addrs);
	entry->addrs = TAKE_PTR(sorted);
	entry->n_addrs = n_sorted;
	return 1;
}

/* --- which are used ----------------------------------------------------------------------- */

/* Without a list they are only counted. */
static void note(struct name_list *used, const struct policy_address *address)
{
	if (address->kind != POLICY_ADDRESS_NAME)
		return;
	if (used->list)
		used->list[used->n] = address->name;
	used->n++;
}

static void note_rules(struct name_list *used, struct ruleset *const *rulesets, size_t n_rulesets)
{
	for (size_t i = 0; i < n_rulesets; i++) {
		for (size_t j = 0; rulesets[i] && j < rulesets[i]->n_rules; j++) {
			const struct ruleset_rule *rule = rulesets[i]->rules[j];

			note(used, &rule->source);
			note(used, &rule->destination);
			if (rule->treatment->rule->has_tunnel)
				note(used, &rule->treatment->rule->tunnel_destination);
		}
	}
}

static int compare_used(const void *a, const void *b)
{
	return strcasecmp(*(const char *const *)a, *(const char *const *)b);
}

void name_list_done(struct name_list *list)
{
	free(list->list);
	*list = (struct name_list){ 0 };
}

int names_of_rules(struct ruleset *const *rulesets, size_t n_rulesets, struct name_list *ret_list)
{
	struct name_list used = { 0 };
	size_t kept = 0;

	note_rules(&used, rulesets, n_rulesets);
	used.list = calloc(used.n + 1, sizeof(*used.list));
	if (!used.list)
		return -ENOMEM;
	used.n = 0;
	note_rules(&used, rulesets, n_rulesets);
	qsort(used.list, used.n, sizeof(*used.list), compare_used);
	for (size_t i = 0; i < used.n; i++)
		if (!kept || strcasecmp(used.list[kept - 1], used.list[i]) != 0)
			used.list[kept++] = used.list[i];
	used.n = kept;
	*ret_list = used;
	return 0;
}

/* A hundred thousand filters may have as many names. */
void names_retain(struct names *names, struct ruleset *const *rulesets, size_t n_rulesets)
{
	_cleanup_(name_list_done) struct name_list used = { 0 };
	size_t kept = 0;

	if (names_of_rules(rulesets, n_rulesets, &used))
		return;		/* one too many does no harm */
	for (size_t i = 0; i < names->n; i++) {
		const char *name = names->names[i].name;

		if (bsearch(&name, used.list, used.n, sizeof(*used.list), compare_used))
			names->names[kept++] = names->names[i];
		else
			name_done(&names->names[i]);
	}
	names->n = kept;
}
