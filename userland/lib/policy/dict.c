// SPDX-License-Identifier: MIT
#include "policy/dict.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#include "policy/authmethod.h"

int dict_refuse(int err, char *why, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	vsnprintf(why, POLICY_WHY_LEN, format, ap);
	va_end(ap);
	return err;
}

/* --- writing ------------------------------------------------------------------------------ */

int dict_append_string(sd_bus_message *m, const char *key, const char *value)
{
	return sd_bus_message_append(m, "{sv}", key, "s", value ?: "");
}

int dict_append_number(sd_bus_message *m, const char *key, uint32_t value)
{
	return sd_bus_message_append(m, "{sv}", key, "u", value);
}

int dict_append_bool(sd_bus_message *m, const char *key, bool value)
{
	return sd_bus_message_append(m, "{sv}", key, "b", (int)value);
}

int dict_append_owned(sd_bus_message *m, const char *key, char *value)
{
	_cleanup_(policy_secret_freep) char *owned = value;

	return owned ? dict_append_string(m, key, owned) : -ENOMEM;
}

int dict_open_entry(sd_bus_message *m, const char *key, const char *type)
{
	int err = sd_bus_message_open_container(m, 'e', "sv");

	if (err >= 0)
		err = sd_bus_message_append(m, "s", key);
	return err < 0 ? err : sd_bus_message_open_container(m, 'v', type);
}

int dict_close_entry(sd_bus_message *m)
{
	int err = sd_bus_message_close_container(m);

	return err < 0 ? err : sd_bus_message_close_container(m);
}

int dict_append_methods(sd_bus_message *m, const struct policy_method *methods, size_t n,
			      bool with_secrets)
{
	int err = dict_open_entry(m, "auth", "as");

	if (err >= 0)
		err = sd_bus_message_open_container(m, 'a', "s");
	for (size_t i = 0; err >= 0 && i < n; i++) {
		_cleanup_(policy_secret_freep) char *text =
			policy_method_to_text(&methods[i], with_secrets);

		err = text ? sd_bus_message_append(m, "s", text) : -ENOMEM;
	}
	if (err >= 0)
		err = sd_bus_message_close_container(m);
	return err < 0 ? err : dict_close_entry(m);
}

/* --- reading ------------------------------------------------------------------------------ */

int dict_read(sd_bus_message *m, dict_value *read, void *object, uint32_t *given, char *why)
{
	int err = sd_bus_message_enter_container(m, 'a', "{sv}");

	if (err == 0)
		return 0;
	while (err > 0) {
		const char *key;

		err = sd_bus_message_enter_container(m, 'e', "sv");
		if (err <= 0)
			break;
		err = sd_bus_message_read(m, "s", &key);
		if (err < 0)
			break;
		err = read(m, key, object, given, why);
		if (err < 0)
			return err;
		err = sd_bus_message_exit_container(m);
	}
	if (err >= 0)
		err = sd_bus_message_exit_container(m);
	return err < 0 ? dict_refuse(err, why, "the message has not the form of a dictionary") : 1;
}

int dict_enter_value(sd_bus_message *m, const char *key, const char *type, char *why)
{
	int err = sd_bus_message_enter_container(m, 'v', type);

	/* sd-bus says -ENXIO for a variant of another type */
	if (err == -ENXIO || err == 0)
		return dict_refuse(-EINVAL, why, "%.64s: the value is not of type \"%s\"", key, type);
	return err < 0 ? dict_refuse(err, why, "the message has not the form of a dictionary") : 0;
}

int dict_read_basic(sd_bus_message *m, const char *key, const char *type, void *ret_value,
		    char *why)
{
	int err = dict_enter_value(m, key, type, why);

	if (err)
		return err;
	err = sd_bus_message_read_basic(m, type[0], ret_value);
	if (err >= 0)
		err = sd_bus_message_exit_container(m);
	return err < 0 ? dict_refuse(err, why, "%.64s: the value cannot be read", key) : 0;
}

int dict_read_text(sd_bus_message *m, const char *key, const char *type, const char **ret_text,
		   char buf[static 16], char *why)
{
	uint32_t number;
	int yes, err;

	switch (type[0]) {
	case 'u':
		err = dict_read_basic(m, key, type, &number, why);
		if (!err)
			snprintf(buf, 16, "%" PRIu32, number);
		*ret_text = buf;
		return err;
	case 'b':
		err = dict_read_basic(m, key, type, &yes, why);
		if (!err)
			snprintf(buf, 16, "%s", yes ? "yes" : "no");
		*ret_text = buf;
		return err;
	default:
		return dict_read_basic(m, key, type, ret_text, why);
	}
}

int dict_read_methods(sd_bus_message *m, struct policy_method *methods, size_t *n, char *why)
{
	const char *text;
	int err;

	err = dict_enter_value(m, "auth", "as", why);
	if (err)
		return err;
	policy_methods_clear(methods, n);
	err = sd_bus_message_enter_container(m, 'a', "s");
	while (err >= 0 && (err = sd_bus_message_read(m, "s", &text)) > 0) {
		err = policy_methods_add_text(methods, n, text, why);
		if (err)
			return err;
	}
	for (int level = 0; err >= 0 && level < 2; level++)
		err = sd_bus_message_exit_container(m);
	return err < 0 ? dict_refuse(err, why, "auth: the value cannot be read") : 0;
}

int dict_check_repeated(uint32_t before, uint32_t after, const char *key, char *why)
{
	if (before == after)
		return dict_refuse(-EINVAL, why, "%.64s is given twice", key);
	return 0;
}
