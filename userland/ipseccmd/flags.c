// SPDX-License-Identifier: MIT
#include "ipseccmd/flags.h"

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/parse.h"
#include "ipseccmd/auth.h"
#include "policy/check.h"

#define MACHINE_MAX	255
#define POLLING_MAX	(INT32_MAX / 60)	/* minutes, kept as seconds */

enum flag_kind {
	FLAG_SWITCH,
	FLAG_VALUE,
	FLAG_LIST,
};

struct flag {
	const char *name;		/* without its dash */
	enum run_given given;
	enum flag_kind kind;
	bool is_secret;			/* its words are not repeated in messages */
	/* 0, -EINVAL with a sentence without the word, -ENOMEM */
	int (*take)(struct run *run, const char *value, char *why);
};

__attribute__((format(printf, 3, 4)))
static int refuse(char *why, size_t len, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	vsnprintf(why, len, format, ap);
	va_end(ap);
	return -EINVAL;
}

static int set_string(char **field, const char *value, char *why)
{
	char *copy = strdup(value);

	if (!copy) {
		snprintf(why, POLICY_WHY_LEN, "out of memory");
		return -ENOMEM;
	}
	free(*field);
	*field = copy;
	return 0;
}

/* --- values ------------------------------------------------------------------------------- */

static int take_filter_into(struct run_filters *filters, const char *value, char *why,
			    int (*parse)(const char *text, struct filterspec *ret_spec, char *why))
{
	struct filterspec spec;
	int err;

	if (filters->n == RUN_FILTERS_MAX)
		return refuse(why, POLICY_WHY_LEN, "there are more than %d filters: use subnets, or "
			      "several commands", RUN_FILTERS_MAX);
	err = parse(value, &spec, why);
	if (err)
		return err;
	err = run_filters_add(filters, &spec);
	if (err)
		snprintf(why, POLICY_WHY_LEN, "out of memory");
	return err;
}

static int take_filter(struct run *run, const char *value, char *why)
{
	return take_filter_into(&run->filters, value, why, filterspec_parse);
}

static int take_mm_filter(struct run *run, const char *value, char *why)
{
	return take_filter_into(&run->mm_filters, value, why, filterspec_parse_main_mode);
}

static int take_action(struct run *run, enum run_action action, char *why)
{
	if (run->action != RUN_ACTION_NEGOTIATE && run->action != action)
		return refuse(why, POLICY_WHY_LEN, "BLOCK and PASS exclude each other: give one of them");
	run->action = action;
	return 0;
}

static int take_offer(struct run *run, const char *value, char *why)
{
	int err;

	if (!strcasecmp(value, "BLOCK"))
		return take_action(run, RUN_ACTION_BLOCK, why);
	if (!strcasecmp(value, "PASS"))
		return take_action(run, RUN_ACTION_PASS, why);
	if (!strcasecmp(value, "INPASS")) {
		run->inpass = true;
		return 0;
	}
	if (run->n_offers == POLICY_MAX_OFFERS)
		return refuse(why, POLICY_WHY_LEN, "there are at most %d offers: leave some out",
			      POLICY_MAX_OFFERS);
	err = offer_parse(value, &run->offers[run->n_offers], why);
	if (!err)
		run->n_offers++;
	return err;
}

static int take_tunnel(struct run *run, const char *value, char *why)
{
	return filterspec_parse_host(value, &run->tunnel, why);
}

static int take_method(struct run *run, const char *value, char *why)
{
	return auth_add(run->methods, &run->n_methods, value, why);
}

static int take_mm_offer(struct run *run, const char *value, char *why)
{
	bool was_three;
	int err;

	if (run->n_mm_offers == POLICY_MAX_OFFERS)
		return refuse(why, POLICY_WHY_LEN, "there are at most %d offers: leave some out",
			      POLICY_MAX_OFFERS);
	err = phase1_parse_offer(value, &run->mm_offers[run->n_mm_offers], &was_three, why);
	if (err)
		return err;
	run->n_mm_offers++;
	if (was_three)
		run_warn(run, "-1s %.64s: there was no group 3 in Windows XP; it is taken as group 14 "
			 "(2048 bits)", value);
	return 0;
}

