// SPDX-License-Identifier: MIT
/*
 * Negotiations with a driver in memory and an IKE that the test plays, well-behaved and captured:
 * 10.0.0.1 is this host, 10.0.0.2 the peer of a rule that negotiates.
 */
#include "agent/test_util.h"

#include <errno.h>
#include <sys/socket.h>

#include "agent/negotiate.h"
#include "agent/sa_check.h"
#include "nl/kernel_fake.h"

struct ike_log {
	unsigned int n_acquires, n_cancels, n_expires, n_mm_deletes, n_filter_deletes, n_adopts;
	int acquire_error;
	struct ike_acquire acquire;
	uint64_t cancelled;
	struct link_expire expire;
	uint64_t mm_id;
	uint32_t filter_id;
	struct ike_sa_install adopted;
};

struct world {
	struct kernel *kernel;
	struct addresses *addresses;
	struct dynamic *dynamic;
	struct layers *layers;
	struct negotiate *negotiate;
	struct ike_log log;
	struct fault fault;
};

static uint64_t clock_usec;

static uint64_t now(void)
{
	return clock_usec;
}

/* --- the IKE that is told ----------------------------------------------------------------- */

static int on_acquire(void *userdata, const struct ike_acquire *acquire)
{
	struct ike_log *log = userdata;

	log->n_acquires++;
	log->acquire = *acquire;
	return log->acquire_error;
}

static int on_cancel(void *userdata, uint64_t acquire_id)
{
	struct ike_log *log = userdata;

	log->n_cancels++;
	log->cancelled = acquire_id;
	return 0;
}

static int on_expire(void *userdata, const struct link_expire *expire)
{
	struct ike_log *log = userdata;

	log->n_expires++;
	log->expire = *expire;
	return 0;
}

static int on_delete_mm(void *userdata, uint64_t mm_id, enum ike_reason reason)
{
	struct ike_log *log = userdata;

	(void)reason;
	log->n_mm_deletes++;
	log->mm_id = mm_id;
	return 0;
}

static int on_delete_filter(void *userdata, uint32_t filter_id, enum ike_reason reason)
{
	struct ike_log *log = userdata;

	(void)reason;
	log->n_filter_deletes++;
	log->filter_id = filter_id;
	return 0;
}

static int on_adopt(void *userdata, const struct ike_sa_install *install)
{
	struct ike_log *log = userdata;

	log->n_adopts++;
	log->adopted = *install;
	return 0;
}

static const struct negotiate_ike ike_calls = {
	on_acquire, on_cancel, on_expire, on_delete_mm, on_delete_filter, on_adopt,
};

/* --- the world ---------------------------------------------------------------------------- */

static void apply(struct world *w)
{
	struct layers *before = w->layers, *after;

	if (layers_build(w->dynamic, &test_no_names, before, &after, &w->fault))
		fail_msg("%s", w->fault.text);
	assert_int_equal(layers_commit(after, before, w->kernel), 0);
	w->layers = after;
	negotiate_set_layers(w->negotiate, after);
	layers_free(before);
}

static void add_rule(struct world *w, const char *tags)
{
	if (dynamic_add_rule(w->dynamic, test_rule(tags, NULL), &w->fault))
		fail_msg("%s: %s", tags, w->fault.text);
}

static struct negotiate *negotiate_of(struct world *w)
{
	struct negotiate_config config = {
		.kernel = w->kernel,
		.addresses = w->addresses,
		.ike = ike_calls,
		.now = now,
		.userdata = &w->log,
	};

	return negotiate_new(&config);
}

#define PEER_RULE "srcaddr=me dstaddr=10.0.0.2 mmpolicy=m qmpolicy=q psk=k"

static int set_up(void **state)
{
	struct ip_addr mine[] = { test_addr("10.0.0.1"), test_addr("2001:db8::1") };
	struct world *w = calloc(1, sizeof(*w));

	clock_usec = 1000000;
	w->kernel = kernel_fake_new();
	assert_int_equal(addresses_new_fixed(mine, 2, &w->addresses), 0);
	w->dynamic = dynamic_new();
	assert_int_equal(dynamic_add_mm(w->dynamic, test_mm("name=m mmsecmethods=AES256-SHA256-14 "
							    "mmlifetime=60 qmpermm=5", NULL),
					&w->fault), 0);
	assert_int_equal(dynamic_add_qm(w->dynamic,
					test_qm("name=q qmsecmethods=ESP[AES128,SHA1]:50000k/600s"
						"~AH[SHA256]",
						NULL),
					&w->fault),
			 0);
	add_rule(w, PEER_RULE);
	add_rule(w, "srcaddr=me dstaddr=10.0.0.2 protocol=tcp dstport=23 actioninbound=block "
		 "actionoutbound=block");
	add_rule(w, "srcaddr=me dstaddr=10.0.0.3 actioninbound=permit actionoutbound=permit");
	w->negotiate = negotiate_of(w);
	apply(w);
	assert_int_equal(w->kernel->ops->mode_set(w->kernel, IPSECDRV_MODE_SECURE, 3), 0);
	negotiate_ike_up(w->negotiate);
	*state = w;
	return 0;
}

