// SPDX-License-Identifier: MIT
#include "policy/fault.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

static void set(struct fault *fault, enum policy_error number, const char *name,
		const char *format, va_list args)
{
	fault->number = number;
	fault->name = name;
	(void)vsnprintf(fault->text, sizeof(fault->text), format, args);
}

int fault_number(struct fault *fault, enum policy_error number, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	set(fault, number, NULL, format, args);
	va_end(args);
	return -EINVAL;
}

int fault_invalid(struct fault *fault, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	set(fault, 0, POLICY_BUS_INVALID, format, args);
	va_end(args);
	return -EINVAL;
}

int fault_denied(struct fault *fault, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	set(fault, 0, POLICY_BUS_DENIED, format, args);
	va_end(args);
	return -EPERM;
}

int fault_failed(struct fault *fault, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	set(fault, 0, POLICY_BUS_FAILED, format, args);
	va_end(args);
	return -EIO;
}

int fault_no_memory(struct fault *fault)
{
	(void)fault_failed(fault, "out of memory; nothing was changed");
	return -ENOMEM;
}
