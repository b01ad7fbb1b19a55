// SPDX-License-Identifier: MIT
#include "link/test_random.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "link/codec.h"
#include "link/messages.h"

uint64_t test_random_u64(struct test_random *random)
{
	/* splitmix64 */
	uint64_t z = random->state += 0x9e3779b97f4a7c15;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
	z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
	return z ^ (z >> 31);
}

/* The limits themselves come up often. */
uint64_t test_random_range(struct test_random *random, uint64_t min, uint64_t max)
{
	uint64_t span = max - min;
	uint64_t dice = test_random_u64(random);

	if (dice % 8 == 0)
		return min;
	if (dice % 8 == 1)
		return max;
	return min + (span == UINT64_MAX ? test_random_u64(random) :
		      test_random_u64(random) % (span + 1));
}

static void fill_bytes(struct test_random *random, uint8_t *bytes, size_t len)
{
	for (size_t i = 0; i < len; i++)
		bytes[i] = (uint8_t)test_random_u64(random);
}

static struct ip_addr random_addr(struct test_random *random, uint8_t family)
{
	struct ip_addr addr = { .family = family };

	fill_bytes(random, addr.bytes, ip_addr_len(&addr));
	if (family)
		addr.bytes[0] = (uint8_t)test_random_range(random, 1, 200);
	return addr;
}

static void *at(void *object, size_t offset)
{
	return (uint8_t *)object + offset;
}

static void fill(struct test_random *random, const struct codec_type *type, void *object);

static size_t fill_elements(struct test_random *random, const struct codec_field *field,
			    void *first, size_t n)
{
	for (size_t i = 0; i < n; i++)
		fill(random, field->type, at(first, i * field->type->size));
	return n;
}

static char *random_text(struct test_random *random, uint64_t max)
{
	size_t len = test_random_range(random, 0, max);
	char *text = calloc(1, len + 1);

	assert(text);
	for (size_t i = 0; i < len; i++)
		text[i] = (char)test_random_range(random, 0x20, 0x7e);
	return text;
}

static void fill_field(struct test_random *random, const struct codec_field *field, void *object)
{
	void *p = at(object, field->offset);
	uint64_t value;
	/* long lists take long and show nothing new */
	uint64_t longest = field->kind == CODEC_HEAP_ARRAY ? 24 : 600;
	uint64_t most = field->max > longest ? longest : field->max;
	size_t n = 0;
	void *heap;

	switch (field->kind) {
	case CODEC_UINT:
		value = test_random_range(random, field->min, field->max);
		memcpy(p, &value, field->width);	/* of a little endian machine */
		break;
	case CODEC_BOOL:
		*(bool *)p = test_random_u64(random) & 1;
		break;
	case CODEC_ADDR:
		*(struct ip_addr *)p = random_addr(random, AF_INET);
		break;
	case CODEC_BYTES:
		n = test_random_range(random, field->min, most);
		fill_bytes(random, p, n);
		memcpy(at(object, field->len_offset), &n, sizeof(n));
		break;
	case CODEC_HEAP_BYTES:
		n = test_random_range(random, field->min, most);
		heap = n ? malloc(n) : NULL;
		assert(heap || n == 0);
		fill_bytes(random, heap, n);
		memcpy(p, &heap, sizeof(heap));
		memcpy(at(object, field->len_offset), &n, sizeof(n));
		break;
	case CODEC_OPTIONAL_TEXT:
		if (test_random_range(random, 0, 1))
			break;
		/* fall through */
	case CODEC_TEXT:
		heap = random_text(random, field->max);
		memcpy(p, &heap, sizeof(heap));
		break;
	case CODEC_STRUCT:
		fill(random, field->type, p);
		break;
	case CODEC_ARRAY:
		n = fill_elements(random, field, p, test_random_range(random, field->min, most));
		memcpy(at(object, field->len_offset), &n, sizeof(n));
		break;
	case CODEC_HEAP_ARRAY:
		n = test_random_range(random, field->min, most);
		heap = n ? calloc(n, field->type->size) : NULL;
		assert(heap || n == 0);
		(void)fill_elements(random, field, heap, n);
		memcpy(p, &heap, sizeof(heap));
		memcpy(at(object, field->len_offset), &n, sizeof(n));
		break;
	case CODEC_OPTIONAL:
		heap = test_random_u64(random) & 1 ? calloc(1, field->type->size) : NULL;
		(void)fill_elements(random, field, heap, heap ? 1 : 0);
		memcpy(p, &heap, sizeof(heap));
		break;
	}
}

/* --- what fields must agree on ------------------------------------------------------------ */

static uint16_t random_group(struct test_random *random)
{
	static const uint16_t groups[] = { 1, 2, 5, 14, 15, 16, 17, 18, 19, 20, 21 };

	return groups[test_random_u64(random) % (sizeof(groups) / sizeof(groups[0]))];
}

