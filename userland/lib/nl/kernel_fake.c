// SPDX-License-Identifier: MIT
#include "nl/kernel_fake_internal.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

#include "base/parse.h"

int fake_refuse(struct fake *fake, int error, const char *text)
{
	snprintf(fake->kernel.why, sizeof(fake->kernel.why), "%s", text);
	return error;
}

int fake_enter(struct fake *fake, enum kernel_fake_call call)
{
	struct failure *failure = &fake->failures[call];

	fake->counts[call]++;
	if (!failure->times)
		return 0;
	failure->times--;
	return fake_refuse(fake, failure->error, failure->why);
}

static void push_event(struct fake *fake, const struct event *event)
{
	uint64_t one = 1;

	if (fake->n_events == EVENTS_MAX) {
		fake->has_lost = true;
		return;
	}
	fake->events[fake->n_events++] = *event;
	(void)!write(fake->event_fd, &one, sizeof(one));
}

int fake_copy_array(struct fake *fake, const void *items, size_t n, size_t size, void **ret_items,
		    size_t *ret_n)
{
	void *copy = calloc(n + 1, size);

	if (!copy)
		return fake_refuse(fake, -ENOMEM, "Out of memory.");
	memcpy(copy, items, n * size);
	*ret_items = copy;
	*ret_n = n;
	return 0;
}

/* --- associations ------------------------------------------------------------------------- */

static bool is_same_sa(const struct kernel_sa *a, const struct kernel_sa *b)
{
	return a->spi == b->spi && a->protection == b->protection && a->direction == b->direction &&
	       ip_addr_is_equal(&a->local, &b->local) && ip_addr_is_equal(&a->remote, &b->remote);
}

static struct kernel_sa *find_sa(struct fake *fake, const struct kernel_sa *which)
{
	for (size_t i = 0; i < fake->n_sas; i++)
		if (is_same_sa(&fake->sas[i], which))
			return &fake->sas[i];
	return NULL;
}

static void remove_sa(struct fake *fake, struct kernel_sa *sa)
{
	*sa = fake->sas[--fake->n_sas];
}

static int fake_spi_alloc(struct kernel *kernel, const struct kernel_sa *sa, uint32_t *ret_spi)
{
	struct fake *fake = fake_of(kernel);
	int r = fake_enter(fake, KERNEL_FAKE_SPI_ALLOC);

	if (r)
		return r;
	if (fake->n_sas == SAS_MAX)
		return fake_refuse(fake, -ENOSPC, "Too many associations.");
	fake->sas[fake->n_sas] = *sa;
	fake->sas[fake->n_sas].spi = fake->next_spi;
	fake->sas[fake->n_sas].direction = IPSECDRV_DIRECTION_IN;
	fake->sas[fake->n_sas++].state = IPSECDRV_SA_STATE_LARVAL;
	*ret_spi = fake->next_spi++;
	return 0;
}

static int check_new_sa(struct fake *fake, const struct kernel_sa *sa)
{
	struct kernel_sa *old = find_sa(fake, sa);
	struct kernel_filter filter;

	if (!sa->has_selector || fake_filter_get(&fake->kernel, sa->filter_id, &filter))
		return fake_refuse(fake, -ENOENT, "No filter has the association's filter id.");
	if ((sa->encapsulation == IPSECDRV_ENCAPSULATION_TUNNEL) != fake_is_tunnel(&filter))
		return fake_refuse(fake, -EINVAL, "The association's mode is not its filter's.");
	if (fake_is_tunnel(&filter) && (!ip_addr_is_equal(&sa->local, &filter.tunnel_local) ||
				   !ip_addr_is_equal(&sa->remote, &filter.tunnel_remote)))
		return fake_refuse(fake, -EINVAL, "The association's ends are not its filter's.");
	if (sa->direction == IPSECDRV_DIRECTION_IN && !old)
		return fake_refuse(fake, -ENOENT, "The inbound SPI was not allocated.");
	if (old && old->state != IPSECDRV_SA_STATE_LARVAL)
		return fake_refuse(fake, -EEXIST, "An association has this SPI.");
	return 0;
}

