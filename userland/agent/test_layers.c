// SPDX-License-Identifier: MIT
#include "agent/test_util.h"

#include <errno.h>
#include <sys/socket.h>

#include "agent/layers_mm.h"
#include "nl/kernel_fake.h"

#define NEGOTIATE "mmpolicy=m qmpolicy=q psk=secret "
#define BLOCK "actioninbound=block actionoutbound=block "

static struct fault fault;

static struct ruleset *dynamic_of(const char *const *rules, size_t n)
{
	struct ruleset *dynamic = ruleset_new(RULESET_LAYER_DYNAMIC);

	assert_non_null(dynamic);
	assert_int_equal(dynamic_add_mm(dynamic, test_mm("name=m", NULL), &fault), 0);
	assert_int_equal(dynamic_add_qm(dynamic, test_qm("name=q", NULL), &fault), 0);
	for (size_t i = 0; i < n; i++)
		if (dynamic_add_rule(dynamic, test_rule(rules[i], NULL), &fault))
			fail_msg("%s: %s", rules[i], fault.text);
	return dynamic;
}

/* A layer of one rule. */
static struct ruleset *layer_of(enum ruleset_layer layer, const char *rule)
{
	struct ruleset *ruleset = dynamic_of(&rule, 1);

	ruleset->layer = layer;
	for (size_t i = 0; i < ruleset->n_rules; i++)
		ruleset->rules[i]->treatment->layer = layer;
	return ruleset;
}

#define DYNAMIC(...) dynamic_of((const char *const[]){ __VA_ARGS__ }, \
				sizeof((const char *const[]){ __VA_ARGS__ }) / sizeof(char *))

static struct layers *build(struct ruleset *dynamic, const struct layers *before)
{
	struct layers *layers = NULL;

	if (layers_build(&dynamic, 1, &test_no_names, before, &layers, &fault))
		fail_msg("%s", fault.text);
	return layers;
}

/*
 * Rules of opposite directions for the same traffic make one filter, those of the same one do
 * not.
 */
static void test_merge(void **state)
{
	_cleanup_(ruleset_freep) struct ruleset *two = DYNAMIC(
		"srcaddr=me dstaddr=10.0.0.2 mirrored=no "
		"actionoutbound=permit actioninbound=permit",
		"srcaddr=10.0.0.2 dstaddr=me mirrored=no actionoutbound=block actioninbound=block");
	_cleanup_(ruleset_freep) struct ruleset *same = DYNAMIC(
		"srcaddr=me dstaddr=10.0.0.2 " BLOCK,
		"srcaddr=10.0.0.2 dstaddr=me actionoutbound=permit actioninbound=permit");
	_cleanup_(layers_freep) struct layers *layers = build(two, NULL);
	struct layers *none = NULL;

	(void)state;
	assert_int_equal(layers->n_filters, 1);
	assert_int_equal(layers->filters[0].filter.outbound, IPSECDRV_ACTION_PERMIT);
	assert_int_equal(layers->filters[0].filter.inbound, IPSECDRV_ACTION_BLOCK);
	assert_ptr_equal(layers->filters[0].rule[IPSECDRV_DIRECTION_OUT], two->rules[0]);
	assert_ptr_equal(layers->filters[0].rule[IPSECDRV_DIRECTION_IN], two->rules[1]);
	assert_int_not_equal(layers_build(&same, 1, &test_no_names, NULL, &none, &fault), 0);
	assert_int_equal(fault.number, 13008);
	assert_non_null(strstr(fault.text, "me <-> 10.0.0.2"));
}

static uint32_t id_of(const struct layers *layers, const char *remote)
{
	for (size_t i = 0; i < layers->n_filters; i++) {
		char text[KERNEL_FILTER_STRLEN];

		if (strstr(kernel_filter_format(&layers->filters[i].filter, text), remote))
			return layers->filters[i].filter.id;
	}
	return 0;
}

