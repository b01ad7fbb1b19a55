// SPDX-License-Identifier: MIT
#include "ike/fragmentation.h"

#include <stdlib.h>
#include <sys/socket.h>

#include "ike/fragment.h"
#include "ike/half_open.h"
#include "ike/mm.h"
#include "ike/vid.h"

#define REASSEMBLY_MS 30000
/* What all peers together can make us keep. */
#define REASSEMBLY_BYTES_MAX (8U << 20)

/* The two shortest retransmission intervals that there can be. */
#define UNANSWERED_MS 1350

/* Packets of Windows, which fit through everything. */
#define PACKET_V4 576
#define PACKET_V6 1280
#define IPV4_UDP_LEN 28
#define IPV6_UDP_LEN 48
#define NON_ESP_MARKER_LEN 4

/* --- receiving ------------------------------------------------------------------------------ */

struct reassembly {
	TAILQ_ENTRY(reassembly) link;	/* oldest first */
	struct reassembly **owner;
	uint64_t until;
	struct fragments set;
};

static void set_timer(struct ike_engine *engine)
{
	struct reassembly *first = TAILQ_FIRST(&engine->reassemblies.list);

	if (first)
		(void)timer_set(&engine->timers, &engine->reassemblies.timer, first->until);
	else
		timer_stop(&engine->timers, &engine->reassemblies.timer);
}

void fragmentation_drop(struct ike_engine *engine, struct reassembly **reassembly)
{
	struct reassembly *r = *reassembly;

	if (!r)
		return;
	*reassembly = NULL;
	TAILQ_REMOVE(&engine->reassemblies.list, r, link);
	engine->reassemblies.bytes -= sizeof(*r) + r->set.bytes;
	fragments_clear(&r->set);
	free(r);
	set_timer(engine);
}

static void expire(struct timer *timer, void *userdata)
{
	struct ike_engine *engine = userdata;
	struct reassembly *first;

	(void)timer;
	while ((first = TAILQ_FIRST(&engine->reassemblies.list)) && first->until <= engine->now)
		fragmentation_drop(engine, first->owner);
	set_timer(engine);
}

void fragmentation_init(struct ike_engine *engine)
{
	TAILQ_INIT(&engine->reassemblies.list);
	timer_init(&engine->reassemblies.timer, expire);
}

static struct reassembly *start(struct ike_engine *engine, struct reassembly **owner)
{
	struct reassembly *r = calloc(1, sizeof(*r));

	if (!r)
		return NULL;
	r->owner = owner;
	r->until = engine->now + REASSEMBLY_MS;
	TAILQ_INSERT_TAIL(&engine->reassemblies.list, r, link);
	engine->reassemblies.bytes += sizeof(*r);
	*owner = r;
	set_timer(engine);
	return r;
}

/* Who may collect; NULL for cookies that nobody has, or that the peer has not shown to receive. */
static struct reassembly **find_owner(const struct ike_engine *engine, const struct ike_path *path,
				      const struct wire_header *header)
{
	struct ike_mm *mm = mm_find(engine, path, header);
	struct half_open *h;

	if (mm && (mm->negotiation || mm_is_established(mm)) && mm->state != IKE_MM_STATE_SENT_1)
		return &mm->reassembly;
	h = mm ? NULL : half_open_find(engine, path, header);
	return h && h->has_choice ? &h->reassembly : NULL;
}

/* Others give way; not this one, which is bounded by itself. */
static void make_room(struct ike_engine *engine, const struct reassembly *r)
{
	struct reassembly *first;

	while (engine->reassemblies.bytes > REASSEMBLY_BYTES_MAX &&
	       (first = TAILQ_FIRST(&engine->reassemblies.list)) != r)
		fragmentation_drop(engine, first->owner);
}

/* What fragments_add() returns; anything negative but -EEXIST has emptied the owner. */
static int collect(struct ike_engine *engine, struct reassembly **owner,
		   const struct wire_header *header, const struct fragment *fragment)
{
	struct reassembly *r;
	int ret;

	if (*owner && !fragments_is_same(&(*owner)->set, header, fragment))
		fragmentation_drop(engine, owner);
	r = *owner ? *owner : start(engine, owner);
	if (!r)
		return -ENOMEM;
	ret = fragments_add(&r->set, header, fragment);
	if (ret >= 0) {
		engine->reassemblies.bytes += fragment->data.len;
		make_room(engine, r);
	} else if (ret != -EEXIST) {
		fragmentation_drop(engine, owner);
	}
	return ret;
}

