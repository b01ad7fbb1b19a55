// SPDX-License-Identifier: MIT
#include "ike/proposal_mm.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ike/gss_name.h"
#include "ike/mismatch.h"
#include "ike/sa_payload.h"
#include "ike/vid.h"

#define TRANSFORM_KEY_IKE 1
#define PRIVATE_ATTRIBUTES 16384

enum attribute {
	ATTRIBUTE_ENCRYPTION = 1,
	ATTRIBUTE_HASH = 2,
	ATTRIBUTE_AUTH = 3,
	ATTRIBUTE_GROUP = 4,
	ATTRIBUTE_GROUP_TYPE = 5,
	ATTRIBUTE_CURVE_B = 10,
	ATTRIBUTE_LIFE_TYPE = 11,
	ATTRIBUTE_LIFE_DURATION = 12,
	ATTRIBUTE_PRF = 13,
	ATTRIBUTE_KEY_LENGTH = 14,
	ATTRIBUTE_FIELD_SIZE = 15,
	ATTRIBUTE_GROUP_ORDER = 16,
	ATTRIBUTE_GSS_NAME = 16384,
	ATTRIBUTE_GSS_NAME_W2K = 32001,	/* Windows 2000 */
};

enum life_type {
	LIFE_SECONDS = 1,
	LIFE_KBYTES = 2,
};

#define AUTH_KERBEROS 65001

static const struct {
	uint16_t wire;
	uint8_t value;
} ciphers[] = {
	{ 1, IKE_CIPHER_DES },
	{ 5, IKE_CIPHER_3DES },
	{ 7, IKE_CIPHER_AES_CBC },
}, hashes[] = {
	{ 1, IKE_HASH_MD5 },	{ 2, IKE_HASH_SHA1 },	{ 4, IKE_HASH_SHA256 },
	{ 5, IKE_HASH_SHA384 }, { 6, IKE_HASH_SHA512 },
}, auths[] = {
	{ 1, IKE_AUTH_PSK },
	{ 3, IKE_AUTH_RSA_SIG },
	{ 9, IKE_AUTH_ECDSA_256 },
	{ 10, IKE_AUTH_ECDSA_384 },
	{ AUTH_KERBEROS, IKE_AUTH_KERBEROS },
};

/* Table lookups both ways; 0, which is no algorithm in any of them, when there is no row. */
#define FROM_WIRE(table, number) from_wire(table, sizeof(table) / sizeof(table[0]), number)
#define TO_WIRE(table, number) to_wire(table, sizeof(table) / sizeof(table[0]), number)

static uint8_t from_wire(const __typeof__(ciphers[0]) *table, size_t n, uint64_t wire)
{
	for (size_t i = 0; i < n; i++) {
		if (table[i].wire == wire)
			return table[i].value;
	}
	return 0;
}

static uint16_t to_wire(const __typeof__(ciphers[0]) *table, size_t n, unsigned int value)
{
	for (size_t i = 0; i < n; i++) {
		if (table[i].value == value)
			return table[i].wire;
	}
	return 0;
}

int mm_policy_check(const struct ike_mm_policy *policy)
{
	if (!policy->n_proposals || policy->n_proposals > IKE_MM_PROPOSALS_MAX ||
	    !policy->n_auth || policy->n_auth > IKE_AUTH_METHODS_MAX)
		return -EINVAL;
	for (size_t i = 0; i < policy->n_proposals; i++) {
		const struct ike_mm_proposal *p = &policy->proposals[i];

		if (!TO_WIRE(ciphers, p->cipher) || !TO_WIRE(hashes, p->hash) ||
		    !ike_group_is_known(p->group) || !ike_cipher_is_valid(p->cipher, p->key_bits))
			return -EINVAL;
	}
	for (size_t i = 0; i < policy->n_auth; i++) {
		if (!TO_WIRE(auths, policy->auth[i]))
			return -EINVAL;
	}
	return 0;
}

struct ike_mm_policy *mm_policy_copy(const struct ike_mm_policy *policy)
{
	size_t len = policy->gss_name ? strlen(policy->gss_name) + 1 : 0;
	struct ike_mm_policy *copy = malloc(sizeof(*copy) + len);

