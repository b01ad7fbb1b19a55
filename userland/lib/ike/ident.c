// SPDX-License-Identifier: MIT
#include "ike/ident.h"

#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

#include "base/parse.h"
#include "ike/engine.h"

#define PORT_IKE 500
#define PORT_IKE_NAT 4500
#define TEXT_MAX_LEN 255

int ident_parse(struct bytes body, struct ident *ret_ident)
{
	struct reader r = reader_from(body);
	struct ident id;

	id.type = reader_u8(&r);
	id.protocol = reader_u8(&r);
	id.port = reader_u16(&r);
	id.data = reader_rest(&r);
	if (r.failed)
		return -EBADMSG;
	*ret_ident = id;
	return 0;
}

static bool is_phase1_port(const struct ident *ident)
{
	bool is_any = !ident->protocol && !ident->port;
	bool is_ike = ident->protocol == IPPROTO_UDP &&
		      (ident->port == PORT_IKE || ident->port == PORT_IKE_NAT);

	return is_any || is_ike;
}

int ident_phase1_addr(const struct ident *ident, struct ip_addr *ret_addr)
{
	if (ident->type != IDENT_IPV4_ADDR && ident->type != IDENT_IPV6_ADDR)
		return -EINVAL;
	if (ident->data.len != (ident->type == IDENT_IPV4_ADDR ? 4 : 16))
		return -EBADMSG;
	if (!is_phase1_port(ident))
		return -EINVAL;
	return ip_addr_from_bytes(ident->data.data, ident->data.len, ret_addr);
}

/* A SEQUENCE that fills the bytes exactly, with its length in the shortest form (DER). */
static bool is_der_sequence(struct bytes der)
{
	struct reader r = reader_from(der);
	uint8_t tag = reader_u8(&r);
	uint8_t first = reader_u8(&r);
	size_t len = first;

	if (first == 0x81) {
		len = reader_u8(&r);
		if (len < 0x80)
			return false;
	} else if (first == 0x82) {
		len = reader_u16(&r);
		if (len < 0x100)
			return false;
	} else if (first >= 0x80) {
		return false;
	}
	return !r.failed && tag == 0x30 && r.len == len;
}

static bool is_text(struct bytes text)
{
	for (size_t i = 0; i < text.len; i++) {
		if (text.data[i] <= ' ' || text.data[i] > '~')
			return false;
	}
	return text.len && text.len <= TEXT_MAX_LEN;
}

int ident_phase1_check(const struct ident *ident)
{
	struct ip_addr addr;

	if (!is_phase1_port(ident))
		return -EINVAL;
	switch (ident->type) {
	case IDENT_IPV4_ADDR:
	case IDENT_IPV6_ADDR:
		return ident_phase1_addr(ident, &addr);
	case IDENT_FQDN:
	case IDENT_USER_FQDN:
		return is_text(ident->data) ? 0 : -EBADMSG;
	case IDENT_DER_ASN1_DN:
		return ident->data.len <= IKE_ID_MAX_LEN && is_der_sequence(ident->data) ?
			       0 :
			       -EBADMSG;
	}
	return -EINVAL;
}

/* @count addresses of @len bytes each, no more and no less. */
static int read_addrs(struct bytes data, size_t len, size_t count, struct ip_addr addrs[2])
{
	if (data.len != len * count)
		return -EBADMSG;
	for (size_t i = 0; i < count; i++)
		(void)ip_addr_from_bytes(data.data + i * len, len, &addrs[i]);
	return 0;
}

/* The prefix that begins with @first and ends with @last. */
static int range_to_prefix(const struct ip_addr *first, const struct ip_addr *last,
			   uint8_t *ret_prefix)
{
	struct ip_addr begin, end;
	unsigned int bits = (unsigned int)(8 * ip_addr_len(first));

	for (unsigned int prefix = 0; prefix <= bits; prefix++) {
		(void)ip_addr_prefix_range(first, prefix, &begin, &end);
		if (ip_addr_is_equal(&begin, first) && ip_addr_is_equal(&end, last)) {
			*ret_prefix = (uint8_t)prefix;
			return 0;
		}
	}
	return -EINVAL;
}

static int net_from_addrs(size_t len, struct bytes data, int form, struct ip_addr *ret_addr,
			  uint8_t *ret_prefix)
{
	struct ip_addr addrs[2], last;
	uint8_t prefix = (uint8_t)(8 * len);
	int ret = read_addrs(data, len, form == IDENT_IPV4_ADDR ? 1 : 2, addrs);

	if (!ret && form == IDENT_IPV4_ADDR_SUBNET) {
		ret = mask_to_prefix(&addrs[1], &prefix);
		if (!ret)
			ret = ip_addr_prefix_range(&addrs[0], prefix, &addrs[0], &last);
	} else if (!ret && form == IDENT_IPV4_ADDR_RANGE) {
		ret = range_to_prefix(&addrs[0], &addrs[1], &prefix);
	}
	if (ret)
		return ret;
	*ret_addr = addrs[0];
	*ret_prefix = prefix;
	return 0;
}

