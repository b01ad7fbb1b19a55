# SPDX-License-Identifier: MIT
LIBS += policy
policy_SRCS := \
	userland/lib/policy/address.c \
	userland/lib/policy/authmethod.c \
	userland/lib/policy/bus.c \
	userland/lib/policy/check.c \
	userland/lib/policy/config.c \
	userland/lib/policy/methods.c \
	userland/lib/policy/model.c \
	userland/lib/policy/record.c \
	userland/lib/policy/text.c
policy_PKGS := libsystemd
