// SPDX-License-Identifier: MIT
/* One screen: attentions first, then all from driver to failures, in 24 lines of 80 columns. */
#include "ctl/status.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/addr.h"
#include "nl/names_gen.h"

#define DROPS_SHOWN 3

/* --- values ------------------------------------------------------------------------------- */

/* The two largest units: "2 d 3 h", "5 min 1 s". */
static void print_duration(FILE *file, uint32_t seconds)
{
	static const struct {
		uint32_t seconds;
		const char *name;
	} units[] = { { 86400, "d" }, { 3600, "h" }, { 60, "min" }, { 1, "s" } };
	size_t at = 0;

	while (at < 3 && seconds < units[at].seconds)
		at++;
	fprintf(file, "%" PRIu32 " %s", seconds / units[at].seconds, units[at].name);
	seconds %= units[at].seconds;
	if (at < 3 && seconds / units[at + 1].seconds)
		fprintf(file, " %" PRIu32 " %s", seconds / units[at + 1].seconds, units[at + 1].name);
}

static void print_running(FILE *file, bool is_up, uint32_t seconds, uint32_t pid)
{
	if (!is_up) {
		fputs("not running", file);
		return;
	}
	fputs("running for ", file);
	print_duration(file, seconds);
	fprintf(file, ", process %" PRIu32, pid);
}

/* "startup-stateful" as "set config bootmode" calls it. */
static const char *boot_name(const char *startup_mode)
{
	static const char prefix[] = "startup-";
	size_t len = sizeof(prefix) - 1;

	return strncmp(startup_mode, prefix, len) ? startup_mode : startup_mode + len;
}

/* --- the list ----------------------------------------------------------------------------- */

static void print_mode(FILE *file, const void *row)
{
	const struct policy_status_info *info = row;
	int mode = info->mode ? nl_mode_from_name(info->mode) : -1;

	if (mode >= 0)
		fprintf(file, "%s: %s", info->mode, nl_mode_text((unsigned int)mode));
	else
		fputs(info->mode ? info->mode : "unknown", file);
}

static void print_startup(FILE *file, const void *row)
{
	const struct policy_status_info *info = row;
	const char *now = info->startup_mode ? boot_name(info->startup_mode) : NULL;

	if (now)
		fputs(now, file);
	if (info->boot_mode && (!now || strcmp(now, info->boot_mode) != 0))
		fprintf(file, "%s%s at the next boot", now ? "; " : "", info->boot_mode);
}

static void print_filters(FILE *file, const void *row)
{
	const struct policy_status_info *info = row;

	if (info->mode)
		fprintf(file, "%" PRIu32 ", exemption level %" PRIu32, info->filters,
			info->exempt_level);
}

static void print_associations(FILE *file, const void *row)
{
	const struct policy_status_info *info = row;

	if (!info->agent_version)
		return;
	fprintf(file, "%" PRIu32 " main mode, %" PRIu32 " quick mode", info->mm_sas, info->qm_sas);
	if (info->negotiations)
		fprintf(file, "; %" PRIu32 " %s", info->negotiations,
			info->negotiations == 1 ? "negotiation pending" : "negotiations pending");
}

static void print_agent(FILE *file, const void *row)
{
	const struct policy_status_info *info = row;

	print_running(file, info->agent_version, info->agent_seconds, info->agent_pid);
	if (info->agent_version)
		fprintf(file, ", version %s", info->agent_version);
}

static void print_ike(FILE *file, const void *row)
{
	const struct policy_status_info *info = row;

	if (info->agent_version)
		print_running(file, info->ike, info->ike_seconds, info->ike_pid);
}

static void print_cred(FILE *file, const void *row)
{
	const struct policy_status_info *info = row;

	if (info->agent_version)
		print_running(file, info->cred, info->cred_seconds, info->cred_pid);
}

static const struct column columns[] = {
	{ "Driver Mode", NULL, print_mode, COLUMN_LIST | COLUMN_WRAPPED },
	{ "Startup Mode", NULL, print_startup, COLUMN_LIST },
	{ "Driver Version", "driverversion", NULL, COLUMN_LIST },
	{ "Policy Agent", NULL, print_agent, COLUMN_LIST },
	{ "IKE Service", NULL, print_ike, COLUMN_LIST },
	{ "Credentials Service", NULL, print_cred, COLUMN_LIST },
	{ "Filters in Driver", NULL, print_filters, COLUMN_LIST },
	{ "Security Associations", NULL, print_associations, COLUMN_LIST },
};

static const struct view status_view = {
	.name = "status",
	.title = "IPSec Status",
	.record = &policy_status_record,
	VIEW_COLUMNS(columns),
};

/* --- drops -------------------------------------------------------------------------------- */

static int compare_drops(const void *a, const void *b)
{
	const struct ctl_counter *x = a, *y = b;

	return x->value < y->value ? 1 : x->value > y->value ? -1 : strcmp(x->key, y->key);
}

