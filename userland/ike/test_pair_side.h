/* SPDX-License-Identifier: MIT */
#ifndef IKE_TEST_PAIR_SIDE_H
#define IKE_TEST_PAIR_SIDE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <systemd/sd-event.h>

#include "ike/engine.h"
#include "link/messages.h"

/*
 * For test_pair: one host, with the real ipsec-ike and ipsec-cred in a network namespace, and with this program
 * in the place of the agent and the driver. It answers what ipsec-ike asks from a policy and writes
 * everything down.
 */

#define SIDE_INSTALLS_MAX 512
#define SIDE_EVENTS_MAX 512
#define SIDE_RESULTS_MAX 64
#define SIDE_REFS_MAX 512
#define SIDE_LISTS_MAX 16

struct side_event {
	struct ike_event event;		/* without what its pointers pointed to */
	char text[LINK_TEXT_MAX_LEN + 1];
};

struct side {
	const char *name;
	sd_event *event;
	char netns[64];
	char run_dir[64];
	struct ip_addr local;
	struct ip_addr remote;

	/* policy */
	struct ike_mm_policy mm;
	struct ike_qm_policy qm;
	char psk[64];
	struct link_ike_config config;
	bool refuses_add_sa;
	bool has_no_policy;

	/* processes */
	pid_t ike;
	pid_t cred;
	struct link_server *server;
	struct link_client *cred_admin;
	struct link *link;		/* of ipsec-ike; NULL: not up */

	/* what happened */
	int n_hellos;
	uint64_t instance;
	int n_secrets_set;
	uint32_t next_spi;
	struct ike_sa_install installs[SIDE_INSTALLS_MAX];
	size_t n_installs;
	struct side_event events[SIDE_EVENTS_MAX];
	size_t n_events;
	struct link_acquire_result results[SIDE_RESULTS_MAX];
	size_t n_results;
	struct ike_sa_ref refs[SIDE_REFS_MAX];
	size_t n_refs;
	size_t n_keylogs;
	uint64_t acquire_id;

	/* the last answer to a call of ours */
	int n_answers;
	int error;
	struct ike_mm_info mms[SIDE_LISTS_MAX];
	size_t n_mms;
	struct ike_qm_info qms[SIDE_LISTS_MAX];
	size_t n_qms;
	struct ike_stats stats;
};

/* Fatal errors end the program with status 1 and a line on standard error. */
void die(const char *format, ...) __attribute__((noreturn, format(printf, 1, 2)));

/* Listens where the agent would, in a run directory below @dir; AES-128, SHA-1, MODP 2048. */
void side_open(struct side *side, sd_event *event, const char *name, const char *netns,
	       const char *dir, const char *local, const char *remote);
void side_close(struct side *side);

/* Programs are looked for beside this one. */
void side_start_cred(struct side *side);
void side_start_ike(struct side *side);
/* Sends @signal and waits for the end; returns the wait status. */
int side_kill(struct side *side, pid_t *pid, int signal);

/* Tells cred side->psk, for the peer. */
void side_set_secret(struct side *side);
/* Asks for a pair of associations with the peer; the id is side->acquire_id. */
void side_acquire(struct side *side);
/* Calls and waits for the answer, which is in side->error and the like. */
void side_call(struct side *side, const struct link_method *method, const void *args);
void side_list(struct side *side);

const struct side_event *side_find_event(const struct side *side, enum ike_event_kind kind);
/* The newest installed half in that direction; NULL if there is none. */
const struct ike_sa_install *side_find_install(const struct side *side,
					       enum ike_direction direction);

#endif
