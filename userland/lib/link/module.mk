# SPDX-License-Identifier: MIT
LIBS += link
link_SRCS := \
	userland/lib/link/bus.c \
	userland/lib/link/client.c \
	userland/lib/link/codec.c \
	userland/lib/link/keylog.c \
	userland/lib/link/link.c \
	userland/lib/link/listener.c \
	userland/lib/link/messages.c \
	userland/lib/link/server.c
link_LIBS := ike base
link_PKGS := libsystemd

TESTS += test_codec
test_codec_SRCS := userland/lib/link/test_codec.c userland/lib/link/test_random.c
test_codec_LIBS := link
test_codec_PKGS := cmocka
