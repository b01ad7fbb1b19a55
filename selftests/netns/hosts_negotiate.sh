#!/bin/bash
# SPDX-License-Identifier: MIT
# check: tiers=uml-debug also=uml,vm timeout=300
#
# Two hosts, one policy: the main job, from the command line to the wire.
#
#   A 192.0.2.1, 2001:db8::1 ------- B 192.0.2.2, 2001:db8::2
. "$TOP/selftests/lib.sh"
. "$TOP/selftests/hosts.sh"

# How many ISAKMP messages of an exchange type crossed the wire. A slow machine may repeat one,
# byte for byte, before it sees the answer: that is one message.
messages() { # NAME EXCHANGE
	local end n=0
	for end in 1 2; do
		n=$((n + $(tshark -r "$(capture_file "$1-$end")" -Y "isakmp.exchangetype == $2" \
			-T fields -e udp.payload 2>/dev/null | sort -u | wc -l)))
	done
	echo "$n"
}

hosts_up
check "N03 A takes the policy" policy_on A 192.0.2.0/24
check "N03 B takes the policy" policy_on B 192.0.2.0/24
wire_start v4 A eth0 B eth0 'ip and not arp'

check "F05 the first pings wait for the negotiation, and none is lost" \
	on A ping -c 4 -i 0.2 -W "$(secs 10)" $B4
check "F05 the other way too" on B ping -c 4 -i 0.2 -W "$(secs 5)" $A4
wire_stop v4
same "K01 six main mode messages" 6 "$(messages v4 2)"
same "K01 three quick mode messages" 3 "$(messages v4 32)"
same "F05 F16 sixteen ESP packets" 16 "$(wire_count v4 'proto 50')"
never_clear "F05 F16 nothing in clear" v4 "$CLEAR"

sas=$(ctl A --json dynamic show qmsas)
spi_in=$(jq -r '.. | .espspiin? // empty' <<<"$sas" 2>/dev/null | head -n 1)
spi_out=$(jq -r '.. | .espspiout? // empty' <<<"$sas" 2>/dev/null | head -n 1)
check "F13 A26 the two associations have SPIs of their own" [ -n "$spi_in" -a -n "$spi_out" -a "$spi_in" != "$spi_out" ]
check "N18 show mmsas names the peer" grep -q "$B4" <(ctl A dynamic show mmsas)
check "N18 show qmsas names the peer" grep -q "$B4" <(ctl A dynamic show qmsas)
check "A25 the driver got keys" grep -Eq 'Key Adds *: *[1-9]' <(ctl A dynamic show stats)
check "L02 the journal says that it succeeded" grep -q "$B4" <(service_log A ipsec-policy-agent)

# The identity payload is 01 00 00 00 and the address: in main mode it is encrypted.
id_in_clear() { tcpdump -r "$(capture_file v4-1)" -n -x 'udp port 500' 2>/dev/null |
	tr -d ' \n' | grep -q '01000000c0000201\|011101f4c0000201'; }
check "K04 the identity is not readable" not id_in_clear

wire_start v6 A eth0 B eth0 ip6
check "N03 A takes a rule for IPv6" ctl A dynamic add rule srcaddr=me dstaddr=2001:db8::/64 \
	mmpolicy=test qmpolicy=test "psk=$PSK"
check "N03 B takes a rule for IPv6" ctl B dynamic add rule srcaddr=me dstaddr=2001:db8::/64 \
	mmpolicy=test qmpolicy=test "psk=$PSK"
check "F05 IPv6: the first pings wait, and none is lost" \
	on A ping -c 4 -i 0.2 -W "$(secs 10)" $B6
wire_stop v6
same "F05 IPv6: eight ESP packets" 8 "$(wire_count v6 'ip6 proto 50')"

check "N17 the rules go" policy_off A
check "N17 the rules go" policy_off B
check "F02 without rules packets pass in clear" on A ping -c 1 -W "$(secs 5)" $B4

stop A-ipsec-ike; stop A-ipsec-policy-agent; stop A-ipsec-cred
stop B-ipsec-ike; stop B-ipsec-policy-agent; stop B-ipsec-cred
check "the driver unloads after a clean stop" unload_module
check_world
finish
