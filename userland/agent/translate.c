// SPDX-License-Identifier: MIT
#include "agent/translate.h"

#include <assert.h>

#include "agent/layers.h"
#include "policy/methods.h"

/* The driver's numbers are IKE's, ike/alg.h says so. */
static_assert((int)IKE_CIPHER_AES_GCM_16 == (int)IPSECDRV_CIPHER_AES_GCM_16, "ciphers");
static_assert((int)IKE_CIPHER_NULL == (int)IPSECDRV_CIPHER_NULL, "ciphers");
static_assert((int)IKE_HASH_SHA512 == (int)IPSECDRV_INTEGRITY_HMAC_SHA512, "hashes");
static_assert((int)IKE_HASH_MD5 == (int)IPSECDRV_INTEGRITY_HMAC_MD5, "hashes");
static_assert((int)POLICY_HASH_SHA512 == (int)IKE_HASH_SHA512, "hashes");
static_assert((int)POLICY_HASH_MD5 == (int)IKE_HASH_MD5, "hashes");
static_assert(IKE_CIPHER_KEY_MAX_LEN <= IPSECDRV_MAX_KEY_LEN, "keys");
static_assert(IKE_HASH_MAX_LEN <= IPSECDRV_MAX_KEY_LEN, "keys");

struct cipher_row {
	enum ike_cipher cipher;
	uint16_t key_bits;
};

static const struct cipher_row ciphers[] = {
	[POLICY_CIPHER_NONE] = { IKE_CIPHER_NULL, 0 },
	[POLICY_CIPHER_DES] = { IKE_CIPHER_DES, 0 },
	[POLICY_CIPHER_3DES] = { IKE_CIPHER_3DES, 0 },
	[POLICY_CIPHER_AES128] = { IKE_CIPHER_AES_CBC, 128 },
	[POLICY_CIPHER_AES192] = { IKE_CIPHER_AES_CBC, 192 },
	[POLICY_CIPHER_AES256] = { IKE_CIPHER_AES_CBC, 256 },
	[POLICY_CIPHER_AESGCM128] = { IKE_CIPHER_AES_GCM_16, 128 },
	[POLICY_CIPHER_AESGCM256] = { IKE_CIPHER_AES_GCM_16, 256 },
};

#define AUTHS_PER_METHOD 3

/* What a method can be on the wire; of certificates their keys decide. */
static const enum ike_auth auths[][AUTHS_PER_METHOD] = {
	[POLICY_METHOD_KERBEROS] = { IKE_AUTH_KERBEROS },
	[POLICY_METHOD_PSK] = { IKE_AUTH_PSK },
	[POLICY_METHOD_ROOT_CA] = { IKE_AUTH_RSA_SIG, IKE_AUTH_ECDSA_256, IKE_AUTH_ECDSA_384 },
};

static_assert(IKE_AUTH_COUNT <= 8, "auth bits");
static_assert(IKE_AUTH_COUNT - 1 <= IKE_AUTH_METHODS_MAX, "each auth once");

bool translate_has_auth(const struct policy_rule *rule, enum ike_auth auth)
{
	for (size_t i = 0; auth != IKE_AUTH_NONE && i < rule->n_methods; i++)
		for (size_t j = 0; j < AUTHS_PER_METHOD; j++)
			if (auths[rule->methods[i].kind][j] == auth)
				return true;
	return false;
}

static void add_auth(enum ike_auth auth, struct ike_mm_policy *mm)
{
	for (size_t i = 0; i < mm->n_auth; i++)
		if (mm->auth[i] == auth)
			return;
	mm->auth[mm->n_auth++] = auth;
}

static void add_usable(const struct policy_rule *rule, uint8_t usable, struct ike_mm_policy *mm)
{
	for (size_t i = 0; i < rule->n_methods; i++)
		for (size_t j = 0; j < AUTHS_PER_METHOD; j++)
			if (usable & 1U << auths[rule->methods[i].kind][j])
				add_auth(auths[rule->methods[i].kind][j], mm);
}

void translate_mm_policy(const struct layer_mm *pair, const char *gss_name,
			 struct ike_mm_policy *ret_policy)
{
	const struct policy_rule *rule = pair->rule->treatment->rule;
	const struct policy_mm_policy *policy = pair->rule->treatment->mm->policy;
	struct ike_mm_policy mm = {
		.life_seconds = policy->lifetime_minutes * 60,
		.qm_limit = policy->quick_modes,
		.gss_name = gss_name,
	};

