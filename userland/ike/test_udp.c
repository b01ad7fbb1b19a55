// SPDX-License-Identifier: MIT
/* Real datagrams over the loopback interface, on ports that need no rights. */
#include <errno.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "base/test_run.h"
#include "ike/engine.h"
#include "ike/udp.h"

struct fixture {
	sd_event *event;
	struct udp *udp;
	uint16_t port, natt_port;
	int n_received;
	struct ike_path path;		/* of the last one */
	uint8_t data[65536];
	size_t len;
};

static void on_datagram(void *userdata, const struct ike_path *path, const uint8_t *data, size_t len)
{
	struct fixture *f = userdata;

	f->n_received++;
	f->path = *path;
	memcpy(f->data, data, len);
	f->len = len;
}

static int set_up(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	int r = -EADDRINUSE;

	assert_non_null(f);
	assert_true(sd_event_new(&f->event) >= 0);
	for (int i = 0; i < 50 && r == -EADDRINUSE; i++) {
		f->port = (uint16_t)(20000 + (getpid() * 7 + i * 13) % 20000);
		f->natt_port = f->port + 1;
		r = udp_open(&(struct udp_config){ f->port, f->natt_port }, &f->udp);
	}
	assert_int_equal(r, 0);
	assert_int_equal(udp_start(f->udp, f->event, on_datagram, f), 0);
	*state = f;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;

	assert_null(udp_free(f->udp));
	sd_event_unref(f->event);
	free(f);
	return 0;
}

/* A peer: a socket of its own at @local, or an IPv6 one at ::1 for 0. */
static int peer(uint32_t local)
{
	struct sockaddr_in v4 = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(local) };
	struct sockaddr_in6 v6 = { .sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT };
	int fd = socket(local ? AF_INET : AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	assert_int_equal(bind(fd, local ? (struct sockaddr *)&v4 : (struct sockaddr *)&v6,
			      local ? sizeof(v4) : sizeof(v6)), 0);
	return fd;
}

static uint16_t port_of(int fd)
{
	struct sockaddr_storage addr;
	socklen_t len = sizeof(addr);
	uint16_t port = 0;
	struct ip_addr ip;

	assert_int_equal(getsockname(fd, (struct sockaddr *)&addr, &len), 0);
	assert_int_equal(ip_addr_from_sockaddr((struct sockaddr *)&addr, &ip, &port, NULL), 0);
	return port;
}

static void send_to(int fd, const char *to, uint16_t port, const void *data, size_t len)
{
	struct sockaddr_storage addr;
	struct ip_addr ip;
	size_t addr_len;

	assert_int_equal(ip_addr_parse(to, &ip), 0);
	addr_len = ip_addr_to_sockaddr(&ip, port, 0, &addr);
	assert_int_equal(sendto(fd, data, len, 0, (struct sockaddr *)&addr, (socklen_t)addr_len),
			 len);
}

/* What arrives at a peer: length, and from where. */
static size_t receive(int fd, uint8_t *data, size_t size, char from[static IP_ADDR_STRLEN],
		      uint16_t *ret_port)
{
	struct timeval limit = { .tv_sec = RUN_DEADLINE_MS / 1000 };
	struct sockaddr_storage addr;
	socklen_t len = sizeof(addr);
	struct ip_addr ip;
	ssize_t n;

	assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit)), 0);
	n = recvfrom(fd, data, size, 0, (struct sockaddr *)&addr, &len);
	assert_true(n >= 0);
	assert_int_equal(ip_addr_from_sockaddr((struct sockaddr *)&addr, &ip, ret_port, NULL), 0);
	(void)ip_addr_format(&ip, from);
	return (size_t)n;
}

static void expect_path(const struct fixture *f, const char *local, uint16_t local_port,
			const char *remote, uint16_t remote_port)
{
	char text[IP_ADDR_STRLEN];

	assert_string_equal(ip_addr_format(&f->path.local, text), local);
	assert_string_equal(ip_addr_format(&f->path.remote, text), remote);
	assert_int_equal(f->path.local_port, local_port);
	assert_int_equal(f->path.remote_port, remote_port);
}

/* --- tests -------------------------------------------------------------------------------- */

