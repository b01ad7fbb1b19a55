// SPDX-License-Identifier: MIT
/* A datagram as a stranger may send it: parser, encoder, and the bodies of small payloads. */
#include <string.h>

#include "ike/exchange.h"
#include "ike/fuzz.h"
#include "ike/ident.h"
#include "ike/proposal_qm.h"
#include "ike/vid.h"
#include "ike/wire.h"

static void check_inside(struct bytes inner, const uint8_t *data, size_t len)
{
	FUZZ_CHECK(!inner.len || (inner.data >= data && inner.data + inner.len <= data + len));
}

static void look_into(const struct wire_payload *payload, const uint8_t *data, size_t len)
{
	uint32_t seconds, kbytes;
	struct wire_notify notify;
	struct wire_delete del;
	struct ip_addr addr;
	struct ident ident;
	uint8_t prefix;

	check_inside(payload->body, data, len);
	(void)vid_match(payload->body);
	if (!wire_parse_notify(payload->body, &notify)) {
		check_inside(notify.spi, data, len);
		check_inside(notify.data, data, len);
		(void)qm_lifetime_parse(notify.data, &seconds, &kbytes);
	}
	if (!wire_parse_delete(payload->body, &del)) {
		FUZZ_CHECK(del.n_spis <= WIRE_DELETE_SPIS_MAX);
		FUZZ_CHECK(del.spis.len == (size_t)del.n_spis * del.spi_size);
		check_inside(del.spis, data, len);
	}
	if (ident_parse(payload->body, &ident))
		return;
	if (!ident_phase1_addr(&ident, &addr))
		FUZZ_CHECK(ip_addr_len(&addr));
	if (!ident_phase2_net(&ident, &addr, &prefix)) {
		struct ip_addr first, last;

		FUZZ_CHECK(prefix <= 8 * ip_addr_len(&addr));
		FUZZ_CHECK(!ip_addr_prefix_range(&addr, prefix, &first, &last));
		FUZZ_CHECK(ip_addr_is_equal(&addr, &first));
	}
}

/* parse(encode(parse(x))) == parse(x), and in clear even the bytes are the same, but for alignment. */
static void encode_again(const struct wire_message *m, const uint8_t *data, size_t len)
{
	size_t used = WIRE_HEADER_LEN + m->chain.len;
	static uint8_t buf[WIRE_MESSAGE_MAX + 1];
	struct wire_out out = wire_out_make(buf, sizeof(buf), &m->header);
	struct wire_message again;

	for (size_t i = 0; i < m->n_payloads; i++)
		wire_add(&out, m->payloads[i].type, m->payloads[i].body);
	FUZZ_CHECK(wire_finish(&out, 0) == used);
	FUZZ_CHECK(used <= len && len - used < 4);
	/* all but the length, which stands at the end of the header */
	FUZZ_CHECK(!memcmp(buf, data, WIRE_HEADER_LEN - 4));
	FUZZ_CHECK(!memcmp(buf + WIRE_HEADER_LEN, data + WIRE_HEADER_LEN, used - WIRE_HEADER_LEN));
	FUZZ_CHECK(!wire_parse((struct bytes){ buf, used }, &again));
	FUZZ_CHECK(again.n_payloads == m->n_payloads);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct bytes datagram = { data, len };
	struct wire_message m;

	if (len > WIRE_MESSAGE_MAX)
		return 0;
	if (!wire_parse(datagram, &m)) {
		FUZZ_CHECK(m.n_payloads <= WIRE_PAYLOADS_MAX);
		for (size_t i = 0; i < m.n_payloads; i++)
			look_into(&m.payloads[i], data, len);
		for (int kind = 0; kind < MESSAGE_KIND_COUNT; kind++)
			(void)exchange_check((enum message_kind)kind, &m);
		encode_again(&m, data, len);
	}
	/* As if decrypted: the first type comes from elsewhere, padding is allowed. */
	if (len && !wire_parse_payloads(data[0], (struct bytes){ data + 1, len - 1 }, true, &m)) {
		check_inside(m.chain, data, len);
		for (size_t i = 0; i < m.n_payloads; i++)
			look_into(&m.payloads[i], data, len);
	}
	return 0;
}

size_t fuzz_seed(size_t index, uint8_t *buf, size_t cap)
{
	static const uint8_t id[] = { 4, 6, 1, 0xbd, 192, 0, 2, 0, 255, 255, 255, 0 };
	struct wire_header header = { .icookie = { 1 }, .rcookie = { 2 }, .version = WIRE_VERSION,
				      .exchange = WIRE_EXCHANGE_INFORMATIONAL };
	struct wire_out out = wire_out_make(buf, cap, &header);
	struct wire_notify notify = { .doi = 1,
				      .protocol = 3,
				      .type = 24576,
				      .spi = { id, 4 },
				      .data = { (const uint8_t *)"\x80\x01\0\1\x80\2\x0e\x10",
						8 } };
	struct wire_delete del = { .doi = 1, .protocol = 3, .spi_size = 4, .n_spis = 3,
				   .spis = { id, sizeof(id) } };

	if (index > 2)
		return 0;
	wire_add(&out, WIRE_PAYLOAD_HASH, (struct bytes){ id, sizeof(id) });
	if (index == 0)
		wire_add_notify(&out, &notify);
	if (index == 1)
		wire_add_delete(&out, &del);
	wire_add(&out, WIRE_PAYLOAD_ID, (struct bytes){ id, sizeof(id) });
	vid_add(&out, VID_DPD | VID_MICROSOFT);
	return wire_finish(&out, 0);
}
