/* SPDX-License-Identifier: MIT */
/* What the commands of the static context share. */
#ifndef CTL_STATIC_H
#define CTL_STATIC_H

#include "ctl/columns.h"
#include "ctl/ctl.h"
#include "ctl/stores.h"
#include "ctl/types.h"

#define TAG(name, type, text) { name, &ctl_type_##type, 0, NULL, text }
#define TAG_DEFAULT(name, type, fallback, text) { name, &ctl_type_##type, 0, fallback, text }
#define TAG_REQUIRED(name, type, text) { name, &ctl_type_##type, CTL_TAG_REQUIRED, NULL, text }

#define AUTH_TAGS(fallback)							\
	TAG_DEFAULT("kerberos", bool, fallback, "authenticate with Kerberos"),	\
	TAG("psk", psk, "authenticate with a preshared key"),			\
	{ "rootca", &ctl_type_root_ca, CTL_TAG_MULTIPLE, NULL,			\
	  "authenticate with certificates of this authority; may be repeated" }

/* What ipseccmd made is its own: a dump says so. */
#define TOOL_TAG								\
	{ "tool", &ctl_type_bool, CTL_TAG_HIDDEN, NULL, "made by ipseccmd" }

#define SHOW_TAGS								\
	TAG_DEFAULT("level", level, "normal", "verbose prints everything"),	\
	CTL_TAG_FORMAT,								\
	CTL_TAG_WIDE

#define MM_METHODS_DEFAULT "\"3DES-SHA1-2 3DES-MD5-2 DES-SHA1-1 DES-MD5-1\""
#define QM_METHODS_DEFAULT "\"ESP[3DES,SHA1] ESP[3DES,MD5]\""

#define STATIC_TIME_LEN 32

/*
 * The change that a command line asks for: every tag, an address with its mask. What ADD makes is
 * checked by itself. Release with store_change_clear(), also after CTL_EXIT_USAGE, which has been
 * reported.
 */
enum ctl_exit static_parse(struct ctl *ctl, const struct ctl_args *args, enum store_verb verb,
			   enum store_kind kind, struct store_change *ret_change);

/* The same, and makes it. */
enum ctl_exit static_run(struct ctl *ctl, const struct ctl_args *args, enum store_verb verb,
			 enum store_kind kind);

/* How a show prints, and from where. */
struct static_show {
	struct ctl *ctl;
	struct layout layout;
	bool has_secrets;		/* preshared keys may be shown */
	enum store_location location;
	const struct store_content *content;
};

/* From level=, format=, wide=, resolvedns= and the session; reads the store by @query. */
enum ctl_exit static_show_begin(struct ctl *ctl, const struct ctl_args *args,
				const struct store_query *query, struct static_show *ret_show);
void static_show_end(struct static_show *show);

/* "there is no policy "x" in the local store; ...": error 1168 */
enum ctl_exit static_not_found(const struct static_show *show, const char *what, const char *name,
			       const char *remedy);

/* "no rule "x" uses a filter list; ..." */
enum ctl_exit static_no_user(const struct static_show *show, const char *what, const char *rule);

/* Which rules of a policy. */
struct static_rule_choice {
	const char *policy;		/* NULL: of all policies */
	const char *name;		/* NULL: any */
	uint32_t id;			/* 0: any */
	bool only_default;		/* the default response rule */
	const char *type;		/* "tunnel", "transport", or NULL */
};

/*
 * The objects of one noun. @name NULL is all, one that is not there a failure; @rule as well: what
 * the rules of this name use.
 */
enum ctl_exit static_show_policies(const struct static_show *show, const char *name);
enum ctl_exit static_show_rules(const struct static_show *show,
				const struct static_rule_choice *choice);
enum ctl_exit static_show_lists(const struct static_show *show, const char *name,
				const char *rule);
enum ctl_exit static_show_actions(const struct static_show *show, const char *name,
				  const char *rule);

/* Tables below an object in list form; nothing for none. */
void static_print_filters(const struct static_show *show, const struct store_filter_list *list);
void static_print_offers(FILE *file, const struct store_filter_action *action);

/* Whether a rule named @rule, in any policy, uses the list or the action. */
bool static_is_used_by(const struct store_content *content, const char *rule, const void *object);
/* How many rules use it. */
uint32_t static_count_users(const struct store_content *content, const void *object);

/* strdup(), and NULL for NULL */
char *static_copy(const char *text);

/* "2026-11-28 18:41:48", local time; "" for none */
const char *static_time_format(uint64_t seconds, char buf[static STATIC_TIME_LEN]);

#endif /* CTL_STATIC_H */
