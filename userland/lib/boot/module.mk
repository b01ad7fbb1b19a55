# SPDX-License-Identifier: MIT
LIBS += boot
boot_SRCS := \
	userland/lib/boot/options.c \
	userland/lib/boot/request.c
boot_LIBS := policy base

TESTS += test_boot_request
test_boot_request_SRCS := userland/lib/boot/test_request.c
test_boot_request_LIBS := boot
test_boot_request_PKGS := cmocka
