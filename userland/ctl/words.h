/* SPDX-License-Identifier: MIT */
#ifndef CTL_WORDS_H
#define CTL_WORDS_H

#include <stddef.h>

#include "ctl/command.h"

/* The words of a line; owns them. */
struct ctl_words {
	char *list[CTL_MAX_WORDS];
	size_t n;
	char *buffer;
};

/*
 * Splits at blanks. Between double quotes blanks belong to the word and two quotes stand for one;
 * quotes may begin anywhere in a word (psk="a b"). Nothing else is special, a backslash neither.
 * 0, -EINVAL with a sentence (a quote without end, too many words), -ENOMEM.
 */
int ctl_words_split(const char *line, struct ctl_words *ret_words, char why[static POLICY_WHY_LEN]);

/* Wipes, since words can be secrets. */
void ctl_words_clear(struct ctl_words *words);

/* Nothing to run: an empty line, a comment (# or rem or ::), "@echo off" of a batch file. */
bool ctl_line_is_comment(const char *line);

#endif /* CTL_WORDS_H */
