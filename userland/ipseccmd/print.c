// SPDX-License-Identifier: MIT
#include "ipseccmd/print.h"

#include <inttypes.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "ipseccmd/auth.h"
#include "policy/authmethod.h"
#include "policy/text.h"

/* A value behind its flag: one that looks like a flag is glued to it. */
static void print_value(FILE *file, const char *flag, const char *value)
{
	fprintf(file, " %s%s", flag, value[0] == '-' && value[1] ? "" : " ");
	policy_print_quoted(file, value);
}

static void print_filters(FILE *file, const char *flag, const struct run_filters *filters)
{
	if (!filters->n)
		return;
	fprintf(file, " %s", flag);
	for (size_t i = 0; i < filters->n; i++) {
		fputc(' ', file);
		filterspec_print(file, &filters->list[i]);
	}
}

static void print_offers(FILE *file, const struct run *run)
{
	fputs(" -n", file);
	if (run->action != RUN_ACTION_NEGOTIATE)
		fputs(run->action == RUN_ACTION_BLOCK ? " BLOCK" : " PASS", file);
	if (run->inpass)
		fputs(" INPASS", file);
	for (size_t i = 0; i < run->n_offers; i++) {
		fputc(' ', file);
		offer_print(file, &run->offers[i]);
	}
}

static void print_methods(FILE *file, const struct run *run, bool with_secrets)
{
	fputs(" -a", file);
	for (size_t i = 0; i < run->n_methods; i++) {
		_cleanup_(policy_secret_freep) char *text = auth_to_text(&run->methods[i], with_secrets);

		fputc(' ', file);
		policy_print_quoted(file, text ?: "");
	}
}

static void print_phase1(FILE *file, const struct run *run)
{
	if (run->given & RUN_GIVEN_MM_OFFERS)
		fputs(" -1s", file);
	for (size_t i = 0; i < run->n_mm_offers; i++) {
		fputc(' ', file);
		phase1_print_offer(file, &run->mm_offers[i]);
	}
	if (run->given & RUN_GIVEN_MM_PFS)
		fputs(" -1p", file);
	if (run->given & RUN_GIVEN_MM_LIFE) {
		fputs(" -1k ", file);
		phase1_print_life(file, &run->mm_life);
	}
	if (run->given & RUN_GIVEN_SOFT_LIFE)
		fprintf(file, " -1e %" PRIu32, run->soft_seconds);
	print_filters(file, "-1f", &run->mm_filters);
}

static void print_policy(FILE *file, const struct run *run)
{
	_cleanup_free_ char *value = NULL;

	if (run->has_polling ? asprintf(&value, "%s:%" PRIu32, run->policy, run->polling_minutes) < 0 :
	    !(value = strdup(run->policy)))
		return;
	print_value(file, "-p", value);
}

static void print_store(FILE *file, const struct run *run)
{
	if (run->given & RUN_GIVEN_STORE) {
		fputs(run->store == RUN_STORE_DIRECTORY ? " -w DS" : " -w REG", file);
		if (run->domain) {
			fputc(':', file);
			policy_print_quoted(file, run->domain);
		}
	}
	if (run->policy)
		print_policy(file, run);
	if (run->rule)
		print_value(file, "-r", run->rule);
}

static void print_switches(FILE *file, const struct run *run)
{
	static const struct {
		uint32_t given;
		const char *flag;
	} switches[] = {
		{ RUN_GIVEN_SOFT, "-soft" }, { RUN_GIVEN_LAN, "-lan" }, { RUN_GIVEN_DIALUP, "-dialup" },
		{ RUN_GIVEN_CONFIRM, "-confirm" }, { RUN_GIVEN_ASSIGN, "-x" },
		{ RUN_GIVEN_UNASSIGN, "-y" }, { RUN_GIVEN_DELETE, "-o" }, { RUN_GIVEN_WIPE, "-u" },
		{ RUN_GIVEN_HELP, "-?" },
	};

	for (size_t i = 0; i < sizeof(switches) / sizeof(switches[0]); i++)
		if (run->given & switches[i].given)
			fprintf(file, " %s", switches[i].flag);
}

static void print_queries(FILE *file, const struct run *run)
{
	static const char *const names[] = { "filters", "policies", "auth", "stats", "sas" };

	fputs(" show", file);
	if (run->queries == RUN_QUERY_ALL) {
		fputs(" all", file);
		return;
	}
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (run->queries & 1u << i)
			fprintf(file, " %s", names[i]);
}

static void print_flags(FILE *file, const struct run *run, bool with_secrets)
{
	print_filters(file, "-f", &run->filters);
	if (run->given & RUN_GIVEN_OFFERS)
		print_offers(file, run);
	if (run->given & RUN_GIVEN_TUNNEL) {
		fputs(" -t ", file);
		filterspec_print_address(file, &run->tunnel);
	}
	if (run->given & RUN_GIVEN_METHODS)
		print_methods(file, run, with_secrets);
	print_phase1(file, run);
	print_store(file, run);
	print_switches(file, run);
	if (run->file)
		print_value(file, "-file", run->file);
}

void print_run(FILE *file, const struct run *run, bool with_secrets)
{
	_cleanup_(policy_secret_freep) char *text = print_run_to_text(run, with_secrets);

	fputs(text ?: "", file);
}

char *print_run_to_text(const struct run *run, bool with_secrets)
{
	char *text = NULL;
	size_t len;
	FILE *file = open_memstream(&text, &len);

	if (!file)
		return NULL;
	if (run->machine)
		fprintf(file, " \\\\%s", run->machine);
	if (run->given & RUN_GIVEN_SHOW)
		print_queries(file, run);
	else
		print_flags(file, run, with_secrets);
	if (fclose(file) != 0) {
		free(text);
		return NULL;
	}
	/* Every part has put a blank before itself. */
	if (len)
		memmove(text, text + 1, len);
	return text;
}
