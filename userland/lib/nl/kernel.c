// SPDX-License-Identifier: MIT
#include "nl/kernel.h"

#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "base/parse.h"
#include "nl/names_gen.h"

static int compare_uint(unsigned int a, unsigned int b)
{
	return a < b ? -1 : a > b;
}

static int compare_sides(const struct kernel_filter_side *a, const struct kernel_filter_side *b)
{
	int r = compare_uint(a->class, b->class);

	if (r)
		return r;
	if (a->class == IPSECDRV_ADDRESS_CLASS_MASK) {
		r = ip_addr_compare(&a->mask, &b->mask);
		if (!r)
			r = ip_addr_compare(&a->addr, &b->addr);
		if (r)
			return r;
	}
	return compare_uint(a->port, b->port);
}

int kernel_filter_compare_traffic(const struct kernel_filter *a, const struct kernel_filter *b)
{
	int r = compare_uint(a->class, b->class);

	if (!r)
		r = compare_uint(a->family, b->family);
	if (!r)
		r = compare_sides(&a->local, &b->local);
	if (!r)
		r = compare_sides(&a->remote, &b->remote);
	if (!r)
		r = compare_uint(a->protocol, b->protocol);
	if (!r)
		r = compare_uint(a->connection, b->connection);
	if (!r)
		r = strcmp(a->interface, b->interface);
	if (!r && a->class == IPSECDRV_FILTER_CLASS_TUNNEL) {
		r = ip_addr_compare(&a->tunnel_local, &b->tunnel_local);
		if (!r)
			r = ip_addr_compare(&a->tunnel_remote, &b->tunnel_remote);
	}
	return r;
}

bool kernel_filter_is_same_traffic(const struct kernel_filter *a, const struct kernel_filter *b)
{
	return kernel_filter_compare_traffic(a, b) == 0;
}

static void print_side(FILE *file, const struct kernel_filter_side *side, uint8_t family)
{
	char addr[IP_ADDR_STRLEN];
	uint8_t prefix;

	if (side->class == IPSECDRV_ADDRESS_CLASS_ME)
		fprintf(file, "me");
	else if (ip_addr_is_unspecified(&side->mask))
		fprintf(file, "any");
	else if (mask_to_prefix(&side->mask, &prefix))
		fprintf(file, "%s/%s", ip_addr_format(&side->addr, addr),
			ip_addr_format(&side->mask, (char[IP_ADDR_STRLEN]){ 0 }));
	else if (prefix == (family == AF_INET ? 32 : 128))
		fprintf(file, "%s", ip_addr_format(&side->addr, addr));
	else
		fprintf(file, "%s/%u", ip_addr_format(&side->addr, addr), prefix);
}

static void print_tunnel(FILE *file, const struct kernel_filter *filter)
{
	char near[IP_ADDR_STRLEN], far[IP_ADDR_STRLEN];

	fprintf(file, " in a tunnel");
	if (filter->tunnel_local.family)
		fprintf(file, " from %s", ip_addr_format(&filter->tunnel_local, near));
	if (filter->tunnel_remote.family)
		fprintf(file, " to %s", ip_addr_format(&filter->tunnel_remote, far));
}

const char *kernel_filter_format(const struct kernel_filter *filter,
				 char buf[static KERNEL_FILTER_STRLEN])
{
	_cleanup_fclose_ FILE *file = fmemopen(buf, KERNEL_FILTER_STRLEN, "w");

	buf[0] = '\0';
	if (!file)
		return buf;
	print_side(file, &filter->local, filter->family);
	fprintf(file, " <-> ");
	print_side(file, &filter->remote, filter->family);
	fprintf(file, " IPv%c", filter->family == AF_INET ? '4' : '6');
	if (filter->protocol)
		fprintf(file, " protocol %u", filter->protocol);
	if (filter->local.port || filter->remote.port)
		fprintf(file, " ports %u %u", filter->local.port, filter->remote.port);
	if (filter->interface[0])
		fprintf(file, " on %s", filter->interface);
	else if (filter->connection != IPSECDRV_CONNECTION_ALL)
		fprintf(file, " on %s", nl_connection_name(filter->connection));
	if (filter->class == IPSECDRV_FILTER_CLASS_TUNNEL)
		print_tunnel(file, filter);
	fflush(file);
	buf[KERNEL_FILTER_STRLEN - 1] = '\0';
	return buf;
}
