/* SPDX-License-Identifier: MIT */
#ifndef IKE_WIRE_H
#define IKE_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"

/*
 * ISAKMP messages (RFC 2408, section 3) as bytes. Parsing allocates nothing, copies nothing and
 * logs nothing: payloads are views into the datagram, valid as long as that is.
 */

#define WIRE_HEADER_LEN 28
#define WIRE_COOKIE_LEN 8
/* Enough for a list of authorities, each with a payload of its own. */
#define WIRE_PAYLOADS_MAX 80
/* Largest UDP payload. */
#define WIRE_MESSAGE_MAX 65507

enum wire_payload_type {
	WIRE_PAYLOAD_NONE = 0,
	WIRE_PAYLOAD_SA = 1,
	WIRE_PAYLOAD_PROPOSAL = 2,
	WIRE_PAYLOAD_TRANSFORM = 3,
	WIRE_PAYLOAD_KE = 4,
	WIRE_PAYLOAD_ID = 5,
	WIRE_PAYLOAD_CERT = 6,
	WIRE_PAYLOAD_CR = 7,
	WIRE_PAYLOAD_HASH = 8,
	WIRE_PAYLOAD_SIG = 9,
	WIRE_PAYLOAD_NONCE = 10,
	WIRE_PAYLOAD_NOTIFY = 11,
	WIRE_PAYLOAD_DELETE = 12,
	WIRE_PAYLOAD_VID = 13,
	WIRE_PAYLOAD_NAT_D = 20,
	WIRE_PAYLOAD_NAT_OA = 21,
	WIRE_PAYLOAD_GSS = 129,
	WIRE_PAYLOAD_NAT_D_DRAFT = 130,
	WIRE_PAYLOAD_NAT_OA_DRAFT = 131,
	WIRE_PAYLOAD_FRAGMENT = 132,
};

enum wire_exchange {
	WIRE_EXCHANGE_MAIN = 2,
	WIRE_EXCHANGE_INFORMATIONAL = 5,
	WIRE_EXCHANGE_QUICK = 32,
};

enum wire_flag {
	WIRE_FLAG_ENCRYPTED = 0x01,
	WIRE_FLAG_COMMIT = 0x02,
	WIRE_FLAG_AUTH_ONLY = 0x04,
};

#define WIRE_DOI_IPSEC 1
#define WIRE_VERSION 0x10

struct wire_header {
	uint8_t icookie[WIRE_COOKIE_LEN];
	uint8_t rcookie[WIRE_COOKIE_LEN];
	uint8_t next_payload;
	uint8_t version;
	uint8_t exchange;
	uint8_t flags;
	uint32_t message_id;
	uint32_t length;
};

struct wire_payload {
	uint8_t type;
	struct bytes body;	/* after the generic header */
};

struct wire_message {
	struct wire_header header;
	struct bytes chain;	/* all payloads, without padding */
	struct wire_payload payloads[WIRE_PAYLOADS_MAX];
	size_t n_payloads;
};

/*
 * Checks what holds for every message. -EBADMSG: too short, wrong length, unknown flags, zero
 * initiator cookie; -EPROTONOSUPPORT: another major version (the header is filled in then).
 */
int wire_parse_header(struct bytes datagram, struct wire_header *ret_header);

/*
 * Splits @chain, which starts with a payload of type @first. @is_padded allows bytes after the
 * last payload (decrypted messages); without it they are an error, but for up to three zeros that
 * make the length a multiple of four. -EBADMSG for a broken chain,
 * -E2BIG for more than WIRE_PAYLOADS_MAX payloads. Fills everything but the header.
 */
int wire_parse_payloads(uint8_t first, struct bytes chain, bool is_padded,
			struct wire_message *ret_message);

/* Header and payloads of a message in clear. */
int wire_parse(struct bytes datagram, struct wire_message *ret_message);

/* The @index'th payload of the type, or NULL. */
const struct wire_payload *wire_find(const struct wire_message *message, uint8_t type,
				     size_t index);
/* What follows the payload in the chain: the input of the HASH payloads of phase 2. */
struct bytes wire_after(const struct wire_message *message, const struct wire_payload *payload);

/*
 * Encoder: begin a message, then each payload between wire_begin() and wire_end() (or
 * wire_add()), then wire_finish(). Next-payload fields and lengths are patched on the way.
 */
struct wire_out {
	struct writer w;
	size_t next_at;		/* where the type of the next payload goes */
	size_t payload_at;	/* start of the open payload */
};

/* @header's next_payload and length are ignored. */
struct wire_out wire_out_make(void *buf, size_t cap, const struct wire_header *header);
void wire_begin(struct wire_out *out, uint8_t type);
void wire_end(struct wire_out *out);
void wire_add(struct wire_out *out, uint8_t type, struct bytes body);
/*
 * Pads the payloads with zeros to a multiple of @block (0: no padding), patches the length.
 * Returns the message's length, 0 if it did not fit.
 */
size_t wire_finish(struct wire_out *out, size_t block);
/* The payload written last, as the parser sees its body. */
struct bytes wire_last_body(const struct wire_out *out);

/* Notify and delete bodies (RFC 2408, sections 3.14 and 3.15). */
struct wire_notify {
	uint32_t doi;
	uint8_t protocol;
	uint16_t type;
	struct bytes spi;
	struct bytes data;
};

#define WIRE_DELETE_SPIS_MAX 64

struct wire_delete {
	uint32_t doi;
	uint8_t protocol;
	uint8_t spi_size;
	uint16_t n_spis;	/* at most WIRE_DELETE_SPIS_MAX */
	struct bytes spis;	/* n_spis × spi_size */
};

int wire_parse_notify(struct bytes body, struct wire_notify *ret_notify);
/* -E2BIG for more SPIs than we look at. */
int wire_parse_delete(struct bytes body, struct wire_delete *ret_delete);
void wire_add_notify(struct wire_out *out, const struct wire_notify *notify);
void wire_add_delete(struct wire_out *out, const struct wire_delete *del);

#endif
