# SPDX-License-Identifier: MIT
PROGS += ipsec-ike
ipsec-ike_SRCS := \
	userland/ike/calls.c \
	userland/ike/host.c \
	userland/ike/main.c \
	userland/ike/ops.c \
	userland/ike/pool.c \
	userland/ike/text.c \
	userland/ike/tracer.c \
	userland/ike/udp.c \
	userland/lib/daemon/wipe_free.c
ipsec-ike_LIBS := daemon link ike base

TESTS += test_pool test_udp
test_pool_SRCS := userland/ike/test_pool.c userland/ike/pool.c
test_pool_LIBS := daemon ike base
test_pool_PKGS := cmocka libsystemd
test_udp_SRCS := userland/ike/test_udp.c userland/ike/udp.c
test_udp_LIBS := base
test_udp_PKGS := cmocka libsystemd

TESTS += test_tracer
test_tracer_SRCS := userland/ike/test_tracer.c userland/ike/text.c userland/ike/tracer.c
test_tracer_LIBS := link
test_tracer_PKGS := cmocka

# Of selftests/netns/ike_pair.sh.
TOOLS += test_pair
test_pair_SRCS := userland/ike/test_pair.c userland/ike/test_pair_side.c
test_pair_LIBS := daemon link ike base
test_pair_PKGS := libsystemd
