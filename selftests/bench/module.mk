# SPDX-License-Identifier: MIT
# Built with the programs, never installed.
TOOLS += traffic
traffic_SRCS := \
	selftests/bench/traffic.c \
	selftests/bench/traffic_flows.c

# Of "make bench-ike".
TOOLS += ikeload
ikeload_SRCS := \
	selftests/bench/ikeload.c \
	selftests/bench/ikeload_proof.c \
	userland/cred/signature.c
ikeload_LIBS := ike base
ikeload_PKGS := libcrypto

TOOLS += bench-agent
bench-agent_SRCS := userland/agent/main.c selftests/bench/sa_stub.c
bench-agent_LIBS := agent nl_fake
bench-agent_PKGS := libsystemd

build/xfrm_accept.so: selftests/bench/xfrm_accept.c
	$(say) LD $@
	$(Q)mkdir -p $(@D) && $(CC) -D_GNU_SOURCE $(WARNINGS) -O2 -shared -fPIC -o $@ $< -ldl
