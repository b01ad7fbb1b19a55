// SPDX-License-Identifier: MIT
#include "store/finding.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "store/finding_list.h"
#include "store/head.h"
#include "store/tag.h"

/* Every finding there is; errors, warnings and notes in the order in which they are told. */
static const struct row {
	enum store_severity severity;
	const char *id;
	const char *remedy;
} rows[] = {
	[FINDING_INVALID] = { STORE_SEVERITY_ERROR, "invalid",
		"Set the field that is named to one of its values" },
	[FINDING_DANGLING_LIST] = { STORE_SEVERITY_ERROR, "dangling-list",
		"Create the list, or name another one with \"set rule ... filterlist=\"" },
	[FINDING_DANGLING_ACTION] = { STORE_SEVERITY_ERROR, "dangling-action",
		"Create the action, or name another one with \"set rule ... filteraction=\"" },
	[FINDING_NO_OFFERS] = { STORE_SEVERITY_ERROR, "no-offers",
		"Name at least one security method with qmsecmethods=, or use action=permit or block" },
	[FINDING_NO_METHOD] = { STORE_SEVERITY_ERROR, "no-authentication",
		"Give the rule kerberos=yes, psk= or rootca=" },
	[FINDING_CERTIFICATES_APART] = { STORE_SEVERITY_ERROR, "certificates-apart",
		"Put kerberos and psk before or after all rootca methods" },
	[FINDING_ONE_WAY_NEGOTIATE] = { STORE_SEVERITY_ERROR, "one-way-negotiate",
		"Make the filter mirrored=yes, or use a filter action that permits or blocks" },
	[FINDING_TUNNEL_FILTER_PORT] = { STORE_SEVERITY_ERROR, "tunnel-filter-port",
		"Leave protocol, srcport and dstport out; what must not pass is blocked by a rule "
		"without a tunnel" },
	[FINDING_SERVER_NOT_ME] = { STORE_SEVERITY_ERROR, "server-not-me",
		"Put me on the other side of WINS, DNS, DHCP and GATEWAY" },
	[FINDING_SAME_TRAFFIC_CONFLICT] = { STORE_SEVERITY_ERROR, "same-traffic-conflict",
		"Take the filter out of one of the rules, or give both the same action and methods" },
	[FINDING_TOO_MANY_FILTERS] = { STORE_SEVERITY_ERROR, "too-many-filters",
		"Use subnets instead of single addresses" },
	[FINDING_SSH_LOCK_OUT] = { STORE_SEVERITY_WARNING, "ssh-lock-out",
		"Add a rule that permits this connection, or assign the policy with \"ipsecctl try\"" },
	[FINDING_MIRRORED_TUNNEL] = { STORE_SEVERITY_WARNING, "mirrored-tunnel",
		"Say mirrored=no, and have a second rule with the other end of the tunnel for what "
		"comes back" },
	[FINDING_METHODS_DIFFER] = { STORE_SEVERITY_WARNING, "methods-differ",
		"Give both rules the same authentication methods in the same order" },
	[FINDING_SAME_TRAFFIC] = { STORE_SEVERITY_WARNING, "same-traffic",
		"Delete one of the two" },
	[FINDING_EMPTY_LIST] = { STORE_SEVERITY_WARNING, "empty-list",
		"Add a filter to the list, or delete the rule" },
	[FINDING_WEAK_CIPHER] = { STORE_SEVERITY_WARNING, "weak-cipher",
		"Offer AES128 or AES256, and DES to no one" },
	[FINDING_WEAK_GROUP] = { STORE_SEVERITY_WARNING, "weak-group",
		"Offer group 14 or higher (Windows Server 2003: 3)" },
	[FINDING_NO_INTEGRITY] = { STORE_SEVERITY_WARNING, "no-integrity",
		"Add a hash to ESP, as in ESP[AES128,SHA256], or use AESGCM128 or AH beside it" },
	[FINDING_SOFT] = { STORE_SEVERITY_WARNING, "soft",
		"Use soft=no where all peers have IPsec" },
	[FINDING_INPASS] = { STORE_SEVERITY_WARNING, "inpass",
		"Use inpass=no, or let this host be reached from a network of your own only" },
	[FINDING_PSK_PLACEHOLDER] = { STORE_SEVERITY_WARNING, "psk-placeholder",
		"Set the key with \"set rule ... psk=\"" },
	[FINDING_OLD_HASH] = { STORE_SEVERITY_NOTE, "old-hash",
		"Offer SHA256 before MD5 where the peers can" },
	[FINDING_OLD_GROUP] = { STORE_SEVERITY_NOTE, "old-group",
		"Offer group 14 or higher before it where the peers can" },
	[FINDING_WEAK_PSK] = { STORE_SEVERITY_NOTE, "weak-psk",
		"Use 16 or more characters that are hard to guess, or certificates" },
	[FINDING_CERT_MAP] = { STORE_SEVERITY_NOTE, "certmap",
		"Leave certmap out, or let the name of the authority say who is trusted" },
	[FINDING_GROUP_NEGOTIATE] = { STORE_SEVERITY_NOTE, "group-negotiate",
		"Use a filter action that permits or blocks" },
	[FINDING_INACTIVE_RULE] = { STORE_SEVERITY_NOTE, "inactive-rule",
		"Activate it with activate=yes of \"set rule\" or \"set defaultrule\" when it is wanted" },
	[FINDING_NO_ACTIVE_RULE] = { STORE_SEVERITY_NOTE, "no-active-rule",
		"Activate a rule; all traffic passes as it is" },
};

