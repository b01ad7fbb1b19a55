// SPDX-License-Identifier: MIT
#include "agent/test_scene.h"

#include <errno.h>
#include <sys/socket.h>

uint64_t scene_clock;

static uint64_t now(void)
{
	return scene_clock;
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

static int on_list(void *userdata)
{
	((struct ike_log *)userdata)->n_lists++;
	return 0;
}

static const struct negotiate_ike ike_calls = {
	on_acquire, on_cancel, on_expire, on_delete_mm, on_delete_filter, on_adopt, on_list,
};

/* --- the world ---------------------------------------------------------------------------- */

void scene_apply(struct scene *w)
{
	struct layers *before = w->layers, *after;

	if (layers_build(&w->dynamic, 1, &test_no_names, before, &after, &w->fault))
		fail_msg("%s", w->fault.text);
	assert_int_equal(layers_commit(after, before, w->kernel), 0);
	w->layers = after;
	negotiate_set_layers(w->negotiate, after);	/* takes those before over */
}

void scene_add_rule(struct scene *w, const char *tags)
{
	if (dynamic_add_rule(w->dynamic, test_rule(tags, NULL), &w->fault))
		fail_msg("%s: %s", tags, w->fault.text);
}

struct negotiate *scene_negotiate_of(struct scene *w)
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

int scene_set_up(void **state)
{
	struct ip_addr mine[] = { test_addr("10.0.0.1"), test_addr("2001:db8::1") };
	struct scene *w = calloc(1, sizeof(*w));

	scene_clock = 1000000;
	w->kernel = kernel_fake_new();
	assert_int_equal(addresses_new_fixed(mine, 2, &w->addresses), 0);
	w->dynamic = ruleset_new(RULESET_LAYER_DYNAMIC);
	assert_int_equal(dynamic_add_mm(w->dynamic, test_mm("name=m mmsecmethods=AES256-SHA256-14 "
							    "mmlifetime=60 qmpermm=5", NULL),
					&w->fault), 0);
	assert_int_equal(dynamic_add_qm(w->dynamic,
					test_qm("name=q qmsecmethods=ESP[AES128,SHA1]:50000k/600s"
						"~AH[SHA256]",
						NULL),
					&w->fault),
			 0);
	scene_add_rule(w, PEER_RULE);
	scene_add_rule(w, "srcaddr=me dstaddr=10.0.0.2 protocol=tcp dstport=23 actioninbound=block "
		 "actionoutbound=block");
	scene_add_rule(w, "srcaddr=me dstaddr=10.0.0.3 actioninbound=permit actionoutbound=permit");
	w->negotiate = scene_negotiate_of(w);
	scene_apply(w);
	assert_int_equal(w->kernel->ops->mode_set(w->kernel, IPSECDRV_MODE_SECURE, 3), 0);
	negotiate_ike_up(w->negotiate);
	*state = w;
	return 0;
}

int scene_tear_down(void **state)
{
	struct scene *w = *state;

	negotiate_free(w->negotiate);
	layers_free(w->layers);
	ruleset_free(w->dynamic);
	addresses_free(w->addresses);
	kernel_free(w->kernel);
	free(w);
	return 0;
}

static void on_kernel_acquire(void *userdata, const struct kernel_acquire *acquire)
{
	negotiate_acquire(((struct scene *)userdata)->negotiate, acquire);
}

static void on_kernel_expire(void *userdata, enum ipsecdrv_lifetime_kind kind,
			     const struct kernel_sa *sa)
{
	negotiate_expire(((struct scene *)userdata)->negotiate, kind, sa);
}

static void on_kernel_mode(void *userdata, enum ipsecdrv_mode mode)
{
	(void)userdata;
	(void)mode;
}

static void on_kernel_mapping(void *userdata, const struct kernel_sa *sa,
			      const struct ip_addr *peer, uint16_t port)
{
	(void)userdata;
	(void)sa;
	(void)peer;
	(void)port;
}

static void on_kernel_lost(void *userdata)
{
	negotiate_resync(((struct scene *)userdata)->negotiate);
}

void scene_dispatch(struct scene *w)
{
	struct kernel_event_handler handler = {
		.acquire = on_kernel_acquire,
		.expire = on_kernel_expire,
		.mode = on_kernel_mode,
		.mapping = on_kernel_mapping,
		.lost = on_kernel_lost,
		.userdata = w,
	};

	assert_int_equal(w->kernel->ops->event_dispatch(w->kernel, &handler), 0);
}

struct kernel_flow scene_ping_to(const char *remote)
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
uint32_t scene_send_ping(struct scene *w)
{
	struct kernel_flow flow = scene_ping_to("10.0.0.2");
	uint32_t id = kernel_fake_packet(w->kernel, &flow);

	assert_int_not_equal(id, 0);
	scene_dispatch(w);
	return id;
}

void scene_end_acquire(struct scene *w, enum ike_reason reason, bool peer_answered)
{
	struct link_acquire_result result = { w->log.acquire.id, reason, peer_answered };

	negotiate_acquire_result(w->negotiate, &result);
}

const struct kernel_acquire *scene_the_acquire(const struct scene *w)
{
	size_t n;
	const struct kernel_acquire *acquires = kernel_fake_acquires(w->kernel, &n);

	assert_int_equal(n, 1);
	return acquires;
}

struct ike_path scene_path_to(const char *remote)
{
	return (struct ike_path){
		.local = test_addr("10.0.0.1"),
		.remote = test_addr(remote),
		.local_port = 500,
		.remote_port = 500,
	};
}

uint32_t scene_get_spi(struct scene *w, uint64_t acquire_id)
{
	struct ike_spi_request request = {
		.path = scene_path_to("10.0.0.2"),
		.protocol = IKE_PROTOCOL_ESP,
		.acquire_id = acquire_id,
	};
	uint32_t spi = 0;

	assert_int_equal(negotiate_get_spi(w->negotiate, &request, &spi), 0);
	assert_true(spi >= IPSECDRV_MIN_SPI);
	return spi;
}

struct ike_selector scene_selector_to(const char *remote)
{
	return (struct ike_selector){
		.local = test_addr("10.0.0.1"),
		.remote = test_addr(remote),
		.local_prefix = 32,
		.remote_prefix = 32,
	};
}

/* What IKE asks for after it has negotiated the first method of the policy. */
struct ike_sa_install scene_install_for(struct scene *w, uint32_t spi_in)
{
	struct ike_sa_install install = {
		.qm_id = 7,
		.directions = IKE_DIRECTION_IN | IKE_DIRECTION_OUT,
		.is_initiator = true,
		.path = scene_path_to("10.0.0.2"),
		.selector = scene_selector_to("10.0.0.2"),
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
		.soft_bytes_in = 45000 * 1024ULL,
		.filter_id = w->log.acquire.qm.filter_id,
		.acquire_id = w->log.acquire.id,
	};

	memset(install.suites[0].in.cipher_key, 0xa1, 16);
	memset(install.suites[0].out.hash_key, 0xb2, 20);
	return install;
}

uint32_t scene_peer_filter(const struct scene *w)
{
	for (size_t i = 0; i < w->layers->n_filters; i++)
		if (layer_filter_is_negotiated(&w->layers->filters[i]))
			return w->layers->filters[i].filter.id;
	return 0;
}

size_t scene_count_sas(const struct scene *w)
{
	size_t n;

	(void)kernel_fake_sas(w->kernel, &n);
	return n;
}

int scene_ask_qm(struct scene *w, const struct ike_selector *selector, enum ike_auth auth,
		  struct ike_qm_policy *ret_policy)
{
	struct ike_qm_query query = {
		.path = scene_path_to("10.0.0.2"), .selector = *selector, .auth = auth,
	};

	query.path.remote = selector->remote;
	return negotiate_policy_qm(w->negotiate, &query, ret_policy);
}
