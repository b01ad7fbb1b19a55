// SPDX-License-Identifier: MIT
/*
 * Initiators by the thousand, for "make bench-ike": main mode and quick mode, each negotiation from an
 * address of its own, as fast as the responder answers.
 *
 *   ikeload TO PROOF negotiate N CONCURRENT   "done=N failed=0 ns=... p50=... p99=... cpu=..."
 *   ikeload TO PROOF half N CONCURRENT        message 1 only, as if the sources were spoofed
 *
 * PROOF is psk:TEXT or rsa:DIR (ikeload_proof.h).
 *
 *   10.77.0.1 ... 10.77.x.y  one socket, the source chosen per datagram  --->  TO:500
 *
 * What is measured is the responder, so this end is cheap: its private exponent is tiny, and all
 * else is the codec and the formulas of lib/ike; but a signature costs what it costs. It does check
 * each message: message 6 and quick mode's message 2 count only if their HASH or SIG is right, and a negotiation counts only if all of them
 * did. Times are from the first message 1 of a negotiation to its message 3 of quick mode.
 *
 * Needs "ip route add local 10.77.0.0/16 dev lo" in its namespace.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <openssl/bn.h>

#include "base/parse.h"
#include "ike/crypto.h"
#include "ike/exchange.h"
#include "ike/ident.h"
#include "ike/keys.h"
#include "ike/proposal_mm.h"
#include "ike/proposal_qm.h"
#include "ikeload_proof.h"

#define PORT 500
#define GROUP IKE_GROUP_MODP2048
#define GROUP_LEN 256
#define EXPONENT 17
#define NONCE_LEN 32
#define MESSAGE_MAX 2048
#define BATCH 32
#define RETRY_NS UINT64_C(2000000000)
#define TRIES 5

enum stage { STAGE_SENT_1, STAGE_SENT_3, STAGE_SENT_5, STAGE_SENT_QM_1, STAGE_DONE, STAGE_FAILED };

struct initiator {
	enum stage stage;
	struct ip_addr addr;
	uint8_t icookie[WIRE_COOKIE_LEN];
	uint8_t rcookie[WIRE_COOKIE_LEN];
	uint8_t ni[NONCE_LEN];
	uint8_t ke_r[GROUP_LEN];
	uint8_t qm_ni[NONCE_LEN];
	uint8_t iv[IKE_BLOCK_MAX_LEN];
	struct mm_keys keys;
	uint32_t message_id;
	uint64_t began_at, sent_at, ended_at;
	unsigned int tries;
	uint8_t sent[MESSAGE_MAX];
	size_t sent_len;
};

struct load {
	int fd;
	struct ip_addr to;
	struct proof *proof;
	struct initiator *all;
	size_t n, n_begun, n_ended, n_failed, concurrent;
	bool is_half;
	uint32_t spi_base;
	uint8_t sai_b[256];
	size_t sai_len;
	uint8_t ke_i[GROUP_LEN];	/* everybody's */
	BIGNUM *p;
	BN_CTX *bn;
	uint8_t buf[MESSAGE_MAX];
};

static void die(const char *text)
{
	(void)fprintf(stderr, "ikeload: %s\n", text);
	exit(1);
}

static uint64_t now_ns(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

/* --- datagrams ------------------------------------------------------------------------------ */

static void put(struct load *load, struct initiator *i)
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(PORT) };
	struct in_pktinfo info = { 0 };
	union {
		struct cmsghdr header;
		uint8_t bytes[CMSG_SPACE(sizeof(info))];
	} control = { .header = { .cmsg_len = CMSG_LEN(sizeof(info)), .cmsg_level = IPPROTO_IP,
				  .cmsg_type = IP_PKTINFO } };
	struct iovec iov = { i->sent, i->sent_len };
	struct msghdr message = {
		.msg_name = &to,
		.msg_namelen = sizeof(to),
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof(control),
	};

	memcpy(&to.sin_addr, load->to.bytes, 4);
	memcpy(&info.ipi_spec_dst, i->addr.bytes, 4);
	memcpy(CMSG_DATA(&control.header), &info, sizeof(info));
	i->sent_at = now_ns();
	/* what the network does not take is lost, and sent again later */
	(void)sendmsg(load->fd, &message, MSG_DONTWAIT);
}

