/* SPDX-License-Identifier: MIT */
#ifndef POLICY_CHECK_H
#define POLICY_CHECK_H

#include "policy/model.h"

/*
 * Names and secrets travel as D-Bus strings and as one line of a script: valid UTF-8, no control
 * characters. 0, or -EINVAL with a sentence that begins with @tag.
 */
int policy_text_check(const char *tag, const char *text, char why[static POLICY_WHY_LEN]);

/* The same, and neither blank nor longer than POLICY_NAME_MAX. */
int policy_name_check(const char *tag, const char *name, char why[static POLICY_WHY_LEN]);

/* The name of a network interface, as the system takes them; there need be none. As above. */
int policy_interface_check(const char *tag, const char *name, char why[static POLICY_WHY_LEN]);

/* The end of a tunnel is one host: a DNS name, or a whole unicast address. As above. */
int policy_endpoint_check(const char *tag, const struct policy_address *end,
			  char why[static POLICY_WHY_LEN]);

#endif /* POLICY_CHECK_H */
