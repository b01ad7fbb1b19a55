# SPDX-License-Identifier: MIT
# What acts between power-on and the agent; the scripts beside this file are installed as they are.
HELPERS += ipsec-policy-options ipsec-policy-release
ipsec-policy-options_SRCS := userland/boot/options.c
ipsec-policy-options_LIBS := boot
ipsec-policy-release_SRCS := userland/boot/release.c
ipsec-policy-release_LIBS := nl
