// SPDX-License-Identifier: MIT
#include "ike/auth.h"

const struct auth_ops *auth_find(enum ike_auth method)
{
	static const struct auth_ops *const all[] = { &auth_psk };

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		if (all[i]->method == method)
			return all[i];
	}
	return NULL;
}
