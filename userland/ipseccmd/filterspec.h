/* SPDX-License-Identifier: MIT */
/*
 * What -f takes: the traffic of a rule.
 *
 *   filterspec = "DEFAULT" | spec | "(" spec ")" | "[" spec "]"
 *   spec       = side ( "=" | "+" ) side
 *   source     = address [ ":" port ]
 *   dest       = address [ ":" [ port ] [ ":" protocol ] ]
 *   address    = "0" | "*" | ipv4 [ "/" mask ] | star | "[" ipv6 "]" [ "/" prefix ] | name
 *              | "{" interface "}"
 *
 *   128.2.1.1+128.2.1.13             both directions, everything
 *   0=*:80:TCP                       from this host to any web server, this direction only
 *   Machine1+Machine2::6             a protocol without a port
 *   (10.*+0)                         10.0.0.0/255.0.0.0 and this host pass unprotected
 *
 * A mask may be a prefix length, and the keywords of ipsecctl (me, any, WINS, DNS, DHCP, GATEWAY)
 * are known; neither was in the original, as IPv6 was not. A host that is called like one
 * of them is written with a full stop behind its name.
 */
#ifndef IPSECCMD_FILTERSPEC_H
#define IPSECCMD_FILTERSPEC_H

#include <stdio.h>

#include "policy/model.h"

/* Longer than an interface's name: those that stand for GUIDs are alternative names (altname). */
#define FILTERSPEC_INTERFACE_MAX	127

enum filterspec_kind {
	FILTERSPEC_PLAIN,		/* what the rule's offers say */
	FILTERSPEC_PASS,		/* ( ) */
	FILTERSPEC_DROP,		/* [ ] */
	FILTERSPEC_DEFAULT,		/* the default response rule; no sides */
};

struct filterspec_side {
	struct policy_address address;	/* me, if there is an interface */
	char *interface;		/* owned; what stood between the braces */
	uint16_t port;			/* 0 is any */
};

struct filterspec {
	enum filterspec_kind kind;
	struct filterspec_side source;
	struct filterspec_side destination;
	uint8_t protocol;		/* 0 is any */
	bool mirrored;			/* "+" */
};

/* 0 (release with filterspec_clear()), -EINVAL with a sentence, -ENOMEM with one, too. */
int filterspec_parse(const char *text, struct filterspec *ret_spec,
		     char why[static POLICY_WHY_LEN]);
/* The same for -1f: addresses alone. */
int filterspec_parse_main_mode(const char *text, struct filterspec *ret_spec,
			       char why[static POLICY_WHY_LEN]);
/* A host by its address or name, for -t. */
int filterspec_parse_host(const char *text, struct policy_address *ret_address,
			  char why[static POLICY_WHY_LEN]);

void filterspec_print(FILE *file, const struct filterspec *spec);
/* In the words of -f: 0, *, 10.0.0.0/255.0.0.0, [fe80::1]. */
void filterspec_print_address(FILE *file, const struct policy_address *address);

bool filterspec_is_equal(const struct filterspec *a, const struct filterspec *b);
void filterspec_clear(struct filterspec *spec);

#endif /* IPSECCMD_FILTERSPEC_H */
