// SPDX-License-Identifier: MIT
/*
 * Change k of the store, in one transaction, is a filter list, an action, a policy with a rule and
 * its assignment, all with the number k in their names. The process that makes them says k when
 * it is done. So the store is known by one number: it has the changes 1 to k and no part of
 * another one, and k is what was last reported, or one more, which could not be reported any more.
 *
 *   begin  list k  filters k  action k  policy k  rule k  assign k  commit  -> k  begin ...
 *          <--------------------- a kill here: k - 1 ---------------->   ^
 *                                                       here: k - 1 or k |
 */
#include "store/test_kills.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "store/store.h"
#include "store/text.h"

#define LARGEST		40		/* changes, then it begins with a new file */

struct tag {
	const char *name;
	const char *value;
};

static int apply(struct store *store, enum store_verb verb, enum store_kind kind,
		 const struct tag *tags, size_t n)
{
	struct store_change change = { .verb = verb, .kind = kind };
	char why[POLICY_WHY_LEN] = "";
	struct fault fault;
	int err = 0;

	for (size_t i = 0; !err && i < n; i++)
		err = store_change_set_tag(&change, tags[i].name, tags[i].value, why);
	if (err)
		fprintf(stderr, "%s\n", why);
	else if ((err = store_apply(store, &change, &fault)) < 0)
		fprintf(stderr, "%s\n", fault.text);
	store_change_clear(&change);
	return err;
}

#define APPLY(verb, kind, ...)							\
	apply(store, STORE_VERB_##verb, STORE_KIND_##kind, (struct tag[]){ __VA_ARGS__ },	\
	      sizeof((struct tag[]){ __VA_ARGS__ }) / sizeof(struct tag))

static int make_change(struct store *store, unsigned int k)
{
	char name[32];

	(void)snprintf(name, sizeof(name), "%u", k);
	return APPLY(ADD, FILTER, { "filterlist", name }, { "srcaddr", "me" }, { "dstaddr", "any" }) ?:
	       APPLY(ADD, FILTER, { "filterlist", name }, { "srcaddr", "me" },
		     { "dstaddr", "10.0.0.0/8" }, { "protocol", "TCP" }, { "dstport", name }) ?:
	       APPLY(ADD, FILTER_ACTION, { "name", name }, { "qmpfs", "yes" }) ?:
	       APPLY(ADD, POLICY, { "name", name }) ?:
	       APPLY(ADD, RULE, { "name", name }, { "policy", name }, { "filterlist", name },
		     { "filteraction", name }, { "psk", name }) ?:
	       APPLY(SET, POLICY, { "name", name }, { "assign", "yes" });
}

/* The process: changes @first, @first + 1 ... until it is killed. */
static void change_store(const char *path, unsigned int first, int report)
{
	const unsigned int none = first - 1;
	struct fault fault = { .name = NULL };
	struct store *store;

	/* "I live": the time that it has is counted from here. */
	if (write(report, &none, sizeof(none)) != sizeof(none))
		_exit(1);
	if (store_open(path, STORE_OPEN_WRITE | STORE_OPEN_CREATE | STORE_OPEN_EMPTY, &store,
		       &fault) < 0) {
		fprintf(stderr, "%s\n", fault.text);
		_exit(1);
	}
	for (unsigned int k = first;; k++) {
		if (store_begin(store, &fault) || make_change(store, k) ||
		    store_commit(store, &fault)) {
			fprintf(stderr, "change %u: %s\n", k, fault.text);
			_exit(1);
		}
		if (write(report, &k, sizeof(k)) != sizeof(k))
			_exit(1);
	}
}

static bool is_whole(const struct store_content *content, size_t i)
{
	const struct store_policy *policy = content->policies[i];
	char name[32];

	(void)snprintf(name, sizeof(name), "%zu", i + 1);
	return !strcmp(policy->head.name, name) && policy->n_rules == 2 &&
	       !strcmp(policy->rules[1]->head.name, name) && policy->rules[1]->n_methods == 1 &&
	       policy->rules[1]->list == content->lists[i] &&
	       policy->rules[1]->action == content->actions[i] &&
	       content->lists[i]->n_filters == 2 && content->actions[i]->qmpfs &&
	       policy->is_assigned == (i + 1 == content->n_policies);
}

int test_kills_count(const char *path)
{
	const struct store_query all = { .policy = NULL };
	_cleanup_(store_content_freep) struct store_content *content = NULL;
	_cleanup_(store_closep) struct store *store = NULL;
	struct fault fault = { .name = NULL };
	int err = store_open(path, STORE_OPEN_WRITE, &store, &fault);

	/* Killed before the store was made. */
	if (err == -ENOENT)
		return 0;
	if (!err)
		err = store_read(store, &all, &content, &fault);
	if (err) {
		fprintf(stderr, "%s\n", fault.text);
		return -1;
	}
	if (content->n_lists != content->n_policies || content->n_actions != content->n_policies)
		return -1;
	for (size_t i = 0; i < content->n_policies; i++)
		if (!is_whole(content, i))
			return -1;
	return (int)content->n_policies;
}

static unsigned int last_reported(int report, unsigned int before)
{
	unsigned int k;

	while (read(report, &k, sizeof(k)) == sizeof(k))
		before = k;
	return before;
}

/* A process from its first word to its kill. The last change that it reported, @k if none; -1 if it failed. */
static int one_life(const char *path, unsigned int k, unsigned int latest_ms)
{
	struct timespec life = { .tv_nsec = random() % (1000000L * latest_ms) };
	int fds[2], status;
	pid_t pid;

	if (pipe(fds) < 0)
		return -1;
	pid = fork();
	if (pid == 0)
		change_store(path, k + 1, fds[1]);
	(void)close(fds[1]);
	if (pid > 0) {
		if (read(fds[0], &k, sizeof(k)) == sizeof(k))
			(void)nanosleep(&life, NULL);
		(void)kill(pid, SIGKILL);
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid || !WIFSIGNALED(status)) {
		(void)close(fds[0]);
		return -1;
	}
	k = last_reported(fds[0], k);
	(void)close(fds[0]);
	return (int)k;
}

void test_kills_begin_anew(const char *path)
{
	static const char *const suffixes[] = { "", "-wal", "-shm" };

	for (size_t i = 0; i < sizeof(suffixes) / sizeof(suffixes[0]); i++) {
		char name[4200];

		(void)snprintf(name, sizeof(name), "%s%s", path, suffixes[i]);
		(void)unlink(name);
	}
}

int test_kills(const char *path, unsigned int n, unsigned int latest_ms)
{
	unsigned int done = 0, unreported = 0, k = 0;

	srandom(1);
	for (unsigned int i = 0; i < n; i++) {
		int reported = one_life(path, k, latest_ms), found;

		if (reported < 0)
			return -1;
		found = test_kills_count(path);
		if (found != reported && found != reported + 1) {
			fprintf(stderr, "life %u: %d changes were reported, %d are there\n", i,
				reported, found);
			return -1;
		}
		done += (unsigned int)found - k;
		unreported += found != reported;
		k = (unsigned int)found;
		if (k >= LARGEST) {
			test_kills_begin_anew(path);
			k = 0;
		}
	}
	printf("%u kills, %u changes, %u of them were done and not yet reported\n", n, done,
	       unreported);
	return 0;
}
