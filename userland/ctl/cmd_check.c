// SPDX-License-Identifier: MIT
#include <errno.h>
#include <stdlib.h>

#include "ctl/client.h"
#include "ctl/ssh.h"
#include "ctl/static.h"
#include "policy/bus.h"
#include "store/finding.h"

static const struct ctl_tag tags[] = {
	TAG_DEFAULT("policy", policy, "all", "policy to check; or the word all"),
	TAG_DEFAULT("store", store, "that of the session", "store that it is in"),
	CTL_TAG_FORMAT,
	CTL_TAG_WIDE,
};

struct row {
	const char *policy;
	const char *severity;
	const char *id;
	const char *object;
	const char *fault;
	const char *remedy;
};

static const struct policy_key row_keys[] = {
	{ "policy", POLICY_VALUE_STRING, offsetof(struct row, policy) },
	{ "severity", POLICY_VALUE_STRING, offsetof(struct row, severity) },
	{ "finding", POLICY_VALUE_STRING, offsetof(struct row, id) },
	{ "object", POLICY_VALUE_STRING, offsetof(struct row, object) },
	{ "fault", POLICY_VALUE_STRING, offsetof(struct row, fault) },
	{ "remedy", POLICY_VALUE_STRING, offsetof(struct row, remedy) },
};

static const struct policy_record row_record = {
	"findings", sizeof(struct row), row_keys, sizeof(row_keys) / sizeof(row_keys[0]),
};

static const struct column columns[] = {
	{ "Severity", "severity", NULL, COLUMN_BOTH },
	{ "Finding", "finding", NULL, COLUMN_BOTH },
	{ "Object", "object", NULL, COLUMN_BOTH },
	{ "Fault", "fault", NULL, COLUMN_BOTH },
	{ "Remedy", "remedy", NULL, COLUMN_LIST | COLUMN_WIDE },
};

static const struct view view = {
	.name = "findings",
	.title = "Findings",
	.none = "Nothing is wrong.",
	.record = &row_record,
	VIEW_COLUMNS(columns),
};

/* What was found in each policy, in the order of the policies. */
struct report {
	struct store_findings *findings;	/* of each policy */
	size_t n_policies;
	struct row *rows;
	size_t n;
	bool has_error;
};

static void report_done(struct report *report)
{
	for (size_t i = 0; i < report->n_policies; i++)
		store_findings_done(&report->findings[i]);
	free(report->findings);
	free(report->rows);
}

static int add_rows(struct report *report, const struct store_policy *policy,
		    const struct store_findings *findings)
{
	struct row *grown = reallocarray(report->rows, report->n + findings->n + 1, sizeof(*grown));

	if (!grown)
		return -ENOMEM;
	report->rows = grown;
	for (size_t i = 0; i < findings->n; i++) {
		const struct store_finding *finding = &findings->list[i];

		grown[report->n++] = (struct row){
			.policy = policy->head.name,
			.severity = store_severity_name(finding->severity),
			.id = finding->id,
			.object = finding->object,
			.fault = finding->fault,
			.remedy = finding->remedy,
		};
	}
	return 0;
}

static int check_all(const struct store_content *content,
		     const struct store_check_context *context, struct report *report)
{
	int err = 0;

	report->findings = calloc(content->n_policies + 1, sizeof(*report->findings));
	if (!report->findings)
		return -ENOMEM;
	for (size_t i = 0; !err && i < content->n_policies; i++) {
		struct store_findings *findings = &report->findings[i];

		err = store_policy_find(content, content->policies[i], context, findings);
		if (err)
			break;
		report->n_policies++;
		report->has_error |= store_findings_has_error(findings);
		err = add_rows(report, content->policies[i], findings);
	}
	return err;
}

static enum ctl_exit run_check(struct ctl *ctl, const struct ctl_args *args)
{
	const struct store_query query = { .policy = ctl_args_get(args, "policy") };
	_cleanup_(store_content_freep) struct store_content *content = NULL;
	_cleanup_(report_done) struct report report = { .n = 0 };
	enum store_location location = ctl_store_argument(ctl, args, "store");
	struct store_check_context context = { .ssh_local_port = 0 };
	const struct layout layout = ctl_layout(args);
	enum ctl_exit ret = ctl_store_read(ctl, location, &query, &content);

	if (ret)
		return ret;
	if (query.policy && !content->n_policies)
		return ctl_error(ctl, POLICY_ERROR_OBJECT_NOT_FOUND,
				 "there is no policy \"%s\" in the %s store; \"static show policy all\" "
				 "prints those that there are", query.policy,
				 store_location_name(location));
	if (ctl->ssh_connection)
		(void)ctl_ssh_parse(ctl->ssh_connection, &context);
	if (check_all(content, &context, &report) < 0)
		return ctl_message_error(ctl, -ENOMEM, NULL);
	ret = ctl_print_view(ctl, &layout, &view, report.rows, report.n);
	return ret ? ret : report.has_error ? CTL_EXIT_FAILED : CTL_EXIT_OK;
}

static const struct ctl_command commands[] = {
	{
		.path = "check",
		.text = "look for what is wrong with stored policies, or will surprise",
		.remarks = "An error keeps the policy from being put in force, and makes the exit status "
			   "1. A warning says that it works, but hardly as it was meant, or not safely; a "
			   "note is good to know. Your own SSH connection is looked at, too.",
		.examples = "  check policy=AndyPol\n"
			    "  check policy=AndyPol format=table wide=yes\n",
		CTL_TAGS(tags),
		.flags = CTL_COMMAND_ALL | CTL_COMMAND_DRY,
		.run = run_check,
	},
};

const struct ctl_command_set ctl_check_set = CTL_COMMAND_SET(commands);
