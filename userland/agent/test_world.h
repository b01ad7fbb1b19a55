/* SPDX-License-Identifier: MIT */
#ifndef AGENT_TEST_WORLD_H
#define AGENT_TEST_WORLD_H

/*
 * The whole agent in one loop with the programs around it: the driver is in memory, ipsec-ike and
 * ipsec-cred are played by the test over their real sockets, the administrator calls over the
 * control socket. This host is 10.0.0.1 and 10.1.0.1 and 2001:db8::1.
 */

#include "agent/test_util.h"

#include <pthread.h>

#include "agent/agent.h"
#include "nl/kernel_fake.h"
#include "policy/bus.h"

#define WORLD_DEADLINE_USEC (20 * UINT64_C(1000000))

#define PEER_RULE "srcaddr=me dstaddr=10.0.0.2 mmpolicy=m qmpolicy=q psk=open~sesame"

struct world {
	sd_event *event;
	char dir[64];
	const char *boot_socket;	/* that the next agent is given; NULL: none */
	struct kernel *kernel;		/* the agent's; for looking */
	struct agent *agent;
	sd_bus *bus;			/* the administrator's */
	/* the last answer */
	sd_bus_message *reply;
	/* ipsec-ike */
	struct link_client *ike;
	bool ike_has_config;
	struct link_ike_config ike_config;
	unsigned int n_acquires, n_adopts, n_flushes;
	struct ike_acquire acquire;
	size_t n_certified;		/* main modes with certificates, instead of the one without */
	struct ike_qm_info known_qm;
	bool has_known_qm;
	uint32_t spi;
	int add_result;
	bool has_added;
	/* ipsec-cred */
	struct link_server *cred;
	unsigned int n_secrets;		/* times that they came */
	size_t n_cred_rules;		/* in the last list */
	size_t n_cred_shared;		/* of these, without methods of their own */
	char secrets[256];		/* "10.0.0.2/32=key " */
	bool cred_is_slow;
	struct link *cred_link;
	uint8_t crl_check;
	char gss[128];			/* "NAME of REALMS" */
	struct link_request *cred_request;
};

#define RUN_UNTIL(w, condition)                                                   \
	do {                                                                      \
		while (!(condition))                                              \
			if (sd_event_run((w)->event, WORLD_DEADLINE_USEC) <= 0)   \
				fail_msg("still not: %s", #condition);            \
	} while (0)

/*
 * "host.example" is 10.0.0.7, and so are "slow-host.example" and all of "many.example", but none that begins
 * with "slow" while the test holds this; nor is it known until then that there is no "slow.example".
 */
extern pthread_mutex_t world_gate;

/* RUNDIR/NAME; static until the next call. */
char *world_path_in(const struct world *w, const char *name);

/* The neighbours. start returns when the agent has seen them. */
void world_start_ike(struct world *w);
void world_stop_ike(struct world *w);
/*
 * IKE has negotiated what it was last asked for: gets an SPI, asks for the associations. The
 * answer.
 */
int world_negotiate_pair(struct world *w, uint64_t life_bytes);
void world_start_cred(struct world *w);
/* ipsec-cred was slow and takes the list now. */
void world_answer_cred(struct world *w);

/*
 * Calls of the administrator. The answer is w->reply; the functions return its error, "" for
 * none.
 */
sd_bus_message *world_call_new(struct world *w, const char *method);
void world_send_call(struct world *w, sd_bus_message *m);
void world_make_call(struct world *w, sd_bus_message *m);
/* The name after "org.ipsec_policy.Error."; "" for success. */
const char *world_error_name(const struct world *w);
const char *world_error_text(const struct world *w);
const char *world_change_mm(struct world *w, const char *method, const char *tags);
const char *world_change_qm(struct world *w, const char *method, const char *tags);
sd_bus_message *world_rule_call(struct world *w, const char *method, const char *tags);
const char *world_change_rule(struct world *w, const char *method, const char *tags);
const char *world_call_string(struct world *w, const char *method, const char *text);
const char *world_call_plain(struct world *w, const char *method);
void world_connect_admin(struct world *w);

/* An agent on @kernel, which it takes over. */
int world_start_agent(struct world *w, struct kernel *kernel, char why[static AGENT_WHY_LEN]);
/* Of cmocka: *state is a struct world with an agent and an administrator. */
int world_set_up(void **state);
int world_tear_down(void **state);

/* In the driver. */
size_t world_count_filters(const struct world *w);
/* Policies m and q, and PEER_RULE. */
void world_add_peer_rule(struct world *w);
/* The agent is killed: the driver is left alone. It is returned, for the next agent. */
struct kernel *world_crash(struct world *w);
/* To the peer of PEER_RULE. */
struct kernel_flow world_ping(void);

#define WORLD_TEST(name, function) { name, function, world_set_up, world_tear_down, NULL }

#endif /* AGENT_TEST_WORLD_H */
