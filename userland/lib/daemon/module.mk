# SPDX-License-Identifier: MIT
LIBS += daemon
daemon_SRCS := \
	userland/lib/daemon/confine.c \
	userland/lib/daemon/daemon.c \
	userland/lib/daemon/status_line.c
daemon_PKGS := libsystemd libseccomp

TESTS += test_confine
test_confine_SRCS := userland/lib/daemon/test_confine.c
test_confine_LIBS := daemon
test_confine_PKGS := cmocka

TESTS += test_status_line
test_status_line_SRCS := userland/lib/daemon/test_status_line.c
test_status_line_LIBS := daemon base
test_status_line_PKGS := cmocka libsystemd
