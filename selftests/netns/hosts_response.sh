#!/bin/bash
# SPDX-License-Identifier: MIT
# check: tiers=uml also=uml-debug,vm timeout=300
#
# A client with the default response rule only, a server that asks for IPsec, and a neighbour that
# does not know of it.
#
#   B 192.0.2.2: client ----+---- A 192.0.2.1: server: what arrives may be clear, what leaves not
#                           R     bridge
#   D 192.0.2.4: neighbour -+
. "$TOP/selftests/lib.sh"
. "$TOP/selftests/hosts.sh"

D4=192.0.2.4
pings() { on "$1" ping -n -c "${3-2}" -i 0.2 -W "$(secs 10)" "$2"; } # VARIABLE ADDRESS [COUNT]
filters() { on "$1" ipdtool list | grep -c '^id='; }
has_filters() { [ "$(filters "$1")" = "$2" ]; }
pairs() { ctl "$1" --json dynamic show qmsas | jq '[.. | objects | select(.encapsulation?)] | length'; }
has_pairs() { [ "$(pairs "$1")" = "$2" ]; }

load_module
ns_add A B D R
need ip -n "$R" link add br0 type bridge
need ip -n "$R" link set br0 up
for host in A B D; do
	link $host eth0 R "port$host"
	need ip -n "$R" link set "port$host" master br0
done
addr A eth0 $A4/24
addr B eth0 $B4/24
addr D eth0 $D4/24
services_start A B

check "the server's policy" policy_on A 192.0.2.0/24 actioninbound=permit
check "the client has the default response rule only" eval \
	'ctl B dynamic add mmpolicy name=test "mmsecmethods=$MM_OFFERS" &&
	 ctl B dynamic add qmpolicy name=test "qmsecmethods=ESP[AES128,SHA256] ESP[3DES,SHA1]" &&
	 ctl B dynamic add rule me any test test defaultresponse=yes "psk=$PSK"'
same "which is no filter" 0 "$(filters B)"
check "it says that it is there" eval \
	'ctl B dynamic show rule | grep -q "^Default Response *: yes"'

wire_start wan A eth0 B eth0
check "the client's first packets wait at the server for the negotiation" pings B $A4
check "from then on they are protected" pings B $A4 4
wire_stop wan
same "the server never answered in clear" 0 "$(capture_count wan-1 "$CLEAR")"
same "nor did the client ask in clear once it was agreed" 0 \
	"$(tcpdump -r "$(capture_file wan-2)" -n "proto 50 or ($CLEAR)" 2>/dev/null |
		awk '/ESP/ { esp = 1 } /ICMP/ && esp { n++ } END { print n + 0 }')"
same "a filter for the two hosts was made at the client" 1 "$(filters B)"
check "for exactly these" eval 'on B ipdtool list | grep -q "$B4/255.255.255.255.*$A4/255.255.255.255"'
same "the lifetime is the server's" 3600 \
	"$(ctl B --json dynamic show qmsas | jq '[.. | .lifetimeseconds? // empty][0]')"

check "F02 the client and its neighbour go on in clear" pings B $D4
check "F02 and the other way" pings D $B4

check "a rule for the neighbour comes and goes" eval \
	'ctl B dynamic add rule me $D4 test test actioninbound=permit actionoutbound=permit mirrored=yes &&
	 ctl B dynamic delete rule me $D4 any 0 0 yes all'
check "what was agreed with the server stays" has_pairs B 1

stop B-ipsec-policy-agent KILL
service B ipsec-policy-agent
check "A crash of the client's agent: it is ready again" wait_for 20 services_ready B
check "the pair and its filter are still there" eval 'has_pairs B 1 && has_filters B 1'
check "and packets pass" pings B $A4

check "the server's policy goes" policy_off A
check "the client's filter goes with them" wait_for 20 has_filters B 0

check "the server's policy comes back" policy_on A 192.0.2.0/24 actioninbound=permit
check "the server begins" pings A $B4
same "one filter again" 1 "$(filters B)"
check "the default response rule goes" ctl B dynamic delete rule me any defaultresponse=yes
check "and what it was for" eval 'has_filters B 0 && has_pairs B 0'
check_world
finish