void finding_add(struct finding_list *list, enum finding finding, char *object,
		 const char *format, ...)
{
	struct store_findings *findings = &list->findings;
	struct store_finding *grown = findings->list, new = {
		.severity = rows[finding].severity,
		.id = rows[finding].id,
		.object = object,
		.remedy = strdup(rows[finding].remedy),
	};
	va_list ap;
	int len;

	va_start(ap, format);
	len = vasprintf(&new.fault, format, ap);
	va_end(ap);
	if (len < 0)
		new.fault = NULL;
	if (!(findings->n & (findings->n - 1)))
		grown = reallocarray(findings->list, findings->n ? 2 * findings->n : 1,
				     sizeof(*grown));
	if (grown)
		findings->list = grown;
	if (!grown || !new.object || !new.fault || !new.remedy || list->err) {
		list->err = -ENOMEM;
		free(new.object);
		free(new.fault);
		free(new.remedy);
		return;
	}
	findings->list[findings->n++] = new;
}

__attribute__((format(printf, 1, 2)))
static char *format_text(const char *format, ...)
{
	va_list ap;
	char *text;
	int len;

	va_start(ap, format);
	len = vasprintf(&text, format, ap);
	va_end(ap);
	return len < 0 ? NULL : text;
}

char *finding_policy_name(const struct finding_list *list)
{
	return format_text("policy \"%s\"", list->policy->head.name);
}

char *finding_rule_name(const struct finding_list *list, const struct store_rule *rule)
{
	if (rule->is_default_response)
		return format_text("default response rule of policy \"%s\"",
				   list->policy->head.name);
	return format_text("rule \"%s\" of policy \"%s\"", rule->head.name, list->policy->head.name);
}

char *finding_action_name(const struct store_filter_action *action)
{
	return format_text("filter action \"%s\"", action->head.name);
}

char *finding_filter_list_name(const struct store_filter_list *filter_list)
{
	return format_text("filter list \"%s\"", filter_list->head.name);
}

char *finding_filters_name(const struct store_filter_list *filter_list,
			   const struct store_filter *first, size_t n)
{
	uint32_t fields = store_tags_to_make(STORE_KIND_FILTER, first);
	_cleanup_free_ char *text = NULL;

	text = store_tags_text(STORE_KIND_FILTER, first,
			       fields & ~(uint32_t)STORE_FIELD_DESCRIPTION, false);
	if (!text)
		return NULL;
	if (n == 1)
		return format_text("filter %s of filter list \"%s\"", text, filter_list->head.name);
	return format_text("filter %s and %zu more of filter list \"%s\"", text, n - 1,
			   filter_list->head.name);
}

const struct store_filter_action *finding_action_of(const struct store_rule *rule)
{
	return rule->is_default_response ? rule->own_action : rule->action;
}

bool finding_negotiates(const struct store_rule *rule)
{
	const struct store_filter_action *action = finding_action_of(rule);

	return action && action->action == IPSECDRV_ACTION_NEGOTIATE;
}

/* Errors first, then as they were found. */
static int sort_by_severity(struct store_findings *findings)
{
	struct store_finding *sorted = calloc(findings->n + 1, sizeof(*sorted));
	size_t n = 0;

	if (!sorted)
		return -ENOMEM;
	for (int severity = STORE_SEVERITY_ERROR; severity >= STORE_SEVERITY_NOTE; severity--)
		for (size_t i = 0; i < findings->n; i++)
			if ((int)findings->list[i].severity == severity)
				sorted[n++] = findings->list[i];
	free(findings->list);
	findings->list = sorted;
	return 0;
}

int store_policy_find(const struct store_content *content, const struct store_policy *policy,
		      const struct store_check_context *context,
		      struct store_findings *ret_findings)
{
	struct finding_list list = { .policy = policy };
	int err;

	(void)content;			/* its rules are linked */
	finding_check_rules(&list);
	finding_check_methods(&list);
	finding_check_traffic(&list, context);
	err = list.err ? list.err : sort_by_severity(&list.findings);
	if (err) {
		store_findings_done(&list.findings);
		return err;
	}
	*ret_findings = list.findings;
	return 0;
}

void store_findings_done(struct store_findings *findings)
{
	for (size_t i = 0; i < findings->n; i++) {
		free(findings->list[i].object);
		free(findings->list[i].fault);
		free(findings->list[i].remedy);
	}
	free(findings->list);
	*findings = (struct store_findings){ .list = NULL };
}

bool store_findings_has_error(const struct store_findings *findings)
{
	return findings->n && findings->list[0].severity == STORE_SEVERITY_ERROR;
}

const char *store_finding_id_at(size_t i)
{
	return i < sizeof(rows) / sizeof(rows[0]) ? rows[i].id : NULL;
}

const char *store_severity_name(enum store_severity severity)
{
	switch (severity) {
	case STORE_SEVERITY_NOTE:
		return "note";
	case STORE_SEVERITY_WARNING:
		return "warning";
	case STORE_SEVERITY_ERROR:
		return "error";
	}
	return NULL;
}
