// SPDX-License-Identifier: MIT
#include "ike/auth.h"

#include <errno.h>
#include <stdio.h>

#include "ike/mm.h"

const struct auth_ops *auth_find(enum ike_auth method)
{
	static const struct auth_ops *const all[] = { &auth_psk };

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		if (all[i]->method == method)
			return all[i];
	}
	return NULL;
}

int auth_fail(struct ike_mm *mm, enum ike_reason reason, const char *format, ...)
{
	struct mm_failure *failure = &mm->negotiation->failure;
	va_list args;

	failure->reason = reason;
	va_start(args, format);
	(void)vsnprintf(failure->text, sizeof(failure->text), format, args);
	va_end(args);
	return -EACCES;
}
