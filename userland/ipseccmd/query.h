/* SPDX-License-Identifier: MIT */
/* Query mode: the lists of the agent, in the layout of ipsecctl's shows. */
#ifndef IPSECCMD_QUERY_H
#define IPSECCMD_QUERY_H

#include "ipseccmd/session.h"

enum ctl_exit query_show(struct session *session, const struct run *run);

#endif /* IPSECCMD_QUERY_H */
