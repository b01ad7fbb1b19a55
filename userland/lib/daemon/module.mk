# SPDX-License-Identifier: MIT
LIBS += daemon
daemon_SRCS := \
	userland/lib/daemon/confine.c \
	userland/lib/daemon/daemon.c
daemon_PKGS := libsystemd libseccomp

TESTS += test_confine
test_confine_SRCS := userland/lib/daemon/test_confine.c
test_confine_LIBS := daemon
test_confine_PKGS := cmocka
