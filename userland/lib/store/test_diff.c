// SPDX-License-Identifier: MIT
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "store/diff.h"
#include "store/test_content.h"

static const char script[] =
	"static add filteraction name=drop action=block\n"
	"static add filteraction name=secure\n"
	"static add filterlist name=telnet\n"
	"static add filter filterlist=telnet srcaddr=any dstaddr=me protocol=TCP dstport=23\n"
	"static add filter filterlist=telnet srcaddr=any dstaddr=me protocol=TCP dstport=24\n"
	"static add policy name=AndyPol\n"
	"static add rule name=r1 policy=AndyPol filterlist=telnet filteraction=drop\n"
	"static add rule name=r2 policy=AndyPol filterlist=telnet filteraction=secure psk=k1\n";

/* The differences, a line each; the caller frees it. */
static char *differences(const struct store_content *before, const struct store_content *after,
			 bool with_secrets)
{
	struct store_diff diff;
	char *text = NULL;
	size_t len;
	FILE *file = open_memstream(&text, &len);

	assert_non_null(file);
	assert_int_equal(store_content_diff(before, after, with_secrets, &diff), 0);
	for (size_t i = 0; i < diff.n; i++) {
		store_difference_print(file, &diff.list[i]);
		fputc('\n', file);
	}
	store_diff_done(&diff);
	assert_int_equal(fclose(file), 0);
	return text;
}

static void expect(const struct store_content *before, const struct store_content *after,
		   bool with_secrets, const char *expected)
{
	char *text = differences(before, after, with_secrets);

	assert_string_equal(text, expected);
	free(text);
}

static void nothing(void **state)
{
	struct store_content *a = test_content_from(script), *b = test_content_from(script);
	struct store_filter *first = b->lists[0]->filters[0];

	(void)state;
	b->lists[0]->head.modified = 5;
	assert_int_equal(sd_id128_randomize(&b->policies[0]->head.guid), 0);
	b->lists[0]->filters[0] = b->lists[0]->filters[1];
	b->lists[0]->filters[1] = first;
	expect(a, b, true, "");
	store_content_free(a);
	store_content_free(b);
}

static void fields(void **state)
{
	struct store_content *a = test_content_from(script), *b = test_content_from(script);
	struct store_policy *policy = b->policies[0];

	(void)state;
	policy->is_assigned = true;
	policy->lifetime_minutes = 60;
	policy->rules[0]->is_active = false;
	policy->rules[1]->is_active = false;
	b->actions[1]->qmpfs = true;
	b->lists[0]->filters[1]->head.description = strdup("x");
	expect(a, b, true,
	       "policy \"AndyPol\": mmlifetime: 480 -> 60\n"
	       "policy \"AndyPol\": assign: no -> yes\n"
	       "default response rule of policy \"AndyPol\": activate: yes -> no\n"
	       "rule \"r1\" of policy \"AndyPol\": activate: yes -> no\n"
	       "filter srcaddr=any dstaddr=me protocol=TCP dstport=24 of filter list \"telnet\": "
	       "description: \"\" -> x\n"
	       "filter action \"secure\": qmpfs: no -> yes\n");
	store_content_free(a);
	store_content_free(b);
}

/* With GUIDs a new name is a change, without them another object. */
static void names(void **state)
{
	struct store_content *a = test_content_from(script), *b = test_content_from(script);
	struct store_filter_action *action = b->actions[0];

	(void)state;
	free(action->head.name);
	action->head.name = strdup("block all");
	expect(a, b, true,
	       "filter action \"drop\": removed: action=block\n"
	       "filter action \"block all\": added: action=block\n");
	assert_int_equal(sd_id128_randomize(&action->head.guid), 0);
	a->actions[0]->head.guid = action->head.guid;
	expect(a, b, true, "filter action \"drop\": name: drop -> block all\n");
	/* the other one takes the old name: GUIDs go before names */
	free(b->actions[1]->head.name);
	b->actions[1]->head.name = strdup("drop");
	expect(a, b, true,
	       "filter action \"drop\": name: drop -> block all\n"
	       "filter action \"secure\": removed\n"
	       "filter action \"drop\": added\n");
	store_content_free(a);
	store_content_free(b);
}

