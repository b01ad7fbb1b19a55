// SPDX-License-Identifier: MIT
#include "ike/natt.h"

#include <errno.h>
#include <sys/socket.h>

#include "base/bytes.h"
#include "ike/crypto.h"
#include "ike/ident.h"
#include "ike/mm.h"
#include "ike/peer.h"
#include "ike/qm.h"
#include "ike/vid.h"
#include "ike/wire.h"

/* Encapsulation modes (RFC 2407, section 4.5; RFC 3947, section 5.1; draft-02, section 5.1) */
enum mode {
	MODE_TUNNEL = 1,
	MODE_TRANSPORT = 2,
	MODE_UDP_TUNNEL = 3,
	MODE_UDP_TRANSPORT = 4,
	MODE_UDP_TUNNEL_DRAFT = 61443,
	MODE_UDP_TRANSPORT_DRAFT = 61444,
};

/* More hashes of a source than that nobody has addresses for. */
#define SOURCES_MAX 16

enum natt_version natt_version(uint32_t vids)
{
	if (vids & VID_NAT_T_RFC3947)
		return NATT_RFC3947;
	return vids & (VID_NAT_T_DRAFT_02 | VID_NAT_T_DRAFT_03) ? NATT_DRAFT : NATT_NONE;
}

/* --- is there a NAT? ------------------------------------------------------------------------ */

/* HASH(CKY-I | CKY-R | address | port), with the hash that was agreed on */
static int hash_place(const struct ike_mm *mm, const struct ip_addr *addr, uint16_t port,
		      uint8_t *ret_hash)
{
	uint8_t port_bytes[2] = { (uint8_t)(port >> 8), (uint8_t)port };
	const struct bytes parts[] = {
		{ mm->icookie, WIRE_COOKIE_LEN },
		{ mm->rcookie, WIRE_COOKIE_LEN },
		{ addr->bytes, ip_addr_len(addr) },
		{ port_bytes, sizeof(port_bytes) },
	};

	return crypto_hash(mm->choice.proposal.hash, parts, sizeof(parts) / sizeof(parts[0]),
			   ret_hash);
}

static uint8_t payload_type(const struct ike_mm *mm)
{
	return mm->natt.version == NATT_RFC3947 ? WIRE_PAYLOAD_NAT_D : WIRE_PAYLOAD_NAT_D_DRAFT;
}

int natt_write(const struct ike_mm *mm, struct wire_out *out)
{
	size_t len = ike_hash_len(mm->choice.proposal.hash);
	uint8_t theirs[IKE_HASH_MAX_LEN], ours[IKE_HASH_MAX_LEN];
	const struct ike_path *path = &mm->path;

	if (mm->natt.version == NATT_NONE)
		return 0;
	if (hash_place(mm, &path->remote, path->remote_port, theirs) ||
	    hash_place(mm, &path->local, path->local_port, ours))
		return -EIO;
	wire_add(out, payload_type(mm), (struct bytes){ theirs, len });
	wire_add(out, payload_type(mm), (struct bytes){ ours, len });
	return 0;
}

int natt_read(struct ike_mm *mm, const struct wire_message *message)
{
	size_t len = ike_hash_len(mm->choice.proposal.hash);
	uint8_t theirs[IKE_HASH_MAX_LEN], ours[IKE_HASH_MAX_LEN];
	const struct ike_path *path = &mm->path;
	const struct wire_payload *p;

	if (mm->natt.version == NATT_NONE)
		return 0;
	if (hash_place(mm, &path->remote, path->remote_port, theirs) ||
	    hash_place(mm, &path->local, path->local_port, ours))
		return -EIO;
	p = wire_find(message, payload_type(mm), 0);
	if (!p || !wire_find(message, payload_type(mm), 1)) {
		mm->natt.version = NATT_NONE;
		return 0;
	}
	mm->natt.is_here = !bytes_is_equal(p->body, (struct bytes){ ours, len });
	mm->natt.is_there = true;
	for (size_t i = 1; i <= SOURCES_MAX && (p = wire_find(message, payload_type(mm), i)); i++) {
		if (bytes_is_equal(p->body, (struct bytes){ theirs, len }))
			mm->natt.is_there = false;
	}
	return 0;
}