static void send_new(struct load *load, struct initiator *i, const uint8_t *data, size_t len)
{
	if (!len || len > sizeof(i->sent))
		die("a message does not fit");
	memcpy(i->sent, data, len);
	i->sent_len = len;
	i->tries = 1;
	put(load, i);
}

static struct wire_header header_of(const struct initiator *i, uint8_t exchange, uint8_t flags,
				    uint32_t message_id)
{
	struct wire_header header = { .version = WIRE_VERSION, .exchange = exchange,
				      .flags = flags, .message_id = message_id };

	memcpy(header.icookie, i->icookie, WIRE_COOKIE_LEN);
	memcpy(header.rcookie, i->rcookie, WIRE_COOKIE_LEN);
	return header;
}

static void finish(struct load *load, struct initiator *i, enum stage stage)
{
	i->stage = stage;
	i->ended_at = now_ns();
	load->n_ended++;
	load->n_failed += stage == STAGE_FAILED;
}

/* --- main mode ------------------------------------------------------------------------------ */

static void send_1(struct load *load, struct initiator *i)
{
	struct wire_header header = header_of(i, WIRE_EXCHANGE_MAIN, 0, 0);
	struct wire_out out = wire_out_make(load->buf, sizeof(load->buf), &header);

	i->began_at = now_ns();
	wire_add(&out, WIRE_PAYLOAD_SA, (struct bytes){ load->sai_b, load->sai_len });
	send_new(load, i, load->buf, wire_finish(&out, 0));
}

/* <-- HDR, SA; HDR, KE, Ni --> */
static bool take_2(struct load *load, struct initiator *i, const struct wire_message *m)
{
	struct wire_header header;
	struct wire_out out;

	if (!wire_find(m, WIRE_PAYLOAD_SA, 0))
		return false;
	memcpy(i->rcookie, m->header.rcookie, WIRE_COOKIE_LEN);
	header = header_of(i, WIRE_EXCHANGE_MAIN, 0, 0);
	out = wire_out_make(load->buf, sizeof(load->buf), &header);
	wire_add(&out, WIRE_PAYLOAD_KE, (struct bytes){ load->ke_i, GROUP_LEN });
	wire_add(&out, WIRE_PAYLOAD_NONCE, (struct bytes){ i->ni, NONCE_LEN });
	proof_request(load->proof, &out);
	i->stage = STAGE_SENT_3;
	send_new(load, i, load->buf, wire_finish(&out, 0));
	return true;
}

static struct mm_transcript transcript(const struct load *load, const struct initiator *i)
{
	return (struct mm_transcript){
		.cky_i = { i->icookie, WIRE_COOKIE_LEN },
		.cky_r = { i->rcookie, WIRE_COOKIE_LEN },
		.ke_i = { load->ke_i, GROUP_LEN },
		.ke_r = { i->ke_r, GROUP_LEN },
		.sai_b = { load->sai_b, load->sai_len },
	};
}

static bool make_keys(struct load *load, struct initiator *i, struct bytes nr)
{
	struct mm_transcript t = transcript(load, i);
	BIGNUM *y = BN_bin2bn(i->ke_r, GROUP_LEN, NULL), *x = BN_new();
	uint8_t gxy[GROUP_LEN];
	bool is_ok = y && x && BN_set_word(x, EXPONENT) && BN_mod_exp(y, y, x, load->p, load->bn) &&
		     BN_bn2binpad(y, gxy, GROUP_LEN) == GROUP_LEN;

	BN_free(x);
	BN_free(y);
	return is_ok &&
	       !proof_skeyid(load->proof, (struct bytes){ i->ni, NONCE_LEN }, nr,
			     (struct bytes){ gxy, GROUP_LEN }, &i->keys) &&
	       !keys_derive(&i->keys, IKE_HASH_SHA1, IKE_CIPHER_AES_CBC, 128,
			    (struct bytes){ gxy, GROUP_LEN }, t.cky_i, t.cky_r) &&
	       !keys_phase1_iv(&i->keys, &t, i->iv);
}

