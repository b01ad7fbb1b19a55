# SPDX-License-Identifier: MIT
# Built with the programs, never installed.
TOOLS += traffic
traffic_SRCS := \
	selftests/bench/traffic.c \
	selftests/bench/traffic_flows.c
