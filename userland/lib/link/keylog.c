// SPDX-License-Identifier: MIT
#include "link/keylog.h"

#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "ike/engine.h"

/* Text that grows in a fixed buffer. */
struct text {
	char *buf;
	size_t size;
	size_t len;
	bool overflow;
};

static void put(struct text *t, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void put(struct text *t, const char *format, ...)
{
	va_list args;
	int n;

	if (t->overflow)
		return;
	va_start(args, format);
	n = vsnprintf(t->buf + t->len, t->size - t->len, format, args);
	va_end(args);
	if (n < 0 || (size_t)n >= t->size - t->len)
		t->overflow = true;
	else
		t->len += (size_t)n;
}

static void put_hex(struct text *t, const uint8_t *bytes, size_t len)
{
	for (size_t i = 0; i < len; i++)
		put(t, "%02x", bytes[i]);
}

/* The names are those of Wireshark's preferences (packet-ipsec.c). */
static const char *cipher_name(const struct ike_suite *suite)
{
	switch (suite->cipher) {
	case IKE_CIPHER_NULL:
		return "NULL";
	case IKE_CIPHER_DES:
		return "DES-CBC [RFC2405]";
	case IKE_CIPHER_3DES:
		return "TripleDES-CBC [RFC2451]";
	case IKE_CIPHER_AES_CBC:
		return "AES-CBC [RFC3602]";
	case IKE_CIPHER_AES_GCM_16:
		return "AES-GCM with 16 octet ICV [RFC4106]";
	case IKE_CIPHER_NONE:
	case IKE_CIPHER_COUNT:
		break;
	}
	return NULL;
}

static const char *hash_name(const struct ike_suite *suite)
{
	switch (suite->hash) {
	case IKE_HASH_NONE:
		return "NULL";
	case IKE_HASH_MD5:
		return "HMAC-MD5-96 [RFC2403]";
	case IKE_HASH_SHA1:
		return "HMAC-SHA-1-96 [RFC2404]";
	case IKE_HASH_SHA256:
		return "HMAC-SHA-256-128 [RFC4868]";
	case IKE_HASH_SHA384:
		return "HMAC-SHA-384-192 [RFC4868]";
	case IKE_HASH_SHA512:
		return "HMAC-SHA-512-256 [RFC4868]";
	case IKE_HASH_COUNT:
		break;
	}
	return NULL;
}

static void put_key(struct text *t, const uint8_t *key, size_t len)
{
	put(t, ",\"");
	if (len)
		put(t, "0x");
	put_hex(t, key, len);
	put(t, "\"");
}

/* "IPv4","192.0.2.1","192.0.2.2","0x12345678","cipher","0xkey","hash","0xkey" */
static int put_sa(struct text *t, const struct ip_addr *source, const struct ip_addr *destination,
		  uint32_t spi, const struct ike_suite *suite, const struct ike_keys *keys)
{
	char from[IP_ADDR_STRLEN], to[IP_ADDR_STRLEN];
	const char *cipher = cipher_name(suite);
	const char *hash = hash_name(suite);

	if (!cipher || !hash)
		return -EINVAL;
	put(t, "\"%s\",\"%s\",\"%s\",\"0x%08x\"", source->family == AF_INET6 ? "IPv6" : "IPv4",
	    ip_addr_format(source, from), ip_addr_format(destination, to), spi);
	put(t, ",\"%s\"", cipher);
	put_key(t, keys->cipher_key, keys->cipher_key_len);
	put(t, ",\"%s\"", hash);
	put_key(t, keys->hash_key, keys->hash_key_len);
	put(t, "\n");
	return 0;
}

static int put_install(struct text *t, const struct ike_sa_install *install)
{
	int r = 0;

	for (size_t i = 0; i < install->n_suites; i++) {
		const struct ike_sa_suite *s = &install->suites[i];

		if (s->suite.protocol != IKE_PROTOCOL_ESP)
			continue;
		if (install->directions & IKE_DIRECTION_IN)
			r = put_sa(t, &install->path.remote, &install->path.local, s->spi_in,
				   &s->suite, &s->in);
		if (r == 0 && (install->directions & IKE_DIRECTION_OUT))
			r = put_sa(t, &install->path.local, &install->path.remote, s->spi_out,
				   &s->suite, &s->out);
		if (r < 0)
			return r;
	}
	return 0;
}

/* Initiator cookie and key: bytes to tshark, so they have no quotes. */
static int put_mm(struct text *t, const struct ike_keylog *keylog)
{
	if (keylog->cipher_key_len == 0)
		return -EINVAL;
	/* the integer holds the bytes in their order on the wire */
	put_hex(t, (const uint8_t *)&keylog->icookie, sizeof(keylog->icookie));
	put(t, ",");
	put_hex(t, keylog->cipher_key, keylog->cipher_key_len);
	put(t, "\n");
	return 0;
}

int link_keylog_format(const struct ike_keylog *keylog, char *buf, size_t size,
		       const char **ret_file)
{
	struct text t = { .buf = buf, .size = size };
	const char *file = LINK_KEYLOG_MM_FILE;
	int r = -EINVAL;

	if (keylog->kind == IKE_KEYLOG_MM) {
		r = put_mm(&t, keylog);
	} else if (keylog->install) {
		file = LINK_KEYLOG_QM_FILE;
		r = put_install(&t, keylog->install);
	}
	if (r == 0 && t.overflow)
		r = -ENOBUFS;
	if (r < 0) {
		if (size)
			explicit_bzero(buf, size);
		return r;
	}
	*ret_file = file;
	return (int)t.len;
}
