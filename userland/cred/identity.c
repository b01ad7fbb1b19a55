// SPDX-License-Identifier: MIT
#include "cred/identity.h"

#include <limits.h>
#include <string.h>
#include <strings.h>

#include <openssl/x509v3.h>

#include "cred/name.h"

enum id_type {
	ID_IPV4_ADDR = 1,
	ID_FQDN = 2,
	ID_USER_FQDN = 3,
	ID_IPV6_ADDR = 5,
	ID_DER_ASN1_DN = 9,
	ID_DER_ASN1_GN = 10,
};

static bool is_subject(X509 *cert, struct bytes id)
{
	X509_NAME *name = name_from_der(id);
	bool is_same = name && X509_NAME_entry_count(name) > 0 &&
		       X509_NAME_cmp(name, X509_get_subject_name(cert)) == 0;

	X509_NAME_free(name);
	return is_same;
}

static struct bytes string_bytes(const ASN1_STRING *string)
{
	return (struct bytes){ ASN1_STRING_get0_data(string), (size_t)ASN1_STRING_length(string) };
}

/* A NUL inside is a difference like any other. */
static bool is_same_text(struct bytes a, struct bytes b)
{
	return a.len && a.len == b.len && !strncasecmp((const char *)a.data, (const char *)b.data,
						       a.len) &&
	       !memchr(a.data, '\0', a.len);
}

static bool is_alt_name(const GENERAL_NAME *name, uint8_t id_type, struct bytes id)
{
	switch (id_type) {
	case ID_IPV4_ADDR:
		return id.len == 4 && name->type == GEN_IPADD &&
		       bytes_is_equal(string_bytes(name->d.iPAddress), id);
	case ID_IPV6_ADDR:
		return id.len == 16 && name->type == GEN_IPADD &&
		       bytes_is_equal(string_bytes(name->d.iPAddress), id);
	case ID_FQDN:
		return name->type == GEN_DNS && is_same_text(string_bytes(name->d.dNSName), id);
	case ID_USER_FQDN:
		return name->type == GEN_EMAIL &&
		       is_same_text(string_bytes(name->d.rfc822Name), id);
	default:
		return false;
	}
}

static bool is_general_name(GENERAL_NAME *name, struct bytes id)
{
	const unsigned char *at = id.data;
	GENERAL_NAME *wanted;
	bool is_same;

	if (!id.len || id.len > LONG_MAX)
		return false;
	wanted = d2i_GENERAL_NAME(NULL, &at, (long)id.len);
	is_same = wanted && at == id.data + id.len && GENERAL_NAME_cmp(name, wanted) == 0;
	GENERAL_NAME_free(wanted);
	return is_same;
}

bool identity_matches(X509 *cert, uint8_t id_type, struct bytes id)
{
	GENERAL_NAMES *names;
	bool is_found = false;

	if (id_type == ID_DER_ASN1_DN)
		return is_subject(cert, id);
	names = X509_get_ext_d2i(cert, NID_subject_alt_name, NULL, NULL);
	for (int i = 0; names && !is_found && i < sk_GENERAL_NAME_num(names); i++) {
		GENERAL_NAME *name = sk_GENERAL_NAME_value(names, i);

		is_found = id_type == ID_DER_ASN1_GN ? is_general_name(name, id) :
						       is_alt_name(name, id_type, id);
	}
	GENERAL_NAMES_free(names);
	return is_found;
}
