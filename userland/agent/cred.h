/* SPDX-License-Identifier: MIT */
#ifndef AGENT_CRED_H
#define AGENT_CRED_H

#include <stdbool.h>

#include <systemd/sd-event.h>

#include "base/cleanup.h"

struct layers;

/*
 * The link to ipsec-cred: RUNDIR/cred-admin, where ipsec-cred listens. The preshared keys of the
 * policy go there and nowhere else, whole and anew with each change.
 */
struct cred;

#define CRED_USER "ipsec-cred"

/* @synced(true): ipsec-cred has the keys of the last cred_set(); (false): not, or not any more. */
int cred_new(sd_event *event, const char *run_dir, void (*synced)(void *userdata, bool is_synced),
	     void *userdata, struct cred **ret_cred);
struct cred *cred_free(struct cred *cred);
DEFINE_CLEANUP(struct cred *, cred_free);

/* Whether the keys of @layers fit into one message. */
bool cred_can_take(const struct layers *layers);
/* @layers is borrowed until the next call. */
void cred_set(struct cred *cred, const struct layers *layers);
bool cred_is_up(const struct cred *cred);

#endif /* AGENT_CRED_H */
