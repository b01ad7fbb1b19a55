// SPDX-License-Identifier: MIT
/* The pool with real jobs, in the open and under ipsec-ike's system call filter. */
#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "daemon/confine.h"
#include "ike/crypto.h"
#include "ike/dh.h"
#include "ike/job.h"
#include "ike/pool.h"

#define GROUP IKE_GROUP_MODP1024
#define JOBS 40U

struct fixture {
	sd_event *event;
	struct pool *pool;
	struct dh_key *peer;
	pthread_t loop;
	unsigned int n_done;
	unsigned int n_good;
	uint64_t seen;		/* ids, a bit for each */
};

static bool is_good(const struct fixture *f, const struct ike_job *job)
{
	uint8_t want[DH_MAX_LEN];

	return !job->error && job->key &&
	       !dh_derive(f->peer, dh_key_public(job->key), want) &&
	       !memcmp(want, job->secret.data, job->secret.len) &&
	       pthread_equal(f->loop, pthread_self());
}

static void on_done(void *userdata, uint64_t id, struct ike_job *job)
{
	struct fixture *f = userdata;

	f->n_done++;
	f->n_good += is_good(f, job);
	f->seen |= UINT64_C(1) << id;
	ike_job_free(job);
}

static struct ike_job *make_job(const struct fixture *f)
{
	struct ike_job *job = calloc(1, sizeof(*job));

	if (!job)
		abort();
	job->group = GROUP;
	job->secret.len = dh_secret_len(GROUP);
	job->secret.data = malloc(job->secret.len);
	if (!job->secret.data || blob_set(&job->peer, dh_key_public(f->peer)))
		abort();
	return job;
}

static bool set_up(struct fixture *f)
{
	*f = (struct fixture){ .loop = pthread_self() };
	if (crypto_init() || dh_prepare(GROUP) || sd_event_new(&f->event) < 0)
		return false;
	f->peer = dh_key_new(GROUP);
	return f->peer && pool_new(f->event, on_done, f, &f->pool) == 0;
}

static void tear_down(struct fixture *f)
{
	pool_free(f->pool);
	dh_key_free(f->peer);
	sd_event_unref(f->event);
}

static bool run_jobs(struct fixture *f)
{
	for (unsigned int i = 0; i < JOBS; i++)
		if (pool_submit(f->pool, i, make_job(f)))
			return false;
	while (f->n_done < JOBS)
		if (sd_event_run(f->event, 20000000) <= 0)
			return false;
	return f->n_good == JOBS && f->seen == (UINT64_C(1) << JOBS) - 1;
}

/* Each comes back once, done, and in the loop's thread. */
static void test_jobs_come_back(void **state)
{
	struct fixture f;

	(void)state;
	assert_true(set_up(&f));
	assert_true(run_jobs(&f));
	tear_down(&f);
}

static void test_end_with_jobs_under_way(void **state)
{
	struct fixture f;

	(void)state;
	assert_true(set_up(&f));
	for (unsigned int i = 0; i < JOBS; i++)
		assert_int_equal(pool_submit(f.pool, i, make_job(&f)), 0);
	tear_down(&f);
	assert_int_equal(f.n_done, 0);
}

/* In a child, which loses its rights for good. */
static int confined(void)
{
	struct fixture f;

	if (!set_up(&f))
		return 1;
	(void)prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	if (confine_syscalls(CONFINE_NETWORK_OPEN))
		return 2;
	if (!run_jobs(&f))
		return 3;
	tear_down(&f);
	return 0;
}

static void test_under_the_filter(void **state)
{
	pid_t child = fork();
	int status;

	(void)state;
	assert_true(child >= 0);
	if (child == 0)
		_exit(confined());
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		{ "jobs come back", test_jobs_come_back, NULL, NULL, NULL },
		{ "end with jobs under way", test_end_with_jobs_under_way, NULL, NULL, NULL },
		{ "jobs under the system call filter", test_under_the_filter, NULL, NULL, NULL },
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
