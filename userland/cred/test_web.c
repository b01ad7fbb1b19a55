// SPDX-License-Identifier: MIT
#include "cred/test_web.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static int listen_on(uint16_t *ret_port)
{
	struct sockaddr_in addr = { .sin_family = AF_INET, .sin_addr = { htonl(INADDR_LOOPBACK) } };
	socklen_t len = sizeof(addr);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&addr, len), 0);
	assert_int_equal(listen(fd, 16), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&addr, &len), 0);
	*ret_port = ntohs(addr.sin_port);
	return fd;
}

static bool send_all(int fd, const void *data, size_t len)
{
	const char *at = data;

	while (len) {
		ssize_t n = send(fd, at, len, MSG_NOSIGNAL);

		if (n <= 0)
			return false;
		at += n;
		len -= (size_t)n;
	}
	return true;
}

static void send_text(int fd, const char *text)
{
	(void)send_all(fd, text, strlen(text));
}

/* Until nobody listens any more, @pause_ms apart. */
static void send_for_ever(int fd, size_t len, int pause_ms)
{
	static const char zeros[65536];

	while (send_all(fd, zeros, len))
		(void)poll(NULL, 0, pause_ms);
}

/* --- HTTP --------------------------------------------------------------------------------- */

static void send_crl(int fd, struct bytes crl)
{
	char header[128];

	(void)snprintf(header, sizeof(header), "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n\r\n",
		       crl.len);
	send_text(fd, header);
	(void)send_all(fd, crl.data, crl.len);
}