static void test_ids(void **state)
{
	_cleanup_(ruleset_freep) struct ruleset *one = DYNAMIC(
		NEGOTIATE "srcaddr=me dstaddr=10.0.0.2", BLOCK "srcaddr=me dstaddr=10.0.0.3");
	_cleanup_(ruleset_freep) struct ruleset *two = ruleset_copy(one);
	_cleanup_(layers_freep) struct layers *first = build(one, NULL), *second = NULL,
					      *third = NULL;
	_cleanup_(policy_rule_freep) struct policy_rule *changes = NULL;
	uint32_t id2 = id_of(first, "10.0.0.2"), id3 = id_of(first, "10.0.0.3"), given;

	(void)state;
	assert_int_not_equal(id2, id3);
	/* Another rule: those that stay keep their ids. */
	assert_int_equal(dynamic_add_rule(two, test_rule(BLOCK "srcaddr=me dstaddr=10.0.0.1", NULL),
					  &fault), 0);
	second = build(two, first);
	assert_int_equal(id_of(second, "10.0.0.2"), id2);
	assert_int_equal(id_of(second, "10.0.0.3"), id3);
	assert_true(id_of(second, "10.0.0.1") > id2 && id_of(second, "10.0.0.1") > id3);
	/* Another key: what was negotiated with the old one goes with the old id. */
	changes = test_rule("srcaddr=me dstaddr=10.0.0.2 psk=other", &given);
	assert_int_equal(dynamic_set_rule(two, changes, given, &fault), 0);
	third = build(two, second);
	assert_true(id_of(third, "10.0.0.2") > id_of(second, "10.0.0.1"));
	assert_int_equal(id_of(third, "10.0.0.3"), id3);
	assert_ptr_equal(layers_find(third, id3)->rule[IPSECDRV_DIRECTION_OUT], two->rules[1]);
	assert_null(layers_find(third, id2));
}

/* After a restart the driver's ids are taken up, so that its associations stay. */
static void test_adopt(void **state)
{
	_cleanup_(kernel_freep) struct kernel *kernel = kernel_fake_new();
	_cleanup_(ruleset_freep) struct ruleset *dynamic = DYNAMIC(
		NEGOTIATE "srcaddr=me dstaddr=10.0.0.2", BLOCK "srcaddr=me dstaddr=10.0.0.3");
	_cleanup_(layers_freep) struct layers *first = build(dynamic, NULL);
	_cleanup_(layers_freep) struct layers *adopted = NULL, *second = NULL;

	(void)state;
	for (size_t i = 0; i < first->n_filters; i++)
		first->filters[i].filter.id += 41;
	assert_int_equal(layers_commit(first, NULL, kernel), 0);
	assert_int_equal(layers_adopt(kernel, &adopted), 0);
	assert_int_equal(adopted->n_filters, 2);
	second = build(dynamic, adopted);
	assert_int_equal(id_of(second, "10.0.0.2"), id_of(first, "10.0.0.2"));
	assert_int_equal(id_of(second, "10.0.0.3"), id_of(first, "10.0.0.3"));
	assert_int_equal(second->next_id, 44);
}

static void test_commit(void **state)
{
	_cleanup_(kernel_freep) struct kernel *kernel = kernel_fake_new();
	_cleanup_(ruleset_freep) struct ruleset *one = DYNAMIC(BLOCK "srcaddr=me dstaddr=10.0.0.2");
	_cleanup_(ruleset_freep) struct ruleset *two = DYNAMIC(BLOCK "srcaddr=me dstaddr=10.0.0.2",
							       BLOCK "srcaddr=me dstaddr=10.0.0.3");
	_cleanup_(layers_freep) struct layers *first = build(one, NULL), *second = build(two, NULL);
	_cleanup_(layers_freep) struct layers *third = NULL;
	size_t n;

	(void)state;
	assert_int_equal(layers_commit(first, NULL, kernel), 0);
	assert_int_equal(kernel_fake_count(kernel, KERNEL_FAKE_FILTERS_REPLACE), 1);
	layers_freep(&second);
	second = build(two, first);
	third = build(two, first);	/* the same policy in new objects is no news */
	assert_int_equal(layers_commit(third, second, kernel), 0);
	assert_int_equal(kernel_fake_count(kernel, KERNEL_FAKE_FILTERS_ADD), 0);
	/* the driver refuses: it has what it had */
	kernel_fake_fail(kernel, KERNEL_FAKE_FILTERS_REPLACE, 1, -ENOSPC, "No room.");
	assert_int_equal(layers_commit(second, NULL, kernel), -ENOSPC);
	kernel_fake_filters(kernel, &n);
	assert_int_equal(n, 1);
	assert_int_equal(layers_commit(second, NULL, kernel), 0);
	kernel_fake_filters(kernel, &n);
	assert_int_equal(n, 2);
}

