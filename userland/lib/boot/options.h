/* SPDX-License-Identifier: MIT */
#ifndef BOOT_OPTIONS_H
#define BOOT_OPTIONS_H

#include <stdbool.h>

#include "policy/config.h"

/*
 * What the driver is given when it is loaded: the properties of "dynamic set config" that are
 * parameters of the module, as a file of modprobe.d(5).
 *
 *	# Written by ipsec-policy-agent. ...
 *	# policy=assigned sum=0f1e2d3c4b5a6978
 *	options ipsecdrv startup_mode=stateful boot_exempt=UDP:0:68:inbound exempt=3 ...
 *
 * "policy" tells who starts the driver whether there is stored policy to protect by, for the case
 * that it cannot be loaded. The sum is of all that is in the file but itself: where it is wrong
 * somebody else has been there.
 */
struct boot_options {
	bool has_policy;
	char *values[5];	/* of the properties, in their one spelling; NULL: not set */
};

#define BOOT_OPTIONS_FILE	"/etc/modprobe.d/ipsec-policy.conf"
#define BOOT_OPTIONS_FILE_MAX	(64U << 10)

void boot_options_clear(struct boot_options *options);

/* Whether a property is one of the driver's at its start. */
bool boot_options_has(const char *property);
/* The properties there are, in order; NULL after the last one. */
const char *boot_options_property(size_t index);
/* 0; -EINVAL with a sentence, also for a property that is none of these; -ENOMEM. */
int boot_options_set(struct boot_options *options, const char *property, const char *value,
		     char why[static POLICY_WHY_LEN]);

/* The file's text, for the caller to free; NULL on OOM. All values are set. */
char *boot_options_format(const struct boot_options *options);
/*
 * What a text of modprobe.d(5) gives the driver, as far as it is understood; has_policy is false. The
 * caller clears it. -ENOMEM, or 0.
 */
int boot_options_parse(const char *text, struct boot_options *ret_options);
/* Whether the text is one that boot_options_format() made, and nobody has changed since. */
bool boot_options_is_own(const char *text);

#endif /* BOOT_OPTIONS_H */