	if (!copy)
		return NULL;
	*copy = *policy;
	if (len)
		copy->gss_name = memcpy(copy + 1, policy->gss_name, len);
	return copy;
}

bool mm_policy_has_gss_name(const struct ike_mm_policy *policy)
{
	uint8_t name[GSS_NAME_WIRE_MAX_LEN];
	struct writer w = writer_make(name, sizeof(name));

	return policy->gss_name && !gss_name_write(&w, policy->gss_name) && !w.overflow;
}

static void write_gss_name(struct sa_writer *s, const char *gss_name)
{
	uint8_t name[GSS_NAME_WIRE_MAX_LEN];
	struct writer w = writer_make(name, sizeof(name));

	if (!gss_name_write(&w, gss_name))
		sa_write_attribute_bytes(s, ATTRIBUTE_GSS_NAME, (struct bytes){ name, w.len });
}

static void write_transform(struct sa_writer *s, const struct ike_mm_proposal *p,
			    enum ike_auth auth, const struct ike_mm_policy *policy)
{
	sa_begin_transform(s, TRANSFORM_KEY_IKE);
	sa_write_attribute(s, ATTRIBUTE_ENCRYPTION, TO_WIRE(ciphers, p->cipher));
	if (p->key_bits)
		sa_write_attribute(s, ATTRIBUTE_KEY_LENGTH, p->key_bits);
	sa_write_attribute(s, ATTRIBUTE_HASH, TO_WIRE(hashes, p->hash));
	sa_write_attribute(s, ATTRIBUTE_AUTH, TO_WIRE(auths, auth));
	sa_write_attribute(s, ATTRIBUTE_GROUP, p->group);
	sa_write_attribute(s, ATTRIBUTE_LIFE_TYPE, LIFE_SECONDS);
	sa_write_attribute(s, ATTRIBUTE_LIFE_DURATION, policy->life_seconds);
	if (auth == IKE_AUTH_KERBEROS && policy->gss_name)
		write_gss_name(s, policy->gss_name);
	sa_end_transform(s);
}

void mm_proposal_write(struct writer *w, const struct ike_mm_policy *policy)
{
	/* The peer's parser has limits too. What is too much goes from each method alike. */
	size_t most = SA_TRANSFORMS_MAX / policy->n_auth;
	struct sa_writer s = sa_writer_make(w);

	sa_write_head(w);
	sa_begin_proposal(&s, 1, IKE_PROTOCOL_ISAKMP, (struct bytes){0});
	for (size_t a = 0; a < policy->n_auth; a++) {
		for (size_t p = 0; p < policy->n_proposals && p < most; p++)
			write_transform(&s, &policy->proposals[p], policy->auth[a], policy);
	}
	sa_end_proposal(&s);
}

/* While the attributes of a transform are read. */
struct decoder {
	struct mm_choice choice;
	uint32_t seen;		/* bit per attribute below 32 */
	uint8_t life_type;
};

static bool decode_life(struct decoder *d, uint64_t value)
{
	uint32_t *life = d->life_type == LIFE_SECONDS ? &d->choice.life_seconds :
							&d->choice.life_kbytes;

	if (!d->life_type || *life)
		return false;
	*life = value > UINT32_MAX ? UINT32_MAX : (uint32_t)value;
	d->life_type = 0;
	return true;
}

static bool decode_auth(struct decoder *d, uint64_t value, uint32_t vids)
{
	/*
	 * 65001 is Kerberos only between those who say that they speak GSS-API; for others it is
	 * XAUTH, which does not exist here.
	 */
	if (value == AUTH_KERBEROS && !(vids & (VID_GSSAPI | VID_MICROSOFT)))
		return false;
	d->choice.auth = FROM_WIRE(auths, value);
	return d->choice.auth != IKE_AUTH_NONE;
}

