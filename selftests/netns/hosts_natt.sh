#!/bin/bash
# SPDX-License-Identifier: MIT
# check: tiers=uml also=uml-debug,vm timeout=300
#
# Two hosts with agent and IKE, and a NAT between them that forwards neither ESP nor AH.
#
#   A 10.0.0.1 eth0 ------- eth0 10.0.0.254 R 192.0.2.254 eth1 ------- eth0 B 192.0.2.2
#                                  masquerades what A sends
. "$TOP/selftests/lib.sh"
. "$TOP/selftests/hosts.sh"

A4=10.0.0.1 R4=192.0.2.254
QM_OFFERS="AH[SHA1]:100000k/3600s ESP[AES128,SHA256]:100000k/3600s"

masquerade() { # [LOWEST-PORT-HIGHEST-PORT]
	need on R nft -f - <<-RULES
		table ip nat
		delete table ip nat
		table ip nat {
			chain postrouting {
				type nat hook postrouting priority srcnat
				oifname eth1 meta l4proto udp masquerade ${1:+to :$1}
				oifname eth1 masquerade
			}
			chain forward {
				type filter hook forward priority filter
				meta l4proto { esp, ah } drop
			}
		}
	RULES
}
secured() { on "$1" ping -c 2 -i 0.2 -W "$(secs 10)" "$2"; }

load_module
ns_add A B R
link A eth0 R eth0
link R eth1 B eth0
addr A eth0 $A4/24
addr R eth0 10.0.0.254/24
addr R eth1 $R4/24
addr B eth0 $B4/24
need ip -n "$A" route add default via 10.0.0.254
need on R sysctl -qw net.ipv4.ip_forward=1
masquerade 20000-29999
services_start A B
need policy_on A $B4
need policy_on B $R4

# --- the client begins -----------------------------------------------------------------
wire_start nat R eth1 B eth0
check "F16 through a NAT: the first packets wait, and arrive protected" secured A $B4
wire_stop nat
never_clear "F16 nothing in clear" nat "$CLEAR"
same "F16 neither ESP nor AH without UDP" 0 "$(wire_count nat 'proto 50 or proto 51')"
same "F16 RFC 3947: four messages at port 500" 4 "$(wire_count nat 'udp port 500')"
check "F16 the rest at port 4500, from the NAT's ports" \
	[ "$(capture_count nat-1 "src portrange 20000-29999 and dst port 4500")" -ge 3 ]
tshark -r "$(capture_file nat-1)" -Y 'udpencap && esp' 2>/dev/null >"$TMP/esp"
check "F16 ESP in UDP, as tshark reads it" [ -s "$TMP/esp" ]
check "F16 who is behind the NAT keeps it open" \
	eval 'on A ipdtool sas | grep "dir=out" | grep -q "keepalive=20"'
check "F16 and who is not follows its ports" \
	eval 'on B ipdtool sas | grep "dir=in" | grep -q follow'

# --- the NAT forgets, and gives other ports ----------------------------------------------
need on R sysctl -qw net.netfilter.nf_conntrack_udp_timeout=1 net.netfilter.nf_conntrack_udp_timeout_stream=1
need secured A $B4
masquerade 40000-49999
# each try is later than the last, until the mapping was idle for long enough
tries=0
has_moved() {
	sleep $((++tries))
	secured A $B4 >/dev/null && on B ipdtool sas | grep 'dir=out' | grep -q 'udp=4500,4[0-9]\{4\}'
}
check "F16 packets from other ports of the NAT are answered there" wait_for 30 has_moved
check_world
finish
