/* SPDX-License-Identifier: MIT */
#ifndef IKE_MISMATCH_H
#define IKE_MISMATCH_H

#include <stdbool.h>
#include <stddef.h>

#include "ike/engine.h"

/*
 * Why a proposal is not acceptable, in one attribute. Both sides' values are collected for each
 * attribute, and the first one of which they have none in common is the reason:
 *
 *	ours    AES-256/SHA-256/MODP 2048, 3DES/SHA-1/MODP 1024
 *	theirs  AES-256/SHA-1/MODP 1536, AES-128/SHA-1/MODP 1536
 *	reason  Diffie-Hellman Group, expected MODP 2048, MODP 1024, received MODP 1536
 *
 * If each has some, it is their combination.
 */

#define MISMATCH_VALUES_MAX	12
#define MISMATCH_TEXT_LEN	160

/* Names of values, each once, in the order in which they came. They are not copied. */
struct mismatch_values {
	const char *names[MISMATCH_VALUES_MAX];
	size_t n;
};

/* The texts and where they are. */
struct mismatch {
	struct ike_mismatch event;
	char expected[MISMATCH_TEXT_LEN];
	char received[MISMATCH_TEXT_LEN];
};

/* Ignores what does not fit. */
void mismatch_add(struct mismatch_values *values, const char *name);
/*
 * True if this attribute (a literal) is the reason, then *mismatch says so. Where we have no
 * values everything is good.
 */
bool mismatch_is(struct mismatch *mismatch, const char *attribute,
		 const struct mismatch_values *ours, const struct mismatch_values *theirs);
/* It is several attributes together. */
void mismatch_set(struct mismatch *mismatch, const char *attribute, const char *expected,
		  const char *received);

#endif
