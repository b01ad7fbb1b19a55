// SPDX-License-Identifier: MIT
#include "ike/deletion.h"

#include "ike/blob.h"
#include "ike/crypto.h"
#include "ike/exchange.h"
#include "ike/mm.h"
#include "ike/protected.h"
#include "ike/secret.h"
#include "ike/vid.h"

#define NONCE_LEN 32
#define NONCE_MIN 8
#define TRIES_MAX 6
#define FIRST_DELAY_MS 1000
#define LAST_DELAY_MS 16000
/* The peer repeats itself for 31 s. */
#define ANSWER_KEPT_MS 40000
#define ANSWERS_MAX 6
#define ANSWER_INTERVAL_MS 200
/* Of each kind; beyond that a delete is sent once, and an answer not kept. */
#define DELETIONS_MAX 1024

struct deletion {
	TAILQ_ENTRY(deletion) link;
	struct table_node node;
	struct timer timer;
	struct ike_path path;
	uint8_t icookie[WIRE_COOKIE_LEN];
	uint8_t rcookie[WIRE_COOKIE_LEN];
	uint32_t message_id;
	bool is_ours;
	uint8_t n_sent;
	struct blob sent;
	/* ours: what the answer is checked with */
	struct mm_keys *keys;		/* secret memory */
	uint8_t iv[IKE_BLOCK_MAX_LEN];
	uint8_t ni[NONCE_LEN];
	/* theirs: the message that this answers, and when it was last answered */
	uint64_t digest;
	uint64_t sent_at;
};

/* --- life ----------------------------------------------------------------------------------- */

static uint64_t deletion_hash(const struct ike_engine *engine, const struct ike_path *path,
			      const uint8_t *icookie, uint32_t message_id)
{
	uint8_t key[WIRE_COOKIE_LEN + sizeof(struct ip_addr) + 4];
	struct writer w = writer_make(key, sizeof(key));

	writer_put(&w, icookie, WIRE_COOKIE_LEN);
	writer_put(&w, &path->remote, sizeof(path->remote));
	writer_u32(&w, message_id);
	return core_hash(engine, key, sizeof(key));
}

static struct deletion *find(const struct ike_engine *engine, const struct ike_path *path,
			     const struct wire_header *header)
{
	struct table_node *node = table_find(&engine->deletions.table,
					     deletion_hash(engine, path, header->icookie,
							   header->message_id));

	for (; node; node = table_find_next(node)) {
		struct deletion *d = container_of(node, struct deletion, node);

		if (d->message_id == header->message_id &&
		    !memcmp(d->icookie, header->icookie, WIRE_COOKIE_LEN) &&
		    !memcmp(d->rcookie, header->rcookie, WIRE_COOKIE_LEN) &&
		    ip_addr_is_equal(&d->path.remote, &path->remote) &&
		    ip_addr_is_equal(&d->path.local, &path->local))
			return d;
	}
	return NULL;
}

static struct deletion *release(struct deletion *d)
{
	blob_free(&d->sent);
	secret_free(d->keys);
	return wipe_free(d, sizeof(*d));
}

static void end(struct ike_engine *engine, struct deletion *d)
{
	timer_stop(&engine->timers, &d->timer);
	table_remove(&engine->deletions.table, &d->node);
	TAILQ_REMOVE(&engine->deletions.list, d, link);
	engine->deletions.n[d->is_ours]--;
	release(d);
}

static void on_timer(struct timer *timer, void *userdata)
{
	struct deletion *d = container_of(timer, struct deletion, timer);
	struct ike_engine *engine = userdata;

	if (!d->is_ours || d->n_sent == TRIES_MAX) {
		end(engine, d);
		return;
	}
	engine->stats.retransmissions++;
	core_send(engine, &d->path, blob_bytes(&d->sent));
	(void)timer_set(&engine->timers, &d->timer,
			engine->now + MIN((uint64_t)FIRST_DELAY_MS << d->n_sent, LAST_DELAY_MS));
	d->n_sent++;
}

void deletion_init(struct ike_engine *engine)
{
	TAILQ_INIT(&engine->deletions.list);
}

void deletion_free_all(struct ike_engine *engine)
{
	struct deletion *d;

	while ((d = TAILQ_FIRST(&engine->deletions.list)))
		end(engine, d);
	table_done(&engine->deletions.table);
}

/* One with the message that goes out; NULL when it cannot be remembered. */
static struct deletion *make(const struct ike_engine *engine, const struct ike_mm *mm,
			     uint32_t message_id, bool is_ours, struct bytes message)
{
	struct deletion *d;

	if (engine->deletions.n[is_ours] >= DELETIONS_MAX)
		return NULL;
	d = calloc(1, sizeof(*d));
	if (!d || blob_set(&d->sent, message)) {
		free(d);
		return NULL;
	}
	timer_init(&d->timer, on_timer);
	d->path = mm->path;
	memcpy(d->icookie, mm->icookie, WIRE_COOKIE_LEN);
	memcpy(d->rcookie, mm->rcookie, WIRE_COOKIE_LEN);
	d->message_id = message_id;
	d->is_ours = is_ours;
	d->n_sent = 1;
	d->sent_at = engine->now;
	return d;
}

