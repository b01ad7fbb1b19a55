// SPDX-License-Identifier: MIT
/* The fake driver is what the agent's tests believe, so it is held to the specification here. */
#include <errno.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <sys/socket.h>

#include <cmocka.h>

#include "nl/kernel_fake.h"

static struct ip_addr addr(const char *text)
{
	struct ip_addr parsed;

	assert_int_equal(ip_addr_parse(text, &parsed), 0);
	return parsed;
}

static struct kernel_filter filter_to(uint32_t id, const char *remote, const char *mask,
				      enum ipsecdrv_action action)
{
	return (struct kernel_filter){
		.id = id,
		.family = AF_INET,
		.local = { .class = IPSECDRV_ADDRESS_CLASS_ME },
		.remote = { .addr = addr(remote), .mask = addr(mask) },
		.outbound = action,
		.inbound = action,
	};
}

static struct kernel_flow flow_to(const char *remote)
{
	return (struct kernel_flow){
		.direction = IPSECDRV_DIRECTION_OUT,
		.source = addr("10.0.0.1"),
		.destination = addr(remote),
		.protocol = 1,
	};
}

static void test_replace_is_atomic(void **state)
{
	_cleanup_(kernel_freep) struct kernel *kernel = kernel_fake_new();
	struct kernel_filter filters[] = {
		filter_to(1, "10.0.0.0", "255.0.0.0", IPSECDRV_ACTION_BLOCK),
		filter_to(2, "10.0.0.2", "255.255.255.255", IPSECDRV_ACTION_PERMIT),
	};
	size_t n;

	(void)state;
	assert_int_equal(kernel->ops->filters_replace(kernel, filters, 2), 0);
	assert_int_equal(kernel_fake_filters(kernel, &n)[0].id, 2);	/* the host first */
	assert_int_equal(n, 2);
	filters[1] = filters[0];
	filters[1].id = 3;
	assert_int_equal(kernel->ops->filters_replace(kernel, filters, 2), -EEXIST);
	assert_true(strlen(kernel->why) > 0);
	kernel_fake_filters(kernel, &n);
	assert_int_equal(n, 2);
	assert_int_equal(kernel->ops->filters_add(kernel, filters, 1), -EEXIST);
	assert_int_equal(kernel->ops->filters_del(kernel, (uint32_t[]){ 9 }, 1), -ENOENT);
	assert_int_equal(kernel->ops->filters_del(kernel, (uint32_t[]){ 1 }, 1), 0);
	kernel_fake_filters(kernel, &n);
	assert_int_equal(n, 1);
}

static void test_failures(void **state)
{
	_cleanup_(kernel_freep) struct kernel *kernel = kernel_fake_new();
	struct kernel_status status;

	(void)state;
	kernel_fake_fail(kernel, KERNEL_FAKE_STATUS_GET, 1, -EPERM, "Not you.");
	assert_int_equal(kernel->ops->status_get(kernel, &status), -EPERM);
	assert_string_equal(kernel->why, "Not you.");
	assert_int_equal(kernel->ops->status_get(kernel, &status), 0);
	assert_int_equal(kernel_fake_count(kernel, KERNEL_FAKE_STATUS_GET), 2);
}

struct seen {
	unsigned int acquires, expires, modes, lost;
	uint16_t peer_port;
	struct kernel_acquire acquire;
	struct kernel_sa sa;
};

static void on_acquire(void *userdata, const struct kernel_acquire *acquire)
{
	((struct seen *)userdata)->acquires++;
	((struct seen *)userdata)->acquire = *acquire;
}

static void on_expire(void *userdata, enum ipsecdrv_lifetime_kind kind, const struct kernel_sa *sa)
{
	(void)kind;
	((struct seen *)userdata)->expires++;
	((struct seen *)userdata)->sa = *sa;
}

static void on_mode(void *userdata, enum ipsecdrv_mode mode)
{
	(void)mode;
	((struct seen *)userdata)->modes++;
}

static void on_mapping(void *userdata, const struct kernel_sa *sa, const struct ip_addr *peer,
		       uint16_t port)
{
	assert_true(ip_addr_is_equal(&sa->remote, peer));
	((struct seen *)userdata)->peer_port = port;
}

static void on_lost(void *userdata)
{
	((struct seen *)userdata)->lost++;
}

static struct kernel_event_handler handler_of(struct seen *seen)
{
	return (struct kernel_event_handler){
		on_acquire, on_expire, on_mode, on_mapping, on_lost, seen
	};
}

static bool is_readable(struct kernel *kernel)
{
	struct pollfd fd = { .fd = kernel->ops->event_fd(kernel), .events = POLLIN };

	return poll(&fd, 1, 0) == 1;
}

