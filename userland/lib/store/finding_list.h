/* SPDX-License-Identifier: MIT */
/* How the parts of the check say what they find. */
#ifndef STORE_FINDING_LIST_H
#define STORE_FINDING_LIST_H

#include "store/finding.h"

/* The rows of the table in finding.c, in its order. */
enum finding {
	FINDING_INVALID,
	FINDING_DANGLING_LIST,
	FINDING_DANGLING_ACTION,
	FINDING_NO_OFFERS,
	FINDING_NO_METHOD,
	FINDING_CERTIFICATES_APART,
	FINDING_ONE_WAY_NEGOTIATE,
	FINDING_TUNNEL_FILTER_PORT,
	FINDING_SERVER_NOT_ME,
	FINDING_SAME_TRAFFIC_CONFLICT,
	FINDING_TOO_MANY_FILTERS,
	FINDING_SSH_LOCK_OUT,
	FINDING_MIRRORED_TUNNEL,
	FINDING_METHODS_DIFFER,
	FINDING_SAME_TRAFFIC,
	FINDING_EMPTY_LIST,
	FINDING_WEAK_CIPHER,
	FINDING_WEAK_GROUP,
	FINDING_NO_INTEGRITY,
	FINDING_SOFT,
	FINDING_INPASS,
	FINDING_PSK_PLACEHOLDER,
	FINDING_OLD_HASH,
	FINDING_OLD_GROUP,
	FINDING_WEAK_PSK,
	FINDING_CERT_MAP,
	FINDING_GROUP_NEGOTIATE,
	FINDING_INACTIVE_RULE,
	FINDING_NO_ACTIVE_RULE,
};

/* What was found so far. After -ENOMEM nothing is added; it is told at the end. */
struct finding_list {
	struct store_findings findings;
	const struct store_policy *policy;
	int err;
};

/* Takes @object over; NULL is want of memory. @format makes a sentence without its full stop. */
void finding_add(struct finding_list *list, enum finding finding, char *object,
		 const char *format, ...) __attribute__((format(printf, 4, 5)));

/* The caller frees them; NULL without memory. */
char *finding_policy_name(const struct finding_list *list);	/* 'policy "p"' */
char *finding_rule_name(const struct finding_list *list, const struct store_rule *rule);
char *finding_action_name(const struct store_filter_action *action);
char *finding_filter_list_name(const struct store_filter_list *filter_list);

/* 'filter srcaddr=me dstaddr=any of filter list "l"', or '... and 3 more of ...'; as above. */
char *finding_filters_name(const struct store_filter_list *filter_list,
			   const struct store_filter *first, size_t n);

/* The action of a rule, its own one if it is the default response rule; NULL if there is none. */
const struct store_filter_action *finding_action_of(const struct store_rule *rule);
bool finding_negotiates(const struct store_rule *rule);

/*
 * A filter seen from this host, in one family: what the driver searches for. Local is the source,
 * or, turned, the destination. A filter for me is one of them, any other is both.
 */
struct finding_piece {
	const struct store_rule *rule;
	const struct store_filter *filter;
	size_t place;			/* of the rule in its policy */
	size_t index;			/* of the filter in its list */
	uint8_t family;			/* AF_INET, AF_INET6 */
	bool is_turned;
	bool is_outbound;
	bool is_inbound;
};

struct finding_pieces {
	struct finding_piece *list;
	size_t n;
};

const struct policy_address *finding_piece_local(const struct finding_piece *piece);
const struct policy_address *finding_piece_remote(const struct finding_piece *piece);
uint16_t finding_piece_local_port(const struct finding_piece *piece);
uint16_t finding_piece_remote_port(const struct finding_piece *piece);

/* In @pieces as they are: would the connection of @context be cut? */
void finding_check_ssh(struct finding_list *list, const struct finding_pieces *pieces,
		       const struct store_check_context *context);

/* The parts. Each looks at active rules only. */
void finding_check_rules(struct finding_list *list);		/* each by itself */
void finding_check_methods(struct finding_list *list);		/* algorithms and keys */
void finding_check_traffic(struct finding_list *list,		/* rules beside each other */
			   const struct store_check_context *context);

#endif /* STORE_FINDING_LIST_H */
