// SPDX-License-Identifier: MIT
/* Whole exchanges for fuzz_engine to begin with; fuzz_engine.h has the words. */
#include <string.h>

#include "ike/fuzz.h"
#include "ike/fuzz_engine.h"
#include "ike/wire.h"

#define A 0
#define B 1

#define SECONDS(n) FUZZ_SECONDS, (n)
#define MS(n) FUZZ_MILLISECONDS, (n)
#define ACQUIRE(host, port) FUZZ_ACQUIRE, (host), (port)
#define EXPIRE(host, sa, kind) FUZZ_EXPIRE, (host), (sa), IKE_EXPIRE_##kind
#define WEATHER(bits) FUZZ_WEATHER, (bits)
#define ADMIN(host, what) FUZZ_ADMIN, (host), FUZZ_ADMIN_##what
#define AUTH(first, second) ADMIN(A, AUTH), IKE_AUTH_##first - IKE_AUTH_PSK, \
		IKE_AUTH_##second - IKE_AUTH_PSK
/* One byte of the n'th encrypted datagram from now on. */
#define TAMPER(n, at, value) FUZZ_TAMPER, (n), 1, 0, (at), (value)
/* One byte of the n'th datagram of all, sent once more. */
#define CHANGED(n, to, at, value) FUZZ_CHANGED, (n), (to), 1, 0, (at), (value)

#define ID_OF(length) 0, 0, 0, (length)
#define DELETE_ESP WIRE_PAYLOAD_DELETE, 12, 0, 0, 0, 1, 3, 4, 0, 1, 0, 0, 0x20, 0
#define NOTIFY_ESP(type) WIRE_PAYLOAD_NOTIFY, 12, 0, 0, 0, 1, 3, 4, 0, (type), 0, 0, 0x20, 0
#define NOTIFY_ISAKMP(high, low) WIRE_PAYLOAD_NOTIFY, 8, 0, 0, 0, 1, 1, 0, (high), (low)

static const uint8_t renewal[] = {
	0, ACQUIRE(A, 0), SECONDS(5), EXPIRE(A, 0, SOFT), SECONDS(10), EXPIRE(B, 1, SOFT),
	SECONDS(40), EXPIRE(A, 0, HARD), SECONDS(5), EXPIRE(B, 0, IDLE), SECONDS(5), ADMIN(A, FLUSH),
	SECONDS(5),
};

static const uint8_t both_at_once[] = {
	FUZZ_TRACE, WEATHER(FUZZ_WEATHER_LOSS | FUZZ_WEATHER_DOUBLE | FUZZ_WEATHER_DISORDER),
	ACQUIRE(A, 0), ACQUIRE(B, 2), SECONDS(20), WEATHER(0), SECONDS(100), EXPIRE(A, 0, SOFT),
	EXPIRE(B, 0, SOFT), SECONDS(30), FUZZ_CANCEL, A, 0,
};

static const uint8_t certificates[] = {
	0, AUTH(RSA_SIG, ECDSA_256), ADMIN(A, CREDENTIALS), 64, ACQUIRE(A, 0), SECONDS(5),
	ADMIN(B, CREDENTIALS), 4, ADMIN(A, DELETE_PEER), SECONDS(5), ACQUIRE(A, 1), SECONDS(60),
	ADMIN(B, CREDENTIALS), 8 | 16, ACQUIRE(B, 0), SECONDS(60), AUTH(ECDSA_256, PSK), ACQUIRE(A, 2),
	SECONDS(20),
};

static const uint8_t kerberos[] = {
	FUZZ_TRACE, AUTH(KERBEROS, PSK), ADMIN(A, CREDENTIALS), 2, ADMIN(B, CREDENTIALS), 2,
	ADMIN(B, ANSWER), SIM_ANSWER_SLOW, ACQUIRE(A, 0), SECONDS(50), ADMIN(B, ANSWER),
	SIM_ANSWER_LATER, ADMIN(A, FLUSH), SECONDS(3), ADMIN(B, ODD), SIM_QUESTION_GSS_STEP,
	SIM_ANSWER_REFUSED, ACQUIRE(A, 1), SECONDS(60), ADMIN(B, ODD), SIM_QUESTION_GSS_UNWRAP,
	SIM_ANSWER_REFUSED, ACQUIRE(B, 0), SECONDS(60),
};

