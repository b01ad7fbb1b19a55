// SPDX-License-Identifier: MIT
#include "ike/credential.h"

#include <stdlib.h>
#include <string.h>

/* One block: the struct, then all that it points to. Without @base it is only measured. */
struct block {
	uint8_t *base;
	size_t len;
};

static void *put(struct block *block, const void *data, size_t len)
{
	void *at = block->base ? block->base + block->len : NULL;

	if (at && len)
		memcpy(at, data, len);
	block->len += len;
	return at;
}

/* What follows holds pointers. */
static void align(struct block *block)
{
	block->len += -block->len % _Alignof(max_align_t);
}

static struct bytes put_bytes(struct block *block, struct bytes bytes)
{
	return (struct bytes){ put(block, bytes.data, bytes.len), bytes.len };
}

static char *put_text(struct block *block, const char *text)
{
	return put(block, text ? text : "", text ? strlen(text) + 1 : 1);
}

static struct bytes *put_list(struct block *block, const struct bytes *list, size_t n)
{
	struct bytes *copy;

	align(block);
	copy = put(block, list, n * sizeof(*list));
	for (size_t i = 0; i < n; i++) {
		struct bytes bytes = put_bytes(block, list[i]);

		if (copy)
			copy[i] = bytes;
	}
	return copy;
}

/* Both passes must do the same; the first one writes to a struct that is thrown away. */
#define COPY(type, fill)                                                        \
	static void *copy_##type(const struct ike_##type *src)                  \
	{                                                                       \
		struct ike_##type measured = *src, *dst = &measured;            \
		struct block block = {0};                                       \
									        \
		for (int pass = 0; pass < 2; pass++) {                          \
			(void)put(&block, src, sizeof(*src));                   \
			fill;                                                   \
			if (block.base)                                         \
				break;                                          \
			block.base = malloc(block.len);                         \
			block.len = 0;                                          \
			dst = (struct ike_##type *)block.base;                  \
			if (!dst)                                               \
				break;                                          \
		}                                                               \
		return dst;                                                     \
	}

COPY(authorities, dst->names = put_list(&block, src->names, src->n_names))

COPY(certificate, {
	dst->subject = put_bytes(&block, src->subject);
	dst->name = put_text(&block, src->name);
	dst->chain = put_list(&block, src->chain, src->n_chain);
})

COPY(signature, (void)src)

COPY(proof, {
	dst->name = put_text(&block, src->name);
	dst->authority = put_text(&block, src->authority);
	dst->detail = put_text(&block, src->detail);
})

COPY(gss_token, {
	dst->token = put_bytes(&block, src->token);
	dst->peer = put_text(&block, src->peer);
	dst->detail = put_text(&block, src->detail);
})

COPY(gss_result, (void)src)

void *credential_copy(enum credential_kind kind, const void *answer)
{
	switch (kind) {
	case CREDENTIAL_AUTHORITIES:
		return copy_authorities(answer);
	case CREDENTIAL_CERTIFICATE:
		return copy_certificate(answer);
	case CREDENTIAL_SIGNATURE:
		return copy_signature(answer);
	case CREDENTIAL_PROOF:
		return copy_proof(answer);
	case CREDENTIAL_GSS_TOKEN:
		return copy_gss_token(answer);
	case CREDENTIAL_GSS_RESULT:
		return copy_gss_result(answer);
	}
	return NULL;
}

/* --- bounds --------------------------------------------------------------------------------- */

static bool is_list(const struct bytes *list, size_t n, size_t n_max, size_t len_max)
{
	if (n > n_max || (n && !list))
		return false;
	for (size_t i = 0; i < n; i++) {
		if (list[i].len > len_max || (list[i].len && !list[i].data))
			return false;
	}
	return true;
}

static bool is_certificate(const struct ike_certificate *c)
{
	if (c->reason)
		return true;
	return c->fingerprint_len == IKE_FINGERPRINT_LEN && c->n_chain &&
	       c->subject.len && c->subject.len <= IKE_ID_MAX_LEN &&
	       is_list(c->chain, c->n_chain, IKE_CERTS_MAX, IKE_CERT_MAX_LEN);
}

bool credential_is_valid(enum credential_kind kind, const void *answer)
{
	const struct ike_authorities *authorities = answer;
	const struct ike_signature *signature = answer;
	const struct ike_gss_token *token = answer;
	const struct ike_gss_result *result = answer;

	switch (kind) {
	case CREDENTIAL_AUTHORITIES:
		return is_list(authorities->names, authorities->n_names, IKE_AUTHORITIES_MAX,
			       IKE_AUTHORITY_MAX_LEN);
	case CREDENTIAL_CERTIFICATE:
		return is_certificate(answer);
	case CREDENTIAL_SIGNATURE:
		return signature->reason ||
		       (signature->len && signature->len <= sizeof(signature->bytes));
	case CREDENTIAL_PROOF:
		return true;
	case CREDENTIAL_GSS_TOKEN:
		return token->reason || token->token.len <= IKE_TOKEN_MAX_LEN;
	case CREDENTIAL_GSS_RESULT:
		return result->reason || (result->len && result->len <= sizeof(result->bytes));
	}
	return false;
}
