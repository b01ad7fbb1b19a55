#!/bin/bash
# SPDX-License-Identifier: MIT
# check: tiers=uml also=uml-debug,vm timeout=400
#
# Modes, exemptions, and what holds the module.
#
#   A 192.0.2.1, 2001:db8::1 ------- B 192.0.2.2, 2001:db8::2
. "$TOP/selftests/lib.sh"
. "$TOP/selftests/driver.sh"

refcount() { awk '$1 == "ipsecdrv" { print $3 }' /proc/modules; }
hooks() { on "$1" cat /proc/net/ip_tables_names 2>/dev/null; }
# the sentence of a refusal
refusal() { ! ipd "$@" 2>"$TMP/refusal" && sed -n 's/^ipdtool: //p' "$TMP/refusal"; }

driver_up
same "D16 a namespace starts in permit mode" permit "$(mode_of A)"
same "D16 and does not hold the module" 0 "$(refcount)"

# --- operational modes --------------------------------------------------------
listen A mode
need ipd A mode secure
same "D15 secure mode" secure "$(mode_of A)"
check "D15 secure without filters: everything passes" pings A $B4
need ipd A mode block
check "D17 block: nothing leaves" no_ping A $B4
check "D17 nor IPv6" no_ping A $B6
check "D17 nothing arrives" no_ping B $A4
check "D17 loopback stays" pings A 127.0.0.1
check "D17 own addresses stay" pings A $A4
check "D17 drops have their reason" [ "$(stat_of A drop.mode-block)" -ge 3 ]
same "D17 match says so" "drop mode-block" "$(judge A out $A4 $B4 udp 500 500)"
need ipd A add id=1 out=permit in=permit
check "D17 not even a permit filter helps" no_ping A $B4
need ipd A mode secure
check "D15 back in secure mode" pings A $B4
need ipd A mode permit
need ipd A del 1
need ipd A add id=1 out=block in=block
check "D16 permit: filters are kept, but not asked" pings A $B4
same "D16 match says so" "pass mode" "$(judge A out $A4 $B4 tcp 1 1)"
need ipd A mode secure
check "D15 and asked again in secure mode" no_ping A $B4
need ipd A mode secure
check "D15 the same mode again changes nothing" wait_for 10 has_events A 5 mode-event
need ipd A mode permit
check "D15 every change is told" wait_for 10 has_events A 6 mode-event
same "D15 in order" "secure block secure permit secure permit" \
	"$(grep -o ' mode=[a-z]*' "$TMP/listen-A.log" | cut -d= -f2 | xargs)"
for mode in startup-permit startup-stateful startup-block; do
	same "D19 $mode cannot be set" "Invalid argument: mode $mode: only the driver starts in it" \
		"$(refusal A mode $mode)"
done
same "D19 and a refusal changes nothing" permit "$(mode_of A)"

# --- namespaces are separate ------------------------------------------------------
fresh A B
need ipd A add id=1 out=block in=block local=me remote=$B4
same "D15 filters of one namespace" 1 "$(field filters "$(ipd A status)")"
same "D15 are not those of another" 0 "$(field filters "$(ipd B status)")"
need ipd A mode permit
need ipd B mode permit

# --- exemptions ---------------------------------------------------------------------
fresh A B
need ipd A add id=1 out=block in=block + id=2 family=6 out=block in=block
levels() { # WHAT... ; the verdicts of the four levels
	local level out=""
	for level in 0 1 2 3; do
		need ipd A mode - $level
		out+="$(judge A "$@" | sed 's/pass exempt/exempt/; s/drop .*/-/') "
	done
	echo "${out% }"
}
same "D27 D28 level 3 is the default" 3 "$(field exempt "$(ipd B status)")"
same "D26 IKE out" "exempt exempt exempt exempt" "$(levels out $A4 $B4 udp 500 500)"
same "D26 IKE in" "exempt exempt exempt exempt" "$(levels in $B4 $A4 udp 500 500)"
same "D26 IKE over IPv6" "exempt exempt exempt exempt" "$(levels in $B6 $A6 udp 500 500)"
same "D26 IKE behind a NAT" "exempt exempt exempt exempt" "$(levels in $B4 $A4 udp 61000 4500)"
same "D26 IKE through this host" "- - - -" "$(levels in $B4 198.51.100.1 udp 500 500)"
same "D25 Kerberos" "exempt - exempt -" "$(levels out $A4 $B4 udp 1024 88)"
same "D25 Kerberos over TCP" "exempt - exempt -" "$(levels in $B4 $A4 tcp 88 1024)"
same "D24 RSVP" "exempt - exempt -" "$(levels out $A4 $B4 46)"
same "D23 multicast" "exempt exempt - -" "$(levels out $A4 224.0.0.251 udp 5353 5353)"
same "D22 broadcast" "exempt exempt - -" "$(levels out $A4 255.255.255.255 udp 68 67)"
same "D22 broadcast of the subnet" "exempt exempt - -" "$(levels out $A4 192.0.2.255 udp 9 9)"
same "D22 inbound, too" "exempt exempt - -" "$(levels in $B4 192.0.2.255 udp 9 9)"
same "D27 anything else" "- - - -" "$(levels out $A4 $B4 tcp 1024 89)"
refuse "D28 there is no level 4" ipd A mode - 4