/* The answer comes from the address that was asked, of the many that the host has. */
static void test_answer_from_where_asked(void **state)
{
	struct fixture *f = *state;
	int fd = peer(0x7f000009);
	char from[IP_ADDR_STRLEN];
	uint8_t data[64];
	uint16_t port;

	for (int i = 1; i <= 3; i++) {
		char to[32];

		(void)snprintf(to, sizeof(to), "127.0.3.%d", i);
		send_to(fd, to, f->port, "question", 8);
		RUN_UNTIL(f, f->n_received == i);
		expect_path(f, to, 500, "127.0.0.9", port_of(fd));
		assert_int_equal(f->len, 8);
		assert_memory_equal(f->data, "question", 8);
		assert_int_equal(udp_send(f->udp, &f->path, (const uint8_t *)"answer", 6), 0);
		udp_flush(f->udp);
		assert_int_equal(receive(fd, data, sizeof(data), from, &port), 6);
		assert_memory_equal(data, "answer", 6);
		assert_string_equal(from, to);
		assert_int_equal(port, f->port);
	}
	(void)close(fd);
}

static void test_ipv6(void **state)
{
	struct fixture *f = *state;
	char from[IP_ADDR_STRLEN];
	int fd = peer(0);
	uint8_t data[64];
	uint16_t port;

	send_to(fd, "::1", f->port, "question", 8);
	RUN_UNTIL(f, f->n_received);
	expect_path(f, "::1", 500, "::1", port_of(fd));
	assert_int_equal(f->path.scope, 0);
	assert_int_equal(udp_send(f->udp, &f->path, (const uint8_t *)"answer", 6), 0);
	udp_flush(f->udp);
	assert_int_equal(receive(fd, data, sizeof(data), from, &port), 6);
	assert_string_equal(from, "::1");
	(void)close(fd);
}

/* RFC 3948, sections 2.2 and 2.3. */
static void test_natt_port(void **state)
{
	struct fixture *f = *state;
	int fd = peer(0x7f000009);
	char from[IP_ADDR_STRLEN];
	uint8_t data[64];
	uint16_t port;

	send_to(fd, "127.0.0.1", f->natt_port, "\xff", 1);			/* keepalive */
	send_to(fd, "127.0.0.1", f->natt_port, "\x12\x34\x56\x78 esp", 8);	/* an SPI */
	send_to(fd, "127.0.0.1", f->natt_port, "\0\0\0", 3);
	send_to(fd, "127.0.0.1", f->natt_port, "", 0);
	send_to(fd, "127.0.0.1", f->natt_port, "\0\0\0\0ike", 7);
	RUN_UNTIL(f, f->n_received);
	assert_int_equal(f->n_received, 1);
	assert_int_equal(f->len, 3);
	assert_memory_equal(f->data, "ike", 3);
	expect_path(f, "127.0.0.1", 4500, "127.0.0.9", port_of(fd));
	assert_int_equal(udp_stats(f->udp)->keepalives, 1);
	assert_int_equal(udp_stats(f->udp)->foreign, 3);
	assert_int_equal(udp_send(f->udp, &f->path, (const uint8_t *)"answer", 6), 0);
	udp_flush(f->udp);
	assert_int_equal(receive(fd, data, sizeof(data), from, &port), 10);
	assert_memory_equal(data, "\0\0\0\0answer", 10);
	assert_int_equal(port, f->natt_port);
	(void)close(fd);
}

/* Two sets on other ports still see each other as 500 and 4500. */
static void test_public_ports(void **state)
{
	struct fixture *f = *state;
	struct ike_path path = { .local = ip_addr_v4(0x7f000001), .remote = ip_addr_v4(0x7f000002),
				 .local_port = 500, .remote_port = 500 };

	assert_int_equal(udp_send(f->udp, &path, (const uint8_t *)"x", 1), 0);
	udp_flush(f->udp);
	RUN_UNTIL(f, f->n_received == 1);
	expect_path(f, "127.0.0.2", 500, "127.0.0.1", 500);
	path.local_port = path.remote_port = 4500;
	assert_int_equal(udp_send(f->udp, &path, (const uint8_t *)"y", 1), 0);
	udp_flush(f->udp);
	RUN_UNTIL(f, f->n_received == 2);
	expect_path(f, "127.0.0.2", 4500, "127.0.0.1", 4500);
	path.local_port = 500;
	path.remote_port = 0;	/* means 500 */
	assert_int_equal(udp_send(f->udp, &path, (const uint8_t *)"z", 1), 0);
	udp_flush(f->udp);
	RUN_UNTIL(f, f->n_received == 3);
	expect_path(f, "127.0.0.2", 500, "127.0.0.1", 500);
}

