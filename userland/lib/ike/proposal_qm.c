// SPDX-License-Identifier: MIT
#include "ike/proposal_qm.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "ike/mismatch.h"
#include "ike/sa_payload.h"

/* SPIs below are reserved (RFC 4303, section 2.1). */
#define SPI_MIN 256
#define SPI_LEN 4
#define LIFE_SECONDS_DEFAULT 28800
#define PRIVATE_ATTRIBUTES 32001

enum attribute {
	ATTRIBUTE_LIFE_TYPE = 1,
	ATTRIBUTE_LIFE_DURATION = 2,
	ATTRIBUTE_GROUP = 3,
	ATTRIBUTE_ENCAPSULATION = 4,
	ATTRIBUTE_AUTH = 5,
	ATTRIBUTE_KEY_LENGTH = 6,
	ATTRIBUTE_KEY_ROUNDS = 7,
	ATTRIBUTE_DICTIONARY = 8,
	ATTRIBUTE_PRIVATE_COMPRESSION = 9,
	ATTRIBUTE_ECN = 10,
	ATTRIBUTE_ESN = 11,
};

enum life_type {
	LIFE_SECONDS = 1,
	LIFE_KBYTES = 2,
};

/* ESP transform ids, AH transform ids, and the values of the authentication attribute. */
static const uint8_t esp_ids[IKE_CIPHER_COUNT] = {
	[IKE_CIPHER_NULL] = 11, [IKE_CIPHER_DES] = 2,	   [IKE_CIPHER_3DES] = 3,
	[IKE_CIPHER_AES_CBC] = 12, [IKE_CIPHER_AES_GCM_16] = 20,
};

static const uint8_t ah_ids[IKE_HASH_COUNT] = {
	[IKE_HASH_MD5] = 2,    [IKE_HASH_SHA1] = 3,   [IKE_HASH_SHA256] = 5,
	[IKE_HASH_SHA384] = 6, [IKE_HASH_SHA512] = 7,
};

static const uint8_t auth_values[IKE_HASH_COUNT] = {
	[IKE_HASH_MD5] = 1,    [IKE_HASH_SHA1] = 2,   [IKE_HASH_SHA256] = 5,
	[IKE_HASH_SHA384] = 6, [IKE_HASH_SHA512] = 7,
};

/* Index of @wire in a table, 0 (none) if it is not there. */
static uint8_t find_id(const uint8_t *table, size_t n, uint64_t wire)
{
	for (size_t i = 1; i < n; i++) {
		if (table[i] && table[i] == wire)
			return (uint8_t)i;
	}
	return 0;
}

static bool is_suite_valid(const struct ike_suite *s)
{
	if ((unsigned int)s->hash >= IKE_HASH_COUNT)
		return false;
	if (s->protocol == IKE_PROTOCOL_AH)
		return s->cipher == IKE_CIPHER_NONE && !s->key_bits && s->hash != IKE_HASH_NONE;
	if (s->protocol != IKE_PROTOCOL_ESP || s->cipher == IKE_CIPHER_NONE ||
	    !ike_cipher_is_valid(s->cipher, s->key_bits))
		return false;
	if (s->cipher == IKE_CIPHER_NULL)
		return s->hash != IKE_HASH_NONE;
	/* GCM authenticates by itself. */
	return s->cipher != IKE_CIPHER_AES_GCM_16 || s->hash == IKE_HASH_NONE;
}

static bool is_offer_valid(const struct ike_qm_offer *o)
{
	if (!o->n_suites || o->n_suites > IKE_SUITES_MAX)
		return false;
	for (size_t i = 0; i < o->n_suites; i++) {
		if (!is_suite_valid(&o->suites[i]))
			return false;
	}
	if (o->n_suites == 2 && (o->suites[0].protocol != IKE_PROTOCOL_AH ||
				 o->suites[1].protocol != IKE_PROTOCOL_ESP))
		return false;
	return o->pfs_group == IKE_GROUP_NONE || o->pfs_group == IKE_GROUP_MAIN_MODE ||
	       ike_group_is_known(o->pfs_group);
}

int qm_policy_check(const struct ike_qm_policy *policy)
{
	if (!policy->n_offers || policy->n_offers > IKE_QM_OFFERS_MAX ||
	    (policy->encapsulation != IKE_ENCAPSULATION_TRANSPORT &&
	     policy->encapsulation != IKE_ENCAPSULATION_TUNNEL))
		return -EINVAL;
	for (size_t i = 0; i < policy->n_offers; i++) {
		if (!is_offer_valid(&policy->offers[i]))
			return -EINVAL;
	}
	return 0;
}