/* Received once, by the entry that every datagram takes. */
static void deliver(struct ike_engine *engine, const struct ike_path *path,
		    struct reassembly **owner, const struct wire_header *header)
{
	uint8_t *message = malloc(FRAGMENTS_BYTES_MAX + WIRE_HEADER_LEN);
	struct ike_mm *mm = mm_find(engine, path, header);
	size_t len = message ? fragments_join(&(*owner)->set, message) : 0;

	fragmentation_drop(engine, owner);
	if (len) {
		engine->stats.messages_reassembled++;
		/* The answer would be lost for the same reason. */
		if (mm)
			mm->has_fragments = true;
		core_receive(engine, path, (struct bytes){ message, len });
	} else {
		engine->stats.invalid_packets++;
	}
	free(message);
}

void fragmentation_receive(struct ike_engine *engine, const struct ike_path *path,
			   struct bytes datagram)
{
	struct reassembly **owner;
	struct wire_header header;
	struct fragment fragment;
	int ret;

	if (fragment_parse(datagram, &header, &fragment)) {
		engine->stats.invalid_packets++;
		return;
	}
	owner = find_owner(engine, path, &header);
	if (!owner) {
		engine->stats.invalid_cookies++;
		return;
	}
	ret = collect(engine, owner, &header, &fragment);
	if (ret == 1)
		deliver(engine, path, owner, &header);
	else if (ret == -EEXIST)
		engine->stats.duplicates_ignored++;
	else if (ret < 0)
		engine->stats.invalid_packets++;
}

/* --- sending -------------------------------------------------------------------------------- */

/* Bytes of a message in one datagram, the headers around it left out. */
static size_t room_in_packet(const struct ike_path *path)
{
	bool is_v6 = path->local.family == AF_INET6;
	size_t room = is_v6 ? PACKET_V6 - IPV6_UDP_LEN : PACKET_V4 - IPV4_UDP_LEN;

	return room - (path->local_port == NATT_PORT ? NON_ESP_MARKER_LEN : 0);
}

/* Windows puts no other fragments together than of messages with identities: encrypted ones. */
static bool can_be_cut(const struct ike_mm *mm, struct bytes message)
{
	struct wire_header header;

	if (!(mm->vids & VID_FRAGMENTATION) || wire_parse_header(message, &header) ||
	    header.exchange == WIRE_EXCHANGE_INFORMATIONAL)
		return false;
	return !(mm->vids & VID_MICROSOFT) || header.flags & WIRE_FLAG_ENCRYPTED;
}

/* All of the first cut get the same id, which makes retransmissions complete each other. */
static uint16_t new_id(struct ike_engine *engine)
{
	engine->last_fragment_id++;
	if (!engine->last_fragment_id)
		engine->last_fragment_id++;
	return engine->last_fragment_id;
}

static void send_fragments(struct ike_engine *engine, const struct ike_path *path,
			   struct bytes message, uint16_t id, size_t n)
{
	size_t room = room_in_packet(path) - FRAGMENT_OVERHEAD;
	uint8_t buf[PACKET_V6];

	engine->stats.messages_fragmented++;
	for (size_t number = 1; number <= n; number++) {
		size_t len = fragment_write(buf, message, id, number, room);

		core_send(engine, path, (struct bytes){ buf, len });
	}
}

void fragmentation_send(struct ike_engine *engine, const struct ike_mm *mm, struct bytes message,
			uint64_t first_sent_at, uint16_t *id)
{
	size_t room = room_in_packet(&mm->path);
	bool is_due = mm->has_fragments || engine->now - first_sent_at >= UNANSWERED_MS;
	size_t n = fragment_count(message.len, room - FRAGMENT_OVERHEAD);

	if (!is_due || message.len <= room || !n || !can_be_cut(mm, message)) {
		core_send(engine, &mm->path, message);
		return;
	}
	if (!*id)
		*id = new_id(engine);
	send_fragments(engine, &mm->path, message, *id, n);
}