/* --- ports ---------------------------------------------------------------------------------- */

void natt_float(struct ike_mm *mm)
{
	if (!natt_is_found(&mm->natt) || mm->path.local_port == NATT_PORT)
		return;
	mm->path.local_port = NATT_PORT;
	mm->path.remote_port = NATT_PORT;
}

void natt_follow(struct ike_mm *mm, const struct ike_path *path)
{
	/* back to port 500 is no way: IPsec packets cannot follow */
	if (!natt_is_found(&mm->natt) || path->local_port != NATT_PORT)
		return;
	/* without a NAT before it the peer does not move; who repeats its messages from elsewhere would */
	if (mm->path.local_port == NATT_PORT && !mm->natt.is_there)
		return;
	mm->path.local_port = path->local_port;
	mm->path.remote_port = path->remote_port;
	mm->peer->local_port = path->local_port;
	mm->peer->remote_port = path->remote_port;
}

bool natt_is_same_host(const struct ike_mm *mm, const struct ike_path *path)
{
	return !natt_is_peer_behind(&mm->natt) || mm->path.remote_port == path->remote_port;
}

/* --- quick mode ----------------------------------------------------------------------------- */

uint16_t natt_encapsulation(const struct natt *natt, enum ike_encapsulation encapsulation)
{
	bool is_tunnel = encapsulation == IKE_ENCAPSULATION_TUNNEL;

	if (!natt_is_found(natt))
		return is_tunnel ? MODE_TUNNEL : MODE_TRANSPORT;
	if (natt->version == NATT_DRAFT)
		return is_tunnel ? MODE_UDP_TUNNEL_DRAFT : MODE_UDP_TRANSPORT_DRAFT;
	return is_tunnel ? MODE_UDP_TUNNEL : MODE_UDP_TRANSPORT;
}

bool natt_is_transport(uint64_t value)
{
	return value == MODE_TRANSPORT || value == MODE_UDP_TRANSPORT ||
	       value == MODE_UDP_TRANSPORT_DRAFT;
}

bool natt_is_encapsulation(uint64_t value)
{
	return natt_is_transport(value) || value == MODE_TUNNEL || value == MODE_UDP_TUNNEL ||
	       value == MODE_UDP_TUNNEL_DRAFT;
}

static void write_address(struct wire_out *out, uint8_t type, const struct ip_addr *addr)
{
	wire_begin(out, type);
	writer_u8(&out->w, addr->family == AF_INET6 ? IDENT_IPV6_ADDR : IDENT_IPV4_ADDR);
	writer_u8(&out->w, 0);
	writer_u16(&out->w, 0);
	writer_put(&out->w, addr->bytes, ip_addr_len(addr));
	wire_end(out);
}

void natt_write_original(const struct ike_qm *qm, struct wire_out *out)
{
	const struct ike_path *path = &qm->mm->path;
	const struct natt *natt = &qm->mm->natt;
	uint8_t type = natt->version == NATT_RFC3947 ? WIRE_PAYLOAD_NAT_OA :
						       WIRE_PAYLOAD_NAT_OA_DRAFT;

	if (!natt_is_found(natt) || qm->encapsulation != IKE_ENCAPSULATION_TRANSPORT)
		return;
	write_address(out, type, qm->is_initiator ? &path->local : &path->remote);
	write_address(out, type, qm->is_initiator ? &path->remote : &path->local);
}

static bool is_host(const struct ip_addr *addr, uint8_t prefix)
{
	return prefix == 8 * ip_addr_len(addr);
}

void natt_translate(const struct ike_mm *mm, struct ike_selector *selector)
{
	if (mm->natt.is_there && is_host(&selector->remote, selector->remote_prefix))
		selector->remote = mm->path.remote;
	if (mm->natt.is_here && is_host(&selector->local, selector->local_prefix))
		selector->local = mm->path.local;
}