uint16_t qm_offer_group(const struct ike_qm_offer *offer, uint16_t mm_group)
{
	return offer->pfs_group == IKE_GROUP_MAIN_MODE ? mm_group : offer->pfs_group;
}

size_t qm_offers_sent(const struct ike_qm_policy *policy, uint16_t mm_group)
{
	uint16_t group = qm_offer_group(&policy->offers[0], mm_group);
	size_t n = 1;

	while (n < policy->n_offers && qm_offer_group(&policy->offers[n], mm_group) == group)
		n++;
	return n;
}

unsigned int qm_protocols_sent(const struct ike_qm_policy *policy, uint16_t mm_group)
{
	size_t n = qm_offers_sent(policy, mm_group);
	unsigned int protocols = 0;

	for (size_t i = 0; i < n; i++) {
		for (size_t j = 0; j < policy->offers[i].n_suites; j++)
			protocols |= 1U << policy->offers[i].suites[j].protocol;
	}
	return protocols;
}

static void write_lifetimes(struct sa_writer *s, uint32_t seconds, uint32_t kbytes)
{
	if (seconds) {
		sa_write_attribute(s, ATTRIBUTE_LIFE_TYPE, LIFE_SECONDS);
		sa_write_attribute(s, ATTRIBUTE_LIFE_DURATION, seconds);
	}
	if (kbytes) {
		sa_write_attribute(s, ATTRIBUTE_LIFE_TYPE, LIFE_KBYTES);
		sa_write_attribute(s, ATTRIBUTE_LIFE_DURATION, kbytes);
	}
}

static void write_transform(struct sa_writer *s, const struct ike_qm_policy *policy,
			    const struct ike_qm_offer *offer, const struct ike_suite *suite,
			    const struct qm_terms *terms)
{
	uint16_t group = qm_offer_group(offer, terms->group);

	sa_begin_transform(s, suite->protocol == IKE_PROTOCOL_AH ? ah_ids[suite->hash] :
								   esp_ids[suite->cipher]);
	if (suite->key_bits)
		sa_write_attribute(s, ATTRIBUTE_KEY_LENGTH, suite->key_bits);
	if (suite->hash != IKE_HASH_NONE)
		sa_write_attribute(s, ATTRIBUTE_AUTH, auth_values[suite->hash]);
	if (group != IKE_GROUP_NONE)
		sa_write_attribute(s, ATTRIBUTE_GROUP, group);
	sa_write_attribute(s, ATTRIBUTE_ENCAPSULATION,
			   natt_encapsulation(&terms->natt, policy->encapsulation));
	write_lifetimes(s, offer->life_seconds ? offer->life_seconds : LIFE_SECONDS_DEFAULT,
			offer->life_kbytes);
	sa_end_transform(s);
}

static struct bytes spi_bytes(const struct qm_spis *spis, enum ike_protocol protocol,
			      uint8_t buf[static SPI_LEN])
{
	struct writer w = writer_make(buf, SPI_LEN);

	writer_u32(&w, spis->spi[protocol]);
	return (struct bytes){ buf, SPI_LEN };
}

/* A NAT changes what AH protects, and there is no AH in UDP. */
static bool can_pass(const struct ike_qm_offer *offer, const struct qm_terms *terms)
{
	return !natt_is_found(&terms->natt) || offer->suites[0].protocol != IKE_PROTOCOL_AH;
}

bool qm_can_offer(const struct ike_qm_policy *policy, const struct qm_terms *terms)
{
	size_t n = qm_offers_sent(policy, terms->group);

	for (size_t i = 0; i < n; i++) {
		if (can_pass(&policy->offers[i], terms))
			return true;
	}
	return false;
}

/* Both can be transforms of one proposal. */
static bool can_share_proposal(const struct ike_qm_offer *a, const struct ike_qm_offer *b)
{
	return a->n_suites == 1 && b->n_suites == 1 &&
	       a->suites[0].protocol == b->suites[0].protocol;
}

