/* SPDX-License-Identifier: MIT */
/*
 * Values of tags, as text: what the objects of both contexts, dynamic and static, are set from and
 * printed with.
 *
 * The setters return 0, -EINVAL with a sentence that begins with @tag, or -ENOMEM (with one too),
 * and leave the field alone when they fail.
 */
#ifndef POLICY_TAG_H
#define POLICY_TAG_H

#include <stdio.h>

#include "policy/model.h"

int policy_tag_set_name(const char *tag, const char *value, char **field,
			char why[static POLICY_WHY_LEN]);
int policy_tag_set_number(const char *tag, const char *value, uint32_t min, uint32_t max,
			  uint32_t *field, char why[static POLICY_WHY_LEN]);
int policy_tag_set_port(const char *tag, const char *value, uint16_t *field,
			char why[static POLICY_WHY_LEN]);
int policy_tag_set_bool(const char *tag, const char *value, bool *field,
			char why[static POLICY_WHY_LEN]);
int policy_tag_set_action(const char *tag, const char *value, enum ipsecdrv_action *field,
			  char why[static POLICY_WHY_LEN]);
int policy_tag_set_protocol(const char *tag, const char *value, uint8_t *field,
			    char why[static POLICY_WHY_LEN]);
int policy_tag_set_connection(const char *tag, const char *value, enum policy_connection *field,
			      char why[static POLICY_WHY_LEN]);
int policy_tag_set_address(const char *tag, const char *value, struct policy_address *field,
			   char why[static POLICY_WHY_LEN]);
int policy_tag_set_main_mode(const char *tag, const char *value, enum policy_main_mode *field,
			     char why[static POLICY_WHY_LEN]);
int policy_tag_set_interface(const char *tag, const char *value, char **field,
			     char why[static POLICY_WHY_LEN]);

/* kerberos, psk, rootca: each adds one to the list of methods. */
bool policy_tag_is_auth(const char *tag);

/* " tag=value", with quotes if they are needed; NULL is an empty value. */
void policy_tag_print(FILE *file, const char *tag, const char *value);
void policy_tag_print_address(FILE *file, const char *tag, const struct policy_address *address);
/*
 * The tags that make a list of methods; nothing for Kerberos alone, which is the default. Without
 * @with_secrets a preshared key is printed as psk=*.
 */
void policy_tag_print_methods(FILE *file, const struct policy_method *methods, size_t n,
			      bool with_secrets);

#endif /* POLICY_TAG_H */