/* Adding, removing and changing a few is one message; what is more is a transaction. */
static void test_commit_differences(void **state)
{
	_cleanup_(kernel_freep) struct kernel *kernel = kernel_fake_new();
	_cleanup_(ruleset_freep) struct ruleset *dynamic =
		DYNAMIC(BLOCK "srcaddr=me dstaddr=10.0.0.2");
	_cleanup_(layers_freep) struct layers *first = build(dynamic, NULL), *second = NULL,
					      *third = NULL;
	_cleanup_(policy_rule_freep) struct policy_rule *changes = NULL;
	const struct kernel_filter *filters;
	uint32_t given;
	size_t n;

	(void)state;
	assert_int_equal(layers_commit(first, NULL, kernel), 0);
	assert_int_equal(dynamic_add_rule(dynamic,
					  test_rule(BLOCK "srcaddr=me dstaddr=10.0.0.3", NULL),
					  &fault),
			 0);
	second = build(dynamic, first);
	assert_int_equal(layers_commit(second, first, kernel), 0);
	assert_int_equal(kernel_fake_count(kernel, KERNEL_FAKE_FILTERS_ADD), 1);
	assert_int_equal(layers_commit(first, second, kernel), 0);
	assert_int_equal(kernel_fake_count(kernel, KERNEL_FAKE_FILTERS_DEL), 1);
	assert_int_equal(kernel_fake_count(kernel, KERNEL_FAKE_FILTERS_REPLACE), 1);
	/* a change of actions alone keeps the id and replaces the filter */
	changes = test_rule("srcaddr=me dstaddr=10.0.0.2 actioninbound=permit", &given);
	assert_int_equal(dynamic_set_rule(dynamic, changes, given, &fault), 0);
	third = build(dynamic, first);
	assert_int_equal(id_of(third, "10.0.0.2"), id_of(first, "10.0.0.2"));
	assert_int_equal(layers_commit(third, first, kernel), 0);
	assert_int_equal(kernel_fake_count(kernel, KERNEL_FAKE_FILTERS_CHANGE), 1);
	assert_int_equal(kernel_fake_count(kernel, KERNEL_FAKE_FILTERS_REPLACE), 1);
	filters = kernel_fake_filters(kernel, &n);
	assert_int_equal(n, 2);
	assert_int_equal(layers_find(third, filters[0].id)->filter.inbound, filters[0].inbound);
	assert_int_equal(layers_find(third, filters[1].id)->filter.inbound, filters[1].inbound);
}

static void test_order(void **state)
{
	_cleanup_(kernel_freep) struct kernel *kernel = kernel_fake_new();
	_cleanup_(ruleset_freep) struct ruleset *dynamic = DYNAMIC(
		BLOCK "srcaddr=me dstaddr=10.0.0.0/8", NEGOTIATE "srcaddr=me dstaddr=10.0.0.2");
	_cleanup_(layers_freep) struct layers *layers = build(dynamic, NULL);
	struct layer_filter *const *order;

	(void)state;
	assert_null(layers_order(layers, kernel));	/* the driver has none of them */
	assert_int_equal(layers_commit(layers, NULL, kernel), 0);
	order = layers_order(layers, kernel);
	assert_non_null(order);
	assert_int_equal(order[0]->filter.outbound, IPSECDRV_ACTION_NEGOTIATE);
	assert_int_equal(order[1]->filter.outbound, IPSECDRV_ACTION_BLOCK);
	assert_ptr_equal(layers_order(layers, kernel), order);
	assert_int_equal(kernel_fake_count(kernel, KERNEL_FAKE_FILTER_DUMP), 2);
}

static const char *mm_of(const struct layers *layers, const char *local, bool is_me,
			 const char *remote)
{
	struct ip_addr l = test_addr(local), r = test_addr(remote);
	const struct layer_mm *mm = layers_find_mm(layers, &l, is_me, &r);

	return mm ? mm->rule->treatment->rule->methods[0].secret : NULL;
}

