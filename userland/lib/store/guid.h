/* SPDX-License-Identifier: MIT */
/* GUIDs as Windows writes them: {72385236-70FA-11D1-864C-14A300000000}. */
#ifndef STORE_GUID_H
#define STORE_GUID_H

#include <systemd/sd-id128.h>

#define STORE_GUID_STRLEN 39	/* with its NUL */

/* With or without braces, any case. 0 or -EINVAL. */
int store_guid_parse(const char *text, sd_id128_t *ret_guid);
/* With braces, upper case, into @buf; returns @buf. */
const char *store_guid_format(sd_id128_t guid, char buf[static STORE_GUID_STRLEN]);

#endif /* STORE_GUID_H */