/* One proposal for each protection of the offers from @first to before @end, which are alike. */
static void write_proposals(struct sa_writer *s, const struct ike_qm_policy *policy, size_t first,
			    size_t end, uint8_t number, const struct qm_terms *terms,
			    const struct qm_spis *spis)
{
	const struct ike_qm_offer *o = &policy->offers[first];
	uint8_t spi[SPI_LEN];

	for (size_t j = 0; j < o->n_suites; j++) {
		sa_begin_proposal(s, number, o->suites[j].protocol,
				  spi_bytes(spis, o->suites[j].protocol, spi));
		for (size_t k = first; k < end; k++)
			write_transform(s, policy, &policy->offers[k],
					&policy->offers[k].suites[j], terms);
		sa_end_proposal(s);
	}
}

void qm_proposal_write(struct writer *w, const struct ike_qm_policy *policy,
		       const struct qm_terms *terms, const struct qm_spis *spis)
{
	size_t n = qm_offers_sent(policy, terms->group);
	struct sa_writer s = sa_writer_make(w);
	uint8_t number = 0;

	sa_write_head(w);
	for (size_t i = 0, next; i < n; i = next) {
		next = i + 1;
		while (next < n && can_share_proposal(&policy->offers[i], &policy->offers[next]))
			next++;
		if (can_pass(&policy->offers[i], terms))
			write_proposals(&s, policy, i, next, ++number, terms, spis);
	}
}

/* A transform in our terms. */
struct decoded {
	struct ike_suite suite;
	uint16_t encapsulation;	/* natt_encapsulation() */
	uint16_t group;
	uint32_t seconds;
	uint32_t kbytes;
	uint8_t auth;		/* enum ike_hash of the attribute */
	uint8_t life_type;
	uint32_t seen;
};

static bool decode_life(struct decoded *d, uint64_t value)
{
	uint32_t *life = d->life_type == LIFE_SECONDS ? &d->seconds : &d->kbytes;

	if (!d->life_type || *life)
		return false;
	*life = value > UINT32_MAX ? UINT32_MAX : (uint32_t)value;
	d->life_type = 0;
	return true;
}

static bool decode_attribute(struct decoded *d, const struct sa_attribute *a)
{
	bool is_life = a->type == ATTRIBUTE_LIFE_TYPE || a->type == ATTRIBUTE_LIFE_DURATION;

	if (a->type < 32 && !is_life) {
		if (d->seen & UINT32_C(1) << a->type)
			return false;
		d->seen |= UINT32_C(1) << a->type;
	}
	/* Private ones change the meaning of the SA; others that we do not know are ignored. */
	if (a->type >= PRIVATE_ATTRIBUTES)
		return false;
	if (a->type > ATTRIBUTE_ESN)
		return true;
	if (!a->has_value)
		return false;
	switch ((enum attribute)a->type) {
	case ATTRIBUTE_LIFE_TYPE:
		if (d->life_type || (a->value != LIFE_SECONDS && a->value != LIFE_KBYTES))
			return false;
		d->life_type = (uint8_t)a->value;
		return true;
	case ATTRIBUTE_LIFE_DURATION:
		return decode_life(d, a->value);
	case ATTRIBUTE_GROUP:
		d->group = (uint16_t)a->value;
		return a->value <= UINT16_MAX && ike_group_is_known((unsigned int)a->value);
	case ATTRIBUTE_ENCAPSULATION:
		/* The UDP ones (3, 4 and the drafts') come with NAT traversal. */
		d->encapsulation = (uint16_t)a->value;
		return natt_is_encapsulation(a->value);
	case ATTRIBUTE_AUTH:
		d->auth = find_id(auth_values, IKE_HASH_COUNT, a->value);
		return d->auth != IKE_HASH_NONE;
	case ATTRIBUTE_KEY_LENGTH:
		d->suite.key_bits = (uint16_t)a->value;
		return a->value && a->value <= UINT16_MAX;
	case ATTRIBUTE_ECN:
		return true;
	case ATTRIBUTE_KEY_ROUNDS:
	case ATTRIBUTE_DICTIONARY:
	case ATTRIBUTE_PRIVATE_COMPRESSION:
	case ATTRIBUTE_ESN:
		break;
	}
	return false;
}

/* False for a transform that nobody could accept. */
static bool decode_transform(uint8_t protocol, const struct sa_transform *t,
			     struct decoded *ret_decoded)
{
	struct bytes cursor = t->attributes;
	struct decoded d = {0};
	struct sa_attribute a;

