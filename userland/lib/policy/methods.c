// SPDX-License-Identifier: MIT
#include "policy/methods.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/parse.h"

struct name {
	const char *text;
	int value;
};

/* The first name of a value is the one that is printed. */
static const struct name cipher_names[] = {
	{ "None", POLICY_CIPHER_NONE },
	{ "DES", POLICY_CIPHER_DES },
	{ "3DES", POLICY_CIPHER_3DES },
	{ "AES128", POLICY_CIPHER_AES128 },
	{ "AES192", POLICY_CIPHER_AES192 },
	{ "AES256", POLICY_CIPHER_AES256 },
	{ "AESGCM128", POLICY_CIPHER_AESGCM128 },
	{ "AESGCM256", POLICY_CIPHER_AESGCM256 },
};

static const struct name hash_names[] = {
	{ "None", POLICY_HASH_NONE },
	{ "MD5", POLICY_HASH_MD5 },
	{ "SHA1", POLICY_HASH_SHA1 },
	{ "SHA", POLICY_HASH_SHA1 },
	{ "SHA256", POLICY_HASH_SHA256 },
	{ "SHA384", POLICY_HASH_SHA384 },
	{ "SHA512", POLICY_HASH_SHA512 },
};

static const uint8_t groups[] = { 1, 2, 5, 14, 15, 16, 17, 18, 19, 20, 21 };

/* What is left of one offer, and where the sentence goes. */
struct cursor {
	const char *text;
	const char *end;
	const char *offer;		/* the whole of it, for messages */
	char *why;
};

static const char *find_name(const struct name *names, size_t n, int value)
{
	for (size_t i = 0; i < n; i++)
		if (names[i].value == value)
			return names[i].text;
	return NULL;
}

static int find_value(const struct name *names, size_t n, const char *text, size_t len)
{
	for (size_t i = 0; i < n; i++)
		if (strlen(names[i].text) == len && !strncasecmp(names[i].text, text, len))
			return names[i].value;
	return -1;
}

#define NAMES(table) table, sizeof(table) / sizeof((table)[0])

const char *policy_cipher_name(enum policy_cipher cipher)
{
	return find_name(NAMES(cipher_names), (int)cipher);
}

const char *policy_hash_name(enum policy_hash hash)
{
	return find_name(NAMES(hash_names), (int)hash);
}

bool policy_group_is_known(uint32_t group)
{
	for (size_t i = 0; i < sizeof(groups); i++)
		if (groups[i] == group)
			return true;
	return false;
}

static bool cipher_is_gcm(enum policy_cipher cipher)
{
	return cipher == POLICY_CIPHER_AESGCM128 || cipher == POLICY_CIPHER_AESGCM256;
}

__attribute__((format(printf, 2, 3)))
static int refuse(struct cursor *c, const char *format, ...)
{
	va_list ap;
	int len;

	len = snprintf(c->why, POLICY_WHY_LEN, "security method \"%.*s\": ",
		       (int)(c->end - c->offer > 64 ? 64 : c->end - c->offer), c->offer);
	va_start(ap, format);
	vsnprintf(c->why + len, (size_t)(POLICY_WHY_LEN - len), format, ap);
	va_end(ap);
	return -EINVAL;
}

static bool take_text(struct cursor *c, const char *text)
{
	size_t len = strlen(text);

	if ((size_t)(c->end - c->text) < len || strncasecmp(c->text, text, len) != 0)
		return false;
	c->text += len;
	return true;
}

/* The longest run of letters and digits. */
static size_t word_len(const struct cursor *c)
{
	size_t len = 0;

	while (c->text + len < c->end && isalnum((unsigned char)c->text[len]))
		len++;
	return len;
}

static int take_cipher(struct cursor *c, enum policy_cipher *ret_cipher)
{
	size_t len = word_len(c);
	int value = find_value(NAMES(cipher_names), c->text, len);

	if (value < 0)
		return refuse(c, "\"%.*s\" is not an encryption algorithm: use DES, 3DES, AES128, "
			      "AES192 or AES256, and for ESP also AESGCM128, AESGCM256 or None",
			      (int)(len > 16 ? 16 : len), c->text);
	c->text += len;
	*ret_cipher = (enum policy_cipher)value;
	return 0;
}

