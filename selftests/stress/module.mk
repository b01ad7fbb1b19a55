# SPDX-License-Identifier: MIT
# Of selftests/harness/kills.sh. Built with the programs, never installed.
TOOLS += agent_kills
agent_kills_SRCS := selftests/stress/agent_kills.c userland/lib/store/test_kills.c
agent_kills_LIBS := store policy base

build/crash.so: selftests/stress/crash.c
	$(say) LD $@
	$(Q)mkdir -p $(@D) && $(CC) -D_GNU_SOURCE $(WARNINGS) -O2 -shared -fPIC -o $@ $<
