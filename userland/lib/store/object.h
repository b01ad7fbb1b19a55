/* SPDX-License-Identifier: MIT */
/*
 * What a store keeps: the objects of the static context, in the words of netsh and of the snap-in.
 *
 *   policy --owns--> rules --refer to--> one filter list, one filter action
 *                      \--own--> authentication methods
 *   filter list --owns--> filters
 *
 * Filter lists and filter actions stand by themselves and can be used by many rules; while one
 * is used it cannot be deleted. The default response rule has neither: its action is a part of
 * it. Everything but a rule has a name that no other object of its kind has; of a rule it is
 * unique in its policy. Names are compared as policy_name_is_equal() does, references are by name
 * in commands, and by GUID in the store: a new name breaks nothing.
 *
 * Every string is owned by its object.
 */
#ifndef STORE_OBJECT_H
#define STORE_OBJECT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <systemd/sd-id128.h>

#include "base/cleanup.h"
#include "policy/model.h"

#define STORE_DESCRIPTION_MAX	4096	/* bytes */
#define STORE_POLLING_MINUTES	180	/* in Windows' stores: what a stored 0 means, too */
#define STORE_POLLING_MAX_MINUTES (365 * 24 * 60)
#define STORE_SOFT_SA_MAX_SECONDS 86400

enum store_kind {
	STORE_KIND_POLICY,
	STORE_KIND_RULE,
	STORE_KIND_FILTER_LIST,
	STORE_KIND_FILTER,
	STORE_KIND_FILTER_ACTION,
	STORE_KIND_DEFAULT_RULE,	/* only in changes: a policy's default response rule */
};

/* What all objects have. A null GUID, or no time, is filled in when the object is stored. */
struct store_head {
	sd_id128_t guid;
	char *name;			/* NULL for filters and default response rules */
	char *description;		/* NULL is none */
	uint64_t modified;		/* seconds since the epoch */
};

struct store_filter {
	struct store_head head;
	struct policy_address source;
	struct policy_address destination;
	uint8_t protocol;		/* 0 is any */
	uint16_t source_port;		/* 0 is any */
	uint16_t destination_port;
	bool mirrored;
	/*
	 * Nothing but a main mode filter: the rules of the list that negotiate do it between the addresses
	 * of these, if there are any, instead of those of all filters.
	 */
	bool is_main_mode;
};

struct store_filter_list {
	struct store_head head;
	struct store_filter **filters;	/* in the order of creation */
	size_t n_filters;
};

struct store_filter_action {
	struct store_head head;
	enum ipsecdrv_action action;	/* permit, block, negotiate */
	bool inpass;			/* accept unsecured communication, but always respond using IPsec */
	bool soft;			/* allow unsecured communication with a peer without IPsec */
	bool qmpfs;			/* session key perfect forward secrecy */
	/*
	 * Kept when the action is permit or block, too, as netsh does. Lifetimes of 0: in the
	 * default response rule "whatever the initiator says".
	 */
	struct policy_qm_offer offers[POLICY_MAX_OFFERS];
	size_t n_offers;
	bool is_tool;			/* made by ipseccmd for the rule that uses it */
};

struct store_rule {
	struct store_head head;
	bool is_default_response;
	bool is_active;
	char *filter_list;		/* names; NULL in the default response rule */
	char *filter_action;
	/* Borrowed: what the names stand for, in a store_content; NULL elsewhere, or if dangling. */
	const struct store_filter_list *list;
	const struct store_filter_action *action;
	struct store_filter_action *own_action;	/* of the default response rule; owned */
	bool has_tunnel;
	struct policy_address tunnel;	/* endpoint: an address or a name */
	enum policy_connection connection;
	struct policy_method methods[POLICY_MAX_METHODS];	/* in the order of preference */
	size_t n_methods;
	bool is_tool;			/* made by ipseccmd */
};

