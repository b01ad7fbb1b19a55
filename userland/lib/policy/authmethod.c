// SPDX-License-Identifier: MIT
#include "policy/authmethod.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/parse.h"
#include "policy/check.h"

static const char certmap_option[] = "certmap:";
static const char exclude_option[] = "excludecaname:";

const char *policy_method_kind_name(enum policy_method_kind kind)
{
	switch (kind) {
	case POLICY_METHOD_KERBEROS:
		return "kerberos";
	case POLICY_METHOD_PSK:
		return "psk";
	case POLICY_METHOD_ROOT_CA:
		return "rootca";
	}
	return NULL;
}

const char *policy_method_kind_label(enum policy_method_kind kind)
{
	switch (kind) {
	case POLICY_METHOD_KERBEROS:
		return "Kerberos";
	case POLICY_METHOD_PSK:
		return "Preshared key";
	case POLICY_METHOD_ROOT_CA:
		return "Certificate";
	}
	return NULL;
}

char *policy_secret_free(char *secret)
{
	return wipe_free(secret, secret ? strlen(secret) : 0);
}

static int refuse(char *why, const char *sentence)
{
	snprintf(why, POLICY_WHY_LEN, "%s", sentence);
	return -EINVAL;
}

static int no_memory(char *why)
{
	snprintf(why, POLICY_WHY_LEN, "out of memory");
	return -ENOMEM;
}

static bool is_blank(const char *text)
{
	return !text[strspn(text, " \t")];
}

/* Removes a trailing "option:yes" or "option:no" from @text; 1 if there was one. */
static int take_option(char *text, const char *option, bool *ret_value)
{
	char *blank = strrchr(text, ' '), *word = blank ? blank + 1 : text;
	int value;

	if (strncasecmp(word, option, strlen(option)) != 0)
		return 0;
	if (parse_bool(word + strlen(option), &value) < 0)
		return -EINVAL;
	*ret_value = value;
	while (word > text && word[-1] == ' ')
		word--;
	*word = '\0';
	return 1;
}

static void trim(char *text)
{
	size_t lead = strspn(text, " "), len = strlen(text + lead);

	memmove(text, text + lead, len + 1);
	while (len > 0 && text[len - 1] == ' ')
		text[--len] = '\0';
}

/* \' becomes a double quote, in place. */
static void unescape_quotes(char *text)
{
	char *to = text;

	for (; *text; text++) {
		if (text[0] == '\\' && text[1] == '\'') {
			*to++ = '"';
			text++;
		} else {
			*to++ = *text;
		}
	}
	*to = '\0';
}

static int parse_root_ca(const char *value, struct policy_method *ret_method, char *why)
{
	struct policy_method method = { .kind = POLICY_METHOD_ROOT_CA };
	_cleanup_(policy_secret_freep) char *name = strdup(value);
	int map = 0, exclude = 0, err = 0;

	if (!name)
		return no_memory(why);
	trim(name);
	/* In any order, each once; what looks like a third one belongs to the name. */
	for (int i = 0; i < 2 && err >= 0; i++) {
		if (!map)
			err = map = take_option(name, certmap_option, &method.cert_map);
		if (!exclude && err >= 0)
			err = exclude = take_option(name, exclude_option, &method.exclude_ca_name);
	}
	if (err < 0)
		return refuse(why, "rootca: certmap: and excludecaname: are yes or no");
	unescape_quotes(name);
	if (is_blank(name))
		return refuse(why, "rootca: name the certification authority, such as "
			      "rootca=\"CN=Example CA certmap:no excludecaname:no\"");
	method.secret = TAKE_PTR(name);
	*ret_method = method;
	return 0;
}

static int parse_psk(const char *value, struct policy_method *ret_method, char *why)
{
	char *key;

	if (is_blank(value))
		return refuse(why, "psk: the preshared key is blank; give one that is hard to guess");
	key = strdup(value);
	if (!key)
		return no_memory(why);
	*ret_method = (struct policy_method){ .kind = POLICY_METHOD_PSK, .secret = key };
	return 0;
}

static int check_secret(const char *tag, const char *value, char *why)
{
	if (strlen(value) > POLICY_SECRET_MAX) {
		snprintf(why, POLICY_WHY_LEN, "%s: longer than %d bytes", tag, POLICY_SECRET_MAX);
		return -EINVAL;
	}
	return policy_text_check(tag, value, why);
}

int policy_methods_add_tag(struct policy_method *methods, size_t *n, const char *tag,
			   const char *value, char why[static POLICY_WHY_LEN])
{
	struct policy_method method = { .kind = POLICY_METHOD_KERBEROS };
	int err, yes;

	if (!strcmp(tag, "kerberos")) {
		if (parse_bool(value, &yes) < 0)
			return refuse(why, "kerberos is yes or no");
		if (!yes)
			return 0;
		err = 0;
	} else if (!strcmp(tag, "psk")) {
		err = check_secret(tag, value, why) ?: parse_psk(value, &method, why);
	} else {
		err = check_secret(tag, value, why) ?: parse_root_ca(value, &method, why);
	}
	if (err)
		return err;
	if (*n == POLICY_MAX_METHODS) {
		policy_secret_free(method.secret);
		snprintf(why, POLICY_WHY_LEN, "a rule has at most %d authentication methods",
			 POLICY_MAX_METHODS);
		return -EINVAL;
	}
	methods[(*n)++] = method;
	return 0;
}

