/* SPDX-License-Identifier: MIT */
#ifndef BASE_ADDR_H
#define BASE_ADDR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct sockaddr;
struct sockaddr_storage;

/* "ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255" and its NUL */
#define IP_ADDR_STRLEN 46
/* the same with "/128" */
#define IP_PREFIX_STRLEN (IP_ADDR_STRLEN + 4)

/*
 * An address of either family. Bytes beyond the family's length are always zero, and the struct
 * has no padding, so two addresses are equal exactly when their bytes are.
 */
struct ip_addr {
	uint8_t family;	   /* AF_INET, AF_INET6, or 0 = none */
	uint8_t bytes[16]; /* network order */
};

/* 4, 16, or 0 for "none" and unknown families. */
size_t ip_addr_len(const struct ip_addr *addr);

/* @len bytes in network order; 4 makes an IPv4, 16 an IPv6 address. -EINVAL for other lengths. */
int ip_addr_from_bytes(const void *bytes, size_t len, struct ip_addr *ret_addr);

/* Host order, for constants and arithmetic. */
struct ip_addr ip_addr_v4(uint32_t host_order);

/*
 * Numeric form only, nothing is resolved; no leading or trailing space, no zone. -EINVAL
 * otherwise, *ret_addr untouched.
 */
int ip_addr_parse(const char *text, struct ip_addr *ret_addr);

/* Writes the numeric form ("none" for family 0) into @buf and returns @buf. */
const char *ip_addr_format(const struct ip_addr *addr, char buf[static IP_ADDR_STRLEN]);

/* Total order: family, then the bytes. */
int ip_addr_compare(const struct ip_addr *a, const struct ip_addr *b);
bool ip_addr_is_equal(const struct ip_addr *a, const struct ip_addr *b);
bool ip_addr_is_unspecified(const struct ip_addr *addr);
bool ip_addr_is_loopback(const struct ip_addr *addr);
bool ip_addr_is_multicast(const struct ip_addr *addr);
/* The IPv4 limited broadcast, 255.255.255.255. */
bool ip_addr_is_broadcast(const struct ip_addr *addr);
bool ip_addr_is_link_local(const struct ip_addr *addr);

/* Same family and first @prefix_len bits; a prefix longer than the address matches nothing. */
bool ip_addr_is_in_prefix(const struct ip_addr *addr, const struct ip_addr *prefix,
			  unsigned int prefix_len);

/* First and last address of the prefix; -EINVAL if @prefix_len is too long for the family. */
int ip_addr_prefix_range(const struct ip_addr *addr, unsigned int prefix_len,
			 struct ip_addr *ret_first, struct ip_addr *ret_last);

/*
 * AF_INET or AF_INET6 only, else -EAFNOSUPPORT; @ret_port (host order) and @ret_scope (IPv6 zone)
 * may be NULL.
 */
int ip_addr_from_sockaddr(const struct sockaddr *sa, struct ip_addr *ret_addr, uint16_t *ret_port,
			  uint32_t *ret_scope);

/* Returns the length of the socket address, 0 for family "none". */
size_t ip_addr_to_sockaddr(const struct ip_addr *addr, uint16_t port, uint32_t scope,
			   struct sockaddr_storage *ret_sa);

#endif
