// SPDX-License-Identifier: MIT
#include "ike/dh_comb.h"

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>

#include <openssl/crypto.h>

#include "base/cleanup.h"

#define ROWS 6U
#define BLOCKS 2U
#define ENTRIES (1U << ROWS)
/* 8192 bits of the largest prime; 6 rows of 2 blocks of 64 columns. */
#define WORDS_MAX 64
#define EXPONENT_MAX 96

/* Reading all of a table is half the work, so it is done by as much as a register holds. */
typedef uint64_t word __attribute__((vector_size(16)));

struct dh_comb {
	BN_MONT_CTX *mont;
	size_t words;		/* of a number below p */
	unsigned int columns;	/* of a block */
	word *tables;		/* [BLOCKS][ENTRIES][words], in Montgomery's form, little-endian */
};

static void free_bn(BIGNUM **bn)
{
	BN_clear_free(*bn);
}

static void free_ctx(BN_CTX **ctx)
{
	BN_CTX_free(*ctx);
}

static word *entry(const struct dh_comb *comb, unsigned int block, unsigned int index)
{
	return comb->tables + (block * ENTRIES + index) * comb->words;
}

static bool store(const struct dh_comb *comb, unsigned int block, unsigned int index,
		  const BIGNUM *v)
{
	int len = (int)(comb->words * sizeof(word));

	return BN_bn2lebinpad(v, (unsigned char *)entry(comb, block, index), len) == len;
}

static bool load(const struct dh_comb *comb, const word *words, BIGNUM *ret)
{
	return BN_lebin2bn((const unsigned char *)words, (int)(comb->words * sizeof(*words)), ret);
}

/* --- the tables --------------------------------------------------------------------------- */

/* Entries of one row are in: those of two and more rows are products of theirs. */
static bool multiply_out(struct dh_comb *comb, unsigned int block, BN_CTX *ctx)
{
	_cleanup_(free_bn) BIGNUM *a = BN_new(), *b = BN_new();

	for (unsigned int i = 1; i < ENTRIES; i++) {
		unsigned int low = i & -i;

		if (low == i)
			continue;
		if (!a || !b || !load(comb, entry(comb, block, low), a) ||
		    !load(comb, entry(comb, block, i ^ low), b) ||
		    !BN_mod_mul_montgomery(a, a, b, comb->mont, ctx) || !store(comb, block, i, a))
			return false;
	}
	return true;
}

/* 2^(2^n) by squaring, kept wherever a row of a block begins. */
static bool fill(struct dh_comb *comb, BN_CTX *ctx)
{
	_cleanup_(free_bn) BIGNUM *power = BN_new(), *one = BN_new();
	unsigned int columns = comb->columns;

	if (!power || !one || !BN_set_word(power, 2) || !BN_one(one) ||
	    !BN_to_montgomery(power, power, comb->mont, ctx) ||
	    !BN_to_montgomery(one, one, comb->mont, ctx))
		return false;
	for (unsigned int bit = 0; bit < ROWS * BLOCKS * columns; bit++) {
		unsigned int block = bit / columns % BLOCKS, row = bit / columns / BLOCKS;

		if (!(bit % columns) && !store(comb, block, 1U << row, power))
			return false;
		if (!BN_mod_mul_montgomery(power, power, power, comb->mont, ctx))
			return false;
	}
	for (unsigned int block = 0; block < BLOCKS; block++)
		if (!store(comb, block, 0, one) || !multiply_out(comb, block, ctx))
			return false;
	return true;
}

struct dh_comb *dh_comb_free(struct dh_comb *comb)
{
	if (comb) {
		BN_MONT_CTX_free(comb->mont);
		free(comb->tables);
		free(comb);
	}
	return NULL;
}

struct dh_comb *dh_comb_new(const BIGNUM *p, unsigned int bits)
{
	struct dh_comb *comb = calloc(1, sizeof(*comb));
	_cleanup_(free_ctx) BN_CTX *ctx = BN_CTX_new();

	if (!comb)
		return NULL;
	comb->words = ((size_t)BN_num_bits(p) + 127) / 128;
	comb->columns = (bits + ROWS * BLOCKS - 1) / (ROWS * BLOCKS);
	comb->mont = BN_MONT_CTX_new();
	comb->tables = calloc(BLOCKS * ENTRIES * comb->words, sizeof(*comb->tables));
	if (comb->words > WORDS_MAX || comb->columns * ROWS * BLOCKS > 8 * EXPONENT_MAX || !ctx ||
	    !comb->mont || !comb->tables || !BN_MONT_CTX_set(comb->mont, p, ctx) ||
	    !fill(comb, ctx))
		return dh_comb_free(comb);
	return comb;
}

/* --- the power ---------------------------------------------------------------------------- */

/* One entry, whose number is secret: all are read. */
static bool gather(const struct dh_comb *comb, unsigned int block, unsigned int index, BIGNUM *ret)
{
	word words[WORDS_MAX] = { { 0 } };
	bool is_ok;

	for (unsigned int i = 0; i < ENTRIES; i++) {
		/* all ones for i == index, else 0 */
		uint64_t bits = 0 - (((uint64_t)(i ^ index) - 1) >> 63);
		const word *from = entry(comb, block, i), mask = { bits, bits };

		for (size_t w = 0; w < comb->words; w++)
			words[w] |= from[w] & mask;
	}
	is_ok = load(comb, words, ret);
	OPENSSL_cleanse(words, comb->words * sizeof(*words));
	return is_ok;
}

static unsigned int column(const struct dh_comb *comb, const uint8_t *x, unsigned int block,
			   unsigned int c)
{
	unsigned int index = 0;

	for (unsigned int row = 0; row < ROWS; row++) {
		unsigned int bit = (row * BLOCKS + block) * comb->columns + c;

		index |= (x[bit / 8] >> bit % 8 & 1U) << row;
	}
	return index;
}

static bool power(const struct dh_comb *comb, const uint8_t *x, BIGNUM *y, BN_CTX *ctx)
{
	_cleanup_(free_bn) BIGNUM *factor = BN_new();

	if (!factor || !BN_one(y) || !BN_to_montgomery(y, y, comb->mont, ctx))
		return false;
	for (unsigned int c = comb->columns; c-- > 0;) {
		if (!BN_mod_mul_montgomery(y, y, y, comb->mont, ctx))
			return false;
		for (unsigned int block = 0; block < BLOCKS; block++)
			if (!gather(comb, block, column(comb, x, block, c), factor) ||
			    !BN_mod_mul_montgomery(y, y, factor, comb->mont, ctx))
				return false;
	}
	return BN_from_montgomery(y, y, comb->mont, ctx);
}

int dh_comb_power(const struct dh_comb *comb, const BIGNUM *x, BIGNUM *ret_y)
{
	_cleanup_(free_ctx) BN_CTX *ctx = BN_CTX_new();
	uint8_t bytes[EXPONENT_MAX];
	bool is_ok = ctx && BN_num_bits(x) <= (int)(comb->columns * ROWS * BLOCKS) &&
		     BN_bn2lebinpad(x, bytes, sizeof(bytes)) == sizeof(bytes) &&
		     power(comb, bytes, ret_y, ctx);

	OPENSSL_cleanse(bytes, sizeof(bytes));
	return is_ok ? 0 : -EIO;
}
