/* SPDX-License-Identifier: MIT */
#ifndef AGENT_CRED_H
#define AGENT_CRED_H

#include <stdbool.h>
#include <stdint.h>

#include <systemd/sd-event.h>

#include "agent/process.h"
#include "base/cleanup.h"

struct layers;

struct link_credential_state;

/*
 * The link to ipsec-cred: RUNDIR/cred-admin, where ipsec-cred listens. The authentication methods of
 * the policy go there, whole and anew with each change; preshared keys go nowhere else. ipsec-cred
 * tells for which of them it has a credential, and again when its files change.
 */
struct cred;

#define CRED_USER "ipsec-cred"

/*
 * @gss_name, @gss_realms: of link_credentials, borrowed.
 * @told: what ipsec-cred has for the layers of the last cred_set(), a rule for each of their pairs
 * of sides and then the default one, if there is one; NULL: it does not know them, or not any more.
 */
int cred_new(sd_event *event, const char *run_dir, const char *gss_name, const char *gss_realms,
	     void (*told)(void *userdata, const struct link_credential_state *state),
	     void *userdata, struct cred **ret_cred);
struct cred *cred_free(struct cred *cred);
DEFINE_CLEANUP(struct cred *, cred_free);

/* Whether the keys of @layers, each counted once, are at most LINK_SECRETS_MAX bytes: 0, -ENOSPC, or -ENOMEM. */
int cred_can_take(const struct layers *layers);
/* @layers is borrowed until the next call; @crl_check: strongcrlcheck, 0 to 2. */
void cred_set(struct cred *cred, const struct layers *layers, uint8_t crl_check);
bool cred_is_up(const struct cred *cred);
const struct process *cred_process(const struct cred *cred);

#endif /* AGENT_CRED_H */