static int take_mm_life(struct run *run, const char *value, char *why)
{
	return phase1_parse_life(value, &run->mm_life, why);
}

static int take_soft_life(struct run *run, const char *value, char *why)
{
	if (parse_u32_range(value, 1, 86400, &run->soft_seconds) < 0)
		return refuse(why, POLICY_WHY_LEN, "expected the seconds that a soft association lives, 1 "
			      "to 86400");
	return 0;
}

static int take_store(struct run *run, const char *value, char *why)
{
	size_t len = strcspn(value, ":");
	bool is_directory = len == 2 && !strncasecmp(value, "DS", len);

	if (!is_directory && !(len == 3 && !strncasecmp(value, "REG", len)))
		return refuse(why, POLICY_WHY_LEN, "a store is REG (that of the machine) or DS[:domain] "
			      "(the directory)");
	run->store = is_directory ? RUN_STORE_DIRECTORY : RUN_STORE_REGISTRY;
	if (!value[len])
		return 0;
	if (!is_directory)
		return refuse(why, POLICY_WHY_LEN, "a domain goes with DS; another machine's store is "
			      "\\\\MACHINE before everything else");
	return policy_name_check("the domain", value + len + 1, why) ?:
	       set_string(&run->domain, value + len + 1, why);
}

/* "name" or "name:minutes"; other colons belong to the name. */
static int take_policy(struct run *run, const char *value, char *why)
{
	const char *colon = strrchr(value, ':');
	int err;

	err = set_string(&run->policy, value, why);
	if (err)
		return err;
	if (colon && colon[1] && !colon[1 + strspn(colon + 1, "0123456789")]) {
		if (parse_u32_range(colon + 1, 0, POLLING_MAX, &run->polling_minutes) < 0)
			return refuse(why, POLICY_WHY_LEN, "behind the colon stand the minutes between two "
				      "looks for changes, 0 (the default) to %d", POLLING_MAX);
		run->has_polling = true;
		run->policy[colon - value] = '\0';
	}
	return policy_name_check("the policy", run->policy, why);
}

static int take_rule(struct run *run, const char *value, char *why)
{
	return policy_name_check("the rule", value, why) ?: set_string(&run->rule, value, why);
}

static int take_file(struct run *run, const char *value, char *why)
{
	if (!*value)
		return refuse(why, POLICY_WHY_LEN, "name the file with the commands, or - for the standard "
			      "input");
	return policy_text_check("the name", value, why) ?: set_string(&run->file, value, why);
}

static const struct flag flags[] = {
	{ "f", RUN_GIVEN_FILTERS, FLAG_LIST, false, take_filter },
	{ "n", RUN_GIVEN_OFFERS, FLAG_LIST, false, take_offer },
	{ "t", RUN_GIVEN_TUNNEL, FLAG_VALUE, false, take_tunnel },
	{ "a", RUN_GIVEN_METHODS, FLAG_LIST, true, take_method },
	{ "soft", RUN_GIVEN_SOFT, FLAG_SWITCH, false, NULL },
	{ "lan", RUN_GIVEN_LAN, FLAG_SWITCH, false, NULL },
	{ "dialup", RUN_GIVEN_DIALUP, FLAG_SWITCH, false, NULL },
	{ "confirm", RUN_GIVEN_CONFIRM, FLAG_SWITCH, false, NULL },
	{ "c", RUN_GIVEN_CONFIRM, FLAG_SWITCH, false, NULL },
	{ "1s", RUN_GIVEN_MM_OFFERS, FLAG_LIST, false, take_mm_offer },
	{ "1p", RUN_GIVEN_MM_PFS, FLAG_SWITCH, false, NULL },
	{ "1k", RUN_GIVEN_MM_LIFE, FLAG_VALUE, false, take_mm_life },
	{ "1e", RUN_GIVEN_SOFT_LIFE, FLAG_VALUE, false, take_soft_life },
	{ "1f", RUN_GIVEN_MM_FILTERS, FLAG_LIST, false, take_mm_filter },
	{ "w", RUN_GIVEN_STORE, FLAG_VALUE, false, take_store },
	{ "p", RUN_GIVEN_POLICY, FLAG_VALUE, false, take_policy },
	{ "r", RUN_GIVEN_RULE, FLAG_VALUE, false, take_rule },
	{ "x", RUN_GIVEN_ASSIGN, FLAG_SWITCH, false, NULL },
	{ "y", RUN_GIVEN_UNASSIGN, FLAG_SWITCH, false, NULL },
	{ "o", RUN_GIVEN_DELETE, FLAG_SWITCH, false, NULL },
	{ "u", RUN_GIVEN_WIPE, FLAG_SWITCH, false, NULL },
	{ "file", RUN_GIVEN_FILE, FLAG_VALUE, false, take_file },
	{ "?", RUN_GIVEN_HELP, FLAG_SWITCH, false, NULL },
	{ "h", RUN_GIVEN_HELP, FLAG_SWITCH, false, NULL },
	{ "help", RUN_GIVEN_HELP, FLAG_SWITCH, false, NULL },
};