/* The largest datagrams pass; many at once pass in turns of 32. */
static void test_many_and_long(void **state)
{
	struct fixture *f = *state;
	int fd = peer(0x7f000009);
	uint8_t *longest = calloc(1, 65507);
	int before;

	assert_non_null(longest);
	longest[65506] = 7;
	send_to(fd, "127.0.0.1", f->port, longest, 65507);
	RUN_UNTIL(f, f->n_received == 1);
	assert_int_equal(f->len, 65507);
	assert_memory_equal(f->data, longest, 65507);
	for (int i = 0; i < 100; i++)
		send_to(fd, "127.0.0.1", f->port, "x", 1);
	while (f->n_received < 101) {
		before = f->n_received;
		assert_true(sd_event_run(f->event, 1000000) >= 0);
		assert_true(f->n_received > before);
		assert_true(f->n_received - before <= 32);
	}
	for (int i = 0; i < 100; i++)	/* more than a batch, answered at once */
		assert_int_equal(udp_send(f->udp, &f->path, longest, 100), 0);
	udp_flush(f->udp);
	assert_int_equal(udp_stats(f->udp)->sent, 100);
	assert_int_equal(udp_send(f->udp, &f->path, longest, 65537), -EMSGSIZE);
	free(longest);
	(void)close(fd);
}

/* One that cannot be sent does not keep others from being sent. */
static void test_failure_in_the_middle(void **state)
{
	struct fixture *f = *state;
	struct ike_path good = { .local = ip_addr_v4(0x7f000001), .remote = ip_addr_v4(0x7f000002) };
	struct ike_path bad = good;
	uint8_t *too_long = calloc(1, 65530);

	assert_non_null(too_long);
	bad.local = ip_addr_v4(0xc0000201);	/* not ours */
	assert_int_equal(udp_send(f->udp, &good, (const uint8_t *)"1", 1), 0);
	assert_int_equal(udp_send(f->udp, &bad, (const uint8_t *)"2", 1), 0);
	assert_int_equal(udp_send(f->udp, &good, too_long, 65530), 0);
	assert_int_equal(udp_send(f->udp, &good, (const uint8_t *)"3", 1), 0);
	udp_flush(f->udp);
	assert_int_equal(udp_stats(f->udp)->sent, 2);
	assert_int_equal(udp_stats(f->udp)->send_failures, 2);
	RUN_UNTIL(f, f->n_received == 2);
	assert_int_equal(f->data[0], '3');
	bad = good;
	assert_int_equal(ip_addr_parse("::1", &bad.remote), 0);
	assert_int_equal(udp_send(f->udp, &bad, (const uint8_t *)"4", 1), -EAFNOSUPPORT);
	free(too_long);
}

static void test_port_taken(void **state)
{
	struct fixture *f = *state;
	struct udp *udp = NULL;

	assert_int_equal(udp_open(&(struct udp_config){ f->port, f->natt_port }, &udp),
			 -EADDRINUSE);
	assert_null(udp);
}

/* --- socket activation -------------------------------------------------------------------- */

/* In a child: descriptor 3 is a socket bound to @port, as systemd would pass it. */
static int adopt(uint16_t port)
{
	struct sockaddr_in addr = { .sin_family = AF_INET, .sin_port = htons(port) };
	struct udp *udp = NULL;
	char pid[16];
	int fd;

	(void)close(3);
	fd = socket(AF_INET, SOCK_DGRAM, 0);
	if (fd != 3 || bind(fd, (struct sockaddr *)&addr, sizeof(addr)) < 0)
		return 100;
	(void)snprintf(pid, sizeof(pid), "%d", (int)getpid());
	(void)setenv("LISTEN_PID", pid, 1);
	(void)setenv("LISTEN_FDS", "1", 1);
	fd = udp_open(&(struct udp_config){ 19876, 19877 }, &udp);
	(void)udp_free(udp);
	return -fd;
}

static int in_child(uint16_t port)
{
	pid_t child = fork();
	int status;

	assert_true(child >= 0);
	if (child == 0)
		_exit(adopt(port));
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static void test_sockets_of_systemd(void **state)
{
	(void)state;
	assert_int_equal(in_child(19876), 0);
	assert_int_equal(in_child(19877), 0);
	assert_int_equal(in_child(19878), EINVAL);	/* not one of ours */
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_answer_from_where_asked, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_ipv6, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_natt_port, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_public_ports, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_many_and_long, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_failure_in_the_middle, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_port_taken, set_up, tear_down),
		cmocka_unit_test(test_sockets_of_systemd),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
