// SPDX-License-Identifier: MIT
#include "agent/test_util.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>

#include "agent/addresses.h"
#include "agent/resolve.h"

#define DEADLINE_USEC (10 * UINT64_C(1000000))

static atomic_uint answer;		/* last byte of what names stand for; 0: failure */
static atomic_uint n_lookups;
static pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER;

/* Runs in the resolver's thread; "slow" waits until the test lets it go. */
static int lookup(const char *name, struct ip_addr *ret_addrs, size_t *ret_n,
		  char why[static RESOLVER_WHY_LEN])
{
	unsigned int last = atomic_load(&answer);

	if (!strcmp(name, "slow")) {
		pthread_mutex_lock(&gate);
		pthread_mutex_unlock(&gate);
	}
	atomic_fetch_add(&n_lookups, 1);
	if (!last || !strcmp(name, "none")) {
		snprintf(why, RESOLVER_WHY_LEN, "no such name");
		return -ENOENT;
	}
	ret_addrs[0] = ip_addr_v4(0x0a000000 | last);
	*ret_n = 1;
	return 0;
}

struct seen {
	unsigned int n_done, n_changed, n_failed;
	int error;
	char why[RESOLVER_WHY_LEN];
};

static void on_done(void *userdata, int error, const char *why)
{
	struct seen *seen = userdata;

	seen->n_done++;
	seen->error = error;
	snprintf(seen->why, sizeof(seen->why), "%s", why);
}

static void on_changed(void *userdata)
{
	((struct seen *)userdata)->n_changed++;
}

static void on_failed(void *userdata, const char *name, const char *why)
{
	(void)name;
	(void)why;
	((struct seen *)userdata)->n_failed++;
}

static void run_until(sd_event *event, const unsigned int *counter, unsigned int value)
{
	while (*counter < value)
		assert_true(sd_event_run(event, DEADLINE_USEC) > 0);
}

static struct resolver *resolver_of(sd_event *event, struct seen *seen, uint64_t refresh_usec)
{
	struct resolver_config config = {
		.lookup = lookup,
		.refresh_usec = refresh_usec,
		.changed = on_changed,
		.failed = on_failed,
		.userdata = seen,
	};
	struct resolver *resolver;

	assert_int_equal(resolver_new(event, &config, &resolver), 0);
	return resolver;
}

static void test_ask(void **state)
{
	sd_event *event = NULL;
	struct seen seen = { 0 };
	struct resolver *resolver;

	(void)state;
	assert_true(sd_event_new(&event) >= 0);
	resolver = resolver_of(event, &seen, 0);
	atomic_store(&answer, 7);
	assert_int_equal(resolver_ask(resolver, "a.example", on_done, &seen, NULL), 0);
	run_until(event, &seen.n_done, 1);
	assert_int_equal(seen.error, 0);
	assert_int_equal(names_find(resolver_names(resolver), "a.example")->addrs[0].bytes[3], 7);
	assert_int_equal(resolver_ask(resolver, "none", on_done, &seen, NULL), 0);
	run_until(event, &seen.n_done, 2);
	assert_int_equal(seen.error, -ENOENT);
	assert_string_equal(seen.why, "no such name");
	assert_int_equal(seen.n_changed, 0);
	resolver_free(resolver);
	sd_event_unref(event);
}

/* Addresses follow the name; a name server that is away changes nothing, and is told once. */
static void test_refresh(void **state)
{
	sd_event *event = NULL;
	struct seen seen = { 0 };
	struct resolver *resolver;
	unsigned int n;

	(void)state;
	assert_true(sd_event_new(&event) >= 0);
	resolver = resolver_of(event, &seen, 1000);
	atomic_store(&answer, 7);
	assert_int_equal(resolver_ask(resolver, "a.example", on_done, &seen, NULL), 0);
	run_until(event, &seen.n_done, 1);
	atomic_store(&answer, 8);
	run_until(event, &seen.n_changed, 1);
	assert_int_equal(names_find(resolver_names(resolver), "a.example")->addrs[0].bytes[3], 8);
	atomic_store(&answer, 0);
	run_until(event, &seen.n_failed, 1);
	n = atomic_load(&n_lookups);
	while (atomic_load(&n_lookups) < n + 3)
		assert_true(sd_event_run(event, DEADLINE_USEC) > 0);
	assert_int_equal(seen.n_failed, 1);
	assert_int_equal(seen.n_changed, 1);
	assert_int_equal(names_find(resolver_names(resolver), "a.example")->addrs[0].bytes[3], 8);
	resolver_free(resolver);
	sd_event_unref(event);
}

