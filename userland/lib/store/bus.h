/* SPDX-License-Identifier: MIT */
/*
 * Changes and content on D-Bus; keys are the tags of netsh (Documentation/bus.rst). The calls:
 *
 *   StoreApply(s store, u flags, a(ssa{sv}) changes) -> a(us)   per change: error number or 0, sentence
 *   StoreRead(s store, a{sv} query) -> a(sa{sv})                kind and object, in an order that
 *                                                               store_content_print() has
 *
 * A change is verb ("add", "set", "delete", "import"), kind ("policy", "rule", "filterlist",
 * "filter", "filteraction", "defaultrule") and the tags of its command; what is found goes by the
 * keys "name", "guid", "id", "policy", "filterlist" and "all". Numbers are "u", yes/no is "b", all
 * else "s"; the authentication methods are one key, "auth" ("as").
 *
 * What is added or read is a whole object. It has besides, if it has them, "guid", "modified" ("t",
 * seconds since the epoch), a policy its "rules" and a filter list its "filters" (a(sa{sv}), as in
 * StoreRead's answer, where only policies, lists and actions stand by themselves), and a default
 * response rule the GUID of its action, "actionguid".
 *
 * Preshared keys are in clear: who may change or read a store has them anyway. A message is to be
 * marked with sd_bus_message_sensitive() by its maker.
 */
#ifndef STORE_BUS_H
#define STORE_BUS_H

#include <systemd/sd-bus.h>

#include "store/change.h"
#include "store/object.h"
#include "store/store.h"

enum store_apply_flags {
	STORE_APPLY_DRY_RUN = 1,	/* checks, says what would be, changes nothing */
	STORE_APPLY_ALL = 2,		/* all changes or none; else those that can be */
};

/* What StoreApply is to do; 0: every change that can be made, each by itself. */
int store_bus_append_change(sd_bus_message *m, const struct store_change *change);
/* As policy_bus_read_rule(): 1, 0 at the end of the array, -EINVAL with a sentence. */
int store_bus_read_change(sd_bus_message *m, struct store_change *ret_change,
			  char why[static POLICY_WHY_LEN]);

/* Appends and reads the array of StoreRead's answer; read content is linked. */
int store_bus_append_content(sd_bus_message *m, const struct store_content *content);
int store_bus_read_content(sd_bus_message *m, struct store_content **ret_content,
			   char why[static POLICY_WHY_LEN]);

int store_bus_append_query(sd_bus_message *m, const struct store_query *query);
/* Strings are borrowed from the message. */
int store_bus_read_query(sd_bus_message *m, struct store_query *ret_query,
			 char why[static POLICY_WHY_LEN]);

#endif /* STORE_BUS_H */