static int tear_down(void **state)
{
	struct world *w = *state;

	negotiate_free(w->negotiate);
	layers_free(w->layers);
	dynamic_free(w->dynamic);
	addresses_free(w->addresses);
	kernel_free(w->kernel);
	free(w);
	return 0;
}

static void on_kernel_acquire(void *userdata, const struct kernel_acquire *acquire)
{
	negotiate_acquire(((struct world *)userdata)->negotiate, acquire);
}

static void on_kernel_expire(void *userdata, enum ipsecdrv_lifetime_kind kind,
			     const struct kernel_sa *sa)
{
	negotiate_expire(((struct world *)userdata)->negotiate, kind, sa);
}

static void on_kernel_mode(void *userdata, enum ipsecdrv_mode mode)
{
	(void)userdata;
	(void)mode;
}

static void on_kernel_lost(void *userdata)
{
	negotiate_resync(((struct world *)userdata)->negotiate);
}

static void dispatch(struct world *w)
{
	struct kernel_event_handler handler = {
		on_kernel_acquire, on_kernel_expire, on_kernel_mode, on_kernel_lost, w,
	};

	assert_int_equal(w->kernel->ops->event_dispatch(w->kernel, &handler), 0);
}

static struct kernel_flow ping_to(const char *remote)
{
	return (struct kernel_flow){
		.direction = IPSECDRV_DIRECTION_OUT,
		.source = test_addr("10.0.0.1"),
		.destination = test_addr(remote),
		.protocol = 1,
		.source_port = 8,
	};
}

/* A ping to the peer, up to the acquire that IKE gets. */
static uint32_t send_ping(struct world *w)
{
	struct kernel_flow flow = ping_to("10.0.0.2");
	uint32_t id = kernel_fake_packet(w->kernel, &flow);

	assert_int_not_equal(id, 0);
	dispatch(w);
	return id;
}

static struct ike_path path_to(const char *remote)
{
	return (struct ike_path){
		.local = test_addr("10.0.0.1"),
		.remote = test_addr(remote),
		.local_port = 500,
		.remote_port = 500,
	};
}

static uint32_t get_spi(struct world *w, uint64_t acquire_id)
{
	struct ike_spi_request request = {
		.path = path_to("10.0.0.2"), .protocol = IKE_PROTOCOL_ESP, .acquire_id = acquire_id,
	};
	uint32_t spi = 0;

	assert_int_equal(negotiate_get_spi(w->negotiate, &request, &spi), 0);
	assert_true(spi >= IPSECDRV_MIN_SPI);
	return spi;
}

static struct ike_selector selector_to(const char *remote)
{
	return (struct ike_selector){
		.local = test_addr("10.0.0.1"),
		.remote = test_addr(remote),
		.local_prefix = 32,
		.remote_prefix = 32,
	};
}

/* What IKE asks for after it has negotiated the first method of the policy. */
static struct ike_sa_install install_for(struct world *w, uint32_t spi_in)
{
	struct ike_sa_install install = {
		.qm_id = 7,
		.directions = IKE_DIRECTION_IN | IKE_DIRECTION_OUT,
		.is_initiator = true,
		.path = path_to("10.0.0.2"),
		.selector = selector_to("10.0.0.2"),
		.n_suites = 1,
		.suites = { {
			.suite = {
				.protocol = IKE_PROTOCOL_ESP,
				.cipher = IKE_CIPHER_AES_CBC,
				.key_bits = 128,
				.hash = IKE_HASH_SHA1,
			},
			.spi_in = spi_in,
			.spi_out = 0x8000,
			.in = { .cipher_key_len = 16, .hash_key_len = 20 },
			.out = { .cipher_key_len = 16, .hash_key_len = 20 },
		} },
		.life_seconds = 600,
		.soft_seconds = 500,
		.life_bytes = 50000 * 1024ULL,
		.soft_bytes = 40000 * 1024ULL,
		.filter_id = w->log.acquire.qm.filter_id,
		.acquire_id = w->log.acquire.id,
	};

	memset(install.suites[0].in.cipher_key, 0xa1, 16);
	memset(install.suites[0].out.hash_key, 0xb2, 20);
	return install;
}

static uint32_t peer_filter(const struct world *w)
{
	for (size_t i = 0; i < w->layers->n_filters; i++)
		if (layer_filter_is_negotiated(&w->layers->filters[i]))
			return w->layers->filters[i].filter.id;
	return 0;
}

static size_t count_sas(const struct world *w)
{
	size_t n;

	(void)kernel_fake_sas(w->kernel, &n);
	return n;
}

/* --- the way it should go ----------------------------------------------------------------- */

