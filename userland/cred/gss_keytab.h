/* SPDX-License-Identifier: MIT */
#ifndef CRED_GSS_KEYTAB_H
#define CRED_GSS_KEYTAB_H

#include <stdbool.h>
#include <stddef.h>

#include "cred/gss_message.h"

/*
 * The machine's keytab, in the Kerberos process. The file is root's; it is opened while the process
 * still is root, and read again through that descriptor when it was written to. A file that was put
 * in its place is opened if the process's user may, else the old one stays in use, with a warning.
 *
 * What the Kerberos library gets is a copy in memory.
 */
struct gss_keytab;

/* Room for what gss_keytab_place() writes. */
#define GSS_KEYTAB_PLACE_SIZE 64

/*
 * Opens @path; a file that is missing may come later. -ENOMEM. Nothing is read yet.
 */
int gss_keytab_new(const char *path, struct gss_keytab **ret_keytab);
struct gss_keytab *gss_keytab_free(struct gss_keytab *keytab);

/* Reads it if it changed; true if that changed the names. One thread only. */
bool gss_keytab_refresh(struct gss_keytab *keytab);
/* Of the machines it has keys of, in its order; for the thread that refreshes. */
const struct gss_names *gss_keytab_names(const struct gss_keytab *keytab);
/* Where the copy in memory is, for the Kerberos library; any thread. */
void gss_keytab_place(struct gss_keytab *keytab, char place[static GSS_KEYTAB_PLACE_SIZE]);

#endif
