// SPDX-License-Identifier: MIT
#include "cred/name.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <openssl/bio.h>
#include <openssl/objects.h>

#include "base/cleanup.h"
#include "ike/credential.h"

#define PARTS_MAX 32
#define VALUE_MAX 512

/* --- to text ------------------------------------------------------------------------------ */

/* A backslash and what it escapes stay together. */
static size_t cut(const char *text, size_t len)
{
	if (len <= IKE_NAME_MAX_LEN)
		return len;
	len = IKE_NAME_MAX_LEN - 3;
	for (size_t i = 0; i < 3 && len; i++)
		if (text[len - 1 - i] == '\\')
			return len - 1 - i;
	return len;
}

char *name_to_text(const X509_NAME *name)
{
	unsigned long flags = XN_FLAG_SEP_CPLUS_SPC | XN_FLAG_DN_REV | XN_FLAG_FN_SN |
			      ASN1_STRFLGS_RFC2253;
	BIO *bio = BIO_new(BIO_s_mem());
	char *data, *text = NULL;
	long len;

	if (!bio)
		return NULL;
	if (X509_NAME_print_ex(bio, name, 0, flags) < 0)
		(void)BIO_reset(bio);	/* strings that are not what their type says */
	len = BIO_get_mem_data(bio, &data);
	if (len > 0) {
		size_t keep = cut(data, (size_t)len);

		text = calloc(1, keep + 4);
		if (text)
			memcpy(text, data, keep);
		if (text && keep < (size_t)len)
			strcpy(text + keep, "...");
	} else {
		text = strdup("(a name that cannot be shown)");
	}
	BIO_free(bio);
	return text;
}

/* --- from text ---------------------------------------------------------------------------- */

struct part {
	int nid;
	bool joins_previous;	/* "+": of one RDN with the part before */
	unsigned char value[VALUE_MAX];
	int len;
};

struct cursor {
	const char *at;
	bool joins;		/* the separator before was a plus sign */
};

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = (char)(c | 0x20);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static void skip_spaces(struct cursor *cursor)
{
	while (*cursor->at == ' ')
		cursor->at++;
}

static int parse_type(struct cursor *cursor, struct part *part)
{
	static const struct { const char *name; int nid; } windows[] = {
		{ "S", NID_stateOrProvinceName },
		{ "E", NID_pkcs9_emailAddress },
		{ "STREET", NID_streetAddress },
		{ "T", NID_title },
		{ "G", NID_givenName },
	};
	size_t len = strcspn(cursor->at, "=,;+\"");
	char type[64];

	if (cursor->at[len] != '=' || len >= sizeof(type))
		return -EINVAL;
	memcpy(type, cursor->at, len);
	type[len] = '\0';
	cursor->at += len + 1;
	while (len && type[len - 1] == ' ')
		type[--len] = '\0';
	part->nid = NID_undef;
	for (size_t i = 0; i < sizeof(windows) / sizeof(windows[0]); i++)
		if (!strcasecmp(type, windows[i].name))
			part->nid = windows[i].nid;
	for (char *c = type; part->nid == NID_undef && *c; c++)
		if (*c >= 'a' && *c <= 'z' && strlen(type) <= 3)
			*c = (char)(*c - 0x20);		/* "cn", "dc" */
	if (part->nid == NID_undef)
		part->nid = OBJ_txt2nid(type);
	return part->nid == NID_undef ? -EINVAL : 0;
}

/* What is behind a backslash: two hexadecimal digits, or the character itself. */
static int unescape(struct cursor *cursor)
{
	int high = hex_digit(cursor->at[0]);
	int low = high < 0 ? -1 : hex_digit(cursor->at[1]);

	if (low >= 0) {
		cursor->at += 2;
		return high << 4 | low;
	}
	return *cursor->at ? (unsigned char)*cursor->at++ : -1;
}

static int parse_value(struct cursor *cursor, struct part *part)
{
	bool is_quoted = false;
	int solid = 0;		/* length up to the last character that is not a space to be trimmed */

	part->len = 0;
	for (; *cursor->at && (is_quoted || !strchr(",;+", *cursor->at)); ) {
		int c = (unsigned char)*cursor->at++;
		bool is_plain = !is_quoted;

		if (c == '"') {
			is_quoted = !is_quoted;
			continue;
		}
		if (c == '\\') {
			c = unescape(cursor);
			is_plain = false;
		}
		if (c <= 0 || part->len == VALUE_MAX)
			return -EINVAL;
		part->value[part->len++] = (unsigned char)c;
		if (c != ' ' || !is_plain)
			solid = part->len;
	}
	part->len = solid;
	return is_quoted || !solid ? -EINVAL : 0;
}

static int parse_part(struct cursor *cursor, struct part *part)
{
	int r;

	part->joins_previous = cursor->joins;
	skip_spaces(cursor);
	r = parse_type(cursor, part);
	if (r == 0) {
		skip_spaces(cursor);
		r = parse_value(cursor, part);
	}
	cursor->joins = *cursor->at == '+';
	if (*cursor->at)
		cursor->at++;
	return r;
}

/* Number of parts, or -EINVAL. */
static int parse_parts(const char *text, struct part *parts)
{
	struct cursor cursor = { .at = text };
	int n = 0;

	skip_spaces(&cursor);
	while (*cursor.at) {
		if (n == PARTS_MAX || parse_part(&cursor, &parts[n++]) < 0)
			return -EINVAL;
		skip_spaces(&cursor);
	}
	return n ? n : -EINVAL;
}

static X509_NAME *build(const struct part *parts, int n, bool is_backward)
{
	X509_NAME *name = X509_NAME_new();

	for (int i = 0; name && i < n; i++) {
		int at = is_backward ? n - 1 - i : i;
		const struct part *part = &parts[at];
		/* going backward, it is the part read before this one that says "joined to me" */
		bool joins = is_backward ? i && parts[at + 1].joins_previous : part->joins_previous;

		if (!X509_NAME_add_entry_by_NID(name, part->nid, MBSTRING_UTF8, part->value,
						part->len, -1, joins ? -1 : 0)) {
			X509_NAME_free(name);
			return NULL;
		}
	}
	return name;
}

int name_text_parse(const char *text, struct name_text *ret_name)
{
	_cleanup_free_ struct part *parts = calloc(PARTS_MAX, sizeof(*parts));
	struct name_text name = { 0 };
	int n;

	if (!parts)
		return -ENOMEM;
	n = parse_parts(text, parts);
	if (n < 0)
		return n;
	name.forward = build(parts, n, false);
	name.backward = build(parts, n, true);
	if (!name.forward || !name.backward) {
		name_text_clear(&name);
		return -EINVAL;
	}
	*ret_name = name;
	return 0;
}

void name_text_clear(struct name_text *name)
{
	X509_NAME_free(name->forward);
	X509_NAME_free(name->backward);
	*name = (struct name_text){ 0 };
}

bool name_text_matches(const struct name_text *text, const X509_NAME *name)
{
	return X509_NAME_cmp(text->forward, name) == 0 || X509_NAME_cmp(text->backward, name) == 0;
}

/* --- from DER ----------------------------------------------------------------------------- */

X509_NAME *name_from_der(struct bytes der)
{
	const unsigned char *at = der.data;
	X509_NAME *name;

	if (!der.len || der.len > LONG_MAX)
		return NULL;
	name = d2i_X509_NAME(NULL, &at, (long)der.len);
	if (name && at != der.data + der.len) {
		X509_NAME_free(name);
		return NULL;
	}
	return name;
}
