# SPDX-License-Identifier: MIT
LIBS += link
link_SRCS := \
	userland/lib/link/bus.c \
	userland/lib/link/client.c \
	userland/lib/link/codec.c \
	userland/lib/link/keylog.c \
	userland/lib/link/link.c \
	userland/lib/link/listener.c \
	userland/lib/link/message_checks.c \
	userland/lib/link/messages.c \
	userland/lib/link/server.c
link_LIBS := ike base
link_PKGS := libsystemd

TESTS += test_codec test_keylog test_link test_server
test_codec_SRCS := userland/lib/link/test_codec.c userland/lib/link/test_random.c
test_codec_LIBS := link
test_codec_PKGS := cmocka
test_link_SRCS := userland/lib/link/test_link.c userland/lib/link/test_ends.c \
	userland/lib/link/test_random.c
test_link_LIBS := link
test_link_PKGS := cmocka
test_server_SRCS := userland/lib/link/test_server.c userland/lib/link/test_ends.c \
	userland/lib/link/test_random.c
test_server_LIBS := link
test_server_PKGS := cmocka
test_keylog_SRCS := userland/lib/link/test_keylog.c
test_keylog_LIBS := link
test_keylog_PKGS := cmocka

FUZZERS += fuzz_link
fuzz_link_SRCS := userland/lib/link/fuzz_link.c
fuzz_link_LIBS := link