static struct kernel_sa sa_of(const struct kernel_acquire *acquire, uint32_t spi,
			      enum ipsecdrv_direction direction)
{
	return (struct kernel_sa){
		.spi = spi,
		.protection = IPSECDRV_PROTECTION_ESP,
		.direction = direction,
		.local = acquire->selector.local,
		.remote = acquire->selector.remote,
		.filter_id = acquire->filter_id,
		.selector = acquire->selector,
		.has_selector = true,
	};
}

static void test_acquire_to_sa(void **state)
{
	_cleanup_(kernel_freep) struct kernel *kernel = kernel_fake_new();
	struct kernel_filter filter =
		filter_to(4, "10.0.0.2", "255.255.255.255", IPSECDRV_ACTION_NEGOTIATE);
	struct kernel_flow flow = flow_to("10.0.0.2"), other = flow_to("10.0.0.3");
	struct seen seen = { 0 };
	struct kernel_event_handler handler = handler_of(&seen);
	struct kernel_sa pair[2];
	struct kernel_match match;
	uint32_t spi;
	size_t n;

	(void)state;
	assert_int_equal(kernel->ops->filters_replace(kernel, &filter, 1), 0);
	assert_int_equal(kernel->ops->mode_set(kernel, IPSECDRV_MODE_SECURE, 3), 0);
	assert_int_equal(kernel_fake_packet(kernel, &other), 0);
	assert_int_not_equal(kernel_fake_packet(kernel, &flow), 0);
	assert_true(is_readable(kernel));
	assert_int_equal(kernel->ops->event_dispatch(kernel, &handler), 0);
	assert_false(is_readable(kernel));
	assert_int_equal(seen.acquires, 1);
	assert_int_equal(seen.modes, 1);
	assert_int_equal(seen.acquire.filter_id, 4);

	pair[0] = sa_of(&seen.acquire, 0x2000, IPSECDRV_DIRECTION_IN);
	assert_int_equal(kernel->ops->sa_new(kernel, pair, 1), -ENOENT); /* no such larval one */
	assert_int_equal(kernel->ops->spi_alloc(kernel, &pair[0], &spi), 0);
	pair[0] = sa_of(&seen.acquire, spi, IPSECDRV_DIRECTION_IN);
	pair[1] = sa_of(&seen.acquire, 0x3000, IPSECDRV_DIRECTION_OUT);
	assert_int_equal(kernel->ops->sa_new(kernel, pair, 2), 0);
	kernel_fake_acquires(kernel, &n);
	assert_int_equal(n, 0);
	assert_int_equal(kernel->ops->match(kernel, &flow, &match), 0);
	assert_int_equal(match.verdict, IPSECDRV_VERDICT_PROTECT);
	assert_int_equal(match.sa.spi, 0x3000);

	kernel_fake_mapping(kernel, spi, &pair[0].remote, 61000);
	assert_int_equal(kernel->ops->event_dispatch(kernel, &handler), 0);
	assert_int_equal(seen.peer_port, 61000);

	kernel_fake_expire(kernel, IPSECDRV_LIFETIME_KIND_HARD, 0x3000, IPSECDRV_DIRECTION_OUT);
	assert_int_equal(kernel->ops->event_dispatch(kernel, &handler), 0);
	assert_int_equal(seen.expires, 1);
	kernel_fake_sas(kernel, &n);
	assert_int_equal(n, 1);

	/* A filter that changes takes its associations along. */
	filter.inbound = IPSECDRV_ACTION_PERMIT;
	assert_int_equal(kernel->ops->filters_replace(kernel, &filter, 1), 0);
	kernel_fake_sas(kernel, &n);
	assert_int_equal(n, 0);
}

static void test_loss(void **state)
{
	_cleanup_(kernel_freep) struct kernel *kernel = kernel_fake_new();
	struct kernel_acquire acquire = { .id = 5, .filter_id = 6 };
	struct seen seen = { 0 };
	struct kernel_event_handler handler = handler_of(&seen);

	(void)state;
	kernel_fake_acquire(kernel, &acquire, true);
	kernel_fake_lose_events(kernel);
	assert_true(is_readable(kernel));
	assert_int_equal(kernel->ops->event_dispatch(kernel, &handler), 0);
	assert_int_equal(seen.lost, 1);
	assert_int_equal(seen.acquires, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_replace_is_atomic),
		cmocka_unit_test(test_failures),
		cmocka_unit_test(test_acquire_to_sa),
		cmocka_unit_test(test_loss),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
