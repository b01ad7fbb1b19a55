// SPDX-License-Identifier: MIT
#include "ike/text.h"

#include <stdio.h>

void text_copy_line(char *to, const char *from, size_t size)
{
	(void)snprintf(to, size, "%s", from ? from : "");
	for (char *c = to; *c; c++)
		if ((unsigned char)*c < 0x20 || (unsigned char)*c >= 0x7f)
			*c = '?';
}
