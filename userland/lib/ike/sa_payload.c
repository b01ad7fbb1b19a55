// SPDX-License-Identifier: MIT
#include "ike/sa_payload.h"

#include <errno.h>

#include "ike/wire.h"

#define SIT_IDENTITY_ONLY 1
#define TRANSFORM_HEADER_LEN 8
#define PROPOSAL_HEADER_LEN 8
#define ATTRIBUTE_SHORT 0x8000

static int read_attribute(struct reader *r, struct sa_attribute *ret_attribute)
{
	uint16_t type = reader_u16(r);
	uint16_t short_value = reader_u16(r);
	struct sa_attribute a = { .type = type & ~ATTRIBUTE_SHORT };
	struct bytes value;

	if (type & ATTRIBUTE_SHORT) {
		a.value = short_value;
		a.has_value = true;
	} else {
		value = reader_take(r, short_value);
		a.bytes = value;
		a.has_value = value.len > 0 && value.len <= 8;
		for (size_t i = 0; a.has_value && i < value.len; i++)
			a.value = a.value << 8 | value.data[i];
	}
	if (r->failed)
		return -EBADMSG;
	*ret_attribute = a;
	return 0;
}

static int check_attributes(struct bytes attributes)
{
	struct reader r = reader_from(attributes);
	struct sa_attribute a;
	size_t n = 0;

	while (r.len) {
		if (read_attribute(&r, &a))
			return -EBADMSG;
		if (++n > SA_ATTRIBUTES_MAX)
			return -E2BIG;
	}
	return 0;
}

/* The chain byte says whether another of @type follows; *ret_more says what it said. */
static int read_chain(struct reader *r, uint8_t type, bool *ret_more)
{
	uint8_t next = reader_u8(r);

	reader_skip(r, 1);
	if (r->failed || (next != type && next != WIRE_PAYLOAD_NONE))
		return -EBADMSG;
	*ret_more = next == type;
	return 0;
}

static int read_transform(struct reader *r, bool *ret_more, struct sa_transform *ret_transform)
{
	struct sa_transform t;
	uint16_t len;

	if (read_chain(r, WIRE_PAYLOAD_TRANSFORM, ret_more))
		return -EBADMSG;
	len = reader_u16(r);
	t.number = reader_u8(r);
	t.id = reader_u8(r);
	reader_skip(r, 2);
	if (r->failed || len < TRANSFORM_HEADER_LEN)
		return -EBADMSG;
	t.attributes = reader_take(r, len - TRANSFORM_HEADER_LEN);
	if (r->failed)
		return -EBADMSG;
	*ret_transform = t;
	return 0;
}

static int check_transforms(const struct sa_proposal *proposal)
{
	struct reader r = reader_from(proposal->transforms);
	struct sa_transform t;
	bool has_more = true;
	size_t n = 0;
	int ret;

	if (proposal->n_transforms > SA_TRANSFORMS_MAX)
		return -E2BIG;
	while (has_more) {
		ret = read_transform(&r, &has_more, &t);
		if (!ret)
			ret = check_attributes(t.attributes);
		if (ret)
			return ret;
		n++;
	}
	return r.len || n != proposal->n_transforms ? -EBADMSG : 0;
}

static int read_proposal(struct reader *r, bool *ret_more, struct sa_proposal *ret_proposal)
{
	struct sa_proposal p;
	uint8_t spi_size;
	uint16_t len;

	if (read_chain(r, WIRE_PAYLOAD_PROPOSAL, ret_more))
		return -EBADMSG;
	len = reader_u16(r);
	p.number = reader_u8(r);
	p.protocol = reader_u8(r);
	spi_size = reader_u8(r);
	p.n_transforms = reader_u8(r);
	if (r->failed || len < PROPOSAL_HEADER_LEN + spi_size)
		return -EBADMSG;
	p.spi = reader_take(r, spi_size);
	p.transforms = reader_take(r, len - PROPOSAL_HEADER_LEN - spi_size);
	if (r->failed)
		return -EBADMSG;
	*ret_proposal = p;
	return check_transforms(&p);
}

int sa_payload_parse(struct bytes body, struct sa_payload *ret_sa)
{
	struct reader r = reader_from(body);
	uint32_t doi = reader_u32(&r);
	uint32_t situation = reader_u32(&r);
	bool has_more = true;
	size_t n = 0;

	if (r.failed)
		return -EBADMSG;
	if (doi != WIRE_DOI_IPSEC || situation != SIT_IDENTITY_ONLY)
		return -EPROTO;
	while (has_more) {
		int ret;

		if (n == SA_PROPOSALS_MAX)
			return -E2BIG;
		ret = read_proposal(&r, &has_more, &ret_sa->proposals[n]);
		if (ret)
			return ret;
		n++;
	}
	if (r.len)
		return -EBADMSG;
	ret_sa->n_proposals = n;
	return 0;
}