/* <-- HDR, KE, Nr[, CR]; HDR*, IDii, HASH_I or [CERT,] SIG_I --> */
static bool take_4(struct load *load, struct initiator *i, const struct wire_message *m)
{
	const struct wire_payload *ke = wire_find(m, WIRE_PAYLOAD_KE, 0);
	const struct wire_payload *nr = wire_find(m, WIRE_PAYLOAD_NONCE, 0);
	struct wire_header header = header_of(i, WIRE_EXCHANGE_MAIN, WIRE_FLAG_ENCRYPTED, 0);
	struct wire_out out = wire_out_make(load->buf, sizeof(load->buf), &header);
	struct mm_transcript t;
	size_t len;

	if (!ke || !nr || ke->body.len != GROUP_LEN)
		return false;
	memcpy(i->ke_r, ke->body.data, GROUP_LEN);
	if (!make_keys(load, i, nr->body))
		die("OpenSSL fails");
	t = transcript(load, i);
	if (proof_write(load->proof, &i->keys, &t, &i->addr, &out))
		die("OpenSSL fails");
	len = wire_finish(&out, 16);
	if (exchange_encrypt(&i->keys, i->iv, load->buf, len))
		die("OpenSSL fails");
	i->stage = STAGE_SENT_5;
	send_new(load, i, load->buf, len);
	return true;
}

/* Plain payloads in @load->buf; moves @iv on. */
static bool decrypt(struct load *load, struct initiator *i, struct bytes datagram,
		    struct wire_message *m)
{
	struct bytes key = { i->keys.ka, i->keys.ka_len };
	size_t len = datagram.len - WIRE_HEADER_LEN;

	if (!(m->header.flags & WIRE_FLAG_ENCRYPTED) || !len || len % 16 ||
	    crypto_cbc(IKE_CIPHER_AES_CBC, key, i->iv, false, datagram.data + WIRE_HEADER_LEN,
		       load->buf, len) ||
	    wire_parse_payloads(m->header.next_payload, (struct bytes){ load->buf, len }, true, m))
		return false;
	memcpy(i->iv, datagram.data + datagram.len - 16, 16);
	return true;
}

static void send_qm_1(struct load *load, struct initiator *i);

/* <-- HDR*, IDir, HASH_R or [CERT,] SIG_R */
static bool take_6(struct load *load, struct initiator *i, struct bytes datagram,
		   struct wire_message *m)
{
	struct mm_transcript t = transcript(load, i);

	if (!decrypt(load, i, datagram, m) || !proof_is_good(load->proof, &i->keys, &t, m))
		return false;
	send_qm_1(load, i);
	return true;
}

/* --- quick mode ----------------------------------------------------------------------------- */

static const struct ike_qm_policy qm_policy = {
	.encapsulation = IKE_ENCAPSULATION_TRANSPORT,
	.offers = { { .suites = { { IKE_PROTOCOL_ESP, IKE_CIPHER_AES_CBC, 128, IKE_HASH_SHA1 } },
		      .n_suites = 1, .life_seconds = 3600 } },
	.n_offers = 1,
};

static void seal(struct load *load, struct initiator *i, struct wire_out *out)
{
	size_t len = wire_finish(out, 16);

	if (exchange_encrypt(&i->keys, i->iv, load->buf, len))
		die("OpenSSL fails");
	send_new(load, i, load->buf, len);
}

