/* SPDX-License-Identifier: MIT */
#ifndef CRED_NAME_H
#define CRED_NAME_H

#include <stdbool.h>

#include <openssl/x509.h>

#include "base/bytes.h"

/* Distinguished names: of certificates, in policy, in requests of a peer. */

/*
 * "CN=host, O=Example": the most specific part first, ASCII, everything else escaped as RFC 2253
 * says, cut at IKE_NAME_MAX_LEN. The caller frees it; NULL without memory.
 */
char *name_to_text(const X509_NAME *name);

/* A name as people write it, in either order. */
struct name_text {
	X509_NAME *forward;
	X509_NAME *backward;
};

/*
 * Parts between commas (or semicolons, or plus signs), each TYPE=VALUE; values may stand in double
 * quotes, and any character behind a backslash. Types as OpenSSL knows them, and S= and E= as
 * Windows writes them. -EINVAL: not a name.
 */
int name_text_parse(const char *text, struct name_text *ret_name);
void name_text_clear(struct name_text *name);
/* Case and multiple spaces do not count (RFC 5280, section 7.1). */
bool name_text_matches(const struct name_text *text, const X509_NAME *name);

/* A DER name as a peer sends it; NULL unless @der is exactly one. */
X509_NAME *name_from_der(struct bytes der);

#endif
