/* SPDX-License-Identifier: MIT */
#ifndef CRED_SERVE_H
#define CRED_SERVE_H

#include <sys/types.h>

#include <systemd/sd-event.h>

struct cred;

struct cred_config {
	const char *run_dir;
	uid_t ike_uid;		/* who may ask on RUNDIR/cred, beside root */
	gid_t ike_gid;
};

/*
 * Listens on RUNDIR/cred and, for root only, on RUNDIR/cred-admin. Makes what needs files and
 * rights; what remains runs confined. 0 or -errno.
 */
int cred_new(sd_event *event, const struct cred_config *config, struct cred **ret_cred);
/* Wipes the secrets; NULL is allowed. Returns NULL. */
struct cred *cred_free(struct cred *cred);

#endif