static uint16_t random_key_bits(struct test_random *random, enum ike_cipher cipher)
{
	if (cipher == IKE_CIPHER_AES_CBC)
		return (uint16_t)(128 + 64 * (test_random_u64(random) % 3));
	if (cipher == IKE_CIPHER_AES_GCM_16)
		return (uint16_t)(128 + 128 * (test_random_u64(random) % 2));
	return 0;
}

static void fix_pair(struct test_random *random, struct ip_addr *a, struct ip_addr *b)
{
	uint8_t family = test_random_u64(random) & 1 ? AF_INET : AF_INET6;

	*a = random_addr(random, family);
	*b = random_addr(random, family);
}

static void fix_mm_proposal(struct test_random *random, struct ike_mm_proposal *p)
{
	p->cipher = (enum ike_cipher)test_random_range(random, IKE_CIPHER_DES, IKE_CIPHER_AES_CBC);
	p->key_bits = random_key_bits(random, p->cipher);
	p->hash = (enum ike_hash)test_random_range(random, IKE_HASH_MD5, IKE_HASH_SHA512);
	p->group = random_group(random);
}

static void fix_suite(struct test_random *random, struct ike_suite *s, enum ike_protocol protocol)
{
	s->protocol = protocol;
	s->hash = (enum ike_hash)test_random_range(random, IKE_HASH_MD5, IKE_HASH_SHA512);
	s->cipher = IKE_CIPHER_NONE;
	if (protocol == IKE_PROTOCOL_ESP)
		s->cipher = (enum ike_cipher)test_random_range(random, IKE_CIPHER_NULL,
							       IKE_CIPHER_AES_GCM_16);
	if (s->cipher == IKE_CIPHER_AES_GCM_16)
		s->hash = IKE_HASH_NONE;
	s->key_bits = random_key_bits(random, s->cipher);
}

static void fix_spi(uint32_t *spi)
{
	if (*spi < 256)
		*spi += 256;
}

static void fix_keys(struct test_random *random, struct ike_keys *k, const struct ike_suite *suite,
		     bool is_there)
{
	memset(k, 0, sizeof(*k));
	if (!is_there)
		return;
	k->cipher_key_len = ike_cipher_key_len(suite->cipher, suite->key_bits);
	k->hash_key_len = ike_hash_len(suite->hash);
	fill_bytes(random, k->cipher_key, k->cipher_key_len);
	fill_bytes(random, k->hash_key, k->hash_key_len);
}

static void fix_install(struct test_random *random, struct ike_sa_install *i, bool has_keys)
{
	for (size_t n = 0; n < i->n_suites; n++) {
		struct ike_sa_suite *s = &i->suites[n];

		fix_suite(random, &s->suite, n == 0 ? IKE_PROTOCOL_AH : IKE_PROTOCOL_ESP);
		fix_spi(&s->spi_out);
		fix_keys(random, &s->in, &s->suite, has_keys && (i->directions & IKE_DIRECTION_IN));
		fix_keys(random, &s->out, &s->suite,
			 has_keys && (i->directions & IKE_DIRECTION_OUT));
	}
	i->soft_seconds = i->life_seconds / 2;
	i->soft_bytes = i->life_bytes / 2;
	i->soft_bytes_in = i->life_bytes / 3;
	i->pfs_group = test_random_u64(random) & 1 ? random_group(random) : IKE_GROUP_NONE;
}

static void fix_keylog(struct test_random *random, const struct codec_type *type,
		       struct ike_keylog *k)
{
	static const uint8_t key[24] = "0123456789abcdefghijklm";
	const struct codec_type *install = NULL;

	for (size_t i = 0; i < type->n_fields; i++)
		if (strcmp(type->fields[i].name, "install") == 0)
			install = type->fields[i].type;
	assert(install);

	free((void *)k->cipher_key);
	k->cipher_key = NULL;
	k->cipher_key_len = 0;
	if (k->kind == IKE_KEYLOG_MM) {
		k->install = codec_free(install, (void *)k->install);
		k->cipher_key = memcpy(malloc(sizeof(key)), key, sizeof(key));
		k->cipher_key_len = sizeof(key);
	} else if (!k->install) {
		k->install = test_random_object(random, install);
	}
}

static void fix_credential(struct test_random *random, struct link_credential *c)
{
	if (!c->value_len == (c->kind == LINK_CREDENTIAL_KERBEROS))
		return;
	free(c->value);
	c->value = NULL;
	c->value_len = 0;
	if (c->kind == LINK_CREDENTIAL_KERBEROS)
		return;
	c->value_len = test_random_range(random, 1, 32);
	c->value = calloc(1, c->value_len);
	assert(c->value);
}

