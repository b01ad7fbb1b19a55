// SPDX-License-Identifier: MIT
/*
 * One thread reads requests and does everything that does not block. Steps that ask the KDC are jobs
 * for a few workers, so that a KDC that is slow or gone keeps nobody waiting who does not need it:
 *
 *     main     receive -> END: free it
 *                      -> acceptor, wrap, unwrap: answer
 *                      -> initiator's first step: job ----> queue ----+
 *     workers                                                         +-> ask the KDC
 *     main     <- done: answer, or free a context that was ended meanwhile <----+
 *
 * A context belongs to the main thread, or while it is busy to the worker that has its job; only the
 * main thread looks at the list of contexts. The library cannot be interrupted: a worker may be stuck
 * for as long as it waits for the KDC, half a minute, and what is too old in the queue by then is
 * refused without asking.
 */
#include "cred/gss_process.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "cred/gss_context.h"
#include "cred/gss_keytab.h"
#include "cred/gss_message.h"
#include "cred/helper.h"
#include "daemon/confine.h"

#define N_WORKERS  8
#define STACK_SIZE (512 * 1024)

/* Of an engine that ends its contexts, as it does, there are a few at a time. */
#define CONTEXTS_MAX	   1024
#define CONTEXT_AGE_MAX_MS 60000

#define TICK_MS	   2000
#define MEMORY_MAX (256UL << 20)
#define FILES_MAX  256

struct slot {
	struct slot *next;
	struct gss_context *context;
	uint64_t born; /* ms */
	bool is_busy; /* with a worker */
	bool is_ended; /* meanwhile */
};

struct job {
	struct job *next;
	struct slot *slot;
	uint64_t number; /* of the call */
	uint64_t give_up; /* ms */
	struct gss_request request;
	struct gss_answer answer;
	uint8_t buf[]; /* what the request points into */
};

struct jobs {
	struct job *first;
	struct job **last;
};

struct process {
	struct gss_keytab *keytab;
	uint64_t timeout_ms;
	int fd;
	int done_fd; /* an eventfd: look at done */
	struct slot *slots;
	size_t n_slots;
	pthread_mutex_t lock; /* of the jobs */
	pthread_cond_t is_todo;
	pthread_barrier_t started;
	struct jobs todo;
	struct jobs done;
	uint8_t in[HELPER_MESSAGE_MAX_LEN];
	uint8_t out[HELPER_MESSAGE_MAX_LEN];
};