static void test_initiator(void **state)
{
	struct world *w = *state;
	struct ike_sa_install install;
	const struct kernel_sa *sas;
	size_t n;

	send_ping(w);
	assert_int_equal(w->log.n_acquires, 1);
	assert_int_equal(w->log.acquire.qm.filter_id, peer_filter(w));
	assert_int_equal(w->log.acquire.mm.n_proposals, 1);
	assert_int_equal(w->log.acquire.mm.proposals[0].cipher, IKE_CIPHER_AES_CBC);
	assert_int_equal(w->log.acquire.mm.proposals[0].key_bits, 256);
	assert_int_equal(w->log.acquire.mm.proposals[0].group, 14);
	assert_int_equal(w->log.acquire.mm.life_seconds, 3600);
	assert_int_equal(w->log.acquire.mm.qm_limit, 5);
	assert_int_equal(w->log.acquire.mm.auth[0], IKE_AUTH_PSK);
	assert_int_equal(w->log.acquire.qm.n_offers, 2);
	assert_int_equal(w->log.acquire.qm.offers[0].life_kbytes, 50000);
	/* what the method does not say has the default */
	assert_int_equal(w->log.acquire.qm.offers[1].life_seconds, 3600);
	assert_int_equal(w->log.acquire.selector.protocol, 0);

	install = install_for(w, get_spi(w, w->log.acquire.id));
	assert_int_equal(negotiate_add_sa(w->negotiate, &install), 0);
	sas = kernel_fake_sas(w->kernel, &n);
	assert_int_equal(n, 2);
	assert_int_not_equal(sas[0].spi, sas[1].spi);
	assert_int_not_equal(sas[0].direction, sas[1].direction);
	assert_int_equal(sas[0].pair_spi, sas[1].spi);
	assert_int_equal(sas[0].filter_id, peer_filter(w));
	assert_int_equal(sas[0].lifetime.hard_seconds, 600);
	assert_int_equal(sas[0].cipher_key[0], 0xa1);
	assert_int_equal(sas[1].integrity_key[0], 0xb2);
	assert_int_equal(negotiate_get_counts(w->negotiate).jobs, 0);
	/* the pair is remembered without its keys */
	assert_non_null(negotiate_find_pair(w->negotiate, install.suites[0].spi_in));
	assert_int_equal(negotiate_find_pair(w->negotiate, install.suites[0].spi_in)
				 ->suites[0].in.cipher_key[0], 0);
}

static int ask_qm(struct world *w, const struct ike_selector *selector, enum ike_auth auth,
		  struct ike_qm_policy *ret_policy)
{
	struct ike_qm_query query = {
		.path = path_to("10.0.0.2"), .selector = *selector, .auth = auth,
	};

	query.path.remote = selector->remote;
	return negotiate_policy_qm(w->negotiate, &query, ret_policy);
}

static void test_responder(void **state)
{
	struct world *w = *state;
	struct link_policy_mm_query mm_query = { .path = path_to("10.0.0.2") };
	struct ike_selector selector = selector_to("10.0.0.2");
	struct ike_mm_policy mm;
	struct ike_qm_policy qm;
	struct ike_sa_install install;

	assert_int_equal(negotiate_policy_mm(w->negotiate, &mm_query, &mm), 0);
	assert_int_equal(mm.n_proposals, 1);
	assert_int_equal(ask_qm(w, &selector, IKE_AUTH_PSK, &qm), 0);
	assert_int_equal(qm.filter_id, peer_filter(w));
	assert_int_equal(qm.n_offers, 2);

	install = install_for(w, get_spi(w, 0));
	install.is_initiator = false;
	install.acquire_id = 0;
	install.filter_id = qm.filter_id;
	install.directions = IKE_DIRECTION_IN;
	assert_int_equal(negotiate_add_sa(w->negotiate, &install), 0);
	assert_int_equal(count_sas(w), 1);
	install.directions = IKE_DIRECTION_OUT;
	assert_int_equal(negotiate_add_sa(w->negotiate, &install), 0);
	assert_int_equal(count_sas(w), 2);
	/* and not a third time */
	assert_int_equal(negotiate_add_sa(w->negotiate, &install), -EPERM);
	assert_int_equal(count_sas(w), 2);
}

static void test_peer_questions(void **state)
{
	struct world *w = *state;
	static const struct {
		const char *remote;
		uint8_t protocol;
		uint16_t remote_port;
		int result;
	} rows[] = {
		{ "10.0.0.2", 0, 0, 0 },
		{ "10.0.0.2", 17, 53, 0 },		/* within the filter */
		{ "10.0.0.2", 6, 23, -ENOENT },		/* a more specific one blocks it */
		{ "10.0.0.2", 6, 24, 0 },
		{ "10.0.0.3", 0, 0, -ENOENT },		/* permitted */
		{ "10.0.0.4", 0, 0, -ENOENT },		/* nothing said */
	};
	struct ike_selector selector;
	struct ike_qm_policy qm;
	struct ike_mm_policy mm;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct link_policy_mm_query query = { .path = path_to(rows[i].remote) };

		selector = selector_to(rows[i].remote);
		selector.protocol = rows[i].protocol;
		selector.remote_port = rows[i].remote_port;
		if (ask_qm(w, &selector, IKE_AUTH_PSK, &qm) != rows[i].result)
			fail_msg("row %zu", i);
		assert_int_equal(negotiate_policy_mm(w->negotiate, &query, &mm),
				 strcmp(rows[i].remote, "10.0.0.2") ? -ENOENT : 0);
	}
	selector = selector_to("10.0.0.2");
	assert_int_equal(ask_qm(w, &selector, IKE_AUTH_RSA_SIG, &qm), -ENOENT);
	selector.remote_prefix = 24;
	assert_int_equal(ask_qm(w, &selector, IKE_AUTH_PSK, &qm), -ENOENT);
	selector = selector_to("10.0.0.2");
	selector.local = test_addr("10.0.0.77");	/* not this host */
	assert_int_equal(ask_qm(w, &selector, IKE_AUTH_PSK, &qm), -ENOENT);
}

