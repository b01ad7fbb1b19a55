/* SPDX-License-Identifier: MIT */
/* One run of the program: where its output goes, which context it is in, the link to the agent. */
#ifndef CTL_CTL_H
#define CTL_CTL_H

#include <stdbool.h>
#include <stdio.h>

#include "ctl/command.h"

struct ctl_stores;
struct ip_addr;
struct kernel;
struct sd_bus;

#define CTL_PROGRAM		"ipsecctl"
#define CTL_RUN_DIR		"/run/ipsec-policy"
#define CTL_RUN_DIR_ENV		"IPSEC_POLICY_RUN_DIR"
#define CTL_STATE_DIR		"/var/lib/ipsec-policy"

struct ctl {
	const char *run_dir;
	const char *state_dir;		/* of the stores; NULL: CTL_STATE_DIR, if run_dir is the usual one */
	const char *host;		/* -H: where the command is run, see ctl/remote.h; NULL: here */
	bool json;
	bool is_dry_run;		/* --dry-run: changes are checked and printed, not made */
	bool is_root;			/* who may see preshared keys; but in tests that of the process */
	const char *ssh_connection;	/* of who runs it, see ctl/ssh.h; NULL: none */
	FILE *in;			/* stdin; commands are read from it if none was given */
	FILE *out;
	FILE *err;
	char context[CTL_PATH_LEN];	/* "", "dynamic" or "static": where words are looked up */
	bool is_done;			/* exit, quit or bye was said */
	const char *script;		/* for messages: the file that is run, or NULL */
	unsigned int line;
	bool has_no_store;		/* the script's last "static set store" was refused */
	/* The name of an address, for resolvedns=; 0 or negative. getnameinfo() but in tests. */
	int (*host_name)(const struct ip_addr *addr, char *buf, size_t len);
	/* The driver, for when there is no agent. kernel_genl_open() but in tests. */
	int (*open_driver)(struct kernel **ret_kernel, char *why);
	struct sd_bus *bus;		/* NULL until the first call; see ctl/client.h */
	bool is_bus_dry;		/* and it has been told that this is a dry run */
	bool has_tried;			/* dynamic changes in a dry run, see ctl/dry_run.h */
	struct ctl_stores *stores;	/* NULL until first needed; see ctl/stores.h */
	bool has_json;			/* a part of the JSON document was printed */
};

void ctl_init(struct ctl *ctl, FILE *out, FILE *err);
/* Closes the link to the agent. */
void ctl_exit(struct ctl *ctl);

/* Options and command of a whole command line; argv[0] is the program. */
enum ctl_exit ctl_main(struct ctl *ctl, int argc, char **argv);

/*
 * One command in the current context. Changes the context for "dynamic", "..", and so on; words may
 * be written to. Nothing for no words.
 */
enum ctl_exit ctl_run_words(struct ctl *ctl, char **words, size_t n);

/* The same from a line of text, with quotes; comments and a batch file's frame are skipped. */
enum ctl_exit ctl_run_line(struct ctl *ctl, const char *line);

/*
 * A refusal before anything was sent: "ipsecctl: dynamic add rule: sentence", and where help is.
 * Returns CTL_EXIT_USAGE.
 */
__attribute__((format(printf, 3, 4)))
enum ctl_exit ctl_usage_error(struct ctl *ctl, const char *path, const char *format, ...);

/* "ERR IPsec[13000] : sentence". Returns CTL_EXIT_FAILED. */
__attribute__((format(printf, 3, 4)))
enum ctl_exit ctl_error(struct ctl *ctl, unsigned int number, const char *format, ...);

/* Numbers of the system that the service's are mixed with (MS-ERREF 2.2). */
#define CTL_ERROR_FILE_NOT_FOUND	2
#define CTL_ERROR_ACCESS_DENIED		5
#define CTL_ERROR_GENERAL		31
#define CTL_ERROR_NOT_SUPPORTED		50
#define CTL_ERROR_INVALID		87
#define CTL_ERROR_NOT_ENOUGH_MEMORY	8
#define CTL_ERROR_NOT_RUNNING		1062

/* Help for whatever @path is: the root "", a context, a group such as "dynamic add", a command. */
void ctl_help(struct ctl *ctl, const char *path);

/* Reads commands from ctl->in: with prompt, history and completion if it is a terminal. */
enum ctl_exit ctl_interactive(struct ctl *ctl);
/* -f: all lines of a file; the first failure is the answer, the rest is still run. */
enum ctl_exit ctl_run_file(struct ctl *ctl, const char *path);

#endif /* CTL_CTL_H */
