/* SPDX-License-Identifier: MIT */
#ifndef CRED_TEST_REALM_H
#define CRED_TEST_REALM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <systemd/sd-event.h>

#include "ike/credential.h"

/*
 * Realms with KDCs of MIT krb5 on the loopback interface, and hosts: an ipsec-cred with both its
 * sockets, the agent's and ipsec-ike's part played by the test. Everything is in a directory of the
 * test's own.
 *
 *     A.TEST      host-a$, host-b$, host/host-c.a.test, the user alice
 *     B.TEST      host-d$, trusts A.TEST and is trusted by it
 *     SILENT.TEST host-s$, a KDC that never answers
 *     DEAD.TEST   host-e$, nobody listens
 *
 * Keys are in NAME.keytab, NAME without "$" and realm.
 */
struct realms;

struct realms *realms_new(void);
/* NULL is allowed; returns NULL. */
struct realms *realms_free(struct realms *realms);
/* DIR/NAME, valid until the next call. */
const char *realms_path(const struct realms *realms, const char *name);
/* Runs "selftests/kdc.sh FUNCTION DIR ARGUMENTS..."; the last one is NULL. */
void realms_run(const struct realms *realms, const char *function, ...);
/* How often somebody asked the KDC that never answers. */
unsigned int realms_silent_requests(const struct realms *realms);

struct host {
	sd_event *event;
	struct cred *cred;
	struct link_client *admin;
	struct link_client *ike;
	char dir[64];
	bool has_state;
	unsigned int n_changed;
	char name[IKE_GSS_NAME_MAX_LEN + 1]; /* as the agent was told last */
	uint8_t usable; /* of the one rule that there is */
};

/* @keytab: a name as for realms_path(). Waits until its keys are known, unless there are none. */
void host_start(struct host *host, const struct realms *realms, const char *keytab,
		const char *realms_list, uint64_t timeout_usec);
void host_stop(struct host *host);
/* ipsec-ike goes, and another one connects. */
void host_reconnect(struct host *host);

struct answer {
	bool is_there;
	int error;
	enum ike_reason reason;
	bool is_complete;
	char peer[IKE_NAME_MAX_LEN + 1];
	char detail[1024];
	uint8_t data[IKE_TOKEN_MAX_LEN];
	size_t len;
};

/* A step for the address @remote; @peer is ASCII or NULL. The answer comes later. */
void host_ask_step(struct host *host, uint64_t context, uint32_t remote, bool is_initiator,
		   const char *peer, struct bytes token, struct answer *answer);
void host_wait(struct host *host, const struct answer *answer);
/* Both, for the address 192.0.2.1. */
void host_step(struct host *host, uint64_t context, bool is_initiator, const char *peer,
	       struct bytes token, struct answer *answer);
void host_wrap(struct host *host, uint64_t context, struct bytes hash, struct answer *answer);
void host_unwrap(struct host *host, uint64_t context, struct bytes wrapped, struct answer *answer);
void host_end(struct host *host, uint64_t context);

/* Runs the loop until @condition is true. */
#define RUN_UNTIL(host, condition)                                              \
	do {                                                                    \
		uint64_t end_ = test_now_ms() + 20000;                          \
		while (!(condition)) {                                          \
			if (test_now_ms() > end_)                               \
				fail_msg("never: %s", #condition);              \
			assert_true(sd_event_run((host)->event, 1000000) >= 0); \
		}                                                               \
	} while (0)

uint64_t test_now_ms(void);

#endif