static const uint8_t suites[] = {
	FUZZ_KEYLOG, ADMIN(A, MAIN_MODE), 1, ADMIN(A, QUICK_MODE), 4 | 8, ACQUIRE(A, 0), SECONDS(5),
	ADMIN(A, QUICK_MODE), 1 | 24, ACQUIRE(A, 1), SECONDS(5), ADMIN(A, QUICK_MODE), 2 | 16 | 32,
	ACQUIRE(B, 2), SECONDS(5), ADMIN(A, MAIN_MODE), 2, ADMIN(A, DELETE_MM), ADMIN(A, QUICK_MODE),
	2 | 4 | 64, ACQUIRE(A, 3), SECONDS(10), EXPIRE(A, 3, SOFT), SECONDS(10),
};

static const uint8_t narrow_link[] = {
	0, ADMIN(A, MAIN_MODE), 3, ADMIN(A, QUICK_MODE), 16,
	WEATHER(FUZZ_WEATHER_NARROW | FUZZ_WEATHER_DOUBLE), ACQUIRE(A, 0), SECONDS(60), EXPIRE(A, 0, SOFT),
	CHANGED(8, B, 33, 2), CHANGED(9, B, 34, 77), SECONDS(60),
	/* a fragment of our own making, and one that does not fit to it */
	FUZZ_CLEAR, B, 1, 0, 0, ID_OF(0), WIRE_PAYLOAD_FRAGMENT, 8, 0, 9, 1, 0, 1, 2, 3, 4,
	FUZZ_CLEAR, B, 1, 0, 0, ID_OF(0), WIRE_PAYLOAD_FRAGMENT, 8, 0, 9, 1, 1, 1, 2, 3, 4,
	SECONDS(60),
};

static const uint8_t nats[] = {
	FUZZ_NAT_0 | FUZZ_NAT_1, ACQUIRE(A, 0), SECONDS(60), FUZZ_MAPPING, 9, EXPIRE(A, 0, SOFT),
	SECONDS(60), ACQUIRE(A, 1), SECONDS(60), EXPIRE(A, 1, SILENT), SECONDS(30),
	ADMIN(A, QUICK_MODE), 1, ACQUIRE(A, 2), SECONDS(60),
};

static const uint8_t nat_draft[] = {
	FUZZ_NAT_0, WEATHER(FUZZ_WEATHER_DRAFT), ADMIN(A, QUICK_MODE), 32, ACQUIRE(A, 0), SECONDS(60),
	ADMIN(A, QUICK_MODE), 0, ACQUIRE(A, 1), SECONDS(60), EXPIRE(A, 0, SOFT), SECONDS(60),
};

static const uint8_t silence[] = {
	0, ACQUIRE(A, 0), SECONDS(5), EXPIRE(A, 0, SILENT), SECONDS(12), WEATHER(FUZZ_WEATHER_NARROW |
	FUZZ_WEATHER_LOSS), EXPIRE(A, 0, SILENT), SECONDS(10), EXPIRE(A, 0, SILENT), SECONDS(10),
	ADMIN(B, RESTART), EXPIRE(A, 0, SILENT), SECONDS(10), EXPIRE(A, 0, SILENT), SECONDS(30),
};

static const uint8_t windows[] = {
	0, WEATHER(FUZZ_WEATHER_MICROSOFT | FUZZ_WEATHER_PLAIN), ACQUIRE(A, 0), SECONDS(5),
	ACQUIRE(B, 1), SECONDS(5), ADMIN(A, DELETE_SA), 0, SECONDS(1), EXPIRE(B, 0, SILENT),
	SECONDS(15), ADMIN(A, DELETE_FILTER), SECONDS(60),
};

static const uint8_t informational[] = {
	FUZZ_TRACE, ACQUIRE(A, 0), SECONDS(3),
	FUZZ_PROTECTED, B, 1, 0, 0, 0, 0, 9, NOTIFY_ISAKMP(0x60, 0x02),
	FUZZ_PROTECTED, B, 1, 0, 0, 0, 0, 10, NOTIFY_ESP(14),
	FUZZ_PROTECTED, A, 2, 0, 0, 0, 0, 11, DELETE_ESP, WIRE_PAYLOAD_NONCE, 4, 1, 2, 3, 4,
	/* DPD's question, as if after the last one */
	FUZZ_PROTECTED, B, 1, 0, 0, 0, 0, 12, WIRE_PAYLOAD_NOTIFY, 12, 0, 0, 0, 1, 1, 0, 0x8d, 0x28, 0,
	0, 0, 1,
	FUZZ_CLEAR, B, 1, 1, 0, 0, 0, 0, 5, NOTIFY_ISAKMP(0, 14),
	FUZZ_CLEAR, A, 1, 1, 0, 0, 0, 0, 6, DELETE_ESP,
	SECONDS(60),
};

