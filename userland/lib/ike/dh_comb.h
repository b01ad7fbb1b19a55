/* SPDX-License-Identifier: MIT */
#ifndef IKE_DH_COMB_H
#define IKE_DH_COMB_H

#include <openssl/bn.h>

/*
 * 2^x mod p for one p and many x, three times as fast as a general exponentiation, which key
 * pairs need not be: their base never changes. The method is Lim and Lee's comb ("More flexible
 * exponentiation with precomputation", 1994).
 *
 * The exponent is cut into rows, and a column of it, one bit of each row, names a product of
 * powers that are in a table. Of a 264-bit exponent:
 *
 *             column 43      22 21      0
 *   row 0      bit 43 ...... 22 21 .... 0       block 1 | block 0
 *   row 1      bit 87 ...... 66 65 ... 44
 *   ...
 *   row 5      bit 263 .... 242 241 .. 220
 *
 * The two blocks have a table each, so that 22 squarings and 44 multiplications do it. Which entry
 * is used shows neither in time nor in addresses: each is read each time.
 */
struct dh_comb;

/* For exponents below 2^@bits. NULL without memory. */
struct dh_comb *dh_comb_new(const BIGNUM *p, unsigned int bits);
struct dh_comb *dh_comb_free(struct dh_comb *comb);
/* 0 or -EIO. Any number of threads may do this with one comb. */
int dh_comb_power(const struct dh_comb *comb, const BIGNUM *x, BIGNUM *ret_y);

#endif
