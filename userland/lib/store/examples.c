// SPDX-License-Identifier: MIT
/*
 * Tables with the values of the original, and what makes objects of them. Descriptions are our
 * own; method lists, Kerberos and lifetimes that are not here are the defaults of new objects.
 */
#include "store/examples.h"

#include <errno.h>

#include "policy/methods.h"

#define ARRAY_LEN(array) (sizeof(array) / sizeof((array)[0]))

static const struct list {
	const char *guid;
	const char *name;
	const char *description;
	const char *filter_guid;
	const char *filter_description;
	uint8_t protocol;
} lists[] = {
	{
		"7238523a-70fa-11d1-864c-14a300000000", "All IP Traffic",
		"All IP packets between this computer and any other one, except broadcast, "
		"multicast, Kerberos, RSVP and ISAKMP (IKE)",
		"59319bdd-5ee3-11d2-ace8-0060b0ecca17", NULL, 0,
	},
	{
		"72385235-70fa-11d1-864c-14a300000000", "All ICMP Traffic",
		"All ICMP packets between this computer and any other one",
		"5119d263-071d-11d3-ad22-0060b0ecca17", "ICMP", 1,
	},
};

static const struct action {
	const char *guid;
	const char *name;
	const char *description;
	const char *offers;		/* NULL: it permits */
	bool inpass;
	bool soft;
} actions[] = {
	{
		"7238523b-70fa-11d1-864c-14a300000000", "Permit",
		"Permit unsecured IP packets to pass through", NULL, false, false,
	},
	{
		"72385233-70fa-11d1-864c-14a300000000", "Request Security (Optional)",
		"Accept unsecured communication, but always ask for security; talk unsecured with "
		"those who do not answer",
		"ESP[3DES,SHA1]:100000k/900s ESP[DES,SHA1]:100000k/900s AH[SHA1]:100000k/300s "
		"AH[MD5]:100000k/300s", true, true,
	},
	{
		"7238523f-70fa-11d1-864c-14a300000000", "Require Security",
		"Accept unsecured communication, but always answer with security; never talk "
		"unsecured with those who cannot",
		"ESP[3DES,SHA1]:100000k/900s ESP[3DES,MD5]:100000k/900s "
		"ESP[DES,SHA1]:100000k/900s ESP[DES,MD5]:100000k/900s", true, false,
	},
};

struct rule {
	const char *guid;
	const char *name;
	const char *list;
	const char *action;
};

static const struct policy {
	const char *guid;
	const char *name;
	const char *description;
	const char *default_rule;
	const char *default_action;
	struct rule rules[2];
} policies[] = {
	{
		"72385236-70fa-11d1-864c-14a300000000", "Client (Respond Only)",
		"Talk normally (unsecured); answer servers that ask for security, and only that "
		"traffic is secured",
		"59319c04-5ee3-11d2-ace8-0060b0ecca17", "59319c01-5ee3-11d2-ace8-0060b0ecca17",
		{ { NULL, NULL, NULL, NULL } },
	},
	{
		"72385230-70fa-11d1-864c-14a300000000", "Server (Request Security)",
		"For all IP traffic, always ask for security with Kerberos; talk unsecured with "
		"clients that do not answer",
		"59319be2-5ee3-11d2-ace8-0060b0ecca17", "59319bdf-5ee3-11d2-ace8-0060b0ecca17",
		{
			{
				"72385232-70fa-11d1-864c-14a300000000",
				"Request Security (Optional) Rule", "All IP Traffic",
				"Request Security (Optional)",
			},
			{
				"594272e2-071d-11d3-ad22-0060b0ecca17",
				"Permit unsecure ICMP packets to pass through.",
				"All ICMP Traffic", "Permit",
			},
		},
	},
	{
		"7238523c-70fa-11d1-864c-14a300000000", "Secure Server (Require Security)",
		"For all IP traffic, always require security with Kerberos; never talk unsecured "
		"with clients that are not trusted",
		"59319bf3-5ee3-11d2-ace8-0060b0ecca17", "59319bf0-5ee3-11d2-ace8-0060b0ecca17",
		{
			{
				"7238523e-70fa-11d1-864c-14a300000000", "Require Security",
				"All IP Traffic", "Require Security",
			},
			{
				"594272fd-071d-11d3-ad22-0060b0ecca17",
				"Permit unsecure ICMP packets to pass through.",
				"All ICMP Traffic", "Permit",
			},
		},
	},
};

