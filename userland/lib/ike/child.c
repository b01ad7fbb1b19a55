// SPDX-License-Identifier: MIT
#include "ike/child.h"

#include <stdlib.h>
#include <string.h>

#include "ike/deletion.h"
#include "ike/mm.h"
#include "ike/peer.h"
#include "ike/report.h"
#include "ike/succession.h"

/* --- index ---------------------------------------------------------------------------------- */

static uint64_t spi_hash(const struct ike_engine *engine, const struct ip_addr *addr,
			 enum ike_protocol protocol, uint32_t spi)
{
	uint8_t key[sizeof(*addr) + 1 + 4];
	struct writer w = writer_make(key, sizeof(key));

	writer_put(&w, addr, sizeof(*addr));
	writer_u8(&w, (uint8_t)protocol);
	writer_u32(&w, spi);
	return core_hash(engine, key, sizeof(key));
}

struct ike_child *child_find_in(const struct ike_engine *engine, const struct ip_addr *remote,
				enum ike_protocol protocol, uint32_t spi)
{
	struct table_node *node =
		table_find(&engine->children_in, spi_hash(engine, remote, protocol, spi));

	for (; node; node = table_find_next(node)) {
		struct child_index *index = container_of(node, struct child_index, node);
		struct ike_child *c = index->child;

		if (c->spi_in[index->suite] == spi &&
		    c->suites[index->suite].protocol == protocol &&
		    ip_addr_is_equal(&c->path.remote, remote))
			return c;
	}
	return NULL;
}

struct ike_child *child_find_out(const struct ike_engine *engine, const struct ip_addr *remote,
				 enum ike_protocol protocol, uint32_t spi)
{
	struct table_node *node =
		table_find(&engine->children_out, spi_hash(engine, remote, protocol, spi));

	for (; node; node = table_find_next(node)) {
		struct child_index *index = container_of(node, struct child_index, node);
		struct ike_child *c = index->child;

		if (c->spi_out[index->suite] == spi &&
		    c->suites[index->suite].protocol == protocol &&
		    ip_addr_is_equal(&c->path.remote, remote))
			return c;
	}
	return NULL;
}

static int add_to_indexes(struct ike_engine *engine, struct ike_child *c)
{
	for (size_t i = 0; i < c->n_suites; i++) {
		enum ike_protocol protocol = c->suites[i].protocol;

		c->in[i].child = c->out[i].child = c;
		c->in[i].suite = c->out[i].suite = i;
		if (table_add(&engine->children_in, &c->in[i].node,
			      spi_hash(engine, &c->path.remote, protocol, c->spi_in[i])) ||
		    table_add(&engine->children_out, &c->out[i].node,
			      spi_hash(engine, &c->path.remote, protocol, c->spi_out[i])))
			return -1;
	}
	return 0;
}

static void remove_from_indexes(struct ike_engine *engine, struct ike_child *c)
{
	for (size_t i = 0; i < c->n_suites; i++) {
		table_remove(&engine->children_in, &c->in[i].node);
		table_remove(&engine->children_out, &c->out[i].node);
	}
}

/* --- life ----------------------------------------------------------------------------------- */

static void child_timer(struct timer *timer, void *userdata)
{
	struct ike_child *child = container_of(timer, struct ike_child, timer);
	struct ike_engine *engine = userdata;

	child_remove(engine, child, IKE_REASON_EXPIRED, CHILD_END_TELL_PEER | CHILD_END_DEL_SA);
}

struct ike_child *child_new(struct ike_engine *engine, struct ike_peer *peer,
			    const struct ike_sa_install *install, uint64_t mm_id,
			    uint32_t message_id)
{
	struct ike_child *c = calloc(1, sizeof(*c));

	if (!c)
		return NULL;
	c->peer = peer;
	c->id = install->qm_id;
	c->mm_id = mm_id;
	c->path = install->path;
	c->selector = install->selector;
	c->encapsulation = install->encapsulation;
	c->message_id = message_id;
	c->replaces = install->replaces_qm_id;
	c->filter_id = install->filter_id;
	c->life_seconds = install->life_seconds;
	c->life_kbytes = (uint32_t)(install->life_bytes / 1024);
	c->pfs_group = install->pfs_group;
	c->created_at = engine->now;
	c->is_initiator = install->is_initiator;
	c->n_suites = install->n_suites;
	for (size_t i = 0; i < c->n_suites; i++) {
		c->suites[i] = install->suites[i].suite;
		c->spi_in[i] = install->suites[i].spi_in;
		c->spi_out[i] = install->suites[i].spi_out;
	}
	timer_init(&c->timer, child_timer);
	if (add_to_indexes(engine, c)) {
		remove_from_indexes(engine, c);
		free(c);
		return NULL;
	}
	TAILQ_INSERT_TAIL(&peer->children, c, peer_link);
	engine->n_children++;
	succession_set_overdue(engine, c);
	if (message_id)
		succession_settle(engine, c);
	return c;
}

