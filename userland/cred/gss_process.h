/* SPDX-License-Identifier: MIT */
#ifndef CRED_GSS_PROCESS_H
#define CRED_GSS_PROCESS_H

#include <stdint.h>

struct gss_keytab;

/* The Kerberos process: parts of a struct helper_config, whose run_userdata is this. */
struct gss_process {
	const char *keytab_path;
	uint64_t timeout_ms;		/* how old a step may be when the KDC is asked for it */
	struct gss_keytab *keytab;	/* made by gss_process_prepare() */
};

/* As root: opens the keytab. */
int gss_process_prepare(void *userdata);
/* As the helper's user, confines itself and answers. */
int gss_process_run(void *userdata, int fd);

#endif
