#!/bin/bash
# SPDX-License-Identifier: MIT
# check: tiers=uml-debug also=uml,vm timeout=600
#
# Filters loaded, fetched, and judged by "match", against a linear list in Python.
#
#   A 10.0.0.1, 10.1.1.1, 2001:a::1 -- nothing is sent
. "$TOP/selftests/lib.sh"

oracle() { on A "$TOP/selftests/netns/filter_oracle.py" "$@"; }

ns_add A
need ip -n "$A" link add d0 type dummy
need ip -n "$A" link set d0 up
need ip -n "$A" link add d1 type dummy
need ip -n "$A" tuntap add t0 mode tun
addr A d0 10.0.0.1/8 10.1.1.1/32 2001:a::1/64
load_module
need on A ipdtool mode secure

need oracle make 1 2000 "$TMP/filters"
check "F01 2000 filters are loaded" on A ipdtool load "$TMP/filters"
check "F01 each of them is fetched as it was sent, and listed in order" \
	oracle fetch "$TMP/filters"
check "F01 F02 F07 F08 F33 F34 2000 packets are decided as by a list" oracle match "$TMP/filters" 2 2000

# "me" follows the addresses
need ip -n "$A" addr del 10.1.1.1/32 dev d0
addr A d0 10.0.1.3/32 2001:b:1:2::3/128
check "F01 F07 and when the addresses have changed" oracle match "$TMP/filters" 3 $((500 / SLOW + 100))

need oracle make 4 300 "$TMP/pool"
check "F01 F02 F07 F08 after each add, delete and commit, too" oracle change "$TMP/pool" 5 "$((120 / SLOW + 20))"

check "F01 nothing is left" on A ipdtool load /dev/null
same "F01 and the sum says so" 0 "$(on A ipdtool list | wc -l)"
need on A ipdtool mode permit
need unload_module
check_world
finish
