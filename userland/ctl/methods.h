/* SPDX-License-Identifier: MIT */
#ifndef CTL_METHODS_H
#define CTL_METHODS_H

#include <stddef.h>

#include "policy/model.h"

/*
 * How the shows print authentication methods: the names of all of them ("psk kerberos") with @kind
 * -1, else the secrets of those of one kind, joined by "; ". NULL for none; the caller frees it.
 */
char *ctl_methods_text(const struct policy_method *methods, size_t n, int kind);

#endif /* CTL_METHODS_H */