	while (sa_next_attribute(&cursor, &a)) {
		if (!decode_attribute(&d, &a))
			return false;
	}
	/* Without an encapsulation mode others guess; we do not. */
	if (d.life_type || !d.encapsulation)
		return false;
	d.suite.hash = d.auth;
	if (protocol == IKE_PROTOCOL_AH) {
		d.suite.protocol = IKE_PROTOCOL_AH;
		if (!d.auth || ah_ids[d.auth] != t->id)
			return false;
	} else if (protocol == IKE_PROTOCOL_ESP) {
		d.suite.protocol = IKE_PROTOCOL_ESP;
		d.suite.cipher = find_id(esp_ids, IKE_CIPHER_COUNT, t->id);
	} else {
		return false;
	}
	if (!is_suite_valid(&d.suite))
		return false;
	*ret_decoded = d;
	return true;
}

static bool is_same_suite(const struct ike_suite *a, const struct ike_suite *b)
{
	return a->protocol == b->protocol && a->cipher == b->cipher &&
	       a->key_bits == b->key_bits && a->hash == b->hash;
}

/* One alternative: the proposals that share a number, with one transform taken from each. */
struct alternative {
	const struct sa_proposal *proposals[IKE_SUITES_MAX];
	uint8_t proposal_index[IKE_SUITES_MAX];
	struct decoded decoded[IKE_SUITES_MAX];
	uint8_t transform_index[IKE_SUITES_MAX];
	size_t n;
};

static bool is_encapsulation(const struct alternative *alt, uint16_t want)
{
	for (size_t i = 0; i < alt->n; i++) {
		if (alt->decoded[i].encapsulation != want)
			return false;
	}
	return true;
}

/* Order on the wire does not matter: each of the offer's suites is there, and nothing else. */
static bool has_suites(const struct alternative *alt, const struct ike_qm_offer *offer)
{
	if (alt->n != offer->n_suites)
		return false;
	for (size_t i = 0; i < alt->n; i++) {
		bool has_it = false;

		for (size_t j = 0; j < alt->n; j++)
			has_it |= is_same_suite(&alt->decoded[j].suite, &offer->suites[i]);
		if (!has_it)
			return false;
	}
	return true;
}

static uint32_t read_spi(struct bytes spi)
{
	struct reader r = reader_from(spi);

	return reader_u32(&r);
}

/* Suites end up in the offer's order, AH before ESP. */
static void fill_choice(const struct alternative *alt, const struct ike_qm_offer *offer,
			size_t offer_index, struct qm_choice *c)
{
	*c = (struct qm_choice){
		.n_suites = alt->n,
		.offer = offer_index,
		.pfs_group = alt->decoded[0].group,
		.wire_seconds = alt->decoded[0].seconds,
		.wire_kbytes = alt->decoded[0].kbytes,
		.number = alt->proposals[0]->number,
	};
	for (size_t i = 0; i < alt->n; i++) {
		for (size_t j = 0; j < alt->n; j++) {
			if (!is_same_suite(&alt->decoded[j].suite, &offer->suites[i]))
				continue;
			c->suites[i] = alt->decoded[j].suite;
			c->peer_spi[i] = read_spi(alt->proposals[j]->spi);
			c->proposal_index[i] = alt->proposal_index[j];
			c->transform_index[i] = alt->transform_index[j];
		}
	}
}

/* The transforms of a bundle must agree on group; PFS goes with a KE payload. */
static bool is_group_consistent(const struct alternative *alt, bool has_ke)
{
	for (size_t i = 1; i < alt->n; i++) {
		if (alt->decoded[i].group != alt->decoded[0].group)
			return false;
	}
	return (alt->decoded[0].group != IKE_GROUP_NONE) == has_ke;
}

static int match_policy(const struct alternative *alt, const struct ike_qm_policy *policy,
			const struct qm_terms *terms, bool has_ke, struct qm_choice *ret_choice)
{
	if (!alt->n || !is_group_consistent(alt, has_ke) ||
	    !is_encapsulation(alt, natt_encapsulation(&terms->natt, policy->encapsulation)))
		return -ENOENT;
	for (size_t i = 0; i < policy->n_offers; i++) {
		const struct ike_qm_offer *offer = &policy->offers[i];
		uint16_t group = qm_offer_group(offer, terms->group);

		if (!can_pass(offer, terms) ||
		    (group != IKE_GROUP_NONE && group != alt->decoded[0].group))
			continue;
		if (has_suites(alt, offer)) {
			fill_choice(alt, offer, i, ret_choice);
			return 0;
		}
	}
	return -ENOENT;
}