bool sa_next_transform(struct bytes *cursor, struct sa_transform *ret_transform)
{
	struct reader r = reader_from(*cursor);
	bool has_more;

	if (!cursor->len || read_transform(&r, &has_more, ret_transform))
		return false;
	*cursor = (struct bytes){ r.data, r.len };
	return true;
}

bool sa_next_attribute(struct bytes *cursor, struct sa_attribute *ret_attribute)
{
	struct reader r = reader_from(*cursor);

	if (!cursor->len || read_attribute(&r, ret_attribute))
		return false;
	*cursor = (struct bytes){ r.data, r.len };
	return true;
}

void sa_write_head(struct writer *w)
{
	writer_u32(w, WIRE_DOI_IPSEC);
	writer_u32(w, SIT_IDENTITY_ONLY);
}

struct sa_writer sa_writer_make(struct writer *w)
{
	return (struct sa_writer){ .w = w };
}

void sa_begin_proposal(struct sa_writer *s, uint8_t number, uint8_t protocol, struct bytes spi)
{
	if (s->has_proposal)
		writer_patch_u8(s->w, s->proposal_at, WIRE_PAYLOAD_PROPOSAL);
	s->has_proposal = true;
	s->proposal_at = s->w->len;
	s->n_transforms = 0;
	writer_u8(s->w, WIRE_PAYLOAD_NONE);
	writer_u8(s->w, 0);
	writer_u16(s->w, 0);
	writer_u8(s->w, number);
	writer_u8(s->w, protocol);
	writer_u8(s->w, (uint8_t)spi.len);
	writer_u8(s->w, 0);
	writer_bytes(s->w, spi);
}

static void begin_transform(struct sa_writer *s, uint8_t number, uint8_t id)
{
	if (s->n_transforms)
		writer_patch_u8(s->w, s->transform_at, WIRE_PAYLOAD_TRANSFORM);
	s->transform_at = s->w->len;
	s->n_transforms++;
	writer_u8(s->w, WIRE_PAYLOAD_NONE);
	writer_u8(s->w, 0);
	writer_u16(s->w, 0);
	writer_u8(s->w, number);
	writer_u8(s->w, id);
	writer_u16(s->w, 0);
}

void sa_begin_transform(struct sa_writer *s, uint8_t id)
{
	begin_transform(s, s->n_transforms + 1, id);
}

void sa_write_attribute(struct sa_writer *s, uint16_t type, uint32_t value)
{
	if (value <= UINT16_MAX) {
		writer_u16(s->w, type | ATTRIBUTE_SHORT);
		writer_u16(s->w, (uint16_t)value);
		return;
	}
	writer_u16(s->w, type);
	writer_u16(s->w, sizeof(value));
	writer_u32(s->w, value);
}

void sa_write_attribute_bytes(struct sa_writer *s, uint16_t type, struct bytes value)
{
	writer_u16(s->w, type);
	writer_u16(s->w, (uint16_t)value.len);
	writer_bytes(s->w, value);
}

void sa_copy_attribute(struct sa_writer *s, const struct sa_attribute *attribute)
{
	if (attribute->bytes.data)
		sa_write_attribute_bytes(s, attribute->type, attribute->bytes);
	else
		sa_write_attribute(s, attribute->type, (uint16_t)attribute->value);
}

void sa_begin_transform_as(struct sa_writer *s, const struct sa_transform *transform)
{
	begin_transform(s, transform->number, transform->id);
}

void sa_copy_transform(struct sa_writer *s, const struct sa_transform *transform)
{
	begin_transform(s, transform->number, transform->id);
	writer_bytes(s->w, transform->attributes);
	sa_end_transform(s);
}

void sa_end_transform(struct sa_writer *s)
{
	writer_patch_u16(s->w, s->transform_at + 2, (uint16_t)(s->w->len - s->transform_at));
}

void sa_end_proposal(struct sa_writer *s)
{
	writer_patch_u16(s->w, s->proposal_at + 2, (uint16_t)(s->w->len - s->proposal_at));
	writer_patch_u8(s->w, s->proposal_at + 7, s->n_transforms);
}
