// SPDX-License-Identifier: MIT
#include "cred/gss_message.h"

#include <errno.h>
#include <string.h>

static void put_bytes(struct writer *w, struct bytes bytes)
{
	writer_u32(w, (uint32_t)bytes.len);
	writer_bytes(w, bytes);
}

static void put_text(struct writer *w, const char *text)
{
	put_bytes(w, (struct bytes){ (const uint8_t *)text, strlen(text) });
}

static struct bytes take_bytes(struct reader *r, size_t max_len)
{
	uint32_t len = reader_u32(r);

	if (len > max_len)
		r->failed = true;
	return reader_take(r, r->failed ? 0 : len);
}

/* @size bytes at @text; no NUL but the last. */
static void take_text(struct reader *r, char *text, size_t size)
{
	struct bytes bytes = take_bytes(r, size - 1);

	if (bytes.len && memchr(bytes.data, '\0', bytes.len))
		r->failed = true;
	if (bytes.len)
		memcpy(text, bytes.data, bytes.len);
	text[bytes.len] = '\0';
}

static bool take_bool(struct reader *r)
{
	uint8_t v = reader_u8(r);

	if (v > 1)
		r->failed = true;
	return v == 1;
}

static size_t written(const struct writer *w)
{
	return w->overflow ? 0 : w->len;
}

size_t gss_request_write(const struct gss_request *request,
			 uint8_t buf[static HELPER_MESSAGE_MAX_LEN])
{
	struct writer w = writer_make(buf, HELPER_MESSAGE_MAX_LEN);

	writer_u8(&w, (uint8_t)request->op);
	writer_u64(&w, request->context);
	writer_u8(&w, request->is_initiator);
	put_text(&w, request->own_name);
	put_text(&w, request->realms);
	put_bytes(&w, request->peer_name);
	put_bytes(&w, request->data);
	return written(&w);
}

int gss_request_read(struct bytes message, struct gss_request *ret_request)
{
	struct reader r = reader_from(message);
	struct gss_request request = { 0 };
	uint8_t op = reader_u8(&r);

	request.op = op;
	request.context = reader_u64(&r);
	request.is_initiator = take_bool(&r);
	take_text(&r, request.own_name, sizeof(request.own_name));
	take_text(&r, request.realms, sizeof(request.realms));
	request.peer_name = take_bytes(&r, 2 * IKE_GSS_NAME_MAX_LEN);
	request.data = take_bytes(&r, IKE_TOKEN_MAX_LEN);
	if (!reader_is_done(&r) || op < GSS_STEP || op > GSS_END_ALL)
		return -EBADMSG;
	*ret_request = request;
	return 0;
}

size_t gss_answer_write(const struct gss_answer *answer, uint8_t buf[static HELPER_MESSAGE_MAX_LEN])
{
	struct writer w = writer_make(buf, HELPER_MESSAGE_MAX_LEN);

	writer_u32(&w, answer->reason);
	writer_u8(&w, answer->is_complete);
	put_text(&w, answer->peer);
	put_text(&w, answer->detail);
	put_bytes(&w, answer->data);
	return written(&w);
}

/* Only the reasons that the Kerberos process may give. */
static bool is_reason(uint32_t reason)
{
	return reason == IKE_REASON_OK || reason == IKE_REASON_KERBEROS ||
	       reason == IKE_REASON_NO_KERBEROS || reason == IKE_REASON_NO_MEMORY;
}

int gss_answer_read(struct bytes message, struct gss_answer *ret_answer)
{
	struct reader r = reader_from(message);
	struct gss_answer answer = { 0 };
	uint32_t reason = reader_u32(&r);

	answer.reason = reason;
	answer.is_complete = take_bool(&r);
	take_text(&r, answer.peer, sizeof(answer.peer));
	take_text(&r, answer.detail, sizeof(answer.detail));
	answer.data = take_bytes(&r, IKE_TOKEN_MAX_LEN);
	if (!reader_is_done(&r) || !is_reason(reason))
		return -EBADMSG;
	if (*answer.peer && !principal_is_host(answer.peer))
		return -EBADMSG;
	for (const char *p = answer.detail; *p; p++)
		if (*p < ' ' || *p > '~')
			return -EBADMSG;
	*ret_answer = answer;
	return 0;
}

size_t gss_names_write(const struct gss_names *names, uint8_t buf[static HELPER_MESSAGE_MAX_LEN])
{
	struct writer w = writer_make(buf, HELPER_MESSAGE_MAX_LEN);

	writer_u8(&w, (uint8_t)names->n_names);
	for (size_t i = 0; i < names->n_names; i++)
		put_text(&w, names->names[i]);
	return written(&w);
}

int gss_names_read(struct bytes message, struct gss_names *ret_names)
{
	struct reader r = reader_from(message);
	struct gss_names names = { .n_names = reader_u8(&r) };

	if (names.n_names > GSS_NAMES_MAX)
		return -EBADMSG;
	for (size_t i = 0; i < names.n_names; i++) {
		take_text(&r, names.names[i], sizeof(names.names[i]));
		if (!principal_is_host(names.names[i]))
			return -EBADMSG;
	}
	if (!reader_is_done(&r))
		return -EBADMSG;
	*ret_names = names;
	return 0;
}
