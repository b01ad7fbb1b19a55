// SPDX-License-Identifier: MIT
/*
 * Which flags go together. A row of @conflicts refuses a run that has a flag of @with where @when holds;
 * the first row that fits is the answer, so those that tell most come first.
 */
#include <errno.h>
#include <stdarg.h>
#include <stddef.h>

#include "ipseccmd/run.h"

#define ALONE (RUN_GIVEN_HELP | RUN_GIVEN_MACHINE)

enum mode_bits {
	MODE_DYNAMIC	= 1 << RUN_DYNAMIC,
	MODE_STATIC	= 1 << RUN_STATIC,
	MODE_QUERY	= 1 << RUN_QUERY,
	MODE_BATCH	= 1 << RUN_BATCH,
	MODE_WIPE	= 1 << RUN_WIPE,
};

static const struct {
	unsigned int modes;		/* enum mode_bits */
	uint32_t when;			/* and one of these flags is given, unless 0 */
	uint32_t with;			/* enum run_given, any of them */
	const char *sentence;
} conflicts[] = {
	{ MODE_BATCH, 0, ~(uint32_t)(RUN_GIVEN_FILE | ALONE),
	  "-file goes with no other flag: write the flags into the lines of the file" },
	{ MODE_WIPE, 0, ~(uint32_t)(RUN_GIVEN_WIPE | ALONE),
	  "-u deletes all dynamic policy and goes with no other flag: give two commands" },
	{ MODE_STATIC, 0, RUN_GIVEN_CONFIRM,
	  "-confirm asks before dynamic policy is changed; leave it out with -w" },
	{ MODE_DYNAMIC, 0, RUN_GIVEN_POLICY,
	  "-p names a stored policy: say with -w REG in which store, or leave it out" },
	{ MODE_DYNAMIC, 0, RUN_GIVEN_RULE,
	  "-r names a stored rule: say with -w REG in which store, or leave it out" },
	{ MODE_DYNAMIC, 0, RUN_GIVEN_ASSIGN | RUN_GIVEN_UNASSIGN,
	  "-x and -y are for stored policies: add -w REG and -p; dynamic policy is in force at once" },
	{ MODE_DYNAMIC, 0, RUN_GIVEN_DELETE,
	  "-o deletes a stored policy: add -w REG and -p; -u deletes all dynamic policy" },
	{ MODE_STATIC, RUN_GIVEN_ASSIGN, RUN_GIVEN_UNASSIGN,
	  "-x and -y exclude each other: give one of them" },
	{ MODE_STATIC, RUN_GIVEN_DELETE,
	  RUN_GIVEN_RULE_PARTS | RUN_GIVEN_IKE | RUN_GIVEN_RULE | RUN_GIVEN_ASSIGN | RUN_GIVEN_UNASSIGN,
	  "-o deletes the policy that -p names and goes with -w and -p only: give two commands" },
	{ MODE_DYNAMIC | MODE_STATIC, RUN_GIVEN_LAN, RUN_GIVEN_DIALUP,
	  "-lan and -dialup exclude each other: give one of them, or none for all adapters" },
};

__attribute__((format(printf, 2, 3)))
static int refuse(char *why, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	vsnprintf(why, RUN_WHY_LEN, format, ap);
	va_end(ap);
	return -EINVAL;
}

static int check_conflicts(const struct run *run, char *why)
{
	unsigned int mode = 1u << run_mode(run);

	for (size_t i = 0; i < sizeof(conflicts) / sizeof(conflicts[0]); i++)
		if (mode & conflicts[i].modes && run->given & conflicts[i].with &&
		    (!conflicts[i].when || run->given & conflicts[i].when))
			return refuse(why, "%s", conflicts[i].sentence);
	return 0;
}

static int check_spec(const struct run *run, const struct filterspec *spec, char *why)
{
	bool is_static = run->given & RUN_GIVEN_STORE;

	if (is_static && (spec->kind == FILTERSPEC_PASS || spec->kind == FILTERSPEC_DROP))
		return refuse(why, "-f: ( ) and [ ] are for dynamic policy; with -w say -n %s instead",
			      spec->kind == FILTERSPEC_PASS ? "PASS" : "BLOCK");
	if (is_static && (spec->source.interface || spec->destination.interface))
		return refuse(why, "-f: a stored policy has no interfaces; with -w write 0, with -lan or "
			      "-dialup, instead of {%.64s}",
			      spec->source.interface ?: spec->destination.interface);
	if (spec->source.interface && spec->destination.interface)
		return refuse(why, "-f: source and destination are both an interface of this host; name "
			      "the other side");
	if ((spec->source.interface || spec->destination.interface) &&
	    run->given & (RUN_GIVEN_LAN | RUN_GIVEN_DIALUP))
		return refuse(why, "-f: {%.64s} is one interface already; leave -lan and -dialup out",
			      spec->source.interface ?: spec->destination.interface);
	if (spec->kind == FILTERSPEC_DEFAULT && run->filters.n > 1)
		return refuse(why, "-f: DEFAULT is a rule by itself; give the other filters in another "
			      "command");
	if (spec->kind == FILTERSPEC_DEFAULT &&
	    run->given & (RUN_GIVEN_LAN | RUN_GIVEN_DIALUP | RUN_GIVEN_SOFT))
		return refuse(why, "-f: the default response rule answers on all adapters and never begins; "
			      "leave -lan, -dialup and -soft out");
	if (spec->kind == FILTERSPEC_DEFAULT && run->given & RUN_GIVEN_TUNNEL)
		return refuse(why, "-t: the default response rule has no tunnel; leave one of the two out");
	if (spec->kind == FILTERSPEC_DEFAULT && run->mm_filters.n)
		return refuse(why, "-1f: the default response rule answers whoever asks, from any address; "
			      "leave it out");
	if (run->given & RUN_GIVEN_TUNNEL && spec->mirrored)
		return refuse(why, "-t: a tunnel has one direction: write = instead of +, and a second "
			      "command for the other direction with its own -t");
	return 0;
}

