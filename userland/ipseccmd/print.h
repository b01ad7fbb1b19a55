/* SPDX-License-Identifier: MIT */
/*
 * A run as its one command line: flags in the order of the help, lists as they were given, every
 * value in the words of the original. What flags_parse() reads of it is the same run.
 */
#ifndef IPSECCMD_PRINT_H
#define IPSECCMD_PRINT_H

#include <stdio.h>

#include "ipseccmd/run.h"

/*
 * A line of a batch file, without its end and without the program's name. Without @with_secrets a
 * preshared key is *.
 */
void print_run(FILE *file, const struct run *run, bool with_secrets);
/* The same into a new string, free with policy_secret_free(); NULL without memory. */
char *print_run_to_text(const struct run *run, bool with_secrets);

#endif /* IPSECCMD_PRINT_H */