static void add(struct ike_engine *engine, struct deletion *d, uint64_t delay)
{
	uint64_t hash = deletion_hash(engine, &d->path, d->icookie, d->message_id);

	if (table_add(&engine->deletions.table, &d->node, hash)) {
		release(d);
		return;
	}
	TAILQ_INSERT_TAIL(&engine->deletions.list, d, link);
	engine->deletions.n[d->is_ours]++;
	(void)timer_set(&engine->timers, &d->timer, engine->now + delay);
}

/* --- ours ----------------------------------------------------------------------------------- */

/* Windows 2000 knows neither nonce nor answer. */
static bool is_acknowledged_by(const struct ike_mm *mm)
{
	return mm->vids & VID_IPSEC_POLICY ||
	       (mm->vids & VID_MICROSOFT && !(mm->vids & VID_WINDOWS_2000));
}

static void remember(struct ike_engine *engine, const struct ike_mm *mm,
		     const struct protected_message *m, struct bytes message, const uint8_t *iv,
		     const uint8_t *ni)
{
	struct deletion *d = make(engine, mm, m->message_id, true, message);

	if (!d)
		return;
	d->keys = secret_alloc();
	if (!d->keys) {
		release(d);
		return;
	}
	*d->keys = *mm->keys;
	memcpy(d->iv, iv, sizeof(d->iv));
	memcpy(d->ni, ni, sizeof(d->ni));
	add(engine, d, FIRST_DELAY_MS);
}

/* A message with the delete payloads; false when that was impossible. */
static bool begin(struct ike_engine *engine, struct ike_mm *mm, struct protected_message *m,
		  uint8_t ni[static NONCE_LEN])
{
	if (core_random(engine, ni, NONCE_LEN) || protected_begin(engine, mm, m))
		return false;
	if (is_acknowledged_by(mm))
		wire_add(&m->out, WIRE_PAYLOAD_NONCE, (struct bytes){ ni, NONCE_LEN });
	return true;
}

static void finish(struct ike_engine *engine, struct ike_mm *mm, struct protected_message *m,
		   const uint8_t *ni)
{
	uint8_t iv[IKE_BLOCK_MAX_LEN];
	struct bytes message = protected_finish(mm, m, iv);

	if (!message.len)
		return;
	if (is_acknowledged_by(mm))
		remember(engine, mm, m, message, iv, ni);
	core_send(engine, &mm->path, message);
}

void deletion_send(struct ike_engine *engine, struct ike_mm *mm,
		   const struct ike_sa_suite *suites, size_t n_suites)
{
	struct protected_message m;
	uint8_t ni[NONCE_LEN];

	if (!begin(engine, mm, &m, ni))
		return;
	for (size_t i = 0; i < n_suites; i++) {
		uint8_t spi[4];
		struct writer w = writer_make(spi, sizeof(spi));
		struct wire_delete del = {
			.doi = WIRE_DOI_IPSEC,
			.protocol = (uint8_t)suites[i].suite.protocol,
			.spi_size = sizeof(spi),
			.n_spis = 1,
			.spis = { spi, sizeof(spi) },
		};

		if (!suites[i].spi_in)
			continue;
		writer_u32(&w, suites[i].spi_in);
		wire_add_delete(&m.out, &del);
	}
	finish(engine, mm, &m, ni);
}

void deletion_send_mm(struct ike_engine *engine, struct ike_mm *mm)
{
	uint8_t cookies[2 * WIRE_COOKIE_LEN], ni[NONCE_LEN];
	struct wire_delete del = {
		.doi = WIRE_DOI_IPSEC,
		.protocol = IKE_PROTOCOL_ISAKMP,
		.spi_size = sizeof(cookies),
		.n_spis = 1,
		.spis = { cookies, sizeof(cookies) },
	};
	struct protected_message m;

	memcpy(cookies, mm->icookie, WIRE_COOKIE_LEN);
	memcpy(cookies + WIRE_COOKIE_LEN, mm->rcookie, WIRE_COOKIE_LEN);
	if (!begin(engine, mm, &m, ni))
		return;
	wire_add_delete(&m.out, &del);
	finish(engine, mm, &m, ni);
}

/* A payload with its generic header. */
static struct bytes whole(const struct wire_payload *p)
{
	return (struct bytes){ p->body.data - 4, p->body.len + 4 };
}

/*
 * [MS-IKEE] gives the order of the payloads in the message, another one in the formula, and not
 * whether the formula's Ni is the only body. All of these are keyed, so each is proof enough.
 */
