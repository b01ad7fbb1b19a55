// SPDX-License-Identifier: MIT
/*
 * Peers' names for Kerberos, in UTF-16LE. What is taken has to be for the Kerberos library what it is
 * for us: one name, in the realm after the "@", with no escapes.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <krb5.h>

#include "cred/principal.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(krb5_context krb5, const char *text)
{
	const char *realm = strchr(text, '@') + 1;
	krb5_principal principal;
	char *again;

	if (!principal_is_host(text) || !principal_is_in_realms(text, realm) ||
	    krb5_parse_name(krb5, text, &principal))
		abort();
	if (krb5_unparse_name(krb5, principal, &again) || strcmp(text, again) != 0 ||
	    principal->realm.length != strlen(realm) ||
	    memcmp(principal->realm.data, realm, principal->realm.length) != 0 ||
	    principal->length != (strncmp(text, "host/", 5) == 0 ? 2 : 1))
		abort();
	krb5_free_unparsed_name(krb5, again);
	krb5_free_principal(krb5, principal);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static krb5_context krb5;
	char text[PRINCIPAL_SIZE];

	if (!krb5 && krb5_init_context(&krb5))
		abort();
	if (principal_from_utf16((struct bytes){ data, size }, text) == 0)
		check(krb5, text);
	/* the same bytes as text, as a name in a ticket might be */
	size = size < PRINCIPAL_SIZE ? size : PRINCIPAL_SIZE - 1;
	if (size)
		memcpy(text, data, size);
	text[size] = '\0';
	if (principal_is_host(text))
		check(krb5, text);
	return 0;
}
