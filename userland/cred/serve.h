/* SPDX-License-Identifier: MIT */
#ifndef CRED_SERVE_H
#define CRED_SERVE_H

#include <stdint.h>
#include <sys/types.h>

#include <systemd/sd-event.h>

#include "cred/guard.h"

struct confine_user;
struct cred;

struct cred_config {
	const char *run_dir;
	uid_t ike_uid;		/* who may ask on RUNDIR/cred, beside root */
	gid_t ike_gid;
	const char *keytab;	/* of this machine; need not be there */
	/* Of the processes for Kerberos and for files; owner of private keys. NULL: who we are */
	const struct confine_user *helper_user;
	uint64_t kerberos_timeout_usec;		/* 0: KERBEROS_TIMEOUT_USEC */
	const char *certs_dir;			/* of certificates; NULL: none, for tests */
	const struct confine_user *fetch_user;	/* of the process that fetches CRLs */
	struct guard fetch_guard;
};

/*
 * Starts the helper processes, then listens on RUNDIR/cred and, for root only, on
 * RUNDIR/cred-admin. Makes what needs files and rights; what remains runs confined. 0 or -errno.
 */
int cred_new(sd_event *event, const struct cred_config *config, struct cred **ret_cred);
/* The store of certificates, although nothing there seems to have changed. */
void cred_read_again(struct cred *cred);
/* Wipes the secrets; NULL is allowed. Returns NULL. */
struct cred *cred_free(struct cred *cred);

#endif
