/* SPDX-License-Identifier: MIT */
/*
 * The model on D-Bus: one a{sv} per object, keys as in Documentation/bus.rst. The agent and the
 * command line both use these functions, so that the keys are written down once (bus.c for policy
 * objects, record.c for what is shown).
 */
#ifndef POLICY_BUS_H
#define POLICY_BUS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <systemd/sd-bus.h>

#include "policy/model.h"
#include "policy/record.h"

#define POLICY_BUS_SOCKET	"control"	/* in the run directory */
#define POLICY_BUS_PATH		"/org/ipsec_policy/agent"
#define POLICY_BUS_INTERFACE	"org.ipsec_policy.Agent1"
#define POLICY_BUS_ERROR	"org.ipsec_policy.Error."
#define POLICY_BUS_INVALID	POLICY_BUS_ERROR "Invalid"
#define POLICY_BUS_DENIED	POLICY_BUS_ERROR "Denied"
#define POLICY_BUS_FAILED	POLICY_BUS_ERROR "Failed"
/* a service number follows: POLICY_BUS_NUMBER "13000" */
#define POLICY_BUS_NUMBER	POLICY_BUS_ERROR "N"

/*
 * The service's error numbers (MS-ERREF 2.2): what both contexts can give, and what the dynamic one
 * can.
 */
enum policy_error {
	POLICY_ERROR_OBJECT_IN_USE = 170,
	POLICY_ERROR_OBJECT_EXISTS = 183,
	POLICY_ERROR_OBJECT_NOT_FOUND = 1168,
	POLICY_ERROR_QM_POLICY_EXISTS = 13000,
	POLICY_ERROR_QM_POLICY_NOT_FOUND = 13001,
	POLICY_ERROR_QM_POLICY_IN_USE = 13002,
	POLICY_ERROR_MM_POLICY_EXISTS = 13003,
	POLICY_ERROR_MM_POLICY_NOT_FOUND = 13004,
	POLICY_ERROR_MM_POLICY_IN_USE = 13005,
	POLICY_ERROR_MM_FILTER_EXISTS = 13006,
	POLICY_ERROR_MM_FILTER_NOT_FOUND = 13007,
	POLICY_ERROR_TRANSPORT_FILTER_EXISTS = 13008,
	POLICY_ERROR_TRANSPORT_FILTER_NOT_FOUND = 13009,
	POLICY_ERROR_MM_AUTH_EXISTS = 13010,
	POLICY_ERROR_MM_AUTH_NOT_FOUND = 13011,
	POLICY_ERROR_MM_AUTH_IN_USE = 13012,
	POLICY_ERROR_DEFAULT_MM_POLICY_NOT_FOUND = 13013,
	POLICY_ERROR_DEFAULT_MM_AUTH_NOT_FOUND = 13014,
	POLICY_ERROR_DEFAULT_QM_POLICY_NOT_FOUND = 13015,
	POLICY_ERROR_TUNNEL_FILTER_EXISTS = 13016,
	POLICY_ERROR_TUNNEL_FILTER_NOT_FOUND = 13017,
};

/* How rules travel. */
enum policy_bus_flags {
	POLICY_BUS_PUBLIC = 0,		/* a preshared key is only named: "psk" */
	POLICY_BUS_SECRETS = 1,		/* "psk=..." */
};

/*
 * Append one a{sv} with every field. 0 or -errno of sd-bus. A message with secrets should be
 * marked with sd_bus_message_sensitive() by its maker.
 */
int policy_bus_append_mm_policy(sd_bus_message *m, const struct policy_mm_policy *policy);
int policy_bus_append_qm_policy(sd_bus_message *m, const struct policy_qm_policy *policy);
int policy_bus_append_rule(sd_bus_message *m, const struct policy_rule *rule,
			   enum policy_bus_flags flags);

/* The same, but only the fields in @given (enum policy_field): for the Set calls. */
int policy_bus_append_mm_policy_fields(sd_bus_message *m, const struct policy_mm_policy *policy,
				       uint32_t given);
int policy_bus_append_qm_policy_fields(sd_bus_message *m, const struct policy_qm_policy *policy,
				       uint32_t given);
int policy_bus_append_rule_fields(sd_bus_message *m, const struct policy_rule *rule,
				  uint32_t given, enum policy_bus_flags flags);

/*
 * Read one a{sv} into a new object: what the dictionary does not name has its default, and
 * *ret_given (may be NULL) tells what it named. Unknown, repeated or badly typed keys and values
 * that are not of the grammar are refused; that the object as a whole makes sense is left to
 * policy_*_check(), after policy_*_merge() for the Set calls.
 *
 * 1, or 0 at the end of an array of dictionaries (nothing is returned then), -EINVAL with a
 * sentence in @why, or another -errno of sd-bus (and a general sentence in @why). The agent answers
 * -EINVAL with POLICY_BUS_INVALID and the sentence.
 */
int policy_bus_read_mm_policy(sd_bus_message *m, struct policy_mm_policy **ret_policy,
			      uint32_t *ret_given, char why[static POLICY_WHY_LEN]);
int policy_bus_read_qm_policy(sd_bus_message *m, struct policy_qm_policy **ret_policy,
			      uint32_t *ret_given, char why[static POLICY_WHY_LEN]);
int policy_bus_read_rule(sd_bus_message *m, struct policy_rule **ret_rule, uint32_t *ret_given,
			 char why[static POLICY_WHY_LEN]);

/* One record as a{sv}; reading is as above, except that unknown keys are skipped (newer agent). */
int policy_bus_append_record(sd_bus_message *m, const struct policy_record *record,
			     const void *info);
int policy_bus_read_record(sd_bus_message *m, const struct policy_record *record, void *ret_info,
			   char why[static POLICY_WHY_LEN]);

#endif /* POLICY_BUS_H */
