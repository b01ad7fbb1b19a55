// SPDX-License-Identifier: MIT
#include "ike/pool.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/queue.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "ike/engine.h"

#define THREADS_MAX 4
/* OpenSSL's big numbers are on the heap. */
#define STACK_LEN ((size_t)256 * 1024)

struct work {
	STAILQ_ENTRY(work) link;
	uint64_t id;
	struct ike_job *job;
};

STAILQ_HEAD(work_list, work);

struct pool {
	pool_done_fn done;
	void *userdata;
	int fd;			/* eventfd: something is ready */
	sd_event_source *source;
	pthread_t threads[THREADS_MAX];
	unsigned int n_threads;

	pthread_mutex_t mutex;	/* of all below */
	pthread_cond_t changed;
	unsigned int n_running;	/* threads that have come to their loop */
	bool is_ending;
	struct work_list waiting;
	struct work_list ready;
};

/* --- threads ------------------------------------------------------------------------------ */

/* The next one, or NULL at the end. */
static struct work *next(struct pool *pool)
{
	struct work *work;

	while (STAILQ_EMPTY(&pool->waiting) && !pool->is_ending)
		(void)pthread_cond_wait(&pool->changed, &pool->mutex);
	if (pool->is_ending)
		return NULL;
	work = STAILQ_FIRST(&pool->waiting);
	STAILQ_REMOVE_HEAD(&pool->waiting, link);
	return work;
}

static void put_ready(struct pool *pool, struct work *work)
{
	bool was_empty = STAILQ_EMPTY(&pool->ready);

	STAILQ_INSERT_TAIL(&pool->ready, work, link);
	if (was_empty)
		(void)eventfd_write(pool->fd, 1);
}

static void *run(void *userdata)
{
	struct pool *pool = userdata;
	struct work *work;

	(void)pthread_mutex_lock(&pool->mutex);
	pool->n_running++;
	(void)pthread_cond_broadcast(&pool->changed);
	while ((work = next(pool))) {
		(void)pthread_mutex_unlock(&pool->mutex);
		ike_job_run(work->job);
		(void)pthread_mutex_lock(&pool->mutex);
		put_ready(pool, work);
	}
	(void)pthread_mutex_unlock(&pool->mutex);
	return NULL;
}

static unsigned int n_cpus(void)
{
	cpu_set_t set;

	if (sched_getaffinity(0, sizeof(set), &set) < 0)
		return 1;
	return CPU_COUNT(&set) < THREADS_MAX ? (unsigned int)CPU_COUNT(&set) : THREADS_MAX;
}

static int start_threads(struct pool *pool)
{
	pthread_attr_t attr;
	int r = pthread_attr_init(&attr);

	if (r)
		return -r;
	r = pthread_attr_setstacksize(&attr, STACK_LEN);
	for (unsigned int n = n_cpus(); r == 0 && pool->n_threads < n;) {
		r = pthread_create(&pool->threads[pool->n_threads], &attr, run, pool);
		pool->n_threads += r == 0;
	}
	(void)pthread_attr_destroy(&attr);
	/* fewer than there are CPUs will do */
	return pool->n_threads ? 0 : -r;
}

static void wait_for_threads(struct pool *pool)
{
	(void)pthread_mutex_lock(&pool->mutex);
	while (pool->n_running < pool->n_threads)
		(void)pthread_cond_wait(&pool->changed, &pool->mutex);
	(void)pthread_mutex_unlock(&pool->mutex);
}

/* Signals are the loop's. */
static int start(struct pool *pool)
{
	sigset_t all, old;
	int r;

	(void)sigfillset(&all);
	r = -pthread_sigmask(SIG_SETMASK, &all, &old);
	if (r == 0) {
		r = start_threads(pool);
		(void)pthread_sigmask(SIG_SETMASK, &old, NULL);
	}
	if (r == 0)
		wait_for_threads(pool);
	return r;
}

/* --- the loop's side ---------------------------------------------------------------------- */

static int on_ready(sd_event_source *source, int fd, uint32_t revents, void *userdata)
{
	struct work_list ready = STAILQ_HEAD_INITIALIZER(ready);
	struct pool *pool = userdata;
	struct work *work;
	eventfd_t n;

	(void)source;
	(void)revents;
	(void)pthread_mutex_lock(&pool->mutex);
	(void)eventfd_read(fd, &n);
	STAILQ_CONCAT(&ready, &pool->ready);
	(void)pthread_mutex_unlock(&pool->mutex);
	while ((work = STAILQ_FIRST(&ready))) {
		STAILQ_REMOVE_HEAD(&ready, link);
		pool->done(pool->userdata, work->id, work->job);
		free(work);
	}
	return 0;
}

int pool_submit(struct pool *pool, uint64_t id, struct ike_job *job)
{
	struct work *work = malloc(sizeof(*work));

	if (!work)
		return -ENOMEM;
	work->id = id;
	work->job = job;
	(void)pthread_mutex_lock(&pool->mutex);
	STAILQ_INSERT_TAIL(&pool->waiting, work, link);
	(void)pthread_cond_signal(&pool->changed);
	(void)pthread_mutex_unlock(&pool->mutex);
	return 0;
}

/* --- birth and death ---------------------------------------------------------------------- */

static void free_list(struct work_list *list)
{
	struct work *work;

	while ((work = STAILQ_FIRST(list))) {
		STAILQ_REMOVE_HEAD(list, link);
		ike_job_free(work->job);
		free(work);
	}
}

struct pool *pool_free(struct pool *pool)
{
	if (!pool)
		return NULL;
	(void)pthread_mutex_lock(&pool->mutex);
	pool->is_ending = true;
	(void)pthread_cond_broadcast(&pool->changed);
	(void)pthread_mutex_unlock(&pool->mutex);
	for (unsigned int i = 0; i < pool->n_threads; i++)
		(void)pthread_join(pool->threads[i], NULL);
	sd_event_source_disable_unref(pool->source);
	free_list(&pool->waiting);
	free_list(&pool->ready);
	if (pool->fd >= 0)
		(void)close(pool->fd);
	(void)pthread_cond_destroy(&pool->changed);
	(void)pthread_mutex_destroy(&pool->mutex);
	free(pool);
	return NULL;
}

DEFINE_CLEANUP(struct pool *, pool_free);

int pool_new(sd_event *event, pool_done_fn done, void *userdata, struct pool **ret_pool)
{
	_cleanup_(pool_freep) struct pool *pool = calloc(1, sizeof(*pool));
	int r;

	if (!pool)
		return -ENOMEM;
	pool->done = done;
	pool->userdata = userdata;
	(void)pthread_mutex_init(&pool->mutex, NULL);
	(void)pthread_cond_init(&pool->changed, NULL);
	STAILQ_INIT(&pool->waiting);
	STAILQ_INIT(&pool->ready);
	pool->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (pool->fd < 0)
		return -errno;
	r = sd_event_add_io(event, &pool->source, pool->fd, EPOLLIN, on_ready, pool);
	if (r >= 0)
		r = sd_event_source_set_priority(pool->source, SD_EVENT_PRIORITY_IMPORTANT);
	if (r >= 0)
		r = start(pool);
	if (r < 0)
		return r;
	*ret_pool = TAKE_PTR(pool);
	return 0;
}
