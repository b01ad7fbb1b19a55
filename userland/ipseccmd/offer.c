// SPDX-License-Identifier: MIT
#include "ipseccmd/offer.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <string.h>
#include <strings.h>

#include "base/parse.h"
#include "policy/methods.h"

#define WORD_LEN	16

static const char form[] = "an offer is ESP[encryption,integrity], AH[integrity] or both joined with "
			   "+, then a lifetime such as 3600S/100000K, then PFS or PFS2";

__attribute__((format(printf, 2, 3)))
static int refuse(char *why, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	vsnprintf(why, POLICY_WHY_LEN, format, ap);
	va_end(ap);
	return -EINVAL;
}

const char *offer_hash_name(enum policy_hash hash)
{
	return hash == POLICY_HASH_SHA1 ? "SHA" :
	       hash == POLICY_HASH_NONE ? "NONE" : policy_hash_name(hash);
}

static const char *cipher_name(enum policy_cipher cipher)
{
	return cipher == POLICY_CIPHER_NONE ? "NONE" : policy_cipher_name(cipher);
}

static bool take_text(const char **at, const char *text)
{
	size_t len = strlen(text);

	if (strncasecmp(*at, text, len) != 0)
		return false;
	*at += len;
	return true;
}

/* Letters and digits, as many as fit; longer words are nobody's name. */
static void take_word(const char **at, char word[static WORD_LEN])
{
	size_t len = 0;

	while (isalnum((unsigned char)(*at)[len]) && len < WORD_LEN - 1)
		len++;
	memcpy(word, *at, len);
	word[len] = '\0';
	*at += len;
}

static bool find_cipher(const char *word, enum policy_cipher *ret_cipher)
{
	for (int i = 0; policy_cipher_name((enum policy_cipher)i); i++) {
		if (!strcasecmp(policy_cipher_name((enum policy_cipher)i), word)) {
			*ret_cipher = (enum policy_cipher)i;
			return true;
		}
	}
	return false;
}

static bool find_hash(const char *word, enum policy_hash *ret_hash)
{
	for (int i = 0; policy_hash_name((enum policy_hash)i); i++) {
		if (!strcasecmp(policy_hash_name((enum policy_hash)i), word)) {
			*ret_hash = (enum policy_hash)i;
			return true;
		}
	}
	*ret_hash = POLICY_HASH_SHA1;
	return !strcasecmp(word, "SHA");
}

static int unknown_algorithm(const char *word, char *why)
{
	if (!strcasecmp(word, "DES40"))
		return refuse(why, "DES with 40 bits was in test versions only: use 3DES, or AES256");
	return refuse(why, "\"%s\" is no algorithm: for encryption use NONE, DES, 3DES, AES128, AES192, "
		      "AES256, AESGCM128 or AESGCM256, for integrity NONE, MD5, SHA, SHA256, SHA384 or "
		      "SHA512", word);
}

/* "a,b" in either order: no name but NONE is in both sets. */
static int set_esp(struct policy_qm_offer *qm, const char *first, const char *second, char *why)
{
	enum policy_cipher cipher;
	enum policy_hash hash;

	if ((find_cipher(first, &cipher) && find_hash(second, &hash)) ||
	    (find_cipher(second, &cipher) && find_hash(first, &hash))) {
		qm->esp_cipher = cipher;
		qm->esp_hash = hash;
		return 0;
	}
	if (!find_cipher(first, &cipher) && !find_hash(first, &hash))
		return unknown_algorithm(first, why);
	if (!find_cipher(second, &cipher) && !find_hash(second, &hash))
		return unknown_algorithm(second, why);
	return refuse(why, "\"%s\" and \"%s\" are of one kind: ESP has one algorithm for encryption and "
		      "one for integrity, such as ESP[3DES,SHA]", first, second);
}

static int take_esp(const char **at, struct policy_qm_offer *qm, char *why)
{
	char first[WORD_LEN], second[WORD_LEN] = "NONE";
	bool has_second;

	if (qm->has_esp)
		return refuse(why, "ESP stands twice in one offer; %s", form);
	qm->has_esp = true;
	take_word(at, first);
	has_second = take_text(at, ",");
	if (has_second)
		take_word(at, second);
	if (!take_text(at, "]"))
		return refuse(why, "\"]\" is missing after ESP[...; %s", form);
	if (!has_second && strncasecmp(first, "AESGCM", 6) != 0)
		return refuse(why, "ESP has an algorithm for encryption and one for integrity, such as "
			      "ESP[3DES,SHA]");
	return set_esp(qm, first, second, why);
}

static int take_ah(const char **at, struct policy_qm_offer *qm, char *why)
{
	char word[WORD_LEN];

	if (qm->has_ah)
		return refuse(why, "AH stands twice in one offer; %s", form);
	qm->has_ah = true;
	take_word(at, word);
	if (!take_text(at, "]"))
		return refuse(why, "\"]\" is missing after AH[...; %s", form);
	if (!find_hash(word, &qm->ah_hash))
		return refuse(why, "\"%s\" is no algorithm for AH: use MD5, SHA, SHA256, SHA384 or "
			      "SHA512", word);
	return 0;
}