/* Main mode sees two addresses only; the narrower rule wins, whatever its protocol and ports. */
static void test_main_mode(void **state)
{
	_cleanup_(ruleset_freep) struct ruleset *dynamic = DYNAMIC(
		"mmpolicy=m qmpolicy=q psk=any srcaddr=me dstaddr=any",
		"mmpolicy=m qmpolicy=q psk=net srcaddr=me dstaddr=10.0.0.0/8 protocol=tcp "
		"dstport=80",
		"mmpolicy=m qmpolicy=q psk=net2 srcaddr=me dstaddr=10.0.0.0/8 protocol=tcp "
		"dstport=81",
		"mmpolicy=m qmpolicy=q psk=host srcaddr=10.0.0.1 dstaddr=10.0.0.2",
		"srcaddr=me dstaddr=10.0.0.9 " BLOCK);
	_cleanup_(layers_freep) struct layers *layers = build(dynamic, NULL);

	(void)state;
	assert_string_equal(mm_of(layers, "192.0.2.1", true, "192.0.2.2"), "any");
	assert_null(mm_of(layers, "192.0.2.1", false, "192.0.2.2"));
	assert_string_equal(mm_of(layers, "10.0.0.1", true, "10.1.0.2"), "net");
	assert_string_equal(mm_of(layers, "10.0.0.1", true, "10.0.0.2"), "host");
	assert_string_equal(mm_of(layers, "10.0.0.2", true, "10.0.0.1"), "host");
	assert_string_equal(mm_of(layers, "10.0.0.3", true, "10.0.0.2"), "net");
	assert_string_equal(mm_of(layers, "10.0.0.3", true, "10.0.0.9"), "net");
	assert_string_equal(mm_of(layers, "2001:db8::1", true, "2001:db8::2"), "any");
	/* "net2" can never be used, and that is told */
	assert_ptr_equal(layers->conflict[0], dynamic->rules[1]);
	assert_ptr_equal(layers->conflict[1], dynamic->rules[2]);
}

/* Main mode filters and nothing else make no filters; rules that leave it to others make no pair. */
static void test_main_mode_filters(void **state)
{
	_cleanup_(ruleset_freep) struct ruleset *dynamic = DYNAMIC(
		"mmpolicy=m qmpolicy=q psk=net srcaddr=me dstaddr=10.0.0.0/8 mainmode=others",
		"mmpolicy=m psk=two srcaddr=me dstaddr=10.0.0.2 mainmode=only",
		"mmpolicy=m psk=three srcaddr=10.0.0.3 dstaddr=me mainmode=only",
		"mmpolicy=m qmpolicy=q psk=own srcaddr=me dstaddr=192.0.2.0/24");
	_cleanup_(layers_freep) struct layers *layers = build(dynamic, NULL);
	_cleanup_(ruleset_freep) struct ruleset *others = DYNAMIC(
		"mmpolicy=m qmpolicy=q psk=net srcaddr=me dstaddr=10.0.0.0/8 mainmode=others");
	_cleanup_(layers_freep) struct layers *alone = build(others, NULL);

	(void)state;
	assert_int_equal(layers->n_filters, 2);
	assert_int_equal(layers->n_mms, 3);
	assert_string_equal(mm_of(layers, "10.0.0.1", true, "10.0.0.2"), "two");
	assert_string_equal(mm_of(layers, "10.0.0.1", true, "10.0.0.3"), "three");
	assert_null(mm_of(layers, "10.0.0.1", true, "10.0.0.4"));
	assert_string_equal(mm_of(layers, "10.0.0.1", true, "192.0.2.1"), "own");
	assert_int_equal(alone->n_filters, 1);
	assert_int_equal(alone->n_mms, 0);
	assert_false(layers_has_same_mms(layers, alone));
}

/* The default response rule answers for peers that no rule is for, not for what others leave out. */
static void test_main_mode_of_others(void **state)
{
	_cleanup_(ruleset_freep) struct ruleset *dynamic = DYNAMIC(
		"mmpolicy=m qmpolicy=q psk=any srcaddr=me dstaddr=any defaultresponse=yes",
		"mmpolicy=m qmpolicy=q psk=net srcaddr=me dstaddr=10.0.0.0/8 mainmode=others",
		"mmpolicy=m psk=two srcaddr=me dstaddr=10.0.0.2 mainmode=only");
	_cleanup_(layers_freep) struct layers *layers = build(dynamic, NULL);
	struct ip_addr me = test_addr("10.0.0.1"), in = test_addr("10.0.0.2"),
		       out = test_addr("10.0.0.4");
	const struct layer_filter *filter = &layers->filters[0];

	(void)state;
	assert_int_equal(layers->n_filters, 1);
	assert_string_equal(mm_of(layers, "10.0.0.1", true, "10.0.0.4"), "any");
	assert_non_null(layers_find_mm_of(layers, filter, &me, true, &in));
	assert_null(layers_find_mm_of(layers, filter, &me, true, &out));
}