static bool is_hash_right(const struct deletion *d, const struct wire_message *m)
{
	const struct wire_payload *given = &m->payloads[0];
	const struct wire_payload *nr = wire_find(m, WIRE_PAYLOAD_NONCE, 0);
	const struct wire_payload *del = wire_find(m, WIRE_PAYLOAD_DELETE, 0);
	struct bytes ni = { d->ni, sizeof(d->ni) }, after = wire_after(m, given);
	uint8_t want[3][IKE_HASH_MAX_LEN];

	if (!nr || !del ||
	    keys_hash_deleted(d->keys, d->message_id, ni, whole(nr), whole(del), want[0]) ||
	    keys_hash_deleted(d->keys, d->message_id, ni, after, (struct bytes){0}, want[1]) ||
	    keys_hash2(d->keys, d->message_id, ni, after, want[2]))
		return false;
	for (size_t i = 0; i < 3; i++) {
		if (crypto_is_equal(given->body, (struct bytes){ want[i], d->keys->len }))
			return true;
	}
	return false;
}

/* <-- HDR*, HASH(2), D, Nr */
static void take_answer(struct ike_engine *engine, struct deletion *d, struct bytes datagram,
			const struct wire_header *header)
{
	uint8_t next_iv[IKE_BLOCK_MAX_LEN];
	struct wire_message message;

	if (exchange_decrypt(engine, d->keys, d->iv, datagram, header, &message, next_iv) ||
	    exchange_check(MESSAGE_INFORMATIONAL, &message) || !is_hash_right(d, &message)) {
		engine->stats.invalid_packets++;
		return;
	}
	end(engine, d);
}

/* --- theirs --------------------------------------------------------------------------------- */

/* The same once more: our answer was lost. */
static void answer_again(struct ike_engine *engine, struct deletion *d, struct bytes datagram)
{
	if (core_hash(engine, datagram.data, datagram.len) != d->digest ||
	    d->n_sent >= ANSWERS_MAX || engine->now - d->sent_at < ANSWER_INTERVAL_MS) {
		engine->stats.duplicates_ignored++;
		return;
	}
	d->n_sent++;
	d->sent_at = engine->now;
	engine->stats.duplicates_answered++;
	core_send(engine, &d->path, blob_bytes(&d->sent));
}

bool deletion_receive(struct ike_engine *engine, const struct ike_path *path,
		      struct bytes datagram, const struct wire_header *header)
{
	struct deletion *d = find(engine, path, header);

	if (!d)
		return false;
	if (d->is_ours)
		take_answer(engine, d, datagram, header);
	else
		answer_again(engine, d, datagram);
	return true;
}

/* HDR*, HASH(2), D, Nr; D as it came. */
static struct bytes write_answer(struct ike_engine *engine, const struct ike_mm *mm,
				 struct bytes datagram, const struct wire_message *message,
				 struct protected_message *m)
{
	size_t block = ike_cipher_block_len(mm->keys->cipher);
	struct bytes ni = wire_find(message, WIRE_PAYLOAD_NONCE, 0)->body, after;
	uint8_t nr[NONCE_LEN], iv[IKE_BLOCK_MAX_LEN];
	size_t nr_len = 4 + sizeof(nr);

	if (core_random(engine, nr, sizeof(nr)))
		return (struct bytes){0};
	protected_begin_answer(engine, mm, message->header.message_id, m);
	wire_add(&m->out, WIRE_PAYLOAD_DELETE, wire_find(message, WIRE_PAYLOAD_DELETE, 0)->body);
	wire_add(&m->out, WIRE_PAYLOAD_NONCE, (struct bytes){ nr, sizeof(nr) });
	after = protected_after(m);
	if (m->out.w.overflow ||
	    keys_hash_deleted(mm->keys, m->message_id, ni,
			      (struct bytes){ after.data + after.len - nr_len, nr_len },
			      (struct bytes){ after.data, after.len - nr_len },
			      protected_hash(m)))
		return (struct bytes){0};
	memcpy(iv, datagram.data + datagram.len - block, block);
	return protected_seal(m, iv);
}

void deletion_answer(struct ike_engine *engine, const struct ike_mm *mm, struct bytes datagram,
		     const struct wire_message *message)
{
	const struct wire_payload *ni = wire_find(message, WIRE_PAYLOAD_NONCE, 0);
	struct protected_message m;
	struct deletion *d;
	struct bytes answer;

	if (!ni || !wire_find(message, WIRE_PAYLOAD_DELETE, 0) || ni->body.len < NONCE_MIN ||
	    ni->body.len > IKE_NONCE_MAX_LEN)
		return;
	answer = write_answer(engine, mm, datagram, message, &m);
	if (!answer.len)
		return;
	d = make(engine, mm, m.message_id, false, answer);
	if (d) {
		d->digest = core_hash(engine, datagram.data, datagram.len);
		add(engine, d, ANSWER_KEPT_MS);
	}
	core_send(engine, &mm->path, answer);
}
