// SPDX-License-Identifier: MIT
#include "ike/half_open.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "ike/exchange.h"
#include "ike/fragmentation.h"
#include "ike/main_mode.h"
#include "ike/mm.h"
#include "ike/mismatch.h"
#include "ike/names.h"
#include "ike/notify.h"
#include "ike/report.h"
#include "ike/request.h"
#include "ike/sa_payload.h"
#include "ike/vid.h"

#define ANSWERS_MAX 5
#define ANSWER_INTERVAL_MS 200
#define CHALLENGE_ABOVE 500
#define CHALLENGE_UNTIL 100

_Static_assert(sizeof(struct half_open) <= 384, "with an ordinary offer it must fit 512 bytes");

static const uint8_t no_cookie[WIRE_COOKIE_LEN];

/* Key of the index: initiator cookie, remote address and port. */
static uint64_t cookie_hash(const struct ike_engine *engine, const struct ike_path *path,
			    const uint8_t *icookie)
{
	uint8_t key[WIRE_COOKIE_LEN + sizeof(struct ip_addr) + 2];
	struct writer w = writer_make(key, sizeof(key));

	writer_put(&w, icookie, WIRE_COOKIE_LEN);
	writer_put(&w, &path->remote, sizeof(path->remote));
	writer_u16(&w, path->remote_port);
	return core_hash(engine, key, sizeof(key));
}

static bool is_same_path(const struct ike_path *a, const struct ike_path *b)
{
	return ip_addr_is_equal(&a->local, &b->local) && ip_addr_is_equal(&a->remote, &b->remote) &&
	       a->remote_port == b->remote_port && a->local_port == b->local_port;
}

static struct half_open *find(const struct ike_engine *engine, const struct ike_path *path,
			      const uint8_t *icookie)
{
	struct table_node *node = table_find(&engine->half_opens.by_cookie,
					     cookie_hash(engine, path, icookie));

	for (; node; node = table_find_next(node)) {
		struct half_open *h = container_of(node, struct half_open, by_cookie);

		if (!memcmp(h->icookie, icookie, WIRE_COOKIE_LEN) && is_same_path(&h->path, path))
			return h;
	}
	return NULL;
}

struct half_open *half_open_find(const struct ike_engine *engine, const struct ike_path *path,
				 const struct wire_header *header)
{
	struct half_open *h = find(engine, path, header->icookie);

	if (!h || memcmp(h->rcookie, header->rcookie, WIRE_COOKIE_LEN) != 0)
		return NULL;
	return h;
}

static struct half_open_list *list_of(struct ike_engine *engine, const struct half_open *h)
{
	return h->is_verified ? &engine->half_opens.verified : &engine->half_opens.unverified;
}

static size_t size_of(const struct half_open *h)
{
	return sizeof(*h) + h->sai_len;
}

/* --- life ----------------------------------------------------------------------------------- */

static struct half_open *oldest(struct half_opens *all)
{
	struct half_open *u = TAILQ_FIRST(&all->unverified), *v = TAILQ_FIRST(&all->verified);

	if (!u || !v)
		return u ? u : v;
	return u->created_at <= v->created_at ? u : v;
}

static void set_timer(struct ike_engine *engine)
{
	struct half_open *first = oldest(&engine->half_opens);

	if (first)
		(void)timer_set(&engine->timers, &engine->half_opens.timer,
				first->created_at + HALF_OPEN_LIFE_MS);
	else
		timer_stop(&engine->timers, &engine->half_opens.timer);
}

static void expire(struct timer *timer, void *userdata)
{
	struct ike_engine *engine = userdata;
	struct half_open *h;

	(void)timer;
	while ((h = oldest(&engine->half_opens)) &&
	       h->created_at + HALF_OPEN_LIFE_MS <= engine->now) {
		if (h->has_bad_3)
			report_stranger(engine, &h->path, NULL, IKE_REASON_DH, true,
					"message 3 had no usable key exchange for %s",
					ike_group_name(h->choice.proposal.group));
		half_open_free(engine, h);
	}
	set_timer(engine);
}

void half_open_init(struct ike_engine *engine)
{
	TAILQ_INIT(&engine->half_opens.unverified);
	TAILQ_INIT(&engine->half_opens.verified);
	timer_init(&engine->half_opens.timer, expire);
}

void half_open_free(struct ike_engine *engine, struct half_open *h)
{
	struct half_opens *all = &engine->half_opens;

	request_cancel(engine, &h->policy_request);
	fragmentation_drop(engine, &h->reassembly);
	table_remove(&all->by_cookie, &h->by_cookie);
	table_remove(&all->by_source, &h->by_source);
	TAILQ_REMOVE(list_of(engine, h), h, link);
	all->n--;
	all->bytes -= size_of(h);
	free(h->gss_name);
	free(h);
}

void half_open_free_all(struct ike_engine *engine)
{
	struct half_open *h;

	while ((h = oldest(&engine->half_opens)))
		half_open_free(engine, h);
	set_timer(engine);
}

