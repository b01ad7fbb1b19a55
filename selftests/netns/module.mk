# SPDX-License-Identifier: MIT
# Built with the programs, never installed.
TOOLS += ipdtool
ipdtool_SRCS := \
	selftests/netns/ipdtool.c \
	selftests/netns/ipdtool_sa.c \
	selftests/netns/ipdtool_show.c \
	selftests/netns/ipdtool_talk.c \
	selftests/netns/ipdtool_words.c \
	userland/lib/nl/names_gen.c
ipdtool_PKGS := libnl-genl-3.0

TOOLS += nfqaccept
nfqaccept_SRCS := selftests/netns/nfqaccept.c
nfqaccept_PKGS := libnl-3.0

# Of hosts_isolation.sh.
TOOLS += captured_ike
captured_ike_SRCS := selftests/netns/captured_ike.c userland/lib/daemon/wipe_free.c
captured_ike_LIBS := daemon link ike base
captured_ike_PKGS := libsystemd