static int take_hash(struct cursor *c, enum policy_hash *ret_hash)
{
	size_t len = word_len(c);
	int value = find_value(NAMES(hash_names), c->text, len);

	if (value < 0)
		return refuse(c, "\"%.*s\" is not an integrity algorithm: "
			      "use MD5, SHA1, SHA256, SHA384 or SHA512, and for ESP also None",
			      (int)(len > 16 ? 16 : len), c->text);
	c->text += len;
	*ret_hash = (enum policy_hash)value;
	return 0;
}

/* Digits only; more of them than a limit has are too many, not an overflow. */
static int take_number(struct cursor *c, uint64_t *ret_number)
{
	char digits[16] = "";
	size_t len = 0;

	while (c->text + len < c->end && isdigit((unsigned char)c->text[len]))
		len++;
	if (!len || len >= sizeof(digits))
		return -EINVAL;
	memcpy(digits, c->text, len);
	c->text += len;
	return parse_u64(digits, UINT64_MAX, ret_number);
}

static int take_group(struct cursor *c, uint8_t *ret_group)
{
	uint64_t number;

	if (take_number(c, &number) < 0 || c->text != c->end)
		return refuse(c, "it must end with the number of a Diffie-Hellman group: "
			      "1, 2, 3 (group 14), 5 or 14 to 21");
	/* The third strength of Windows is group 14; IKE's own group 3 was never in use. */
	if (number == 3)
		number = 14;
	if (number > UINT8_MAX || !policy_group_is_known((uint32_t)number))
		return refuse(c, "there is no Diffie-Hellman group %" PRIu64
			      " here: use 1, 2, 3 (group 14), 5 or 14 to 21", number);
	*ret_group = (uint8_t)number;
	return 0;
}

static int mm_offer_parse(struct cursor *c, struct policy_mm_offer *ret_offer)
{
	struct policy_mm_offer offer = { .group = 0 };
	int err;

	err = take_cipher(c, &offer.cipher);
	if (err)
		return err;
	if (!take_text(c, "-"))
		return refuse(c, "expected encryption-integrity-group, such as 3DES-SHA1-2");
	err = take_hash(c, &offer.hash);
	if (err)
		return err;
	if (!take_text(c, "-"))
		return refuse(c, "expected encryption-integrity-group, such as 3DES-SHA1-2");
	err = take_group(c, &offer.group);
	if (err)
		return err;
	err = policy_mm_offer_check(&offer, c->why);
	if (err)
		return err;
	*ret_offer = offer;
	return 0;
}

/* life = kb "k" "/" sec "s", or one half of it */
static int take_lifetime(struct cursor *c, struct policy_qm_offer *offer)
{
	static const char form[] = "after \":\" comes a lifetime such as 100000k/3600s, 100000k or 3600s";
	uint64_t number;

	if (take_number(c, &number) < 0)
		return refuse(c, "%s", form);
	if (take_text(c, "k")) {
		if (number < POLICY_LIFETIME_MIN_KILOBYTES || number > POLICY_LIFETIME_MAX_KILOBYTES)
			return refuse(c, "a lifetime has %d to %d kilobytes",
				      POLICY_LIFETIME_MIN_KILOBYTES, POLICY_LIFETIME_MAX_KILOBYTES);
		offer->lifetime_kilobytes = (uint32_t)number;
		if (c->text == c->end)
			return 0;
		if (!take_text(c, "/") || take_number(c, &number) < 0)
			return refuse(c, "%s", form);
	}
	if (!take_text(c, "s") || c->text != c->end)
		return refuse(c, "%s", form);
	if (number < POLICY_LIFETIME_MIN_SECONDS || number > POLICY_LIFETIME_MAX_SECONDS)
		return refuse(c, "a lifetime has %d to %d seconds", POLICY_LIFETIME_MIN_SECONDS,
			      POLICY_LIFETIME_MAX_SECONDS);
	offer->lifetime_seconds = (uint32_t)number;
	return 0;
}