/* NULL is left as it is. 0 or -ENOMEM. */
static int set_text(char **text, const char *value)
{
	if (!value)
		return 0;
	free(*text);
	*text = strdup(value);
	return *text ? 0 : -ENOMEM;
}

static int set_head(struct store_head *head, const char *guid, const char *name,
		    const char *description)
{
	int err = sd_id128_from_string(guid, &head->guid);

	return err < 0 ? err : set_text(&head->name, name) ?:
	       set_text(&head->description, description);
}

static struct store_filter_list *make_list(const struct list *from)
{
	_cleanup_(store_filter_list_freep) struct store_filter_list *list = store_filter_list_new();
	_cleanup_(store_filter_freep) struct store_filter *filter = store_filter_new();

	if (!list || !filter ||
	    set_head(&list->head, from->guid, from->name, from->description) < 0 ||
	    set_head(&filter->head, from->filter_guid, NULL, from->filter_description) < 0)
		return NULL;
	filter->source.kind = POLICY_ADDRESS_ME;
	filter->destination.kind = POLICY_ADDRESS_ANY;
	filter->protocol = from->protocol;
	filter->mirrored = true;
	return store_filter_list_add(list, TAKE_PTR(filter)) < 0 ? NULL : TAKE_PTR(list);
}

static struct store_filter_action *make_action(const struct action *from)
{
	_cleanup_(store_filter_action_freep) struct store_filter_action *action = NULL;
	char why[POLICY_WHY_LEN];

	action = store_filter_action_new();
	if (!action || set_head(&action->head, from->guid, from->name, from->description) < 0)
		return NULL;
	action->action = from->offers ? IPSECDRV_ACTION_NEGOTIATE : IPSECDRV_ACTION_PERMIT;
	action->inpass = from->inpass;
	action->soft = from->soft;
	action->n_offers = 0;
	if (from->offers && policy_qm_offers_parse(from->offers, action->offers, &action->n_offers,
						   why) < 0)
		return NULL;
	return TAKE_PTR(action);
}

static struct store_rule *make_rule(const struct rule *from)
{
	_cleanup_(store_rule_freep) struct store_rule *rule = store_rule_new();

	if (!rule || set_head(&rule->head, from->guid, from->name, NULL) < 0 ||
	    set_text(&rule->filter_list, from->list) < 0 ||
	    set_text(&rule->filter_action, from->action) < 0)
		return NULL;
	return TAKE_PTR(rule);
}

static struct store_policy *make_policy(const struct policy *from)
{
	_cleanup_(store_policy_freep) struct store_policy *policy = store_policy_new();
	struct store_rule *response = policy ? store_policy_default_rule(policy) : NULL;

	if (!response || set_head(&policy->head, from->guid, from->name, from->description) < 0 ||
	    set_head(&response->head, from->default_rule, NULL, NULL) < 0 ||
	    set_head(&response->own_action->head, from->default_action, NULL, NULL) < 0)
		return NULL;
	for (size_t i = 0; i < ARRAY_LEN(from->rules) && from->rules[i].guid; i++)
		if (store_policy_add(policy, make_rule(&from->rules[i])) < 0)
			return NULL;
	return TAKE_PTR(policy);
}

struct store_content *store_examples_new(void)
{
	_cleanup_(store_content_freep) struct store_content *content = store_content_new();

	if (!content)
		return NULL;
	for (size_t i = 0; i < ARRAY_LEN(lists); i++)
		if (store_content_add_list(content, make_list(&lists[i])) < 0)
			return NULL;
	for (size_t i = 0; i < ARRAY_LEN(actions); i++)
		if (store_content_add_action(content, make_action(&actions[i])) < 0)
			return NULL;
	for (size_t i = 0; i < ARRAY_LEN(policies); i++)
		if (store_content_add_policy(content, make_policy(&policies[i])) < 0)
			return NULL;
	return store_content_link(content) < 0 ? NULL : TAKE_PTR(content);
}