static void end_acquires(struct fake *fake, const struct kernel_sa *sa)
{
	size_t kept = 0;

	for (size_t i = 0; i < fake->n_acquires; i++) {
		const struct kernel_acquire *a = &fake->acquires[i];

		if (a->filter_id != sa->filter_id ||
		    !ip_addr_is_equal(&a->selector.remote, &sa->selector.remote))
			fake->acquires[kept++] = *a;
	}
	fake->n_acquires = kept;
}

static int fake_sa_new(struct kernel *kernel, const struct kernel_sa *sas, size_t n)
{
	struct fake *fake = fake_of(kernel);
	int r = fake_enter(fake, KERNEL_FAKE_SA_NEW);

	for (size_t i = 0; !r && i < n; i++)
		r = check_new_sa(fake, &sas[i]);
	if (!r && fake->n_sas + n > SAS_MAX)
		r = fake_refuse(fake, -ENOSPC, "Too many associations.");
	if (r)
		return r;
	for (size_t i = 0; i < n; i++) {
		struct kernel_sa *slot = find_sa(fake, &sas[i]);

		if (!slot)
			slot = &fake->sas[fake->n_sas++];
		*slot = sas[i];
		slot->state = IPSECDRV_SA_STATE_MATURE;
		if (sas[i].direction == IPSECDRV_DIRECTION_OUT)
			end_acquires(fake, &sas[i]);
	}
	return 0;
}

static int fake_sa_del(struct kernel *kernel, const struct kernel_sa *sa)
{
	struct fake *fake = fake_of(kernel);
	int r = fake_enter(fake, KERNEL_FAKE_SA_DEL);
	struct kernel_sa *found = find_sa(fake, sa);

	if (r)
		return r;
	if (!found)
		return fake_refuse(fake, -ENOENT, "No association is like that.");
	remove_sa(fake, found);
	return 0;
}

static int fake_sa_get(struct kernel *kernel, const struct kernel_sa *sa, struct kernel_sa *ret_sa)
{
	struct fake *fake = fake_of(kernel);
	const struct kernel_sa *found = find_sa(fake, sa);

	if (!found)
		return fake_refuse(fake, -ENOENT, "No association is like that.");
	*ret_sa = *found;
	return 0;
}

static int fake_sa_dump(struct kernel *kernel, struct kernel_sa **ret_sas, size_t *ret_n)
{
	struct fake *fake = fake_of(kernel);
	int r = fake_enter(fake, KERNEL_FAKE_SA_DUMP);

	if (!r)
		r = fake_copy_array(fake, fake->sas, fake->n_sas, sizeof(fake->sas[0]), (void **)ret_sas,
				    ret_n);
	for (size_t i = 0; !r && i < *ret_n; i++) {
		(*ret_sas)[i].cipher_key_len = 0;
		(*ret_sas)[i].integrity_key_len = 0;
		wipe((*ret_sas)[i].cipher_key, sizeof((*ret_sas)[i].cipher_key));
		wipe((*ret_sas)[i].integrity_key, sizeof((*ret_sas)[i].integrity_key));
	}
	return r;
}

static int fake_sa_flush(struct kernel *kernel)
{
	struct fake *fake = fake_of(kernel);
	int r = fake_enter(fake, KERNEL_FAKE_SA_FLUSH);

	if (!r)
		fake->n_sas = fake->n_acquires = 0;
	return r;
}

/* --- acquires, the rest ------------------------------------------------------------------- */

static int fake_acquire_end(struct kernel *kernel, uint32_t id,
			    enum ipsecdrv_acquire_result result, uint32_t hold_seconds)
{
	struct fake *fake = fake_of(kernel);
	int r = fake_enter(fake, KERNEL_FAKE_ACQUIRE_END);

	for (size_t i = 0; !r && i < fake->n_acquires; i++) {
		if (fake->acquires[i].id != id)
			continue;
		fake->acquires[i].has_ended = true;
		fake->acquires[i].result = result;
		fake->hold_seconds = hold_seconds;
		return 0;
	}
	return r ? r : fake_refuse(fake, -ENOENT, "No negotiation has this id.");
}

