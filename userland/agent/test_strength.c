// SPDX-License-Identifier: MIT
/* The property strongcrypto: which policy is refused, and when it can be switched on. */
#include "agent/test_store_calls.h"

#include <stdlib.h>

#include "agent/stores.h"
#include "agent/strength.h"
#include "policy/runs.h"

/* The error of the call. */
static const char *set_config(struct world *w, const char *name, const char *value)
{
	sd_bus_message *m = world_call_new(w, "SetConfig");

	assert_true(sd_bus_message_append(m, "ss", name, value) >= 0);
	world_make_call(w, m);
	return world_error_name(w);
}

static bool is_strong(const struct world *w)
{
	return config_number(w->agent->config, "strongcrypto");
}

/* The last refusal says so. */
static void assert_said(const struct world *w, const char *text)
{
	if (!strstr(world_error_text(w), text))
		fail_msg("\"%s\" is not in: %s", text, world_error_text(w));
}

static void assert_store_said(const char *text)
{
	if (!strstr(store_texts[0], text))
		fail_msg("\"%s\" is not in: %s", text, store_texts[0]);
}

/* A policy of that name whose only rule negotiates with 10.0.0.2 by @qm; not assigned. */
static void add_policy(struct world *w, const char *store, const char *name, const char *mm,
		       const char *qm)
{
	char commands[5][160];
	const char *list[5];

	for (size_t i = 0; i < 5; i++)
		list[i] = commands[i];
	snprintf(commands[0], sizeof(commands[0]),
		 "add policy name=%s activatedefaultrule=no mmsecmethods=%s", name, mm);
	snprintf(commands[1], sizeof(commands[1]),
		 "add filteraction name=action-%s action=negotiate qmsecmethods=%s", name, qm);
	snprintf(commands[2], sizeof(commands[2]), "add filterlist name=list-%s", name);
	snprintf(commands[3], sizeof(commands[3]),
		 "add filter filterlist=list-%s srcaddr=me dstaddr=10.0.0.2", name);
	snprintf(commands[4], sizeof(commands[4]),
		 "add rule policy=%s name=rule filterlist=list-%s filteraction=action-%s psk=k", name,
		 name, name);
	store_apply_all(w, store, 0, list, 5);
	for (size_t i = 0; i < 5; i++)
		if (store_numbers[i])
			fail_msg("%s: %s", commands[i], store_texts[i]);
}

#define GOOD_MM "AES256-SHA256-14"
#define GOOD_QM "ESP[AES256,SHA256]"

/* --- dynamic policies --------------------------------------------------------------------- */