static void fix_credential_rule(struct test_random *random, struct link_credential_rule *s)
{
	fix_pair(random, &s->local, &s->remote);
	if (test_random_u64(random) % 4 == 0)
		s->local = (struct ip_addr){ 0 };
	if (test_random_u64(random) % 4 == 0)
		s->remote = (struct ip_addr){ 0 };
	s->local_prefix = (uint8_t)test_random_range(random, 0, 8 * ip_addr_len(&s->local));
	s->remote_prefix = (uint8_t)test_random_range(random, 0, 8 * ip_addr_len(&s->remote));
	s->same_as = !s->n_methods;	/* as the first one, see below */
}

/* The first one has no other to refer to. */
static void fix_credentials(struct test_random *random, struct link_credentials *list)
{
	struct link_credential_rule *first = list->rules;

	if (!list->n_rules || first->n_methods)
		return;
	first->methods = calloc(1, sizeof(*first->methods));
	assert(first->methods);
	first->n_methods = 1;
	first->same_as = 0;
	fix_credential(random, first->methods);
}

static enum ike_reason random_reason(struct test_random *random)
{
	return test_random_u64(random) & 1 ? IKE_REASON_OK :
		(enum ike_reason)test_random_range(random, 13801, 13899);
}

static void fix_selector(struct test_random *random, struct ike_selector *s)
{
	fix_pair(random, &s->local, &s->remote);
	s->local_prefix = (uint8_t)test_random_range(random, 0, 8 * ip_addr_len(&s->local));
	s->remote_prefix = (uint8_t)test_random_range(random, 0, 8 * ip_addr_len(&s->remote));
}

static void fix_sa_ref(struct ike_sa_ref *r)
{
	fix_spi(&r->spi_in);
	fix_spi(&r->spi_out);
}

static void fix_mm_info(struct test_random *random, struct ike_mm_info *info)
{
	if (info->has_proposal)
		fix_mm_proposal(random, &info->proposal);
	if (test_random_u64(random) & 1)
		info->local_id = (struct ip_addr){ 0 };
}

static void fix_qm_offer(struct test_random *random, struct ike_qm_offer *o)
{
	if (o->n_suites == 2) {
		fix_suite(random, &o->suites[0], IKE_PROTOCOL_AH);
		fix_suite(random, &o->suites[1], IKE_PROTOCOL_ESP);
	}
	o->pfs_group = test_random_u64(random) & 1 ? random_group(random) : IKE_GROUP_MAIN_MODE;
}

static bool is(const struct codec_type *type, const char *name)
{
	return strcmp(type->name, name) == 0;
}

static enum ike_auth random_signature(struct test_random *random)
{
	return (enum ike_auth)test_random_range(random, IKE_AUTH_RSA_SIG, IKE_AUTH_ECDSA_384);
}

/* Questions and answers of ike/credential.h: a refusal has a reason, all else has contents. */
static void fix_answer(struct test_random *random, const struct codec_type *type, void *object)
{
	if (is(type, "certificate_request")) {
		((struct ike_certificate_request *)object)->auth = random_signature(random);
	} else if (is(type, "signature_request")) {
		((struct ike_signature_request *)object)->auth = random_signature(random);
	} else if (is(type, "proof_request")) {
		((struct ike_proof_request *)object)->auth = random_signature(random);
	} else if (is(type, "certificate")) {
		struct ike_certificate *c = object;

		c->fingerprint_len = IKE_FINGERPRINT_LEN;
		c->reason = c->subject.len && c->n_chain ? IKE_REASON_OK : (enum ike_reason)13806;
	} else if (is(type, "signature")) {
		struct ike_signature *s = object;

		s->reason = s->len ? IKE_REASON_OK : (enum ike_reason)13820;
	} else if (is(type, "gss_result")) {
		struct ike_gss_result *r = object;

		r->reason = r->len ? IKE_REASON_OK : (enum ike_reason)13827;
	} else if (is(type, "proof")) {
		((struct ike_proof *)object)->reason = random_reason(random);
	} else if (is(type, "gss_token")) {
		((struct ike_gss_token *)object)->reason = random_reason(random);
	}
}