static const uint8_t quick_mode_of_our_own[] = {
	0, ACQUIRE(A, 0), SECONDS(1),
	FUZZ_PROTECTED, B, 2, 1, 0, 0, 0, 1,
	WIRE_PAYLOAD_SA, 44, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 36, 1, 3, 4, 1, 0, 0, 0x70, 0,
	0, 0, 0, 24, 1, 12, 0, 0, 0x80, 4, 0, 2, 0x80, 5, 0, 2, 0x80, 6, 0, 128, 0x80, 1, 0, 1,
	WIRE_PAYLOAD_NONCE, 8, 1, 2, 3, 4, 5, 6, 7, 8,
	SECONDS(30),
};

static const uint8_t tampered[] = {
	0, TAMPER(0, 9, 7), ACQUIRE(A, 0), MS(50), SECONDS(20), ADMIN(A, FLUSH), SECONDS(1),
	TAMPER(1, 2, 12), ACQUIRE(A, 0), SECONDS(20), ADMIN(A, FLUSH), SECONDS(1), TAMPER(2, 20, 3),
	ACQUIRE(A, 0), SECONDS(20), TAMPER(1, 40, 9), ACQUIRE(A, 1), SECONDS(20), TAMPER(0, 10, 1),
	ADMIN(B, DELETE_SA), 0, SECONDS(60),
};

static const uint8_t message_by_message[] = {
	FUZZ_COOKIES, ACQUIRE(A, 1), MS(1), CHANGED(0, B, 20, 9), MS(2), CHANGED(1, A, 30, 1), MS(3),
	CHANGED(2, B, 40, 1), MS(4), CHANGED(3, A, 17, 2), MS(5), CHANGED(4, B, 60, 1), SECONDS(20),
	FUZZ_PROOF, B, 2, WIRE_PAYLOAD_ID, 8, 1, 0, 0, 0, 192, 0, 2, 1, WIRE_PAYLOAD_HASH, 4, 1, 2, 3, 4,
	SECONDS(20),
};

static const uint8_t restarts[] = {
	FUZZ_V6, ADMIN(A, LIMIT), 1, ACQUIRE(A, 2), SECONDS(2), ADMIN(B, RESTART), ACQUIRE(B, 1),
	SECONDS(2), ACQUIRE(A, 3), SECONDS(40), FUZZ_IDLE, A, ADMIN(A, ADOPT), EXPIRE(A, 0, SOFT),
	SECONDS(20), ADMIN(B, SLOW), 30, 1, ACQUIRE(A, 0), SECONDS(40),
};

static const uint8_t refusals[] = {
	0, ADMIN(B, PSK), 1, ACQUIRE(A, 0), SECONDS(60), ADMIN(B, PSK), 0, ADMIN(B, POLICY), 0, 1,
	ACQUIRE(A, 0), SECONDS(60), ADMIN(B, POLICY), 1, 0, ACQUIRE(A, 0), SECONDS(60),
	ADMIN(B, POLICY), 1, 1, ADMIN(A, ODD), SIM_QUESTION_SPI, SIM_ANSWER_REFUSED, ACQUIRE(A, 1),
	SECONDS(60), ADMIN(A, ODD), SIM_QUESTION_ADD_SA, SIM_ANSWER_NEVER, ACQUIRE(A, 2), SECONDS(60),
};

size_t fuzz_seed(size_t index, uint8_t *buf, size_t cap)
{
#define SEED(name) { sizeof(name), name }
	static const struct {
		size_t len;
		const uint8_t *data;
	} seeds[] = {
		SEED(renewal), SEED(both_at_once), SEED(certificates), SEED(kerberos), SEED(suites),
		SEED(narrow_link), SEED(nats), SEED(nat_draft), SEED(silence), SEED(windows),
		SEED(informational), SEED(quick_mode_of_our_own), SEED(tampered),
		SEED(message_by_message), SEED(restarts), SEED(refusals),
	};
#undef SEED

	if (index >= sizeof(seeds) / sizeof(seeds[0]) || seeds[index].len > cap)
		return 0;
	memcpy(buf, seeds[index].data, seeds[index].len);
	return seeds[index].len;
}