/* --- the way a captured IKE would like it ------------------------------------------------- */

typedef void (*twist_fn)(struct ike_sa_install *install);

static void twist_filter(struct ike_sa_install *i) { i->filter_id += 77; }
static void twist_peer(struct ike_sa_install *i) { i->path.remote = test_addr("10.0.0.9"); }
static void twist_other(struct ike_sa_install *i)
{
	i->path.remote = i->selector.remote = test_addr("10.0.0.9");
}
static void twist_local(struct ike_sa_install *i)
{
	i->path.local = i->selector.local = test_addr("10.0.0.8");
}
static void twist_wider(struct ike_sa_install *i) { i->selector.remote_prefix = 0; }
static void twist_family(struct ike_sa_install *i)
{
	i->selector.local = i->path.local = test_addr("2001:db8::1");
	i->selector.remote = i->path.remote = test_addr("2001:db8::2");
	i->selector.local_prefix = i->selector.remote_prefix = 128;
}
static void twist_narrower(struct ike_sa_install *i) { i->selector.protocol = 6; }
static void twist_tunnel(struct ike_sa_install *i)
{
	i->encapsulation = IKE_ENCAPSULATION_TUNNEL;
}
static void twist_cipher(struct ike_sa_install *i)
{
	i->suites[0].suite.cipher = IKE_CIPHER_DES;
	i->suites[0].suite.key_bits = 0;
	i->suites[0].in.cipher_key_len = i->suites[0].out.cipher_key_len = 8;
}
static void twist_null(struct ike_sa_install *i)
{
	i->suites[0].suite.cipher = IKE_CIPHER_NULL;
	i->suites[0].suite.key_bits = 0;
	i->suites[0].in.cipher_key_len = i->suites[0].out.cipher_key_len = 0;
}
static void twist_hash(struct ike_sa_install *i)
{
	i->suites[0].suite.hash = IKE_HASH_MD5;
	i->suites[0].in.hash_key_len = i->suites[0].out.hash_key_len = 16;
}
static void twist_no_hash(struct ike_sa_install *i)
{
	i->suites[0].suite.hash = IKE_HASH_NONE;
	i->suites[0].in.hash_key_len = i->suites[0].out.hash_key_len = 0;
}
static void twist_short_key(struct ike_sa_install *i) { i->suites[0].out.cipher_key_len = 8; }
static void twist_seconds(struct ike_sa_install *i) { i->life_seconds = 601; }
static void twist_forever(struct ike_sa_install *i)
{
	i->life_seconds = 0;
	i->soft_seconds = 0;
}
static void twist_bytes(struct ike_sa_install *i) { i->life_bytes++; }
static void twist_endless(struct ike_sa_install *i) { i->life_bytes = i->soft_bytes = 0; }
static void twist_soft(struct ike_sa_install *i) { i->soft_seconds = 700; }
static void twist_spi_in(struct ike_sa_install *i) { i->suites[0].spi_in++; }
static void twist_spi_out(struct ike_sa_install *i) { i->suites[0].spi_out = 255; }
static void twist_role(struct ike_sa_install *i) { i->is_initiator = false; }
static void twist_direction(struct ike_sa_install *i) { i->directions = IKE_DIRECTION_OUT; }
static void twist_no_direction(struct ike_sa_install *i) { i->directions = 0; }
static void twist_bits(struct ike_sa_install *i) { i->suites[0].suite.key_bits = 256; }

/*
 * Each thing that is not as policy has it is refused, and the honest one goes through after all
 * that.
 */
static void test_hostile_install(void **state)
{
	static const twist_fn twists[] = {
		twist_filter, twist_peer, twist_other, twist_local, twist_wider, twist_family,
		twist_narrower, twist_tunnel, twist_cipher, twist_null, twist_hash, twist_no_hash,
		twist_short_key, twist_seconds, twist_forever, twist_bytes, twist_endless,
		twist_soft, twist_spi_in, twist_spi_out, twist_role, twist_direction,
		twist_no_direction, twist_bits,
	};
	struct world *w = *state;
	struct ike_sa_install install;
	uint32_t spi;

	send_ping(w);
	spi = get_spi(w, w->log.acquire.id);
	for (size_t i = 0; i < sizeof(twists) / sizeof(twists[0]); i++) {
		install = install_for(w, spi);
		twists[i](&install);
		if (negotiate_add_sa(w->negotiate, &install) != -EPERM)
			fail_msg("twist %zu went through", i);
		assert_int_equal(count_sas(w), 1);	/* the larval one */
		assert_int_equal(kernel_fake_count(w->kernel, KERNEL_FAKE_SA_NEW), 0);
	}
	assert_int_equal(negotiate_get_counts(w->negotiate).refused,
			 sizeof(twists) / sizeof(twists[0]));
	install = install_for(w, spi);
	assert_int_equal(negotiate_add_sa(w->negotiate, &install), 0);
	assert_int_equal(count_sas(w), 2);
}

