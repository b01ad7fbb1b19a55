// SPDX-License-Identifier: MIT
/* Soft associations: with whom there are some, how they begin and end. */
#include "agent/test_scene.h"

#include "agent/events.h"
#include "agent/test_journal.h"

static void set_soft(struct scene *w)
{
	_cleanup_(policy_qm_policy_freep) struct policy_qm_policy *changes = NULL;
	uint32_t given;

	changes = test_qm("name=q soft=yes", &given);
	assert_int_equal(dynamic_set_qm(w->dynamic, changes, given, &w->fault), 0);
	scene_apply(w);
	negotiate_listed(w->negotiate, 0);
}

static void test_soft(void **state)
{
	struct scene *w = *state;

	set_soft(w);
	scene_send_ping(w);
	assert_true(w->log.acquire.mm.gives_up_early);
	scene_end_acquire(w, IKE_REASON_NO_RESPONSE, false);
	assert_int_equal(scene_the_acquire(w)->result, IPSECDRV_ACQUIRE_RESULT_SOFT);
	assert_int_equal(kernel_fake_hold(w->kernel), 300);
	assert_int_equal(negotiate_get_counts(w->negotiate).soft_associations, 1);
}

/* The time is main mode's policy's, and it is the driver that looks at the clock. */
static void test_soft_time(void **state)
{
	struct scene *w = *state;
	_cleanup_(policy_mm_policy_freep) struct policy_mm_policy *changes = NULL;
	uint32_t given;

	changes = test_mm("name=m softsaexpirationtime=77", &given);
	assert_int_equal(dynamic_set_mm(w->dynamic, changes, given, &w->fault), 0);
	set_soft(w);
	scene_send_ping(w);
	scene_end_acquire(w, IKE_REASON_NO_RESPONSE, false);
	assert_int_equal(kernel_fake_hold(w->kernel), 77);
	/* and after it the next packet is negotiated for anew */
	assert_int_equal(negotiate_get_counts(w->negotiate).jobs, 0);
	scene_send_ping(w);
	assert_int_equal(w->log.n_acquires, 2);
}

/* Silence of a peer that had begun, and of one that policy does not let go in clear. */
static void test_never_soft(void **state)
{
	struct scene *w = *state;
	struct ike_selector selector = scene_selector_to("10.0.0.2");
	struct ike_event event = {
		.kind = IKE_EVENT_QM_FAILED, .path = scene_path_to("10.0.0.2"),
		.reason = IKE_REASON_TIMED_OUT, .text = "the peer did not confirm (message 3)",
	};
	struct ike_qm_policy qm;

	scene_send_ping(w);
	assert_false(w->log.acquire.mm.gives_up_early);
	scene_end_acquire(w, IKE_REASON_NO_RESPONSE, false);
	assert_int_equal(scene_the_acquire(w)->result, IPSECDRV_ACQUIRE_RESULT_FAILED);
	set_soft(w);
	assert_int_equal(scene_ask_qm(w, &selector, IKE_AUTH_PSK, &qm), 0);
	negotiate_event(w->negotiate, &event);
	event.kind = IKE_EVENT_MM_FAILED;
	negotiate_event(w->negotiate, &event);
	assert_int_equal(negotiate_get_counts(w->negotiate).soft_associations, 0);
	assert_int_equal(kernel_fake_count(w->kernel, KERNEL_FAKE_ACQUIRE_END), 1);
}

/* Who has answered speaks IKE: then it is all or nothing. */
static void test_not_soft(void **state)
{
	struct scene *w = *state;

	set_soft(w);
	scene_send_ping(w);
	scene_end_acquire(w, IKE_REASON_CREDENTIALS, true);
	assert_int_equal(scene_the_acquire(w)->result, IPSECDRV_ACQUIRE_RESULT_FAILED);
	assert_int_equal(negotiate_get_counts(w->negotiate).soft_associations, 0);
}

/* --- the end ------------------------------------------------------------------------------ */