static int take_esp(struct cursor *c, struct policy_qm_offer *offer)
{
	int err;

	offer->has_esp = true;
	err = take_cipher(c, &offer->esp_cipher);
	if (err)
		return err;
	if (take_text(c, ",")) {
		err = take_hash(c, &offer->esp_hash);
		if (err)
			return err;
	} else if (!cipher_is_gcm(offer->esp_cipher)) {
		return refuse(c, "expected ESP[encryption,integrity], such as ESP[3DES,SHA1]");
	}
	return take_text(c, "]") ? 0 : refuse(c, "\"]\" is missing after ESP[...");
}

static int take_ah(struct cursor *c, struct policy_qm_offer *offer)
{
	int err;

	offer->has_ah = true;
	err = take_hash(c, &offer->ah_hash);
	if (err)
		return err;
	return take_text(c, "]") ? 0 : refuse(c, "\"]\" is missing after AH[...");
}

static int qm_offer_parse(struct cursor *c, struct policy_qm_offer *ret_offer)
{
	static const char form[] = "expected ESP[encryption,integrity], AH[integrity] or "
				   "AH[integrity]+ESP[encryption,integrity]";
	struct policy_qm_offer offer = { .has_ah = false };
	int err;

	if (take_text(c, "AH[")) {
		err = take_ah(c, &offer);
		if (err)
			return err;
		if (take_text(c, "+"))
			err = take_text(c, "ESP[") ? take_esp(c, &offer) : refuse(c, "%s", form);
	} else if (take_text(c, "ESP[")) {
		err = take_esp(c, &offer);
	} else {
		return refuse(c, "%s", form);
	}
	if (err)
		return err;
	if (take_text(c, ":")) {
		err = take_lifetime(c, &offer);
		if (err)
			return err;
	} else if (c->text != c->end) {
		return refuse(c, "%s", form);
	}
	err = policy_qm_offer_check(&offer, c->why);
	if (err)
		return err;
	*ret_offer = offer;
	return 0;
}

/* Points @c at the next offer of a list; false at its end. */
static bool next_offer(struct cursor *c, const char **text)
{
	const char *at = *text;

	while (*at == ' ' || *at == '\t')
		at++;
	c->offer = at;
	c->text = at;
	while (*at && *at != ' ' && *at != '\t')
		at++;
	c->end = at;
	*text = at;
	return c->text != c->end;
}

static int check_count(size_t n, const char *tag, char *why)
{
	if (n && n <= POLICY_MAX_OFFERS)
		return 0;
	snprintf(why, POLICY_WHY_LEN, n ? "%s has more than %d security methods" :
		 "%s is empty: name at least one security method (at most %d)", tag,
		 POLICY_MAX_OFFERS);
	return -EINVAL;
}

int policy_mm_offers_parse(const char *text, struct policy_mm_offer *ret_offers, size_t *ret_n,
			   char why[static POLICY_WHY_LEN])
{
	struct policy_mm_offer offers[POLICY_MAX_OFFERS];
	struct cursor c = { .why = why };
	size_t n = 0;
	int err;

	while (next_offer(&c, &text)) {
		if (n == POLICY_MAX_OFFERS)
			return check_count(n + 1, "mmsecmethods", why);
		err = mm_offer_parse(&c, &offers[n++]);
		if (err)
			return err;
	}
	err = check_count(n, "mmsecmethods", why);
	if (err)
		return err;
	memcpy(ret_offers, offers, n * sizeof(offers[0]));
	*ret_n = n;
	return 0;
}

int policy_qm_offers_parse(const char *text, struct policy_qm_offer *ret_offers, size_t *ret_n,
			   char why[static POLICY_WHY_LEN])
{
	struct policy_qm_offer offers[POLICY_MAX_OFFERS];
	struct cursor c = { .why = why };
	size_t n = 0;
	int err;

	while (next_offer(&c, &text)) {
		if (n == POLICY_MAX_OFFERS)
			return check_count(n + 1, "qmsecmethods", why);
		err = qm_offer_parse(&c, &offers[n++]);
		if (err)
			return err;
	}
	err = check_count(n, "qmsecmethods", why);
	if (err)
		return err;
	memcpy(ret_offers, offers, n * sizeof(offers[0]));
	*ret_n = n;
	return 0;
}

