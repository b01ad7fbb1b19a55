/* SPDX-License-Identifier: MIT */
#ifndef IKE_EXCHANGE_H
#define IKE_EXCHANGE_H

#include <stdbool.h>
#include <stdint.h>

#include "ike/blob.h"
#include "ike/core.h"

struct ike_mm;
struct mm_keys;

/* --- which payloads a message must have ---------------------------------------------------- */

enum message_kind {
	MESSAGE_MM_1,
	MESSAGE_MM_2,
	MESSAGE_MM_3,
	MESSAGE_MM_4,
	MESSAGE_MM_HASH,	/* 5 and 6 of preshared keys */
	MESSAGE_MM_SIGNATURE,	/* of certificates */
	MESSAGE_MM_GSS,		/* of Kerberos: a token or a HASH */
	MESSAGE_QM_1,
	MESSAGE_QM_2,
	MESSAGE_QM_3,
	MESSAGE_QM_4,
	MESSAGE_INFORMATIONAL,
	MESSAGE_KIND_COUNT,
};

/*
 * Checks number and place of the payloads that matter; all others, known or not, are left alone.
 * -EBADMSG.
 */
int exchange_check(enum message_kind kind, const struct wire_message *message);

/* --- duplicates and retransmission --------------------------------------------------------- */

/* What an exchange remembers of its last messages. */
struct exchange_log {
	uint8_t seen[2][16];	/* hashes of the messages taken last, newest first */
	struct blob sent;	/* our last message */
	uint64_t sent_at;
	uint64_t resent_at;
	uint8_t n_sent;		/* by our timer, the first time included */
	uint8_t n_answers;	/* repeated because the peer repeated itself */
	uint16_t fragment_id;	/* of our last message, 0 if it was not cut */
};

void exchange_log_clear(struct exchange_log *log);
/* Sends and remembers; -ENOMEM sends nothing. */
int exchange_send(struct ike_engine *engine, struct exchange_log *log, const struct ike_mm *mm,
		  struct bytes message);
/* Again, because the timer said so. */
void exchange_resend(struct ike_engine *engine, struct exchange_log *log, const struct ike_mm *mm);
/* The message was good: a copy of it is a duplicate from now on. */
void exchange_note(struct exchange_log *log, struct bytes datagram);
/*
 * True for a duplicate. Repeats our last message if it answered this one and @may_answer; bounded
 * in number and rate.
 */
bool exchange_is_duplicate(struct ike_engine *engine, struct exchange_log *log,
			   const struct ike_mm *mm, struct bytes datagram, bool may_answer);

/* Delay in ms after the @n_sent'th transmission of an initiator, with jitter; 0: give up. */
uint64_t exchange_backoff(struct ike_engine *engine, unsigned int n_sent, unsigned int max_tries);

#define EXCHANGE_MAX_TRIES 6

/* --- encryption ---------------------------------------------------------------------------- */

/*
 * Encrypts a finished message (padded to the block) in place after the header and moves @iv on to
 * its last block.
 */
int exchange_encrypt(const struct mm_keys *keys, uint8_t *iv, uint8_t *message, size_t len);
/*
 * Decrypts and splits a message into @engine->plain. @iv stays; *ret_next_iv is for the caller to
 * keep once the message has proved good. -EBADMSG.
 */
int exchange_decrypt(struct ike_engine *engine, const struct mm_keys *keys, const uint8_t *iv,
		     struct bytes datagram, const struct wire_header *header,
		     struct wire_message *ret_message, uint8_t *ret_next_iv);

#endif
