/* SPDX-License-Identifier: MIT */
/*
 * One side of a rule:
 *
 *   me | any | WINS | DNS | DHCP | GATEWAY | address | address/prefix | address/mask | DNS name
 *
 * Keywords in any case. IPv4 masks may be dotted and need not be contiguous; host bits are cleared.
 * "0.0.0.0" alone or with an all-one mask is "me", as Windows stores it.
 */
#ifndef POLICY_ADDRESS_H
#define POLICY_ADDRESS_H

#include "policy/model.h"

/* 0 (release with policy_address_clear()), -EINVAL with a sentence, -ENOMEM. */
int policy_address_parse(const char *text, struct policy_address *ret_address,
			 char why[static POLICY_WHY_LEN]);

/*
 * An address and, apart, its mask (srcaddr= and srcmask=): a prefix length or a dotted mask. Errors
 * as above; also -EINVAL for two masks, and for a mask beside something that is not numeric (but
 * for the one that changes nothing).
 */
int policy_address_parse_masked(const char *text, const char *mask,
				struct policy_address *ret_address, char why[static POLICY_WHY_LEN]);

/* In the grammar; the caller frees it. NULL without memory. */
char *policy_address_to_text(const struct policy_address *address);

int policy_address_copy(const struct policy_address *address, struct policy_address *ret_copy);
/* Frees the name and makes it "me". */
void policy_address_clear(struct policy_address *address);

/* AF_INET, AF_INET6, or 0 when it can be both. */
uint8_t policy_address_family(const struct policy_address *address);

/* 0.0.0.0 for a prefix of 0 and so on: @len must fit the family. */
struct ip_addr policy_mask_from_prefix(uint8_t family, uint8_t len);

#endif /* POLICY_ADDRESS_H */