struct store_policy {
	struct store_head head;
	bool is_assigned;
	bool mmpfs;			/* master key PFS: one quick mode per main mode */
	uint32_t quick_modes;		/* qmpermm; 0 is no limit */
	uint32_t lifetime_minutes;	/* mmlifetime */
	uint32_t soft_sa_seconds;	/* ipseccmd -1e; 0 is the default */
	uint32_t polling_minutes;	/* pollinginterval */
	struct policy_mm_offer offers[POLICY_MAX_OFFERS];
	size_t n_offers;
	/* In the order of creation; the default response rule is the first one. */
	struct store_rule **rules;
	size_t n_rules;
	bool is_tool;			/* made by ipseccmd */
};

/* A store, or a part of it, in memory: what is read, printed, checked, compared and put in force. */
struct store_content {
	struct store_policy **policies;	/* each kind in the order of creation */
	size_t n_policies;
	struct store_filter_list **lists;
	size_t n_lists;
	struct store_filter_action **actions;
	size_t n_actions;
};

/* The fields of an object by their tags: what a command or a message named. */
enum store_field {
	STORE_FIELD_NEWNAME		= 1 << 0,
	STORE_FIELD_DESCRIPTION		= 1 << 1,
	/* policy */
	STORE_FIELD_MMPFS		= 1 << 2,
	STORE_FIELD_QMPERMM		= 1 << 3,
	STORE_FIELD_MMLIFETIME		= 1 << 4,
	STORE_FIELD_ACTIVATEDEFAULTRULE	= 1 << 5,
	STORE_FIELD_POLLINGINTERVAL	= 1 << 6,
	STORE_FIELD_ASSIGN		= 1 << 7,
	STORE_FIELD_MMSECMETHODS	= 1 << 8,
	STORE_FIELD_SOFTSAEXPIRATIONTIME = 1 << 9,
	/* filter action, default response rule */
	STORE_FIELD_ACTION		= 1 << 10,
	STORE_FIELD_INPASS		= 1 << 11,
	STORE_FIELD_SOFT		= 1 << 12,
	STORE_FIELD_QMPFS		= 1 << 13,
	STORE_FIELD_QMSECMETHODS	= 1 << 14,
	/* rule */
	STORE_FIELD_FILTERLIST		= 1 << 15,
	STORE_FIELD_FILTERACTION	= 1 << 16,
	STORE_FIELD_TUNNEL		= 1 << 17,
	STORE_FIELD_CONNTYPE		= 1 << 18,
	STORE_FIELD_ACTIVATE		= 1 << 19,
	STORE_FIELD_AUTH		= 1 << 20,	/* kerberos, psk, rootca: the whole list */
	/* filter: netsh finds one by these */
	STORE_FIELD_SRCADDR		= 1 << 21,	/* with srcmask */
	STORE_FIELD_DSTADDR		= 1 << 22,	/* with dstmask */
	STORE_FIELD_PROTOCOL		= 1 << 23,
	STORE_FIELD_SRCPORT		= 1 << 24,
	STORE_FIELD_DSTPORT		= 1 << 25,
	STORE_FIELD_MIRRORED		= 1 << 26,
	/* policy, rule, filter action: made by ipseccmd; said when it is added */
	STORE_FIELD_TOOL		= 1 << 27,
	/* filter */
	STORE_FIELD_MAINMODE		= 1 << 28,
};

/*
 * _new: with the defaults of netsh; NULL without memory. A new policy has an active default
 * response rule. _copy: deep, but not linked; NULL without memory. _free: NULL is allowed, secrets
 * are wiped, returns NULL.
 */
