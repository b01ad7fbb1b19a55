/* SPDX-License-Identifier: MIT */
#ifndef IPSECCMD_HELP_H
#define IPSECCMD_HELP_H

#include <stdio.h>

/* All modes, flags and examples, for @program: "ipseccmd" or "ipsecpol". */
void help_print(FILE *file, const char *program);

#endif /* IPSECCMD_HELP_H */
