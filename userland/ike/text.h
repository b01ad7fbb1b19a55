/* SPDX-License-Identifier: MIT */
#ifndef IKE_TEXT_H
#define IKE_TEXT_H

#include <stddef.h>

/* @from as a link wants a text: not NULL, not too long, one line of printable ASCII. */
void text_copy_line(char *to, const char *from, size_t size);

#endif