	for (size_t i = 0; i < policy->n_offers && i < IKE_MM_PROPOSALS_MAX; i++) {
		const struct policy_mm_offer *offer = &policy->offers[i];

		mm.proposals[mm.n_proposals++] = (struct ike_mm_proposal){
			.cipher = ciphers[offer->cipher].cipher,
			.key_bits = ciphers[offer->cipher].key_bits,
			.hash = (enum ike_hash)offer->hash,
			.group = offer->group,
		};
	}
	/* IKE_AUTH_NONE, the rest of a row, is no credential either */
	add_usable(rule, pair->usable & (uint8_t)~(1U << IKE_AUTH_NONE), &mm);
	if (!mm.n_auth)
		for (size_t i = 0; i < rule->n_methods; i++)
			add_auth(auths[rule->methods[i].kind][0], &mm);
	*ret_policy = mm;
}

struct ike_suite translate_suite(const struct policy_qm_offer *offer, enum ike_protocol protocol)
{
	if (protocol == IKE_PROTOCOL_AH)
		return (struct ike_suite){
			.protocol = IKE_PROTOCOL_AH, .hash = (enum ike_hash)offer->ah_hash,
		};
	return (struct ike_suite){
		.protocol = IKE_PROTOCOL_ESP,
		.cipher = ciphers[offer->esp_cipher].cipher,
		.key_bits = ciphers[offer->esp_cipher].key_bits,
		.hash = (enum ike_hash)offer->esp_hash,
	};
}

static uint16_t pfs_group(const struct policy_qm_policy *policy)
{
	switch (policy->pfs_group) {
	case POLICY_PFS_NONE:
		return IKE_GROUP_NONE;
	case POLICY_PFS_MAIN_MODE:
		return IKE_GROUP_MAIN_MODE;
	default:
		return policy->pfs_group;
	}
}

void translate_qm_policy(const struct ruleset_rule *rule, const struct kernel_filter *filter,
			 struct ike_qm_policy *ret_policy)
{
	const struct policy_qm_policy *policy = rule->treatment->qm->policy;
	bool is_default_response = rule->treatment->rule->is_default_response;
	/* who only answers takes the peer's */
	uint32_t seconds = is_default_response ? 0 : POLICY_LIFETIME_SECONDS;
	uint32_t kilobytes = is_default_response ? 0 : POLICY_LIFETIME_KILOBYTES;
	struct ike_qm_policy qm = {
		.filter_id = filter->id,
		.encapsulation = filter->class == IPSECDRV_FILTER_CLASS_TUNNEL ?
				 IKE_ENCAPSULATION_TUNNEL : IKE_ENCAPSULATION_TRANSPORT,
	};

	for (size_t i = 0; i < policy->n_offers && i < IKE_QM_OFFERS_MAX; i++) {
		const struct policy_qm_offer *from = &policy->offers[i];
		struct ike_qm_offer *to = &qm.offers[qm.n_offers++];

		/* The order on the packet, outside first. */
		if (from->has_ah)
			to->suites[to->n_suites++] = translate_suite(from, IKE_PROTOCOL_AH);
		if (from->has_esp)
			to->suites[to->n_suites++] = translate_suite(from, IKE_PROTOCOL_ESP);
		to->life_seconds = from->lifetime_seconds ? from->lifetime_seconds : seconds;
		to->life_kbytes = from->lifetime_kilobytes ? from->lifetime_kilobytes : kilobytes;
		to->pfs_group = pfs_group(policy);
	}
	*ret_policy = qm;
}

struct ike_selector translate_selector(const struct kernel_selector *selector)
{
	return (struct ike_selector){
		.local = selector->local,
		.remote = selector->remote,
		.local_prefix = selector->local_prefix,
		.remote_prefix = selector->remote_prefix,
		.protocol = selector->protocol,
		.local_port = selector->local_port,
		.remote_port = selector->remote_port,
	};
}

struct kernel_selector translate_selector_back(const struct ike_selector *selector)
{
	return (struct kernel_selector){
		.local = selector->local,
		.remote = selector->remote,
		.local_prefix = selector->local_prefix,
		.remote_prefix = selector->remote_prefix,
		.protocol = selector->protocol,
		.local_port = selector->local_port,
		.remote_port = selector->remote_port,
	};
}

bool translate_is_same_selector(const struct ike_selector *a, const struct ike_selector *b)
{
	return ip_addr_is_equal(&a->local, &b->local) && ip_addr_is_equal(&a->remote, &b->remote) &&
	       a->local_prefix == b->local_prefix && a->remote_prefix == b->remote_prefix &&
	       a->protocol == b->protocol && a->local_port == b->local_port &&
	       a->remote_port == b->remote_port;
}

