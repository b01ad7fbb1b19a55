/* SPDX-License-Identifier: MIT */
/* The properties of "dynamic set config": names, limits, defaults. */
#ifndef POLICY_CONFIG_H
#define POLICY_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "policy/model.h"
#include "policy/record.h"

#define POLICY_BOOT_EXEMPTIONS_MAX 1024

/* "TCP:0:80:outbound", "ICMP:inbound" */
struct policy_boot_exemption {
	uint8_t protocol;
	uint16_t source_port;		/* 0 is any */
	uint16_t destination_port;
	bool is_inbound;
};

struct policy_config_property {
	const char *name;
	const char *label;		/* in "show config" */
	bool is_number;
	uint32_t min;
	uint32_t max;
	const char *values;		/* for help: "0-7", "permit|block|stateful" */
	const char *fallback;		/* the default, in text */
	bool is_immediate;		/* else it takes effect when the driver starts next */
	const char *text;		/* what it does, for the manual and help */
	size_t offset;			/* in struct policy_config_info */
};

extern const struct policy_config_property policy_config_properties[];
extern const size_t policy_n_config_properties;

/* NULL for what is not a property; case does not matter. */
const struct policy_config_property *policy_config_find(const char *name);

/*
 * Checks @value and writes it in its one spelling ("stateful", "UDP:0:68:inbound TCP:...") to
 * *ret_text, which the caller frees. -EINVAL with a sentence, -ENOMEM.
 */
int policy_config_check(const struct policy_config_property *property, const char *value,
			char **ret_text, char why[static POLICY_WHY_LEN]);

/* The list of a bootexemptions value; "none" has no entries. The caller frees *ret_list. */
int policy_boot_exemptions_parse(const char *text, struct policy_boot_exemption **ret_list,
				 size_t *ret_n, char why[static POLICY_WHY_LEN]);

#endif /* POLICY_CONFIG_H */
