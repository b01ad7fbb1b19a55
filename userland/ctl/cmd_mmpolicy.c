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
	{ "qmpermm", &ctl_type_number, 0, "0", "quick modes per main mode, 0 is no limit" },
	{ "mmlifetime", &ctl_type_minutes, 0, "480", "minutes until a main mode is made anew" },
	{ "softsaexpirationtime", &ctl_type_soft_seconds, 0, "300",
	  "seconds that a peer without IKE is spoken to in clear, where that is allowed" },
	{ "mmsecmethods", &ctl_type_mm_methods, 0,
	  "\"3DES-SHA1-2 3DES-MD5-2 DES-SHA1-1 DES-MD5-1\"", "what is offered, in this order" },
};

static const struct ctl_tag set_tags[] = {
	{ "name", &ctl_type_mmpolicy, CTL_TAG_REQUIRED, NULL, "name of the policy" },
	{ "qmpermm", &ctl_type_number, 0, NULL, "quick modes per main mode, 0 is no limit" },
	{ "mmlifetime", &ctl_type_minutes, 0, NULL, "minutes until a main mode is made anew" },
	{ "softsaexpirationtime", &ctl_type_soft_seconds, 0, NULL,
	  "seconds that a peer without IKE is spoken to in clear, where that is allowed" },
	{ "mmsecmethods", &ctl_type_mm_methods, 0, NULL, "what is offered, in this order" },
};

static const struct ctl_tag delete_tags[] = {
	{ "name", &ctl_type_mmpolicy, CTL_TAG_REQUIRED, NULL, "name of the policy; or the word all" },
};

static const struct ctl_tag show_tags[] = {
	{ "name", &ctl_type_mmpolicy, 0, "all", "name of the policy; or the word all" },
	CTL_TAG_FORMAT,
	CTL_TAG_WIDE,
};

/* The object that the arguments describe, over the defaults. */
static enum ctl_exit build(struct ctl *ctl, const struct ctl_args *args,
			   struct policy_mm_policy **ret_policy, uint32_t *ret_given)
{
	_cleanup_(policy_mm_policy_freep) struct policy_mm_policy *policy = policy_mm_policy_new();
	char why[POLICY_WHY_LEN];
	uint32_t given = 0;

	if (!policy)
		return ctl_message_error(ctl, -ENOMEM, NULL);
	for (size_t i = 0; i < args->n; i++)
		if (policy_mm_policy_set_tag(policy, args->list[i].tag->name, args->list[i].value,
					     &given, why) < 0)
			return ctl_usage_error(ctl, args->command->path, "%s", why);
	if (policy_mm_policy_check(policy, why) < 0)
		return ctl_usage_error(ctl, args->command->path, "%s", why);
	*ret_policy = TAKE_PTR(policy);
	*ret_given = given;
	return CTL_EXIT_OK;
}

static enum ctl_exit send_policy(struct ctl *ctl, const char *method,
				 const struct policy_mm_policy *policy, uint32_t given)
{
	_cleanup_(sd_bus_message_unrefp) sd_bus_message *message = NULL;
	enum ctl_exit ret = ctl_call_new(ctl, method, &message);
	int err;

	if (ret)
		return ret;
	err = policy_bus_append_mm_policy_fields(message, policy, given);
	return err < 0 ? ctl_message_error(ctl, err, NULL) : ctl_call_send(ctl, message, NULL);
}

static enum ctl_exit run_add(struct ctl *ctl, const struct ctl_args *args)
{
	_cleanup_(policy_mm_policy_freep) struct policy_mm_policy *policy = NULL;
	uint32_t given = 0;
	enum ctl_exit ret = build(ctl, args, &policy, &given);

	return ret ? ret : send_policy(ctl, "AddMmPolicy", policy, UINT32_MAX);
}

static enum ctl_exit run_set(struct ctl *ctl, const struct ctl_args *args)
{
	_cleanup_(policy_mm_policy_freep) struct policy_mm_policy *policy = NULL;
	uint32_t given = 0;
	enum ctl_exit ret = build(ctl, args, &policy, &given);

