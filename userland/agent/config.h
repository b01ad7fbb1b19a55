/* SPDX-License-Identifier: MIT */
#ifndef AGENT_CONFIG_H
#define AGENT_CONFIG_H

#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "policy/config.h"

struct fault;
struct settings;

/*
 * The properties of "dynamic set config". They survive the service: STATEDIR/config, one
 * "name=value" per line, written whole. Lines that are not understood are reported and left out
 * of the next write.
 */
struct config;

#define CONFIG_FILE "config"

/*
 * The defaults, then what @settings (borrowed for good) say, then what @path (copied) says if it
 * is there. @complain (may be NULL) is told of bad lines.
 */
int config_new(const char *path, const struct settings *settings,
	       void (*complain)(const char *line, const char *why), struct config **ret_config);
struct config *config_free(struct config *config);
DEFINE_CLEANUP(struct config *, config_free);

/* Checks and writes; 0, or -errno with *fault, and then nothing has changed. */
int config_set(struct config *config, const char *name, const char *value, struct fault *fault);
/* The checks alone. */
int config_try(const char *name, const char *value, struct fault *fault);
uint32_t config_number(const struct config *config, const char *name);
/* Strings are borrowed until the next set. */
const char *config_text(const struct config *config, const char *name);
/* NULL unless config_set() has ever set it. */
const char *config_set_text(const struct config *config, const char *name);
void config_describe(const struct config *config, struct policy_config_info *ret_info);

#endif /* AGENT_CONFIG_H */
