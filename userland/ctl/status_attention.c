// SPDX-License-Identifier: MIT
/*
 * What somebody has to see to: each is one sentence, or two: what is wrong and what that means, and
 * what to do. Failed negotiations are not among them: those are between this host and a peer.
 */
#include "ctl/status.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "nl/names_gen.h"

__attribute__((format(printf, 2, 3)))
static void add(struct status *status, const char *format, ...)
{
	va_list ap;

	if (status->n_attentions == STATUS_ATTENTIONS_MAX)
		return;
	va_start(ap, format);
	if (vasprintf(&status->attentions[status->n_attentions], format, ap) >= 0)
		status->n_attentions++;
	va_end(ap);
}

/* --- without an agent --------------------------------------------------------------------- */

/* What the driver does by itself, for as long as nobody tells it otherwise. */
static const char *alone_text(int mode)
{
	switch (mode) {
	case IPSECDRV_MODE_STARTUP_PERMIT:
	case IPSECDRV_MODE_PERMIT:
		return "Everything passes: nothing is protected.";
	case IPSECDRV_MODE_STARTUP_STATEFUL:
		return "What this host begins passes in clear, and the answers to it; nothing else "
		       "is let in but the boot exemptions.";
	case IPSECDRV_MODE_STARTUP_BLOCK:
		return "Nothing passes but the boot exemptions.";
	case IPSECDRV_MODE_BLOCK:
		return "Nothing passes.";
	case IPSECDRV_MODE_SECURE:
		return "Its filters are enforced and its associations are used until they expire; "
		       "nothing new is negotiated, so packets that need it are held and dropped.";
	default:
		return "";
	}
}

static void find_without_agent(struct status *status, const char *why)
{
	const char *mode = status->info.mode;

	add(status,
	    "The policy agent is not running. Start it with \"systemctl start ipsec-policy-agent\"; "
	    "\"journalctl -u ipsec-policy-agent\" says why it ended.");
	if (mode)
		add(status, "The driver is on its own. %s", alone_text(nl_mode_from_name(mode)));
	else
		add(status, "%s", *why ? why : "The driver does not answer.");
}

/* --- with one ----------------------------------------------------------------------------- */

static void find_in_driver(struct status *status)
{
	const struct policy_status_info *info = &status->info;

	if (!info->mode) {
		add(status,
		    "The driver does not answer, so nothing is protected. Load it with \"modprobe "
		    "ipsecdrv\" and restart the agent; if there is none for this kernel, \"dkms "
		    "autoinstall\" builds it.");
		return;
	}
	if (info->wanted_mode && strcmp(info->mode, info->wanted_mode) != 0)
		add(status,
		    "The driver is in %s mode, though the agent has set %s mode, and does not take "
		    "it. \"systemctl restart ipsec-policy-agent\" sets it anew.",
		    info->mode, info->wanted_mode);
	if (info->driver_version && info->agent_version &&
	    strcmp(info->driver_version, info->agent_version) != 0)
		add(status,
		    "The driver is of version %s, the agent of %s: a driver that runs is not "
		    "replaced. Reboot to load the installed one; \"dkms status\" says which it is.",
		    info->driver_version, info->agent_version);
}

static void find_in_processes(struct status *status)
{
	if (!status->info.ike)
		add(status,
		    "ipsec-ike is not running: nothing can be negotiated. Start it with \"systemctl "
		    "start ipsec-ike\".");
	if (!status->info.cred)
		add(status,
		    "ipsec-cred is not running: nobody can be authenticated. Start it with "
		    "\"systemctl start ipsec-cred\".");
}

static void find_in_layer(struct status *status, const struct policy_layer_info *layer)
{
	if (!strcmp(layer->state, "failed"))
		add(status, "The %s policy is not in force, so nothing passes: %s", layer->layer,
		    layer->why ?: "");
	else if (!strcmp(layer->state, "outdated"))
		add(status, "The %s policy is in force as it was before the last change: %s",
		    layer->layer, layer->why ?: "");
}

static bool is_told(const struct status *status, const char *fault)
{
	for (size_t i = 0; i < status->n_layers; i++)
		if (status->layers[i].why && !strcmp(status->layers[i].why, fault))
			return true;
	return false;
}

void status_find_attentions(struct status *status, const char *why)
{
	if (!status->has_agent) {
		find_without_agent(status, why);
		return;
	}
	find_in_driver(status);
	find_in_processes(status);
	for (size_t i = 0; i < status->n_layers; i++)
		find_in_layer(status, &status->layers[i]);
	if (status->info.fault && !is_told(status, status->info.fault))
		add(status, "%s", status->info.fault);
}