void child_free(struct ike_child *child)
{
	free(child);
}

void child_unlink(struct ike_engine *engine, struct ike_child *child)
{
	if (child->is_gone)
		return;
	child->is_gone = true;
	timer_stop(&engine->timers, &child->timer);
	remove_from_indexes(engine, child);
	TAILQ_REMOVE(&child->peer->children, child, peer_link);
	succession_revive(engine, child);
	engine->n_children--;
	peer_put(engine, child->peer);
	TAILQ_INSERT_TAIL(&engine->dead_children, child, dead_link);
}

/* Any main mode with the peer will do: it need not be the one that made the pair. */
static void tell_peer(struct ike_engine *engine, const struct ike_child *child)
{
	struct ike_sa_suite suites[IKE_SUITES_MAX] = {0};
	struct ike_mm *mm;

	for (size_t i = 0; i < child->n_suites; i++) {
		suites[i].suite = child->suites[i];
		suites[i].spi_in = child->spi_in[i];
	}
	TAILQ_FOREACH(mm, &child->peer->mms, peer_link) {
		if (mm_is_established(mm)) {
			deletion_send(engine, mm, suites, child->n_suites);
			return;
		}
	}
}

/* The main mode that made the pair, NULL if it is gone. */
static const struct ike_mm *find_mm(const struct ike_child *child)
{
	const struct ike_mm *mm;

	TAILQ_FOREACH(mm, &child->peer->mms, peer_link) {
		if (mm->id == child->mm_id)
			return mm;
	}
	return NULL;
}

static void take_from_driver(struct ike_engine *engine, const struct ike_child *child)
{
	for (size_t i = 0; i < child->n_suites; i++) {
		struct ike_sa_ref ref = {
			.qm_id = child->id,
			.path = child->path,
			.protocol = child->suites[i].protocol,
			.spi_in = child->spi_in[i],
			.spi_out = child->spi_out[i],
		};

		engine->ops.del_sa(engine->userdata, &ref);
	}
}

void child_remove(struct ike_engine *engine, struct ike_child *child, enum ike_reason reason,
		  unsigned int flags)
{
	struct ike_qm_info info;

	if (child->is_gone)
		return;
	if (flags & CHILD_END_DEL_SA)
		take_from_driver(engine, child);
	if (flags & CHILD_END_TELL_PEER)
		tell_peer(engine, child);
	child_get_info(engine, child, &info);
	report_qm(engine, IKE_EVENT_QM_DELETED, find_mm(child), &info, reason,
		  !(flags & CHILD_END_TELL_PEER), ike_reason_text(reason));
	child_unlink(engine, child);
}

void child_get_info(const struct ike_engine *engine, const struct ike_child *child,
		    struct ike_qm_info *ret_info)
{
	struct ike_qm_info info = {
		.qm_id = child->id,
		.path = child->path,
		.is_initiator = child->is_initiator,
		.state = child->is_replaced ? IKE_QM_STATE_REPLACED : IKE_QM_STATE_ESTABLISHED,
		.selector = child->selector,
		.encapsulation = child->encapsulation,
		.n_suites = child->n_suites,
		.life_seconds = child->life_seconds,
		.life_kbytes = child->life_kbytes,
		.pfs_group = child->pfs_group,
		.filter_id = child->filter_id,
		.age_ms = engine->now - child->created_at,
	};

	memcpy(info.suites, child->suites, sizeof(info.suites));
	memcpy(info.spi_in, child->spi_in, sizeof(info.spi_in));
	memcpy(info.spi_out, child->spi_out, sizeof(info.spi_out));
	*ret_info = info;
}
