/* SPDX-License-Identifier: MIT */
#ifndef IKE_IDENT_H
#define IKE_IDENT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/bytes.h"

struct ike_selector;
struct writer;

/* Identification payload bodies (RFC 2407, section 4.6.2). */
enum ident_type {
	IDENT_IPV4_ADDR = 1,
	IDENT_FQDN = 2,
	IDENT_USER_FQDN = 3,
	IDENT_IPV4_ADDR_SUBNET = 4,
	IDENT_IPV6_ADDR = 5,
	IDENT_IPV6_ADDR_SUBNET = 6,
	IDENT_IPV4_ADDR_RANGE = 7,
	IDENT_IPV6_ADDR_RANGE = 8,
	IDENT_DER_ASN1_DN = 9,
	IDENT_DER_ASN1_GN = 10,
	IDENT_KEY_ID = 11,
};

/* Type, protocol and port, which come before the data. */
#define IDENT_HEAD_LEN 4

struct ident {
	uint8_t type;
	uint8_t protocol;
	uint16_t port;
	struct bytes data;
};

/* -EBADMSG when shorter than its fixed part. */
int ident_parse(struct bytes body, struct ident *ret_ident);

/*
 * The address of a phase 1 identity of type IPV4_ADDR or IPV6_ADDR; protocol and port must be 0/0,
 * or UDP and an IKE port. -EBADMSG for wrong lengths, -EINVAL for anything else.
 */
int ident_phase1_addr(const struct ident *ident, struct ip_addr *ret_addr);

/*
 * Any phase 1 identity that can be somebody's name: an address of the right length, printable text
 * (FQDN, USER_FQDN), or one DER sequence (DER_ASN1_DN); protocol and port as above. -EBADMSG for
 * wrong lengths and contents, -EINVAL for other types.
 */
int ident_phase1_check(const struct ident *ident);

/*
 * The addresses of a phase 2 identity: host, subnet, or a range that is exactly a subnet.
 * -EBADMSG for wrong lengths, -EINVAL for other types, non-contiguous masks and odd ranges. Host
 * bits below a mask are cleared.
 */
int ident_phase2_net(const struct ident *ident, struct ip_addr *ret_addr, uint8_t *ret_prefix);

/* Writes the body; a full-length prefix becomes an address, a shorter one a subnet. */
void ident_write(struct writer *w, const struct ip_addr *addr, uint8_t prefix, uint8_t protocol,
		 uint16_t port);

/* Writes the body of one that is no address: protocol and port are 0. */
void ident_write_data(struct writer *w, enum ident_type type, struct bytes data);

/*
 * Selector of a quick mode from the bodies of IDci and IDcr, seen by the initiator or the
 * responder. Both must name one address family and one protocol, ports only with a protocol.
 * Errors as ident_phase2_net().
 */
int ident_selector(struct bytes idci, struct bytes idcr, bool is_initiator,
		   struct ike_selector *ret_selector);
/* Without IDci and IDcr the selector is the IKE peers' addresses, any protocol. */
struct ike_selector ident_default_selector(const struct ip_addr *local,
					   const struct ip_addr *remote);
/* Our half (@is_local) or the peer's half as an ID payload body. */
void ident_write_selector(struct writer *w, const struct ike_selector *selector, bool is_local);
bool ident_selector_is_equal(const struct ike_selector *a, const struct ike_selector *b);

#endif
