/* SPDX-License-Identifier: MIT */
#ifndef CRED_IDENTITY_H
#define CRED_IDENTITY_H

#include <stdbool.h>
#include <stdint.h>

#include <openssl/x509.h>

#include "base/bytes.h"

/*
 * Whether a certificate says that its owner is who an ID payload names (RFC 2407, section 4.6.2):
 *
 *   9   DER_ASN1_DN      the subject
 *   10  DER_ASN1_GN      one of the subjectAltNames
 *   1   IPV4_ADDR, 5 IPV6_ADDR     an iPAddress among them
 *   2   FQDN             a dNSName, case does not count
 *   3   USER_FQDN        an rfc822Name, case does not count
 *
 * Other types name nobody. The subject is never searched for host names or addresses, and wildcards
 * are letters like others.
 */
bool identity_matches(X509 *cert, uint8_t id_type, struct bytes id);

#endif