/* HDR*, HASH(1), SA, Ni, IDci, IDcr --> */
static void send_qm_1(struct load *load, struct initiator *i)
{
	struct ike_selector selector = ident_default_selector(&i->addr, &load->to);
	struct qm_terms terms = { .group = GROUP };
	struct qm_spis spis = { 0 };
	static const uint8_t zero[IKE_HASH_MAX_LEN];
	struct wire_header header;
	struct wire_out out;
	size_t at;

	spis.spi[IKE_PROTOCOL_ESP] = load->spi_base + (uint32_t)(i - load->all);
	i->message_id = 0x01000000 + (uint32_t)(i - load->all);
	if (keys_phase2_iv(&i->keys, i->iv, i->message_id, i->iv))
		die("OpenSSL fails");
	header = header_of(i, WIRE_EXCHANGE_QUICK, WIRE_FLAG_ENCRYPTED, i->message_id);
	out = wire_out_make(load->buf, sizeof(load->buf), &header);
	wire_add(&out, WIRE_PAYLOAD_HASH, (struct bytes){ zero, i->keys.len });
	at = out.w.len;
	wire_begin(&out, WIRE_PAYLOAD_SA);
	qm_proposal_write(&out.w, &qm_policy, &terms, &spis);
	wire_end(&out);
	wire_add(&out, WIRE_PAYLOAD_NONCE, (struct bytes){ i->qm_ni, NONCE_LEN });
	wire_begin(&out, WIRE_PAYLOAD_ID);
	ident_write_selector(&out.w, &selector, true);
	wire_end(&out);
	wire_begin(&out, WIRE_PAYLOAD_ID);
	ident_write_selector(&out.w, &selector, false);
	wire_end(&out);
	if (keys_hash1(&i->keys, i->message_id, (struct bytes){ load->buf + at, out.w.len - at },
		       load->buf + at - i->keys.len))
		die("OpenSSL fails");
	i->stage = STAGE_SENT_QM_1;
	seal(load, i, &out);
}

/* <-- HDR*, HASH(2), SA, Nr, IDci, IDcr; HDR*, HASH(3) --> */
static bool take_qm_2(struct load *load, struct initiator *i, struct bytes datagram,
		      struct wire_message *m)
{
	struct wire_header header =
		header_of(i, WIRE_EXCHANGE_QUICK, WIRE_FLAG_ENCRYPTED, i->message_id);
	struct bytes ni = { i->qm_ni, NONCE_LEN };
	const struct wire_payload *hash, *nr;
	uint8_t want[IKE_HASH_MAX_LEN];
	struct wire_out out;

	if (m->header.message_id != i->message_id || !decrypt(load, i, datagram, m))
		return false;
	hash = &m->payloads[0];
	nr = wire_find(m, WIRE_PAYLOAD_NONCE, 0);
	if (hash->type != WIRE_PAYLOAD_HASH || !nr || !wire_find(m, WIRE_PAYLOAD_SA, 0) ||
	    keys_hash2(&i->keys, i->message_id, ni, wire_after(m, hash), want) ||
	    !crypto_is_equal(hash->body, (struct bytes){ want, i->keys.len }) ||
	    keys_hash3(&i->keys, i->message_id, ni, nr->body, want))
		return false;
	out = wire_out_make(load->buf, sizeof(load->buf), &header);
	wire_add(&out, WIRE_PAYLOAD_HASH, (struct bytes){ want, i->keys.len });
	seal(load, i, &out);
	finish(load, i, STAGE_DONE);
	return true;
}

/* --- the loop ------------------------------------------------------------------------------- */

/* Cookies begin with the number of the initiator. */
static struct initiator *find(const struct load *load, const struct wire_header *header)
{
	uint32_t number;

	memcpy(&number, header->icookie, sizeof(number));
	if (number >= load->n ||
	    memcmp(load->all[number].icookie, header->icookie, WIRE_COOKIE_LEN) != 0)
		return NULL;
	return &load->all[number];
}

