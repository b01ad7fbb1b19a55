// SPDX-License-Identifier: MIT
#include "agent/resolve.h"

#include <errno.h>
#include <netdb.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <time.h>

#include "base/cleanup.h"

/* One name on its way through the thread. */
struct job {
	struct job *next;
	char *name;
	struct resolver_question *question; /* loop's side only; NULL: a refresh, or cancelled */
	bool is_refresh;
	int error;
	char why[RESOLVER_WHY_LEN];
	struct ip_addr addrs[NAMES_ADDRS_MAX];
	size_t n_addrs;
};

struct resolver_question {
	struct job *job;
	void (*done)(void *userdata, int error, const char *why);
	void *userdata;
};

struct queue {
	struct job *first;
	struct job *last;
};

/*
 * What loop and thread share. Counted, because a lookup can take longer than the agent wants to
 * live: the last one out frees it.
 */
struct shared {
	pthread_mutex_t mutex;
	pthread_cond_t wanted;
	struct queue todo;
	struct job *running;
	struct queue done;
	resolver_lookup_fn lookup;
	unsigned int refs;
	bool is_stopping;
	int wake_fd;
};

struct failed_name {
	struct failed_name *next;
	char name[];
};

struct resolver {
	struct resolver_config config;
	struct names names;
	struct shared *shared;
	struct failed_name *failed;	/* told about already */
	sd_event_source *wake_source;
	sd_event_source *timer;
	unsigned int n_jobs;
	unsigned int n_refreshes;	/* of them */
};

/* --- queues ------------------------------------------------------------------------------- */

static void push(struct queue *queue, struct job *job)
{
	job->next = NULL;
	if (queue->last)
		queue->last->next = job;
	else
		queue->first = job;
	queue->last = job;
}

static struct job *pop(struct queue *queue)
{
	struct job *job = queue->first;

	if (job) {
		queue->first = job->next;
		if (!queue->first)
			queue->last = NULL;
		job->next = NULL;
	}
	return job;
}

/* Before the refreshes, after other questions. */
static void push_question(struct queue *queue, struct job *job)
{
	struct job **place = &queue->first;

	while (*place && !(*place)->is_refresh)
		place = &(*place)->next;
	job->next = *place;
	*place = job;
	if (!job->next)
		queue->last = job;
}

static void job_free(struct job *job)
{
	free(job->name);
	free(job);
}

static void queue_clear(struct queue *queue)
{
	for (struct job *job = pop(queue); job; job = pop(queue))
		job_free(job);
}

/* --- the thread --------------------------------------------------------------------------- */

static int lookup_system(const char *name, struct ip_addr *ret_addrs, size_t *ret_n,
			 char why[static RESOLVER_WHY_LEN])
{
	struct addrinfo hints = { .ai_socktype = SOCK_DGRAM };
	struct addrinfo *list = NULL;
	size_t n = 0;
	int r = getaddrinfo(name, NULL, &hints, &list);

	if (r) {
		snprintf(why, RESOLVER_WHY_LEN, "%s",
			 r == EAI_SYSTEM ? strerror(errno) : gai_strerror(r));
		return -ENOENT;
	}
	for (struct addrinfo *i = list; i && n < NAMES_ADDRS_MAX; i = i->ai_next)
		if (!ip_addr_from_sockaddr(i->ai_addr, &ret_addrs[n], NULL, NULL))
			n++;
	freeaddrinfo(list);
	if (!n) {
		snprintf(why, RESOLVER_WHY_LEN, "it has no address");
		return -ENOENT;
	}
	*ret_n = n;
	return 0;
}

static void shared_unref(struct shared *shared)
{
	bool is_last;

	pthread_mutex_lock(&shared->mutex);
	is_last = !--shared->refs;
	pthread_mutex_unlock(&shared->mutex);
	if (!is_last)
		return;
	queue_clear(&shared->todo);
	queue_clear(&shared->done);
	pthread_cond_destroy(&shared->wanted);
	pthread_mutex_destroy(&shared->mutex);
	if (shared->wake_fd >= 0)
		close(shared->wake_fd);
	free(shared);
}