/* Policy allows it, but nobody asked. */
static void test_unasked(void **state)
{
	struct world *w = *state;
	struct ike_sa_install install;

	send_ping(w);
	install = install_for(w, get_spi(w, w->log.acquire.id));
	assert_int_equal(negotiate_add_sa(w->negotiate, &install), 0);
	/* once more, with a new SPI: the packet has its association */
	install = install_for(w, get_spi(w, 0));
	install.qm_id = 8;
	install.suites[0].spi_out = 0x8001;
	assert_int_equal(negotiate_add_sa(w->negotiate, &install), -EPERM);
	/* as if it rekeyed a pair that it does not have */
	install.replaces_qm_id = 99;
	assert_int_equal(negotiate_add_sa(w->negotiate, &install), -EPERM);
	/* and as it may */
	install.replaces_qm_id = 7;
	assert_int_equal(negotiate_add_sa(w->negotiate, &install), 0);
}

/* A grant is for one pair, for its selector, and not for ever. */
static void test_grants(void **state)
{
	struct world *w = *state;
	struct ike_selector selector = selector_to("10.0.0.2"), udp = selector;
	struct ike_sa_install install;
	struct ike_qm_policy qm;

	udp.protocol = 17;
	assert_int_equal(ask_qm(w, &selector, IKE_AUTH_PSK, &qm), 0);
	install = install_for(w, get_spi(w, 0));
	install.is_initiator = false;
	install.filter_id = qm.filter_id;
	install.selector = udp;
	assert_int_equal(negotiate_add_sa(w->negotiate, &install), -EPERM);
	install.selector = selector;
	clock_usec += NEGOTIATE_GRANT_USEC;
	assert_int_equal(negotiate_add_sa(w->negotiate, &install), -EPERM);
	assert_int_equal(ask_qm(w, &selector, IKE_AUTH_PSK, &qm), 0);
	install.suites[0].spi_in = get_spi(w, 0);
	assert_int_equal(negotiate_add_sa(w->negotiate, &install), 0);
	install.qm_id++;
	install.suites[0].spi_in = get_spi(w, 0);
	install.suites[0].spi_out++;
	assert_int_equal(negotiate_add_sa(w->negotiate, &install), -EPERM);
}

static void test_hostile_spi(void **state)
{
	struct world *w = *state;
	struct ike_spi_request request = {
		.path = path_to("10.0.0.9"), .protocol = IKE_PROTOCOL_ESP,
	};
	uint32_t spi, n = 0;

	assert_int_equal(negotiate_get_spi(w->negotiate, &request, &spi), -EPERM);
	request.path = path_to("10.0.0.2");
	request.path.local = test_addr("10.0.0.7");
	assert_int_equal(negotiate_get_spi(w->negotiate, &request, &spi), -EPERM);
	assert_int_equal(count_sas(w), 0);
	/* it cannot fill the driver */
	request.path = path_to("10.0.0.2");
	while (n <= NEGOTIATE_LARVALS_MAX && !negotiate_get_spi(w->negotiate, &request, &spi))
		n++;
	assert_int_equal(n, NEGOTIATE_LARVALS_MAX);
}

/* It removes what it made and nothing else. */
static void test_hostile_delete(void **state)
{
	struct world *w = *state;
	struct ike_sa_install install;
	struct ike_sa_ref ref = { .path = path_to("10.0.0.2"), .protocol = IKE_PROTOCOL_ESP };

	send_ping(w);
	install = install_for(w, get_spi(w, w->log.acquire.id));
	assert_int_equal(negotiate_add_sa(w->negotiate, &install), 0);
	ref.spi_in = install.suites[0].spi_in + 1;
	ref.spi_out = 0x9999;
	negotiate_del_sa(w->negotiate, &ref);
	assert_int_equal(kernel_fake_count(w->kernel, KERNEL_FAKE_SA_DEL), 0);
	ref.spi_in = install.suites[0].spi_in;
	ref.spi_out = install.suites[0].spi_out;
	negotiate_del_sa(w->negotiate, &ref);
	assert_int_equal(count_sas(w), 0);
	assert_int_equal(negotiate_get_counts(w->negotiate).pairs, 0);
}

/* --- results ------------------------------------------------------------------------------ */

static void end(struct world *w, enum ike_reason reason, bool peer_answered)
{
	struct link_acquire_result result = { w->log.acquire.id, reason, peer_answered };

	negotiate_acquire_result(w->negotiate, &result);
}

static const struct kernel_acquire *the_acquire(const struct world *w)
{
	size_t n;
	const struct kernel_acquire *acquires = kernel_fake_acquires(w->kernel, &n);

	assert_int_equal(n, 1);
	return acquires;
}

