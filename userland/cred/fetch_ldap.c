// SPDX-License-Identifier: MIT
#include "cred/fetch_job.h"

#include <errno.h>
#include <fcntl.h>
#include <lber.h>
#include <ldap.h>
#include <netdb.h>
#include <openldap.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/cleanup.h"

/* What else than the CRL an answer has. */
#define OVERHEAD (64 << 10)

/* --- the connection ----------------------------------------------------------------------- */

static int await_connect(int fd, unsigned int seconds)
{
	struct pollfd poll_fd = { .fd = fd, .events = POLLOUT };
	int error = 0;
	socklen_t len = sizeof(error);

	if (poll(&poll_fd, 1, (int)seconds * 1000) != 1)
		return -ETIMEDOUT;
	if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len) < 0 || error)
		return -ECONNREFUSED;
	return fcntl(fd, F_SETFL, 0) < 0 ? -errno : 0;
}

/* A socket, or -errno. */
static int connect_one(const struct addrinfo *info, const struct fetch_limits *limits)
{
	_cleanup_close_ int fd = -1;
	struct ip_addr addr;
	int r = 0;

	if (ip_addr_from_sockaddr(info->ai_addr, &addr, NULL, NULL) < 0 ||
	    !guard_permits(limits->guard, &addr))
		return -EACCES;
	fd = socket(info->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	if (connect(fd, info->ai_addr, info->ai_addrlen) < 0 && errno != EINPROGRESS)
		return -ECONNREFUSED;
	r = await_connect(fd, limits->connect_seconds);
	return r < 0 ? r : TAKE_FD(fd);
}

static int connect_to(const LDAPURLDesc *url, const struct fetch_limits *limits)
{
	const struct addrinfo hints = { .ai_socktype = SOCK_STREAM };
	struct addrinfo *list = NULL;
	int r = -EHOSTUNREACH;
	char port[8];

	(void)snprintf(port, sizeof(port), "%d", url->lud_port ? url->lud_port : LDAP_PORT);
	if (getaddrinfo(url->lud_host, port, &hints, &list) != 0)
		return r;
	for (const struct addrinfo *info = list; info && r < 0; info = info->ai_next)
		r = connect_one(info, limits);
	freeaddrinfo(list);
	return r;
}

/* --- the session -------------------------------------------------------------------------- */

static bool configure(LDAP *ld, const struct fetch_limits *limits)
{
	struct timeval time = { .tv_sec = limits->seconds };
	ber_len_t len_max = limits->len_max + OVERHEAD;
	int version = LDAP_VERSION3;
	Sockbuf *sockbuf = NULL;

	return ldap_set_option(ld, LDAP_OPT_PROTOCOL_VERSION, &version) == LDAP_OPT_SUCCESS &&
	       ldap_set_option(ld, LDAP_OPT_REFERRALS, LDAP_OPT_OFF) == LDAP_OPT_SUCCESS &&
	       ldap_set_option(ld, LDAP_OPT_TIMEOUT, &time) == LDAP_OPT_SUCCESS &&
	       ldap_set_option(ld, LDAP_OPT_NETWORK_TIMEOUT, &time) == LDAP_OPT_SUCCESS &&
	       ldap_get_option(ld, LDAP_OPT_SOCKBUF, &sockbuf) == LDAP_OPT_SUCCESS && sockbuf &&
	       ber_sockbuf_ctrl(sockbuf, LBER_SB_OPT_SET_MAX_INCOMING, &len_max) == 1;
}

static int error_of(int result)
{
	switch (result) {
	case LDAP_SUCCESS:
		return 0;
	case LDAP_TIMEOUT:
		return -ETIMEDOUT;
	case LDAP_REFERRAL:
		return -ELOOP;
	case LDAP_NO_SUCH_OBJECT:
		return -ENOENT;
	case LDAP_NO_MEMORY:
		return -ENOMEM;
	default:
		return -EPROTO;
	}
}

/* The first value of the first attribute, which is the one that was asked for. */
static int take_value(LDAP *ld, LDAPMessage *answer, const struct fetch_limits *limits, int fd)
{
	LDAPMessage *entry = ldap_first_entry(ld, answer);
	struct berval **values = NULL;
	BerElement *position = NULL;
	char *attribute = entry ? ldap_first_attribute(ld, entry, &position) : NULL;
	int r = -ENOENT;

	if (attribute)
		values = ldap_get_values_len(ld, entry, attribute);
	if (values && values[0])
		r = values[0]->bv_len > limits->len_max ? -EFBIG :
		    fetch_write(fd, values[0]->bv_val, values[0]->bv_len);
	ldap_value_free_len(values);
	ldap_memfree(attribute);
	ber_free(position, 0);
	return r;
}

static int search(LDAP *ld, const LDAPURLDesc *url, const struct fetch_limits *limits, int fd)
{
	static char *standard[] = { (char *)"certificateRevocationList;binary", NULL };
	struct berval nobody = { 0 };
	struct timeval time = { .tv_sec = limits->seconds };
	LDAPMessage *answer = NULL;
	int r = ldap_sasl_bind_s(ld, NULL, LDAP_SASL_SIMPLE, &nobody, NULL, NULL, NULL);

	if (r == LDAP_SUCCESS)
		r = ldap_search_ext_s(ld, url->lud_dn, url->lud_scope == LDAP_SCOPE_DEFAULT ?
				      LDAP_SCOPE_BASE : url->lud_scope, url->lud_filter,
				      url->lud_attrs ? url->lud_attrs : standard, 0, NULL, NULL,
				      &time, 1, &answer);
	r = error_of(r);
	if (r == 0)
		r = take_value(ld, answer, limits, fd);
	ldap_msgfree(answer);
	return r;
}

static int talk(const LDAPURLDesc *url, const struct fetch_limits *limits, int fd)
{
	int socket = connect_to(url, limits);
	LDAP *ld = NULL;
	int r = -ENOMEM;

	if (socket < 0)
		return socket;
	/* it is the library's from here on */
	if (ldap_init_fd(socket, LDAP_PROTO_TCP, NULL, &ld) != LDAP_SUCCESS) {
		(void)close(socket);
		return -ENOMEM;
	}
	if (configure(ld, limits))
		r = search(ld, url, limits, fd);
	(void)ldap_unbind_ext_s(ld, NULL, NULL);
	return r;
}

/*
 * A URL without a host means "your directory server" to a domain member. Which one that is is not
 * for a certificate to say.
 */
int fetch_ldap(const char *url, const struct fetch_limits *limits, int fd)
{
	LDAPURLDesc *parsed = NULL;
	int r = -EINVAL;

	/* no configuration of the machine or of a user */
	if (setenv("LDAPNOINIT", "1", 1) < 0)
		return -ENOMEM;
	if (ldap_url_parse(url, &parsed) == LDAP_URL_SUCCESS && parsed->lud_host &&
	    *parsed->lud_host && !parsed->lud_crit_exts && !strcmp(parsed->lud_scheme, "ldap"))
		r = talk(parsed, limits, fd);
	ldap_free_urldesc(parsed);
	return r;
}
