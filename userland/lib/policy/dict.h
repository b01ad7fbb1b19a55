/* SPDX-License-Identifier: MIT */
/*
 * Dictionaries on D-Bus, a{sv}, whose keys and values are those of the grammar: numbers are "u",
 * yes/no is "b", all else is "s". For the files that know the keys (bus.c, here and in lib/store).
 */
#ifndef POLICY_DICT_H
#define POLICY_DICT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <systemd/sd-bus.h>

#include "policy/model.h"

/* One entry. -errno of sd-bus, or not negative. _owned frees the text as a secret; NULL: -ENOMEM. */
int dict_append_string(sd_bus_message *m, const char *key, const char *value);
int dict_append_number(sd_bus_message *m, const char *key, uint32_t value);
int dict_append_bool(sd_bus_message *m, const char *key, bool value);
int dict_append_owned(sd_bus_message *m, const char *key, char *value);
/* The key "auth". */
int dict_append_methods(sd_bus_message *m, const struct policy_method *methods, size_t n,
			bool with_secrets);

/* Opens and closes an entry whose value is made between. */
int dict_open_entry(sd_bus_message *m, const char *key, const char *type);
int dict_close_entry(sd_bus_message *m);

/* @why has POLICY_WHY_LEN bytes; returns @err. */
int dict_refuse(int err, char *why, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/*
 * Takes the value of one key. 0, -EINVAL with a sentence, or another -errno. @given is the caller's
 * of dict_read().
 */
typedef int dict_value(sd_bus_message *m, const char *key, void *object, uint32_t *given,
		       char *why);

/* Calls @read for every entry. 1, 0 at the end of an array, or as policy_bus_read_rule(). */
int dict_read(sd_bus_message *m, dict_value *read, void *object, uint32_t *given, char *why);

/* Within a dict_value; all refuse a value of another type. */
int dict_enter_value(sd_bus_message *m, const char *key, const char *type, char *why);
int dict_read_basic(sd_bus_message *m, const char *key, const char *type, void *ret_value,
		    char *why);
/* As the grammar's text, in the message or in @buf: one parser does for bus and command line. */
int dict_read_text(sd_bus_message *m, const char *key, const char *type, const char **ret_text,
		   char buf[static 16], char *why);
/* Replaces the list by that of the key "auth". */
int dict_read_methods(sd_bus_message *m, struct policy_method *methods, size_t *n, char *why);
/* -EINVAL with a sentence if a value was set and no bit has come to those that are given. */
int dict_check_repeated(uint32_t before, uint32_t after, const char *key, char *why);

#endif /* POLICY_DICT_H */
