/* SPDX-License-Identifier: MIT */
/*
 * From words to a run. The words are those of a shell, or of a line of a batch file: quotes are
 * gone.
 *
 *   command = [ "\\" machine ] ( query | "-file" FILE | "-u" | "-?" | { flag } )
 *   query   = "show" ( "filters" | "policies" | "auth" | "stats" | "sas" | "all" ) ...
 *
 * Flags come in any order. The first value of a flag may be glued to it (-apreshare:key); the flags
 * that take lists take all words up to the next one that begins with "-". Of several names that a
 * word begins with the longest one is meant: -file is not -f ile. Flags and keywords are the same
 * in any case.
 */
#ifndef IPSECCMD_FLAGS_H
#define IPSECCMD_FLAGS_H

#include "ipseccmd/run.h"

/*
 * Without the program's name; no words are -?. 0, -EINVAL with a sentence that names the flag, the
 * word and the remedy but no key; -ENOMEM with one, too. What was read has been checked
 * (run_check()).
 */
int flags_parse(char *const *words, size_t n, struct run **ret_run, char why[static RUN_WHY_LEN]);

/* The @i-th flag's name with its dash, for completion; NULL behind the last. */
const char *flags_name(size_t i, char buf[static 16]);

#endif /* IPSECCMD_FLAGS_H */
