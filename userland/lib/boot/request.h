/* SPDX-License-Identifier: MIT */
#ifndef BOOT_REQUEST_H
#define BOOT_REQUEST_H

#include <stdbool.h>

#include "boot/options.h"

/*
 * The agent may write nowhere but in its own directories. So what the driver is to start with is
 * written by a program that does nothing else, once for each connection to a socket that systemd
 * listens on; and it believes the agent no more than it has to.
 *
 *	agent                                ipsec-policy-options
 *	replace=no                      -->
 *	policy=assigned
 *	bootmode=stateful
 *	bootexemptions=UDP:0:68:inbound
 *	...                                  checks, writes, waits for the disk
 *	(end)                           <--  done
 *
 * The first word of the answer is one of
 *
 *	done		the file says so
 *	saved		the same; what somebody else had changed in it is in FILE.old now
 *	kept		it is not ours any more and was left alone: "replace=no"; lines follow with
 *			what it says of the properties
 *	failed		a sentence follows; the file is as it was
 */
struct boot_request {
	struct boot_options options;
	bool replaces;		/* a file that somebody else has changed */
};

#define BOOT_REQUEST_MAX (48U << 10)	/* bytes; the longest list of exemptions has 26 KB */
#define BOOT_ANSWER_MAX BOOT_REQUEST_MAX

#define BOOT_DONE	"done"
#define BOOT_SAVED	"saved"
#define BOOT_KEPT	"kept"
#define BOOT_FAILED	"failed"

/* For the caller to free; NULL on OOM. All values are set. */
char *boot_request_format(const struct boot_request *request);
/* @text is cut up. 0; -EINVAL with a sentence, -ENOMEM; then *ret_request is empty. */
int boot_request_parse(char *text, struct boot_request *ret_request,
		       char why[static POLICY_WHY_LEN]);

/*
 * Does what is asked, with the file at @path, and writes the answer to @answer. 0, or -errno if the
 * answer is a failure.
 */
int boot_request_serve(char *text, const char *path, char answer[static BOOT_ANSWER_MAX]);

#endif /* BOOT_REQUEST_H */