int ident_phase2_net(const struct ident *ident, struct ip_addr *ret_addr, uint8_t *ret_prefix)
{
	switch (ident->type) {
	case IDENT_IPV4_ADDR:
	case IDENT_IPV4_ADDR_SUBNET:
	case IDENT_IPV4_ADDR_RANGE:
		return net_from_addrs(4, ident->data, ident->type, ret_addr, ret_prefix);
	case IDENT_IPV6_ADDR:
		return net_from_addrs(16, ident->data, IDENT_IPV4_ADDR, ret_addr, ret_prefix);
	case IDENT_IPV6_ADDR_SUBNET:
		return net_from_addrs(16, ident->data, IDENT_IPV4_ADDR_SUBNET, ret_addr,
				      ret_prefix);
	case IDENT_IPV6_ADDR_RANGE:
		return net_from_addrs(16, ident->data, IDENT_IPV4_ADDR_RANGE, ret_addr,
				      ret_prefix);
	}
	return -EINVAL;
}

void ident_write(struct writer *w, const struct ip_addr *addr, uint8_t prefix, uint8_t protocol,
		 uint16_t port)
{
	struct ip_addr ones = { .family = addr->family }, first = *addr, mask, last;
	bool is_v6 = addr->family == AF_INET6;
	size_t len = ip_addr_len(addr);
	bool is_host = prefix >= 8 * len;

	if (is_host)
		writer_u8(w, is_v6 ? IDENT_IPV6_ADDR : IDENT_IPV4_ADDR);
	else
		writer_u8(w, is_v6 ? IDENT_IPV6_ADDR_SUBNET : IDENT_IPV4_ADDR_SUBNET);
	writer_u8(w, protocol);
	writer_u16(w, port);
	if (is_host) {
		writer_put(w, addr->bytes, len);
		return;
	}
	memset(ones.bytes, 0xff, len);
	(void)ip_addr_prefix_range(addr, prefix, &first, &last);
	(void)ip_addr_prefix_range(&ones, prefix, &mask, &last);
	writer_put(w, first.bytes, len);
	writer_put(w, mask.bytes, len);
}

void ident_write_data(struct writer *w, enum ident_type type, struct bytes data)
{
	writer_u8(w, (uint8_t)type);
	writer_u8(w, 0);
	writer_u16(w, 0);
	writer_bytes(w, data);
}

int ident_selector(struct bytes idci, struct bytes idcr, bool is_initiator,
		   struct ike_selector *ret_selector)
{
	struct ident local, remote;
	struct ike_selector s = {0};
	int ret;

	ret = ident_parse(is_initiator ? idci : idcr, &local);
	if (!ret)
		ret = ident_parse(is_initiator ? idcr : idci, &remote);
	if (!ret)
		ret = ident_phase2_net(&local, &s.local, &s.local_prefix);
	if (!ret)
		ret = ident_phase2_net(&remote, &s.remote, &s.remote_prefix);
	if (ret)
		return ret;
	if (s.local.family != s.remote.family || local.protocol != remote.protocol)
		return -EINVAL;
	if (!local.protocol && (local.port || remote.port))
		return -EINVAL;
	s.protocol = local.protocol;
	s.local_port = local.port;
	s.remote_port = remote.port;
	*ret_selector = s;
	return 0;
}

struct ike_selector ident_default_selector(const struct ip_addr *local,
					   const struct ip_addr *remote)
{
	return (struct ike_selector){
		.local = *local,
		.remote = *remote,
		.local_prefix = (uint8_t)(8 * ip_addr_len(local)),
		.remote_prefix = (uint8_t)(8 * ip_addr_len(remote)),
	};
}

void ident_write_selector(struct writer *w, const struct ike_selector *selector, bool is_local)
{
	if (is_local)
		ident_write(w, &selector->local, selector->local_prefix, selector->protocol,
			    selector->local_port);
	else
		ident_write(w, &selector->remote, selector->remote_prefix, selector->protocol,
			    selector->remote_port);
}

bool ident_selector_is_equal(const struct ike_selector *a, const struct ike_selector *b)
{
	return ip_addr_is_equal(&a->local, &b->local) && ip_addr_is_equal(&a->remote, &b->remote) &&
	       a->local_prefix == b->local_prefix && a->remote_prefix == b->remote_prefix &&
	       a->protocol == b->protocol && a->local_port == b->local_port &&
	       a->remote_port == b->remote_port;
}
