# SPDX-License-Identifier: MIT
# Built with the programs, never installed.
TOOLS += ipdtool
ipdtool_SRCS := selftests/netns/ipdtool.c userland/lib/nl/names_gen.c
ipdtool_PKGS := libnl-genl-3.0
