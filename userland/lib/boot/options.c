// SPDX-License-Identifier: MIT
#include "boot/options.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <strings.h>

#include "base/cleanup.h"
#include "base/siphash.h"

static const struct {
	const char *property;
	const char *parameter;
} table[] = {
	{ "bootmode", "startup_mode" },
	{ "bootexemptions", "boot_exempt" },
	{ "ipsecexempt", "exempt" },
	{ "ipsecdiagnostics", "diag" },
	{ "ipsecloginterval", "log_interval" },
};

#define TABLE_LEN (sizeof(table) / sizeof(table[0]))

static_assert(TABLE_LEN == sizeof(((struct boot_options *)0)->values) / sizeof(char *),
	      "a value for each parameter");

void boot_options_clear(struct boot_options *options)
{
	for (size_t i = 0; i < TABLE_LEN; i++)
		free(options->values[i]);
	*options = (struct boot_options){ 0 };
}

const char *boot_options_property(size_t index)
{
	return index < TABLE_LEN ? table[index].property : NULL;
}

static size_t find(const char *property)
{
	size_t i = 0;

	while (i < TABLE_LEN && strcasecmp(table[i].property, property) != 0)
		i++;
	return i;
}

bool boot_options_has(const char *property)
{
	return find(property) < TABLE_LEN;
}

int boot_options_set(struct boot_options *options, const char *property, const char *value,
		     char why[static POLICY_WHY_LEN])
{
	size_t i = find(property);
	char *checked;
	int r;

	if (i == TABLE_LEN) {
		snprintf(why, POLICY_WHY_LEN, "\"%.64s\" is nothing that the driver starts with",
			 property);
		return -EINVAL;
	}
	r = policy_config_check(policy_config_find(property), value, &checked, why);
	if (r)
		return r;
	free(options->values[i]);
	options->values[i] = checked;
	return 0;
}

/* --- the file, as others write it ---------------------------------------------------------- */

/* "startup_mode=block"; what is not understood is left out. */
static int take_parameter(struct boot_options *options, char *word)
{
	char why[POLICY_WHY_LEN], *value = strchr(word, '=');
	int r = 0;

	if (!value)
		return 0;
	*value++ = '\0';
	for (char *at = value; *at; at++)
		*at = *at == ',' ? ' ' : *at;
	for (size_t i = 0; i < TABLE_LEN; i++)
		if (!strcmp(word, table[i].parameter))
			r = boot_options_set(options, table[i].property, value, why);
	return r == -ENOMEM ? r : 0;
}

static int take_line(struct boot_options *options, char *line)
{
	char *at, *word = strtok_r(line, " \t", &at);
	int r = 0;

	if (!word || strcmp(word, "options") != 0)
		return 0;
	word = strtok_r(NULL, " \t", &at);
	if (!word || strcmp(word, "ipsecdrv") != 0)
		return 0;
	while (!r && (word = strtok_r(NULL, " \t", &at)))
		r = take_parameter(options, word);
	return r;
}

int boot_options_parse(const char *text, struct boot_options *ret_options)
{
	_cleanup_free_ char *copy = strdup(text);
	struct boot_options options = { 0 };
	char *at, *line = copy ? strtok_r(copy, "\n", &at) : NULL;
	int r = copy ? 0 : -ENOMEM;

	for (; !r && line; line = strtok_r(NULL, "\n", &at))
		r = take_line(&options, line);
	if (r)
		boot_options_clear(&options);
	*ret_options = options;
	return r;
}

/* --- the file, as it is written here ------------------------------------------------------ */

#define HEAD								\
	"# Written by ipsec-policy-agent: \"ipsecctl dynamic set config\" changes it.  What is changed\n" \
	"# here by hand counts when the driver is loaded, and stays until that command is used.\n"
#define MARK "# policy="
#define SUM " sum="
#define SUM_LEN (sizeof(SUM) - 1 + 16)

/* Against accidents, not against people: who can write the file is root. */
static uint64_t sum_of(const char *before, size_t before_len, const char *after)
{
	static const struct siphash_key key = { 3, 4 };
	uint64_t sums[2] = {
		siphash(&key, before, before_len),
		siphash(&key, after, strlen(after)),
	};

	return siphash(&key, sums, sizeof(sums));
}

/* A list of the command line has blanks, one of the module commas. */
static void print_value(FILE *file, const char *value)
{
	for (; *value; value++)
		fputc(*value == ' ' ? ',' : *value, file);
}

static int print_options(const struct boot_options *options, char **ret_text)
{
	size_t len;
	FILE *file = open_memstream(ret_text, &len);

	if (!file)
		return -ENOMEM;
	fputs("\noptions ipsecdrv", file);
	for (size_t i = 0; i < TABLE_LEN; i++) {
		fprintf(file, " %s=", table[i].parameter);
		print_value(file, options->values[i]);
	}
	fputs("\n", file);
	return fclose(file) ? -ENOMEM : 0;
}

char *boot_options_format(const struct boot_options *options)
{
	const char *head = options->has_policy ? HEAD MARK "assigned" : HEAD MARK "none";
	_cleanup_free_ char *rest = NULL;
	char *text;

	if (print_options(options, &rest) ||
	    asprintf(&text, "%s" SUM "%016" PRIx64 "%s", head, sum_of(head, strlen(head), rest),
		     rest) < 0)
		return NULL;
	return text;
}

bool boot_options_is_own(const char *text)
{
	const char *mark = strstr(text, "\n" MARK);
	const char *sum = mark ? strstr(mark, SUM) : NULL;
	char wanted[SUM_LEN + 1];

	if (!sum || strlen(sum) < SUM_LEN)
		return false;
	snprintf(wanted, sizeof(wanted), SUM "%016" PRIx64,
		 sum_of(text, (size_t)(sum - text), sum + SUM_LEN));
	return !strncmp(sum, wanted, SUM_LEN);
}