need ipd A mode - 3
on B ip -6 neigh flush dev eth0
check "D26 a block of all holds for IPv6" no_ping B $A6
check "D26 but who asks for a neighbour gets an answer" \
	wait_for 5 eval 'on B ip -6 neigh show $A6 | grep -q lladdr'
spawn ike-B ip netns exec "$B" socat -u UDP-RECV:500 "CREATE:$TMP/ike"
wait_for 10 eval 'on B ss -Hlun "sport = :500" | grep -q .'
need udp A $B4 500 ike sourceport=500
check "D26 IKE leaves" wait_for 5 grep -q ike "$TMP/ike"
spawn ike-A ip netns exec "$A" socat -u UDP-RECV:500 "CREATE:$TMP/ike-in"
wait_for 10 eval 'on A ss -Hlun "sport = :500" | grep -q .'
need udp B $A4 500 ike
check "D26 IKE arrives" wait_for 5 grep -q ike "$TMP/ike-in"
before=$(stat_of A drop.filter-block)
on A socat -u - "UDP:$B4:500,sourceport=501" <<<other
check "D26 but not from any port" [ "$(stat_of A drop.filter-block)" -gt "$before" ]

# multicast for real
receive_group() { spawn group ip netns exec "$B" socat -u UDP4-RECV:7777,ip-add-membership=224.1.2.3:eth0 "CREATE:$TMP/group"; }
receive_group
wait_for 10 eval 'on B ss -Hlun "sport = :7777" | grep -q .'
send_group() { on A socat -u - UDP4-DATAGRAM:224.1.2.3:7777,ip-multicast-if=$A4 <<<"$1"; }
send_group first
need ipd A mode - 1
need send_group second
check "D23 a multicast passes at level 1" wait_for 5 grep -q second "$TMP/group"
check "D27 and did not at level 3" not grep -q first "$TMP/group"
need ipd A mode - 3
need ipd A del 1
need ipd A add id=1 out=negotiate in=negotiate
on A socat -u - UDP4-DATAGRAM:224.1.2.3:7777,ip-multicast-if=$A4 <<<third
check "D30 a multicast is never negotiated for" [ "$(stat_of A drop.multicast)" -ge 1 ]
need ipd A mode permit
need ipd B mode permit

# --- the module -----------------------------------------------------------------------
need ipd A mode secure
same "D15 a protecting namespace holds the module" 1 "$(refcount)"
need ipd B mode block
same "D15 each one does" 2 "$(refcount)"
need ipd A mode block
same "D15 once" 2 "$(refcount)"
refuse "D15 so it cannot be unloaded" unload_module
check "D17 and goes on to protect" no_ping B $A4
need ipd A mode permit
same "D16 permit gives it back" 1 "$(refcount)"
ns_add C
need ipd C mode secure
same "D15 another namespace" 2 "$(refcount)"
need ip netns del "$C"
check "D15 gives it back when it is deleted" wait_for 30 eval '[ "$(refcount)" = 1 ]'
refuse "D15 one is enough" unload_module
need ipd B mode permit
check "D16 without protection it can be unloaded" unload_module
check "D16 and packets pass" pings A $B4
load_module
same "D16 loaded again, it knows nothing" "permit 0" \
	"$(mode_of A) $(field filters "$(ipd A status)")"
check "D15 and works" need ipd A mode secure
check "D15 still" pings A $B4
check_world
finish