static int fake_acquire_dump(struct kernel *kernel, struct kernel_acquire **ret_acquires,
			     size_t *ret_n)
{
	struct fake *fake = fake_of(kernel);
	int r = fake_enter(fake, KERNEL_FAKE_ACQUIRE_DUMP);

	return r ? r : fake_copy_array(fake, fake->acquires, fake->n_acquires,
				       sizeof(fake->acquires[0]), (void **)ret_acquires, ret_n);
}

static int fake_statistics_get(struct kernel *kernel, struct kernel_statistics *ret_statistics)
{
	struct fake *fake = fake_of(kernel);
	int r = fake_enter(fake, KERNEL_FAKE_STATISTICS_GET);

	if (r)
		return r;
	*ret_statistics = (struct kernel_statistics){
		.active_sas = (uint32_t)fake->n_sas,
		.active_pairs = (uint32_t)fake->n_sas / 2,
		.key_additions = fake->counts[KERNEL_FAKE_SA_NEW],
		.drops = { [IPSECDRV_DROP_CLEAR_TEXT] = 7 },
	};
	return 0;
}

static const struct kernel_sa *find_out_sa(const struct fake *fake, uint32_t filter_id,
					   const struct ip_addr *remote)
{
	for (size_t i = 0; i < fake->n_sas; i++) {
		const struct kernel_sa *sa = &fake->sas[i];

		if (sa->direction == IPSECDRV_DIRECTION_OUT && sa->filter_id == filter_id &&
		    ip_addr_is_equal(&sa->remote, remote))
			return sa;
	}
	return NULL;
}

static void judge_negotiate(const struct fake *fake, const struct kernel_flow *flow,
			    struct kernel_match *match)
{
	const struct kernel_sa *sa;

	if (flow->direction == IPSECDRV_DIRECTION_IN) {
		match->verdict = IPSECDRV_VERDICT_DROP;
		match->drop_reason = IPSECDRV_DROP_CLEAR_TEXT;
		return;
	}
	sa = find_out_sa(fake, match->filter.id, fake_is_tunnel(&match->filter) ?
			 &match->filter.tunnel_remote : &flow->destination);
	match->verdict = sa ? IPSECDRV_VERDICT_PROTECT : IPSECDRV_VERDICT_HOLD;
	match->has_sa = sa != NULL;
	if (sa)
		match->sa = *sa;
	for (size_t i = 0; !sa && i < fake->n_acquires; i++) {
		const struct kernel_acquire *a = &fake->acquires[i];

		if (a->filter_id != match->filter.id ||
		    !ip_addr_is_equal(&a->selector.remote, &flow->destination))
			continue;
		match->acquire_id = a->id;
		if (a->has_ended && a->result == IPSECDRV_ACQUIRE_RESULT_FAILED) {
			match->verdict = IPSECDRV_VERDICT_DROP;
			match->drop_reason = IPSECDRV_DROP_NEGOTIATION_FAILED;
		} else if (a->has_ended) {
			match->verdict = IPSECDRV_VERDICT_PASS;
			match->pass_reason = IPSECDRV_PASS_REASON_SOFT_SA;
		}
	}
}

static int fake_match(struct kernel *kernel, const struct kernel_flow *flow,
		      struct kernel_match *ret_match)
{
	struct fake *fake = fake_of(kernel);
	const struct kernel_filter *filter = fake_find_filter(fake, flow);
	struct kernel_match match = { .mode = fake->mode, .connection = fake_connection_of(flow) };
	int r = fake_enter(fake, KERNEL_FAKE_MATCH);

	if (r)
		return r;
	if (fake->mode != IPSECDRV_MODE_SECURE) {
		match.pass_reason = IPSECDRV_PASS_REASON_MODE;
	} else if (!filter) {
		match.pass_reason = IPSECDRV_PASS_REASON_NO_FILTER;
	} else {
		match.has_filter = true;
		match.filter = *filter;
		match.action = flow->direction == IPSECDRV_DIRECTION_OUT ? filter->outbound :
									  filter->inbound;
		if (match.action == IPSECDRV_ACTION_PERMIT) {
			match.pass_reason = IPSECDRV_PASS_REASON_PERMIT_FILTER;
		} else if (match.action == IPSECDRV_ACTION_BLOCK) {
			match.verdict = IPSECDRV_VERDICT_DROP;
			match.drop_reason = IPSECDRV_DROP_FILTER_BLOCK;
		} else {
			judge_negotiate(fake, flow, &match);
		}
	}
	*ret_match = match;
	return 0;
}

