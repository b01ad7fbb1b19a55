// SPDX-License-Identifier: MIT
#include "link/message_checks.h"

#include <errno.h>

#include "link/messages.h"

static int verdict(bool is_good)
{
	return is_good ? 0 : -EBADMSG;
}

static bool is_spi_or_none(uint32_t spi)
{
	return spi == 0 || spi >= MESSAGE_SPI_MIN;
}

static bool is_reason(enum ike_reason reason)
{
	return reason == IKE_REASON_OK || (reason >= MESSAGE_REASON_MIN && reason <= MESSAGE_REASON_MAX);
}

/* Both for two hosts that talk: neither address is a group or "any". */
static bool is_host(const struct ip_addr *addr)
{
	return !ip_addr_is_unspecified(addr) && !ip_addr_is_multicast(addr);
}

int message_check_path(const void *object)
{
	const struct ike_path *path = object;

	return verdict(path->local.family == path->remote.family && is_host(&path->local) &&
		       is_host(&path->remote));
}

int message_check_selector(const void *object)
{
	const struct ike_selector *s = object;
	size_t bits = 8 * ip_addr_len(&s->local);

	return verdict(s->local.family == s->remote.family && s->local_prefix <= bits &&
		       s->remote_prefix <= bits);
}

static bool is_group(uint16_t group)
{
	return group != IKE_GROUP_NONE && group != IKE_GROUP_MAIN_MODE && ike_group_is_known(group);
}

int message_check_mm_proposal(const void *object)
{
	const struct ike_mm_proposal *p = object;

	return verdict((p->cipher == IKE_CIPHER_DES || p->cipher == IKE_CIPHER_3DES ||
			p->cipher == IKE_CIPHER_AES_CBC) &&
		       ike_cipher_is_valid(p->cipher, p->key_bits) && p->hash != IKE_HASH_NONE &&
		       is_group(p->group));
}

int message_check_suite(const void *object)
{
	const struct ike_suite *s = object;

	if (s->protocol == IKE_PROTOCOL_AH)
		return verdict(s->cipher == IKE_CIPHER_NONE && s->key_bits == 0 &&
			       s->hash != IKE_HASH_NONE);
	if (s->cipher == IKE_CIPHER_NONE || !ike_cipher_is_valid(s->cipher, s->key_bits))
		return -EBADMSG;
	if (s->cipher == IKE_CIPHER_AES_GCM_16)
		return verdict(s->hash == IKE_HASH_NONE);
	return verdict(s->cipher != IKE_CIPHER_NULL || s->hash != IKE_HASH_NONE);
}

int message_check_qm_offer(const void *object)
{
	const struct ike_qm_offer *o = object;

	if (o->n_suites == 2 && o->suites[0].protocol == o->suites[1].protocol)
		return -EBADMSG;
	return verdict(o->pfs_group == IKE_GROUP_NONE || o->pfs_group == IKE_GROUP_MAIN_MODE ||
		       is_group(o->pfs_group));
}

/* Keys are as long as the algorithms say, or, where they need not be there, absent. */
static bool is_key_set(const struct ike_keys *keys, const struct ike_suite *suite, bool is_needed)
{
	if (!is_needed && keys->cipher_key_len == 0 && keys->hash_key_len == 0)
		return true;
	return keys->cipher_key_len == ike_cipher_key_len(suite->cipher, suite->key_bits) &&
	       keys->hash_key_len == ike_hash_len(suite->hash);
}

int message_check_sa_suite(const void *object)
{
	const struct ike_sa_suite *s = object;

	return verdict(is_spi_or_none(s->spi_out) && is_key_set(&s->in, &s->suite, false) &&
		       is_key_set(&s->out, &s->suite, false));
}

static bool is_limit(uint64_t soft, uint64_t hard)
{
	return hard == 0 || soft <= hard;
}

int message_check_install(const void *object)
{
	const struct ike_sa_install *i = object;

	if (i->n_suites == 2 && i->suites[0].suite.protocol == i->suites[1].suite.protocol)
		return -EBADMSG;
	return verdict(is_limit(i->soft_seconds, i->life_seconds) &&
		       is_limit(i->soft_bytes, i->life_bytes) &&
		       is_limit(i->soft_bytes_in, i->life_bytes) &&
		       i->selector.local.family == i->selector.remote.family &&
		       (i->pfs_group == IKE_GROUP_NONE || is_group(i->pfs_group)));
}

/* Everything that the driver needs for the directions that are named. */
int message_check_add_sa(const void *object)
{
	const struct ike_sa_install *i = object;

	for (size_t n = 0; n < i->n_suites; n++) {
		const struct ike_sa_suite *s = &i->suites[n];

		if (!is_key_set(&s->in, &s->suite, i->directions & IKE_DIRECTION_IN) ||
		    !is_key_set(&s->out, &s->suite, i->directions & IKE_DIRECTION_OUT))
			return -EBADMSG;
		if ((i->directions & IKE_DIRECTION_OUT) && s->spi_out == 0)
			return -EBADMSG;
	}
	return message_check_install(object);
}

