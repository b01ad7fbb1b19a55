// SPDX-License-Identifier: MIT
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "ctl/client.h"
#include "ctl/columns.h"
#include "ctl/ctl.h"
#include "ctl/types.h"
#include "policy/bus.h"
#include "policy/methods.h"
#include "policy/record.h"
#include "policy/text.h"

static const struct ctl_tag add_tags[] = {
	{ "name", &ctl_type_name, CTL_TAG_REQUIRED, NULL, "name of the policy" },
	{ "soft", &ctl_type_bool, 0, "no", "clear text with peers that do not answer IKE at all" },
	{ "pfsgroup", &ctl_type_pfs_group, 0, "NOPFS", "Diffie-Hellman group for fresh keys" },
	{ "qmsecmethods", &ctl_type_qm_methods, 0, "\"ESP[3DES,SHA1] ESP[3DES,MD5]\"",
	  "what is offered, in this order" },
};

static const struct ctl_tag set_tags[] = {
	{ "name", &ctl_type_qmpolicy, CTL_TAG_REQUIRED, NULL, "name of the policy" },
	{ "soft", &ctl_type_bool, 0, NULL, "clear text with peers that do not answer IKE at all" },
	{ "pfsgroup", &ctl_type_pfs_group, 0, NULL, "Diffie-Hellman group for fresh keys" },
	{ "qmsecmethods", &ctl_type_qm_methods, 0, NULL, "what is offered, in this order" },
};

static const struct ctl_tag delete_tags[] = {
	{ "name", &ctl_type_qmpolicy, CTL_TAG_REQUIRED, NULL, "name of the policy; or the word all" },
};

static const struct ctl_tag show_tags[] = {
	{ "name", &ctl_type_qmpolicy, 0, "all", "name of the policy; or the word all" },
	CTL_TAG_FORMAT,
	CTL_TAG_WIDE,
};

static enum ctl_exit build(struct ctl *ctl, const struct ctl_args *args,
			   struct policy_qm_policy **ret_policy, uint32_t *ret_given)
{
	_cleanup_(policy_qm_policy_freep) struct policy_qm_policy *policy = policy_qm_policy_new();
	char why[POLICY_WHY_LEN];
	uint32_t given = 0;

	if (!policy)
		return ctl_message_error(ctl, -ENOMEM, NULL);
	for (size_t i = 0; i < args->n; i++)
		if (policy_qm_policy_set_tag(policy, args->list[i].tag->name, args->list[i].value,
					     &given, why) < 0)
			return ctl_usage_error(ctl, args->command->path, "%s", why);
	if (policy_qm_policy_check(policy, why) < 0)
		return ctl_usage_error(ctl, args->command->path, "%s", why);
	*ret_policy = TAKE_PTR(policy);
	*ret_given = given;
	return CTL_EXIT_OK;
}

static enum ctl_exit send_policy(struct ctl *ctl, const char *method,
				 const struct policy_qm_policy *policy, uint32_t given)
{
	_cleanup_(sd_bus_message_unrefp) sd_bus_message *message = NULL;
	enum ctl_exit ret = ctl_call_new(ctl, method, &message);
	int err;

	if (ret)
		return ret;
	err = policy_bus_append_qm_policy_fields(message, policy, given);
	return err < 0 ? ctl_message_error(ctl, err, NULL) : ctl_call_send(ctl, message, NULL);
}

static enum ctl_exit run_add(struct ctl *ctl, const struct ctl_args *args)
{
	_cleanup_(policy_qm_policy_freep) struct policy_qm_policy *policy = NULL;
	uint32_t given = 0;
	enum ctl_exit ret = build(ctl, args, &policy, &given);

	return ret ? ret : send_policy(ctl, "AddQmPolicy", policy, UINT32_MAX);
}

static enum ctl_exit run_set(struct ctl *ctl, const struct ctl_args *args)
{
	_cleanup_(policy_qm_policy_freep) struct policy_qm_policy *policy = NULL;
	uint32_t given = 0;
	enum ctl_exit ret = build(ctl, args, &policy, &given);

	if (ret)
		return ret;
	if (given == POLICY_FIELD_NAME)
		return ctl_usage_error(ctl, args->command->path, "nothing to change is named");
	return send_policy(ctl, "SetQmPolicy", policy, given);
}

