/* SPDX-License-Identifier: MIT */
#ifndef CRED_FILES_H
#define CRED_FILES_H

#include <stddef.h>
#include <sys/types.h>

#include <systemd/sd-event.h>

#include "base/cleanup.h"

struct confine_user;
struct store;

/*
 * The folders of the machine store, read into a struct store: at the start, and again whenever
 * something in them has changed. The files are opened by a helper process (cred/opener.h).
 */
struct files;

#define FILES_DIR "/etc/ipsec-policy/certs"

struct files_config {
	const char *dir;
	const struct confine_user *user;	/* of the helper; NULL: stay who we are, for tests */
	/* Who owns private keys, beside root, and whose group may read them. */
	uid_t uid;
	gid_t gid;
	/* A whole new store, which is the callee's then. */
	void (*loaded)(void *userdata, struct store *store);
	void *userdata;
};

/* Forks: see helper_new(). 0 or -errno; that the folder is not there is no error. */
int files_new(sd_event *event, const struct files_config *config, struct files **ret_files);
struct files *files_free(struct files *files);
DEFINE_CLEANUP(struct files *, files_free);

/* Up to @size bytes from where @fd stands, fewer at its end. Their number, or -errno. */
ssize_t files_read(int fd, void *buf, size_t size);

/* Reads all again, also what has not changed. */
void files_read_again(struct files *files);

#endif
