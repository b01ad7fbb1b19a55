/* SPDX-License-Identifier: MIT */
#ifndef AGENT_SETTINGS_H
#define AGENT_SETTINGS_H

#include <stdbool.h>

#include "base/cleanup.h"
#include "policy/config.h"

struct fault;

/*
 * agent.conf, which is read at the start and never written: what the original's registry held, by
 * the same names.
 *
 *	# a detailed log of IKE, and no audit
 *	EnableLogging = 1
 *	DisableIKEAudits = 1
 *
 * Some are properties of "dynamic set config" by another name. There the file has the defaults:
 * what has been set goes before it.
 */
struct settings;

#define SETTINGS_FILE "/etc/ipsec-policy/agent.conf"

/*
 * @path NULL, or no such file: all defaults. A line that is not understood is told to @complain
 * (which may be NULL) and changes nothing. -errno if the file cannot be read.
 */
int settings_new(const char *path, void (*complain)(const char *line, const char *why),
		 struct settings **ret_settings);
struct settings *settings_free(struct settings *settings);
DEFINE_CLEANUP(struct settings *, settings_free);

/* What the file says about a property, in its one spelling; NULL: nothing. Borrowed. */
const char *settings_property(const struct settings *settings,
			      const struct policy_config_property *property);

bool settings_has_audit(const struct settings *settings);		/* DisableIKEAudits */
bool settings_always_challenges(const struct settings *settings);	/* EnableDOSProtect */
const char *settings_oakley_path(const struct settings *settings);	/* OakleyLog; borrowed */
/* "" if not in the file, as link_credentials has them; borrowed. */
const char *settings_kerberos_name(const struct settings *settings);	/* KerberosName */
const char *settings_kerberos_realms(const struct settings *settings);	/* KerberosRealms */

#endif /* AGENT_SETTINGS_H */