static void test_dynamic(void **state)
{
	static const char *const broken_mm[] = {
		"AES128-SHA256-14~DES-SHA1-14", "AES128-MD5-14", "AES128-SHA256-1", "AES128-SHA256-2",
	};
	static const char *const broken_qm[] = {
		"ESP[AES128,SHA256]~ESP[DES,SHA1]", "ESP[AES128,MD5]", "AH[MD5]", "ESP[AES128,None]",
		"AH[MD5]+ESP[AES128,SHA1]",
	};
	struct world *w = *state;
	char tags[128];

	assert_string_equal(set_config(w, "strongcrypto", "1"), "");
	for (size_t i = 0; i < sizeof(broken_mm) / sizeof(broken_mm[0]); i++) {
		snprintf(tags, sizeof(tags), "name=m mmsecmethods=%s", broken_mm[i]);
		assert_string_equal(world_change_mm(w, "AddMmPolicy", tags), "Invalid");
		assert_said(w, "main mode policy \"m\" (");
	}
	for (size_t i = 0; i < sizeof(broken_qm) / sizeof(broken_qm[0]); i++) {
		snprintf(tags, sizeof(tags), "name=q qmsecmethods=%s", broken_qm[i]);
		assert_string_equal(world_change_qm(w, "AddQmPolicy", tags), "Invalid");
		assert_said(w, "quick mode policy \"q\" (");
	}
	assert_string_equal(world_change_qm(w, "AddQmPolicy",
					    "name=q pfsgroup=GRP2 qmsecmethods=" GOOD_QM),
			    "Invalid");
	assert_said(w, "pfsgroup=GRP2");
	assert_int_equal(w->agent->rulesets[RULESET_LAYER_DYNAMIC]->n_mms, 0);
	assert_int_equal(w->agent->rulesets[RULESET_LAYER_DYNAMIC]->n_qms, 0);
	/* netsh's defaults have group 2 and MD5 */
	assert_string_equal(world_change_mm(w, "AddMmPolicy", "name=m"), "Invalid");
	/* weak ones pass */
	assert_string_equal(world_change_mm(w, "AddMmPolicy",
					    "name=m mmsecmethods=3DES-SHA1-14~" GOOD_MM), "");
	assert_string_equal(world_change_qm(w, "AddQmPolicy",
					    "name=q pfsgroup=GRPMM "
					    "qmsecmethods=ESP[3DES,SHA1]~ESP[AESGCM128]"), "");
	assert_string_equal(world_change_rule(w, "AddRule", PEER_RULE), "");
	assert_int_equal(world_count_filters(w), 1);
	assert_string_equal(world_change_mm(w, "SetMmPolicy", "name=m mmsecmethods=DES-SHA1-14"),
			    "Invalid");
	assert_said(w, "DES-SHA1-14");
	assert_int_equal(w->agent->rulesets[RULESET_LAYER_DYNAMIC]->mms[0]->policy->n_offers, 2);
}

/* ipseccmd's, which come with the default methods of main mode. */
static void test_runs(void **state)
{
	struct world *w = *state;

	assert_string_equal(set_config(w, "strongcrypto", "1"), "");
	for (unsigned int volatility = 0; volatility < 2; volatility++) {
		struct policy_runs runs = { .n_mms = 0 };
		sd_bus_message *m = world_call_new(w, "AddRuns");

		assert_int_equal(policy_runs_add_qm(&runs, test_qm("name=1 qmsecmethods=ESP[DES,MD5]",
								   NULL)), 0);
		assert_int_equal(policy_runs_add_rule(&runs, test_rule("srcaddr=me dstaddr=10.0.0.3 "
								       "qmpolicy=1 psk=k", NULL)), 0);
		assert_true(sd_bus_message_append(m, "u",
						  volatility ? POLICY_RUNS_VOLATILE : 0) >= 0);
		assert_true(policy_bus_append_runs(m, &runs) >= 0);
		policy_runs_clear(&runs);
		world_make_call(w, m);
		assert_string_equal(world_error_name(w), "Invalid");
		assert_said(w, "ESP[DES,MD5]");
		assert_said(w, "main mode policy");
		assert_int_equal(world_count_filters(w), 0);
	}
}

/* --- stored policies ---------------------------------------------------------------------- */

static void test_stored(void **state)
{
	struct world *w = *state;

	assert_string_equal(set_config(w, "strongcrypto", "1"), "");
	add_policy(w, "local", "old", "3DES-MD5-2", "ESP[DES,MD5]");
	assert_int_equal(store_apply_one(w, "local", "set policy name=old assign=yes"), 87);
	assert_store_said("policy \"old\" (3DES-MD5-2), filter action \"action-old\" of policy "
			  "\"old\" (ESP[DES,MD5])");
	assert_int_equal(world_count_filters(w), 0);
	add_policy(w, "local", "new", GOOD_MM, GOOD_QM);
	APPLY(w, "set policy name=new assign=yes");
	assert_int_equal(world_count_filters(w), 1);
	/* the default response rule has MD5, unless it is told */
	APPLY(w, "add policy name=response mmsecmethods=" GOOD_MM);
	assert_int_equal(store_apply_one(w, "local", "set policy name=response assign=yes"), 87);
	assert_store_said("\"Default Response\" of policy \"response\" (ESP[3DES,MD5])");
	/* what is assigned cannot be made worse, what is not can */
	assert_int_equal(store_apply_one(w, "local", "set filteraction name=action-new "
					 "qmsecmethods=ESP[DES,SHA1]"), 87);
	APPLY(w, "set filteraction name=action-old qmsecmethods=ESP[DES,SHA1]");
	add_policy(w, "persistent", "old", "3DES-MD5-2", "ESP[3DES,SHA1]");
	assert_int_equal(store_apply_one(w, "persistent", "set policy name=old assign=yes"), 87);
	assert_store_said("3DES-MD5-2");
	assert_true(w->agent->stores->slots[STORE_LOCATION_LOCAL].fault == NULL);
}

