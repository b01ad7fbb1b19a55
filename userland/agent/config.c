// SPDX-License-Identifier: MIT
#include "agent/config.h"

#include <errno.h>
#include <stdio.h>

#include "policy/fault.h"
#include "agent/settings.h"
#include "base/file.h"
#include "base/parse.h"

#define LINE_MAX_LEN 65536	/* bootexemptions can be long */

struct config {
	char *path;
	const struct settings *settings;
	char **values;		/* by property; NULL: not set */
};

static size_t index_of(const struct policy_config_property *property)
{
	return (size_t)(property - policy_config_properties);
}

static const char *value_of(const struct config *config,
			    const struct policy_config_property *property)
{
	const char *value = config->values[index_of(property)];

	if (!value)
		value = settings_property(config->settings, property);
	return value ? value : property->fallback;
}

struct config *config_free(struct config *config)
{
	if (!config)
		return NULL;
	for (size_t i = 0; config->values && i < policy_n_config_properties; i++)
		free(config->values[i]);
	free(config->values);
	free(config->path);
	free(config);
	return NULL;
}

/* --- reading ------------------------------------------------------------------------------ */

/* NULL, or what is wrong with the line. */
static const char *take_line(struct config *config, char *line, char why[static POLICY_WHY_LEN])
{
	const struct policy_config_property *property;
	char *value = strchr(line, '=');
	char *checked;

	if (!value)
		return "there is no \"=\" in it";
	*value++ = '\0';
	property = policy_config_find(line);
	if (!property)
		return "there is no such property";
	if (policy_config_check(property, value, &checked, why))
		return why;
	free(config->values[index_of(property)]);
	config->values[index_of(property)] = checked;
	return NULL;
}

static int read_file(struct config *config, void (*complain)(const char *line, const char *why))
{
	_cleanup_fclose_ FILE *file = fopen(config->path, "re");
	_cleanup_free_ char *line = malloc(LINE_MAX_LEN);
	char why[POLICY_WHY_LEN];

	if (!line)
		return -ENOMEM;
	if (!file)
		return errno == ENOENT ? 0 : -errno;
	while (fgets(line, LINE_MAX_LEN, file)) {
		const char *fault;

		line[strcspn(line, "\n")] = '\0';
		if (!line[0] || line[0] == '#')
			continue;
		fault = take_line(config, line, why);
		if (fault && complain)
			complain(line, fault);
	}
	return ferror(file) ? -EIO : 0;
}

int config_new(const char *path, const struct settings *settings,
	       void (*complain)(const char *line, const char *why), struct config **ret_config)
{
	_cleanup_(config_freep) struct config *config = calloc(1, sizeof(*config));
	int r;

	if (!config)
		return -ENOMEM;
	config->settings = settings;
	config->path = strdup(path);
	config->values = calloc(policy_n_config_properties, sizeof(char *));
	if (!config->path || !config->values)
		return -ENOMEM;
	r = read_file(config, complain);
	if (r)
		return r;
	*ret_config = TAKE_PTR(config);
	return 0;
}

/* --- writing ------------------------------------------------------------------------------ */

static int write_file(const struct config *config)
{
	_cleanup_free_ char *text = NULL;
	size_t len;
	FILE *file = open_memstream(&text, &len);

	if (!file)
		return -ENOMEM;
	fputs("# written by ipsec-policy-agent; use \"ipsecctl dynamic set config\"\n", file);
	for (size_t i = 0; i < policy_n_config_properties; i++)
		if (config->values[i])
			fprintf(file, "%s=%s\n", policy_config_properties[i].name,
				config->values[i]);
	if (fclose(file))
		return -ENOMEM;
	return file_replace(config->path, text, len, 0644);
}

/* The property, and the value as it is kept, for the caller to free. */
static int check(const char *name, const char *value,
		 const struct policy_config_property **ret_property, char **ret_checked,
		 struct fault *fault)
{
	const struct policy_config_property *property = policy_config_find(name);
	char why[POLICY_WHY_LEN];
	int r;

	if (!property)
		return fault_invalid(
			fault, "\"%s\" is not a property; see \"dynamic set config ?\"", name);
	r = policy_config_check(property, value, ret_checked, why);
	if (r == -ENOMEM)
		return fault_no_memory(fault);
	if (r)
		return fault_invalid(fault, "%s", why);
	*ret_property = property;
	return 0;
}

int config_try(const char *name, const char *value, struct fault *fault)
{
	const struct policy_config_property *property;
	_cleanup_free_ char *checked = NULL;

	return check(name, value, &property, &checked, fault);
}

int config_set(struct config *config, const char *name, const char *value, struct fault *fault)
{
	const struct policy_config_property *property;
	char *checked, *before;
	int r = check(name, value, &property, &checked, fault);

	if (r)
		return r;
	before = config->values[index_of(property)];
	config->values[index_of(property)] = checked;
	r = write_file(config);
	if (r) {
		config->values[index_of(property)] = before;
		free(checked);
		return fault_failed(fault, "%s could not be written: %s; nothing was changed",
				    config->path, strerror(-r));
	}
	free(before);
	return 0;
}

/* --- asking ------------------------------------------------------------------------------- */

uint32_t config_number(const struct config *config, const char *name)
{
	const struct policy_config_property *property = policy_config_find(name);
	uint32_t number = 0;

	if (property)
		(void)parse_u32(value_of(config, property), &number);
	return number;
}

const char *config_text(const struct config *config, const char *name)
{
	const struct policy_config_property *property = policy_config_find(name);

	return property ? value_of(config, property) : NULL;
}

const char *config_set_text(const struct config *config, const char *name)
{
	const struct policy_config_property *property = policy_config_find(name);

	return property ? config->values[index_of(property)] : NULL;
}

void config_describe(const struct config *config, struct policy_config_info *ret_info)
{
	*ret_info = (struct policy_config_info){ 0 };
	for (size_t i = 0; i < policy_n_config_properties; i++) {
		const struct policy_config_property *property = &policy_config_properties[i];
		char *field = (char *)ret_info + property->offset;
		const char *value = value_of(config, property);
		uint32_t number = 0;

		if (property->is_number) {
			(void)parse_u32(value, &number);
			memcpy(field, &number, sizeof(number));
		} else {
			memcpy(field, &value, sizeof(value));
		}
	}
}
