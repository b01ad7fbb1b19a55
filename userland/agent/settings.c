// SPDX-License-Identifier: MIT
#include "agent/settings.h"

#include <errno.h>
#include <stdio.h>
#include <strings.h>

#include "agent/oakley.h"
#include "link/messages.h"

#define LINE_MAX_LEN 1024
#define BLANKS " \t\r"
#define NAME_BREAKERS BLANKS ",\\\""

enum switch_kind {
	SWITCH_DISABLE_AUDITS,
	SWITCH_CHALLENGE,
	SWITCH_COUNT,
};

enum text_kind {
	TEXT_NONE,
	TEXT_OAKLEY_LOG,	/* a path */
	TEXT_KERBEROS_NAME,
	TEXT_KERBEROS_REALMS,
	TEXT_COUNT,
};

/* A property by another name, a text, or a switch of its own. */
struct setting {
	const char *name;
	const char *property;
	enum text_kind text;
	enum switch_kind own;
};

static const struct setting table[] = {
	{ "EnableLogging", .property = "ikelogging" },
	{ "StrongCrlCheck", .property = "strongcrlcheck" },
	{ "EnableDiagnostics", .property = "ipsecdiagnostics" },
	{ "LogInterval", .property = "ipsecloginterval" },
	{ "NoDefaultExempt", .property = "ipsecexempt" },
	{ "StrongCrypto", .property = "strongcrypto" },
	{ "DisableIKEAudits", .own = SWITCH_DISABLE_AUDITS },
	{ "EnableDOSProtect", .own = SWITCH_CHALLENGE },
	{ "OakleyLog", .text = TEXT_OAKLEY_LOG },
	{ "KerberosName", .text = TEXT_KERBEROS_NAME },
	{ "KerberosRealms", .text = TEXT_KERBEROS_REALMS },
};

struct settings {
	char **properties;		/* by property; NULL: not in the file */
	bool switches[SWITCH_COUNT];
	char *texts[TEXT_COUNT];	/* NULL: not in the file */
};

struct settings *settings_free(struct settings *settings)
{
	if (!settings)
		return NULL;
	for (size_t i = 0; settings->properties && i < policy_n_config_properties; i++)
		free(settings->properties[i]);
	free(settings->properties);
	for (size_t i = 0; i < TEXT_COUNT; i++)
		free(settings->texts[i]);
	free(settings);
	return NULL;
}

/* --- reading ------------------------------------------------------------------------------ */

static const struct setting *find(const char *name)
{
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		if (!strcasecmp(table[i].name, name))
			return &table[i];
	return NULL;
}

static char *trim(char *text)
{
	size_t len;

	text += strspn(text, BLANKS);
	len = strlen(text);
	while (len && strchr(BLANKS, text[len - 1]))
		text[--len] = '\0';
	return text;
}

static const char *take_property(struct settings *settings, const char *name, const char *value,
				 char why[static POLICY_WHY_LEN])
{
	const struct policy_config_property *property = policy_config_find(name);
	size_t index = (size_t)(property - policy_config_properties);
	char *checked;

	if (policy_config_check(property, value, &checked, why))
		return why;
	free(settings->properties[index]);
	settings->properties[index] = checked;
	return NULL;
}

/* What is wrong with it, or NULL. */
static const char *check_text(enum text_kind kind, const char *value)
{
	switch (kind) {
	case TEXT_OAKLEY_LOG:
		if (value[0] != '/' || value[strlen(value) - 1] == '/')
			return "the path of a file is expected, from the root";
		return NULL;
	case TEXT_KERBEROS_NAME:
		if (!strchr(value, '@') || strpbrk(value, NAME_BREAKERS) ||
		    strlen(value) > IKE_GSS_NAME_MAX_LEN)
			return "a name like host$@EXAMPLE.TEST is expected";
		return NULL;
	case TEXT_KERBEROS_REALMS:
		if (!value[strspn(value, ", ")] || strpbrk(value, "@") ||
		    strlen(value) > LINK_SECRET_MAX_LEN)
			return "realms are expected, with commas between them";
		return NULL;
	case TEXT_NONE:
	case TEXT_COUNT:
		break;
	}
	return "no text is expected";
}

static const char *take_text(struct settings *settings, enum text_kind kind, const char *value)
{
	const char *fault = check_text(kind, value);
	char *text;

	if (fault)
		return fault;
	text = strdup(value);
	if (!text)
		return "out of memory";
	free(settings->texts[kind]);
	settings->texts[kind] = text;
	return NULL;
}

/* NULL, or what is wrong with the line, which is changed. */
static const char *take_line(struct settings *settings, char *line, char why[static POLICY_WHY_LEN])
{
	char *value = strchr(line, '=');
	const struct setting *setting;

	if (!value)
		return "write NAME = VALUE";
	*value++ = '\0';
	setting = find(trim(line));
	value = trim(value);
	if (!setting)
		return "there is no such setting, see agent.conf(5)";
	if (setting->property)
		return take_property(settings, setting->property, value, why);
	if (setting->text != TEXT_NONE)
		return take_text(settings, setting->text, value);
	if (strcmp(value, "0") != 0 && strcmp(value, "1") != 0)
		return "0 or 1 is expected";
	settings->switches[setting->own] = value[0] == '1';
	return NULL;
}

static int read_file(struct settings *settings, const char *path,
		     void (*complain)(const char *line, const char *why))
{
	_cleanup_fclose_ FILE *file = fopen(path, "re");
	char line[LINE_MAX_LEN], copy[LINE_MAX_LEN], why[POLICY_WHY_LEN];

	if (!file)
		return errno == ENOENT ? 0 : -errno;
	while (fgets(line, sizeof(line), file)) {
		const char *fault, *text;

		line[strcspn(line, "\n")] = '\0';
		text = trim(line);
		if (!text[0] || text[0] == '#')
			continue;
		memcpy(copy, text, strlen(text) + 1);
		fault = take_line(settings, copy, why);
		if (fault && complain)
			complain(text, fault);
	}
	return ferror(file) ? -EIO : 0;
}

int settings_new(const char *path, void (*complain)(const char *line, const char *why),
		 struct settings **ret_settings)
{
	_cleanup_(settings_freep) struct settings *settings = calloc(1, sizeof(*settings));
	int r = 0;

	if (!settings)
		return -ENOMEM;
	settings->properties = calloc(policy_n_config_properties, sizeof(char *));
	if (!settings->properties)
		return -ENOMEM;
	if (path)
		r = read_file(settings, path, complain);
	if (r)
		return r;
	*ret_settings = TAKE_PTR(settings);
	return 0;
}

/* --- asking ------------------------------------------------------------------------------- */

const char *settings_property(const struct settings *settings,
			      const struct policy_config_property *property)
{
	return settings->properties[property - policy_config_properties];
}

bool settings_has_audit(const struct settings *settings)
{
	return !settings->switches[SWITCH_DISABLE_AUDITS];
}

bool settings_always_challenges(const struct settings *settings)
{
	return settings->switches[SWITCH_CHALLENGE];
}

const char *settings_oakley_path(const struct settings *settings)
{
	const char *path = settings->texts[TEXT_OAKLEY_LOG];

	return path ? path : OAKLEY_FILE;
}

static const char *text_or_empty(const struct settings *settings, enum text_kind kind)
{
	return settings->texts[kind] ? settings->texts[kind] : "";
}

const char *settings_kerberos_name(const struct settings *settings)
{
	return text_or_empty(settings, TEXT_KERBEROS_NAME);
}

const char *settings_kerberos_realms(const struct settings *settings)
{
	return text_or_empty(settings, TEXT_KERBEROS_REALMS);
}
