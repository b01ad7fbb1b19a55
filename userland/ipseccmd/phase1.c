// SPDX-License-Identifier: MIT
#include "ipseccmd/phase1.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <strings.h>

#include "base/parse.h"
#include "ipseccmd/offer.h"

#define NUMBER_LEN	16

static int refuse(char *why, const char *sentence)
{
	snprintf(why, POLICY_WHY_LEN, "%s", sentence);
	return -EINVAL;
}

int phase1_parse_offer(const char *text, struct policy_mm_offer *ret_offer, bool *ret_was_three,
		       char why[static POLICY_WHY_LEN])
{
	struct policy_mm_offer offers[POLICY_MAX_OFFERS];
	size_t len = strlen(text), n;
	int err;

	if (!strncasecmp(text, "DES40-", 6))
		return refuse(why, "DES with 40 bits was in test versions only: write "
			      "encryption-integrity-group, such as 3DES-SHA-2");
	err = policy_mm_offers_parse(text, offers, &n, why);
	if (err)
		return err;
	/* A word may hold blanks if it was quoted. */
	if (n != 1)
		return refuse(why, "write each offer as a word of its own, without quotes");
	*ret_offer = offers[0];
	*ret_was_three = len > 2 && !strcmp(text + len - 2, "-3");
	return 0;
}

static int take_life(const char **at, struct phase1_life *life, char *why)
{
	size_t len = strspn(*at, "0123456789");
	char number[NUMBER_LEN] = "", unit = (char)toupper((unsigned char)(*at)[len]);

	if (!len || len >= sizeof(number) || (unit != 'Q' && unit != 'S'))
		return refuse(why, "a lifetime is a number with Q (quick modes) or S (seconds), such as "
			      "10Q/3600S");
	memcpy(number, *at, len);
	*at += len + 1;
	if ((unit == 'Q' && life->has_quick_modes) || (unit == 'S' && life->has_seconds))
		return refuse(why, "two lifetimes have the same unit: one is in quick modes (Q), the "
			      "other in seconds (S)");
	if (unit == 'Q') {
		life->has_quick_modes = true;
		if (parse_u32_range(number, 0, INT32_MAX, &life->quick_modes) < 0)
			return refuse(why, "the limit of quick modes is 0 (none) to 2147483647");
		return 0;
	}
	life->has_seconds = true;
	if (parse_u32_range(number, PHASE1_MIN_SECONDS, PHASE1_MAX_SECONDS, &life->seconds) < 0) {
		snprintf(why, POLICY_WHY_LEN, "a main mode lives %d to %d seconds",
			 PHASE1_MIN_SECONDS, PHASE1_MAX_SECONDS);
		return -EINVAL;
	}
	return 0;
}

int phase1_parse_life(const char *text, struct phase1_life *ret_life,
		      char why[static POLICY_WHY_LEN])
{
	struct phase1_life life = { .seconds = 0 };
	int err = take_life(&text, &life, why);

	if (!err && *text == '/') {
		text++;
		err = take_life(&text, &life, why);
	}
	if (!err && *text)
		err = refuse(why, "expected one or two lifetimes, such as 10Q, 3600S or 10Q/3600S");
	if (!err)
		*ret_life = life;
	return err;
}

void phase1_print_offer(FILE *file, const struct policy_mm_offer *offer)
{
	fprintf(file, "%s-%s-%u", policy_cipher_name(offer->cipher), offer_hash_name(offer->hash),
		offer->group);
}

void phase1_print_life(FILE *file, const struct phase1_life *life)
{
	if (life->has_quick_modes)
		fprintf(file, "%" PRIu32 "Q", life->quick_modes);
	if (life->has_seconds)
		fprintf(file, "%s%" PRIu32 "S", life->has_quick_modes ? "/" : "", life->seconds);
}