static void test_failure(void **state)
{
	struct world *w = *state;
	struct ip_addr peer = test_addr("10.0.0.2");
	struct ike_event event = {
		.kind = IKE_EVENT_MM_FAILED,
		.path = path_to("10.0.0.2"),
		.reason = IKE_REASON_NO_RESPONSE,
		.text = "no response from peer",
	};

	send_ping(w);
	negotiate_event(w->negotiate, &event);
	end(w, IKE_REASON_NO_RESPONSE, false);
	assert_true(the_acquire(w)->has_ended);
	assert_int_equal(the_acquire(w)->result, IPSECDRV_ACQUIRE_RESULT_FAILED);
	assert_int_equal(kernel_fake_hold(w->kernel), 0);	/* the driver's minute */
	assert_int_equal(negotiate_find_failure(w->negotiate, &peer)->reason, 13813);
	assert_int_equal(negotiate_get_counts(w->negotiate).jobs, 0);
	/* told twice, or about nothing: nothing happens */
	end(w, IKE_REASON_NO_RESPONSE, false);
	assert_int_equal(kernel_fake_count(w->kernel, KERNEL_FAKE_ACQUIRE_END), 1);
}

static void set_soft(struct world *w)
{
	_cleanup_(policy_qm_policy_freep) struct policy_qm_policy *changes = NULL;
	uint32_t given;

	changes = test_qm("name=q soft=yes", &given);
	assert_int_equal(dynamic_set_qm(w->dynamic, changes, given, &w->fault), 0);
	apply(w);
}

static void test_soft(void **state)
{
	struct world *w = *state;

	set_soft(w);
	send_ping(w);
	end(w, IKE_REASON_NO_RESPONSE, false);
	assert_int_equal(the_acquire(w)->result, IPSECDRV_ACQUIRE_RESULT_SOFT);
	assert_int_equal(kernel_fake_hold(w->kernel), 300);
	assert_int_equal(negotiate_get_counts(w->negotiate).soft_associations, 1);
}

/* Who has answered speaks IKE: then it is all or nothing. */
static void test_not_soft(void **state)
{
	struct world *w = *state;

	set_soft(w);
	send_ping(w);
	end(w, IKE_REASON_CREDENTIALS, true);
	assert_int_equal(the_acquire(w)->result, IPSECDRV_ACQUIRE_RESULT_FAILED);
	assert_int_equal(negotiate_get_counts(w->negotiate).soft_associations, 0);
}

/* --- coming and going --------------------------------------------------------------------- */

static void test_ike_restart(void **state)
{
	struct world *w = *state;
	struct ike_sa_install install;
	uint64_t first_id;

	send_ping(w);
	install = install_for(w, get_spi(w, w->log.acquire.id));
	assert_int_equal(negotiate_add_sa(w->negotiate, &install), 0);
	add_rule(w, "srcaddr=me dstaddr=10.0.0.5 mmpolicy=m qmpolicy=q psk=k");
	apply(w);
	negotiate_ike_down(w->negotiate);
	{
		struct kernel_flow flow = ping_to("10.0.0.5");

		assert_int_not_equal(kernel_fake_packet(w->kernel, &flow), 0);
		dispatch(w);
	}
	assert_int_equal(w->log.n_acquires, 1);		/* nobody there to be told */
	first_id = w->log.acquire.id;
	negotiate_ike_up(w->negotiate);
	assert_int_equal(w->log.n_acquires, 2);
	assert_true(w->log.acquire.id != first_id);
	assert_int_equal(w->log.n_adopts, 1);
	assert_int_equal(w->log.adopted.suites[0].spi_in, install.suites[0].spi_in);
	assert_int_equal(w->log.adopted.suites[0].in.cipher_key_len, 0);
	/* the link was lost, and IKE has them still */
	negotiate_ike_down(w->negotiate);
	{
		struct ike_qm_info info = {
			.qm_id = 55,
			.path = install.path,
			.state = IKE_QM_STATE_ESTABLISHED,
			.suites = { install.suites[0].suite },
			.spi_in = { install.suites[0].spi_in },
			.spi_out = { install.suites[0].spi_out },
			.n_suites = 1,
		};

		negotiate_known_qm(w->negotiate, &info);
	}
	negotiate_ike_up(w->negotiate);
	assert_int_equal(w->log.n_adopts, 1);
	/* IKE knows of one that the driver has not */
	negotiate_ike_down(w->negotiate);
	{
		struct ike_qm_info info = {
			.qm_id = 56,
			.path = install.path,
			.state = IKE_QM_STATE_ESTABLISHED,
			.suites = { install.suites[0].suite },
			.spi_in = { 0x7777 },
			.spi_out = { 0x7778 },
			.n_suites = 1,
		};

		negotiate_known_qm(w->negotiate, &info);
	}
	assert_int_equal(w->log.n_expires, 1);
	assert_int_equal(w->log.expire.kind, IKE_EXPIRE_HARD);
	assert_int_equal(w->log.expire.spi, 0x7777);
}

