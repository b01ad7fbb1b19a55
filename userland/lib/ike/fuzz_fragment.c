// SPDX-License-Identifier: MIT
/*
 * Fragments in any order, with any numbers and contents. The input is a list of datagrams: two
 * bytes of length, then what follows the cookies. Beside the real thing runs one that remembers
 * everything and looks at all of it each time.
 */
#include <errno.h>
#include <string.h>

#include "ike/fragment.h"
#include "ike/fuzz.h"

#define DATAGRAM_MAX 2048
#define COOKIES_LEN (2 * WIRE_COOKIE_LEN)

/* What has been taken so far. */
struct model {
	struct fragment taken[FRAGMENTS_MAX];
	uint8_t data[FRAGMENTS_MAX][DATAGRAM_MAX];
	size_t n;
	size_t bytes;
};

static int expect(const struct model *m, const struct fragment *f)
{
	size_t last = 0, highest = 0;

	for (size_t i = 0; i < m->n; i++) {
		const struct fragment *t = &m->taken[i];

		last = t->is_last ? t->number : last;
		highest = t->number > highest ? t->number : highest;
		if (t->number == f->number)
			return bytes_is_equal(t->data, f->data) && t->is_last == f->is_last ?
				       -EEXIST :
				       -EBADMSG;
	}
	if (f->number > FRAGMENTS_MAX)
		return -E2BIG;
	if ((last && (f->is_last || f->number > last)) || (f->is_last && f->number < highest))
		return -EBADMSG;
	if (m->bytes + f->data.len > FRAGMENTS_BYTES_MAX)
		return -E2BIG;
	last = f->is_last ? f->number : last;
	return last && m->n + 1 == last;
}

static void take(struct model *m, const struct fragment *f)
{
	FUZZ_CHECK(m->n < FRAGMENTS_MAX && f->data.len <= DATAGRAM_MAX);
	memcpy(m->data[m->n], f->data.data, f->data.len);
	m->taken[m->n] = *f;
	m->taken[m->n].data.data = m->data[m->n];
	m->bytes += f->data.len;
	m->n++;
}

static void check_joined(const struct model *m, const struct fragments *set)
{
	static uint8_t joined[FRAGMENTS_BYTES_MAX + WIRE_HEADER_LEN];
	size_t len = fragments_join(set, joined), end = len;

	if (!len)
		return;
	FUZZ_CHECK(len == m->bytes || len == m->bytes + WIRE_HEADER_LEN);
	FUZZ_CHECK(!memcmp(joined, set->header.icookie, WIRE_COOKIE_LEN));
	FUZZ_CHECK(joined[COOKIES_LEN] != WIRE_PAYLOAD_FRAGMENT);
	/* Every byte is where it belongs. */
	for (size_t number = m->n; number; number--) {
		for (size_t i = 0; i < m->n; i++) {
			if (m->taken[i].number != number)
				continue;
			end -= m->taken[i].data.len;
			FUZZ_CHECK(!memcmp(joined + end, m->data[i], m->taken[i].data.len));
		}
	}
	FUZZ_CHECK(end == 0 || end == WIRE_HEADER_LEN);
}

/* At the end of the datagram, or before what fills it up to a multiple of four. */
static bool is_at_end(struct bytes datagram, struct bytes data)
{
	const uint8_t *end = datagram.data + datagram.len;

	if (data.data < datagram.data || data.data > end || data.len > (size_t)(end - data.data))
		return false;
	for (const uint8_t *p = data.data + data.len; p < end; p++) {
		if (*p)
			return false;
	}
	return end - (data.data + data.len) < 4;
}

static void step(struct model *m, struct fragments *set, struct bytes datagram)
{
	struct wire_header header;
	struct fragment f;
	int ret, want;

	if (fragment_parse(datagram, &header, &f))
		return;
	FUZZ_CHECK(f.number && f.data.len && is_at_end(datagram, f.data));
	if (set->n && !fragments_is_same(set, &header, &f)) {
		fragments_clear(set);
		m->n = m->bytes = 0;
	}
	want = expect(m, &f);
	ret = fragments_add(set, &header, &f);
	FUZZ_CHECK(ret == want);
	if (ret >= 0)
		take(m, &f);
	FUZZ_CHECK(set->n == m->n && set->bytes == m->bytes);
	if (ret == 1)
		check_joined(m, set);
	if (ret == 1 || (ret < 0 && ret != -EEXIST)) {
		fragments_clear(set);
		m->n = m->bytes = 0;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct reader in = reader_make(data, len);
	struct model *m = calloc(1, sizeof(*m));
	struct fragments set = {0};

	FUZZ_CHECK(m);
	while (in.len && !in.failed) {
		struct bytes rest = reader_take(&in, reader_u16(&in) % (DATAGRAM_MAX - COOKIES_LEN));
		size_t total = COOKIES_LEN + rest.len;
		uint8_t *datagram = malloc(total);

		FUZZ_CHECK(datagram);
		memset(datagram, 0x55, COOKIES_LEN);
		if (rest.len)
			memcpy(datagram + COOKIES_LEN, rest.data, rest.len);
		step(m, &set, (struct bytes){ datagram, total });
		free(datagram);
	}
	fragments_clear(&set);
	free(m);
	return 0;
}

/* A message of 300 bytes in pieces of 100: in order, backwards, one twice; or without header. */
size_t fuzz_seed(size_t index, uint8_t *buf, size_t cap)
{
	static const uint8_t orders[][4] = { { 1, 2, 3 }, { 3, 2, 1 }, { 2, 2, 1, 3 } };
	const struct wire_header header = { .icookie = "UUUUUUU", .version = WIRE_VERSION,
					    .exchange = WIRE_EXCHANGE_MAIN };
	uint8_t text[300], datagram[100 + FRAGMENT_OVERHEAD];
	struct wire_out out = wire_out_make(text, sizeof(text), &header);
	struct writer w = writer_make(buf, cap);

	if (index >= 2 * sizeof(orders) / sizeof(orders[0]))
		return 0;
	wire_begin(&out, WIRE_PAYLOAD_ID);
	writer_zero(&out.w, sizeof(text) - out.w.len);
	wire_end(&out);
	(void)wire_finish(&out, 0);
	memset(text, index & 1 ? 0x56 : 0x55, COOKIES_LEN);
	for (size_t i = 0; i < 4 && orders[index / 2][i]; i++) {
		size_t len = fragment_write(datagram, (struct bytes){ text, sizeof(text) }, 1,
					    orders[index / 2][i], 100);

		writer_u16(&w, (uint16_t)(len - COOKIES_LEN));
		writer_put(&w, datagram + COOKIES_LEN, len - COOKIES_LEN);
	}
	return w.overflow ? 0 : w.len;
}