/* "12: 9 clear-text, 3 replay", most first */
static void write_drops(FILE *file, struct ctl_counters *drops)
{
	uint64_t sum = 0, shown = 0;

	ctl_drop_zeros(drops);
	qsort(drops->list, drops->n, sizeof(drops->list[0]), compare_drops);
	for (size_t i = 0; i < drops->n; i++)
		sum += drops->list[i].value;
	fprintf(file, "%" PRIu64, sum);
	for (size_t i = 0; i < drops->n && i < DROPS_SHOWN; i++) {
		fprintf(file, "%s%" PRIu64 " %s", i ? ", " : ": ", drops->list[i].value,
			drops->list[i].key);
		shown += drops->list[i].value;
	}
	if (shown < sum)
		fprintf(file, ", %" PRIu64 " other", sum - shown);
}

static int print_drops(FILE *file, const struct ctl_counters *drops)
{
	struct ctl_counters sorted = *drops;
	_cleanup_free_ char *text = NULL;
	size_t len;
	FILE *line = open_memstream(&text, &len);

	if (!line)
		return -ENOMEM;
	write_drops(line, &sorted);
	if (fclose(line))
		return -ENOMEM;
	print_labelled(file, "Packets Dropped", text);
	return 0;
}

/* --- layers and failures ------------------------------------------------------------------ */

static void print_state(FILE *file, const void *row)
{
	const struct policy_layer_info *layer = row;

	if (!strcmp(layer->state, "waiting"))
		fputs("waits for a restart", file);
	else
		fputs(strcmp(layer->state, "none") ? layer->state : "no policy assigned", file);
}

static const struct column layer_columns[] = {
	{ "Layer", "layer", NULL, COLUMN_TABLE },
	{ "Policy", "policy", NULL, COLUMN_TABLE },
	{ "Rules", "rules", NULL, COLUMN_TABLE },
	{ "Filters", "filters", NULL, COLUMN_TABLE },
	{ "State", NULL, print_state, COLUMN_TABLE },
};

static const struct view layer_view = {
	.name = "layers",
	.record = &policy_layer_record,
	VIEW_COLUMNS(layer_columns),
};

static const struct view failure_view = {
	.name = "failures",
	.record = &policy_failure_record,
};

static int print_failure(FILE *file, const struct policy_failure_info *failure)
{
	char peer[IP_ADDR_STRLEN];
	_cleanup_free_ char *text = NULL;
	size_t len;
	FILE *line = open_memstream(&text, &len);

	if (!line)
		return -ENOMEM;
	fprintf(line, "%s, ", failure->peer.family ? ip_addr_format(&failure->peer, peer) : "-");
	print_duration(line, failure->seconds);
	fprintf(line, " ago: %s mode, %s (%" PRIu32 ")", failure->mode, failure->text,
		failure->reason);
	if (failure->times > 1)
		fprintf(line, ", %" PRIu32 " times", failure->times);
	if (fclose(line))
		return -ENOMEM;
	print_wrapped(file, "  ", text);
	return 0;
}

static int print_failures(FILE *file, const struct status *status)
{
	int err = 0;

	if (status->n_failures)
		fputs("\nLast failures:\n", file);
	for (size_t i = 0; !err && i < status->n_failures; i++)
		err = print_failure(file, &status->failures[i]);
	return err;
}

/* --- the whole ---------------------------------------------------------------------------- */

enum ctl_exit status_print(struct ctl *ctl, const struct status *status)
{
	struct layout layout = { .is_table = false };
	enum ctl_exit ret;
	int err = 0;

	for (size_t i = 0; i < status->n_attentions; i++)
		print_wrapped(ctl->out, "! ", status->attentions[i]);
	if (status->n_attentions)
		fputc('\n', ctl->out);
	ret = ctl_print_view(ctl, &layout, &status_view, &status->info, 1);
	if (ret)
		return ret;
	if (status->has_driver)
		err = print_drops(ctl->out, &status->drops);
	if (!err && status->n_layers) {
		fputc('\n', ctl->out);
		err = ctl_print_table(ctl, &layout, &layer_view, status->layers, status->n_layers);
	}
	if (!err)
		err = print_failures(ctl->out, status);
	return err ? ctl_error(ctl, CTL_ERROR_NOT_ENOUGH_MEMORY, "out of memory") : CTL_EXIT_OK;
}

/* --- JSON --------------------------------------------------------------------------------- */

struct attention {
	const char *text;
};

static const struct policy_key attention_keys[] = {
	{ "text", POLICY_VALUE_STRING, offsetof(struct attention, text) },
};

static const struct policy_record attention_record = {
	.name = "attention",
	.size = sizeof(struct attention),
	.keys = attention_keys,
	.n_keys = 1,
};

static const struct view attention_view = { .name = "attentions", .record = &attention_record };

enum ctl_exit status_print_json(struct ctl *ctl, const struct status *status)
{
	struct layout layout = { .is_table = false };
	enum ctl_exit ret = ctl_print_view(ctl, &layout, &status_view, &status->info, 1);

	/* an array of strings is an array of records with one */
	if (!ret)
		ret = ctl_print_view(ctl, &layout, &attention_view, status->attentions,
				     status->n_attentions);
	if (!ret)
		ret = ctl_print_view(ctl, &layout, &layer_view, status->layers, status->n_layers);
	if (!ret)
		ret = ctl_print_view(ctl, &layout, &failure_view, status->failures,
				     status->n_failures);
	if (!ret)
		ret = ctl_print_counters(ctl, "drops", NULL, status->drops.list, status->drops.n);
	return ret;
}
