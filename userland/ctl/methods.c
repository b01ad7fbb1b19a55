// SPDX-License-Identifier: MIT
#include "ctl/methods.h"

#include <stdio.h>
#include <stdlib.h>

#include "policy/authmethod.h"

char *ctl_methods_text(const struct policy_method *methods, size_t n, int kind)
{
	char *text = NULL;
	size_t len;
	FILE *file = open_memstream(&text, &len);

	if (!file)
		return NULL;
	for (size_t i = 0; i < n; i++) {
		const struct policy_method *method = &methods[i];
		const char *separator = ftell(file) > 0 ? (kind < 0 ? " " : "; ") : "";

		if (kind < 0)
			fprintf(file, "%s%s", separator, policy_method_kind_name(method->kind));
		else if ((int)method->kind == kind && method->secret)
			fprintf(file, "%s%s", separator, method->secret);
	}
	if (fclose(file) != 0 || (kind >= 0 && !*text)) {
		free(text);
		return NULL;
	}
	return text;
}