static void take(struct load *load, struct bytes datagram)
{
	struct wire_message m;
	struct initiator *i;
	bool is_good = false;

	if (wire_parse_header(datagram, &m.header))
		return;
	i = find(load, &m.header);
	/* notifies beside the exchanges are not what we wait for */
	if (!i || m.header.exchange == WIRE_EXCHANGE_INFORMATIONAL)
		return;
	if (i->stage <= STAGE_SENT_3 && wire_parse(datagram, &m))
		return;
	switch (i->stage) {
	case STAGE_SENT_1:
		is_good = take_2(load, i, &m);
		break;
	case STAGE_SENT_3:
		/* message 2 again is no answer */
		is_good = wire_find(&m, WIRE_PAYLOAD_SA, 0) || take_4(load, i, &m);
		break;
	case STAGE_SENT_5:
		is_good = !(m.header.flags & WIRE_FLAG_ENCRYPTED) || take_6(load, i, datagram, &m);
		break;
	case STAGE_SENT_QM_1:
		is_good = m.header.exchange != WIRE_EXCHANGE_QUICK ||
			  take_qm_2(load, i, datagram, &m);
		break;
	case STAGE_DONE:
	case STAGE_FAILED:
		is_good = true;
		break;
	}
	if (!is_good)
		finish(load, i, STAGE_FAILED);
}

static void receive(struct load *load)
{
	static uint8_t data[BATCH][MESSAGE_MAX];
	struct mmsghdr headers[BATCH] = { 0 };
	struct iovec iov[BATCH];
	int n;

	for (size_t k = 0; k < BATCH; k++) {
		iov[k] = (struct iovec){ data[k], MESSAGE_MAX };
		headers[k].msg_hdr.msg_iov = &iov[k];
		headers[k].msg_hdr.msg_iovlen = 1;
	}
	n = recvmmsg(load->fd, headers, BATCH, MSG_DONTWAIT, NULL);
	for (int k = 0; k < n; k++)
		take(load, (struct bytes){ data[k], headers[k].msg_len });
}

static void begin(struct load *load)
{
	struct initiator *i = &load->all[load->n_begun];
	uint32_t number = (uint32_t)load->n_begun++;
	uint32_t addr = htonl((10U << 24) + (77U << 16) + 1 + number);

	if (crypto_random(i->icookie, WIRE_COOKIE_LEN) || crypto_random(i->ni, NONCE_LEN) ||
	    crypto_random(i->qm_ni, NONCE_LEN))
		die("OpenSSL fails");
	memcpy(i->icookie, &number, sizeof(number));
	(void)ip_addr_from_bytes(&addr, 4, &i->addr);
	send_1(load, i);
	if (load->is_half)
		finish(load, i, STAGE_DONE);
}

/* Lost datagrams, the responder's included. */
static void retry(struct load *load)
{
	uint64_t now = now_ns();

	for (size_t k = 0; k < load->n_begun; k++) {
		struct initiator *i = &load->all[k];

		if (i->stage >= STAGE_DONE || now - i->sent_at < RETRY_NS)
			continue;
		if (i->tries++ == TRIES)
			finish(load, i, STAGE_FAILED);
		else
			put(load, i);
	}
}

static void run(struct load *load)
{
	struct pollfd pollfd = { .fd = load->fd, .events = POLLIN };
	uint64_t checked_at = now_ns();

	while (load->n_ended < load->n) {
		while (load->n_begun < load->n && load->n_begun - load->n_ended < load->concurrent)
			begin(load);
		/* a flood that is faster than the responder reads would be lost in its socket */
		if (load->is_half && !(load->n_begun % BATCH))
			(void)usleep(5000);
		if (poll(&pollfd, 1, load->is_half ? 0 : 200) > 0)
			receive(load);
		if (now_ns() - checked_at > RETRY_NS / 10) {
			retry(load);
			checked_at = now_ns();
		}
	}
}

/* --- start and end -------------------------------------------------------------------------- */

