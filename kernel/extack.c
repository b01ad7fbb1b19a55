// SPDX-License-Identifier: GPL-2.0-only
/*
 * Formatted extack sentences on kernels that have none of their own; extack.h.
 */
#include <linux/atomic.h>
#include <linux/kernel.h>

#include "extack.h"

#ifdef IPD_EXTACK_FORMAT
#define BUFFERS	16
#define LENGTH	120

const char *ipd_extack_format(const char *format, ...)
{
	static char text[BUFFERS][LENGTH];
	static atomic_t turn;
	char *buffer = text[(unsigned int)atomic_inc_return(&turn) % BUFFERS];
	va_list args;

	va_start(args, format);
	vsnprintf(buffer, LENGTH, format, args);
	va_end(args);
	return buffer;
}
#endif
