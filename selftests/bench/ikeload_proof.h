/* SPDX-License-Identifier: MIT */
#ifndef BENCH_IKELOAD_PROOF_H
#define BENCH_IKELOAD_PROOF_H

#include <stdbool.h>

#include "base/addr.h"
#include "base/bytes.h"
#include "ike/alg.h"
#include "ike/keys.h"
#include "ike/wire.h"

/*
 * What everybody of ikeload proves who he is with, and the responder: a preshared key, or RSA
 * certificates. Nothing of a responder's certificate is checked but that it is the known one, since
 * the signature of message 6 has to be of its key.
 */
struct proof;

/*
 * "psk:TEXT", or "rsa:DIR" with initiator.crt, initiator.key, responder.crt and root.crt in PEM.
 * NULL if something is missing. After crypto_init().
 */
struct proof *proof_new(const char *text);
enum ike_auth proof_auth(const struct proof *proof);

/* SKEYID of the method; 0 or -errno. */
int proof_skeyid(const struct proof *proof, struct bytes ni, struct bytes nr, struct bytes gxy,
		 struct mm_keys *keys);
/* Into message 3: whose certificates we accept. */
void proof_request(const struct proof *proof, struct wire_out *out);
/* The payloads of message 5 for an initiator at @addr; 0 or -errno. */
int proof_write(const struct proof *proof, const struct mm_keys *keys,
		const struct mm_transcript *transcript, const struct ip_addr *addr,
		struct wire_out *out);
/* Message 6 is by the responder. */
bool proof_is_good(const struct proof *proof, const struct mm_keys *keys,
		   const struct mm_transcript *transcript, const struct wire_message *message);

#endif