static bool has_ended(const struct journal *journal, const char *why)
{
	const struct journal_entry *e = &journal->entries[journal->n_entries - 1];

	return journal->n_entries &&
	       journal_has(e, "MESSAGE_ID", events_table[EVENT_SOFT_SA_ENDED].id) &&
	       journal_has(e, "IPD_REASON_TEXT", why);
}

static void make_soft(struct scene *w)
{
	scene_send_ping(w);
	scene_end_acquire(w, IKE_REASON_NO_RESPONSE, false);
	assert_int_equal(scene_the_acquire(w)->result, IPSECDRV_ACQUIRE_RESULT_SOFT);
}

/* The driver says nothing of it. */
static void test_time_is_over(void **state)
{
	struct scene *w = *state;
	struct journal journal = {0};

	set_soft(w);
	journal_open(&journal);
	make_soft(w);
	negotiate_watch(w->negotiate);
	assert_int_equal(journal.n_entries, 1);		/* that it has begun */
	kernel_fake_forget_acquires(w->kernel);
	negotiate_watch(w->negotiate);
	assert_true(has_ended(&journal, "its time is over"));
	negotiate_watch(w->negotiate);
	assert_int_equal(journal.n_entries, 2);
	/* or, before anybody has looked, the driver asks again */
	make_soft(w);
	kernel_fake_forget_acquires(w->kernel);
	scene_send_ping(w);
	assert_true(has_ended(&journal, "its time is over"));
	journal_close(&journal);
}

static void test_other_ends(void **state)
{
	_cleanup_(policy_rule_freep) struct policy_rule *rule =
		test_rule("srcaddr=me dstaddr=10.0.0.2", NULL);
	struct ike_selector selector = scene_selector_to("10.0.0.2");
	struct scene *w = *state;
	struct ike_sa_install install;
	struct journal journal = {0};
	struct ike_qm_policy qm;

	set_soft(w);
	journal_open(&journal);
	make_soft(w);
	assert_int_equal(scene_ask_qm(w, &selector, IKE_AUTH_PSK, &qm), 0);
	install = scene_install_for(w, scene_get_spi(w, 0));
	install.is_initiator = false;
	assert_int_equal(negotiate_add_sa(w->negotiate, &install), 0);
	negotiate_watch(w->negotiate);
	assert_true(has_ended(&journal, "the peer speaks IKE after all"));
	assert_int_equal(w->kernel->ops->sa_flush(w->kernel), 0);
	negotiate_resync(w->negotiate);
	make_soft(w);
	assert_int_equal(dynamic_delete_rule(w->dynamic, rule, &w->fault), 0);
	scene_apply(w);
	assert_true(has_ended(&journal, "policy changed"));
	journal_close(&journal);
}

/* An agent that has just started finds what the one before has begun. */
static void test_restart(void **state)
{
	struct scene *w = *state;
	struct journal journal = {0};

	set_soft(w);
	make_soft(w);
	negotiate_free(w->negotiate);
	w->negotiate = scene_negotiate_of(w);
	negotiate_set_layers(w->negotiate, w->layers);
	negotiate_resync(w->negotiate);
	journal_open(&journal);
	negotiate_watch(w->negotiate);
	assert_int_equal(journal.n_entries, 0);
	kernel_fake_forget_acquires(w->kernel);
	negotiate_watch(w->negotiate);
	assert_true(has_ended(&journal, "its time is over"));
	journal_close(&journal);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SCENE_TEST("K24 who does not answer is talked to in clear, where that is allowed",
			   test_soft),
		SCENE_TEST("K25 for softsaexpirationtime, and then IKE is tried again",
			   test_soft_time),
		SCENE_TEST("K24 F06 not after an answer: blocked for a minute", test_not_soft),
		SCENE_TEST("K26 never as the responder, or where it is not allowed",
			   test_never_soft),
		SCENE_TEST("L02 its end has a record, when the time is over", test_time_is_over),
		SCENE_TEST("L02 with its filter, and when the peer speaks IKE", test_other_ends),
		SCENE_TEST("L02 after a restart of the agent, too", test_restart),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