static int check_action(struct run *run, char *why)
{
	bool is_static = run->given & RUN_GIVEN_STORE;
	bool is_plain = run->action == RUN_ACTION_NEGOTIATE;

	if (!is_static && !is_plain)
		return refuse(why, "-n: BLOCK and PASS are for stored policies (-w); in dynamic policy put "
			      "the filter of -f in %s",
			      run->action == RUN_ACTION_BLOCK ? "[ ]" : "( )");
	if (!is_static && run->inpass)
		return refuse(why, "-n: INPASS is for stored policies; add -w, or leave it out");
	if (run->inpass && !is_plain)
		return refuse(why, "-n: INPASS lets pass what arrives and secures what leaves, so it goes "
			      "with offers and not with %s",
			      run->action == RUN_ACTION_BLOCK ? "BLOCK" : "PASS");
	if (!is_plain && run->n_offers)
		run_warn(run, "-n: %s holds for all filters of the rule; its offers are not used",
			 run->action == RUN_ACTION_BLOCK ? "BLOCK" : "PASS");
	return 0;
}

static int check_dynamic(const struct run *run, char *why)
{
	if (run->given & RUN_GIVEN_RULE_PARTS && !run->filters.n)
		return refuse(why, "-f is missing: say which traffic is meant, such as -f 0+10.0.0.1");
	if (!(run->given & (RUN_GIVEN_RULE_PARTS | RUN_GIVEN_IKE)))
		return refuse(why, "there is nothing to do: -f says which traffic is meant; ipseccmd -? "
			      "lists the flags");
	return 0;
}

static int check_static(const struct run *run, char *why)
{
	uint32_t given = run->given;

	if (!(given & RUN_GIVEN_POLICY))
		return refuse(why, "-p is missing: -w needs the name of the policy");
	if (given & RUN_GIVEN_RULE_PARTS && !(given & RUN_GIVEN_RULE))
		return refuse(why, "-r is missing: say the name of the rule that is made or changed");
	if (given & (RUN_GIVEN_ASSIGN | RUN_GIVEN_UNASSIGN) && run->store == RUN_STORE_DIRECTORY)
		return refuse(why, "-x and -y are for the machine's own store (-w REG); a policy in the "
			      "directory is assigned by a group policy");
	if (!run->has_polling && !(given & (RUN_GIVEN_RULE | RUN_GIVEN_IKE | RUN_GIVEN_ASSIGN |
					    RUN_GIVEN_UNASSIGN | RUN_GIVEN_DELETE)))
		return refuse(why, "there is nothing to do: -r and -f make a rule in the policy, -x assigns "
			      "it, -o deletes it");
	return 0;
}

int run_check(struct run *run, char why[static RUN_WHY_LEN])
{
	enum run_mode mode = run_mode(run);
	int err;

	if (mode == RUN_HELP)
		return 0;
	err = check_conflicts(run, why);
	if (mode != RUN_DYNAMIC && mode != RUN_STATIC)
		return err;
	for (size_t i = 0; !err && i < run->filters.n; i++)
		err = check_spec(run, &run->filters.list[i], why);
	err = err ?: check_action(run, why);
	err = err ?: (mode == RUN_STATIC ? check_static(run, why) : check_dynamic(run, why));
	if (!err && run->mm_life.seconds % 60)
		run_warn(run, "-1k: main modes are counted in minutes; %uS is taken as %uS",
			 run->mm_life.seconds, run->mm_life.seconds / 60 * 60);
	if (!err && run->given & RUN_GIVEN_MM_PFS && run->mm_life.quick_modes > 1)
		run_warn(run, "-1p: with master PFS every quick mode has a main mode of its own; the %uQ of "
			 "-1k have no effect", run->mm_life.quick_modes);
	return err;
}
