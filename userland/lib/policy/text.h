/* SPDX-License-Identifier: MIT */
/*
 * Objects as text: the ipsecctl command that makes them, and back. parse(print(x)) is x.
 * The tables here also drive the command line's parser, help and completion, and the bus.
 */
#ifndef POLICY_TEXT_H
#define POLICY_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "policy/model.h"

/*
 * Set one field from the text of its value. @tag is the tag's full name ("srcaddr", "psk"). 0,
 * -EINVAL with a sentence, -ENOMEM (with one too). The field's bit is added to *given. A mask is
 * part of its address ("srcaddr" is "10.0.0.0/24"); the first authentication tag replaces the
 * default list.
 */
int policy_mm_policy_set_tag(struct policy_mm_policy *policy, const char *tag, const char *value,
			     uint32_t *given, char why[static POLICY_WHY_LEN]);
int policy_qm_policy_set_tag(struct policy_qm_policy *policy, const char *tag, const char *value,
			     uint32_t *given, char why[static POLICY_WHY_LEN]);
int policy_rule_set_tag(struct policy_rule *rule, const char *tag, const char *value,
			uint32_t *given, char why[static POLICY_WHY_LEN]);

/* "dynamic add mmpolicy name=... ..." on one line, without its end. Every non-default field. */
void policy_mm_policy_print(FILE *file, const struct policy_mm_policy *policy);
void policy_qm_policy_print(FILE *file, const struct policy_qm_policy *policy);
/* Without @with_secrets a preshared key is printed as psk=*. */
void policy_rule_print(FILE *file, const struct policy_rule *rule, bool with_secrets);

/* The same into a new string; NULL without memory. */
char *policy_rule_to_text(const struct policy_rule *rule, bool with_secrets);

/* Writes @value with the quotes that the command line needs, if any. */
void policy_print_quoted(FILE *file, const char *value);

/* "permit", "block", "negotiate"; and back, any case. */
const char *policy_action_name(enum ipsecdrv_action action);
int policy_action_parse(const char *text, enum ipsecdrv_action *ret_action);

/* "all", "lan", "dialup"; and back, any case. */
const char *policy_connection_name(enum policy_connection connection);
int policy_connection_parse(const char *text, enum policy_connection *ret_connection);

#define POLICY_PROTOCOL_STRLEN 8

/* "ANY", "TCP", "UDP", "ICMP", "ICMPV6", "RAW" or the number, in @buf. Returns @buf. */
const char *policy_protocol_format(uint8_t protocol, char buf[static POLICY_PROTOCOL_STRLEN]);
int policy_protocol_parse(const char *text, uint8_t *ret_protocol);
bool policy_protocol_has_ports(uint8_t protocol);

#endif /* POLICY_TEXT_H */