static void *run(void *userdata)
{
	struct shared *shared = userdata;
	uint64_t one = 1;

	pthread_mutex_lock(&shared->mutex);
	while (!shared->is_stopping) {
		struct job *job = pop(&shared->todo);

		if (!job) {
			pthread_cond_wait(&shared->wanted, &shared->mutex);
			continue;
		}
		shared->running = job;
		pthread_mutex_unlock(&shared->mutex);
		job->error = shared->lookup(job->name, job->addrs, &job->n_addrs, job->why);
		pthread_mutex_lock(&shared->mutex);
		shared->running = NULL;
		push(&shared->done, job);
		(void)!write(shared->wake_fd, &one, sizeof(one));
	}
	pthread_mutex_unlock(&shared->mutex);
	shared_unref(shared);
	return NULL;
}

/* Signals are the loop's. */
static int start_thread(struct shared *shared)
{
	sigset_t all, before;
	pthread_t thread;
	int r;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	r = pthread_create(&thread, NULL, run, shared);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (!r)
		pthread_detach(thread);
	return -r;
}

/* --- answers ------------------------------------------------------------------------------ */

static struct failed_name **find_failed(struct resolver *resolver, const char *name)
{
	struct failed_name **place = &resolver->failed;

	while (*place && strcasecmp((*place)->name, name) != 0)
		place = &(*place)->next;
	return place;
}

static void note_failure(struct resolver *resolver, const struct job *job)
{
	struct failed_name **place = find_failed(resolver, job->name);
	size_t len = strlen(job->name) + 1;

	if (*place)
		return;
	*place = calloc(1, sizeof(**place) + len);
	if (*place)
		memcpy((*place)->name, job->name, len);
	if (resolver->config.failed)
		resolver->config.failed(resolver->config.userdata, job->name, job->why);
}

static void forget_failure(struct resolver *resolver, const char *name)
{
	struct failed_name **place = find_failed(resolver, name);
	struct failed_name *failed = *place;

	if (failed) {
		*place = failed->next;
		free(failed);
	}
}

static void finish(struct resolver *resolver, struct job *job)
{
	struct resolver_question *question = job->question;
	bool is_known = names_find(&resolver->names, job->name) != NULL;
	bool is_changed = false;

	resolver->n_jobs--;
	resolver->n_refreshes -= job->is_refresh;
	/* A refresh of a name that no rule has any more is not kept. */
	if (!job->error && (!job->is_refresh || is_known)) {
		int r = names_set(&resolver->names, job->name, job->addrs, job->n_addrs);

		forget_failure(resolver, job->name);
		if (r < 0)
			job->error = r;
		is_changed = r > 0;
	} else if (job->is_refresh && is_known) {
		note_failure(resolver, job);
	}
	if (question) {
		question->done(question->userdata, job->error, job->why);
		free(question);
	}
	if (is_changed && is_known && resolver->config.changed)
		resolver->config.changed(resolver->config.userdata);
	job_free(job);
}

static int on_wake(sd_event_source *source, int fd, uint32_t revents, void *userdata)
{
	struct resolver *resolver = userdata;
	struct shared *shared = resolver->shared;
	struct queue done;
	uint64_t count;

	(void)source;
	(void)revents;
	(void)!read(fd, &count, sizeof(count));
	pthread_mutex_lock(&shared->mutex);
	done = shared->done;
	shared->done = (struct queue){ 0 };
	pthread_mutex_unlock(&shared->mutex);
	for (struct job *job = pop(&done); job; job = pop(&done))
		finish(resolver, job);
	return 0;
}

/* --- questions ---------------------------------------------------------------------------- */

static struct job *job_new(struct resolver *resolver, const char *name, bool is_refresh)
{
	struct job *job = calloc(1, sizeof(*job));

	if (!job)
		return NULL;
	job->name = strdup(name);
	job->is_refresh = is_refresh;
	if (!job->name) {
		free(job);
		return NULL;
	}
	resolver->n_jobs++;
	resolver->n_refreshes += is_refresh;
	return job;
}

static void submit(struct resolver *resolver, struct job *job)
{
	struct shared *shared = resolver->shared;

	pthread_mutex_lock(&shared->mutex);
	if (job->is_refresh)
		push(&shared->todo, job);
	else
		push_question(&shared->todo, job);
	pthread_cond_signal(&shared->wanted);
	pthread_mutex_unlock(&shared->mutex);
}

int resolver_ask(struct resolver *resolver, const char *name,
		 void (*done)(void *userdata, int error, const char *why), void *userdata,
		 struct resolver_question **ret_question)
{
	struct resolver_question *question;
	struct job *job;