static void fix(struct test_random *random, const struct codec_type *type, void *object)
{
	if (is(type, "path")) {
		struct ike_path *path = object;

		fix_pair(random, &path->local, &path->remote);
	} else if (is(type, "selector")) {
		fix_selector(random, object);
	} else if (is(type, "mm_proposal")) {
		fix_mm_proposal(random, object);
	} else if (is(type, "suite")) {
		fix_suite(random, object, test_random_u64(random) & 1 ? IKE_PROTOCOL_AH :
			  IKE_PROTOCOL_ESP);
	} else if (is(type, "qm_offer")) {
		fix_qm_offer(random, object);
	} else if (is(type, "add_sa")) {
		fix_install(random, object, true);
	} else if (is(type, "install")) {
		fix_install(random, object, true);
	} else if (is(type, "adopt_sa")) {
		fix_install(random, object, false);
	} else if (is(type, "sa_ref")) {
		fix_sa_ref(object);
	} else if (is(type, "mm_info")) {
		fix_mm_info(random, object);
	} else if (is(type, "event")) {
		((struct ike_event *)object)->reason = random_reason(random);
	} else if (is(type, "keylog")) {
		fix_keylog(random, type, object);
	} else if (is(type, "acquire_result")) {
		((struct link_acquire_result *)object)->reason = random_reason(random);
	} else if (is(type, "sa_id")) {
		((struct link_sa_id *)object)->reason = random_reason(random);
	} else if (is(type, "filter_ref")) {
		((struct link_filter_ref *)object)->reason = random_reason(random);
	} else if (is(type, "flush")) {
		((struct link_flush *)object)->reason = random_reason(random);
	} else if (is(type, "peer_ref")) {
		struct link_peer_ref *peer = object;

		fix_pair(random, &peer->local, &peer->remote);
		peer->reason = random_reason(random);
	} else if (is(type, "credential")) {
		fix_credential(random, object);
	} else if (is(type, "credential_rule")) {
		fix_credential_rule(random, object);
	} else if (is(type, "credentials")) {
		fix_credentials(random, object);
	} else {
		fix_answer(random, type, object);
	}
}

static void fill(struct test_random *random, const struct codec_type *type, void *object)
{
	for (size_t i = 0; i < type->n_fields; i++)
		fill_field(random, &type->fields[i], object);
	fix(random, type, object);
}

void *test_random_object(struct test_random *random, const struct codec_type *type)
{
	void *object = calloc(1, type->size);

	assert(object);
	fill(random, type, object);
	return object;
}

/* --- comparison --------------------------------------------------------------------------- */

static bool elements_are_equal(const struct codec_type *type, const uint8_t *a, const uint8_t *b,
			       size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (!test_object_is_equal(type, a + i * type->size, b + i * type->size))
			return false;
	return true;
}

static bool field_is_equal(const struct codec_field *field, const uint8_t *a, const uint8_t *b)
{
	bool has_len = field->kind == CODEC_BYTES || field->kind == CODEC_HEAP_BYTES ||
		       field->kind == CODEC_ARRAY || field->kind == CODEC_HEAP_ARRAY;
	bool has_pointer = field->kind == CODEC_HEAP_BYTES || field->kind == CODEC_TEXT ||
			   field->kind == CODEC_OPTIONAL_TEXT ||
			   field->kind == CODEC_HEAP_ARRAY || field->kind == CODEC_OPTIONAL;
	size_t len_a = 0, len_b = 0;
	const void *to_a = NULL, *to_b = NULL;

	if (has_len) {
		memcpy(&len_a, a + field->len_offset, sizeof(len_a));
		memcpy(&len_b, b + field->len_offset, sizeof(len_b));
	}
	if (has_pointer) {
		memcpy(&to_a, a + field->offset, sizeof(to_a));
		memcpy(&to_b, b + field->offset, sizeof(to_b));
	}
	a += field->offset;
	b += field->offset;
	switch (field->kind) {
	case CODEC_UINT:
		return memcmp(a, b, field->width) == 0;
	case CODEC_BOOL:
		return *a == *b;
	case CODEC_ADDR:
		return memcmp(a, b, sizeof(struct ip_addr)) == 0;
	case CODEC_BYTES:
		return len_a == len_b && memcmp(a, b, len_a) == 0;
	case CODEC_HEAP_BYTES:
		return len_a == len_b && (len_a == 0 || memcmp(to_a, to_b, len_a) == 0);
	case CODEC_TEXT:
	case CODEC_OPTIONAL_TEXT:
		return strcmp(to_a ? to_a : "", to_b ? to_b : "") == 0;
	case CODEC_STRUCT:
		return test_object_is_equal(field->type, a, b);
	case CODEC_ARRAY:
		return len_a == len_b && elements_are_equal(field->type, a, b, len_a);
	case CODEC_HEAP_ARRAY:
		return len_a == len_b && elements_are_equal(field->type, to_a, to_b, len_a);
	case CODEC_OPTIONAL:
		return !to_a == !to_b && (!to_a || test_object_is_equal(field->type, to_a, to_b));
	}
	return false;
}

bool test_object_is_equal(const struct codec_type *type, const void *a, const void *b)
{
	for (size_t i = 0; i < type->n_fields; i++)
		if (!field_is_equal(&type->fields[i], a, b))
			return false;
	return true;
}
