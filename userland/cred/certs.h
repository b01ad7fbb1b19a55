/* SPDX-License-Identifier: MIT */
#ifndef CRED_CERTS_H
#define CRED_CERTS_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <systemd/sd-event.h>

#include "base/cleanup.h"
#include "cred/guard.h"
#include "ike/credential.h"

struct confine_user;
struct link_credentials;

/*
 * Everything about certificates: the rules and the store together answer the four questions of
 * ike/credential.h. Three are answered at once; the proof of a peer may have to wait for CRLs.
 */
struct certs;

/* A proof waits for CRLs this long, which is less than who asks waits for the answer. */
#define CERTS_WAIT_MS 8000
#define CERTS_WAITING_MAX 256

struct certs_config {
	const char *dir;			/* the store's; NULL: there is none, for tests */
	const struct confine_user *opener_user;	/* of the helpers; NULL: stay who we are */
	const struct confine_user *fetch_user;
	uid_t uid;				/* who owns private keys, beside root */
	gid_t gid;
	struct guard guard;			/* where CRLs may be fetched from */
	/* What certs_usable() says may have changed. */
	void (*changed)(void *userdata);
	void *userdata;
};

/* Forks: see helper_new(). 0 or -errno. */
int certs_new(sd_event *event, const struct certs_config *config, struct certs **ret_certs);
/* Proofs that wait are answered with a refusal. */
struct certs *certs_free(struct certs *certs);
DEFINE_CLEANUP(struct certs *, certs_free);

/* All or nothing: on -ENOMEM the old rules stay. */
int certs_set_rules(struct certs *certs, const struct link_credentials *list);
/* For the first @n rules of the list: bits (1 << enum ike_auth), for which there is a certificate. */
void certs_usable(const struct certs *certs, uint8_t *ret_usable, size_t n);
/* Whether the store has been read once. */
bool certs_is_loaded(const struct certs *certs);
void certs_read_again(struct certs *certs);

/*
 * Answers borrow from each other and from the store: use them before anything else is called, then
 * clear them. Refusals are in the answers.
 */
void certs_authorities(const struct certs *certs, const struct ike_authorities_request *request,
		       struct ike_authorities *ret_authorities);
void certs_authorities_clear(struct ike_authorities *authorities);
void certs_choose(const struct certs *certs, const struct ike_certificate_request *request,
		  struct ike_certificate *ret_certificate);
void certs_certificate_clear(struct ike_certificate *certificate);
void certs_sign(const struct certs *certs, const struct ike_signature_request *request,
		struct ike_signature *ret_signature);

/* Called once, perhaps from within certs_prove(). */
typedef void (*certs_proof_fn)(void *userdata, const struct ike_proof *proof);
void certs_prove(struct certs *certs, const struct ike_proof_request *request,
		 certs_proof_fn callback, void *userdata);

#endif
