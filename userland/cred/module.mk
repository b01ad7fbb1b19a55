# SPDX-License-Identifier: MIT
PROGS += ipsec-cred
ipsec-cred_SRCS := \
	userland/cred/helper.c \
	userland/cred/keeper.c \
	userland/cred/limiter.c \
	userland/cred/main.c \
	userland/cred/secrets.c \
	userland/cred/serve.c \
	userland/lib/daemon/wipe_free.c
ipsec-cred_LIBS := daemon link ike base

TESTS += test_helper test_limiter test_secrets test_serve
test_helper_SRCS := userland/cred/test_helper.c userland/cred/helper.c userland/cred/keeper.c
test_helper_LIBS := daemon base
test_helper_PKGS := cmocka
test_limiter_SRCS := userland/cred/test_limiter.c userland/cred/limiter.c
test_limiter_LIBS := base
test_limiter_PKGS := cmocka
test_secrets_SRCS := userland/cred/test_secrets.c userland/cred/secrets.c
test_secrets_LIBS := link ike base
test_secrets_PKGS := cmocka
test_serve_SRCS := userland/cred/test_serve.c userland/cred/limiter.c userland/cred/secrets.c \
	userland/cred/serve.c
test_serve_LIBS := daemon link ike base
test_serve_PKGS := cmocka