enum ipsecdrv_protection translate_protection(enum ike_protocol protocol)
{
	return protocol == IKE_PROTOCOL_AH ? IPSECDRV_PROTECTION_AH : IPSECDRV_PROTECTION_ESP;
}

enum ike_protocol translate_protocol(enum ipsecdrv_protection protection)
{
	return protection == IPSECDRV_PROTECTION_AH ? IKE_PROTOCOL_AH : IKE_PROTOCOL_ESP;
}

/* The AH association outside an ESP one, in the same direction; 0 if there is none. */
static uint32_t bundle_spi(const struct ike_sa_install *install, size_t suite,
			   enum ipsecdrv_direction direction)
{
	if (install->suites[suite].suite.protocol != IKE_PROTOCOL_ESP)
		return 0;
	for (size_t i = 0; i < install->n_suites; i++)
		if (install->suites[i].suite.protocol == IKE_PROTOCOL_AH)
			return direction == IPSECDRV_DIRECTION_IN ? install->suites[i].spi_in :
								    install->suites[i].spi_out;
	return 0;
}

/* UDP around ESP, between the ports that IKE has come to. */
static void set_encapsulation(const struct ike_sa_install *install, struct kernel_sa *sa)
{
	if (!install->is_in_udp || sa->protection != IPSECDRV_PROTECTION_ESP)
		return;
	sa->encap_local_port = install->path.local_port;
	sa->encap_remote_port = install->path.remote_port;
	if (sa->direction == IPSECDRV_DIRECTION_IN)
		sa->encap_follow = install->is_peer_behind_nat;
	else if (install->is_behind_nat)
		sa->encap_keepalive = TRANSLATE_KEEPALIVE_SECONDS;
}

static uint32_t idle_seconds(const struct ike_sa_install *install)
{
	return install->idle_seconds ? install->idle_seconds : TRANSLATE_IDLE_SECONDS;
}

void translate_sa(const struct ike_sa_install *install, size_t suite,
		  enum ipsecdrv_direction direction, struct kernel_sa *ret_sa)
{
	const struct ike_sa_suite *from = &install->suites[suite];
	bool is_in = direction == IPSECDRV_DIRECTION_IN;
	const struct ike_keys *keys = is_in ? &from->in : &from->out;

	*ret_sa = (struct kernel_sa){
		.spi = is_in ? from->spi_in : from->spi_out,
		.protection = translate_protection(from->suite.protocol),
		.direction = direction,
		.encapsulation = install->encapsulation == IKE_ENCAPSULATION_TUNNEL ?
				 IPSECDRV_ENCAPSULATION_TUNNEL : IPSECDRV_ENCAPSULATION_TRANSPORT,
		.local = install->path.local,
		.remote = install->path.remote,
		.filter_id = install->filter_id,
		.selector = translate_selector_back(&install->selector),
		.has_selector = true,
		.cipher = (enum ipsecdrv_cipher)from->suite.cipher,
		.integrity = (enum ipsecdrv_integrity)from->suite.hash,
		.cipher_key_len = keys->cipher_key_len,
		.integrity_key_len = keys->hash_key_len,
		.lifetime = {
			.soft_bytes = is_in ? install->soft_bytes_in : install->soft_bytes,
			.hard_bytes = install->life_bytes,
			.soft_seconds = install->soft_seconds,
			.hard_seconds = install->life_seconds,
			.idle_seconds = is_in ? idle_seconds(install) : 0,
		},
		.pair_spi = is_in ? from->spi_out : from->spi_in,
		.bundle_spi = bundle_spi(install, suite, direction),
	};
	set_encapsulation(install, ret_sa);
	memcpy(ret_sa->cipher_key, keys->cipher_key, keys->cipher_key_len);
	memcpy(ret_sa->integrity_key, keys->hash_key, keys->hash_key_len);
}

const char *translate_cipher_name(enum ike_cipher cipher, unsigned int key_bits)
{
	for (size_t i = 0; i < sizeof(ciphers) / sizeof(ciphers[0]); i++)
		if (ciphers[i].cipher == cipher && ciphers[i].key_bits == key_bits)
			return policy_cipher_name((enum policy_cipher)i);
	return ike_cipher_name(cipher, key_bits);
}

const char *translate_hash_name(enum ike_hash hash)
{
	return policy_hash_name((enum policy_hash)hash);
}