const char *policy_mm_offer_format(const struct policy_mm_offer *offer,
				   char buf[static POLICY_OFFER_STRLEN])
{
	snprintf(buf, POLICY_OFFER_STRLEN, "%s-%s-%u", policy_cipher_name(offer->cipher),
		 policy_hash_name(offer->hash), offer->group);
	return buf;
}

const char *policy_qm_offer_format(const struct policy_qm_offer *offer,
				   char buf[static POLICY_OFFER_STRLEN])
{
	char life[32] = "", ah[16] = "", esp[32] = "";

	if (offer->has_ah)
		snprintf(ah, sizeof(ah), "AH[%s]", policy_hash_name(offer->ah_hash));
	if (offer->has_esp)
		snprintf(esp, sizeof(esp), "ESP[%s,%s]", policy_cipher_name(offer->esp_cipher),
			 policy_hash_name(offer->esp_hash));
	if (offer->lifetime_kilobytes && offer->lifetime_seconds)
		snprintf(life, sizeof(life), ":%" PRIu32 "k/%" PRIu32 "s",
			 offer->lifetime_kilobytes, offer->lifetime_seconds);
	else if (offer->lifetime_kilobytes)
		snprintf(life, sizeof(life), ":%" PRIu32 "k", offer->lifetime_kilobytes);
	else if (offer->lifetime_seconds)
		snprintf(life, sizeof(life), ":%" PRIu32 "s", offer->lifetime_seconds);
	snprintf(buf, POLICY_OFFER_STRLEN, "%s%s%s%s", ah, *ah && *esp ? "+" : "", esp, life);
	return buf;
}

char *policy_mm_offers_to_text(const struct policy_mm_offer *offers, size_t n)
{
	char *text = calloc(n + 1, POLICY_OFFER_STRLEN), *at = text;
	char buf[POLICY_OFFER_STRLEN];

	for (size_t i = 0; text && i < n; i++)
		at += sprintf(at, "%s%s", i ? " " : "", policy_mm_offer_format(&offers[i], buf));
	return text;
}

char *policy_qm_offers_to_text(const struct policy_qm_offer *offers, size_t n)
{
	char *text = calloc(n + 1, POLICY_OFFER_STRLEN), *at = text;
	char buf[POLICY_OFFER_STRLEN];

	for (size_t i = 0; text && i < n; i++)
		at += sprintf(at, "%s%s", i ? " " : "", policy_qm_offer_format(&offers[i], buf));
	return text;
}

static int refuse_offer(const char *offer, const char *fault, char *why)
{
	snprintf(why, POLICY_WHY_LEN, "security method \"%s\": %s", offer, fault);
	return -EINVAL;
}

int policy_mm_offer_check(const struct policy_mm_offer *offer, char why[static POLICY_WHY_LEN])
{
	char buf[POLICY_OFFER_STRLEN];

	policy_mm_offer_format(offer, buf);
	if (offer->cipher == POLICY_CIPHER_NONE)
		return refuse_offer(buf, "main mode is always encrypted; use DES, 3DES or AES", why);
	if (cipher_is_gcm(offer->cipher))
		return refuse_offer(buf, "main mode has no GCM; use AES128, AES192 or AES256", why);
	if (offer->hash == POLICY_HASH_NONE)
		return refuse_offer(buf, "main mode needs a hash; use MD5, SHA1, SHA256, SHA384 or SHA512",
				    why);
	if (!policy_group_is_known(offer->group))
		return refuse_offer(buf, "the Diffie-Hellman group is 1, 2, 5 or 14 to 21", why);
	return 0;
}

