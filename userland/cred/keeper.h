/* SPDX-License-Identifier: MIT */
#ifndef CRED_KEEPER_H
#define CRED_KEEPER_H

struct helper_config;

/*
 * The life of the process between ipsec-cred and a helper; cred/helper.h has the picture. @fd is
 * the helper's end of the socketpair, the only descriptor that is kept beside the standard ones. 0
 * after ipsec-cred has gone, or -errno, logged.
 */
int keeper_run(const struct helper_config *config, int fd);

#endif
