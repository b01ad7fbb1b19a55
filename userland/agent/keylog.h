/* SPDX-License-Identifier: MIT */
#ifndef AGENT_KEYLOG_H
#define AGENT_KEYLOG_H

struct ike_keylog;

/*
 * Appends a key to the file in @dir that tshark reads (link/keylog.h); makes the directory. Mode
 * 0700 and 0600. 0 or -errno.
 */
int keylog_write(const char *dir, const struct ike_keylog *keylog);

#endif /* AGENT_KEYLOG_H */
