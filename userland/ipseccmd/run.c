// SPDX-License-Identifier: MIT
#include "ipseccmd/run.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "policy/address.h"
#include "policy/authmethod.h"

struct run *run_new(void)
{
	return calloc(1, sizeof(struct run));
}

static void filters_clear(struct run_filters *filters)
{
	for (size_t i = 0; i < filters->n; i++)
		filterspec_clear(&filters->list[i]);
	free(filters->list);
	*filters = (struct run_filters){ .n = 0 };
}

struct run *run_free(struct run *run)
{
	if (!run)
		return NULL;
	filters_clear(&run->filters);
	filters_clear(&run->mm_filters);
	policy_address_clear(&run->tunnel);
	policy_methods_clear(run->methods, &run->n_methods);
	free(run->machine);
	free(run->domain);
	free(run->policy);
	free(run->rule);
	free(run->file);
	free(run);
	return NULL;
}

enum run_mode run_mode(const struct run *run)
{
	if (run->given & RUN_GIVEN_HELP)
		return RUN_HELP;
	if (run->given & RUN_GIVEN_SHOW)
		return RUN_QUERY;
	if (run->given & RUN_GIVEN_FILE)
		return RUN_BATCH;
	if (run->given & RUN_GIVEN_WIPE)
		return RUN_WIPE;
	return run->given & RUN_GIVEN_STORE ? RUN_STATIC : RUN_DYNAMIC;
}

int run_filters_add(struct run_filters *filters, struct filterspec *spec)
{
	struct filterspec *longer = filters->list;

	/* Grows at powers of two. */
	if (!(filters->n & (filters->n - 1)))
		longer = reallocarray(filters->list, filters->n ? 2 * filters->n : 1, sizeof(*longer));
	if (!longer) {
		filterspec_clear(spec);
		return -ENOMEM;
	}
	filters->list = longer;
	filters->list[filters->n++] = *spec;
	*spec = (struct filterspec){ .kind = FILTERSPEC_PLAIN };
	return 0;
}

void run_warn(struct run *run, const char *format, ...)
{
	char sentence[POLICY_WHY_LEN];
	va_list ap;

	va_start(ap, format);
	vsnprintf(sentence, sizeof(sentence), format, ap);
	va_end(ap);
	for (size_t i = 0; i < run->n_warnings; i++)
		if (!strcmp(run->warnings[i], sentence))
			return;
	if (run->n_warnings < RUN_WARNINGS_MAX)
		memcpy(run->warnings[run->n_warnings++], sentence, sizeof(sentence));
}

/* --- equality ----------------------------------------------------------------------------- */

static bool string_is_equal(const char *a, const char *b)
{
	return a && b ? !strcmp(a, b) : a == b;
}

static bool filters_are_equal(const struct run_filters *a, const struct run_filters *b)
{
	if (a->n != b->n)
		return false;
	for (size_t i = 0; i < a->n; i++)
		if (!filterspec_is_equal(&a->list[i], &b->list[i]))
			return false;
	return true;
}

static bool offers_are_equal(const struct run *a, const struct run *b)
{
	if (a->action != b->action || a->inpass != b->inpass || a->n_offers != b->n_offers)
		return false;
	for (size_t i = 0; i < a->n_offers; i++)
		if (!offer_is_equal(&a->offers[i], &b->offers[i]))
			return false;
	return true;
}

static bool methods_are_equal(const struct run *a, const struct run *b)
{
	if (a->n_methods != b->n_methods)
		return false;
	for (size_t i = 0; i < a->n_methods; i++) {
		const struct policy_method *x = &a->methods[i], *y = &b->methods[i];

		if (x->kind != y->kind || !string_is_equal(x->secret, y->secret) ||
		    x->cert_map != y->cert_map || x->exclude_ca_name != y->exclude_ca_name)
			return false;
	}
	return true;
}

static bool phase1_is_equal(const struct run *a, const struct run *b)
{
	const struct phase1_life *x = &a->mm_life, *y = &b->mm_life;

	if (x->has_quick_modes != y->has_quick_modes || x->quick_modes != y->quick_modes ||
	    x->has_seconds != y->has_seconds || x->seconds != y->seconds ||
	    a->soft_seconds != b->soft_seconds || a->n_mm_offers != b->n_mm_offers)
		return false;
	for (size_t i = 0; i < a->n_mm_offers; i++) {
		const struct policy_mm_offer *p = &a->mm_offers[i], *q = &b->mm_offers[i];

		if (p->cipher != q->cipher || p->hash != q->hash || p->group != q->group)
			return false;
	}
	return true;
}

bool run_is_equal(const struct run *a, const struct run *b)
{
	return a->given == b->given && string_is_equal(a->machine, b->machine) &&
	       filters_are_equal(&a->filters, &b->filters) && offers_are_equal(a, b) &&
	       policy_address_is_equal(&a->tunnel, &b->tunnel) && methods_are_equal(a, b) &&
	       phase1_is_equal(a, b) && filters_are_equal(&a->mm_filters, &b->mm_filters) &&
	       a->store == b->store && string_is_equal(a->domain, b->domain) &&
	       string_is_equal(a->policy, b->policy) && a->has_polling == b->has_polling &&
	       a->polling_minutes == b->polling_minutes && string_is_equal(a->rule, b->rule) &&
	       string_is_equal(a->file, b->file) && a->queries == b->queries;
}