struct store_filter *store_filter_new(void);
struct store_filter *store_filter_copy(const struct store_filter *filter);
struct store_filter *store_filter_free(struct store_filter *filter);
struct store_filter_list *store_filter_list_new(void);
struct store_filter_list *store_filter_list_copy(const struct store_filter_list *list);
struct store_filter_list *store_filter_list_free(struct store_filter_list *list);
struct store_filter_action *store_filter_action_new(void);
struct store_filter_action *store_filter_action_copy(const struct store_filter_action *action);
struct store_filter_action *store_filter_action_free(struct store_filter_action *action);
struct store_rule *store_rule_new(void);
struct store_rule *store_default_rule_new(void);	/* Kerberos and the six offers */
struct store_rule *store_rule_copy(const struct store_rule *rule);
struct store_rule *store_rule_free(struct store_rule *rule);
struct store_policy *store_policy_new(void);
struct store_policy *store_policy_copy(const struct store_policy *policy);
struct store_policy *store_policy_free(struct store_policy *policy);
struct store_content *store_content_new(void);
struct store_content *store_content_free(struct store_content *content);

DEFINE_CLEANUP(struct store_filter *, store_filter_free);
DEFINE_CLEANUP(struct store_filter_list *, store_filter_list_free);
DEFINE_CLEANUP(struct store_filter_action *, store_filter_action_free);
DEFINE_CLEANUP(struct store_rule *, store_rule_free);
DEFINE_CLEANUP(struct store_policy *, store_policy_free);
DEFINE_CLEANUP(struct store_content *, store_content_free);

/* Each takes its object over, whether it succeeds or not. 0 or -ENOMEM. */
int store_filter_list_add(struct store_filter_list *list, struct store_filter *filter);
int store_policy_add(struct store_policy *policy, struct store_rule *rule);
int store_content_add_policy(struct store_content *content, struct store_policy *policy);
int store_content_add_list(struct store_content *content, struct store_filter_list *list);
int store_content_add_action(struct store_content *content, struct store_filter_action *action);

/*
 * Sets list and action of all rules to what their names stand for. 0 or -ENOMEM; a name that
 * stands for nothing is left to the check.
 */
int store_content_link(struct store_content *content);

/* Borrowed, or NULL; linear. */
struct store_policy *store_content_find_policy(const struct store_content *content,
					       const char *name);
struct store_policy *store_content_assigned(const struct store_content *content);
struct store_rule *store_policy_default_rule(const struct store_policy *policy);

/* Quick modes per main mode that are in force: 1 with master key PFS, whatever is stored. */
uint32_t store_policy_quick_modes(const struct store_policy *policy);

/*
 * Sets the fields in @given of an object to those of @changes; what netsh finds the object by is
 * left alone. 0 or -ENOMEM, and then nothing has changed. Check the result before it is used.
 * STORE_FIELD_ACTIVATEDEFAULTRULE sets is_active of the policy's default response rule to that of
 * @changes's.
 */
int store_filter_list_merge(struct store_filter_list *list, const struct store_filter_list *changes,
			    uint32_t given);
int store_filter_action_merge(struct store_filter_action *action,
			      const struct store_filter_action *changes, uint32_t given);
int store_rule_merge(struct store_rule *rule, const struct store_rule *changes, uint32_t given);
int store_policy_merge(struct store_policy *policy, const struct store_policy *changes,
		       uint32_t given);

/* Whether @filter has what @pattern has in the fields of @given: how netsh finds filters. */
bool store_filter_matches(const struct store_filter *filter, const struct store_filter *pattern,
			  uint32_t given);

/* All that is not GUID, time and order of creation is equal, secrets included. */
bool store_content_is_equal(const struct store_content *a, const struct store_content *b);

/* One object by itself, as policy_rule_check(): 0, or -EINVAL with a sentence. */
int store_filter_check(const struct store_filter *filter, char why[static POLICY_WHY_LEN]);
int store_filter_list_check(const struct store_filter_list *list, char why[static POLICY_WHY_LEN]);
int store_filter_action_check(const struct store_filter_action *action,
			      char why[static POLICY_WHY_LEN]);
int store_rule_check(const struct store_rule *rule, char why[static POLICY_WHY_LEN]);
int store_policy_check(const struct store_policy *policy, char why[static POLICY_WHY_LEN]);

#endif /* STORE_OBJECT_H */
