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

static struct name *find(const struct names *names, const char *name)
{
	for (size_t i = 0; i < names->n; i++)
		if (!strcasecmp(names->names[i].name, name))
			return &names->names[i];
	return NULL;
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
	char *copy;

	if (!longer)
		return NULL;
	names->names = longer;
	copy = strdup(name);
	if (!copy)
		return NULL;
	longer[names->n] = (struct name){ .name = copy };
	return &longer[names->n++];
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

static bool uses(const struct policy_address *address, const char *name)
{
	return address->kind == POLICY_ADDRESS_NAME && !strcasecmp(address->name, name);
}

/* Whether a rule uses the name. */
static bool is_used(const char *name, const struct ruleset *ruleset)
{
	for (size_t i = 0; ruleset && i < ruleset->n_rules; i++)
		if (uses(&ruleset->rules[i]->source, name) ||
		    uses(&ruleset->rules[i]->destination, name))
			return true;
	return false;
}

void names_retain(struct names *names, struct ruleset *const *rulesets, size_t n_rulesets)
{
	size_t kept = 0;

	for (size_t i = 0; i < names->n; i++) {
		bool used = false;

		for (size_t j = 0; !used && j < n_rulesets; j++)
			used = is_used(names->names[i].name, rulesets[j]);
		if (used)
			names->names[kept++] = names->names[i];
		else
			name_done(&names->names[i]);
	}
	names->n = kept;
}