/* False when the transform cannot be accepted; unknown attributes alone are no reason. */
static bool decode_attribute(struct decoder *d, const struct sa_attribute *a, uint32_t vids)
{
	bool is_life = a->type == ATTRIBUTE_LIFE_TYPE || a->type == ATTRIBUTE_LIFE_DURATION;

	if (a->type < 32 && !is_life) {
		if (d->seen & UINT32_C(1) << a->type)
			return false;
		d->seen |= UINT32_C(1) << a->type;
	}
	if (a->type == ATTRIBUTE_GSS_NAME || a->type == ATTRIBUTE_GSS_NAME_W2K)
		return true;
	if (a->type >= PRIVATE_ATTRIBUTES)
		return false;
	if (a->type > ATTRIBUTE_GROUP_ORDER)
		return true;
	if (!a->has_value)
		return false;
	switch ((enum attribute)a->type) {
	case ATTRIBUTE_ENCRYPTION:
		d->choice.proposal.cipher = FROM_WIRE(ciphers, a->value);
		return d->choice.proposal.cipher != IKE_CIPHER_NONE;
	case ATTRIBUTE_HASH:
		d->choice.proposal.hash = FROM_WIRE(hashes, a->value);
		return d->choice.proposal.hash != IKE_HASH_NONE;
	case ATTRIBUTE_AUTH:
		return decode_auth(d, a->value, vids);
	case ATTRIBUTE_GROUP:
		d->choice.proposal.group = (uint16_t)a->value;
		return a->value <= UINT16_MAX && ike_group_is_known((unsigned int)a->value);
	case ATTRIBUTE_LIFE_TYPE:
		if (d->life_type || (a->value != LIFE_SECONDS && a->value != LIFE_KBYTES))
			return false;
		d->life_type = (uint8_t)a->value;
		return true;
	case ATTRIBUTE_LIFE_DURATION:
		return decode_life(d, a->value);
	case ATTRIBUTE_KEY_LENGTH:
		d->choice.proposal.key_bits = (uint16_t)a->value;
		return a->value && a->value <= UINT16_MAX;
	case ATTRIBUTE_GROUP_TYPE:
	case ATTRIBUTE_CURVE_B:
	case ATTRIBUTE_PRF:
	case ATTRIBUTE_FIELD_SIZE:
	case ATTRIBUTE_GROUP_ORDER:
	case ATTRIBUTE_GSS_NAME:
	case ATTRIBUTE_GSS_NAME_W2K:
		break;
	}
	/* Private groups and pseudo-random functions (0, 5 to 10, 13, 15, 16): never. */
	return false;
}

/* False for a transform that nobody could accept. */
static bool decode_transform(const struct sa_transform *t, uint32_t vids,
			     struct mm_choice *ret_choice)
{
	struct bytes cursor = t->attributes;
	struct decoder d = {0};
	struct sa_attribute a;

	if (t->id != TRANSFORM_KEY_IKE)
		return false;
	while (sa_next_attribute(&cursor, &a)) {
		if (!decode_attribute(&d, &a, vids))
			return false;
	}
	/* AES without a key length is AES-128 for every other implementation. */
	if (d.choice.proposal.cipher == IKE_CIPHER_AES_CBC && !d.choice.proposal.key_bits)
		d.choice.proposal.key_bits = 128;
	if (!d.choice.proposal.cipher || !d.choice.proposal.hash || !d.choice.proposal.group ||
	    d.choice.auth == IKE_AUTH_NONE || d.life_type ||
	    !ike_cipher_is_valid(d.choice.proposal.cipher, d.choice.proposal.key_bits))
		return false;
	*ret_choice = d.choice;
	return true;
}

static bool is_same_proposal(const struct ike_mm_proposal *a, const struct ike_mm_proposal *b)
{
	return a->cipher == b->cipher && a->key_bits == b->key_bits && a->hash == b->hash &&
	       a->group == b->group;
}

static bool is_acceptable(const struct mm_choice *c, const struct ike_mm_policy *policy)
{
	bool has_auth = false;

	for (size_t i = 0; i < policy->n_auth; i++)
		has_auth |= policy->auth[i] == c->auth;
	for (size_t i = 0; has_auth && i < policy->n_proposals; i++) {
		if (is_same_proposal(&policy->proposals[i], &c->proposal))
			return true;
	}
	return false;
}

int mm_proposal_choose(struct bytes offer, const struct ike_mm_policy *policy, uint32_t vids,
		       struct mm_choice *ret_choice)
{
	struct sa_payload sa;
	struct mm_choice c;
	int ret = sa_payload_parse(offer, &sa);

