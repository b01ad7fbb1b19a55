/* SPDX-License-Identifier: MIT */
/*
 * The grammar of the command line as tables: a command is a path of words and a list of tags in
 * the order of its usage line. Parser, help, completion and manual check all read these tables.
 *
 *   ipsecctl dynamic add rule srcaddr=me dstaddr=10.0.0.2 mmpolicy=mm qmpolicy=qm
 *   ipsecctl dyn a r me 10.0.0.2 qmp=qm mmp=mm
 *
 * mean the same: words and tags may be shortened as long as they stay unambiguous, tags come in
 * any order, and a value without a tag belongs to the first tag of the usage line that is not
 * named anywhere in the command and has no value yet. Case matters in values only, and there only
 * where a name or a secret is meant.
 */
#ifndef CTL_COMMAND_H
#define CTL_COMMAND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "policy/model.h"

struct ctl;
struct ctl_args;

/* Exit codes of the program, and what a command returns. */
enum ctl_exit {
	CTL_EXIT_OK = 0,
	CTL_EXIT_FAILED = 1,		/* the agent refused, or is not there */
	CTL_EXIT_USAGE = 2,		/* the command is not of the grammar; nothing was sent */
	CTL_EXIT_DROP = 3,		/* explain: the packet would be dropped */
	CTL_EXIT_HOLD = 4,		/* explain: the packet would wait for a negotiation */
};

/* The objects that a value can be the name of, for completion. */
enum ctl_names {
	CTL_NAMES_NONE,
	CTL_NAMES_MM_POLICY,
	CTL_NAMES_QM_POLICY,
	/* of the session's store */
	CTL_NAMES_POLICY,
	CTL_NAMES_RULE,			/* of the policy that the command names, or of all */
	CTL_NAMES_FILTER_LIST,
	CTL_NAMES_FILTER_ACTION,
};

/* What a tag takes. */
struct ctl_value_type {
	const char *usage;		/* "yes|no", "NAME"; for help */
	const char *const *choices;	/* for completion; ends with NULL; NULL is none */
	/* 0, or -EINVAL with a sentence that begins with the tag; NULL takes everything. */
	int (*check)(const char *tag, const char *value, char why[static POLICY_WHY_LEN]);
	enum ctl_names names;
};

enum ctl_tag_flags {
	CTL_TAG_REQUIRED = 1,
	CTL_TAG_MULTIPLE = 2,		/* may be given again */
	CTL_TAG_HIDDEN = 4,		/* for scripts that dump wrote; only by its full name */
};

struct ctl_tag {
	const char *name;
	const struct ctl_value_type *type;
	unsigned int flags;		/* enum ctl_tag_flags */
	const char *fallback;		/* the default as help prints it; NULL is none */
	const char *text;		/* what it means; no full stop */
};

enum ctl_command_flags {
	CTL_COMMAND_ALL = 1,		/* the word "all" may stand for name or selectors */
	CTL_COMMAND_DEFAULT = 2,	/* and the word "default" for name */
	CTL_COMMAND_STORED = 4,		/* changes a store by ctl_store_change() and nothing else */
	CTL_COMMAND_DRY = 8,		/* honours --dry-run, or has no need to */
	CTL_COMMAND_AGENT = 16,		/* changes by calls of the agent, which tries them in a dry run */
};

struct ctl_command {
	const char *path;		/* "dynamic add rule" */
	const char *text;		/* one line; no full stop */
	const char *remarks;		/* paragraph for help, or NULL */
	const char *examples;		/* lines for help, each ending with a newline; NULL */
	const struct ctl_tag *tags;
	size_t n_tags;
	unsigned int flags;		/* enum ctl_command_flags */
	enum ctl_exit (*run)(struct ctl *ctl, const struct ctl_args *args);
};

/* The commands of one source file. */
struct ctl_command_set {
	const struct ctl_command *commands;
	size_t n;
};

extern const struct ctl_command_set ctl_mmpolicy_set;
extern const struct ctl_command_set ctl_qmpolicy_set;
extern const struct ctl_command_set ctl_rule_set;
extern const struct ctl_command_set ctl_filter_set;
extern const struct ctl_command_set ctl_sas_set;
extern const struct ctl_command_set ctl_stats_set;
extern const struct ctl_command_set ctl_config_set;
extern const struct ctl_command_set ctl_all_set;
extern const struct ctl_command_set ctl_explain_set;
extern const struct ctl_command_set ctl_status_set;
extern const struct ctl_command_set ctl_static_policy_set;
extern const struct ctl_command_set ctl_static_rule_set;
extern const struct ctl_command_set ctl_static_filterlist_set;
extern const struct ctl_command_set ctl_static_filter_set;
extern const struct ctl_command_set ctl_static_filteraction_set;
extern const struct ctl_command_set ctl_static_store_set;
extern const struct ctl_command_set ctl_static_file_set;
extern const struct ctl_command_set ctl_static_all_set;
extern const struct ctl_command_set ctl_dump_set;
extern const struct ctl_command_set ctl_check_set;
extern const struct ctl_command_set ctl_diff_set;
extern const struct ctl_command_set ctl_try_set;

#define CTL_COMMAND_SET(table) { table, sizeof(table) / sizeof((table)[0]) }
#define CTL_TAGS(table) .tags = table, .n_tags = sizeof(table) / sizeof((table)[0])

#define CTL_PATH_LEN	64
#define CTL_MAX_WORDS	128		/* of one command line */

struct ctl_argument {
	const struct ctl_tag *tag;
	const char *value;		/* borrowed from the command line */
};

/* One command with its values, in the order of the command line. */
struct ctl_args {
	const struct ctl_command *command;
	struct ctl_argument list[CTL_MAX_WORDS];
	size_t n;
	bool has_all;			/* the word "all" was given */
	bool has_default;		/* the word "default" was */
};

/* The @i-th command of all, NULL beyond the last. */
const struct ctl_command *ctl_command_at(size_t i);

/*
 * The next distinct word that can follow @path ("" is the root), in the order of the tables; NULL
 * behind the last. *cursor is 0 at first. The word is written to @buf.
 */
const char *ctl_next_word(const char *path, size_t *cursor, char buf[static CTL_PATH_LEN]);

/* The command with exactly this path, or NULL. */
const struct ctl_command *ctl_command_find(const char *path);

/*
 * Follows @words from @path, which grows by the full form of each word taken, until a command is
 * reached, the words end or one does not fit. Returns the number of words taken, -ENOENT for a
 * word that leads nowhere or -ENOTUNIQ for one that is too short; then *why says so.
 */
int ctl_resolve(char path[static CTL_PATH_LEN], char *const *words, size_t n,
		char why[static POLICY_WHY_LEN]);

/*
 * The words behind a command's path: tag=value, value, or "all". 0, or -EINVAL with a sentence in
 * @why. @words are cut at "=" and must outlive @ret_args.
 */
int ctl_parse_args(const struct ctl_command *command, char **words, size_t n,
		   struct ctl_args *ret_args, char why[static POLICY_WHY_LEN]);

/* The tag of @command that @name is, or is an unambiguous prefix of; NULL with a sentence. */
const struct ctl_tag *ctl_tag_find(const struct ctl_command *command, const char *name,
				   char why[static POLICY_WHY_LEN]);

/* The (last) value of a tag, or NULL. */
const char *ctl_args_get(const struct ctl_args *args, const char *tag);
/* yes/no of a checked value. */
bool ctl_args_get_bool(const struct ctl_args *args, const char *tag, bool fallback);

#endif /* CTL_COMMAND_H */
