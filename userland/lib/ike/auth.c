// SPDX-License-Identifier: MIT
#include "ike/auth.h"

#include <errno.h>
#include <stdio.h>

#include "ike/mm.h"

const struct auth_ops *auth_find(enum ike_auth method)
{
	static const struct auth_ops *const all[] = { &auth_psk, &auth_rsa, &auth_ecdsa_256,
						 &auth_ecdsa_384, &auth_gss };

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		if (all[i]->method == method)
			return all[i];
	}
	return NULL;
}

int auth_derive_skeyid(struct ike_engine *engine, struct ike_mm *mm)
{
	struct mm_negotiation *n = mm->negotiation;

	(void)engine;
	if (keys_skeyid_signature(mm->choice.proposal.hash, blob_bytes(&n->ni),
				  blob_bytes(&n->nr), blob_bytes(&n->gxy), mm->keys->skeyid))
		return auth_fail(mm, IKE_REASON_GENERAL, "cannot derive keys");
	return 0;
}

int auth_fail(struct ike_mm *mm, enum ike_reason reason, const char *format, ...)
{
	struct mm_failure *failure = &mm->negotiation->failure;
	va_list args;

	failure->reason = reason;
	va_start(args, format);
	(void)vsnprintf(failure->text, sizeof(failure->text), format, args);
	va_end(args);
	return -EACCES;
}
