# SPDX-License-Identifier: MIT
# The other grammar of ipsecctl: a library, so that program and tests run the same code.
LIBS += ipseccmd
ipseccmd_SRCS := \
	userland/ipseccmd/auth.c \
	userland/ipseccmd/batch.c \
	userland/ipseccmd/check.c \
	userland/ipseccmd/dynamic.c \
	userland/ipseccmd/filterspec.c \
	userland/ipseccmd/flags.c \
	userland/ipseccmd/help.c \
	userland/ipseccmd/interface.c \
	userland/ipseccmd/names.c \
	userland/ipseccmd/offer.c \
	userland/ipseccmd/phase1.c \
	userland/ipseccmd/plan.c \
	userland/ipseccmd/print.c \
	userland/ipseccmd/query.c \
	userland/ipseccmd/run.c \
	userland/ipseccmd/session.c \
	userland/ipseccmd/static.c \
	userland/ipseccmd/static_plan.c
ipseccmd_PKGS := libsystemd libnl-3.0 smartcols libedit
ipseccmd_LIBS := ctl store policy nl base

TESTS += test_ipseccmd_flags
test_ipseccmd_flags_SRCS := userland/ipseccmd/test_ipseccmd_flags.c
test_ipseccmd_flags_LIBS := ipseccmd ctl policy nl base
test_ipseccmd_flags_PKGS := cmocka libsystemd libnl-3.0 smartcols libedit

FUZZERS += fuzz_ipseccmd
fuzz_ipseccmd_SRCS := userland/ipseccmd/fuzz_ipseccmd.c
fuzz_ipseccmd_LIBS := ipseccmd ctl policy nl base
fuzz_ipseccmd_PKGS := libsystemd libnl-3.0 smartcols libedit

TESTS += test_ipseccmd_static
test_ipseccmd_static_SRCS := \
	userland/ipseccmd/test_ipseccmd_static.c \
	userland/lib/store/test_support.c
test_ipseccmd_static_LIBS := ipseccmd
test_ipseccmd_static_PKGS := cmocka
