// SPDX-License-Identifier: MIT
#include "policy/strength.h"

static unsigned int cipher_flaws(enum policy_cipher cipher)
{
	switch (cipher) {
	case POLICY_CIPHER_DES:
		return POLICY_FLAW_DES;
	case POLICY_CIPHER_3DES:
		return POLICY_FLAW_3DES;
	default:
		return 0;
	}
}

static unsigned int hash_flaws(enum policy_hash hash)
{
	switch (hash) {
	case POLICY_HASH_MD5:
		return POLICY_FLAW_MD5;
	case POLICY_HASH_SHA1:
		return POLICY_FLAW_SHA1;
	default:
		return 0;
	}
}

unsigned int policy_group_flaws(uint8_t group)
{
	switch (group) {
	case 1:
		return POLICY_FLAW_GROUP_1;
	case 2:
		return POLICY_FLAW_GROUP_2;
	case 5:
		return POLICY_FLAW_GROUP_5;
	default:
		return 0;
	}
}

unsigned int policy_mm_offer_flaws(const struct policy_mm_offer *offer)
{
	return cipher_flaws(offer->cipher) | hash_flaws(offer->hash) |
	       policy_group_flaws(offer->group);
}

static bool has_integrity(const struct policy_qm_offer *offer)
{
	return offer->has_ah || offer->esp_hash != POLICY_HASH_NONE ||
	       offer->esp_cipher == POLICY_CIPHER_AESGCM128 ||
	       offer->esp_cipher == POLICY_CIPHER_AESGCM256;
}

unsigned int policy_qm_offer_flaws(const struct policy_qm_offer *offer)
{
	unsigned int flaws = 0;

	if (offer->has_ah)
		flaws |= hash_flaws(offer->ah_hash);
	if (offer->has_esp)
		flaws |= cipher_flaws(offer->esp_cipher) | hash_flaws(offer->esp_hash);
	return has_integrity(offer) ? flaws : flaws | POLICY_FLAW_NO_INTEGRITY;
}
