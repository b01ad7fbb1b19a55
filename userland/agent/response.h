/* SPDX-License-Identifier: MIT */
#ifndef AGENT_RESPONSE_H
#define AGENT_RESPONSE_H

#include "agent/layers.h"
#include "ike/engine.h"

/*
 * Filters of the default response rule. That rule is for no traffic by itself and never starts
 * anything. When a peer asks for associations between this host and itself, and no filter of
 * another rule covers that traffic, a filter is made for exactly what the peer asked for, so that
 * the answers are protected, too:
 *
 *   dynamic add rule me any m q defaultresponse=yes psk=...
 *   10.0.0.2 asks for 10.0.0.1 <-> 10.0.0.2, TCP, our port 80
 *   filter 10.0.0.1 <-> 10.0.0.2 TCP 80 0, negotiated in both directions
 *
 * It goes to the driver right before its first association and is removed with its last one. A
 * change of policy keeps it, unless the default response rule is another one then, or a new filter
 * covers its traffic.
 */

#define RESPONSES_MAX 1024

/* The filter for a selector of two hosts. */
struct kernel_filter response_filter(uint32_t id, const struct ike_selector *selector);

/* NULL: there is none. */
const struct layer_filter *response_find(const struct layers *layers, uint32_t id);
const struct layer_filter *response_find_traffic(const struct layers *layers,
						 const struct ike_selector *selector);

/*
 * Into the driver and @layers, by the default response rule. 0; -ENOENT: there is no such rule;
 * -EAGAIN: too many; or as the driver says, with its sentence in kernel->why.
 */
int response_add(struct layers *layers, struct kernel *kernel, uint32_t id,
		 const struct ike_selector *selector);
/* Out of both. */
void response_remove(struct layers *layers, struct kernel *kernel, uint32_t id);

/*
 * Those of @before that @after, which is nearly done, goes on with; of layers that were adopted
 * from the driver: the filters that look like one. 0 or -ENOMEM.
 */
int response_keep(struct layers *after, const struct layers *before,
		  const struct expand_names *names);
void response_clear(struct layers *layers);

#endif /* AGENT_RESPONSE_H */