#define N_FLAGS (sizeof(flags) / sizeof(flags[0]))

const char *flags_name(size_t i, char buf[static 16])
{
	if (i >= N_FLAGS)
		return NULL;
	snprintf(buf, 16, "-%s", flags[i].name);
	return buf;
}

/* --- flags -------------------------------------------------------------------------------- */

/*
 * The flag that @word is, or begins with; then *ret_glued is the rest, else NULL. A switch has no
 * value, so nothing is glued to it.
 */
static const struct flag *find_flag(const char *word, const char **ret_glued)
{
	const struct flag *found = NULL;
	size_t found_len = 0;

	*ret_glued = NULL;
	for (size_t i = 0; i < N_FLAGS; i++) {
		size_t len = strlen(flags[i].name);

		if (strncasecmp(word + 1, flags[i].name, len) != 0)
			continue;
		if (!word[1 + len]) {
			*ret_glued = NULL;
			return &flags[i];
		}
		if (flags[i].kind != FLAG_SWITCH && len > found_len) {
			found = &flags[i];
			found_len = len;
			*ret_glued = word + 1 + len;
		}
	}
	return found;
}

static int take_word(struct run *run, const struct flag *flag, const char *word,
		     char why[static RUN_WHY_LEN])
{
	char fault[POLICY_WHY_LEN] = "";
	int err = flag->take(run, word, fault);

	if (err && flag->is_secret)
		snprintf(why, RUN_WHY_LEN, "-%s: %s", flag->name, fault);
	else if (err)
		snprintf(why, RUN_WHY_LEN, "-%s %.128s: %s", flag->name, word, fault);
	return err;
}

/* "-" is a value: the standard input. */
static bool is_flag(const char *word)
{
	return word[0] == '-' && word[1];
}

/* What belongs to the flag at words[0]; *ret_taken words, it included. */
static int take_flag(struct run *run, char *const *words, size_t n, size_t *ret_taken,
		     char why[static RUN_WHY_LEN])
{
	const char *glued;
	const struct flag *flag = find_flag(words[0], &glued);
	size_t most, taken = 1, values = 0;
	int err = 0;

	if (!flag)
		return refuse(why, RUN_WHY_LEN, "there is no flag %.64s; ipseccmd -? lists them",
			      words[0]);
	if (flag->kind == FLAG_VALUE && run->given & flag->given)
		return refuse(why, RUN_WHY_LEN, "-%s is given twice; give it once", flag->name);
	run->given |= flag->given;
	most = flag->kind == FLAG_LIST ? SIZE_MAX : flag->kind == FLAG_VALUE ? 1 : 0;
	if (glued) {
		err = take_word(run, flag, glued, why);
		values++;
	}
	while (!err && values < most && taken < n && !is_flag(words[taken])) {
		err = take_word(run, flag, words[taken++], why);
		values++;
	}
	if (!err && most && !values)
		return refuse(why, RUN_WHY_LEN, "-%s lacks its value; ipseccmd -? shows what it takes",
			      flag->name);
	*ret_taken = taken;
	return err;
}