int policy_methods_add_text(struct policy_method *methods, size_t *n, const char *text,
			    char why[static POLICY_WHY_LEN])
{
	if (!strcmp(text, "kerberos"))
		return policy_methods_add_tag(methods, n, "kerberos", "yes", why);
	if (!strncmp(text, "psk=", 4))
		return policy_methods_add_tag(methods, n, "psk", text + 4, why);
	if (!strncmp(text, "rootca=", 7))
		return policy_methods_add_tag(methods, n, "rootca", text + 7, why);
	if (!strcmp(text, "psk") && *n < POLICY_MAX_METHODS) {
		methods[(*n)++] = (struct policy_method){ .kind = POLICY_METHOD_PSK };
		return 0;
	}
	return refuse(why, "an authentication method is kerberos, psk=KEY or rootca=NAME");
}

char *policy_method_root_ca_text(const struct policy_method *method)
{
	char *text = NULL, *at;
	size_t quotes = 0;

	for (const char *c = method->secret; *c; c++)
		quotes += *c == '"';
	text = malloc(strlen(method->secret) + quotes + sizeof(" certmap:yes excludecaname:yes"));
	if (!text)
		return NULL;
	at = text;
	for (const char *c = method->secret; *c; c++) {
		if (*c == '"') {
			*at++ = '\\';
			*at++ = '\'';
		} else {
			*at++ = *c;
		}
	}
	sprintf(at, " certmap:%s excludecaname:%s", method->cert_map ? "yes" : "no",
		method->exclude_ca_name ? "yes" : "no");
	return text;
}

static char *concat(const char *head, const char *tail)
{
	char *text = malloc(strlen(head) + strlen(tail) + 1);

	if (text) {
		strcpy(text, head);
		strcat(text, tail);
	}
	return text;
}

char *policy_method_to_text(const struct policy_method *method, bool with_secrets)
{
	_cleanup_free_ char *ca = NULL;

	switch (method->kind) {
	case POLICY_METHOD_KERBEROS:
		return strdup("kerberos");
	case POLICY_METHOD_PSK:
		if (!with_secrets || !method->secret)
			return strdup("psk");
		return concat("psk=", method->secret);
	case POLICY_METHOD_ROOT_CA:
		ca = policy_method_root_ca_text(method);
		return ca ? concat("rootca=", ca) : NULL;
	}
	return NULL;
}

void policy_methods_clear(struct policy_method *methods, size_t *n)
{
	for (size_t i = 0; i < *n; i++)
		policy_secret_free(methods[i].secret);
	memset(methods, 0, *n * sizeof(*methods));
	*n = 0;
}

int policy_methods_copy(const struct policy_method *methods, size_t n,
			struct policy_method *ret_methods)
{
	for (size_t i = 0; i < n; i++) {
		ret_methods[i] = methods[i];
		if (!methods[i].secret)
			continue;
		ret_methods[i].secret = strdup(methods[i].secret);
		if (!ret_methods[i].secret) {
			policy_methods_clear(ret_methods, &i);
			return -ENOMEM;
		}
	}
	return 0;
}

static bool secret_is_equal(const char *a, const char *b)
{
	return a && b ? !strcmp(a, b) : a == b;
}

static bool method_is_equal(const struct policy_method *a, const struct policy_method *b)
{
	if (a->kind != b->kind || !secret_is_equal(a->secret, b->secret))
		return false;
	return a->kind != POLICY_METHOD_ROOT_CA ||
	       (a->cert_map == b->cert_map && a->exclude_ca_name == b->exclude_ca_name);
}

bool policy_methods_are_equal(const struct policy_method *a, size_t n_a,
			      const struct policy_method *b, size_t n_b)
{
	if (n_a != n_b)
		return false;
	for (size_t i = 0; i < n_a; i++)
		if (!method_is_equal(&a[i], &b[i]))
			return false;
	return true;
}

static bool is_repeated(const struct policy_method *methods, size_t i)
{
	for (size_t j = 0; j < i; j++) {
		if (methods[j].kind != methods[i].kind)
			continue;
		if (methods[i].kind != POLICY_METHOD_ROOT_CA ||
		    !strcmp(methods[i].secret, methods[j].secret))
			return true;
	}
	return false;
}

int policy_methods_check(const struct policy_method *methods, size_t n,
			 char why[static POLICY_WHY_LEN])
{
	bool was_ca = false, has_ended = false;

	for (size_t i = 0; i < n; i++) {
		bool is_ca = methods[i].kind == POLICY_METHOD_ROOT_CA;

		if (methods[i].kind == POLICY_METHOD_PSK &&
		    (!methods[i].secret || is_blank(methods[i].secret)))
			return refuse(why, "psk: the preshared key is blank; give one that is hard "
				      "to guess");
		if (is_ca && !methods[i].secret)
			return refuse(why, "rootca: name the certification authority");
		if (is_repeated(methods, i))
			return refuse(why, is_ca ?
				      "the same rootca is named twice; name it once" :
				      "kerberos and psk can each be given only once in a rule");
		if (is_ca && has_ended)
			return refuse(why, "rootca methods must follow each other: put kerberos and "
				      "psk before or after all of them");
		has_ended = has_ended || (was_ca && !is_ca);
		was_ca = is_ca;
	}
	return 0;
}
