// SPDX-License-Identifier: MIT
#include "agent/servers.h"

#include <ctype.h>
#include <dirent.h>
#include <limits.h>
#include <stdio.h>

#include "base/cleanup.h"

#define FILE_MAX_LINES	10000	/* of somebody else's file */

void server_list_add(struct server_list *list, const struct ip_addr *addr)
{
	size_t i = 0;

	while (i < list->n && ip_addr_compare(&list->addrs[i], addr) < 0)
		i++;
	if ((i < list->n && ip_addr_is_equal(&list->addrs[i], addr)) ||
	    list->n == SERVERS_ADDRS_MAX)
		return;
	memmove(&list->addrs[i + 1], &list->addrs[i], (list->n - i) * sizeof(list->addrs[0]));
	list->addrs[i] = *addr;
	list->n++;
}

/* The addresses in a list that blanks, commas and semicolons separate. */
static void add_words(struct server_list *list, char *text)
{
	char *save = NULL;

	for (char *word = strtok_r(text, " \t,;\n", &save); word;
	     word = strtok_r(NULL, " \t,;\n", &save)) {
		char *zone = strchr(word, '%');
		struct ip_addr addr;

		if (zone)
			*zone = '\0';
		if (!ip_addr_parse(word, &addr) && !ip_addr_is_unspecified(&addr))
			server_list_add(list, &addr);
	}
}

/* What follows @key at the beginning of @line, or NULL. */
static char *value_of(char *line, const char *key)
{
	while (isspace((unsigned char)*line))
		line++;
	return strncmp(line, key, strlen(key)) ? NULL : line + strlen(key);
}

static void for_each_line(const char *path, void (*visit)(struct servers *servers, char *line),
			  struct servers *servers)
{
	_cleanup_fclose_ FILE *file = fopen(path, "re");
	char line[1024];

	if (!file)
		return;
	for (size_t i = 0; i < FILE_MAX_LINES && fgets(line, sizeof(line), file); i++)
		visit(servers, line);
}

static void visit_resolv_conf(struct servers *servers, char *line)
{
	char *value = value_of(line, "nameserver");

	if (value && isspace((unsigned char)*value))
		add_words(&servers->dns, value);
}

static void visit_networkd_lease(struct servers *servers, char *line)
{
	char *value = value_of(line, "SERVER_ADDRESS=");

	if (value)
		add_words(&servers->dhcp, value);
}

/* Its own file of leases says the address only. */
static void visit_networkmanager_device(struct servers *servers, char *line)
{
	char *value = value_of(line, "dhcp4.dhcp_server_identifier=");

	if (value)
		add_words(&servers->dhcp, value);
	value = value_of(line, "dhcp4.netbios_name_servers=");
	if (value)
		add_words(&servers->wins, value);
}

/* dhclient appends leases; the servers of old ones stay in the list until it rewrites the file. */
static void visit_dhclient_lease(struct servers *servers, char *line)
{
	char *value = value_of(line, "option dhcp-server-identifier");

	if (value)
		add_words(&servers->dhcp, value);
	value = value_of(line, "option netbios-name-servers");
	if (value)
		add_words(&servers->wins, value);
}

static void for_each_file(const char *root, const char *dir, const char *prefix,
			  const char *suffix, void (*visit)(struct servers *servers, char *line),
			  struct servers *servers)
{
	char path[PATH_MAX];
	DIR *open_dir;
	struct dirent *entry;

	if (snprintf(path, sizeof(path), "%s%s", root, dir) >= (int)sizeof(path))
		return;
	open_dir = opendir(path);
	if (!open_dir)
		return;
	while ((entry = readdir(open_dir))) {
		size_t len = strlen(entry->d_name);

		if (entry->d_name[0] == '.' ||
		    strncmp(entry->d_name, prefix, strlen(prefix)) != 0 || len < strlen(suffix) ||
		    strcmp(entry->d_name + len - strlen(suffix), suffix) != 0)
			continue;
		if (snprintf(path, sizeof(path), "%s%s/%s", root, dir, entry->d_name) <
		    (int)sizeof(path))
			for_each_line(path, visit, servers);
	}
	closedir(open_dir);
}

static bool is_all_loopback(const struct server_list *list)
{
	for (size_t i = 0; i < list->n; i++)
		if (!ip_addr_is_loopback(&list->addrs[i]))
			return false;
	return true;
}

void servers_read(struct servers *servers, const char *root)
{
	char path[PATH_MAX];

	servers->dns.n = servers->dhcp.n = servers->wins.n = 0;
	if (snprintf(path, sizeof(path), "%s/etc/resolv.conf", root) < (int)sizeof(path))
		for_each_line(path, visit_resolv_conf, servers);
	if (is_all_loopback(&servers->dns)) {
		/* a stub on this host: what counts is whom it asks */
		servers->dns.n = 0;
		if (snprintf(path, sizeof(path), "%s/run/systemd/resolve/resolv.conf", root) <
		    (int)sizeof(path))
			for_each_line(path, visit_resolv_conf, servers);
	}
	for_each_file(root, "/run/systemd/netif/leases", "", "", visit_networkd_lease, servers);
	for_each_file(root, "/run/NetworkManager/devices", "", "", visit_networkmanager_device,
		      servers);
	for_each_file(root, "/var/lib/dhcp", "dhclient", ".leases", visit_dhclient_lease, servers);
}

const struct server_list *servers_find(const struct servers *servers,
				       enum policy_address_kind kind)
{
	static const struct server_list none;

	switch (kind) {
	case POLICY_ADDRESS_DNS:
		return &servers->dns;
	case POLICY_ADDRESS_DHCP:
		return &servers->dhcp;
	case POLICY_ADDRESS_WINS:
		return &servers->wins;
	case POLICY_ADDRESS_GATEWAY:
		return &servers->gateway;
	case POLICY_ADDRESS_ME:
	case POLICY_ADDRESS_ANY:
	case POLICY_ADDRESS_IP:
	case POLICY_ADDRESS_NAME:
		break;
	}
	return &none;
}