static uint64_t now_ms(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/* --- jobs --------------------------------------------------------------------------------- */

static void put_job(struct jobs *jobs, struct job *job)
{
	job->next = NULL;
	*jobs->last = job;
	jobs->last = &job->next;
}

static struct job *take_job(struct jobs *jobs)
{
	struct job *job = jobs->first;

	if (job) {
		jobs->first = job->next;
		if (!jobs->first)
			jobs->last = &jobs->first;
	}
	return job;
}

static void *work(void *userdata)
{
	struct process *process = userdata;
	const uint64_t one = 1;

	(void)pthread_barrier_wait(&process->started);
	for (;;) {
		struct job *job;

		(void)pthread_mutex_lock(&process->lock);
		while (!(job = take_job(&process->todo)))
			(void)pthread_cond_wait(&process->is_todo, &process->lock);
		(void)pthread_mutex_unlock(&process->lock);
		gss_context_answer(job->slot->context, &job->request, job->give_up, &job->answer);
		(void)pthread_mutex_lock(&process->lock);
		put_job(&process->done, job);
		(void)pthread_mutex_unlock(&process->lock);
		(void)!write(process->done_fd, &one, sizeof(one));
	}
	return NULL;
}

/* They run when it returns: what a thread needs to start is not allowed later. */
static int start_workers(struct process *process)
{
	pthread_attr_t attr;
	sigset_t all, old;
	int r = 0;

	(void)sigfillset(&all);
	(void)pthread_sigmask(SIG_SETMASK, &all, &old);
	(void)pthread_barrier_init(&process->started, NULL, N_WORKERS + 1);
	(void)pthread_attr_init(&attr);
	(void)pthread_attr_setstacksize(&attr, STACK_SIZE);
	(void)pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	for (int i = 0; r == 0 && i < N_WORKERS; i++) {
		pthread_t thread;

		r = -pthread_create(&thread, &attr, work, process);
	}
	if (r == 0)
		(void)pthread_barrier_wait(&process->started);
	(void)pthread_attr_destroy(&attr);
	(void)pthread_sigmask(SIG_SETMASK, &old, NULL);
	return r;
}

/* --- contexts ----------------------------------------------------------------------------- */

static struct slot **find_slot(struct process *process, uint64_t number)
{
	struct slot **place = &process->slots;

	while (*place && ((*place)->is_ended || gss_context_number((*place)->context) != number))
		place = &(*place)->next;
	return place;
}

static void remove_slot(struct process *process, struct slot **place)
{
	struct slot *slot = *place;

	*place = slot->next;
	process->n_slots--;
	(void)gss_context_free(slot->context);
	free(slot);
}

static struct slot *add_slot(struct process *process, const struct gss_request *request)
{
	struct slot *slot = calloc(1, sizeof(*slot));

	if (slot)
		slot->context =
			gss_context_new(process->keytab, request->context, request->is_initiator);
	if (!slot || !slot->context) {
		free(slot);
		return NULL;
	}
	slot->born = now_ms();
	slot->next = process->slots;
	process->slots = slot;
	process->n_slots++;
	return slot;
}

/* Frees those that were ended or are too old and that no worker has. */
static void sweep(struct process *process, bool is_everything)
{
	struct slot **place = &process->slots;
	uint64_t now = now_ms();

	while (*place) {
		struct slot *slot = *place;

		slot->is_ended |= is_everything || now - slot->born > CONTEXT_AGE_MAX_MS;
		if (slot->is_ended && !slot->is_busy)
			remove_slot(process, place);
		else
			place = &slot->next;
	}
}

/* --- answers ------------------------------------------------------------------------------ */

static int send_answer(struct process *process, uint64_t number, const struct gss_answer *answer)
{
	size_t len = gss_answer_write(answer, process->out);
	int r = helper_send(process->fd, number, process->out, len);

	wipe(process->out, len);
	return r;
}

static int refuse(struct process *process, uint64_t number, enum ike_reason reason,
		  const char *detail)
{
	struct gss_answer answer = { .reason = reason };

	strcpy(answer.detail, detail);
	return send_answer(process, number, &answer);
}

static int send_names(struct process *process)
{
	size_t len = gss_names_write(gss_keytab_names(process->keytab), process->out);

	return helper_send(process->fd, 0, process->out, len);
}

static int refresh_keytab(struct process *process)
{
	return gss_keytab_refresh(process->keytab) ? send_names(process) : 0;
}

static int give_to_worker(struct process *process, struct slot *slot, uint64_t number, size_t len)
{
	struct job *job = malloc(sizeof(*job) + len);

	if (!job)
		return refuse(process, number, IKE_REASON_NO_MEMORY, "");
	*job = (struct job){ .slot = slot,
			     .number = number,
			     .give_up = now_ms() + process->timeout_ms };
	memcpy(job->buf, process->in, len);
	(void)gss_request_read((struct bytes){ job->buf, len }, &job->request);
	slot->is_busy = true;
	(void)pthread_mutex_lock(&process->lock);
	put_job(&process->todo, job);
	(void)pthread_cond_signal(&process->is_todo);
	(void)pthread_mutex_unlock(&process->lock);
	return 0;
}

/* Of all jobs that are done. */
static int answer_jobs(struct process *process)
{
	uint64_t n;
	int r = 0;

	(void)!read(process->done_fd, &n, sizeof(n));
	while (r == 0) {
		struct job *job;

		(void)pthread_mutex_lock(&process->lock);
		job = take_job(&process->done);
		(void)pthread_mutex_unlock(&process->lock);
		if (!job)
			break;
		job->slot->is_busy = false;
		if (!job->slot->is_ended)
			r = send_answer(process, job->number, &job->answer);
		free(job);
	}
	sweep(process, false);
	return r;
}

static int answer_now(struct process *process, struct slot *slot, uint64_t number,
		      const struct gss_request *request)
{
	struct gss_answer answer;
	int r = 0;

	/* keys may have been added for tickets that the KDC already gives out */
	if (request->op == GSS_STEP)
		r = refresh_keytab(process);
	if (r < 0)
		return r;
	gss_context_answer(slot->context, request, UINT64_MAX, &answer);
	r = send_answer(process, number, &answer);
	/* nothing can follow */
	if (answer.reason != IKE_REASON_OK) {
		slot->is_ended = true;
		sweep(process, false);
	}
	return r;
}

/* --- requests ----------------------------------------------------------------------------- */

static void end_context(struct process *process, uint64_t number)
{
	struct slot *slot = *find_slot(process, number);

	if (!slot)
		return;
	slot->is_ended = true;
	sweep(process, false);
}

static int handle_context(struct process *process, uint64_t number,
			  const struct gss_request *request, size_t len)
{
	struct slot *slot = *find_slot(process, request->context);

	if (slot && slot->is_busy)
		return refuse(process, number, IKE_REASON_KERBEROS,
			      "the KDC has not answered the step before");
	if (!slot && request->op != GSS_STEP)
		return refuse(process, number, IKE_REASON_KERBEROS, "there is no such context");
	if (!slot && process->n_slots >= CONTEXTS_MAX)
		return refuse(process, number, IKE_REASON_KERBEROS, "too many contexts");
	if (!slot)
		slot = add_slot(process, request);
	if (!slot)
		return refuse(process, number, IKE_REASON_NO_MEMORY, "");
	if (request->op == GSS_STEP &&
	    gss_context_is_initiator(slot->context) != request->is_initiator)
		return refuse(process, number, IKE_REASON_KERBEROS,
			      "the context is of the other side");
	if (gss_context_may_block(slot->context) && request->op == GSS_STEP)
		return give_to_worker(process, slot, number, len);
	return answer_now(process, slot, number, request);
}

static int handle_message(struct process *process)
{
	struct gss_request request;
	uint64_t number;
	size_t len;
	int r = helper_receive(process->fd, process->in, &len, &number);

	if (r == 0)
		r = gss_request_read((struct bytes){ process->in, len }, &request);
	if (r < 0)
		return r;
	switch (request.op) {
	case GSS_STEP:
	case GSS_WRAP:
	case GSS_UNWRAP:
		return handle_context(process, number, &request, len);
	case GSS_END:
		end_context(process, request.context);
		return 0;
	case GSS_END_ALL:
		sweep(process, true);
		return 0;
	}
	return -EBADMSG;
}

static int serve(struct process *process)
{
	struct pollfd fds[] = { { .fd = process->fd, .events = POLLIN },
				{ .fd = process->done_fd, .events = POLLIN } };
	int r = 0;

	while (r == 0) {
		int n = poll(fds, 2, TICK_MS);

		if (n < 0 && errno != EINTR)
			return -errno;
		if (n > 0 && fds[1].revents)
			r = answer_jobs(process);
		if (r == 0 && n > 0 && fds[0].revents)
			r = handle_message(process);
		if (r == 0 && n == 0) {
			sweep(process, false);
			r = refresh_keytab(process);
		}
	}
	return r;
}

/* --- process ------------------------------------------------------------------------------ */

static int confine(void)
{
#ifndef __SANITIZE_ADDRESS__
	const struct rlimit memory = { MEMORY_MAX, MEMORY_MAX };
	const struct rlimit files = { FILES_MAX, FILES_MAX };
	int r = confine_memory();

	if (r < 0)
		log_warning("cannot lock memory (%s), going on", strerror(-r));
	if (setrlimit(RLIMIT_DATA, &memory) < 0 || setrlimit(RLIMIT_NOFILE, &files) < 0)
		return -errno;
	r = confine_syscalls(CONFINE_NETWORK_CLIENT);
	return r == -ENOSYS ? 0 : r;
#else
	return 0;
#endif
}

int gss_process_prepare(void *userdata)
{
	struct gss_process *config = userdata;

	return gss_keytab_new(config->keytab_path, &config->keytab);
}

int gss_process_run(void *userdata, int fd)
{
	static struct process process = {
		.lock = PTHREAD_MUTEX_INITIALIZER,
		.is_todo = PTHREAD_COND_INITIALIZER,
	};
	struct gss_process *config = userdata;
	int r;

	process.keytab = config->keytab;
	process.timeout_ms = config->timeout_ms;
	process.fd = fd;
	process.todo.last = &process.todo.first;
	process.done.last = &process.done.first;
	process.done_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (process.done_fd < 0)
		return -errno;
	/* threads first: none can be made after that */
	r = start_workers(&process);
	if (r == 0)
		r = confine();
	if (r < 0) {
		log_error("Kerberos: cannot be confined: %s", strerror(-r));
		return r;
	}
	(void)gss_keytab_refresh(process.keytab);
	r = send_names(&process);
	return r < 0 ? r : serve(&process);
}