/* Makes room for one more; those that answered a challenge go last. False: no room. */
static bool make_room(struct ike_engine *engine)
{
	struct half_opens *all = &engine->half_opens;
	struct half_open *victim = TAILQ_FIRST(&all->unverified);

	if (all->n + engine->n_negotiating < engine->config.half_open_max)
		return true;
	if (!victim)
		victim = TAILQ_FIRST(&all->verified);
	if (!victim)
		return false;
	engine->stats.half_open_evicted++;
	half_open_free(engine, victim);
	return true;
}

static size_t count_source(const struct ike_engine *engine, uint64_t source)
{
	struct table_node *node = table_find(&engine->half_opens.by_source, source);
	size_t n = 0;

	for (; node; node = table_find_next(node))
		n++;
	return n;
}

static void make_digest(const struct ike_engine *engine, struct bytes datagram,
			uint8_t ret_digest[static 8])
{
	uint64_t hash = core_hash(engine, datagram.data, datagram.len);

	memcpy(ret_digest, &hash, sizeof(hash));
}

static struct half_open *add(struct ike_engine *engine, const struct ike_path *path,
			     struct bytes datagram, const struct wire_message *message,
			     bool is_verified)
{
	struct half_opens *all = &engine->half_opens;
	struct bytes sai_b = message->payloads[0].body;
	struct half_open *h = calloc(1, sizeof(*h) + sai_b.len);

	if (!h)
		return NULL;
	h->path = *path;
	h->created_at = engine->now;
	h->vids = vid_collect(message);
	h->is_verified = is_verified;
	memcpy(h->icookie, message->header.icookie, WIRE_COOKIE_LEN);
	make_digest(engine, datagram, h->digest);
	h->sai_len = (uint16_t)sai_b.len;
	memcpy(h->sai_b, sai_b.data, sai_b.len);
	/* A cookie that was verified stays: it may be the one of the previous secret. */
	if (is_verified)
		memcpy(h->rcookie, message->header.rcookie, WIRE_COOKIE_LEN);
	else if (admission_cookie(&engine->admission, engine->now, path, h->icookie, h->rcookie))
		goto err_free;
	if (table_add(&all->by_cookie, &h->by_cookie, cookie_hash(engine, path, h->icookie)))
		goto err_free;
	if (table_add(&all->by_source, &h->by_source,
		      admission_source(&engine->admission, &path->remote)))
		goto err_unindex;
	TAILQ_INSERT_TAIL(list_of(engine, h), h, link);
	all->n++;
	all->bytes += size_of(h);
	set_timer(engine);
	return h;

err_unindex:
	table_remove(&all->by_cookie, &h->by_cookie);
err_free:
	free(h);
	return NULL;
}

/* --- message 1 ------------------------------------------------------------------------------ */

/* HDR, SA, VIDs --> */
static void send_2(struct ike_engine *engine, struct half_open *h)
{
	struct wire_header header = { .version = WIRE_VERSION, .exchange = WIRE_EXCHANGE_MAIN };
	struct wire_out out;
	size_t len;

	memcpy(header.icookie, h->icookie, WIRE_COOKIE_LEN);
	memcpy(header.rcookie, h->rcookie, WIRE_COOKIE_LEN);
	out = wire_out_make(engine->out, WIRE_MESSAGE_MAX, &header);
	wire_begin(&out, WIRE_PAYLOAD_SA);
	mm_proposal_write_choice(&out.w, (struct bytes){ h->sai_b, h->sai_len }, &h->choice,
				 h->gss_name);
	wire_end(&out);
	vid_add(&out, VID_OURS | (h->gss_name ? VID_GSSAPI : 0));
	len = wire_finish(&out, 0);
	if (len)
		core_send(engine, &h->path, (struct bytes){ engine->out, len });
}

/* Message 1 again: message 2 again, a few times. */
static void answer_duplicate(struct ike_engine *engine, struct half_open *h, struct bytes datagram)
{
	uint64_t after = engine->now - h->created_at;
	uint8_t d[8];

	make_digest(engine, datagram, d);
	if (memcmp(d, h->digest, sizeof(d)) != 0 || !h->has_choice ||
	    h->n_answers >= ANSWERS_MAX || after - h->resent_after < ANSWER_INTERVAL_MS) {
		engine->stats.duplicates_ignored++;
		return;
	}
	h->resent_after = (uint16_t)after;
	h->n_answers++;
	engine->stats.duplicates_answered++;
	send_2(engine, h);
}

static bool is_challenging(struct ike_engine *engine)
{
	struct half_opens *all = &engine->half_opens;

	if (engine->config.dos_mode == IKE_DOS_OFF)
		return false;
	if (engine->config.dos_mode == IKE_DOS_ALWAYS)
		return true;
	if (all->n > CHALLENGE_ABOVE)
		all->is_challenging = true;
	else if (all->n < CHALLENGE_UNTIL)
		all->is_challenging = false;
	return all->is_challenging;
}

/*
 * Under load, peers that understand a challenge have to show that they receive what we send to
 * their address. Others have to get through the crowd.
 */