	if (ret)
		return ret;
	if (given == POLICY_FIELD_NAME)
		return ctl_usage_error(ctl, args->command->path, "nothing to change is named");
	return send_policy(ctl, "SetMmPolicy", policy, given);
}

static enum ctl_exit run_delete(struct ctl *ctl, const struct ctl_args *args)
{
	return ctl_call(ctl, "DeleteMmPolicy", args->has_all ? "" : ctl_args_get(args, "name"),
			NULL);
}

/* What is shown of a policy. */
struct row {
	const char *name;
	uint32_t quick_modes;
	uint32_t lifetime_minutes;
	uint32_t soft_sa_seconds;
	const char *methods;
	struct policy_mm_policy *policy;	/* owns the name */
};

static const struct policy_key row_keys[] = {
	{ "name", POLICY_VALUE_STRING, offsetof(struct row, name) },
	{ "qmpermm", POLICY_VALUE_NUMBER, offsetof(struct row, quick_modes) },
	{ "mmlifetime", POLICY_VALUE_NUMBER, offsetof(struct row, lifetime_minutes) },
	{ "softsaexpirationtime", POLICY_VALUE_NUMBER, offsetof(struct row, soft_sa_seconds) },
	{ "mmsecmethods", POLICY_VALUE_STRING, offsetof(struct row, methods) },
};

static const struct policy_record row_record = {
	"mmpolicies", sizeof(struct row), row_keys, sizeof(row_keys) / sizeof(row_keys[0]),
};

static void print_soft(FILE *file, const void *row)
{
	fprintf(file, "%u seconds", ((const struct row *)row)->soft_sa_seconds);
}

static void print_lifetime(FILE *file, const void *row)
{
	fprintf(file, "%u minutes", ((const struct row *)row)->lifetime_minutes);
}

#define GRID_COLUMNS 5

static void print_offers(FILE *file, const void *data)
{
	const char *cells[GRID_COLUMNS * (POLICY_MAX_OFFERS + 1)] = {
		"Encryption", "Integrity", "DH", "Lifetime (KB:s)", "QM Limit Per MM",
	};
	const struct row *row = data;
	const struct policy_mm_policy *policy = row->policy;
	char group[POLICY_MAX_OFFERS][4], lifetime[16], limit[12];
	size_t at = GRID_COLUMNS;

	snprintf(lifetime, sizeof(lifetime), "0:%u", policy->lifetime_minutes * 60);
	snprintf(limit, sizeof(limit), "%u", policy->quick_modes);
	for (size_t i = 0; i < policy->n_offers; i++) {
		snprintf(group[i], sizeof(group[i]), "%u", policy->offers[i].group);
		cells[at++] = policy_cipher_name(policy->offers[i].cipher);
		cells[at++] = policy_hash_name(policy->offers[i].hash);
		cells[at++] = group[i];
		cells[at++] = lifetime;
		cells[at++] = limit;
	}
	fputc('\n', file);
	print_grid(file, cells, GRID_COLUMNS, policy->n_offers + 1);
}

static const struct column columns[] = {
	{ "IKE MM Policy Name", "name", NULL, COLUMN_BOTH },
	{ "IKE Soft SA Lifetime", NULL, print_soft, COLUMN_LIST },
	{ "Lifetime", NULL, print_lifetime, COLUMN_TABLE },
	{ "QM Limit", "qmpermm", NULL, COLUMN_TABLE },
	{ "Soft SA Lifetime", NULL, print_soft, COLUMN_WIDE },
	{ "Security Methods", "mmsecmethods", NULL, COLUMN_TABLE },
};

static const struct view view = {
	.name = "mmpolicies",
	.title = "IKE MM Policies",
	.none = "There are no main mode policies.",
	.record = &row_record,
	VIEW_COLUMNS(columns),
	.print_tail = print_offers,
};

static void rows_free(struct row *rows, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		policy_mm_policy_free(rows[i].policy);
		free((char *)rows[i].methods);
	}
	free(rows);
}

