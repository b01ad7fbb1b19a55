// SPDX-License-Identifier: MIT
/* What the agent says of itself, its processes and the driver's mode. */
#include "agent/events.h"

#include <stdarg.h>
#include <stdio.h>

#include "agent/event_entry.h"
#include "nl/names_gen.h"

void event_refused(const char *what, const struct ike_path *path, uint32_t filter_id,
		   const char *why)
{
	struct event_entry entry;
	char peer[IP_ADDR_STRLEN];

	event_begin(&entry, EVENT_SA_REFUSED);
	event_field_addr(&entry, "IPD_PEER", &path->remote);
	event_field(&entry, "IPD_FILTER", "%u", filter_id);
	event_say(&entry,
		  "peer %s: ipsec-ike asked for %s that policy does not allow: %s; refused",
		  ip_addr_format(&path->remote, peer), what, why);
	event_end(&entry);
}

void event_started(const char *layer, size_t n_rules)
{
	struct event_entry entry;

	event_begin(&entry, EVENT_STARTED);
	event_field(&entry, "IPD_LAYER", "%s", layer);
	event_say(&entry, "policy agent started: %s policy, %zu rules", layer, n_rules);
	event_end(&entry);
}

void event_stopped(bool protects)
{
	struct event_entry entry;

	event_begin(&entry, EVENT_STOPPED);
	event_say(&entry, "policy agent stopped: the driver %s",
		  protects ? "goes on with its filters" : "stops protecting");
	event_end(&entry);
}

void event_serious(const char *format, ...)
{
	struct event_entry entry;
	char what[1024];
	va_list args;

	va_start(args, format);
	(void)vsnprintf(what, sizeof(what), format, args);
	va_end(args);
	event_begin(&entry, EVENT_SERIOUS);
	event_say(&entry, "%s", what);
	event_end(&entry);
}

void event_policy_applied(const char *layer, size_t n_rules, size_t n_filters)
{
	struct event_entry entry;

	event_begin(&entry, EVENT_POLICY_APPLIED);
	event_field(&entry, "IPD_LAYER", "%s", layer);
	event_say(&entry, "%s policy applied: %zu rules, %zu filters in the driver", layer, n_rules,
		  n_filters);
	event_end(&entry);
}

void event_policy_failed(const char *layer, const char *why)
{
	struct event_entry entry;

	event_begin(&entry, EVENT_POLICY_FAILED);
	event_field(&entry, "IPD_LAYER", "%s", layer);
	event_say(&entry, "%s policy was not changed, the driver goes on with the one before: %s",
		  layer, why);
	event_end(&entry);
}

/* The original's event; the other startup modes had none. */
static const char *mode_number(enum ipsecdrv_mode mode)
{
	switch (mode) {
	case IPSECDRV_MODE_BLOCK:
		return "4292";
	case IPSECDRV_MODE_PERMIT:
		return "4293";
	case IPSECDRV_MODE_SECURE:
		return "4294";
	case IPSECDRV_MODE_STARTUP_PERMIT:
		return "4295";
	default:
		return NULL;
	}
}

void event_driver_mode(enum ipsecdrv_mode mode)
{
	const char *number = mode_number(mode);
	struct event_entry entry;

	event_begin(&entry, EVENT_DRIVER_MODE);
	if (mode == IPSECDRV_MODE_BLOCK)
		entry.level = LOG_WARNING;
	if (number)
		event_field(&entry, "IPD_EVENT", "%s", number);
	event_field(&entry, "IPD_MODE", "%s", nl_mode_name(mode));
	event_say(&entry, "driver is in %s mode", nl_mode_name(mode));
	event_end(&entry);
}

void event_process(const char *name, bool is_there)
{
	struct event_entry entry;

	event_begin(&entry, EVENT_PROCESS);
	if (!is_there)
		entry.level = LOG_WARNING;
	event_field(&entry, "IPD_PROCESS", "%s", name);
	event_say(&entry,
		  is_there ? "%s is connected" :
			     "%s is gone; associations stay, negotiations wait until it is back",
		  name);
	event_end(&entry);
}
