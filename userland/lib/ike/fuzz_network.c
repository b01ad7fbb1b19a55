// SPDX-License-Identifier: MIT
#include <string.h>

#include "ike/fuzz_engine.h"
#include "ike/wire.h"

#define NARROW 548	/* a packet of 576 bytes */

struct fuzz_edits fuzz_read_edits(struct reader *in)
{
	struct fuzz_edits edits = { .n = reader_u8(in) % (FUZZ_EDITS_MAX + 1) };

	for (size_t i = 0; i < edits.n; i++) {
		edits.edit[i].at = reader_u16(in);
		edits.edit[i].value = reader_u8(in);
	}
	return edits;
}

void fuzz_apply_edits(const struct fuzz_edits *edits, uint8_t *data, size_t len)
{
	for (size_t i = 0; len && i < edits->n; i++)
		data[edits->edit[i].at % len] = edits->edit[i].value;
}

/* Vendor ids are not authentic: other peers are made of the hosts. */
static void disguise(unsigned int weather, uint8_t *data, size_t len)
{
	static const struct {
		unsigned int weather;
		uint8_t from[8];
		uint8_t to[16];
	} rows[] = {
		{ FUZZ_WEATHER_MICROSOFT, { 0x56, 0x59, 0xc3, 0x6d, 0x4c, 0x17, 0x17, 0xe4 },
		  { 0x1e, 0x2b, 0x51, 0x69, 0x05, 0x99, 0x1c, 0x7d, 0x7c, 0x96, 0xfc, 0xbf, 0xb5,
		    0x87, 0xe4, 0x61 } },
		{ FUZZ_WEATHER_DRAFT, { 0x4a, 0x13, 0x1c, 0x81, 0x07, 0x03, 0x58, 0x45 }, { 1 } },
		{ FUZZ_WEATHER_PLAIN, { 0xaf, 0xca, 0xd7, 0x13, 0x68, 0xa1, 0xf1, 0xc9 }, { 2 } },
		{ FUZZ_WEATHER_PLAIN, { 0x40, 0x48, 0xb7, 0xd5, 0x6e, 0xbc, 0xe8, 0x85 }, { 3 } },
	};

	for (size_t row = 0; row < sizeof(rows) / sizeof(rows[0]); row++) {
		if (!(weather & rows[row].weather))
			continue;
		for (size_t i = WIRE_HEADER_LEN; i + 16 <= len; i++) {
			if (!memcmp(data + i, rows[row].from, sizeof(rows[row].from)))
				memcpy(data + i, rows[row].to, sizeof(rows[row].to));
		}
	}
}

static void keep(struct fuzz_network *network, const uint8_t *data, size_t len)
{
	size_t i = network->n++ % FUZZ_RECORDS;

	if (len <= sizeof(network->record[i].data)) {
		memcpy(network->record[i].data, data, len);
		network->record[i].len = len;
	}
}

struct sim_fate fuzz_network(struct sim *sim, size_t from, uint8_t *data, size_t len)
{
	struct fuzz_network *network = sim->network_data;
	unsigned int weather = network->weather;
	struct sim_fate fate = { .delay = 1, .copy_delay = 250 };

	keep(network, data, len);
	disguise(weather, data, len);
	if (network->tamper_in && data[19] & WIRE_FLAG_ENCRYPTED && !--network->tamper_in)
		fuzz_forge_tamper(sim, from, &network->tamper, data, len);
	fate.is_lost = (weather & FUZZ_WEATHER_LOSS && network->n % 2) ||
		       (weather & FUZZ_WEATHER_NARROW && len > NARROW);
	fate.n_copies = weather & FUZZ_WEATHER_DOUBLE ? 1 : 0;
	fate.delay += weather & FUZZ_WEATHER_DISORDER ? 700 * (network->n % 3) : 0;
	return fate;
}

void fuzz_inject_changed(struct sim *sim, const struct fuzz_network *network, struct reader *in)
{
	size_t i = reader_u8(in), to = reader_u8(in) & 1;
	struct fuzz_edits edits = fuzz_read_edits(in);
	uint8_t data[FUZZ_RECORD_MAX];
	size_t len;

	if (!network->n)
		return;
	i %= network->n < FUZZ_RECORDS ? network->n : FUZZ_RECORDS;
	len = network->record[i].len;
	memcpy(data, network->record[i].data, len);
	fuzz_apply_edits(&edits, data, len);
	sim_inject(sim, to, data, len);
}