/* An agent that comes back finds pairs and negotiations in the driver. */
static void test_agent_restart(void **state)
{
	struct world *w = *state;
	struct ike_sa_install install;
	const struct ike_sa_install *pair;

	send_ping(w);
	install = install_for(w, get_spi(w, w->log.acquire.id));
	assert_int_equal(negotiate_add_sa(w->negotiate, &install), 0);
	kernel_fake_expire(w->kernel, IPSECDRV_LIFETIME_KIND_SOFT, install.suites[0].spi_in,
			   IPSECDRV_DIRECTION_IN);
	negotiate_free(w->negotiate);
	memset(&w->log, 0, sizeof(w->log));
	w->negotiate = negotiate_of(w);
	negotiate_set_layers(w->negotiate, w->layers);
	negotiate_resync(w->negotiate);
	pair = negotiate_find_pair(w->negotiate, install.suites[0].spi_in);
	assert_non_null(pair);
	assert_int_equal(pair->suites[0].spi_out, 0x8000);
	assert_int_equal(pair->suites[0].suite.key_bits, 128);	/* the policy's */
	assert_int_equal(pair->filter_id, install.filter_id);
	negotiate_ike_up(w->negotiate);
	assert_int_equal(w->log.n_adopts, 1);
	assert_int_equal(w->log.adopted.directions, IKE_DIRECTION_IN | IKE_DIRECTION_OUT);
	/* its soft lifetime was over before: IKE renews it */
	assert_int_equal(w->log.n_expires, 1);
	assert_int_equal(w->log.expire.kind, IKE_EXPIRE_SOFT);
}

static void test_lost_events(void **state)
{
	struct world *w = *state;
	struct kernel_flow flow = ping_to("10.0.0.2");
	struct ike_sa_install install;

	assert_int_not_equal(kernel_fake_packet(w->kernel, &flow), 0);
	kernel_fake_lose_events(w->kernel);
	dispatch(w);
	assert_int_equal(w->log.n_acquires, 1);
	install = install_for(w, get_spi(w, w->log.acquire.id));
	assert_int_equal(negotiate_add_sa(w->negotiate, &install), 0);
	kernel_fake_expire(w->kernel, IPSECDRV_LIFETIME_KIND_IDLE, install.suites[0].spi_in,
			   IPSECDRV_DIRECTION_IN);
	kernel_fake_lose_events(w->kernel);
	dispatch(w);
	assert_int_equal(negotiate_get_counts(w->negotiate).pairs, 0);
	assert_int_equal(w->log.n_expires, 1);
	assert_int_equal(w->log.expire.kind, IKE_EXPIRE_HARD);
}

static void test_expiry(void **state)
{
	struct world *w = *state;
	struct ike_sa_install install;

	send_ping(w);
	install = install_for(w, get_spi(w, w->log.acquire.id));
	assert_int_equal(negotiate_add_sa(w->negotiate, &install), 0);
	kernel_fake_expire(w->kernel, IPSECDRV_LIFETIME_KIND_SOFT, 0x8000, IPSECDRV_DIRECTION_OUT);
	dispatch(w);
	assert_int_equal(w->log.expire.kind, IKE_EXPIRE_SOFT);
	assert_int_equal(w->log.expire.direction, IKE_DIRECTION_OUT);
	assert_int_equal(w->log.expire.spi, 0x8000);
	assert_int_equal(negotiate_get_counts(w->negotiate).pairs, 1);
	kernel_fake_expire(w->kernel, IPSECDRV_LIFETIME_KIND_HARD, 0x8000, IPSECDRV_DIRECTION_OUT);
	kernel_fake_expire(w->kernel, IPSECDRV_LIFETIME_KIND_HARD, install.suites[0].spi_in,
			   IPSECDRV_DIRECTION_IN);
	dispatch(w);
	assert_int_equal(w->log.n_expires, 3);
	assert_int_equal(negotiate_get_counts(w->negotiate).pairs, 0);
}

/* Without keys at ipsec-cred a negotiation would fail, so it waits. */
static void test_pause(void **state)
{
	struct world *w = *state;

	negotiate_set_paused(w->negotiate, true);
	send_ping(w);
	assert_int_equal(w->log.n_acquires, 0);
	negotiate_set_paused(w->negotiate, false);
	assert_int_equal(w->log.n_acquires, 1);
	negotiate_set_paused(w->negotiate, false);
	assert_int_equal(w->log.n_acquires, 1);
	/* the driver's reminder is not a second negotiation */
	send_ping(w);
	assert_int_equal(w->log.n_acquires, 1);
	assert_int_equal(negotiate_get_counts(w->negotiate).jobs, 1);
}

/* --- changes of policy -------------------------------------------------------------------- */

static void test_rule_deleted(void **state)
{
	struct world *w = *state;
	_cleanup_(policy_rule_freep) struct policy_rule *selectors = test_rule(PEER_RULE, NULL);
	struct ike_sa_install install;
	struct ike_event event = {
		.kind = IKE_EVENT_MM_ESTABLISHED, .path = path_to("10.0.0.2"), .text = "",
		.mm = &(struct ike_mm_info){ .mm_id = 33 },
	};
	uint32_t filter = peer_filter(w);

	negotiate_event(w->negotiate, &event);
	send_ping(w);
	install = install_for(w, get_spi(w, w->log.acquire.id));
	assert_int_equal(negotiate_add_sa(w->negotiate, &install), 0);
	assert_int_equal(dynamic_delete_rule(w->dynamic, selectors, &w->fault), 0);
	apply(w);
	assert_int_equal(count_sas(w), 0);
	assert_int_equal(w->log.n_filter_deletes, 1);
	assert_int_equal(w->log.filter_id, filter);
	assert_int_equal(w->log.n_mm_deletes, 1);
	assert_int_equal(w->log.mm_id, 33);
	assert_int_equal(negotiate_get_counts(w->negotiate).pairs, 0);
	assert_int_equal(negotiate_get_counts(w->negotiate).mms, 0);
}