/* Methods of main mode that nothing uses do no harm. */
static void test_idle_methods(void **state)
{
	struct world *w = *state;

	assert_string_equal(set_config(w, "strongcrypto", "1"), "");
	store_add_policy(w, "local", "a", "10.0.0.2");
	APPLY(w, "set policy name=a assign=yes");
	assert_int_equal(world_count_filters(w), 1);
}

/* --- switching it on ---------------------------------------------------------------------- */

static void test_switch(void **state)
{
	struct world *w = *state;

	world_add_peer_rule(w);		/* with netsh's defaults */
	add_policy(w, "local", "old", GOOD_MM, "ESP[AES128,MD5]");
	APPLY(w, "set policy name=old assign=yes");
	assert_string_equal(set_config(w, "strongcrypto", "1"), "Invalid");
	assert_said(w, "filter action \"action-old\" of policy \"old\" (ESP[AES128,MD5])");
	assert_said(w, "main mode policy \"m\" (");
	assert_said(w, "quick mode policy \"q\" (");
	assert_false(is_strong(w));
	assert_string_equal(world_call_plain(w, "DeleteAll"), "");
	assert_string_equal(set_config(w, "StrongCrypto", "1"), "Invalid");
	APPLY(w, "set policy name=old assign=no");
	assert_string_equal(set_config(w, "strongcrypto", "2"), "Invalid");
	assert_said(w, "from 0 to 1");
	assert_string_equal(set_config(w, "StrongCrypto", "1"), "");
	assert_true(is_strong(w));
	assert_int_equal(store_apply_one(w, "local", "set policy name=old assign=yes"), 87);
	assert_string_equal(set_config(w, "strongcrypto", "0"), "");
	APPLY(w, "set policy name=old assign=yes");
}

/* The persistent store's policy comes with the next start: it must be good by then. */
static void test_switch_and_what_waits(void **state)
{
	struct world *w = *state;

	add_policy(w, "persistent", "old", "3DES-SHA1-2", GOOD_QM);
	assert_int_equal(store_apply_one(w, "persistent", "set policy name=old assign=yes"), 0);
	assert_string_equal(set_config(w, "strongcrypto", "1"), "Invalid");
	assert_said(w, "policy \"old\" (3DES-SHA1-2)");
	assert_int_equal(store_apply_one(w, "persistent", "set policy name=old assign=no"), 0);
	assert_string_equal(set_config(w, "strongcrypto", "1"), "");
}

/* A try can go back to what was before, whatever that offers. */
static void test_switch_during_a_try(void **state)
{
	struct world *w = *state;
	sd_bus_message *m = world_call_new(w, "TryBegin");

	assert_true(sd_bus_message_append(m, "u", 600) >= 0);
	add_policy(w, "local", "old", "3DES-SHA1-2", GOOD_QM);
	APPLY(w, "set policy name=old assign=yes");
	world_make_call(w, m);
	assert_string_equal(world_error_name(w), "");
	APPLY(w, "set policy name=old assign=no");
	assert_string_equal(set_config(w, "strongcrypto", "1"), "Invalid");
	assert_said(w, "there is a try");
	assert_string_equal(world_call_plain(w, "TryEnd"), "");
	assert_int_equal(world_count_filters(w), 1);
}

/* --- starting ----------------------------------------------------------------------------- */

