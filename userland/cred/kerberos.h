/* SPDX-License-Identifier: MIT */
#ifndef CRED_KERBEROS_H
#define CRED_KERBEROS_H

#include <stdint.h>

#include <systemd/sd-event.h>

struct confine_user;
struct ike_gss_end;
struct ike_gss_message;
struct ike_gss_step;
struct link_request;

/*
 * Kerberos, as ipsec-cred sees it: requests go to a process of its own and come back as answers.
 * This side looks at lengths only, never at a token or a peer's name.
 */
struct kerberos;

#define KERBEROS_TIMEOUT_USEC (8 * UINT64_C(1000000))

struct kerberos_config {
	const char *keytab; /* need not be there */
	const struct confine_user *user; /* NULL: stay who we are */
	uint64_t timeout_usec; /* of a step, KERBEROS_TIMEOUT_USEC unless this is a test */
	/* The machine's own name is another one now; may be NULL. */
	void (*changed)(void *userdata);
	void *userdata;
};

/* Forks: before there are secrets and threads. @config is copied, but not what it points to. */
int kerberos_new(sd_event *event, const struct kerberos_config *config,
		 struct kerberos **ret_kerberos);
/* Requests that wait are failed. NULL is allowed; returns NULL. */
struct kerberos *kerberos_free(struct kerberos *kerberos);

/*
 * @name: of this machine, "": the keytab's first one of the form "host$@REALM", else "host/name@REALM".
 * @realms: of peers, between commas; "": any.
 */
void kerberos_set_policy(struct kerberos *kerberos, const char *name, const char *realms);
/* Of this machine, for which the keytab has a key; "": there is none. */
const char *kerberos_own_name(const struct kerberos *kerberos);

/* Each answers @request, now or later. */
void kerberos_step(struct kerberos *kerberos, struct link_request *request,
		   const struct ike_gss_step *step);
void kerberos_wrap(struct kerberos *kerberos, struct link_request *request,
		   const struct ike_gss_message *message);
void kerberos_unwrap(struct kerberos *kerberos, struct link_request *request,
		     const struct ike_gss_message *message);
void kerberos_end(struct kerberos *kerberos, const struct ike_gss_end *end);
/* Those who have contexts have gone. */
void kerberos_end_all(struct kerberos *kerberos);

#endif
