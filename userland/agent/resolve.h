/* SPDX-License-Identifier: MIT */
#ifndef AGENT_RESOLVE_H
#define AGENT_RESOLVE_H

#include <stddef.h>
#include <stdint.h>

#include <systemd/sd-event.h>

#include "agent/names.h"

/*
 * DNS names to addresses without stopping the loop: one thread asks, with getaddrinfo(), one name
 * after the other; questions of administrators go before refreshes. Answers are kept in struct
 * names; whatever a rule uses is asked for again every minute, and a name that cannot be resolved
 * any more keeps its addresses (an unreachable name server must not change policy).
 */
struct resolver;
struct resolver_question;

#define RESOLVER_WHY_LEN	256
#define RESOLVER_REFRESH_USEC	(60 * UINT64_C(1000000))
#define RESOLVER_QUESTIONS_MAX	1024

/*
 * Runs in the thread. Writes up to NAMES_ADDRS_MAX addresses; 0, or a negative errno with the
 * reason in @why.
 */
typedef int (*resolver_lookup_fn)(const char *name, struct ip_addr *ret_addrs, size_t *ret_n,
				  char why[static RESOLVER_WHY_LEN]);

struct resolver_config {
	resolver_lookup_fn lookup;	/* NULL: getaddrinfo() */
	uint64_t refresh_usec;		/* 0: RESOLVER_REFRESH_USEC */
	/* A name in use has other addresses now. */
	void (*changed)(void *userdata);
	/* A name in use could not be resolved, once per row of failures. */
	void (*failed)(void *userdata, const char *name, const char *why);
	void *userdata;
};

int resolver_new(sd_event *event, const struct resolver_config *config,
		 struct resolver **ret_resolver);
/* Does not wait for a lookup that is under way. NULL is allowed; returns NULL. */
struct resolver *resolver_free(struct resolver *resolver);

/* The answers; to be seeded after a restart. */
struct names *resolver_names(struct resolver *resolver);

/*
 * Asks for @name; @done is called from the loop, once: 0 and the answer is in resolver_names(),
 * or a negative errno and a reason. -EBUSY when too many questions wait, -ENOMEM.
 */
int resolver_ask(struct resolver *resolver, const char *name,
		 void (*done)(void *userdata, int error, const char *why), void *userdata,
		 struct resolver_question **ret_question);
/* @done will not be called. NULL is allowed; returns NULL. */
struct resolver_question *resolver_cancel(struct resolver_question *question);

/* Asks again for all names that are known, soon; failures are told by failed(). */
void resolver_refresh(struct resolver *resolver);

#endif /* AGENT_RESOLVE_H */