	if (resolver->n_jobs - resolver->n_refreshes >= RESOLVER_QUESTIONS_MAX)
		return -EBUSY;
	question = calloc(1, sizeof(*question));
	job = question ? job_new(resolver, name, false) : NULL;
	if (!job) {
		free(question);
		return -ENOMEM;
	}
	*question = (struct resolver_question){ job, done, userdata };
	job->question = question;
	submit(resolver, job);
	if (ret_question)
		*ret_question = question;
	return 0;
}

struct resolver_question *resolver_cancel(struct resolver_question *question)
{
	if (question) {
		question->job->question = NULL;
		free(question);
	}
	return NULL;
}

void resolver_refresh(struct resolver *resolver)
{
	if (resolver->n_refreshes)
		return;		/* the last round is not over */
	for (size_t i = 0; i < resolver->names.n; i++) {
		struct job *job = job_new(resolver, resolver->names.names[i].name, true);

		if (job)
			submit(resolver, job);
	}
}

static uint64_t refresh_usec(const struct resolver *resolver)
{
	return resolver->config.refresh_usec ? resolver->config.refresh_usec :
					       RESOLVER_REFRESH_USEC;
}

static int on_timer(sd_event_source *source, uint64_t usec, void *userdata)
{
	struct resolver *resolver = userdata;

	(void)usec;
	resolver_refresh(resolver);
	(void)sd_event_source_set_time_relative(source, refresh_usec(resolver));
	return sd_event_source_set_enabled(source, SD_EVENT_ONESHOT);
}

/* --- life --------------------------------------------------------------------------------- */

struct names *resolver_names(struct resolver *resolver)
{
	return &resolver->names;
}

/* Questions that wait are never answered; their owners have been freed before. */
static void drop_questions(struct job *first)
{
	for (struct job *job = first; job; job = job->next) {
		free(job->question);
		job->question = NULL;
	}
}

struct resolver *resolver_free(struct resolver *resolver)
{
	struct shared *shared;

	if (!resolver)
		return NULL;
	shared = resolver->shared;
	sd_event_source_disable_unref(resolver->wake_source);
	sd_event_source_disable_unref(resolver->timer);
	if (shared) {
		pthread_mutex_lock(&shared->mutex);
		drop_questions(shared->todo.first);
		drop_questions(shared->done.first);
		if (shared->running)
			drop_questions(shared->running);
		shared->is_stopping = true;
		pthread_cond_signal(&shared->wanted);
		pthread_mutex_unlock(&shared->mutex);
		shared_unref(shared);
	}
	while (resolver->failed) {
		struct failed_name *next = resolver->failed->next;

		free(resolver->failed);
		resolver->failed = next;
	}
	names_done(&resolver->names);
	free(resolver);
	return NULL;
}
DEFINE_CLEANUP(struct resolver *, resolver_free);

static int shared_new(const struct resolver_config *config, struct shared **ret_shared)
{
	struct shared *shared = calloc(1, sizeof(*shared));

	if (!shared)
		return -ENOMEM;
	shared->refs = 1;
	shared->lookup = config->lookup ? config->lookup : lookup_system;
	pthread_mutex_init(&shared->mutex, NULL);
	pthread_cond_init(&shared->wanted, NULL);
	shared->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (shared->wake_fd < 0) {
		int r = -errno;

		shared_unref(shared);
		return r;
	}
	*ret_shared = shared;
	return 0;
}

int resolver_new(sd_event *event, const struct resolver_config *config,
		 struct resolver **ret_resolver)
{
	_cleanup_(resolver_freep) struct resolver *resolver = calloc(1, sizeof(*resolver));
	int r;

	if (!resolver)
		return -ENOMEM;
	resolver->config = *config;
	r = shared_new(config, &resolver->shared);
	if (r < 0)
		return r;
	r = sd_event_add_io(event, &resolver->wake_source, resolver->shared->wake_fd, EPOLLIN,
			    on_wake, resolver);
	if (r >= 0)
		r = sd_event_add_time_relative(event, &resolver->timer, CLOCK_BOOTTIME,
					       refresh_usec(resolver), 1000000, on_timer, resolver);
	if (r < 0)
		return r;
	resolver->shared->refs++;
	r = start_thread(resolver->shared);
	if (r < 0) {
		resolver->shared->refs--;
		return r;
	}
	*ret_resolver = TAKE_PTR(resolver);
	return 0;
}
