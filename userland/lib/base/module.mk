# SPDX-License-Identifier: MIT
LIBS += base
base_SRCS := \
	userland/lib/base/addr.c \
	userland/lib/base/bytes.c \
	userland/lib/base/clock.c \
	userland/lib/base/file.c \
	userland/lib/base/log.c \
	userland/lib/base/parse.c \
	userland/lib/base/siphash.c \
	userland/lib/base/timer.c
base_PKGS := libsystemd

TESTS += test_addr test_bytes test_clock test_file test_log test_parse test_siphash test_timer
test_addr_SRCS := userland/lib/base/test_addr.c
test_addr_LIBS := base
test_addr_PKGS := cmocka
test_bytes_SRCS := userland/lib/base/test_bytes.c
test_bytes_LIBS := base
test_bytes_PKGS := cmocka
test_clock_SRCS := userland/lib/base/test_clock.c
test_clock_LIBS := base
test_clock_PKGS := cmocka
test_file_SRCS := userland/lib/base/test_file.c
test_file_LIBS := base
test_file_PKGS := cmocka
test_log_SRCS := userland/lib/base/test_log.c
test_log_LIBS := base
test_log_PKGS := cmocka
test_parse_SRCS := userland/lib/base/test_parse.c
test_parse_LIBS := base
test_parse_PKGS := cmocka
test_siphash_SRCS := userland/lib/base/test_siphash.c
test_siphash_LIBS := base
test_siphash_PKGS := cmocka
test_timer_SRCS := userland/lib/base/test_timer.c
test_timer_LIBS := base
test_timer_PKGS := cmocka