static int check_lifetime(const struct policy_qm_offer *offer, const char *text, char *why)
{
	char fault[80];

	if (offer->lifetime_kilobytes &&
	    (offer->lifetime_kilobytes < POLICY_LIFETIME_MIN_KILOBYTES ||
	     offer->lifetime_kilobytes > POLICY_LIFETIME_MAX_KILOBYTES)) {
		snprintf(fault, sizeof(fault), "a lifetime has %d to %d kilobytes",
			 POLICY_LIFETIME_MIN_KILOBYTES, POLICY_LIFETIME_MAX_KILOBYTES);
		return refuse_offer(text, fault, why);
	}
	if (offer->lifetime_seconds && (offer->lifetime_seconds < POLICY_LIFETIME_MIN_SECONDS ||
					offer->lifetime_seconds > POLICY_LIFETIME_MAX_SECONDS)) {
		snprintf(fault, sizeof(fault), "a lifetime has %d to %d seconds",
			 POLICY_LIFETIME_MIN_SECONDS, POLICY_LIFETIME_MAX_SECONDS);
		return refuse_offer(text, fault, why);
	}
	return 0;
}

int policy_qm_offer_check(const struct policy_qm_offer *offer, char why[static POLICY_WHY_LEN])
{
	char buf[POLICY_OFFER_STRLEN];

	policy_qm_offer_format(offer, buf);
	if (!offer->has_ah && !offer->has_esp)
		return refuse_offer(buf, "name AH, ESP or both", why);
	if (offer->has_ah && offer->ah_hash == POLICY_HASH_NONE)
		return refuse_offer(buf, "AH is nothing without integrity; use MD5, SHA1 or SHA256",
				    why);
	if (offer->has_esp && offer->esp_cipher == POLICY_CIPHER_NONE &&
	    offer->esp_hash == POLICY_HASH_NONE)
		return refuse_offer(buf, "ESP needs encryption, integrity or both", why);
	if (offer->has_esp && cipher_is_gcm(offer->esp_cipher) &&
	    offer->esp_hash != POLICY_HASH_NONE)
		return refuse_offer(buf, "GCM authenticates by itself; write None for the integrity",
				    why);
	return check_lifetime(offer, buf, why);
}

bool policy_mm_offers_are_equal(const struct policy_mm_offer *a, size_t n_a,
				const struct policy_mm_offer *b, size_t n_b)
{
	if (n_a != n_b)
		return false;
	for (size_t i = 0; i < n_a; i++)
		if (a[i].cipher != b[i].cipher || a[i].hash != b[i].hash ||
		    a[i].group != b[i].group)
			return false;
	return true;
}

static bool qm_offer_is_equal(const struct policy_qm_offer *a, const struct policy_qm_offer *b)
{
	if (a->has_ah != b->has_ah || a->has_esp != b->has_esp ||
	    a->lifetime_kilobytes != b->lifetime_kilobytes ||
	    a->lifetime_seconds != b->lifetime_seconds)
		return false;
	if (a->has_ah && a->ah_hash != b->ah_hash)
		return false;
	return !a->has_esp || (a->esp_cipher == b->esp_cipher && a->esp_hash == b->esp_hash);
}

bool policy_qm_offers_are_equal(const struct policy_qm_offer *a, size_t n_a,
				const struct policy_qm_offer *b, size_t n_b)
{
	if (n_a != n_b)
		return false;
	for (size_t i = 0; i < n_a; i++)
		if (!qm_offer_is_equal(&a[i], &b[i]))
			return false;
	return true;
}

int policy_pfs_group_parse(const char *text, uint8_t *ret_group)
{
	uint32_t number;

	if (!strcasecmp(text, "NOPFS")) {
		*ret_group = POLICY_PFS_NONE;
		return 0;
	}
	if (!strcasecmp(text, "GRPMM")) {
		*ret_group = POLICY_PFS_MAIN_MODE;
		return 0;
	}
	if (strncasecmp(text, "GRP", 3) != 0 || parse_u32_range(text + 3, 1, 21, &number) < 0)
		return -EINVAL;
	if (number == 3)
		number = 14;	/* as in take_group() */
	if (!policy_group_is_known(number))
		return -EINVAL;
	*ret_group = (uint8_t)number;
	return 0;
}

const char *policy_pfs_group_format(uint8_t group, char buf[static 8])
{
	if (group == POLICY_PFS_NONE)
		return "NOPFS";
	if (group == POLICY_PFS_MAIN_MODE)
		return "GRPMM";
	snprintf(buf, 8, "GRP%u", group);
	return buf;
}
