# SPDX-License-Identifier: MIT
LIBS += nl
nl_SRCS := \
	userland/lib/nl/kernel.c \
	userland/lib/nl/kernel_genl.c \
	userland/lib/nl/kernel_genl_diag.c \
	userland/lib/nl/kernel_msg.c \
	userland/lib/nl/names_gen.c \
	userland/lib/nl/remedy.c \
	userland/lib/nl/request.c
nl_LIBS := nl_search
nl_PKGS := libnl-genl-3.0

# Without netlink: for those who ask what the driver would do.
LIBS += nl_search
nl_search_SRCS := userland/lib/nl/search.c
nl_search_LIBS := base

LIBS += nl_fake
nl_fake_SRCS := userland/lib/nl/kernel_fake.c userland/lib/nl/kernel_fake_filters.c
nl_fake_LIBS := nl
nl_fake_PKGS :=

TESTS += test_kernel_msg test_kernel_fake test_search
test_search_SRCS := userland/lib/nl/test_search.c
test_search_LIBS := nl base
test_search_PKGS := cmocka
test_kernel_msg_SRCS := userland/lib/nl/test_kernel_msg.c
test_kernel_msg_LIBS := nl base
test_kernel_msg_PKGS := cmocka libnl-genl-3.0
test_kernel_fake_SRCS := userland/lib/nl/test_kernel_fake.c
test_kernel_fake_LIBS := nl_fake nl base
test_kernel_fake_PKGS := cmocka libnl-genl-3.0
