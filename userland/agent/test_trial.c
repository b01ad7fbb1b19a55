// SPDX-License-Identifier: MIT
/* Tries that take themselves back, and who is told that a store may have changed. */
#include "agent/test_util.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <systemd/sd-event.h>

#include "agent/trial.h"
#include "agent/watch.h"
#include "store/copy.h"
#include "store/store.h"

#define DEADLINE_USEC (20 * UINT64_C(1000000))

#define RUN_UNTIL(f, condition)                                                    \
	do {                                                                       \
		while (!(condition))                                               \
			if (sd_event_run((f)->event, DEADLINE_USEC) <= 0)          \
				fail_msg("still not: %s", #condition);             \
	} while (0)

struct fixture {
	sd_event *event;
	char dir[64];
	char path[128];		/* of the store */
	struct trial *trial;
	unsigned int n_ended;
	unsigned int n_changed;
	char fault[FAULT_TEXT_LEN];
};

/* --- the store ---------------------------------------------------------------------------- */

static const char *path_in(const struct fixture *f, const char *name)
{
	static char path[128];

	snprintf(path, sizeof(path), "%s/%s", f->dir, name);
	return path;
}

static struct store *open_store(const struct fixture *f, unsigned int flags)
{
	struct store *store = NULL;
	struct fault fault;

	if (store_open(f->path, flags, &store, &fault))
		fail_msg("%s", fault.text);
	return store;
}

static void rename_policy(const struct fixture *f, const char *from, const char *to)
{
	struct store *store = open_store(f, STORE_OPEN_WRITE);
	struct store_change change = {
		.verb = STORE_VERB_SET, .kind = STORE_KIND_POLICY, .name = strdup(from),
		.given = STORE_FIELD_NEWNAME, .store_policy = store_policy_new(),
	};
	struct fault fault;

	change.store_policy->head.name = strdup(to);
	if (store_apply(store, &change, &fault))
		fail_msg("%s", fault.text);
	store_change_clear(&change);
	store_close(store);
}

static bool has_policy(const struct fixture *f, const char *name)
{
	struct store *store = open_store(f, STORE_OPEN_READ);
	const struct store_query query = { 0 };
	struct store_content *content = NULL;
	struct fault fault;
	bool has;

	assert_int_equal(store_read(store, &query, &content, &fault), 0);
	has = store_content_find_policy(content, name) != NULL;
	store_content_free(content);
	store_close(store);
	return has;
}

#define OLD "Client (Respond Only)"
#define NEW "changed"

/* --- tries -------------------------------------------------------------------------------- */

static void on_ended(void *userdata, const struct fault *fault)
{
	struct fixture *f = userdata;

	f->n_ended++;
	snprintf(f->fault, sizeof(f->fault), "%s", fault ? fault->text : "");
}

static int start(struct fixture *f, bool *ret_was_ended, struct fault *fault)
{
	struct trial_config config = {
		.event = f->event, .path = f->path, .timed_out = on_ended, .userdata = f,
	};

	f->trial = trial_free(f->trial);
	return trial_new(&config, &f->trial, ret_was_ended, fault);
}

static bool start_well(struct fixture *f)
{
	struct fault fault;
	bool was_ended;

	if (start(f, &was_ended, &fault))
		fail_msg("%s", fault.text);
	return was_ended;
}

static int set_up(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	strcpy(f->dir, "/tmp/test_trial.XXXXXX");
	assert_non_null(mkdtemp(f->dir));
	snprintf(f->path, sizeof(f->path), "%s/local.db", f->dir);
	assert_true(sd_event_new(&f->event) >= 0);
	store_close(open_store(f, STORE_OPEN_WRITE | STORE_OPEN_CREATE));
	*state = f;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;
	char command[128];

	trial_free(f->trial);
	sd_event_unref(f->event);
	snprintf(command, sizeof(command), "rm -r %s", f->dir);
	assert_int_equal(system(command), 0);
	free(f);
	return 0;
}

static void test_confirm_and_end(void **state)
{
	struct fixture *f = *state;
	struct fault fault;
	struct stat st;

	assert_false(start_well(f));
	assert_int_equal(trial_seconds(f->trial), 0);
	assert_int_not_equal(trial_confirm(f->trial, &fault), 0);
	assert_int_not_equal(trial_end(f->trial, &fault), 0);
	assert_int_not_equal(trial_begin(f->trial, TRIAL_SECONDS_MAX + 1, &fault), 0);
	assert_int_equal(trial_begin(f->trial, 600, &fault), 0);
	assert_in_range(trial_seconds(f->trial), 590, 600);
	assert_int_not_equal(trial_begin(f->trial, 600, &fault), 0);
	assert_non_null(strstr(fault.text, "already"));
	/* the keys in it are nobody's business */
	assert_int_equal(stat(path_in(f, "local.db.try"), &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	rename_policy(f, OLD, NEW);
	assert_int_equal(trial_end(f->trial, &fault), 0);
	assert_true(has_policy(f, OLD));
	assert_int_equal(access(path_in(f, "local.db.try"), F_OK), -1);
	assert_int_equal(access(path_in(f, "local.db.try-until"), F_OK), -1);
	assert_int_equal(trial_begin(f->trial, 600, &fault), 0);
	rename_policy(f, OLD, NEW);
	assert_int_equal(trial_confirm(f->trial, &fault), 0);
	assert_int_not_equal(trial_end(f->trial, &fault), 0);
	assert_true(has_policy(f, NEW));
}

/* Who has the store open sees that it is another one, and owner and mode of the file stay. */
static void test_time_is_over(void **state)
{
	struct fixture *f = *state;
	struct store *store = open_store(f, STORE_OPEN_READ);
	struct fault fault;
	uint64_t version;
	struct stat st;

	assert_int_equal(chmod(f->path, 0660), 0);
	assert_false(start_well(f));
	assert_int_equal(trial_begin(f->trial, 1, &fault), 0);
	rename_policy(f, OLD, NEW);
	version = store_version(store);
	RUN_UNTIL(f, f->n_ended);
	assert_string_equal(f->fault, "");
	assert_true(has_policy(f, OLD));
	assert_int_not_equal(store_version(store), version);
	assert_int_equal(stat(f->path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0660);
	store_close(store);
}

static void write_until(const struct fixture *f, const char *text)
{
	FILE *file = fopen(path_in(f, "local.db.try-until"), "w");

	assert_non_null(file);
	fputs(text, file);
	fclose(file);
}

/* An agent comes back, in time, too late, after a reboot, and to a file that means nothing. */
static void test_successor(void **state)
{
	static const char *const over[] = {
		"00000000000000000000000000000001 99999999\n", "rubbish", "",
		"00000000000000000000000000000001",
	};
	struct fixture *f = *state;
	struct fault fault;

	assert_false(start_well(f));
	assert_int_equal(trial_begin(f->trial, 600, &fault), 0);
	rename_policy(f, OLD, NEW);
	assert_false(start_well(f));
	assert_in_range(trial_seconds(f->trial), 590, 600);
	assert_true(has_policy(f, NEW));
	write_until(f, over[0]);
	assert_true(start_well(f));
	assert_true(has_policy(f, OLD));
	assert_int_equal(trial_seconds(f->trial), 0);
	for (size_t i = 0; i < sizeof(over) / sizeof(over[0]); i++) {
		assert_int_equal(trial_begin(f->trial, 600, &fault), 0);
		rename_policy(f, OLD, NEW);
		write_until(f, over[i]);
		assert_true(start_well(f));
		assert_true(has_policy(f, OLD));
	}
	/* the former agent died before it had begun, or after it had ended */
	assert_int_equal(store_copy_save(f->path, path_in(f, "local.db.try"), &fault), 0);
	rename_policy(f, OLD, NEW);
	assert_false(start_well(f));
	assert_true(has_policy(f, NEW));
	assert_int_equal(access(path_in(f, "local.db.try"), F_OK), -1);
}

/* What was put aside is gone: it is said, and the store is left alone. */
static void test_cannot_be_taken_back(void **state)
{
	struct fixture *f = *state;
	struct fault fault;
	bool was_ended;

	assert_false(start_well(f));
	assert_int_equal(trial_begin(f->trial, 600, &fault), 0);
	rename_policy(f, OLD, NEW);
	assert_int_equal(truncate(path_in(f, "local.db.try"), 5000), 0);
	assert_int_not_equal(trial_end(f->trial, &fault), 0);
	assert_non_null(strstr(fault.text, "local.db.try"));
	write_until(f, "rubbish");
	assert_int_not_equal(start(f, &was_ended, &fault), 0);
	assert_non_null(f->trial);
	assert_true(has_policy(f, NEW));
	/* somebody says that it is good so */
	assert_int_equal(trial_confirm(f->trial, &fault), 0);
}

/* --- the watch ---------------------------------------------------------------------------- */

static void on_changed(void *userdata)
{
	((struct fixture *)userdata)->n_changed++;
}

static void test_watch(void **state)
{
	struct fixture *f = *state;
	struct watch *watch = NULL;
	unsigned int n;
	char other[128];

	assert_int_equal(watch_new(f->event, f->dir, on_changed, f, &watch), 0);
	rename_policy(f, OLD, NEW);
	RUN_UNTIL(f, f->n_changed);
	n = f->n_changed;
	/* a file that is moved into its place */
	snprintf(other, sizeof(other), "%s", path_in(f, "other"));
	fclose(fopen(other, "w"));
	assert_int_equal(rename(other, f->path), 0);
	RUN_UNTIL(f, f->n_changed > n);
	n = f->n_changed;
	assert_int_equal(unlink(f->path), 0);
	RUN_UNTIL(f, f->n_changed > n);
	/* what is no store is not one */
	n = f->n_changed;
	fclose(fopen(other, "w"));
	while (sd_event_run(f->event, 300000) > 0)
		;
	assert_int_equal(f->n_changed, n);
	watch_free(watch);
}

#define TEST(name, function) { name, function, set_up, tear_down, NULL }

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST("a try is confirmed, or ended", test_confirm_and_end),
		TEST("a try whose time is over takes itself back", test_time_is_over),
		TEST("a try goes on with the next agent", test_successor),
		TEST("what cannot be taken back is said", test_cannot_be_taken_back),
		TEST("A03 the files of stores are watched", test_watch),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
