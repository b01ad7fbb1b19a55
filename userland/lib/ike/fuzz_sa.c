// SPDX-License-Identifier: MIT
/*
 * SA payloads of both phases. The first byte chooses the policy, the rest is the payload's body.
 * Whatever is chosen must be in the policy and in the offer.
 */
#include <string.h>

#include "ike/fuzz.h"
#include "ike/proposal_mm.h"
#include "ike/proposal_qm.h"
#include "ike/sa_payload.h"
#include "ike/vid.h"

static const struct qm_terms terms = { .group = 14 };

static const struct ike_mm_policy mm_policies[] = {
	{ .proposals = { { IKE_CIPHER_3DES, 0, IKE_HASH_SHA1, 2 },
			 { IKE_CIPHER_AES_CBC, 128, IKE_HASH_SHA256, 14 } },
	  .n_proposals = 2, .auth = { IKE_AUTH_PSK }, .n_auth = 1, .life_seconds = 28800 },
	{ .proposals = { { IKE_CIPHER_AES_CBC, 256, IKE_HASH_SHA512, 21 },
			 { IKE_CIPHER_DES, 0, IKE_HASH_MD5, 1 } },
	  .n_proposals = 2, .auth = { IKE_AUTH_KERBEROS, IKE_AUTH_PSK }, .n_auth = 2,
	  .life_seconds = 100000 },
};

static const struct ike_qm_policy qm_policies[] = {
	{ .offers = { { .suites = { { IKE_PROTOCOL_ESP, IKE_CIPHER_3DES, 0, IKE_HASH_SHA1 } },
			.n_suites = 1, .life_seconds = 3600, .life_kbytes = 100000 },
		      { .suites = { { IKE_PROTOCOL_AH, IKE_CIPHER_NONE, 0, IKE_HASH_MD5 } },
			.n_suites = 1 } },
	  .n_offers = 2 },
	{ .offers = { { .suites = { { IKE_PROTOCOL_AH, IKE_CIPHER_NONE, 0, IKE_HASH_SHA256 },
				    { IKE_PROTOCOL_ESP, IKE_CIPHER_NULL, 0, IKE_HASH_SHA1 } },
			.n_suites = 2, .life_seconds = 900, .pfs_group = IKE_GROUP_MAIN_MODE },
		      { .suites = { { IKE_PROTOCOL_ESP, IKE_CIPHER_AES_GCM_16, 256,
				      IKE_HASH_NONE } },
			.n_suites = 1, .life_seconds = 900, .pfs_group = 14 } },
	  .n_offers = 2, .encapsulation = IKE_ENCAPSULATION_TUNNEL },
};

static const struct qm_spis spis = { .spi = { 0, 0, 0x1001, 0x1002 } };

static bool is_same_proposal(const struct ike_mm_proposal *a, const struct ike_mm_proposal *b)
{
	return a->cipher == b->cipher && a->key_bits == b->key_bits && a->hash == b->hash &&
	       a->group == b->group;
}

static bool is_same_suite(const struct ike_suite *a, const struct ike_suite *b)
{
	return a->protocol == b->protocol && a->cipher == b->cipher &&
	       a->key_bits == b->key_bits && a->hash == b->hash;
}

static void fuzz_mm(struct bytes body, const struct ike_mm_policy *policy, uint32_t vids)
{
	uint8_t buf[70000];
	struct writer w = writer_make(buf, sizeof(buf));
	struct mm_choice c, d;
	bool is_ours = false;
	char text[100];

	(void)mm_offer_format(body, vids, text, sizeof(text));
	if (mm_proposal_choose(body, policy, vids, &c))
		return;
	for (size_t i = 0; i < policy->n_proposals; i++)
		is_ours |= is_same_proposal(&policy->proposals[i], &c.proposal);
	FUZZ_CHECK(is_ours);
	FUZZ_CHECK(c.auth == policy->auth[0] || (policy->n_auth > 1 && c.auth == policy->auth[1]));
	/* What goes back is accepted by whoever offered it, and is the same. */
	mm_proposal_write_choice(&w, body, &c, NULL);
	FUZZ_CHECK(!w.overflow && w.len);
	FUZZ_CHECK(!mm_proposal_choose((struct bytes){ buf, w.len }, policy, vids, &d));
	FUZZ_CHECK(is_same_proposal(&c.proposal, &d.proposal));
	FUZZ_CHECK(c.life_seconds == d.life_seconds && c.auth == d.auth);
}

static void fuzz_qm(struct bytes body, const struct ike_qm_policy *policy, bool has_ke)
{
	uint8_t buf[70000];
	struct writer w = writer_make(buf, sizeof(buf));
	struct qm_choice c, d;
	char text[100];

	(void)qm_offer_format(body, text, sizeof(text));
	(void)qm_proposal_accept(body, policy, &terms, &d);
	if (qm_proposal_choose(body, policy, &terms, has_ke, &c))
		return;
	FUZZ_CHECK(c.offer < policy->n_offers);
	FUZZ_CHECK(c.n_suites == policy->offers[c.offer].n_suites);
	for (size_t i = 0; i < c.n_suites; i++) {
		FUZZ_CHECK(is_same_suite(&c.suites[i], &policy->offers[c.offer].suites[i]));
		FUZZ_CHECK(c.peer_spi[i] >= 256);
	}
	FUZZ_CHECK(has_ke == (c.pfs_group != IKE_GROUP_NONE));
	qm_proposal_write_choice(&w, body, &c, &spis);
	FUZZ_CHECK(!w.overflow && w.len);
	FUZZ_CHECK(!qm_proposal_choose((struct bytes){ buf, w.len }, policy, &terms, has_ke, &d));
	FUZZ_CHECK(d.n_suites == c.n_suites && d.pfs_group == c.pfs_group);
	for (size_t i = 0; i < c.n_suites; i++)
		FUZZ_CHECK(is_same_suite(&c.suites[i], &d.suites[i]));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct bytes body = { data + 1, len - 1 };

	if (!len || len > 65000)
		return 0;
	if (data[0] & 1)
		fuzz_qm(body, &qm_policies[data[0] >> 1 & 1], data[0] & 4);
	else
		fuzz_mm(body, &mm_policies[data[0] >> 1 & 1], data[0] & 4 ? VID_GSSAPI : 0);
	return 0;
}

size_t fuzz_seed(size_t index, uint8_t *buf, size_t cap)
{
	struct writer w = writer_make(buf, cap);

	if (index > 5)
		return 0;
	writer_u8(&w, (uint8_t)(index == 3 ? 7 : index));
	if (index & 1)
		qm_proposal_write(&w, &qm_policies[index >> 1 & 1], &terms, &spis);
	else
		mm_proposal_write(&w, &mm_policies[index >> 1 & 1]);
	return w.overflow ? 0 : w.len;
}