static int take_suite(const char **at, struct policy_qm_offer *qm, char *why)
{
	int err;

	do {
		if (take_text(at, "ESP["))
			err = take_esp(at, qm, why);
		else if (take_text(at, "AH["))
			err = take_ah(at, qm, why);
		else
			err = refuse(why, "%s", form);
	} while (!err && take_text(at, "+"));
	return err;
}

static int take_amount(const char **at, struct policy_qm_offer *qm, char *why)
{
	char word[WORD_LEN] = "";
	size_t len = strspn(*at, "0123456789");
	uint32_t number, *field;
	char unit;

	unit = (char)toupper((unsigned char)(*at)[len]);
	if (!len || len >= sizeof(word) || (unit != 'K' && unit != 'S'))
		return refuse(why, "a lifetime is a number with K (kilobytes) or S (seconds), such as "
			      "3600S/100000K");
	memcpy(word, *at, len);
	*at += len + 1;
	field = unit == 'K' ? &qm->lifetime_kilobytes : &qm->lifetime_seconds;
	if (*field)
		return refuse(why, "there are two lifetimes in %s: one is in kilobytes (K), the other in "
			      "seconds (S)", unit == 'K' ? "kilobytes" : "seconds");
	/* 0 would be the default in silence. */
	if (parse_u32_range(word, 1, UINT32_MAX, &number) < 0)
		return refuse(why, "%s is not a lifetime: use %d to %d seconds, %d to %d kilobytes", word,
			      POLICY_LIFETIME_MIN_SECONDS, POLICY_LIFETIME_MAX_SECONDS,
			      POLICY_LIFETIME_MIN_KILOBYTES, POLICY_LIFETIME_MAX_KILOBYTES);
	*field = number;
	return 0;
}

static int take_pfs(const char **at, struct offer *offer, char *why)
{
	char word[WORD_LEN];
	uint32_t group;

	if (!take_text(at, "PFS") && !take_text(at, "P"))
		return 0;
	offer->pfs_group = POLICY_PFS_MAIN_MODE;
	if (!**at)
		return 0;
	take_word(at, word);
	if (parse_u32_range(word, 1, 21, &group) < 0)
		return refuse(why, "behind PFS stands the number of a Diffie-Hellman group: 1, 2, 5 or 14 "
			      "to 21, or nothing for that of the main mode");
	/* As everywhere: the third strength of Windows is group 14. */
	if (group == 3)
		group = 14;
	if (!policy_group_is_known(group))
		return refuse(why, "there is no Diffie-Hellman group %" PRIu32 " here: use 1, 2, 5 or 14 "
			      "to 21", group);
	offer->pfs_group = (uint8_t)group;
	return 0;
}

int offer_parse(const char *text, struct offer *ret_offer, char why[static POLICY_WHY_LEN])
{
	struct offer offer = { .pfs_group = POLICY_PFS_NONE };
	const char *at = text;
	int err;

	err = take_suite(&at, &offer.qm, why);
	if (!err && isdigit((unsigned char)*at)) {
		err = take_amount(&at, &offer.qm, why);
		if (!err && take_text(&at, "/"))
			err = take_amount(&at, &offer.qm, why);
	}
	err = err ?: take_pfs(&at, &offer, why);
	if (!err && *at)
		err = refuse(why, "\"%.32s\" is left over; %s", at, form);
	err = err ?: policy_qm_offer_check(&offer.qm, why);
	if (!err)
		*ret_offer = offer;
	return err;
}

void offer_print(FILE *file, const struct offer *offer)
{
	const struct policy_qm_offer *qm = &offer->qm;

	if (qm->has_ah)
		fprintf(file, "AH[%s]%s", offer_hash_name(qm->ah_hash), qm->has_esp ? "+" : "");
	if (qm->has_esp)
		fprintf(file, "ESP[%s,%s]", cipher_name(qm->esp_cipher), offer_hash_name(qm->esp_hash));
	if (qm->lifetime_seconds)
		fprintf(file, "%" PRIu32 "S", qm->lifetime_seconds);
	if (qm->lifetime_kilobytes)
		fprintf(file, "%s%" PRIu32 "K", qm->lifetime_seconds ? "/" : "", qm->lifetime_kilobytes);
	if (offer->pfs_group)
		fputs("PFS", file);
	if (offer->pfs_group && offer->pfs_group != POLICY_PFS_MAIN_MODE)
		fprintf(file, "%u", offer->pfs_group);
}

bool offer_is_equal(const struct offer *a, const struct offer *b)
{
	const struct policy_qm_offer *x = &a->qm, *y = &b->qm;

	return a->pfs_group == b->pfs_group && x->has_ah == y->has_ah && x->has_esp == y->has_esp &&
	       x->ah_hash == y->ah_hash && x->esp_cipher == y->esp_cipher &&
	       x->esp_hash == y->esp_hash && x->lifetime_kilobytes == y->lifetime_kilobytes &&
	       x->lifetime_seconds == y->lifetime_seconds;
}
