/* SPDX-License-Identifier: MIT */
/*
 * What one command line of ipseccmd says. Pure: flags.h reads it from words, print.h makes words of
 * it, plan.h makes policy of it.
 *
 *   ipseccmd \\server -f 0+* -n ah[md5] -a P:"a key"
 *
 * is machine "server", one filter, one offer, one method, in dynamic mode. What no flag said has no
 * bit in @given, and its default is filled in where policy is made: to change a stored rule means
 * to change what was said.
 */
#ifndef IPSECCMD_RUN_H
#define IPSECCMD_RUN_H

#include "ipseccmd/filterspec.h"
#include "ipseccmd/offer.h"
#include "ipseccmd/phase1.h"
#include "policy/model.h"

#define RUN_WHY_LEN		640	/* buffer for the sentence of a refusal; as FAULT_TEXT_LEN */
#define RUN_FILTERS_MAX		4096	/* of one run */
#define RUN_WARNINGS_MAX	8

/* The modes exclude each other. */
enum run_mode {
	RUN_DYNAMIC,
	RUN_STATIC,			/* -w */
	RUN_QUERY,			/* show */
	RUN_BATCH,			/* -file */
	RUN_WIPE,			/* -u */
	RUN_HELP,
};

/* The flags that were given. */
enum run_given {
	RUN_GIVEN_FILTERS	= 1 << 0,	/* -f */
	RUN_GIVEN_OFFERS	= 1 << 1,	/* -n */
	RUN_GIVEN_TUNNEL	= 1 << 2,	/* -t */
	RUN_GIVEN_METHODS	= 1 << 3,	/* -a */
	RUN_GIVEN_SOFT		= 1 << 4,	/* -soft */
	RUN_GIVEN_LAN		= 1 << 5,	/* -lan */
	RUN_GIVEN_DIALUP	= 1 << 6,	/* -dialup */
	RUN_GIVEN_CONFIRM	= 1 << 7,	/* -confirm, -c */
	RUN_GIVEN_MM_OFFERS	= 1 << 8,	/* -1s */
	RUN_GIVEN_MM_PFS	= 1 << 9,	/* -1p */
	RUN_GIVEN_MM_LIFE	= 1 << 10,	/* -1k */
	RUN_GIVEN_SOFT_LIFE	= 1 << 11,	/* -1e */
	RUN_GIVEN_MM_FILTERS	= 1 << 12,	/* -1f */
	RUN_GIVEN_STORE		= 1 << 13,	/* -w */
	RUN_GIVEN_POLICY	= 1 << 14,	/* -p */
	RUN_GIVEN_RULE		= 1 << 15,	/* -r */
	RUN_GIVEN_ASSIGN	= 1 << 16,	/* -x */
	RUN_GIVEN_UNASSIGN	= 1 << 17,	/* -y */
	RUN_GIVEN_DELETE	= 1 << 18,	/* -o */
	RUN_GIVEN_WIPE		= 1 << 19,	/* -u */
	RUN_GIVEN_FILE		= 1 << 20,	/* -file */
	RUN_GIVEN_SHOW		= 1 << 21,	/* show */
	RUN_GIVEN_HELP		= 1 << 22,	/* -?, -h */
	RUN_GIVEN_MACHINE	= 1 << 23,	/* \\name */
};

/* They make a main mode policy. */
#define RUN_GIVEN_IKE	(RUN_GIVEN_MM_OFFERS | RUN_GIVEN_MM_PFS | RUN_GIVEN_MM_LIFE | \
			 RUN_GIVEN_SOFT_LIFE)
/* They make or change a rule. */
#define RUN_GIVEN_RULE_PARTS	(RUN_GIVEN_FILTERS | RUN_GIVEN_OFFERS | RUN_GIVEN_TUNNEL |	\
				 RUN_GIVEN_METHODS | RUN_GIVEN_SOFT | RUN_GIVEN_LAN |		\
				 RUN_GIVEN_DIALUP | RUN_GIVEN_MM_FILTERS)

enum run_store {
	RUN_STORE_REGISTRY,
	RUN_STORE_DIRECTORY,
};

/* What show prints, in this order. */
enum run_query {
	RUN_QUERY_FILTERS	= 1 << 0,
	RUN_QUERY_POLICIES	= 1 << 1,
	RUN_QUERY_AUTH		= 1 << 2,
	RUN_QUERY_STATS		= 1 << 3,
	RUN_QUERY_SAS		= 1 << 4,
	RUN_QUERY_ALL		= 0x1f,
};

/* Words of -n instead of offers; in static mode only. */
enum run_action {
	RUN_ACTION_NEGOTIATE,
	RUN_ACTION_BLOCK,
	RUN_ACTION_PASS,
};

struct run_filters {
	struct filterspec *list;	/* owned */
	size_t n;
};

struct run {
	uint32_t given;			/* enum run_given */
	char *machine;			/* NULL is this one */

	struct run_filters filters;	/* -f */
	enum run_action action;		/* -n */
	bool inpass;
	struct offer offers[POLICY_MAX_OFFERS];
	size_t n_offers;
	struct policy_address tunnel;	/* -t */
	struct policy_method methods[POLICY_MAX_METHODS];	/* -a */
	size_t n_methods;

	struct policy_mm_offer mm_offers[POLICY_MAX_OFFERS];	/* -1s */
	size_t n_mm_offers;
	struct phase1_life mm_life;	/* -1k */
	uint32_t soft_seconds;		/* -1e */
	struct run_filters mm_filters;	/* -1f */

	enum run_store store;		/* -w */
	char *domain;			/* NULL is the machine's own */
	char *policy;			/* -p */
	bool has_polling;
	uint32_t polling_minutes;
	char *rule;			/* -r */

	char *file;			/* -file */
	uint32_t queries;		/* enum run_query */

	/* Sentences about what was understood, but perhaps not as meant. Not a part of the text. */
	char warnings[RUN_WARNINGS_MAX][POLICY_WHY_LEN];
	size_t n_warnings;
};

struct run *run_new(void);		/* NULL without memory */
struct run *run_free(struct run *run);	/* secrets are wiped; NULL is allowed; returns NULL */
DEFINE_CLEANUP(struct run *, run_free);

enum run_mode run_mode(const struct run *run);

/* Takes @spec over, on failure, too. 0 or -ENOMEM. */
int run_filters_add(struct run_filters *filters, struct filterspec *spec);

/* One sentence more; those beyond the last place, and those that were said, are left out. */
__attribute__((format(printf, 2, 3)))
void run_warn(struct run *run, const char *format, ...);

/* All that the text carries is equal, secrets included. */
bool run_is_equal(const struct run *a, const struct run *b);

/*
 * Flags that do not go together, that are not of the run's mode, or that are missing. 0, or -EINVAL
 * with a sentence that names the flag and the remedy. May warn.
 */
int run_check(struct run *run, char why[static RUN_WHY_LEN]);

#endif /* IPSECCMD_RUN_H */
