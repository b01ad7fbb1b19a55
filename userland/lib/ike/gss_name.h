/* SPDX-License-Identifier: MIT */
#ifndef IKE_GSS_NAME_H
#define IKE_GSS_NAME_H

#include "base/bytes.h"
#include "ike/credential.h"

/* On the wire a GSS endpoint name is UTF-16LE, without an end mark. */
#define GSS_NAME_WIRE_MAX_LEN (2 * IKE_GSS_NAME_MAX_LEN)

/*
 * @name is UTF-8. -EINVAL when it is empty, too long, or not UTF-8. In UTF-16 it is never longer
 * than twice as many bytes.
 */
int gss_name_write(struct writer *w, const char *name);

#endif
