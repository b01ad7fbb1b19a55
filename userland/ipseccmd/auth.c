// SPDX-License-Identifier: MIT
#include "ipseccmd/auth.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/cleanup.h"
#include "policy/authmethod.h"

/* What the options of a CA's name are when there are none. */
static const char no_options[] = " certmap:no excludecaname:no";

/* The value behind "WORD:", NULL if @text does not begin so. */
static const char *value_of(const char *text, const char *word)
{
	size_t len = strlen(word);

	return !strncasecmp(text, word, len) && text[len] == ':' ? text + len + 1 : NULL;
}

int auth_add(struct policy_method *methods, size_t *n, const char *text,
	     char why[static POLICY_WHY_LEN])
{
	const char *value;

	if (!strcasecmp(text, "KERBEROS") || !strcasecmp(text, "K"))
		return policy_methods_add_tag(methods, n, "kerberos", "yes", why);
	value = value_of(text, "PRESHARE") ?: value_of(text, "P");
	if (value)
		return policy_methods_add_tag(methods, n, "psk", value, why);
	value = value_of(text, "CERT") ?: value_of(text, "C");
	if (value)
		return policy_methods_add_tag(methods, n, "rootca", value, why);
	snprintf(why, POLICY_WHY_LEN, "a method is KERBEROS, PRESHARE:\"key\" or CERT:\"name of the "
		 "certification authority\", or K, P:\"key\", C:\"name\"");
	return -EINVAL;
}

/* "CERT:name", with the options if there are any, or if the name itself could be taken for some. */
static char *root_ca_text(const struct policy_method *method)
{
	_cleanup_free_ char *name = policy_method_root_ca_text(method);
	char *text = NULL;
	size_t len;

	if (!name)
		return NULL;
	len = strlen(name) - strlen(no_options);
	if (!method->cert_map && !method->exclude_ca_name) {
		name[len] = '\0';
		if (strcasestr(name, "certmap:") || strcasestr(name, "excludecaname:"))
			name[len] = ' ';
	}
	return asprintf(&text, "CERT:%s", name) < 0 ? NULL : text;
}

char *auth_to_text(const struct policy_method *method, bool with_secrets)
{
	char *text = NULL;

	switch (method->kind) {
	case POLICY_METHOD_KERBEROS:
		return strdup("KERBEROS");
	case POLICY_METHOD_PSK:
		return asprintf(&text, "PRESHARE:%s",
				with_secrets && method->secret ? method->secret : "*") < 0 ?
		       NULL : text;
	case POLICY_METHOD_ROOT_CA:
		return root_ca_text(method);
	}
	return NULL;
}