static int fake_status_get(struct kernel *kernel, struct kernel_status *ret_status)
{
	struct fake *fake = fake_of(kernel);
	int r = fake_enter(fake, KERNEL_FAKE_STATUS_GET);

	if (r)
		return r;
	*ret_status = (struct kernel_status){
		.mode = fake->mode,
		.startup_mode = IPSECDRV_MODE_STARTUP_PERMIT,
		.generation = fake->generation,
		.filters = (uint32_t)fake->n_filters,
		.exempt_level = fake->exempt_level,
		.diag_level = fake->diag_level,
		.log_interval = fake->log_interval,
	};
	return 0;
}

static int fake_mode_set(struct kernel *kernel, enum ipsecdrv_mode mode, int exempt_level)
{
	struct fake *fake = fake_of(kernel);
	int r = fake_enter(fake, KERNEL_FAKE_MODE_SET);

	if (r)
		return r;
	if (fake->mode != mode)
		push_event(fake, &(struct event){ .kind = EVENT_MODE, .mode = mode });
	fake->mode = mode;
	fake->n_at_mode = fake->n_filters;
	if (exempt_level >= 0)
		fake->exempt_level = (uint8_t)exempt_level;
	return 0;
}

static int fake_diag_set(struct kernel *kernel, uint8_t level, uint32_t log_interval)
{
	struct fake *fake = fake_of(kernel);
	int r = fake_enter(fake, KERNEL_FAKE_DIAG_SET);

	if (r)
		return r;
	fake->diag_level = level;
	fake->log_interval = log_interval;
	return 0;
}

static int fake_diag_fd(struct kernel *kernel)
{
	return fake_of(kernel)->diag_fd;
}

static int fake_diag_dispatch(struct kernel *kernel, const struct kernel_diag_handler *handler)
{
	struct fake *fake = fake_of(kernel);
	uint64_t count;

	(void)!read(fake->diag_fd, &count, sizeof(count));
	if (fake->has_drop)
		handler->drop(handler->userdata, &fake->drop);
	if (fake->has_drop_count)
		handler->count(handler->userdata, &fake->drop_count);
	fake->has_drop = fake->has_drop_count = false;
	return 0;
}

static int fake_event_fd(struct kernel *kernel)
{
	return fake_of(kernel)->event_fd;
}

static int fake_event_dispatch(struct kernel *kernel, const struct kernel_event_handler *handler)
{
	struct fake *fake = fake_of(kernel);
	struct event events[EVENTS_MAX];
	size_t n = fake->n_events;
	uint64_t count;

	(void)!read(fake->event_fd, &count, sizeof(count));
	memcpy(events, fake->events, n * sizeof(events[0]));
	fake->n_events = 0;
	if (fake->has_lost)
		handler->lost(handler->userdata);
	fake->has_lost = false;
	for (size_t i = 0; i < n; i++) {
		const struct event *event = &events[i];

		switch (event->kind) {
		case EVENT_ACQUIRE:
			handler->acquire(handler->userdata, &event->acquire);
			break;
		case EVENT_EXPIRE:
			handler->expire(handler->userdata, event->lifetime, &event->sa);
			break;
		case EVENT_MODE:
			handler->mode(handler->userdata, event->mode);
			break;
		case EVENT_MAPPING:
			handler->mapping(handler->userdata, &event->sa, &event->peer,
					 event->peer_port);
			break;
		}
	}
	return 0;
}

static struct kernel *fake_free(struct kernel *kernel)
{
	struct fake *fake = fake_of(kernel);

	if (fake->event_fd >= 0)
		close(fake->event_fd);
	if (fake->diag_fd >= 0)
		close(fake->diag_fd);
	return wipe_free(fake, sizeof(*fake));
}

