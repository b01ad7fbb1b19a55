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

/* What of @src lies elsewhere is put into the block, and @dst points to it. */
typedef void (*fill_fn)(struct block *block, void *dst, const void *src);

static void fill_authorities(struct block *block, void *dst, const void *src)
{
	const struct ike_authorities *from = src;
	struct ike_authorities *to = dst;

	to->names = put_list(block, from->names, from->n_names);
}

static void fill_certificate(struct block *block, void *dst, const void *src)
{
	const struct ike_certificate *from = src;
	struct ike_certificate *to = dst;

	to->subject = put_bytes(block, from->subject);
	to->name = put_text(block, from->name);
	to->chain = put_list(block, from->chain, from->n_chain);
}

static void fill_proof(struct block *block, void *dst, const void *src)
{
	const struct ike_proof *from = src;
	struct ike_proof *to = dst;

	to->name = put_text(block, from->name);
	to->authority = put_text(block, from->authority);
	to->detail = put_text(block, from->detail);
}

static void fill_gss_token(struct block *block, void *dst, const void *src)
{
	const struct ike_gss_token *from = src;
	struct ike_gss_token *to = dst;

	to->token = put_bytes(block, from->token);
	to->peer = put_text(block, from->peer);
	to->detail = put_text(block, from->detail);
}

static const struct {
	size_t size;
	fill_fn fill;		/* NULL: nothing lies elsewhere */
} kinds[] = {
	[CREDENTIAL_AUTHORITIES] = { sizeof(struct ike_authorities), fill_authorities },
	[CREDENTIAL_CERTIFICATE] = { sizeof(struct ike_certificate), fill_certificate },
	[CREDENTIAL_SIGNATURE] = { sizeof(struct ike_signature), NULL },
	[CREDENTIAL_PROOF] = { sizeof(struct ike_proof), fill_proof },
	[CREDENTIAL_GSS_TOKEN] = { sizeof(struct ike_gss_token), fill_gss_token },
	[CREDENTIAL_GSS_RESULT] = { sizeof(struct ike_gss_result), NULL },
};

static void write_copy(struct block *block, enum credential_kind kind, void *dst, const void *src)
{
	(void)put(block, src, kinds[kind].size);
	if (kinds[kind].fill)
		kinds[kind].fill(block, dst, src);
}

void *credential_copy(enum credential_kind kind, const void *answer)
{
	union {
		struct ike_authorities authorities;
		struct ike_certificate certificate;
		struct ike_proof proof;
		struct ike_gss_token gss_token;
	} measured;
	struct block block = { 0 };

	write_copy(&block, kind, &measured, answer);
	block.base = malloc(block.len);
	block.len = 0;
	if (block.base)
		write_copy(&block, kind, block.base, answer);
	return block.base;
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
