// SPDX-License-Identifier: MIT
/* What the agent calls. */
#include <errno.h>
#include <stdlib.h>

#include "ike/host.h"
#include "ike/udp.h"

static void finish(struct host *host, struct link_request *request, int r)
{
	host_touch(host);
	if (r < 0)
		link_fail(request, r);
	else
		(void)link_reply(request, NULL);
}

static void on_acquire(void *userdata, struct link_request *request, const void *args)
{
	struct host *host = userdata;

	finish(host, request, ike_engine_acquire(host->engine, host_now(), args));
}

static void on_cancel_acquire(void *userdata, struct link_request *request, const void *args)
{
	const struct link_acquire_ref *ref = args;
	struct host *host = userdata;

	finish(host, request,
	       ike_engine_cancel_acquire(host->engine, host_now(), ref->acquire_id));
}

static void on_expire(void *userdata, struct link_request *request, const void *args)
{
	const struct link_expire *e = args;
	struct host *host = userdata;

	finish(host, request,
	       ike_engine_expire(host->engine, host_now(), e->kind, e->direction, &e->remote,
				 e->protocol, e->spi));
}

static void on_delete_peer(void *userdata, struct link_request *request, const void *args)
{
	const struct link_peer_ref *ref = args;
	struct host *host = userdata;

	finish(host, request,
	       ike_engine_delete_peer(host->engine, host_now(), &ref->local, &ref->remote,
				      ref->reason));
}

static void on_delete_mm(void *userdata, struct link_request *request, const void *args)
{
	const struct link_sa_id *sa = args;
	struct host *host = userdata;

	finish(host, request,
	       ike_engine_delete_mm(host->engine, host_now(), sa->id, sa->reason));
}

static void on_delete_qm(void *userdata, struct link_request *request, const void *args)
{
	const struct link_sa_id *sa = args;
	struct host *host = userdata;

	finish(host, request,
	       ike_engine_delete_qm(host->engine, host_now(), sa->id, sa->reason));
}

static void on_delete_filter(void *userdata, struct link_request *request, const void *args)
{
	const struct link_filter_ref *ref = args;
	struct host *host = userdata;

	ike_engine_delete_filter(host->engine, host_now(), ref->filter_id, ref->reason);
	finish(host, request, 0);
}

static void on_flush(void *userdata, struct link_request *request, const void *args)
{
	const struct link_flush *flush = args;
	struct host *host = userdata;

	ike_engine_flush(host->engine, host_now(), flush->reason);
	finish(host, request, 0);
}

static void on_adopt_sa(void *userdata, struct link_request *request, const void *args)
{
	struct host *host = userdata;

	finish(host, request, ike_engine_adopt_sa(host->engine, host_now(), args));
}

static void on_set_config(void *userdata, struct link_request *request, const void *args)
{
	struct host *host = userdata;

	finish(host, request, host_configure(host, args));
}

/* --- lists -------------------------------------------------------------------------------- */

struct mm_page {
	struct link_page page;
	struct link_mm_list list;
};

static bool add_mm(void *userdata, const struct ike_mm_info *info)
{
	struct mm_page *p = userdata;

	if (p->page.skip) {
		p->page.skip--;
		return true;
	}
	p->list.items[p->list.n_items++] = *info;
	return p->list.n_items < p->page.limit;
}

static void on_list_mm(void *userdata, struct link_request *request, const void *args)
{
	struct mm_page p = { .page = *(const struct link_page *)args };
	struct host *host = userdata;

	p.list.items = calloc(p.page.limit, sizeof(*p.list.items));
	if (!p.list.items) {
		link_fail(request, -ENOMEM);
		return;
	}
	ike_engine_for_each_mm(host->engine, host_now(), add_mm, &p);
	(void)link_reply(request, &p.list);
	free(p.list.items);
}

struct qm_page {
	struct link_page page;
	struct link_qm_list list;
};

static bool add_qm(void *userdata, const struct ike_qm_info *info)
{
	struct qm_page *p = userdata;

	if (p->page.skip) {
		p->page.skip--;
		return true;
	}
	p->list.items[p->list.n_items++] = *info;
	return p->list.n_items < p->page.limit;
}

static void on_list_qm(void *userdata, struct link_request *request, const void *args)
{
	struct qm_page p = { .page = *(const struct link_page *)args };
	struct host *host = userdata;

	p.list.items = calloc(p.page.limit, sizeof(*p.list.items));
	if (!p.list.items) {
		link_fail(request, -ENOMEM);
		return;
	}
	ike_engine_for_each_qm(host->engine, host_now(), add_qm, &p);
	(void)link_reply(request, &p.list);
	free(p.list.items);
}

static void on_statistics(void *userdata, struct link_request *request, const void *args)
{
	struct host *host = userdata;
	struct ike_stats stats;

	(void)args;
	ike_engine_get_stats(host->engine, &stats);
	/* datagrams leave after the engine has handed them over, so it cannot know */
	stats.send_failures += udp_stats(host->udp)->send_failures;
	(void)link_reply(request, &stats);
}

const struct link_handler host_handlers[] = {
	{ &link_acquire, on_acquire },
	{ &link_cancel_acquire, on_cancel_acquire },
	{ &link_expire, on_expire },
	{ &link_delete_peer, on_delete_peer },
	{ &link_delete_mm, on_delete_mm },
	{ &link_delete_qm, on_delete_qm },
	{ &link_delete_filter, on_delete_filter },
	{ &link_flush, on_flush },
	{ &link_list_mm, on_list_mm },
	{ &link_list_qm, on_list_qm },
	{ &link_statistics, on_statistics },
	{ &link_adopt_sa, on_adopt_sa },
	{ &link_set_config, on_set_config },
};
const size_t host_n_handlers = sizeof(host_handlers) / sizeof(host_handlers[0]);