static int add_row(struct row **rows, size_t *n, struct policy_mm_policy *policy)
{
	struct row *more = realloc(*rows, (*n + 1) * sizeof(*more));

	if (!more) {
		policy_mm_policy_free(policy);
		return -ENOMEM;
	}
	*rows = more;
	more[(*n)++] = (struct row){
		.name = policy->name,
		.quick_modes = policy->quick_modes,
		.lifetime_minutes = policy->lifetime_minutes,
		.soft_sa_seconds = policy->soft_sa_seconds,
		.methods = policy_mm_offers_to_text(policy->offers, policy->n_offers),
		.policy = policy,
	};
	return more[*n - 1].methods ? 0 : -ENOMEM;
}

/* All policies, or those named @name. */
static enum ctl_exit list(struct ctl *ctl, const char *name, struct row **rows, size_t *n)
{
	_cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
	enum ctl_exit ret = ctl_call(ctl, "ListMmPolicies", NULL, &reply);
	char why[POLICY_WHY_LEN] = "";
	int err;

	if (ret)
		return ret;
	err = sd_bus_message_enter_container(reply, 'a', "a{sv}");
	while (err >= 0) {
		struct policy_mm_policy *policy = NULL;

		err = policy_bus_read_mm_policy(reply, &policy, NULL, why);
		if (err == 0)
			return CTL_EXIT_OK;
		if (err > 0 && !policy->name)
			err = -EBADMSG;
		if (err > 0 && (!name || policy_name_is_equal(name, policy->name)))
			err = add_row(rows, n, policy);
		else
			policy_mm_policy_free(policy);
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
	if (!ret && name && !n)
		ret = ctl_error(ctl, POLICY_ERROR_MM_POLICY_NOT_FOUND,
				"there is no main mode policy \"%s\"; "
				"\"dynamic show mmpolicy all\" lists those that there are", name);
	else if (!ret)
		ret = ctl_print_view(ctl, &layout, &view, rows, n);
	rows_free(rows, n);
	return ret;
}

static const struct ctl_command commands[] = {
	{
		.path = "dynamic add mmpolicy",
		.text = "create a main mode policy",
		.remarks = "A method is encryption-integrity-group. Encryption is DES, 3DES, AES128, "
			   "AES192 or AES256; integrity is MD5, SHA1, SHA256, SHA384 or SHA512; the "
			   "Diffie-Hellman group is 1, 2, 3 (which is group 14), 5 or 14 to 21.",
		.examples = "  dynamic add mmpolicy name=mm mmsecmethods=\"AES256-SHA256-14 3DES-SHA1-2\"\n"
			    "  dynamic add mmpolicy mm qmpermm=10 mmlifetime=60\n",
		CTL_TAGS(add_tags),
		.flags = CTL_COMMAND_AGENT,
		.run = run_add,
	},
	{
		.path = "dynamic set mmpolicy",
		.text = "change a main mode policy",
		.remarks = "What is not named stays as it is.",
		.examples = "  dynamic set mmpolicy name=mm mmlifetime=60\n",
		CTL_TAGS(set_tags),
		.flags = CTL_COMMAND_AGENT,
		.run = run_set,
	},
	{
		.path = "dynamic delete mmpolicy",
		.text = "remove a main mode policy, or all of them",
		.remarks = "A policy that a rule uses cannot be removed.",
		.examples = "  dynamic delete mmpolicy name=mm\n"
			    "  dynamic delete mmpolicy all\n",
		CTL_TAGS(delete_tags),
		.flags = CTL_COMMAND_ALL | CTL_COMMAND_AGENT,
		.run = run_delete,
	},
	{
		.path = "dynamic show mmpolicy",
		.text = "print main mode policies",
		.examples = "  dynamic show mmpolicy all\n"
			    "  dynamic show mmpolicy name=mm format=table\n",
		CTL_TAGS(show_tags),
		.flags = CTL_COMMAND_ALL,
		.run = run_show,
	},
};

const struct ctl_command_set ctl_mmpolicy_set = CTL_COMMAND_SET(commands);