/* The driver does not give keys back; so a key here was never meant for this call. */
int message_check_adopt_sa(const void *object)
{
	const struct ike_sa_install *i = object;

	for (size_t n = 0; n < i->n_suites; n++) {
		const struct ike_sa_suite *s = &i->suites[n];

		if (s->in.cipher_key_len || s->in.hash_key_len || s->out.cipher_key_len ||
		    s->out.hash_key_len)
			return -EBADMSG;
	}
	return message_check_install(object);
}

int message_check_sa_ref(const void *object)
{
	const struct ike_sa_ref *r = object;

	return verdict(is_spi_or_none(r->spi_in) && is_spi_or_none(r->spi_out) &&
		       (r->spi_in || r->spi_out));
}

int message_check_mm_info(const void *object)
{
	const struct ike_mm_info *info = object;

	return info->has_proposal ? message_check_mm_proposal(&info->proposal) : 0;
}

int message_check_event(const void *object)
{
	const struct ike_event *event = object;

	return verdict(is_reason(event->reason));
}

int message_check_keylog(const void *object)
{
	const struct ike_keylog *k = object;

	if (k->kind == IKE_KEYLOG_MM)
		return verdict(k->cipher_key_len && !k->install);
	return verdict(k->install && !k->cipher_key_len);
}

int message_check_acquire_result(const void *object)
{
	return verdict(is_reason(((const struct link_acquire_result *)object)->reason));
}

int message_check_sa_id(const void *object)
{
	return verdict(is_reason(((const struct link_sa_id *)object)->reason));
}

int message_check_filter_ref(const void *object)
{
	return verdict(is_reason(((const struct link_filter_ref *)object)->reason));
}

int message_check_flush(const void *object)
{
	return verdict(is_reason(((const struct link_flush *)object)->reason));
}

int message_check_peer_ref(const void *object)
{
	const struct link_peer_ref *peer = object;

	return verdict(peer->local.family == peer->remote.family && is_reason(peer->reason));
}

static bool is_signature(enum ike_auth auth)
{
	return auth == IKE_AUTH_RSA_SIG || auth == IKE_AUTH_ECDSA_256 || auth == IKE_AUTH_ECDSA_384;
}

int message_check_certificate_request(const void *object)
{
	return verdict(is_signature(((const struct ike_certificate_request *)object)->auth));
}

int message_check_certificate(const void *object)
{
	const struct ike_certificate *c = object;

	if (c->reason != IKE_REASON_OK)
		return verdict(is_reason(c->reason));
	return verdict(c->fingerprint_len == IKE_FINGERPRINT_LEN && c->subject.len && c->n_chain);
}

int message_check_signature_request(const void *object)
{
	return verdict(is_signature(((const struct ike_signature_request *)object)->auth));
}

int message_check_signature(const void *object)
{
	const struct ike_signature *s = object;

	return verdict(is_reason(s->reason) && !s->len == (s->reason != IKE_REASON_OK));
}

int message_check_proof_request(const void *object)
{
	return verdict(is_signature(((const struct ike_proof_request *)object)->auth));
}

int message_check_proof(const void *object)
{
	return verdict(is_reason(((const struct ike_proof *)object)->reason));
}

int message_check_gss_token(const void *object)
{
	return verdict(is_reason(((const struct ike_gss_token *)object)->reason));
}

int message_check_gss_result(const void *object)
{
	const struct ike_gss_result *r = object;

	return verdict(is_reason(r->reason) && !r->len == (r->reason != IKE_REASON_OK));
}

/* Only Kerberos needs nothing from the policy. */
int message_check_credential(const void *object)
{
	const struct link_credential *c = object;

	return verdict(!c->value_len == (c->kind == LINK_CREDENTIAL_KERBEROS));
}

int message_check_credential_rule(const void *object)
{
	const struct link_credential_rule *r = object;

	if (r->local.family && r->remote.family && r->local.family != r->remote.family)
		return -EBADMSG;
	if (!r->n_methods != !!r->same_as)
		return -EBADMSG;
	return verdict(r->local_prefix <= 8 * ip_addr_len(&r->local) &&
		       r->remote_prefix <= 8 * ip_addr_len(&r->remote));
}

/* Whoever refers to another rule refers to one with methods, so that nobody goes round in circles. */
int message_check_credentials(const void *object)
{
	const struct link_credentials *list = object;

	for (size_t i = 0; i < list->n_rules; i++) {
		uint32_t same_as = list->rules[i].same_as;

		if (same_as > i || (same_as && !list->rules[same_as - 1].n_methods))
			return -EBADMSG;
	}
	return 0;
}
