// SPDX-License-Identifier: MIT
#include "policy/tag.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/parse.h"
#include "policy/address.h"
#include "policy/authmethod.h"
#include "policy/check.h"
#include "policy/text.h"

__attribute__((format(printf, 2, 3)))
static int refuse(char *why, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	vsnprintf(why, POLICY_WHY_LEN, format, ap);
	va_end(ap);
	return -EINVAL;
}

static int set_string(const char *value, char **field, char *why)
{
	char *copy = strdup(value);

	if (!copy) {
		refuse(why, "out of memory");
		return -ENOMEM;
	}
	free(*field);
	*field = copy;
	return 0;
}

int policy_tag_set_name(const char *tag, const char *value, char **field,
			char why[static POLICY_WHY_LEN])
{
	return policy_name_check(tag, value, why) ?: set_string(value, field, why);
}

int policy_tag_set_number(const char *tag, const char *value, uint32_t min, uint32_t max,
			  uint32_t *field, char why[static POLICY_WHY_LEN])
{
	if (parse_u32_range(value, min, max, field) < 0)
		return refuse(why, "%s=%.64s: a number from %" PRIu32 " to %" PRIu32 " is expected",
			      tag, value, min, max);
	return 0;
}

int policy_tag_set_port(const char *tag, const char *value, uint16_t *field,
			char why[static POLICY_WHY_LEN])
{
	if (parse_u16(value, field) < 0)
		return refuse(why, "%s=%.64s: a port from 0 (any) to 65535 is expected", tag, value);
	return 0;
}

int policy_tag_set_bool(const char *tag, const char *value, bool *field,
			char why[static POLICY_WHY_LEN])
{
	int yes;

	if (parse_bool(value, &yes) < 0)
		return refuse(why, "%s=%.64s: yes or no is expected", tag, value);
	*field = yes;
	return 0;
}

int policy_tag_set_action(const char *tag, const char *value, enum ipsecdrv_action *field,
			  char why[static POLICY_WHY_LEN])
{
	if (policy_action_parse(value, field) < 0)
		return refuse(why, "%s=%.64s: permit, block or negotiate is expected", tag, value);
	return 0;
}

int policy_tag_set_address(const char *tag, const char *value, struct policy_address *field,
			   char why[static POLICY_WHY_LEN])
{
	char fault[POLICY_WHY_LEN];
	struct policy_address address;
	int err;

	err = policy_address_parse(value, &address, fault);
	if (err) {
		snprintf(why, POLICY_WHY_LEN, "%s: %.*s", tag, POLICY_WHY_LEN - 32, fault);
		return err;
	}
	policy_address_clear(field);
	*field = address;
	return 0;
}

int policy_tag_set_protocol(const char *tag, const char *value, uint8_t *field,
			    char why[static POLICY_WHY_LEN])
{
	if (policy_protocol_parse(value, field) < 0)
		return refuse(why, "%s=%.64s: expected ANY, ICMP, TCP, UDP, ICMPV6, RAW or a number "
			      "from 0 to 255", tag, value);
	return 0;
}

int policy_tag_set_connection(const char *tag, const char *value, enum policy_connection *field,
			      char why[static POLICY_WHY_LEN])
{
	if (policy_connection_parse(value, field) < 0)
		return refuse(why, "%s=%.64s: lan, dialup or all is expected", tag, value);
	return 0;
}

int policy_tag_set_main_mode(const char *tag, const char *value, enum policy_main_mode *field,
			     char why[static POLICY_WHY_LEN])
{
	for (enum policy_main_mode i = 0; i <= POLICY_MAIN_MODE_ONLY; i++) {
		if (strcasecmp(value, policy_main_mode_name(i)) != 0)
			continue;
		*field = i;
		return 0;
	}
	return refuse(why, "%s=%.64s: own, others or only is expected", tag, value);
}

int policy_tag_set_interface(const char *tag, const char *value, char **field,
			     char why[static POLICY_WHY_LEN])
{
	return policy_interface_check(tag, value, why) ?: set_string(value, field, why);
}

bool policy_tag_is_auth(const char *tag)
{
	return !strcmp(tag, "kerberos") || !strcmp(tag, "psk") || !strcmp(tag, "rootca");
}

void policy_tag_print(FILE *file, const char *tag, const char *value)
{
	fprintf(file, " %s=", tag);
	policy_print_quoted(file, value ?: "");
}

void policy_tag_print_address(FILE *file, const char *tag, const struct policy_address *address)
{
	_cleanup_free_ char *text = policy_address_to_text(address);

	policy_tag_print(file, tag, text);
}

void policy_tag_print_methods(FILE *file, const struct policy_method *methods, size_t n,
			      bool with_secrets)
{
	if (!n)
		fputs(" kerberos=no", file);
	for (size_t i = 0; i < n; i++) {
		const struct policy_method *method = &methods[i];
		_cleanup_free_ char *ca = NULL;

		switch (method->kind) {
		case POLICY_METHOD_KERBEROS:
			if (n > 1)
				fputs(" kerberos=yes", file);
			break;
		case POLICY_METHOD_PSK:
			policy_tag_print(file, "psk", with_secrets && method->secret ? method->secret : "*");
			break;
		case POLICY_METHOD_ROOT_CA:
			ca = policy_method_root_ca_text(method);
			policy_tag_print(file, "rootca", ca);
			break;
		}
	}
}
