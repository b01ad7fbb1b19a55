/* SPDX-License-Identifier: MIT */
#ifndef IKE_FRAGMENT_H
#define IKE_FRAGMENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ike/blob.h"
#include "ike/wire.h"

/*
 * Fragments of IKE messages ([MS-IKEE], sections 2.2.3 and 3.3), for messages that do not get
 * through as IP fragments. Each is a datagram with the header of the message, but another next
 * payload and no encryption flag, and one fragment payload:
 *
 *   message 5, 1300 bytes, in packets of 576 bytes
 *     header | fragment 7, number 1       | bytes 0-511 of the message, its header first
 *     header | fragment 7, number 2       | bytes 512-1023
 *     header | fragment 7, number 3, last | bytes 1024-1299
 *
 * [MS-IKEE] can be read so that the message's own header is not among the data and the fragment's
 * takes its place. Nobody has been seen to do that; it is understood all the same.
 *
 * No fragment is authentic. Here is the logic alone, bounded in every respect: no engine, no time.
 */

#define FRAGMENTS_MAX 64
#define FRAGMENTS_BYTES_MAX 32768
/* In a datagram, beside the data: header, payload header, id, number and flags. */
#define FRAGMENT_OVERHEAD (WIRE_HEADER_LEN + 8)

struct fragment {
	uint16_t id;		/* of the message */
	uint8_t number;		/* from 1 */
	bool is_last;
	struct bytes data;	/* not empty */
};

/* Those of one message, as they come. All zeros: none. */
struct fragments {
	struct wire_header header;	/* of the first that came */
	uint16_t id;
	uint8_t last;			/* number of the last one, 0 as long as it is missing */
	uint8_t highest;
	uint8_t n;
	size_t bytes;
	struct blob parts[FRAGMENTS_MAX];
};

/* -EBADMSG unless the message is one fragment and nothing else. */
int fragment_parse(struct bytes datagram, struct wire_header *ret_header,
		   struct fragment *ret_fragment);

/* Whether it is of the message that is being collected. */
bool fragments_is_same(const struct fragments *set, const struct wire_header *header,
		       const struct fragment *fragment);
/*
 * Takes a copy. 0: others are missing; 1: that was the one. -EEXIST: it was there. -EBADMSG,
 * -E2BIG, -ENOMEM: it contradicts what is there, or there is too much: all of it is useless.
 */
int fragments_add(struct fragments *set, const struct wire_header *header,
		  const struct fragment *fragment);
/*
 * The message, once all fragments are there; returns its length, or 0 if it cannot be one: another
 * message's, or a fragment itself.
 */
size_t fragments_join(const struct fragments *set, uint8_t buf[static FRAGMENTS_BYTES_MAX +
								 WIRE_HEADER_LEN]);
void fragments_clear(struct fragments *set);

/* Number of fragments for @len bytes with @room each; 0 for more than anybody collects. */
size_t fragment_count(size_t len, size_t room);
/*
 * The datagram with the @number'th fragment of @message, @room bytes of it; returns its length.
 * @buf has room for that and FRAGMENT_OVERHEAD.
 */
size_t fragment_write(void *buf, struct bytes message, uint16_t id, size_t number, size_t room);

#endif