/* --- several layers ----------------------------------------------------------------------- */

static struct layers *build_two(struct ruleset *lower, struct ruleset *upper,
				const struct layers *before)
{
	struct ruleset *rulesets[] = { lower, NULL, upper };
	struct layers *layers = NULL;

	if (layers_build(rulesets, 3, &test_no_names, before, &layers, &fault))
		fail_msg("%s", fault.text);
	return layers;
}

/* Layers add up, whatever they come from. */
static void test_sum(void **state)
{
	_cleanup_(ruleset_freep) struct ruleset *lower =
		layer_of(RULESET_LAYER_PERSISTENT, BLOCK "srcaddr=me dstaddr=10.0.0.2");
	_cleanup_(ruleset_freep) struct ruleset *upper =
		layer_of(RULESET_LAYER_LOCAL, BLOCK "srcaddr=me dstaddr=10.0.0.3");
	_cleanup_(layers_freep) struct layers *layers = build_two(lower, upper, NULL);

	(void)state;
	assert_int_equal(layers->n_filters, 2);
	assert_int_equal(layers->n_losses, 0);
	assert_null(layers_find_winner(layers, upper->rules[0]));
}

/* The lower layer holds for the traffic that both are for, in the direction that both are for. */
static void test_winner(void **state)
{
	_cleanup_(ruleset_freep) struct ruleset *lower =
		layer_of(RULESET_LAYER_PERSISTENT,
			 "srcaddr=me dstaddr=10.0.0.2 mirrored=no actionoutbound=permit "
			 "actioninbound=permit");
	_cleanup_(ruleset_freep) struct ruleset *upper =
		layer_of(RULESET_LAYER_DYNAMIC, BLOCK "srcaddr=me dstaddr=10.0.0.2");
	_cleanup_(layers_freep) struct layers *layers = build_two(lower, upper, NULL);
	const struct layer_filter *filter = &layers->filters[0];

	(void)state;
	assert_int_equal(layers->n_filters, 1);
	assert_int_equal(filter->filter.outbound, IPSECDRV_ACTION_PERMIT);
	assert_int_equal(filter->filter.inbound, IPSECDRV_ACTION_BLOCK);
	assert_ptr_equal(filter->rule[IPSECDRV_DIRECTION_OUT], lower->rules[0]);
	assert_ptr_equal(filter->rule[IPSECDRV_DIRECTION_IN], upper->rules[0]);
	assert_int_equal(layers->n_losses, 1);
	assert_ptr_equal(layers_find_winner(layers, upper->rules[0]), lower->rules[0]);
	assert_null(layers_find_winner(layers, lower->rules[0]));
}

/* When the lower one goes the upper one gets its say, and another id. */
static void test_winner_goes(void **state)
{
	_cleanup_(ruleset_freep) struct ruleset *lower = layer_of(
		RULESET_LAYER_LOCAL, NEGOTIATE "srcaddr=me dstaddr=10.0.0.2");
	_cleanup_(ruleset_freep) struct ruleset *upper = layer_of(
		RULESET_LAYER_DYNAMIC, BLOCK "srcaddr=me dstaddr=10.0.0.2");
	_cleanup_(layers_freep) struct layers *first = build_two(lower, upper, NULL);
	_cleanup_(layers_freep) struct layers *second = build_two(NULL, upper, first);

	(void)state;
	assert_int_equal(first->filters[0].filter.outbound, IPSECDRV_ACTION_NEGOTIATE);
	assert_int_equal(second->filters[0].filter.outbound, IPSECDRV_ACTION_BLOCK);
	assert_int_not_equal(first->filters[0].filter.id, second->filters[0].filter.id);
	assert_int_equal(second->n_losses, 0);
}

