/* SPDX-License-Identifier: MIT */
/*
 * The same command line on another host, by ssh(1): nothing of ours listens on a network.
 *
 *   ipsecctl -H admin@fw --json static show rule all policy="Andy's"
 *   ssh -- admin@fw 'ipsecctl' '--json' 'static' 'show' 'rule' 'all' 'policy=Andy'\''s'
 *
 * ssh hands its arguments to the shell of the other side, so that every word is quoted, whatever it
 * holds.
 */
#ifndef CTL_REMOTE_H
#define CTL_REMOTE_H

#include <stdbool.h>
#include <stddef.h>

#include "ctl/ctl.h"

/* One who asks for a host by "\\host" as the first word; NULL if @word is none. */
const char *ctl_remote_host(const char *word);

/*
 * Runs @program with @words on @host. @input is the file that becomes its standard input, NULL: our
 * own; @has_terminal: it is to have a terminal, as for a prompt. The program's exit code, or
 * CTL_EXIT_FAILED, which has been reported, when ssh could not do it.
 */
enum ctl_exit ctl_remote_run(struct ctl *ctl, const char *host, const char *program,
			     char *const *words, size_t n, const char *input, bool has_terminal);

#endif /* CTL_REMOTE_H */
