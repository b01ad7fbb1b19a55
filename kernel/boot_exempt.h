/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Boot exemptions: what passes in a protecting startup mode, as the administrator lists it. Pure.
 */
#ifndef IPD_BOOT_EXEMPT_H
#define IPD_BOOT_EXEMPT_H

#include <linux/types.h>

struct ipd_boot_exempts;
struct ipd_flow;

struct ipd_boot_exempt {
	u8 direction;			/* enum ipsecdrv_direction */
	u8 protocol;			/* never 0 */
	u16 source_port;		/* of the packet; host order, 0 is any */
	u16 destination_port;
};

/**
 * ipd_boot_exempts_parse() - read a list
 * @text: the grammar is in boot_exempt.c
 * @ret_list: a new list, or NULL for an empty one; the old value is not freed
 * @ret_why: what is wrong, as the end of a sentence
 * @ret_at: where in @text
 *
 * Return: 0, -EINVAL with why and at, or -ENOMEM. Process context.
 */
int __must_check ipd_boot_exempts_parse(const char *text, struct ipd_boot_exempts **ret_list,
					const char **ret_why, const char **ret_at);
void ipd_boot_exempts_free(struct ipd_boot_exempts *list);

/* All of these take NULL for the empty list. */
unsigned int ipd_boot_exempts_count(const struct ipd_boot_exempts *list);
/* @index below the count; in the order of direction, protocol and ports */
struct ipd_boot_exempt ipd_boot_exempts_get(const struct ipd_boot_exempts *list,
					    unsigned int index);
/* the text that gives the same list, as far as it fits; "..." where it does not */
void ipd_boot_exempts_print(const struct ipd_boot_exempts *list, char *buffer, size_t size);

/* whether an exemption names packets of @flow; any context, costs the same for any list */
bool ipd_boot_exempts_match(const struct ipd_boot_exempts *list, const struct ipd_flow *flow);
/* whether an inbound exemption names what the outbound @flow is the answer to */
bool ipd_boot_exempts_match_answer(const struct ipd_boot_exempts *list,
				   const struct ipd_flow *flow);

#endif /* IPD_BOOT_EXEMPT_H */