/* Who wants the same loses nothing. */
static void test_agreement(void **state)
{
	_cleanup_(ruleset_freep) struct ruleset *lower =
		layer_of(RULESET_LAYER_PERSISTENT, BLOCK "srcaddr=me dstaddr=10.0.0.2");
	_cleanup_(ruleset_freep) struct ruleset *upper =
		layer_of(RULESET_LAYER_DYNAMIC, BLOCK "srcaddr=10.0.0.2 dstaddr=me");
	_cleanup_(ruleset_freep) struct ruleset *same = DYNAMIC(
		BLOCK "srcaddr=me dstaddr=10.0.0.2", BLOCK "srcaddr=10.0.0.2 dstaddr=me");
	_cleanup_(layers_freep) struct layers *layers = build_two(lower, upper, NULL);
	_cleanup_(layers_freep) struct layers *one = build(same, NULL);

	(void)state;
	assert_int_equal(layers->n_filters, 1);
	assert_int_equal(layers->n_losses, 0);
	assert_ptr_equal(layers->filters[0].rule[IPSECDRV_DIRECTION_OUT], lower->rules[0]);
	assert_int_equal(one->n_filters, 1);
}

/* Main mode between two sides is the lower layer's, even when the upper one's rule is older. */
static void test_main_mode_of_lower(void **state)
{
	_cleanup_(ruleset_freep) struct ruleset *upper = layer_of(
		RULESET_LAYER_DYNAMIC,
		"mmpolicy=m qmpolicy=q psk=upper srcaddr=me dstaddr=10.0.0.2 protocol=tcp");
	_cleanup_(ruleset_freep) struct ruleset *lower = layer_of(
		RULESET_LAYER_LOCAL,
		"mmpolicy=m qmpolicy=q psk=lower srcaddr=me dstaddr=10.0.0.2 protocol=udp");
	_cleanup_(layers_freep) struct layers *layers = build_two(lower, upper, NULL);

	(void)state;
	assert_int_equal(layers->n_filters, 2);
	assert_int_equal(layers->n_mms, 1);
	assert_string_equal(layers->mms[0].rule->treatment->rule->methods[0].secret, "lower");
	assert_ptr_equal(layers->conflict[0], lower->rules[0]);
	assert_ptr_equal(layers->conflict[1], upper->rules[0]);
}

/* There is one default response rule. */
static void test_default_response_of_lower(void **state)
{
	_cleanup_(ruleset_freep) struct ruleset *lower = layer_of(
		RULESET_LAYER_PERSISTENT,
		"mmpolicy=m qmpolicy=q psk=lower srcaddr=me dstaddr=any defaultresponse=yes");
	_cleanup_(ruleset_freep) struct ruleset *upper = layer_of(
		RULESET_LAYER_LOCAL,
		"mmpolicy=m qmpolicy=q psk=upper srcaddr=me dstaddr=any defaultresponse=yes");
	_cleanup_(layers_freep) struct layers *layers = build_two(lower, upper, NULL);

	(void)state;
	assert_ptr_equal(layers->default_rule, lower->rules[0]);
	assert_ptr_equal(layers_find_winner(layers, upper->rules[0]), lower->rules[0]);
}

/* --- size --------------------------------------------------------------------------------- */

#define MANY 100000

static struct ruleset *many_rules(void)
{
	struct ruleset *ruleset = ruleset_new(RULESET_LAYER_LOCAL);
	struct policy_rule *rule = test_rule(BLOCK "srcaddr=me dstaddr=10.0.0.0", NULL);
	struct ruleset_treatment *treatment;

	treatment = ruleset_treatment_new(RULESET_LAYER_LOCAL, policy_rule_copy(rule), NULL, NULL);
	for (uint32_t i = 0; i < MANY; i++) {
		rule->destination.addr = ip_addr_v4(0x0a000000 + i);
		assert_int_equal(ruleset_add_rule(ruleset, ruleset_rule_new(treatment, rule)), 0);
	}
	ruleset_treatment_unref(treatment);
	policy_rule_free(rule);
	return ruleset;
}

static void change_treatment(struct ruleset *ruleset, size_t i)
{
	struct policy_rule view = ruleset_rule_view(ruleset->rules[i]);
	struct ruleset_treatment *treatment = ruleset_treatment_new(
		RULESET_LAYER_LOCAL, test_rule("actioninbound=permit", NULL), NULL, NULL);
	struct ruleset_rule *rule = ruleset_rule_new(treatment, &view);

	ruleset_treatment_unref(treatment);
	ruleset_rule_unref(ruleset->rules[i]);
	ruleset->rules[i] = rule;
}

/* A driver that only counts. */
static struct {
	unsigned int n_replaces, n_messages;
	size_t n_added, n_removed;
} asked;

static int count_replace(struct kernel *kernel, const struct kernel_filter *filters, size_t n)
{
	(void)kernel;
	(void)filters;
	(void)n;
	asked.n_replaces++;
	return 0;
}