/* All combinations of transforms of the alternative's proposals, the first one slowest. */
static int match_transforms(struct alternative *alt, size_t depth,
			    const struct ike_qm_policy *policy, const struct qm_terms *terms,
			    bool has_ke, struct qm_choice *ret_choice)
{
	struct bytes cursor;
	struct sa_transform t;

	if (depth == alt->n)
		return match_policy(alt, policy, terms, has_ke, ret_choice);
	cursor = alt->proposals[depth]->transforms;
	for (size_t i = 0; sa_next_transform(&cursor, &t); i++) {
		if (!decode_transform(alt->proposals[depth]->protocol, &t, &alt->decoded[depth]))
			continue;
		alt->transform_index[depth] = (uint8_t)i;
		if (!match_transforms(alt, depth + 1, policy, terms, has_ke, ret_choice))
			return 0;
	}
	return -ENOENT;
}

/*
 * The next alternative from proposal *at on. False when it is none that we could take (too many
 * proposals in it, a protocol that we do not know, a bad SPI); *at moves on in any case.
 */
static bool next_alternative(const struct sa_payload *sa, size_t *at, struct alternative *alt)
{
	uint8_t number = sa->proposals[*at].number;
	bool is_good = true;

	*alt = (struct alternative){0};
	for (; *at < sa->n_proposals && sa->proposals[*at].number == number; (*at)++) {
		const struct sa_proposal *p = &sa->proposals[*at];

		if (alt->n == IKE_SUITES_MAX || p->spi.len != SPI_LEN ||
		    read_spi(p->spi) < SPI_MIN) {
			is_good = false;
			continue;
		}
		alt->proposals[alt->n] = p;
		alt->proposal_index[alt->n] = (uint8_t)*at;
		alt->n++;
	}
	return is_good;
}

int qm_proposal_choose(struct bytes offer, const struct ike_qm_policy *policy,
		       const struct qm_terms *terms, bool has_ke, struct qm_choice *ret_choice)
{
	struct alternative alt;
	struct sa_payload sa;
	size_t at = 0;
	int ret = sa_payload_parse(offer, &sa);

	if (ret)
		return ret;
	while (at < sa.n_proposals) {
		if (next_alternative(&sa, &at, &alt) &&
		    !match_transforms(&alt, 0, policy, terms, has_ke, ret_choice))
			return 0;
	}
	return -ENOENT;
}

bool qm_proposal_is_transport(struct bytes offer)
{
	struct sa_transform t;
	struct sa_payload sa;
	struct bytes cursor;
	struct decoded d;

	if (sa_payload_parse(offer, &sa))
		return false;
	cursor = sa.proposals[0].transforms;
	return sa_next_transform(&cursor, &t) &&
	       decode_transform(sa.proposals[0].protocol, &t, &d) &&
	       natt_is_transport(d.encapsulation);
}

void qm_proposal_write_choice(struct writer *w, struct bytes offer,
			      const struct qm_choice *choice, const struct qm_spis *spis)
{
	struct sa_writer s = sa_writer_make(w);
	struct sa_payload sa;
	uint8_t spi[SPI_LEN];

	if (sa_payload_parse(offer, &sa))
		return;
	sa_write_head(w);
	for (size_t i = 0; i < choice->n_suites; i++) {
		struct bytes cursor = sa.proposals[choice->proposal_index[i]].transforms;
		struct sa_transform t;

		for (size_t j = 0; j <= choice->transform_index[i]; j++) {
			if (!sa_next_transform(&cursor, &t))
				return;
		}
		sa_begin_proposal(&s, choice->number, choice->suites[i].protocol,
				  spi_bytes(spis, choice->suites[i].protocol, spi));
		sa_copy_transform(&s, &t);
		sa_end_proposal(&s);
	}
}

static uint32_t shorter_life(uint32_t a, uint32_t b)
{
	if (!a || !b)
		return a ? a : b;
	return a < b ? a : b;
}

