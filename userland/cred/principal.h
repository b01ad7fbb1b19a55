/* SPDX-License-Identifier: MIT */
#ifndef CRED_PRINCIPAL_H
#define CRED_PRINCIPAL_H

#include <stdbool.h>

#include "base/bytes.h"
#include "ike/credential.h"

/*
 * Kerberos names of machines, as text in UTF-8. Two forms are one, and nothing else is:
 *
 *     host-a$@EXAMPLE.TEST			the account of a machine in a domain
 *     host/host-a.example.test@EXAMPLE.TEST	a service, as MIT realms name machines
 *
 * The part before "$" has letters, digits, "-", "_" and "." and what is beyond ASCII and can be
 * seen; a realm and a name after "host/" are ASCII only. So the text of such a name needs no escapes,
 * and the Kerberos library reads it as it stands there.
 */

/* Room for the text and its NUL. */
#define PRINCIPAL_SIZE (IKE_GSS_NAME_MAX_LEN + 1)

/*
 * The peer's name in main mode, UTF-16LE, as text. -EINVAL: no UTF-16, or not the name of a
 * machine; -ENAMETOOLONG.
 */
int principal_from_utf16(struct bytes name, char ret_text[static PRINCIPAL_SIZE]);

bool principal_is_host(const char *text);

/* @realms between commas, case does not count; "" is any realm. */
bool principal_is_in_realms(const char *text, const char *realms);

#endif
