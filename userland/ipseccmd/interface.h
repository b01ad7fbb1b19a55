/* SPDX-License-Identifier: MIT */
#ifndef IPSECCMD_INTERFACE_H
#define IPSECCMD_INTERFACE_H

#include "policy/model.h"

/*
 * The network interface that {NAME} means, for struct plan_world: the system is asked which one has the name
 * or the alternative name ("ip link property add dev eth0 altname GUID"), so that scripts with GUIDs can stay
 * as they are. An interface that is not there may come, under the name that was given, if it can be one.
 * 0, -EINVAL with a sentence, or another -errno with one.
 */
int interface_find(void *userdata, const char *text, char ret_name[static POLICY_INTERFACE_MAX + 1],
		   char why[static POLICY_WHY_LEN]);

#endif /* IPSECCMD_INTERFACE_H */