/* A lookup that hangs neither stops the loop nor the end of the agent. */
static void test_slow(void **state)
{
	sd_event *event = NULL;
	struct seen seen = { 0 };
	struct resolver *resolver;
	struct resolver_question *question;

	(void)state;
	assert_true(sd_event_new(&event) >= 0);
	resolver = resolver_of(event, &seen, 0);
	atomic_store(&answer, 1);
	pthread_mutex_lock(&gate);
	assert_int_equal(resolver_ask(resolver, "slow", on_done, &seen, NULL), 0);
	assert_int_equal(resolver_ask(resolver, "a.example", on_done, &seen, &question), 0);
	resolver_cancel(question);
	assert_int_equal(sd_event_run(event, 0), 0);
	resolver_free(resolver);
	pthread_mutex_unlock(&gate);
	assert_int_equal(seen.n_done, 0);
	sd_event_unref(event);
}

static void write_file(const char *root, const char *path, const char *text)
{
	char full[512], command[1024];
	FILE *file;

	snprintf(full, sizeof(full), "%s%s", root, path);
	snprintf(command, sizeof(command), "mkdir -p \"$(dirname %s)\"", full);
	assert_int_equal(system(command), 0);
	file = fopen(full, "w");
	assert_non_null(file);
	fputs(text, file);
	fclose(file);
}

static void assert_list(const struct server_list *list, size_t n, const char *first)
{
	char text[IP_ADDR_STRLEN];

	assert_int_equal(list->n, n);
	assert_string_equal(ip_addr_format(&list->addrs[0], text), first);
}

static void test_servers(void **state)
{
	char root[] = "/tmp/test_servers.XXXXXX", command[128];
	struct servers servers = { 0 };

	(void)state;
	assert_non_null(mkdtemp(root));
	servers_read(&servers, root);
	assert_int_equal(servers.dns.n, 0);
	write_file(root, "/etc/resolv.conf", "# nameserver 1.1.1.1\nnameserver 10.0.0.53\n"
		   "search example\nnameserver 10.0.0.53\nnameserver fe80::1%eth0\nnameserver x\n");
	write_file(root, "/run/systemd/netif/leases/2",
		   "ADDRESS=10.0.0.9\nSERVER_ADDRESS=10.0.0.1\n");
	write_file(root, "/var/lib/dhcp/dhclient.eth0.leases",
		   "lease {\n  option dhcp-server-identifier 10.0.0.2;\n"
		   "  option netbios-name-servers 10.0.0.4,10.0.0.3;\n}\n");
	write_file(root, "/run/NetworkManager/devices/3",
		   "[device]\nmanaged=true\n\n[dhcp4]\ndhcp4.dhcp_server_identifier=10.0.0.7\n"
		   "dhcp4.netbios_name_servers=10.0.0.6 10.0.0.5\ndhcp4.routers=10.0.0.8\n");
	servers_read(&servers, root);
	assert_list(servers_find(&servers, POLICY_ADDRESS_DNS), 2, "10.0.0.53");
	assert_list(servers_find(&servers, POLICY_ADDRESS_DHCP), 3, "10.0.0.1");
	assert_list(servers_find(&servers, POLICY_ADDRESS_WINS), 4, "10.0.0.3");
	assert_int_equal(servers_find(&servers, POLICY_ADDRESS_GATEWAY)->n, 0);
	/* a stub on this host gives way to what is behind it */
	write_file(root, "/etc/resolv.conf", "nameserver 127.0.0.53\n");
	write_file(root, "/run/systemd/resolve/resolv.conf", "nameserver 192.0.2.53\n");
	servers_read(&servers, root);
	assert_list(servers_find(&servers, POLICY_ADDRESS_DNS), 1, "192.0.2.53");
	snprintf(command, sizeof(command), "rm -r %s", root);
	assert_int_equal(system(command), 0);
}

/* The real socket: every machine has its loopback address, and nobody else's. */
static void test_addresses(void **state)
{
	sd_event *event = NULL;
	struct addresses *addresses;
	struct ip_addr loopback = test_addr("127.0.0.1"), foreign = test_addr("192.0.2.77");
	const struct ip_addr *list;
	size_t n;

	(void)state;
	assert_true(sd_event_new(&event) >= 0);
	assert_int_equal(addresses_new(event, NULL, NULL, &addresses), 0);
	assert_true(addresses_is_me(addresses, &loopback));
	assert_false(addresses_is_me(addresses, &foreign));
	list = addresses_list(addresses, &n);
	for (size_t i = 0; i < n; i++)
		assert_false(ip_addr_is_loopback(&list[i]));
	addresses_free(addresses);
	sd_event_unref(event);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		{ "F35 names are resolved beside the loop", test_ask, NULL, NULL, NULL },
		{ "F35 addresses follow names", test_refresh, NULL, NULL, NULL },
		cmocka_unit_test(test_slow),
		{ "F35 server keywords", test_servers, NULL, NULL, NULL },
		cmocka_unit_test(test_addresses),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