static enum ctl_exit run_delete(struct ctl *ctl, const struct ctl_args *args)
{
	return ctl_call(ctl, "DeleteQmPolicy", args->has_all ? "" : ctl_args_get(args, "name"),
			NULL);
}

struct row {
	const char *name;
	bool soft;
	const char *pfs_group;
	const char *methods;
	struct policy_qm_policy *policy;	/* owns the name */
	char pfs_buffer[8];
};

static const struct policy_key row_keys[] = {
	{ "name", POLICY_VALUE_STRING, offsetof(struct row, name) },
	{ "soft", POLICY_VALUE_BOOL, offsetof(struct row, soft) },
	{ "pfsgroup", POLICY_VALUE_STRING, offsetof(struct row, pfs_group) },
	{ "qmsecmethods", POLICY_VALUE_STRING, offsetof(struct row, methods) },
};

static const struct policy_record row_record = {
	"qmpolicies", sizeof(struct row), row_keys, sizeof(row_keys) / sizeof(row_keys[0]),
};

#define GRID_COLUMNS 3

static const char *pfs_text(uint8_t group, char buf[static 12])
{
	if (group == POLICY_PFS_NONE)
		return "none";
	if (group == POLICY_PFS_MAIN_MODE)
		return "main mode's";
	snprintf(buf, 12, "%u", group);
	return buf;
}

static void print_offers(FILE *file, const void *data)
{
	const char *cells[GRID_COLUMNS * (POLICY_MAX_OFFERS + 1)] = {
		"Security Methods", "Lifetime (KB:s)", "PFS DH Group",
	};
	char methods[POLICY_MAX_OFFERS][POLICY_OFFER_STRLEN], life[POLICY_MAX_OFFERS][24];
	const struct row *row = data;
	const struct policy_qm_policy *policy = row->policy;
	size_t at = GRID_COLUMNS;
	char pfs[12];

	for (size_t i = 0; i < policy->n_offers; i++) {
		struct policy_qm_offer offer = policy->offers[i];

		snprintf(life[i], sizeof(life[i]), "%u:%u",
			 offer.lifetime_kilobytes ?: POLICY_LIFETIME_KILOBYTES,
			 offer.lifetime_seconds ?: POLICY_LIFETIME_SECONDS);
		offer.lifetime_kilobytes = 0;
		offer.lifetime_seconds = 0;
		cells[at++] = policy_qm_offer_format(&offer, methods[i]);
		cells[at++] = life[i];
		cells[at++] = pfs_text(policy->pfs_group, pfs);
	}
	fputc('\n', file);
	print_grid(file, cells, GRID_COLUMNS, policy->n_offers + 1);
}

static const struct column columns[] = {
	{ "QM Negotiation Policy Name", "name", NULL, COLUMN_BOTH },
	{ "Allow Soft SAs", "soft", NULL, COLUMN_BOTH },
	{ "PFS", "pfsgroup", NULL, COLUMN_TABLE },
	{ "Security Methods", "qmsecmethods", NULL, COLUMN_TABLE },
};

static const struct view view = {
	.name = "qmpolicies",
	.title = "QM Negotiation Policies",
	.none = "There are no quick mode policies.",
	.record = &row_record,
	VIEW_COLUMNS(columns),
	.print_tail = print_offers,
};

static void rows_free(struct row *rows, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		policy_qm_policy_free(rows[i].policy);
		free((char *)rows[i].methods);
	}
	free(rows);
}

static int add_row(struct row **rows, size_t *n, struct policy_qm_policy *policy)
{
	struct row *more = realloc(*rows, (*n + 1) * sizeof(*more));

	if (!more) {
		policy_qm_policy_free(policy);
		return -ENOMEM;
	}
	*rows = more;
	more[(*n)++] = (struct row){
		.name = policy->name,
		.soft = policy->soft,
		.methods = policy_qm_offers_to_text(policy->offers, policy->n_offers),
		.policy = policy,
	};
	return more[*n - 1].methods ? 0 : -ENOMEM;
}