static void serve_http(int fd, int log, struct bytes crl)
{
	char request[2048] = "", path[64] = "";
	ssize_t n = recv(fd, request, sizeof(request) - 1, 0);

	if (n <= 0 || sscanf(request, "GET %63s", path) != 1)
		return;
	(void)!write(log, "\n", 1);
	if (!strcmp(path, "/late"))
		(void)poll(NULL, 0, 1000);
	if (!strcmp(path, "/good") || !strcmp(path, "/late"))
		send_crl(fd, crl);
	else if (!strcmp(path, "/empty"))
		send_text(fd, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
	else if (!strcmp(path, "/redirect"))
		send_text(fd, "HTTP/1.1 302 Found\r\nLocation: /good\r\nContent-Length: 0\r\n\r\n");
	else if (!strcmp(path, "/slow")) {
		send_text(fd, "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n");
		send_for_ever(fd, 1, 100);
	} else if (!strcmp(path, "/big")) {
		send_text(fd, "HTTP/1.1 200 OK\r\n\r\n");
		send_for_ever(fd, 65536, 0);
	} else if (!strcmp(path, "/long")) {
		send_text(fd, "HTTP/1.1 200 OK\r\nContent-Length: 100000000\r\n\r\n");
		send_for_ever(fd, 65536, 0);
	} else if (!strcmp(path, "/junk"))
		send_for_ever(fd, 4096, 1);
	else if (strcmp(path, "/closed"))
		send_text(fd, "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n");
}

/* --- LDAP --------------------------------------------------------------------------------- */

/* A BER element with a length of 4 bytes around what stands in @buf from @at to @end. */
static size_t wrap(uint8_t *buf, size_t at, size_t end, uint8_t tag)
{
	size_t len = end - at;

	memmove(buf + at + 6, buf + at, len);
	buf[at] = tag;
	buf[at + 1] = 0x84;
	for (int i = 0; i < 4; i++)
		buf[at + 2 + (size_t)i] = (uint8_t)(len >> (24 - 8 * i));
	return end + 6;
}

static size_t put(uint8_t *buf, size_t at, uint8_t tag, const void *data, size_t len)
{
	memcpy(buf + at, data, len);
	return wrap(buf, at, at + len, tag);
}

/* LDAPResult: code, matchedDN, diagnosticMessage. */
static void send_result(int fd, uint8_t id, uint8_t tag, uint8_t code)
{
	uint8_t buf[64] = { 2, 1, id };
	size_t inner = 3, end = inner;

	end = put(buf, end, 0x0a, &code, 1);
	end = put(buf, end, 4, "", 0);
	end = put(buf, end, 4, "", 0);
	end = wrap(buf, inner, end, tag);
	end = wrap(buf, 0, end, 0x30);
	(void)send_all(fd, buf, end);
}

/* SearchResultEntry: name, one attribute with the CRL as its value. */
static void send_entry(int fd, uint8_t id, struct bytes crl)
{
	static const char attribute[] = "certificateRevocationList;binary";
	uint8_t *buf = calloc(1, crl.len + 512);
	size_t entry, list, one, values, end;

	buf[0] = 2, buf[1] = 1, buf[2] = id;
	entry = 3;
	list = put(buf, entry, 4, "cn=x", 4);
	one = list;
	values = put(buf, one, 4, attribute, strlen(attribute));
	end = put(buf, values, 4, crl.data, crl.len);
	end = wrap(buf, values, end, 0x31);
	end = wrap(buf, one, end, 0x30);
	end = wrap(buf, list, end, 0x30);
	end = wrap(buf, entry, end, 0x64);
	end = wrap(buf, 0, end, 0x30);
	(void)send_all(fd, buf, end);
	free(buf);
}

/* Requests of our client are short, and come in one piece. */
static void serve_ldap(int fd, int log, struct bytes crl)
{
	uint8_t buf[2048];
	ssize_t n;

	(void)!write(log, "\n", 1);
	while ((n = recv(fd, buf, sizeof(buf), 0)) > 6) {
		uint8_t id = buf[4], op = buf[5];

		if (memmem(buf, (size_t)n, "cn=junk", 7))
			send_for_ever(fd, 4096, 1);
		if (memmem(buf, (size_t)n, "cn=big", 6)) {
			(void)send_all(fd, "\x30\x84\x7f\xff\xff\xff\x02\x01\x02\x64", 10);
			send_for_ever(fd, 65536, 0);
		}
		if (op == 0x60) {
			send_result(fd, id, 0x61, 0);
		} else if (op == 0x63 && memmem(buf, (size_t)n, "cn=none", 7)) {
			send_result(fd, id, 0x65, 32);
		} else if (op == 0x63) {
			send_entry(fd, id, crl);
			send_result(fd, id, 0x65, 0);
		}
	}
}

/* --- the process -------------------------------------------------------------------------- */

/* A process for each connection too. */
static void serve(const int *listening, int log, struct bytes crl)
{
	(void)signal(SIGCHLD, SIG_IGN);
	for (;;) {
		struct pollfd fds[] = { { .fd = listening[0], .events = POLLIN },
					{ .fd = listening[1], .events = POLLIN } };

		(void)poll(fds, 2, -1);
		for (int i = 0; i < 2; i++) {
			int fd = fds[i].revents ? accept(listening[i], NULL, NULL) : -1;

			if (fd >= 0 && fork() == 0) {
				(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
				i ? serve_ldap(fd, log, crl) : serve_http(fd, log, crl);
				_exit(0);
			}
			if (fd >= 0)
				(void)close(fd);
		}
	}
}

void test_web_start(struct test_web *web, struct bytes crl)
{
	int listening[2], fds[2];

	listening[0] = listen_on(&web->http_port);
	listening[1] = listen_on(&web->ldap_port);
	assert_int_equal(pipe2(fds, O_CLOEXEC | O_NONBLOCK), 0);
	web->pid = fork();
	assert_true(web->pid >= 0);
	if (web->pid == 0) {
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
		serve(listening, fds[1], crl);
	}
	(void)close(listening[0]);
	(void)close(listening[1]);
	(void)close(fds[1]);
	web->log = fds[0];
}

void test_web_stop(struct test_web *web)
{
	(void)kill(web->pid, SIGKILL);
	(void)waitpid(web->pid, NULL, 0);
	(void)close(web->log);
}

int test_web_count(struct test_web *web)
{
	static int count;
	static pid_t pid;
	char buf[64];
	ssize_t n;

	if (pid != web->pid)
		count = 0;
	pid = web->pid;
	while ((n = read(web->log, buf, sizeof(buf))) > 0)
		count += (int)n;
	return count;
}