static int take_flags(struct run *run, char *const *words, size_t n, char why[static RUN_WHY_LEN])
{
	for (size_t i = 0, taken = 1; i < n; i += taken) {
		int err;

		if (words[i][0] != '-')
			return refuse(why, RUN_WHY_LEN, "\"%.64s\" belongs to no flag%s", words[i],
				      !strcasecmp(words[i], "show") ?
				      "; show comes before everything but \\\\MACHINE" :
				      words[i][0] == '\\' ? "; \\\\MACHINE comes first" :
				      "; values with blanks stand in quotes");
		err = take_flag(run, words + i, n - i, &taken, why);
		if (err)
			return err;
	}
	return 0;
}

/* --- the rest ----------------------------------------------------------------------------- */

static const struct {
	const char *name;
	uint32_t query;
} queries[] = {
	{ "filters", RUN_QUERY_FILTERS }, { "policies", RUN_QUERY_POLICIES },
	{ "auth", RUN_QUERY_AUTH }, { "stats", RUN_QUERY_STATS },
	{ "sas", RUN_QUERY_SAS }, { "all", RUN_QUERY_ALL },
};

static int take_query(struct run *run, const char *word, char why[static RUN_WHY_LEN])
{
	for (size_t i = 0; i < sizeof(queries) / sizeof(queries[0]); i++) {
		if (!strcasecmp(word, queries[i].name)) {
			run->queries |= queries[i].query;
			return 0;
		}
	}
	return refuse(why, RUN_WHY_LEN, "show %.64s: expected filters, policies, auth, stats, sas or all%s",
		      word, *word == '-' ? "; a query goes with no flags" : "");
}

static int take_queries(struct run *run, char *const *words, size_t n, char why[static RUN_WHY_LEN])
{
	int err = 0;

	run->given |= RUN_GIVEN_SHOW;
	for (size_t i = 0; !err && i < n; i++)
		err = take_query(run, words[i], why);
	if (!err && !run->queries)
		return refuse(why, RUN_WHY_LEN, "show what? filters, policies, auth, stats, sas or all");
	return err;
}

/*
 * "\\name". A shell makes one backslash of two, and the original's own help prints four: any
 * number will do. What follows goes to another program, so it is no option and has no surprises.
 */
static int take_machine(struct run *run, const char *word, char why[static RUN_WHY_LEN])
{
	const char *name = word + strspn(word, "\\");

	run->given |= RUN_GIVEN_MACHINE;
	if (!isalnum((unsigned char)*name) || strlen(name) > MACHINE_MAX)
		return refuse(why, RUN_WHY_LEN, "%.64s: behind \\\\ stands the name of a machine", word);
	for (const char *c = name; *c; c++)
		if (!isalnum((unsigned char)*c) && !strchr("-._@:", *c))
			return refuse(why, RUN_WHY_LEN, "%.64s: \"%c\" cannot be in the name of a machine",
				      word, *c);
	return set_string(&run->machine, name, why);
}

int flags_parse(char *const *words, size_t n, struct run **ret_run, char why[static RUN_WHY_LEN])
{
	_cleanup_(run_freep) struct run *run = run_new();
	int err = 0;

	if (!run) {
		snprintf(why, RUN_WHY_LEN, "out of memory");
		return -ENOMEM;
	}
	if (n && words[0][0] == '\\') {
		err = take_machine(run, words[0], why);
		words++;
		n--;
	}
	if (err)
		return err;
	if (!n || !strcmp(words[0], "/?"))
		run->given |= RUN_GIVEN_HELP;
	else if (!strcasecmp(words[0], "show"))
		err = take_queries(run, words + 1, n - 1, why);
	else
		err = take_flags(run, words, n, why);
	err = err ?: run_check(run, why);
	if (!err)
		*ret_run = TAKE_PTR(run);
	return err;
}
