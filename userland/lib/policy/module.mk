# SPDX-License-Identifier: MIT
LIBS += policy
policy_SRCS := \
	userland/lib/policy/address.c \
	userland/lib/policy/authmethod.c \
	userland/lib/policy/bus.c \
	userland/lib/policy/check.c \
	userland/lib/policy/config.c \
	userland/lib/policy/dict.c \
	userland/lib/policy/fault.c \
	userland/lib/policy/methods.c \
	userland/lib/policy/model.c \
	userland/lib/policy/record.c \
	userland/lib/policy/runs.c \
	userland/lib/policy/strength.c \
	userland/lib/policy/tag.c \
	userland/lib/policy/text.c
policy_PKGS := libsystemd

TESTS += test_policy_methods test_policy_model test_policy_bus
test_policy_methods_SRCS := userland/lib/policy/test_methods.c
test_policy_methods_LIBS := policy base
test_policy_methods_PKGS := cmocka
test_policy_model_SRCS := userland/lib/policy/test_model.c
test_policy_model_LIBS := policy base
test_policy_model_PKGS := cmocka
test_policy_bus_SRCS := userland/lib/policy/test_bus.c
test_policy_bus_LIBS := policy base
test_policy_bus_PKGS := cmocka libsystemd

FUZZERS += fuzz_methods
fuzz_methods_SRCS := userland/lib/policy/fuzz_methods.c
fuzz_methods_LIBS := policy base
