/* SPDX-License-Identifier: MIT */
/* DNS names as the system's resolver knows them. */
#ifndef IPSECCMD_NAMES_H
#define IPSECCMD_NAMES_H

#include "policy/model.h"

/* The first address, of @family unless that is 0; as resolve of struct plan_world. */
int names_resolve(void *userdata, const char *name, uint8_t family, struct ip_addr *ret_addr,
		  char why[static POLICY_WHY_LEN]);

#endif /* IPSECCMD_NAMES_H */