int qm_proposal_accept(struct bytes answer, const struct ike_qm_policy *policy,
		       const struct qm_terms *terms, struct qm_choice *ret_choice)
{
	uint16_t group = qm_offer_group(&policy->offers[0], terms->group);
	struct ike_qm_policy sent = *policy;
	const struct ike_qm_offer *offer;
	struct alternative alt;
	struct qm_choice c;
	struct sa_payload sa;
	size_t at = 0;
	int ret = sa_payload_parse(answer, &sa);

	if (ret)
		return ret;
	if (!next_alternative(&sa, &at, &alt) || at != sa.n_proposals)
		return -ENOENT;
	for (size_t i = 0; i < alt.n; i++) {
		if (alt.proposals[i]->n_transforms != 1)
			return -ENOENT;
	}
	sent.n_offers = qm_offers_sent(policy, terms->group);
	ret = match_transforms(&alt, 0, &sent, terms, group != IKE_GROUP_NONE, &c);
	if (ret)
		return ret;
	if (c.pfs_group != group)
		return -ENOENT;
	offer = &policy->offers[c.offer];
	c.wire_seconds = shorter_life(c.wire_seconds, offer->life_seconds);
	c.wire_kbytes = shorter_life(c.wire_kbytes, offer->life_kbytes);
	*ret_choice = c;
	return 0;
}

int qm_lifetime_parse(struct bytes attributes, uint32_t *ret_seconds, uint32_t *ret_kbytes)
{
	struct bytes cursor = attributes;
	struct decoded d = {0};
	struct sa_attribute a;

	while (sa_next_attribute(&cursor, &a)) {
		if (a.type != ATTRIBUTE_LIFE_TYPE && a.type != ATTRIBUTE_LIFE_DURATION)
			continue;
		if (!decode_attribute(&d, &a))
			return -EBADMSG;
	}
	if (cursor.len)
		return -EBADMSG;
	*ret_seconds = d.seconds;
	*ret_kbytes = d.kbytes;
	return 0;
}

void qm_lifetime_write(struct writer *w, uint32_t seconds, uint32_t kbytes)
{
	struct sa_writer s = sa_writer_make(w);

	write_lifetimes(&s, seconds, kbytes);
}

const char *qm_suites_format(const struct ike_suite *suites, size_t n, char *buf, size_t cap)
{
	size_t len = 0;

	(void)snprintf(buf, cap, "none");
	for (size_t i = 0; i < n && len < cap; i++) {
		const char *plus = i ? " + " : "";
		int ret;

		if (suites[i].protocol == IKE_PROTOCOL_AH)
			ret = snprintf(buf + len, cap - len, "%sAH %s", plus,
				       ike_hash_name(suites[i].hash));
		else
			ret = snprintf(buf + len, cap - len, "%sESP %s/%s", plus,
				       ike_cipher_name(suites[i].cipher, suites[i].key_bits),
				       ike_hash_name(suites[i].hash));
		len += ret > 0 ? (size_t)ret : 0;
	}
	return buf;
}

const char *qm_offer_format(struct bytes offer, char *buf, size_t cap)
{
	struct sa_payload sa;
	char one[64];
	size_t len = 0, n = 0;

	(void)snprintf(buf, cap, "nothing that we know");
	if (sa_payload_parse(offer, &sa))
		return buf;
	for (size_t p = 0; p < sa.n_proposals; p++) {
		struct bytes cursor = sa.proposals[p].transforms;
		struct sa_transform t;
		struct decoded d;

		while (n < 4 && sa_next_transform(&cursor, &t)) {
			if (!decode_transform(sa.proposals[p].protocol, &t, &d))
				continue;
			qm_suites_format(&d.suite, 1, one, sizeof(one));
			if (len + strlen(one) + 3 > cap)
				return buf;
			len += (size_t)snprintf(buf + len, cap - len, "%s%s", n++ ? ", " : "", one);
		}
	}
	return buf;
}

/* What quick modes are compared by. */
struct compared {
	struct mismatch_values protocols;
	struct mismatch_values ciphers;
	struct mismatch_values esp_hashes;
	struct mismatch_values ah_hashes;
	struct mismatch_values encapsulations;
	struct mismatch_values groups;
};

/* Tunnel 1 and transport 2 (RFC 2407, section 4.5); those in UDP have higher numbers. */
static const char *encapsulation_name(uint16_t encapsulation)
{
	bool is_in_udp = encapsulation > 2;

	if (natt_is_transport(encapsulation))
		return is_in_udp ? "Transport Mode in UDP" : "Transport Mode";
	return is_in_udp ? "Tunnel Mode in UDP" : "Tunnel Mode";
}

