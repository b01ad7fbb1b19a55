#!/bin/bash
# SPDX-License-Identifier: MIT
# check: tiers=uml also=uml-debug,vm timeout=400
#
# Tunnels that IKE negotiates, between two gateways with agent and IKE. R forwards, and later
# translates what A sends.
#
#   C ------------ A ------------------ R ------------------ B ------------ D
#   10.1.0.2       10.1.0.1  198.51.100.2    192.0.2.1  192.0.2.2  10.2.0.1       10.2.0.2
#   fd01::2        fd01::1   2001:db8:1::2   2001:db8:2::1   ::2   fd02::1        fd02::2
. "$TOP/selftests/lib.sh"
. "$TOP/selftests/hosts.sh"

A4=198.51.100.2 A6=2001:db8:1::2 B6=2001:db8:2::2 R4=192.0.2.1
C4=10.1.0.2 C6=fd01::2 D4=10.2.0.2 D6=fd02::2
NET_C4=10.1.0.0/16 NET_D4=10.2.0.0/16 NET_C6=fd01::/64 NET_D6=fd02::/64
IN_TUNNEL='net 10.0.0.0/8 or ip6 net fd00::/8'

routes() { # VARIABLE [FAMILY DESTINATION GATEWAY]...
	local -n ns_=$1
	shift
	while [ $# -gt 0 ]; do
		need ip "-$1" -n "$ns_" route add "$2" via "$3"
		shift 3
	done
}

topology() {
	ns_add C A R B D
	link C eth0 A lan
	link A eth0 R eth0
	link R eth1 B eth0
	link B lan D eth0
	addr C eth0 $C4/24 $C6/64
	addr A lan 10.1.0.1/24 fd01::1/64
	addr A eth0 $A4/24 $A6/64
	addr R eth0 198.51.100.1/24 2001:db8:1::1/64
	addr R eth1 $R4/24 2001:db8:2::1/64
	addr B eth0 $B4/24 $B6/64
	addr B lan 10.2.0.1/24 fd02::1/64
	addr D eth0 $D4/24 $D6/64
	routes C 4 default 10.1.0.1 6 default fd01::1
	routes A 4 default 198.51.100.1 6 default 2001:db8:1::1
	routes B 4 default $R4 6 default 2001:db8:2::1
	routes D 4 default 10.2.0.1 6 default fd02::1
	for gateway in A R B; do
		need on $gateway sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1
	done
}

policies_on() { # HOST
	ctl "$1" dynamic add mmpolicy name=test "mmsecmethods=$MM_OFFERS" &&
		ctl "$1" dynamic add qmpolicy name=test "qmsecmethods=$QM_OFFERS"
}
one_way() { # HOST FROM TO END
	ctl "$1" dynamic add rule "srcaddr=$2" "dstaddr=$3" mmpolicy=test qmpolicy=test mirrored=no \
		"tunneldstaddress=$4" "psk=$PSK"
}
# tunnel_on HOST NET-C NET-D END-OF-A END-OF-B: both gateways take the same two rules
tunnel_on() {
	policies_on "$1" && one_way "$1" "$2" "$3" "$5" && one_way "$1" "$3" "$2" "$4"
}
both_on() { tunnel_on A "$@" && tunnel_on B "$@"; }
both_off() { policy_off A && policy_off B; }
pings() { on "$1" ping -n -c "${3-2}" -i 0.2 -W "$(secs 10)" "$2"; } # VARIABLE ADDRESS [COUNT]
pairs() { ctl "$1" --json dynamic show qmsas | jq -c '[.. | objects | select(.encapsulation?)
	| [.encapsulation, .srcaddr, .dstaddr, .localendpoint, .remoteendpoint]] | unique'; }
said() { service_log "$1" ipsec-policy-agent | grep -Eiq "$2"; }

load_module
topology
services_start A B
wire_start wan R eth1 B eth0

# --- from host to host ---------------------------------------------------------------------
check "F38 both gateways take the two rules" both_on $NET_C4 $NET_D4 $A4 $B4
check "F38 a forwarded packet waits for the negotiation, and none is lost" pings C $D4 4
check "F38 and the other way" pings D $C4 4
same "F38 one pair of associations, for the two networks" \
	"[[\"tunnel\",\"$NET_C4\",\"$NET_D4\",\"$A4\",\"$B4\"]]" "$(pairs A)"
check "F38 another host of the network, and the gateway itself, go by the same pair" \
	on A ping -n -c 2 -i 0.2 -W "$(secs 5)" -I 10.1.0.1 10.2.0.1
same "F38 still one pair" "[[\"tunnel\",\"$NET_D4\",\"$NET_C4\",\"$B4\",\"$A4\"]]" "$(pairs B)"
check "F12 8000 bytes pass" on C ping -n -c 1 -s 8000 -W "$(secs 5)" $D4
check "N18 show qmfilter names the ends" eval \
	'ctl A --json dynamic show qmfilter type=specific all |
		jq -e "[.. | objects | select(.tunneldstaddress? == \"$B4\" and .tunnelsrcaddress? == \"$A4\")] | length > 0"'
check "F38 explain says whom it is negotiated with" eval \
	'ctl A explain out $C4 $D4 icmp | grep -q "$B4"'
check "N17 the rules go" both_off

QM_OFFERS='AH[SHA1]:100000k/3600s' check "F38 with AH" both_on $NET_C4 $NET_D4 $A4 $B4
check "F38 AH: the other gateway begins" pings D $C4
same "F38 AH is what was sent" 0 "$(($(on B ipdtool sas | grep -c 'proto=ah.*prefixes=16,16') < 2))"
both_off

# --- AH and ESP ------------------------------------------------------------------------------
# One outer header, AH without options, and ESP is its next header.
wire_start bundle R eth1 B eth0
QM_OFFERS='AH[SHA1]+ESP[AES128,SHA256]:100000k/3600s' \
	check "F38 F18 AH and ESP" both_on $NET_C4 $NET_D4 $A4 $B4
check "F38 F18 AH and ESP: packets pass" pings C $D4 4
check "F38 F18 AH and ESP: and back" pings D $C4 4
check "F38 F12 AH and ESP: 8000 bytes pass" on C ping -n -c 1 -s 8000 -W "$(secs 5)" $D4
bundle_spis() { ctl "$1" --json dynamic show qmsas |
	jq -c '[.. | objects | select(.encapsulation?) | [.encapsulation, (.ahspiin > 255), (.espspiin > 255)]]'; }
same "F38 F18 AH and ESP: one pair of bundles" '[["tunnel",true,true]]' "$(bundle_spis A)"
wire_stop bundle
check "F18 each packet is ESP in AH" [ "$(wire_count bundle 'ip proto 51 and ip[20] = 50')" -ge 16 ]
never_clear "F18 no ESP without AH, and no IP in AH" bundle \
	'ip proto 50 or (ip proto 51 and ip[20] != 50 and ip[6:2] & 0x1fff = 0)'
both_off

# --- families ------------------------------------------------------------------------------
check "F38 IPv6 in IPv4" both_on $NET_C6 $NET_D6 $A4 $B4
check "F38 IPv6 in IPv4 passes" pings C $D6
both_off
check "F38 IPv4 in IPv6" both_on $NET_C4 $NET_D4 $A6 $B6
check "F38 IPv4 in IPv6 passes" pings D $C4
both_off
QM_OFFERS='ESP[AESGCM128]:100000k/3600s' check "F38 IPv6 in IPv6" both_on $NET_C6 $NET_D6 $A6 $B6
check "F38 IPv6 in IPv6 passes" pings C $D6
both_off
QM_OFFERS='AH[SHA1]+ESP[AES128,SHA256]:100000k/3600s' \
	check "F38 F18 AH and ESP, IPv4 in IPv6" both_on $NET_C4 $NET_D4 $A6 $B6
check "F38 F18 AH and ESP, IPv4 in IPv6 passes" pings C $D4
both_off

# --- what must not be ------------------------------------------------------------------------
check "F38 A's tunnel is for more than B's" tunnel_on A $NET_C4 10.0.0.0/8 $A4 $B4
check "F38 B's tunnel" tunnel_on B $NET_C4 $NET_D4 $A4 $B4
refuse "F38 B lets nobody have more than its rules say" on C ping -n -c 1 -W "$(secs 3)" $D4
check "F38 L02 and says so" wait_for 30 said B '198\.51\.100\.2.*polic'
both_off
wire_stop wan
never_clear "F38 F16 no packet of the networks was ever in clear" wan "$IN_TUNNEL"
check "F38 A has the inbound rule only" eval 'policies_on A && one_way A $NET_D4 $NET_C4 $A4'
check "F38 it says what is missing" wait_for 10 said A 'blocked.*other direction'
refuse "F38 and what comes in clear is not let in" on D ping -n -c 1 -W "$(secs 2)" $C4
both_off

# --- through a NAT ---------------------------------------------------------------------------
need on R nft -f - <<-RULES
	table ip nat {
		chain postrouting {
			type nat hook postrouting priority srcnat
			oifname eth1 meta l4proto udp masquerade to :20000-29999
			oifname eth1 masquerade
		}
		chain forward {
			type filter hook forward priority filter
			meta l4proto { esp, ah } drop
		}
	}
RULES
wire_start nat R eth1 B eth0
check "F38 NAT: A's tunnel" tunnel_on A $NET_C4 $NET_D4 $A4 $B4
check "F38 NAT: B's tunnel ends at the NAT" tunnel_on B $NET_C4 $NET_D4 $R4 $B4
check "F38 NAT: the first packets wait, and arrive" pings C $D4
check "F38 NAT: and back" pings D $C4
wire_stop nat
never_clear "F38 NAT: nothing in clear" nat "$IN_TUNNEL"
same "F38 NAT: no ESP without UDP" 0 "$(wire_count nat 'proto 50')"
check "F38 NAT: ESP from the NAT's ports" \
	[ "$(capture_count nat-1 'src portrange 20000-29999 and dst port 4500')" -ge 6 ]
check_world
finish