static void whole_objects(void **state)
{
	struct store_content *a = store_content_new(), *b = test_content_from(script);

	(void)state;
	expect(a, b, false,
	       "policy \"AndyPol\": added\n"
	       "rule \"r1\" of policy \"AndyPol\": added: filterlist=telnet filteraction=drop\n"
	       "rule \"r2\" of policy \"AndyPol\": added: filterlist=telnet filteraction=secure "
	       "psk=*\n"
	       "filter list \"telnet\": added\n"
	       "filter srcaddr=any dstaddr=me protocol=TCP dstport=23 of filter list \"telnet\": "
	       "added\n"
	       "filter srcaddr=any dstaddr=me protocol=TCP dstport=24 of filter list \"telnet\": "
	       "added\n"
	       "filter action \"drop\": added: action=block\n"
	       "filter action \"secure\": added\n");
	b->n_lists = 0;			/* too few to be printed twice */
	expect(b, a, false,
	       "policy \"AndyPol\": removed\n"
	       "rule \"r1\" of policy \"AndyPol\": removed: filterlist=telnet filteraction=drop\n"
	       "rule \"r2\" of policy \"AndyPol\": removed: filterlist=telnet filteraction=secure "
	       "psk=*\n"
	       "filter action \"drop\": removed: action=block\n"
	       "filter action \"secure\": removed\n");
	b->n_lists = 1;
	store_content_free(a);
	store_content_free(b);
}

static void filters(void **state)
{
	struct store_content *a = test_content_from(script), *b = test_content_from(script);
	struct store_filter *filter = store_filter_copy(b->lists[0]->filters[0]);

	(void)state;
	/* the same filter twice is one more */
	assert_int_equal(store_filter_list_add(b->lists[0], filter), 0);
	expect(a, b, true,
	       "filter srcaddr=any dstaddr=me protocol=TCP dstport=23 of filter list \"telnet\": "
	       "added\n");
	filter->destination_port = 25;
	assert_int_equal(sd_id128_randomize(&filter->head.guid), 0);
	a->lists[0]->filters[1]->head.guid = filter->head.guid;
	b->lists[0]->filters[0]->mirrored = false;
	expect(a, b, true,
	       "filter srcaddr=any dstaddr=me protocol=TCP dstport=23 of filter list \"telnet\": "
	       "removed\n"
	       "filter srcaddr=any dstaddr=me protocol=TCP dstport=24 of filter list \"telnet\": "
	       "dstport: 24 -> 25\n"
	       "filter srcaddr=any dstaddr=me protocol=TCP mirrored=no dstport=23 of filter list "
	       "\"telnet\": added\n"
	       "filter srcaddr=any dstaddr=me protocol=TCP dstport=24 of filter list \"telnet\": "
	       "added\n");
	store_content_free(a);
	store_content_free(b);
}

static void secrets(void **state)
{
	struct store_content *a = test_content_from(script), *b = test_content_from(script);
	struct store_rule *rule = b->policies[0]->rules[2];
	char *text;

	(void)state;
	strcpy(rule->methods[0].secret, "k2");
	expect(a, b, true, "rule \"r2\" of policy \"AndyPol\": authentication: psk=k1 -> psk=k2\n");
	text = differences(a, b, false);
	assert_string_equal(text, "rule \"r2\" of policy \"AndyPol\": authentication: psk=* -> "
				  "psk=* (another key)\n");
	free(text);
	store_content_free(a);
	store_content_free(b);
}

/* No difference means equal, and the other way round. */
static void random_contents(void **state)
{
	(void)state;
	for (uint64_t i = 0; i < 200; i++) {
		struct store_content *a = test_content_random(i), *b = test_content_random(i + i % 2);
		struct store_diff diff;

		assert_int_equal(store_content_diff(a, b, true, &diff), 0);
		assert_int_equal(diff.n == 0, store_content_is_equal(a, b));
		store_diff_done(&diff);
		store_content_free(a);
		store_content_free(b);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		{ "order, GUIDs and times are no difference", nothing, NULL, NULL, NULL },
		{ "changed fields with both values", fields, NULL, NULL, NULL },
		{ "new names", names, NULL, NULL, NULL },
		{ "objects that are in one content only", whole_objects, NULL, NULL, NULL },
		{ "filters are the same by GUID or by traffic", filters, NULL, NULL, NULL },
		{ "keys are not told unless asked for", secrets, NULL, NULL, NULL },
		{ "no difference is equality", random_contents, NULL, NULL, NULL },
	};

	return cmocka_run_group_tests_name("store diff", tests, NULL, NULL);
}