/* As an editor sets it in a file: nobody is asked. */
static void set_in_file(const struct world *w)
{
	struct fault fault;

	assert_int_equal(config_set(w->agent->config, "strongcrypto", "1", &fault), 0);
}

/* Over the head of what is assigned: nothing of it, and nothing in clear. */
static void test_start(void **state)
{
	struct world *w = *state;
	char why[AGENT_WHY_LEN] = "";

	add_policy(w, "local", "old", "3DES-SHA1-2", GOOD_QM);
	APPLY(w, "set policy name=old assign=yes");
	set_in_file(w);
	agent_stop(w->agent);
	assert_int_equal(world_start_agent(w, world_crash(w), why), 0);
	world_connect_admin(w);
	assert_true(is_strong(w));
	assert_int_equal(world_count_filters(w), 0);
	assert_int_equal(kernel_fake_mode(w->kernel), IPSECDRV_MODE_BLOCK);
	assert_non_null(strstr(w->agent->stores->slots[STORE_LOCATION_LOCAL].fault, "3DES-SHA1-2"));
	APPLY(w, "set policy name=old mmsecmethods=" GOOD_MM);
	assert_int_equal(world_count_filters(w), 1);
	assert_int_equal(kernel_fake_mode(w->kernel), IPSECDRV_MODE_SECURE);
}

/* Dynamic rules of an agent that crashed stay in the driver; none is run with half of them. */
static void test_start_after_a_crash(void **state)
{
	struct world *w = *state;
	char why[AGENT_WHY_LEN] = "";
	struct kernel *kernel;

	world_add_peer_rule(w);
	set_in_file(w);
	kernel = world_crash(w);
	assert_int_not_equal(world_start_agent(w, kernel, why), 0);
	if (!strstr(why, "main mode policy \"m\" ("))
		fail_msg("%s", why);
}

/* --- lists -------------------------------------------------------------------------------- */

static void test_list(void **state)
{
	struct ruleset *ruleset = ruleset_new(RULESET_LAYER_DYNAMIC);
	char tags[64], *text = NULL;
	struct fault fault;

	(void)state;
	assert_non_null(ruleset);
	assert_int_equal(strength_list(&ruleset, 1, POLICY_FLAWS_BROKEN, &text), 0);
	assert_null(text);
	for (unsigned int i = 0; i < 50; i++) {
		snprintf(tags, sizeof(tags), "name=policy-%u mmsecmethods=3DES-SHA1-5", i);
		assert_int_equal(ruleset_add_mm(ruleset, ruleset_mm_new(test_mm(tags, NULL))), 0);
	}
	assert_int_equal(strength_check(&ruleset, 1, &fault), 0);
	assert_int_equal(strength_list(&ruleset, 1, POLICY_FLAWS_WEAK, &text), 0);
	assert_non_null(text);
	assert_non_null(strstr(text, "main mode policy \"policy-0\" (3DES-SHA1-5), "));
	assert_non_null(strstr(text, " more"));
	assert_true(strlen(text) < 500);
	free(text);
	ruleset_free(ruleset);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		WORLD_TEST("strongcrypto refuses broken offers of dynamic policies", test_dynamic),
		WORLD_TEST("strongcrypto refuses broken offers of ipseccmd's rules", test_runs),
		WORLD_TEST("strongcrypto refuses broken offers of stored policies", test_stored),
		WORLD_TEST("strongcrypto leaves methods that nothing uses", test_idle_methods),
		WORLD_TEST("strongcrypto waits until nothing broken is in force", test_switch),
		WORLD_TEST("strongcrypto looks at what waits for the next start",
			   test_switch_and_what_waits),
		WORLD_TEST("strongcrypto waits for the end of a try", test_switch_during_a_try),
		WORLD_TEST("strongcrypto from a file blocks what it refuses", test_start),
		WORLD_TEST("strongcrypto does not drop rules of a crash", test_start_after_a_crash),
		cmocka_unit_test(test_list),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
