// SPDX-License-Identifier: MIT
/*
 * The journal of what the driver dropped: where the original wrote to the System log. How many
 * there are is bounded by the driver.
 */
#include <inttypes.h>
#include <stdio.h>

#include "agent/event_entry.h"
#include "nl/kernel.h"
#include "nl/names_gen.h"
#include "nl/remedy.h"
#include "policy/text.h"

#define TEXT_LEN 1024

/* Events of the original that had a number; they were errors. */
static unsigned int number_of(enum ipsecdrv_drop_reason reason)
{
	switch (reason) {
	case IPSECDRV_DROP_BAD_SPI:
		return 4283;
	case IPSECDRV_DROP_CLEAR_TEXT:
		return 4284;
	case IPSECDRV_DROP_INTEGRITY:
		return 4285;
	default:
		return 0;
	}
}

static const char *remedy_of(enum ipsecdrv_drop_reason reason)
{
	const char *remedy = nl_drop_remedy(nl_drop_reason_name(reason));

	return remedy ? remedy : "";
}

static bool has_ports(uint8_t protocol)
{
	return protocol == 6 || protocol == 17;
}

/* "UDP from 192.0.2.2 port 40000 to 192.0.2.1 port 445, eth0, 48 bytes, filter 3" */
static void describe(const struct kernel_drop *drop, char *buf, size_t size)
{
	_cleanup_fclose_ FILE *file = fmemopen(buf, size, "w");
	char source[IP_ADDR_STRLEN], destination[IP_ADDR_STRLEN], protocol[POLICY_PROTOCOL_STRLEN];
	const struct kernel_flow *flow = &drop->flow;

	buf[0] = '\0';
	if (!file)
		return;
	ip_addr_format(&flow->source, source);
	ip_addr_format(&flow->destination, destination);
	if (!drop->has_flow)
		fprintf(file, "headers that cannot be read");
	else if (has_ports(flow->protocol))
		fprintf(file, "%s from %s port %u to %s port %u",
			policy_protocol_format(flow->protocol, protocol), source,
			flow->source_port, destination, flow->destination_port);
	else
		fprintf(file, "%s from %s to %s", policy_protocol_format(flow->protocol, protocol),
			source, destination);
	if (drop->interface[0])
		fprintf(file, ", %s", drop->interface);
	fprintf(file, ", %u bytes", drop->length);
	if (drop->spi)
		fprintf(file, ", SPI 0x%08x", drop->spi);
	if (drop->filter_id)
		fprintf(file, ", filter %u", drop->filter_id);
	fflush(file);
	buf[size - 1] = '\0';
}

static void begin(struct event_entry *entry, enum event_kind kind,
		  enum ipsecdrv_drop_reason reason)
{
	unsigned int number = number_of(reason);

	event_begin(entry, kind);
	if (number) {
		entry->level = LOG_ERR;
		event_field(entry, "IPD_EVENT", "%u", number);
	}
	event_field(entry, "IPD_DROP_REASON", "%s", nl_drop_reason_name(reason));
}

static void add_flow(struct event_entry *entry, const struct kernel_flow *flow)
{
	event_field_addr(entry, "IPD_SOURCE", &flow->source);
	event_field_addr(entry, "IPD_DESTINATION", &flow->destination);
	event_field(entry, "IPD_PROTOCOL", "%u", flow->protocol);
	if (!has_ports(flow->protocol))
		return;
	event_field(entry, "IPD_SOURCE_PORT", "%u", flow->source_port);
	event_field(entry, "IPD_DESTINATION_PORT", "%u", flow->destination_port);
}

static void add_packet(struct event_entry *entry, const struct kernel_drop *drop)
{
	char shown[2 * IPSECDRV_MAX_SHOWN + 1] = "";

	for (size_t i = 0; i < drop->shown_len; i++)
		snprintf(shown + 2 * i, 3, "%02x", drop->shown[i]);
	if (drop->shown_len)
		event_field(entry, "IPD_PACKET", "%s", shown);
	event_field(entry, "IPD_LENGTH", "%u", drop->length);
	/* microseconds, as journal fields have them */
	event_field(entry, "IPD_TIME", "%" PRIu64, drop->time / 1000);
}

static void add_drop(struct event_entry *entry, const struct kernel_drop *drop)
{
	event_field(entry, "IPD_DIRECTION", "%s", nl_direction_name(drop->direction));
	if (drop->has_flow)
		add_flow(entry, &drop->flow);
	if (drop->interface[0])
		event_field(entry, "IPD_INTERFACE", "%s", drop->interface);
	if (drop->spi)
		event_field(entry, "IPD_SPI", "0x%08x", drop->spi);
	if (drop->filter_id)
		event_field(entry, "IPD_FILTER", "%u", drop->filter_id);
	add_packet(entry, drop);
}

void event_drop(const struct kernel_drop *drop)
{
	const struct ip_addr *remote = drop->direction == IPSECDRV_DIRECTION_OUT ?
				       &drop->flow.destination : &drop->flow.source;
	char peer[IP_ADDR_STRLEN] = "unknown", text[TEXT_LEN];
	struct event_entry entry;

	begin(&entry, EVENT_DROP, drop->reason);
	if (drop->has_flow) {
		ip_addr_format(remote, peer);
		event_field(&entry, "IPD_PEER", "%s", peer);
	}
	add_drop(&entry, drop);
	describe(drop, text, sizeof(text));
	event_say(&entry, "peer %s: %sbound packet dropped: %s (%s). %s %s", peer,
		  nl_direction_name(drop->direction), nl_drop_reason_name(drop->reason), text,
		  nl_drop_reason_text(drop->reason), remedy_of(drop->reason));
	if (drop->left_out) {
		event_field(&entry, "IPD_LEFT_OUT", "%" PRIu64, drop->left_out);
		event_say(&entry, " (%" PRIu64 " packets before it were left out.)",
			  drop->left_out);
	}
	event_end(&entry);
}

void event_drop_count(const struct kernel_drop_count *count)
{
	bool has_peer = count->peer.family;
	char peer[IP_ADDR_STRLEN];
	struct event_entry entry;

	begin(&entry, EVENT_DROP_SUMMARY, count->reason);
	if (has_peer)
		event_field_addr(&entry, "IPD_PEER", &count->peer);
	event_field(&entry, "IPD_PACKETS", "%" PRIu64, count->packets);
	event_field(&entry, "IPD_SECONDS", "%u", count->seconds);
	event_say(&entry, "%s%s: %" PRIu64 " packets dropped in %u s: %s. %s %s",
		  has_peer ? "peer " : "other peers",
		  has_peer ? ip_addr_format(&count->peer, peer) : "", count->packets,
		  count->seconds, nl_drop_reason_name(count->reason),
		  nl_drop_reason_text(count->reason), remedy_of(count->reason));
	event_end(&entry);
}
