/* SPDX-License-Identifier: MIT */
#ifndef AGENT_TEST_SCENE_H
#define AGENT_TEST_SCENE_H

/*
 * Negotiations with a driver in memory and an IKE that the test plays: 10.0.0.1 is this host,
 * 10.0.0.2 the peer of a rule that negotiates (but TCP port 23 is blocked), 10.0.0.3 is permitted.
 */

#include "agent/test_util.h"

#include "agent/negotiate.h"
#include "nl/kernel_fake.h"

#define PEER_RULE "srcaddr=me dstaddr=10.0.0.2 mmpolicy=m qmpolicy=q psk=k"

struct ike_log {
	unsigned int n_acquires, n_cancels, n_expires, n_mm_deletes, n_filter_deletes, n_adopts;
	unsigned int n_lists;
	int acquire_error;
	struct ike_acquire acquire;
	uint64_t cancelled;
	struct link_expire expire;
	uint64_t mm_id;
	uint32_t filter_id;
	struct ike_sa_install adopted;
};

struct scene {
	struct kernel *kernel;
	struct addresses *addresses;
	struct ruleset *dynamic;
	struct layers *layers;
	struct negotiate *negotiate;
	struct ike_log log;
	struct fault fault;
};

/* What time it is, in microseconds. */
extern uint64_t scene_clock;

/* The dynamic layer as it is now, to the driver and to the negotiations. */
void scene_apply(struct scene *w);
/* Only to the dynamic layer. */
void scene_add_rule(struct scene *w, const char *tags);
/* A new agent, as far as negotiations go. */
struct negotiate *scene_negotiate_of(struct scene *w);

/* Of cmocka: *state is a struct scene. */
int scene_set_up(void **state);
int scene_tear_down(void **state);

/* What the driver has to tell. */
void scene_dispatch(struct scene *w);
struct kernel_flow scene_ping_to(const char *remote);
/* A ping to the peer, up to the acquire that IKE gets. Its id in the driver. */
uint32_t scene_send_ping(struct scene *w);
/* What IKE says of the negotiation that it got last. */
void scene_end_acquire(struct scene *w, enum ike_reason reason, bool peer_answered);
/* The driver's only negotiation. */
const struct kernel_acquire *scene_the_acquire(const struct scene *w);
struct ike_path scene_path_to(const char *remote);

/* What IKE asks for, and must get. */
uint32_t scene_get_spi(struct scene *w, uint64_t acquire_id);
struct ike_selector scene_selector_to(const char *remote);
/* What IKE asks for after it has negotiated the first method of the policy. */
struct ike_sa_install scene_install_for(struct scene *w, uint32_t spi_in);

/* The id of the (first) filter that negotiates. */
uint32_t scene_peer_filter(const struct scene *w);
size_t scene_count_sas(const struct scene *w);
int scene_ask_qm(struct scene *w, const struct ike_selector *selector, enum ike_auth auth,
		 struct ike_qm_policy *ret_policy);

#define SCENE_TEST(name, function) { name, function, scene_set_up, scene_tear_down, NULL }

#endif /* AGENT_TEST_SCENE_H */
