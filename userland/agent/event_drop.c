// SPDX-License-Identifier: MIT
/*
 * The journal of what the driver dropped: where the original wrote to the System log. How many
 * there are is bounded by the driver.
 */
#include <inttypes.h>
#include <stdio.h>

#include "agent/events.h"
#include "base/log.h"
#include "nl/kernel.h"
#include "nl/names_gen.h"
#include "nl/remedy.h"
#include "policy/text.h"

#define NUMBER_LEN	24
#define TEXT_LEN	1024

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

static int level_of(enum ipsecdrv_drop_reason reason)
{
	return number_of(reason) ? LOG_ERR : LOG_WARNING;
}

static const char *remedy_of(enum ipsecdrv_drop_reason reason)
{
	const char *remedy = nl_drop_remedy(nl_drop_reason_name(reason));

	return remedy ? remedy : "";
}

struct numbers {
	char event[NUMBER_LEN];
	char protocol[NUMBER_LEN];
	char source_port[NUMBER_LEN];
	char destination_port[NUMBER_LEN];
	char spi[NUMBER_LEN];
	char filter[NUMBER_LEN];
	char length[NUMBER_LEN];
	char left_out[NUMBER_LEN];
	char time[NUMBER_LEN];
	char shown[2 * IPSECDRV_MAX_SHOWN + 1];
};

static void print_numbers(const struct kernel_drop *drop, struct numbers *numbers)
{
	snprintf(numbers->event, NUMBER_LEN, "%u", number_of(drop->reason));
	snprintf(numbers->protocol, NUMBER_LEN, "%u", drop->flow.protocol);
	snprintf(numbers->source_port, NUMBER_LEN, "%u", drop->flow.source_port);
	snprintf(numbers->destination_port, NUMBER_LEN, "%u", drop->flow.destination_port);
	snprintf(numbers->spi, NUMBER_LEN, "0x%08x", drop->spi);
	snprintf(numbers->filter, NUMBER_LEN, "%u", drop->filter_id);
	snprintf(numbers->length, NUMBER_LEN, "%u", drop->length);
	snprintf(numbers->left_out, NUMBER_LEN, "%" PRIu64, drop->left_out);
	/* as journal fields have it */
	snprintf(numbers->time, NUMBER_LEN, "%" PRIu64, drop->time / 1000);
	numbers->shown[0] = '\0';
	for (size_t i = 0; i < drop->shown_len; i++)
		snprintf(numbers->shown + 2 * i, 3, "%02x", drop->shown[i]);
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

static void write_drop(const struct kernel_drop *drop, const char *peer, const char *text)
{
	char source[IP_ADDR_STRLEN], destination[IP_ADDR_STRLEN], more[64] = "";
	const char *reason = nl_drop_reason_name(drop->reason);
	const char *direction = nl_direction_name(drop->direction);
	bool has_flow = drop->has_flow, has_numbers = has_flow && has_ports(drop->flow.protocol);
	struct numbers numbers;

	ip_addr_format(&drop->flow.source, source);
	ip_addr_format(&drop->flow.destination, destination);
	print_numbers(drop, &numbers);
	if (drop->left_out)
		snprintf(more, sizeof(more), " (%s packets before it were left out.)",
			 numbers.left_out);
	log_event(level_of(drop->reason),
		  FIELDS({ "MESSAGE_ID", EVENT_ID_DROP },
			 { "IPD_EVENT", number_of(drop->reason) ? numbers.event : NULL },
			 { "IPD_PEER", has_flow ? peer : NULL },
			 { "IPD_DIRECTION", direction },
			 { "IPD_DROP_REASON", reason },
			 { "IPD_SOURCE", has_flow ? source : NULL },
			 { "IPD_DESTINATION", has_flow ? destination : NULL },
			 { "IPD_PROTOCOL", has_flow ? numbers.protocol : NULL },
			 { "IPD_SOURCE_PORT", has_numbers ? numbers.source_port : NULL },
			 { "IPD_DESTINATION_PORT", has_numbers ? numbers.destination_port : NULL },
			 { "IPD_INTERFACE", drop->interface[0] ? drop->interface : NULL },
			 { "IPD_SPI", drop->spi ? numbers.spi : NULL },
			 { "IPD_FILTER", drop->filter_id ? numbers.filter : NULL },
			 { "IPD_LENGTH", numbers.length },
			 { "IPD_PACKET", drop->shown_len ? numbers.shown : NULL },
			 { "IPD_LEFT_OUT", drop->left_out ? numbers.left_out : NULL },
			 { "IPD_TIME", numbers.time }),
		  "peer %s: %sbound packet dropped: %s (%s). %s %s%s", peer, direction, reason,
		  text, nl_drop_reason_text(drop->reason), remedy_of(drop->reason), more);
}

void event_drop(const struct kernel_drop *drop)
{
	const struct kernel_flow *flow = &drop->flow;
	char peer[IP_ADDR_STRLEN] = "unknown", text[TEXT_LEN];

	if (drop->has_flow)
		ip_addr_format(drop->direction == IPSECDRV_DIRECTION_OUT ? &flow->destination :
									   &flow->source, peer);
	describe(drop, text, sizeof(text));
	write_drop(drop, peer, text);
}

void event_drop_count(const struct kernel_drop_count *count)
{
	unsigned int number = number_of(count->reason);
	char event[NUMBER_LEN], packets[NUMBER_LEN], seconds[NUMBER_LEN], peer[IP_ADDR_STRLEN];
	const char *reason = nl_drop_reason_name(count->reason);
	bool has_peer = count->peer.family;

	snprintf(event, sizeof(event), "%u", number);
	snprintf(packets, sizeof(packets), "%" PRIu64, count->packets);
	snprintf(seconds, sizeof(seconds), "%u", count->seconds);
	ip_addr_format(&count->peer, peer);
	log_event(level_of(count->reason),
		  FIELDS({ "MESSAGE_ID", EVENT_ID_DROP_SUMMARY },
			 { "IPD_EVENT", number ? event : NULL },
			 { "IPD_PEER", has_peer ? peer : NULL },
			 { "IPD_DROP_REASON", reason },
			 { "IPD_PACKETS", packets },
			 { "IPD_SECONDS", seconds }),
		  "%s%s: %s packets dropped in %s s: %s. %s %s", has_peer ? "peer " : "other peers",
		  has_peer ? peer : "", packets, seconds, reason,
		  nl_drop_reason_text(count->reason), remedy_of(count->reason));
}