	if (ret)
		return ret;
	/* RFC 2409, section 5: offers of main mode are transforms, in one proposal. */
	if (sa.n_proposals > 1)
		return -EBADMSG;
	for (size_t p = 0; p < sa.n_proposals; p++) {
		struct bytes cursor = sa.proposals[p].transforms;
		struct sa_transform t;

		if (sa.proposals[p].protocol != IKE_PROTOCOL_ISAKMP ||
		    sa.proposals[p].spi.len > 16)
			continue;
		for (size_t i = 0; sa_next_transform(&cursor, &t); i++) {
			if (!decode_transform(&t, vids, &c) || !is_acceptable(&c, policy))
				continue;
			c.proposal_index = (uint8_t)p;
			c.transform_index = (uint8_t)i;
			*ret_choice = c;
			return 0;
		}
	}
	return -ENOENT;
}

static int find_transform(struct bytes body, uint8_t proposal_index, uint8_t transform_index,
			  uint8_t *ret_number, struct sa_transform *ret_transform)
{
	struct sa_payload sa;
	struct bytes cursor;

	if (sa_payload_parse(body, &sa) || proposal_index >= sa.n_proposals)
		return -ENOENT;
	cursor = sa.proposals[proposal_index].transforms;
	for (size_t i = 0; i <= transform_index; i++) {
		if (!sa_next_transform(&cursor, ret_transform))
			return -ENOENT;
	}
	*ret_number = sa.proposals[proposal_index].number;
	return 0;
}

static bool is_gss_name(const struct sa_attribute *a)
{
	return a->type == ATTRIBUTE_GSS_NAME || a->type == ATTRIBUTE_GSS_NAME_W2K;
}

void mm_proposal_write_choice(struct writer *w, struct bytes offer, const struct mm_choice *choice,
			      const char *gss_name)
{
	struct sa_writer s = sa_writer_make(w);
	struct sa_transform t;
	struct sa_attribute a;
	uint8_t number;

	if (find_transform(offer, choice->proposal_index, choice->transform_index, &number, &t))
		return;
	sa_write_head(w);
	sa_begin_proposal(&s, number, IKE_PROTOCOL_ISAKMP, (struct bytes){0});
	if (gss_name) {
		sa_begin_transform_as(&s, &t);
		while (sa_next_attribute(&t.attributes, &a)) {
			if (!is_gss_name(&a))
				sa_copy_attribute(&s, &a);
		}
		write_gss_name(&s, gss_name);
		sa_end_transform(&s);
	} else {
		sa_copy_transform(&s, &t);
	}
	sa_end_proposal(&s);
}

struct bytes mm_proposal_gss_name(struct bytes body, uint8_t proposal_index,
				  uint8_t transform_index)
{
	struct sa_transform t;
	struct sa_attribute a;
	uint8_t number;

	if (find_transform(body, proposal_index, transform_index, &number, &t))
		return (struct bytes){0};
	while (sa_next_attribute(&t.attributes, &a)) {
		if (is_gss_name(&a) && a.bytes.len <= GSS_NAME_WIRE_MAX_LEN &&
		    a.bytes.len % 2 == 0)
			return a.bytes;
	}
	return (struct bytes){0};
}

/* The one transform that a responder's answer holds. */
static int decode_answer(struct bytes answer, uint32_t vids, struct mm_choice *ret_choice)
{
	struct sa_transform t;
	struct sa_payload sa;
	struct bytes cursor;
	int ret = sa_payload_parse(answer, &sa);

	if (ret)
		return ret;
	if (sa.n_proposals != 1 || sa.proposals[0].n_transforms != 1 ||
	    sa.proposals[0].protocol != IKE_PROTOCOL_ISAKMP)
		return -ENOENT;
	cursor = sa.proposals[0].transforms;
	if (!sa_next_transform(&cursor, &t) || !decode_transform(&t, vids, ret_choice))
		return -ENOENT;
	return 0;
}

static uint32_t shorter_life(uint32_t a, uint32_t b)
{
	if (!a || !b)
		return a ? a : b;
	return a < b ? a : b;
}

int mm_proposal_accept(struct bytes offer, struct bytes answer, uint32_t vids,
		       struct mm_choice *ret_choice)
{
	struct mm_choice chosen, ours;
	struct sa_transform t;
	struct sa_payload sa;
	struct bytes cursor;
	int ret = decode_answer(answer, vids, &chosen);

