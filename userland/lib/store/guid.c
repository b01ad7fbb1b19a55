// SPDX-License-Identifier: MIT
#include "store/guid.h"

#include <ctype.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

/* What stands between the braces; the library takes other forms, too, which are not ours. */
static bool has_form(const char *text)
{
	static const char form[] = "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx";

	for (size_t i = 0; i < sizeof(form); i++)
		if (form[i] == 'x' ? !isxdigit((unsigned char)text[i]) : text[i] != form[i])
			return false;
	return true;
}

int store_guid_parse(const char *text, sd_id128_t *ret_guid)
{
	char bare[STORE_GUID_STRLEN];
	size_t len = strlen(text);

	if (len >= sizeof(bare) || len < 2)
		return -EINVAL;
	if (text[0] == '{' && text[len - 1] == '}')
		snprintf(bare, sizeof(bare), "%.*s", (int)len - 2, text + 1);
	else
		snprintf(bare, sizeof(bare), "%s", text);
	if (!has_form(bare) || sd_id128_from_string(bare, ret_guid) < 0)
		return -EINVAL;
	return 0;
}

const char *store_guid_format(sd_id128_t guid, char buf[static STORE_GUID_STRLEN])
{
	snprintf(buf, STORE_GUID_STRLEN, "{" SD_ID128_UUID_FORMAT_STR "}", SD_ID128_FORMAT_VAL(guid));
	for (char *at = buf; *at; at++)
		*at = (char)toupper((unsigned char)*at);
	return buf;
}