/* Another key: nothing that was made with the old one stays, and what runs is given up. */
static void test_key_changed(void **state)
{
	struct world *w = *state;
	_cleanup_(policy_rule_freep) struct policy_rule *changes = NULL;
	struct ike_sa_install install;
	struct ike_selector selector = selector_to("10.0.0.2");
	struct ike_qm_policy qm;
	uint32_t given, filter = peer_filter(w);

	send_ping(w);
	install = install_for(w, get_spi(w, w->log.acquire.id));
	assert_int_equal(ask_qm(w, &selector, IKE_AUTH_PSK, &qm), 0);
	changes = test_rule("srcaddr=me dstaddr=10.0.0.2 psk=other", &given);
	assert_int_equal(dynamic_set_rule(w->dynamic, changes, given, &w->fault), 0);
	apply(w);
	assert_true(peer_filter(w) != filter);
	assert_int_equal(w->log.n_cancels, 1);
	assert_int_equal(w->log.cancelled, install.acquire_id);
	assert_int_equal(w->log.n_filter_deletes, 1);
	/* neither the packet nor the peer has asked under the new rule */
	assert_int_equal(negotiate_add_sa(w->negotiate, &install), -EPERM);
	install.filter_id = peer_filter(w);
	assert_int_equal(negotiate_add_sa(w->negotiate, &install), -EPERM);
	install.is_initiator = false;
	assert_int_equal(negotiate_add_sa(w->negotiate, &install), -EPERM);
}

static void test_other_rule_added(void **state)
{
	struct world *w = *state;
	struct ike_sa_install install;

	send_ping(w);
	install = install_for(w, get_spi(w, w->log.acquire.id));
	assert_int_equal(negotiate_add_sa(w->negotiate, &install), 0);
	add_rule(w, "srcaddr=me dstaddr=10.0.0.77 mmpolicy=m qmpolicy=q psk=k");
	apply(w);
	assert_int_equal(count_sas(w), 2);
	assert_int_equal(w->log.n_filter_deletes, 0);
	assert_int_equal(w->log.n_mm_deletes, 0);
	assert_int_equal(negotiate_get_counts(w->negotiate).pairs, 1);
}

/* --- perfect forward secrecy -------------------------------------------------------------- */

static int check_pfs(struct world *w, const char *group, uint16_t negotiated)
{
	_cleanup_(policy_qm_policy_freep) struct policy_qm_policy *changes = NULL;
	char tags[64], why[SA_CHECK_WHY_LEN];
	struct ike_sa_install install;
	uint32_t given;

	snprintf(tags, sizeof(tags), "name=q pfsgroup=%s", group);
	changes = test_qm(tags, &given);
	assert_int_equal(dynamic_set_qm(w->dynamic, changes, given, &w->fault), 0);
	apply(w);
	install = install_for(w, 0x1000);
	install.filter_id = peer_filter(w);
	install.pfs_group = negotiated;
	return sa_check_install(&install, layers_find(w->layers, install.filter_id), true, why);
}

static void test_pfs(void **state)
{
	struct world *w = *state;

	assert_int_equal(check_pfs(w, "GRP14", 14), 0);
	assert_int_equal(check_pfs(w, "GRP14", 2), -EPERM);
	assert_int_equal(check_pfs(w, "GRP14", 0), -EPERM);
	assert_int_equal(check_pfs(w, "GRPMM", 0), -EPERM);
	assert_int_equal(check_pfs(w, "GRPMM", 14), 0);
	assert_int_equal(check_pfs(w, "NOPFS", 0), 0);
	assert_int_equal(check_pfs(w, "NOPFS", 14), 0);
}

#define TEST(name, function) { name, function, set_up, tear_down, NULL }

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST("F05 F13 A25 A26 K20 a packet is negotiated for with its filter's policy",
		     test_initiator),
		TEST("F13 K21 what a peer asks for", test_responder),
		TEST("F07 which filter a peer's selector is held against", test_peer_questions),
		TEST("A25 IKE installs nothing that policy does not allow", test_hostile_install),
		TEST("A25 IKE installs nothing that nobody asked for", test_unasked),
		TEST("A25 an answer to a peer is good for one pair", test_grants),
		TEST("A26 SPIs are for peers that a rule negotiates with", test_hostile_spi),
		TEST("test_hostile_delete", test_hostile_delete),
		TEST("F06 K27 a failed negotiation ends the acquire and is remembered",
		     test_failure),
		TEST("test_soft", test_soft),
		TEST("test_not_soft", test_not_soft),
		TEST("test_ike_restart", test_ike_restart),
		TEST("test_agent_restart", test_agent_restart),
		TEST("test_lost_events", test_lost_events),
		TEST("test_expiry", test_expiry),
		TEST("test_pause", test_pause),
		TEST("test_rule_deleted", test_rule_deleted),
		TEST("test_key_changed", test_key_changed),
		TEST("test_other_rule_added", test_other_rule_added),
		TEST("K18 K19 perfect forward secrecy is what policy says", test_pfs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
