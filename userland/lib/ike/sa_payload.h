/* SPDX-License-Identifier: MIT */
#ifndef IKE_SA_PAYLOAD_H
#define IKE_SA_PAYLOAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"

/*
 * The structure inside SA payloads, the same in both phases (RFC 2408, sections 3.4 to 3.6):
 * proposals, in them transforms, in them attributes. What the numbers mean is up to proposal_mm
 * and proposal_qm.
 */

#define SA_PROPOSALS_MAX 32
#define SA_TRANSFORMS_MAX 64
#define SA_ATTRIBUTES_MAX 32

struct sa_proposal {
	uint8_t number;
	uint8_t protocol;
	uint8_t n_transforms;
	struct bytes spi;
	struct bytes transforms;
};

struct sa_payload {
	struct sa_proposal proposals[SA_PROPOSALS_MAX];
	size_t n_proposals;
};

struct sa_transform {
	uint8_t number;
	uint8_t id;
	struct bytes attributes;
};

struct sa_attribute {
	uint16_t type;
	bool has_value;		/* false: longer than 8 bytes, or empty */
	uint64_t value;
	struct bytes bytes;	/* of the long form, else empty */
};

/*
 * Checks the whole body down to the attributes, so that the iterators below cannot fail.
 * -EBADMSG: broken; -E2BIG: more than the limits above; -EPROTO: a DOI or situation that is not
 * IPsec's.
 */
int sa_payload_parse(struct bytes body, struct sa_payload *ret_sa);

/* Takes the next one from the front of @cursor; false at the end. */
bool sa_next_transform(struct bytes *cursor, struct sa_transform *ret_transform);
bool sa_next_attribute(struct bytes *cursor, struct sa_attribute *ret_attribute);

/* Writing: a body is sa_write_head(), then proposals. */
void sa_write_head(struct writer *w);

/* What is patched when the next proposal or transform follows. */
struct sa_writer {
	struct writer *w;
	size_t proposal_at;
	size_t transform_at;
	uint8_t n_transforms;
	bool has_proposal;
};

struct sa_writer sa_writer_make(struct writer *w);
void sa_begin_proposal(struct sa_writer *s, uint8_t number, uint8_t protocol, struct bytes spi);
void sa_begin_transform(struct sa_writer *s, uint8_t id);
/* With the number that another one had. */
void sa_begin_transform_as(struct sa_writer *s, const struct sa_transform *transform);
/* Short form for values below 65536, else four bytes. */
void sa_write_attribute(struct sa_writer *s, uint16_t type, uint32_t value);
/* Long form. */
void sa_write_attribute_bytes(struct sa_writer *s, uint16_t type, struct bytes value);
/* As received, in the form it had. */
void sa_copy_attribute(struct sa_writer *s, const struct sa_attribute *attribute);
/* A transform as received: number, id and attributes unchanged. */
void sa_copy_transform(struct sa_writer *s, const struct sa_transform *transform);
void sa_end_transform(struct sa_writer *s);
void sa_end_proposal(struct sa_writer *s);

#endif