static enum ctl_exit list(struct ctl *ctl, const char *name, struct row **rows, size_t *n)
{
	_cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
	enum ctl_exit ret = ctl_call(ctl, "ListQmPolicies", NULL, &reply);
	char why[POLICY_WHY_LEN] = "";
	int err;

	if (ret)
		return ret;
	err = sd_bus_message_enter_container(reply, 'a', "a{sv}");
	while (err >= 0) {
		struct policy_qm_policy *policy = NULL;

		err = policy_bus_read_qm_policy(reply, &policy, NULL, why);
		if (err == 0)
			return CTL_EXIT_OK;
		if (err > 0 && !policy->name)
			err = -EBADMSG;
		if (err > 0 && (!name || policy_name_is_equal(name, policy->name)))
			err = add_row(rows, n, policy);
		else
			policy_qm_policy_free(policy);
	}
	return ctl_message_error(ctl, err, why);
}

static enum ctl_exit run_show(struct ctl *ctl, const struct ctl_args *args)
{
	const char *name = args->has_all ? NULL : ctl_args_get(args, "name");
	struct layout layout = ctl_layout(args);
	struct row *rows = NULL;
	enum ctl_exit ret;
	size_t n = 0;

	ret = list(ctl, name, &rows, &n);
	/* The rows have moved while they grew; now they stay where they are. */
	for (size_t i = 0; i < n; i++)
		rows[i].pfs_group = policy_pfs_group_format(rows[i].policy->pfs_group,
							    rows[i].pfs_buffer);
	if (!ret && name && !n)
		ret = ctl_error(ctl, POLICY_ERROR_QM_POLICY_NOT_FOUND,
				"there is no quick mode policy \"%s\"; "
				"\"dynamic show qmpolicy all\" lists those that there are", name);
	else if (!ret)
		ret = ctl_print_view(ctl, &layout, &view, rows, n);
	rows_free(rows, n);
	return ret;
}

static const struct ctl_command commands[] = {
	{
		.path = "dynamic add qmpolicy",
		.text = "create a quick mode policy",
		.remarks = "A method is ESP[encryption,integrity], AH[integrity] or both joined by +, "
			   "with a lifetime behind a colon: kilobytes and k, seconds and s, or both "
			   "(100000k/3600s if there is none). Encryption is DES, 3DES, AES128, AES192, "
			   "AES256, None, or AESGCM128 and AESGCM256, which need no integrity; "
			   "integrity is MD5, SHA1, SHA256, SHA384, SHA512 or, for ESP, None. "
			   "Lifetimes are 1000 to 2147483647 kilobytes, 300 to 172799 seconds. "
			   "GRP3 is group 14; GRPMM is the group of the main mode.",
		.examples = "  dynamic add qmpolicy name=qm qmsecmethods=\"ESP[AESGCM256,None] "
			    "ESP[3DES,SHA1]:100000k/3600s\"\n"
			    "  dynamic add qmpolicy qm soft=yes pfsgroup=GRP14\n",
		CTL_TAGS(add_tags),
		.flags = CTL_COMMAND_AGENT,
		.run = run_add,
	},
	{
		.path = "dynamic set qmpolicy",
		.text = "change a quick mode policy",
		.remarks = "What is not named stays as it is.",
		.examples = "  dynamic set qmpolicy name=qm pfsgroup=GRPMM\n",
		CTL_TAGS(set_tags),
		.flags = CTL_COMMAND_AGENT,
		.run = run_set,
	},
	{
		.path = "dynamic delete qmpolicy",
		.text = "remove a quick mode policy, or all of them",
		.remarks = "A policy that a rule uses cannot be removed.",
		.examples = "  dynamic delete qmpolicy name=qm\n"
			    "  dynamic delete qmpolicy all\n",
		CTL_TAGS(delete_tags),
		.flags = CTL_COMMAND_ALL | CTL_COMMAND_AGENT,
		.run = run_delete,
	},
	{
		.path = "dynamic show qmpolicy",
		.text = "print quick mode policies",
		.examples = "  dynamic show qmpolicy all\n"
			    "  dynamic show qmpolicy name=qm format=table\n",
		CTL_TAGS(show_tags),
		.flags = CTL_COMMAND_ALL,
		.run = run_show,
	},
};

const struct ctl_command_set ctl_qmpolicy_set = CTL_COMMAND_SET(commands);