static const struct kernel_ops fake_ops = {
	.status_get = fake_status_get,
	.mode_set = fake_mode_set,
	.diag_set = fake_diag_set,
	.filters_replace = fake_filters_replace,
	.filters_check = fake_filters_check,
	.filters_add = fake_filters_add,
	.filters_del = fake_filters_del,
	.filters_change = fake_filters_change,
	.filter_get = fake_filter_get,
	.filter_dump = fake_filter_dump,
	.spi_alloc = fake_spi_alloc,
	.sa_new = fake_sa_new,
	.sa_del = fake_sa_del,
	.sa_get = fake_sa_get,
	.sa_dump = fake_sa_dump,
	.sa_flush = fake_sa_flush,
	.acquire_end = fake_acquire_end,
	.acquire_dump = fake_acquire_dump,
	.statistics_get = fake_statistics_get,
	.match = fake_match,
	.event_fd = fake_event_fd,
	.event_dispatch = fake_event_dispatch,
	.diag_fd = fake_diag_fd,
	.diag_dispatch = fake_diag_dispatch,
	.free = fake_free,
};

struct kernel *kernel_fake_new(void)
{
	struct fake *fake = calloc(1, sizeof(*fake));

	if (!fake)
		return NULL;
	fake->kernel.ops = &fake_ops;
	fake->mode = IPSECDRV_MODE_PERMIT;
	fake->exempt_level = 3;
	fake->next_spi = 0x1000;
	fake->next_acquire = 1;
	fake->log_interval = IPSECDRV_LOG_INTERVAL;
	fake->event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	fake->diag_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	return &fake->kernel;
}

/* --- for tests ---------------------------------------------------------------------------- */

void kernel_fake_fail(struct kernel *kernel, enum kernel_fake_call call, unsigned int times,
		      int error, const char *why)
{
	fake_of(kernel)->failures[call] = (struct failure){ times, error, why };
}

unsigned int kernel_fake_count(const struct kernel *kernel, enum kernel_fake_call call)
{
	return fake_of(kernel)->counts[call];
}

void kernel_fake_drop(struct kernel *kernel, const struct kernel_drop *drop)
{
	struct fake *fake = fake_of(kernel);
	uint64_t one = 1;

	fake->drop = *drop;
	fake->has_drop = true;
	(void)!write(fake->diag_fd, &one, sizeof(one));
}

void kernel_fake_drop_count(struct kernel *kernel, const struct kernel_drop_count *count)
{
	struct fake *fake = fake_of(kernel);
	uint64_t one = 1;

	fake->drop_count = *count;
	fake->has_drop_count = true;
	(void)!write(fake->diag_fd, &one, sizeof(one));
}

/* Of a tunnel the whole side, unless that is this host. */
static void select_side(const struct kernel_filter *filter, const struct kernel_filter_side *side,
			const struct ip_addr *host, struct ip_addr *ret_addr, uint8_t *ret_prefix)
{
	bool is_whole = fake_is_tunnel(filter) && side->class == IPSECDRV_ADDRESS_CLASS_MASK;

	*ret_addr = is_whole ? side->addr : *host;
	*ret_prefix = (uint8_t)(8 * ip_addr_len(host));
	if (is_whole)
		(void)mask_to_prefix(&side->mask, ret_prefix);	/* tests' masks have no holes */
}

uint32_t kernel_fake_packet(struct kernel *kernel, const struct kernel_flow *flow)
{
	struct fake *fake = fake_of(kernel);
	const struct kernel_filter *filter = fake_find_filter(fake, flow);
	struct kernel_acquire acquire = { .flow = *flow };

	if (!filter || flow->direction != IPSECDRV_DIRECTION_OUT ||
	    filter->outbound != IPSECDRV_ACTION_NEGOTIATE)
		return 0;
	acquire.id = fake->next_acquire++;
	acquire.filter_id = filter->id;
	acquire.selector = (struct kernel_selector){
		.protocol = filter->protocol,
		.local_port = filter->local.port,
		.remote_port = filter->remote.port,
	};
	select_side(filter, &filter->local, &flow->source, &acquire.selector.local,
		    &acquire.selector.local_prefix);
	select_side(filter, &filter->remote, &flow->destination, &acquire.selector.remote,
		    &acquire.selector.remote_prefix);
	kernel_fake_acquire(kernel, &acquire, true);
	return acquire.id;
}

