/* SPDX-License-Identifier: MIT */
#ifndef IKE_NATT_H
#define IKE_NATT_H

#include <stdbool.h>
#include <stdint.h>

#include "ike/engine.h"

/*
 * NAT traversal of IKEv1: RFC 3947, and draft-ietf-ipsec-nat-t-ike-02 and -03, which have other
 * numbers (Windows 2000, XP and 2003 speak -02 only).
 *
 * In messages 3 and 4 each side tells hashes of the addresses and ports that it knows. Where one
 * does not fit what the other sees, a NAT is in between; then the initiator moves to port 4500 with
 * message 5, and IPsec packets go in UDP between the same ports.
 *
 *   initiator 10.0.0.5:500    NAT 192.0.2.1:1024    responder 198.51.100.1:500
 *   message 3: hash(198.51.100.1:500), hash(10.0.0.5:500)
 *     the responder is 198.51.100.1:500: no NAT before it; it sees 192.0.2.1:1024: one before the peer
 *   message 5 comes from 192.0.2.1:61234 to port 4500, and is answered there once it is authentic
 *
 * Nothing is authentic in messages 3 and 4: who forges them forces UDP on us, no more. Addresses of
 * a main mode never change; ports do, by authentic messages.
 */

struct ike_mm;
struct ike_qm;
struct wire_message;
struct wire_out;

#define NATT_PORT 4500

enum natt_version {
	NATT_NONE,		/* not both sides can */
	NATT_RFC3947,
	NATT_DRAFT,
};

struct natt {
	enum natt_version version;
	bool is_here;		/* a NAT is in front of us */
	bool is_there;		/* one is in front of the peer */
};

/* A NAT was found, and both sides can go through. */
static inline bool natt_is_found(const struct natt *natt)
{
	return natt->version != NATT_NONE && (natt->is_here || natt->is_there);
}

/* The peer's address is that of the NAT before it. */
static inline bool natt_is_peer_behind(const struct natt *natt)
{
	return natt_is_found(natt) && natt->is_there;
}

/* From the vendor ids of the peer (VID_ flags). */
enum natt_version natt_version(uint32_t vids);

/* The NAT-D payloads of message 3 or 4: the peer's address first. Nothing if the peer cannot. */
int natt_write(const struct ike_mm *mm, struct wire_out *out);
/*
 * Looks for a NAT; cookies and path of @mm are known. A peer that sends no NAT-D payload after it
 * said that it can is one that cannot.
 */
int natt_read(struct ike_mm *mm, const struct wire_message *message);

/* The initiator goes to port 4500, if there is a reason to and it is not there yet. */
void natt_float(struct ike_mm *mm);
/*
 * An authentic message came by @path: answers go where it came from, to port 4500 first, and then
 * wherever a NAT before the peer has moved it (RFC 3947, section 6).
 */
void natt_follow(struct ike_mm *mm, const struct ike_path *path);

/*
 * Whether what came by @path can be of the same host. Behind a NAT there may be several, with the
 * same address and different ports.
 */
bool natt_is_same_host(const struct ike_mm *mm, const struct ike_path *path);

/* The value of the encapsulation mode attribute. */
uint16_t natt_encapsulation(const struct natt *natt, enum ike_encapsulation encapsulation);

/* One of the modes that there are; one of those for transport mode. */
bool natt_is_encapsulation(uint64_t value);
bool natt_is_transport(uint64_t value);

/* In transport mode: the NAT-OA payloads of quick mode, the initiator's address first. */
void natt_write_original(const struct ike_qm *qm, struct wire_out *out);
/*
 * Transport mode: a selector of the peer's has addresses that only its side of the NAT knows. It
 * becomes one for the addresses that packets have here.
 */
void natt_translate(const struct ike_mm *mm, struct ike_selector *selector);

#endif