static int count_add(struct kernel *kernel, const struct kernel_filter *filters, size_t n)
{
	(void)kernel;
	(void)filters;
	asked.n_messages++;
	asked.n_added += n;
	return 0;
}

static int count_del(struct kernel *kernel, const uint32_t *ids, size_t n)
{
	(void)kernel;
	(void)ids;
	asked.n_messages++;
	asked.n_removed += n;
	return 0;
}

static int count_change(struct kernel *kernel, const uint32_t *removed, size_t n_removed,
			const struct kernel_filter *added, size_t n_added)
{
	(void)kernel;
	(void)removed;
	(void)added;
	asked.n_messages++;
	asked.n_removed += n_removed;
	asked.n_added += n_added;
	return 0;
}

/* One that goes is one message with one id; what stays is not said again. */
static void test_many(void **state)
{
	static const struct kernel_ops ops = {
		.filters_replace = count_replace,
		.filters_add = count_add,
		.filters_del = count_del,
		.filters_change = count_change,
	};
	struct kernel kernel = { .ops = &ops };
	_cleanup_(ruleset_freep) struct ruleset *before = many_rules();
	_cleanup_(ruleset_freep) struct ruleset *after = ruleset_copy(before);
	_cleanup_(layers_freep) struct layers *first = build(before, NULL), *second = NULL,
					      *third = NULL, *fourth = NULL, *fifth = NULL;

	(void)state;
	memset(&asked, 0, sizeof(asked));
	assert_int_equal(first->n_filters, MANY);
	ruleset_remove_rule(after, MANY / 2);
	second = build(after, first);
	assert_int_equal(second->n_filters, MANY - 1);
	for (size_t i = 0; i < second->n_filters; i += 1000)
		assert_non_null(layers_find(first, second->filters[i].filter.id));
	assert_int_equal(layers_commit(second, first, &kernel), 0);
	assert_int_equal(asked.n_messages, 1);
	assert_int_equal(asked.n_removed, 1);
	assert_int_equal(layers_commit(first, second, &kernel), 0);
	assert_int_equal(asked.n_messages, 2);
	assert_int_equal(asked.n_added, 1);
	/* another treatment of one rule: its filter goes and comes with another id */
	change_treatment(after, 7);
	third = build(after, second);
	assert_int_equal(layers_commit(third, second, &kernel), 0);
	assert_int_equal(asked.n_messages, 3);
	assert_int_equal(asked.n_removed, 2);
	assert_int_equal(asked.n_added, 2);
	/* a rule of a thousand filters; more than that is told whole */
	for (size_t i = 0; i < 1000; i++)
		ruleset_remove_rule(after, MANY / 2);
	fourth = build(after, third);
	assert_int_equal(layers_commit(fourth, third, &kernel), 0);
	assert_int_equal(asked.n_messages, 4);
	assert_int_equal(asked.n_removed, 1002);
	assert_int_equal(layers_commit(third, fourth, &kernel), 0);
	assert_int_equal(asked.n_messages, 5);
	assert_int_equal(asked.n_added, 1002);
	assert_int_equal(asked.n_replaces, 0);
	for (size_t i = 0; i < 100; i++)
		ruleset_remove_rule(after, MANY / 2);
	fifth = build(after, fourth);
	assert_int_equal(layers_commit(fifth, third, &kernel), 0);
	assert_int_equal(asked.n_messages, 5);
	assert_int_equal(asked.n_replaces, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_merge),
		cmocka_unit_test(test_ids),
		cmocka_unit_test(test_adopt),
		{ "N03 the driver has all of a change or nothing", test_commit, NULL, NULL, NULL },
		cmocka_unit_test(test_commit_differences),
		{ "F07 specific filters come before general ones", test_order, NULL, NULL, NULL },
		cmocka_unit_test(test_main_mode),
		{ "K28 main mode filters of their own", test_main_mode_filters, NULL, NULL, NULL },
		{ "K28 A35 what they leave out is not for the default response",
		  test_main_mode_of_others, NULL, NULL, NULL },
		cmocka_unit_test(test_sum),
		cmocka_unit_test(test_winner),
		cmocka_unit_test(test_winner_goes),
		cmocka_unit_test(test_agreement),
		cmocka_unit_test(test_main_mode_of_lower),
		cmocka_unit_test(test_default_response_of_lower),
		cmocka_unit_test(test_many),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