static const char *protocols_name(unsigned int protocols)
{
	if (protocols == (1U << IKE_PROTOCOL_AH | 1U << IKE_PROTOCOL_ESP))
		return "AH + ESP";
	return protocols == 1U << IKE_PROTOCOL_AH ? "AH" : "ESP";
}

static void compare_with(struct compared *values, const struct ike_suite *suite)
{
	if (suite->protocol == IKE_PROTOCOL_AH) {
		mismatch_add(&values->ah_hashes, ike_hash_name(suite->hash));
		return;
	}
	mismatch_add(&values->ciphers, ike_cipher_name(suite->cipher, suite->key_bits));
	mismatch_add(&values->esp_hashes, ike_hash_name(suite->hash));
}

static void collect_policy(struct compared *values, const struct ike_qm_policy *policy,
			   const struct qm_terms *terms)
{
	bool takes_any_group = false;

	mismatch_add(&values->encapsulations,
		     encapsulation_name(natt_encapsulation(&terms->natt, policy->encapsulation)));
	for (size_t i = 0; i < policy->n_offers; i++) {
		const struct ike_qm_offer *offer = &policy->offers[i];
		uint16_t group = qm_offer_group(offer, terms->group);
		unsigned int protocols = 0;

		if (!can_pass(offer, terms))
			continue;
		for (size_t s = 0; s < offer->n_suites; s++) {
			compare_with(values, &offer->suites[s]);
			protocols |= 1U << offer->suites[s].protocol;
		}
		mismatch_add(&values->protocols, protocols_name(protocols));
		takes_any_group |= group == IKE_GROUP_NONE;
		mismatch_add(&values->groups, ike_group_name(group));
	}
	if (takes_any_group)
		values->groups.n = 0;
}

static unsigned int collect_alternative(struct compared *values, const struct alternative *alt)
{
	unsigned int protocols = 0;

	for (size_t i = 0; i < alt->n; i++) {
		struct bytes cursor = alt->proposals[i]->transforms;
		struct sa_transform t;
		struct decoded d;

		while (sa_next_transform(&cursor, &t)) {
			if (!decode_transform(alt->proposals[i]->protocol, &t, &d))
				continue;
			protocols |= 1U << d.suite.protocol;
			compare_with(values, &d.suite);
			mismatch_add(&values->encapsulations, encapsulation_name(d.encapsulation));
			mismatch_add(&values->groups, ike_group_name(d.group));
		}
	}
	return protocols;
}

static void collect_offer(struct compared *values, struct bytes offer)
{
	struct alternative alt;
	struct sa_payload sa;
	size_t at = 0;

	if (sa_payload_parse(offer, &sa))
		return;
	while (at < sa.n_proposals) {
		unsigned int protocols;

		if (!next_alternative(&sa, &at, &alt))
			continue;
		protocols = collect_alternative(values, &alt);
		if (protocols)
			mismatch_add(&values->protocols, protocols_name(protocols));
	}
}

void qm_proposal_compare(struct bytes offer, const struct ike_qm_policy *policy,
			 const struct qm_terms *terms, struct mismatch *ret_mismatch)
{
	struct compared ours = {0}, theirs = {0};
	char expected[64], received[MISMATCH_TEXT_LEN];
	const struct ike_qm_offer *first = &policy->offers[0];

	collect_policy(&ours, policy, terms);
	collect_offer(&theirs, offer);
	if (mismatch_is(ret_mismatch, "Protocol", &ours.protocols, &theirs.protocols) ||
	    mismatch_is(ret_mismatch, "ESP Algorithm", &ours.ciphers, &theirs.ciphers) ||
	    mismatch_is(ret_mismatch, "HMAC Algorithm", &ours.esp_hashes, &theirs.esp_hashes) ||
	    mismatch_is(ret_mismatch, "AH Algorithm", &ours.ah_hashes, &theirs.ah_hashes) ||
	    mismatch_is(ret_mismatch, "Encapsulation", &ours.encapsulations,
			&theirs.encapsulations) ||
	    mismatch_is(ret_mismatch, "PFS Group", &ours.groups, &theirs.groups))
		return;
	mismatch_set(ret_mismatch, "Combination",
		     qm_suites_format(first->suites, first->n_suites, expected, sizeof(expected)),
		     qm_offer_format(offer, received, sizeof(received)));
}