void kernel_fake_acquire(struct kernel *kernel, const struct kernel_acquire *acquire, bool is_kept_)
{
	struct fake *fake = fake_of(kernel);

	if (is_kept_ && fake->n_acquires < ACQUIRES_MAX)
		fake->acquires[fake->n_acquires++] = *acquire;
	push_event(fake, &(struct event){ .kind = EVENT_ACQUIRE, .acquire = *acquire });
}

static void remove_pair(struct fake *fake, const struct kernel_sa *sa)
{
	for (size_t i = 0; i < fake->n_sas; i++) {
		if (fake->sas[i].spi == sa->pair_spi && fake->sas[i].direction != sa->direction) {
			remove_sa(fake, &fake->sas[i]);
			return;
		}
	}
}

void kernel_fake_mapping(struct kernel *kernel, uint32_t spi, const struct ip_addr *peer,
			 uint16_t port)
{
	struct fake *fake = fake_of(kernel);

	for (size_t i = 0; i < fake->n_sas; i++) {
		struct event event = {
			.kind = EVENT_MAPPING, .sa = fake->sas[i], .peer = *peer, .peer_port = port
		};

		if (fake->sas[i].spi != spi ||
		    fake->sas[i].direction != IPSECDRV_DIRECTION_IN)
			continue;
		push_event(fake, &event);
		return;
	}
}

void kernel_fake_traffic(struct kernel *kernel, uint32_t spi, enum ipsecdrv_direction direction,
			 uint64_t packets, uint32_t idle_seconds)
{
	struct fake *fake = fake_of(kernel);

	for (size_t i = 0; i < fake->n_sas; i++) {
		if (fake->sas[i].spi != spi || fake->sas[i].direction != direction)
			continue;
		fake->sas[i].packets = packets;
		fake->sas[i].idle_seconds = idle_seconds;
	}
}

void kernel_fake_expire(struct kernel *kernel, enum ipsecdrv_lifetime_kind kind, uint32_t spi,
			enum ipsecdrv_direction direction)
{
	struct fake *fake = fake_of(kernel);

	for (size_t i = 0; i < fake->n_sas; i++) {
		struct event event = {
			.kind = EVENT_EXPIRE, .lifetime = kind, .sa = fake->sas[i]
		};

		if (fake->sas[i].spi != spi || fake->sas[i].direction != direction)
			continue;
		if (kind == IPSECDRV_LIFETIME_KIND_SOFT)
			fake->sas[i].state = IPSECDRV_SA_STATE_DYING;
		else
			remove_sa(fake, &fake->sas[i]);
		if (kind == IPSECDRV_LIFETIME_KIND_IDLE)
			remove_pair(fake, &event.sa);
		push_event(fake, &event);
		return;
	}
}

void kernel_fake_lose_events(struct kernel *kernel)
{
	struct fake *fake = fake_of(kernel);
	uint64_t one = 1;

	fake->n_events = 0;
	fake->has_lost = true;
	(void)!write(fake->event_fd, &one, sizeof(one));
}

const struct kernel_filter *kernel_fake_filters(const struct kernel *kernel, size_t *ret_n)
{
	*ret_n = fake_of(kernel)->n_filters;
	return fake_of(kernel)->filters;
}

const struct kernel_sa *kernel_fake_sas(const struct kernel *kernel, size_t *ret_n)
{
	*ret_n = fake_of(kernel)->n_sas;
	return fake_of(kernel)->sas;
}

void kernel_fake_forget_acquires(struct kernel *kernel)
{
	fake_of(kernel)->n_acquires = 0;
}

const struct kernel_acquire *kernel_fake_acquires(const struct kernel *kernel, size_t *ret_n)
{
	*ret_n = fake_of(kernel)->n_acquires;
	return fake_of(kernel)->acquires;
}

enum ipsecdrv_mode kernel_fake_mode(const struct kernel *kernel)
{
	return fake_of(kernel)->mode;
}

size_t kernel_fake_filters_at_mode(const struct kernel *kernel)
{
	return fake_of(kernel)->n_at_mode;
}

uint32_t kernel_fake_hold(const struct kernel *kernel)
{
	return fake_of(kernel)->hold_seconds;
}
