// SPDX-License-Identifier: MIT
#include "ipseccmd/query.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "ctl/client.h"
#include "ctl/columns.h"
#include "policy/address.h"
#include "policy/authmethod.h"
#include "policy/bus.h"

/* --- authentication ----------------------------------------------------------------------- */

/* Who has to prove what to whom; owns its strings, of which methods may hold a key. */
struct row {
	const char *source;
	const char *destination;
	const char *mm_policy;
	const char *methods;		/* 'Preshared key "tooltime"; Kerberos' */
};

static const struct policy_key row_keys[] = {
	{ "srcaddr", POLICY_VALUE_STRING, offsetof(struct row, source) },
	{ "dstaddr", POLICY_VALUE_STRING, offsetof(struct row, destination) },
	{ "mmpolicy", POLICY_VALUE_STRING, offsetof(struct row, mm_policy) },
	{ "auth", POLICY_VALUE_STRING, offsetof(struct row, methods) },
};

static const struct policy_record row_record = {
	"auth", sizeof(struct row), row_keys, sizeof(row_keys) / sizeof(row_keys[0]),
};

static const struct column columns[] = {
	{ "Source", "srcaddr", NULL, COLUMN_BOTH | COLUMN_ADDRESS },
	{ "Destination", "dstaddr", NULL, COLUMN_BOTH | COLUMN_ADDRESS },
	{ "Authentication Methods", "auth", NULL, COLUMN_BOTH },
	{ "MM Policy", "mmpolicy", NULL, COLUMN_BOTH },
};

static const struct view view = {
	.name = "auth",
	.title = "Main Mode Authentication Methods",
	.none = "No rule authenticates anybody.",
	.record = &row_record,
	VIEW_COLUMNS(columns),
};

static char *methods_text(const struct policy_rule *rule)
{
	char *text = NULL;
	size_t len;
	FILE *file = open_memstream(&text, &len);

	if (!file)
		return NULL;
	for (size_t i = 0; i < rule->n_methods; i++) {
		const struct policy_method *method = &rule->methods[i];

		fprintf(file, "%s%s", i ? "; " : "", policy_method_kind_label(method->kind));
		if (method->secret)
			fprintf(file, " \"%s\"", method->secret);
	}
	if (fclose(file) == 0)
		return text;
	free(text);
	return NULL;
}

static void rows_free(struct row *rows, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		free((char *)rows[i].source);
		free((char *)rows[i].destination);
		free((char *)rows[i].mm_policy);
		policy_secret_free((char *)rows[i].methods);
	}
	free(rows);
}

/* The negotiating rules of ListRules' answer. */
static int read_rows(sd_bus_message *reply, struct row **rows, size_t *n,
		     char why[static POLICY_WHY_LEN])
{
	int err = sd_bus_message_enter_container(reply, 'a', "a{sv}");

	while (err >= 0) {
		_cleanup_(policy_rule_freep) struct policy_rule *rule = NULL;
		struct row *longer;

		err = policy_bus_read_rule(reply, &rule, NULL, why);
		if (err == 0)
			return 0;
		if (err < 0 || !policy_rule_is_negotiated(rule))
			continue;
		longer = reallocarray(*rows, *n + 1, sizeof(*longer));
		if (!longer)
			return -ENOMEM;
		*rows = longer;
		longer[(*n)++] = (struct row){
			.source = policy_address_to_text(&rule->source),
			.destination = policy_address_to_text(&rule->destination),
			.mm_policy = rule->mm_policy ? strdup(rule->mm_policy) : NULL,
			.methods = methods_text(rule),
		};
	}
	return err;
}

static enum ctl_exit show_auth(struct ctl *ctl)
{
	_cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
	static const struct layout layout;
	enum ctl_exit ret = ctl_call(ctl, "ListRules", NULL, &reply);
	char why[POLICY_WHY_LEN] = "";
	struct row *rows = NULL;
	size_t n = 0;
	int err;

	if (ret)
		return ret;
	(void)sd_bus_message_sensitive(reply);
	err = read_rows(reply, &rows, &n, why);
	ret = err < 0 ? ctl_message_error(ctl, err, why) :
	      ctl_print_view(ctl, &layout, &view, rows, n);
	rows_free(rows, n);
	return ret;
}

/* --- items -------------------------------------------------------------------------------- */

/* A show of ipsecctl, or one of ours. */
static const struct {
	enum run_query query;
	const char *path;
	const char *argument;		/* NULL is none */
	enum ctl_exit (*show)(struct ctl *ctl);
} parts[] = {
	{ RUN_QUERY_FILTERS, "dynamic show mmfilter", "type=generic", NULL },
	{ RUN_QUERY_FILTERS, "dynamic show mmfilter", "type=specific", NULL },
	{ RUN_QUERY_FILTERS, "dynamic show qmfilter", "type=generic", NULL },
	{ RUN_QUERY_FILTERS, "dynamic show qmfilter", "type=specific", NULL },
	{ RUN_QUERY_POLICIES, "dynamic show mmpolicy", NULL, NULL },
	{ RUN_QUERY_POLICIES, "dynamic show qmpolicy", NULL, NULL },
	{ RUN_QUERY_AUTH, NULL, NULL, show_auth },
	{ RUN_QUERY_STATS, "dynamic show stats", NULL, NULL },
	{ RUN_QUERY_SAS, "dynamic show mmsas", NULL, NULL },
	{ RUN_QUERY_SAS, "dynamic show qmsas", NULL, NULL },
};

static enum ctl_exit show_command(struct ctl *ctl, const char *path, const char *argument)
{
	const struct ctl_command *command = ctl_command_find(path);
	char word[32] = "", why[POLICY_WHY_LEN], *words[] = { word };
	struct ctl_args args;

	if (argument)
		snprintf(word, sizeof(word), "%s", argument);
	if (ctl_parse_args(command, words, argument ? 1 : 0, &args, why) < 0)
		return ctl_usage_error(ctl, path, "%s", why);
	return command->run(ctl, &args);
}

enum ctl_exit query_show(struct session *session, const struct run *run)
{
	struct ctl *ctl = session->ctl;
	enum ctl_exit ret = CTL_EXIT_OK;
	bool is_first = true;

	for (size_t i = 0; !ret && i < sizeof(parts) / sizeof(parts[0]); i++) {
		if (!(run->queries & parts[i].query))
			continue;
		if (!is_first && !ctl->json)
			fputc('\n', ctl->out);
		is_first = false;
		ret = parts[i].show ? parts[i].show(ctl) :
		      show_command(ctl, parts[i].path, parts[i].argument);
	}
	ctl_finish_json(ctl);
	return ret;
}