static void open_socket(struct load *load)
{
	struct sockaddr_in any = { .sin_family = AF_INET, .sin_port = htons(PORT) };
	int buffer = 8 << 20;

	load->fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (load->fd < 0 || bind(load->fd, (struct sockaddr *)&any, sizeof(any)) < 0)
		die("cannot have UDP port 500");
	(void)setsockopt(load->fd, SOL_SOCKET, SO_RCVBUFFORCE, &buffer, sizeof(buffer));
	(void)setsockopt(load->fd, SOL_SOCKET, SO_SNDBUFFORCE, &buffer, sizeof(buffer));
}

static void prepare(struct load *load)
{
	struct ike_mm_policy policy = {
		.proposals = { { IKE_CIPHER_AES_CBC, 128, IKE_HASH_SHA1, GROUP } },
		.n_proposals = 1,
		.auth = { proof_auth(load->proof) },
		.n_auth = 1,
		.life_seconds = 28800,
	};
	struct writer w = writer_make(load->sai_b, sizeof(load->sai_b));
	BIGNUM *g = BN_new(), *x = BN_new();

	/* a responder may remember those of an earlier run */
	if (crypto_random(&load->spi_base, sizeof(load->spi_base)))
		die("OpenSSL fails");
	load->spi_base = (load->spi_base & 0x7fffffff) + 0x10000;
	mm_proposal_write(&w, &policy);
	load->sai_len = w.len;
	load->p = BN_get_rfc3526_prime_2048(NULL);
	load->bn = BN_CTX_new();
	load->all = calloc(load->n, sizeof(*load->all));
	if (w.overflow || !g || !x || !load->p || !load->bn || !load->all || !BN_set_word(g, 2) ||
	    !BN_set_word(x, EXPONENT) || !BN_mod_exp(g, g, x, load->p, load->bn) ||
	    BN_bn2binpad(g, load->ke_i, GROUP_LEN) != GROUP_LEN)
		die("cannot prepare");
	BN_free(g);
	BN_free(x);
}

static int by_duration(const void *a, const void *b)
{
	const struct initiator *x = a, *y = b;
	uint64_t dx = x->ended_at - x->began_at, dy = y->ended_at - y->began_at;

	return dx < dy ? -1 : dx > dy;
}

static double cpu_seconds(void)
{
	struct rusage usage;

	(void)getrusage(RUSAGE_SELF, &usage);
	return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
	       (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

static void report(struct load *load, uint64_t ns)
{
	const struct initiator *all = load->all;
	size_t n = load->n, median = n / 2, worst = n * 99 / 100;

	qsort(load->all, n, sizeof(*load->all), by_duration);
	(void)printf("done=%zu failed=%zu ns=%llu p50=%.3f p99=%.3f cpu=%.3f\n",
		     n - load->n_failed, load->n_failed, (unsigned long long)ns,
		     (double)(all[median].ended_at - all[median].began_at) / 1e6,
		     (double)(all[worst].ended_at - all[worst].began_at) / 1e6,
		     cpu_seconds());
}

int main(int argc, char **argv)
{
	struct load load = { 0 };
	uint32_t n, concurrent;
	uint64_t start;

	if (argc != 6 || ip_addr_parse(argv[1], &load.to) || parse_u32(argv[4], &n) || !n ||
	    n > 60000 || parse_u32(argv[5], &concurrent) || !concurrent)
		die("usage: ikeload TO PROOF negotiate|half N CONCURRENT");
	load.is_half = !strcmp(argv[3], "half");
	load.n = n;
	load.concurrent = concurrent;
	if (crypto_init())
		die("OpenSSL fails");
	load.proof = proof_new(argv[2]);
	if (!load.proof)
		die("a proof is psk:TEXT or rsa:DIR, and DIR has initiator.{crt,key}, responder.crt and "
		    "root.crt");
	open_socket(&load);
	prepare(&load);
	start = now_ns();
	run(&load);
	report(&load, now_ns() - start);
	return load.n_failed != 0;
}