static bool was_challenged(struct ike_engine *engine, const struct ike_path *path,
			   const struct wire_message *message)
{
	uint8_t cookie[WIRE_COOKIE_LEN];

	if (!is_challenging(engine) ||
	    !(vid_collect(message) & (VID_MICROSOFT | VID_IPSEC_POLICY)) ||
	    admission_cookie(&engine->admission, engine->now, path, message->header.icookie,
			     cookie))
		return false;
	engine->stats.cookie_challenges++;
	notify_send_clear(engine, path, message->header.icookie, no_cookie,
			  IKE_NOTIFY_MS_DOS_COOKIE, (struct bytes){ cookie, sizeof(cookie) });
	return true;
}

static bool is_admitted(struct ike_engine *engine, const struct ike_path *path)
{
	uint64_t source = admission_source(&engine->admission, &path->remote);

	if (!admission_allow_mm1(&engine->admission, engine->now, &path->remote) ||
	    count_source(engine, source) >= engine->config.half_open_per_source ||
	    !make_room(engine)) {
		engine->stats.rate_limited++;
		return false;
	}
	return true;
}

/* What message 1 must be, whatever our policy is. */
static bool is_good_1(const struct wire_message *message)
{
	struct sa_payload sa;

	if (message->header.flags || message->header.message_id ||
	    exchange_check(MESSAGE_MM_1, message))
		return false;
	return message->payloads[0].body.len <= HALF_OPEN_SA_MAX &&
	       !sa_payload_parse(message->payloads[0].body, &sa);
}

void half_open_receive(struct ike_engine *engine, const struct ike_path *path,
		       struct bytes datagram, const struct wire_message *message)
{
	bool has_cookie = memcmp(message->header.rcookie, no_cookie, WIRE_COOKIE_LEN) != 0;
	struct half_open *h = find(engine, path, message->header.icookie);
	int ret;

	if (h) {
		answer_duplicate(engine, h, datagram);
		return;
	}
	if (datagram.len < HALF_OPEN_MM1_MIN || !is_good_1(message)) {
		engine->stats.invalid_packets++;
		return;
	}
	if (has_cookie && !admission_is_cookie_valid(&engine->admission, engine->now, path,
						     message->header.icookie,
						     message->header.rcookie)) {
		engine->stats.invalid_cookies++;
		return;
	}
	if (!has_cookie && was_challenged(engine, path, message))
		return;
	if (!is_admitted(engine, path))
		return;
	h = add(engine, path, datagram, message, has_cookie);
	if (!h)
		return;
	if (request_start(engine, &h->policy_request, REQUEST_HALF_OPEN_POLICY, h)) {
		half_open_free(engine, h);
		return;
	}
	ret = engine->ops.policy_mm(engine->userdata, h->policy_request.id, path, false,
				    0);
	if (ret < 0)
		request_fail(engine, &h->policy_request, ret);
}

/* --- our choice ----------------------------------------------------------------------------- */

static void refuse(struct ike_engine *engine, struct half_open *h, enum ike_reason reason,
		   const char *wanted)
{
	char offered[256];

	report_stranger(engine, &h->path, NULL, reason, false, "%s (the peer offered %s%s%s)",
			ike_reason_text(reason),
			mm_offer_format((struct bytes){ h->sai_b, h->sai_len }, h->vids, offered,
					sizeof(offered)),
			wanted ? "; wanted " : "", wanted ? wanted : "");
	notify_refuse_clear(engine, &h->path, h->icookie, no_cookie, h->vids,
			    IKE_NOTIFY_NO_PROPOSAL_CHOSEN, reason);
	half_open_free(engine, h);
	set_timer(engine);
}

static void refuse_proposal(struct ike_engine *engine, struct half_open *h,
			    const struct ike_mm_policy *policy)
{
	struct mismatch mismatch;
	char wanted[64];

	mm_proposal_compare((struct bytes){ h->sai_b, h->sai_len }, policy, h->vids, &mismatch);
	engine->mismatch = &mismatch.event;
	refuse(engine, h, IKE_REASON_ATTRIBUTES,
	       mm_proposal_format(&policy->proposals[0], wanted, sizeof(wanted)));
	engine->mismatch = NULL;
}

void half_open_policy_reply(struct ike_engine *engine, struct half_open *h,
			    const struct ike_mm_policy *policy)
{
	struct ike_mm_policy usable;
	enum ike_reason reason;

	if (!policy) {
		refuse(engine, h, IKE_REASON_NO_POLICY, NULL);
		return;
	}
	reason = main_mode_usable_policy(policy, &usable);
	if (reason) {
		refuse(engine, h, reason, NULL);
		return;
	}
	if (mm_proposal_choose((struct bytes){ h->sai_b, h->sai_len }, &usable, h->vids,
			       &h->choice)) {
		refuse_proposal(engine, h, &usable);
		return;
	}
	if (h->choice.auth == IKE_AUTH_KERBEROS) {
		h->gss_name = strdup(usable.gss_name);
		if (!h->gss_name) {
			half_open_free(engine, h);
			set_timer(engine);
			return;
		}
	}
	h->has_choice = true;
	h->life_seconds = usable.life_seconds;
	h->qm_limit = usable.qm_limit;
	h->resent_after = (uint16_t)(engine->now - h->created_at);
	send_2(engine, h);
}