	if (!ret)
		ret = sa_payload_parse(offer, &sa);
	if (ret)
		return ret;
	cursor = sa.proposals[0].transforms;
	for (size_t i = 0; sa_next_transform(&cursor, &t); i++) {
		if (!decode_transform(&t, ~UINT32_C(0), &ours) || ours.auth != chosen.auth ||
		    !is_same_proposal(&ours.proposal, &chosen.proposal))
			continue;
		ours.transform_index = (uint8_t)i;
		ours.life_seconds = shorter_life(ours.life_seconds, chosen.life_seconds);
		ours.life_kbytes = shorter_life(ours.life_kbytes, chosen.life_kbytes);
		*ret_choice = ours;
		return 0;
	}
	return -ENOENT;
}

const char *mm_proposal_format(const struct ike_mm_proposal *proposal, char *buf, size_t cap)
{
	(void)snprintf(buf, cap, "%s/%s/%s", ike_cipher_name(proposal->cipher, proposal->key_bits),
		       ike_hash_name(proposal->hash), ike_group_name(proposal->group));
	return buf;
}

const char *mm_offer_format(struct bytes offer, uint32_t vids, char *buf, size_t cap)
{
	struct sa_transform t;
	struct sa_payload sa;
	struct bytes cursor;
	struct mm_choice c;
	char one[64];
	size_t len = 0;

	(void)snprintf(buf, cap, "nothing that we know");
	if (sa_payload_parse(offer, &sa))
		return buf;
	cursor = sa.proposals[0].transforms;
	for (size_t n = 0; n < 4 && sa_next_transform(&cursor, &t);) {
		if (!decode_transform(&t, vids, &c))
			continue;
		mm_proposal_format(&c.proposal, one, sizeof(one));
		if (len + strlen(one) + 3 > cap)
			break;
		len += (size_t)snprintf(buf + len, cap - len, "%s%s", n++ ? ", " : "", one);
	}
	return buf;
}

/* What main modes are compared by. */
struct compared {
	struct mismatch_values ciphers;
	struct mismatch_values hashes;
	struct mismatch_values groups;
	struct mismatch_values auths;
};

static void compare_with(struct compared *values, const struct ike_mm_proposal *p)
{
	mismatch_add(&values->ciphers, ike_cipher_name(p->cipher, p->key_bits));
	mismatch_add(&values->hashes, ike_hash_name(p->hash));
	mismatch_add(&values->groups, ike_group_name(p->group));
}

static void collect_offer(struct compared *values, struct bytes offer, uint32_t vids)
{
	struct sa_transform t;
	struct sa_payload sa;
	struct mm_choice c;

	if (sa_payload_parse(offer, &sa))
		return;
	for (size_t p = 0; p < sa.n_proposals; p++) {
		struct bytes cursor = sa.proposals[p].transforms;

		while (sa_next_transform(&cursor, &t)) {
			if (!decode_transform(&t, vids, &c))
				continue;
			compare_with(values, &c.proposal);
			mismatch_add(&values->auths, ike_auth_name(c.auth));
		}
	}
}

void mm_proposal_compare(struct bytes offer, const struct ike_mm_policy *policy, uint32_t vids,
			 struct mismatch *ret_mismatch)
{
	struct compared ours = {0}, theirs = {0};
	char expected[64], received[MISMATCH_TEXT_LEN];

	for (size_t i = 0; i < policy->n_proposals; i++)
		compare_with(&ours, &policy->proposals[i]);
	for (size_t i = 0; i < policy->n_auth; i++)
		mismatch_add(&ours.auths, ike_auth_name(policy->auth[i]));
	collect_offer(&theirs, offer, vids);
	if (mismatch_is(ret_mismatch, "Encryption Algorithm", &ours.ciphers, &theirs.ciphers) ||
	    mismatch_is(ret_mismatch, "Hash Algorithm", &ours.hashes, &theirs.hashes) ||
	    mismatch_is(ret_mismatch, "Diffie-Hellman Group", &ours.groups, &theirs.groups) ||
	    mismatch_is(ret_mismatch, "Authentication Method", &ours.auths, &theirs.auths))
		return;
	mismatch_set(ret_mismatch, "Combination",
		     mm_proposal_format(&policy->proposals[0], expected, sizeof(expected)),
		     mm_offer_format(offer, vids, received, sizeof(received)));
}
