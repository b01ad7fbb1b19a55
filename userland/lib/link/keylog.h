/* SPDX-License-Identifier: MIT */
#ifndef LINK_KEYLOG_H
#define LINK_KEYLOG_H

#include <stddef.h>

struct ike_keylog;

/*
 * Keys in the formats of tshark's tables, for debugging only. With the files in a directory of
 * their own, say RUNDIR/keylog, under the names below (they are those that tshark looks for in
 * its configuration directory), `WIRESHARK_CONFIG_DIR=RUNDIR/keylog tshark -o
 * esp.enable_encryption_decode:TRUE` decrypts IKE and ESP.
 */
#define LINK_KEYLOG_MM_FILE "ikev1_decryption_table"
#define LINK_KEYLOG_QM_FILE "esp_sa"

/* Room for what link_keylog_format() writes: every suite, both directions, and the NUL. */
#define LINK_KEYLOG_MAX_LEN 2048

/*
 * Writes the lines for @keylog into @buf, each with its newline, and the name of the file that
 * they are to be appended to into @ret_file (a constant). Returns the number of bytes without
 * the NUL, or -EINVAL for a record without key, -ENOBUFS. AH has no line: nothing is
 * encrypted, so the result may be 0 bytes. The caller wipes @buf.
 */
int link_keylog_format(const struct ike_keylog *keylog, char *buf, size_t size,
		       const char **ret_file);

#endif
