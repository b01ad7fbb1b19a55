/* SPDX-License-Identifier: MIT */
#ifndef CRED_TEST_WEB_H
#define CRED_TEST_WEB_H

#include <stdint.h>
#include <sys/types.h>

#include "base/bytes.h"

/*
 * For tests: servers of CRLs on 127.0.0.1, good ones and bad ones, in a process of their own.
 *
 *   http  /good /late (a second later) /404 /empty /redirect /slow (a byte now and then, for ever)
 *         /big (for ever) /long (says that it is 100 MB) /junk (no HTTP) /closed
 *   ldap  any base: the CRL; "cn=none": no such object; "cn=junk": no LDAP; "cn=big": for ever
 */
struct test_web {
	pid_t pid;
	uint16_t http_port, ldap_port;
	int log;		/* each request's first line, or "ldap" */
};

void test_web_start(struct test_web *web, struct bytes crl);
void test_web_stop(struct test_web *web);
/* How many requests there were so far. */
int test_web_count(struct test_web *web);

#endif
