#!/bin/bash
# SPDX-License-Identifier: MIT
# check: tiers=uml,uml-debug also=vm timeout=300
#
# Filters for LAN or dial-up connections, and for one interface.
#
#   A 192.0.2.1, 2001:db8::1 eth0 ------------------ eth0 B 192.0.2.2, 2001:db8::2
#     10.9.0.1 dial0 ========= IPIP, a dial-up ======= dial0 10.9.0.2
#              tun0 (raw IP), d0 (dummy), d0.5 (VLAN), br0 (bridge)
. "$TOP/selftests/lib.sh"
. "$TOP/selftests/driver.sh"

D=10.9.0.2	# B, by the dial-up connection
dial() { # HOST LOCAL REMOTE INNER
	local -n ns_=$1
	need ip -n "$ns_" link add dial0 type ipip local "$2" remote "$3"
	need ip -n "$ns_" link set dial0 up
	need ip -n "$ns_" addr add "$4/24" dev dial0
}
id_of() { field id " $(ipd "$@")"; }
# the filter that decides a packet from A to 10.1.1.1, by place: "dev=NAME", "conn=TYPE"
on_place() { id_of A match "${2-out}" 192.0.2.1 10.1.1.1 udp 1 1 "$1" | head -n 1; }
in_place() { id_of A match in 10.1.1.1 192.0.2.1 udp 1 1 "$1" | head -n 1; }

driver_up
dial A $A4 $B4 10.9.0.1
dial B $B4 $A4 $D
fresh A B

# --- connection types -------------------------------------------------------
check "F33 without filters the dial-up connection works" pings A $D
need ipd A add id=1 out=block in=block conn=lan local=me remote=$D
check "F33 a LAN rule has no effect on a dial-up connection" pings A $D
need ipd A del 1
need ipd A add id=1 out=block in=block conn=dialup local=me remote=$D
check "F33 a dial-up rule has" no_ping A $D
need ipd A add id=2 out=block in=block conn=dialup local=me remote=$B4
check "F33 a dial-up rule has no effect on a LAN" pings A $B4
need ipd A add id=3 out=block in=block conn=lan local=me remote=$B4
check "F33 a LAN rule has" no_ping A $B4
same "F33 the list says what they are for" "dialup dialup lan" \
	"$(ipd A list | sort | grep -o ' conn=[a-z]*' | cut -d= -f2 | xargs)"

fresh A
need ipd A add id=1 in=block conn=lan local=me remote=$D
check "F33 inbound: a LAN rule has no effect on a dial-up connection" pings A $D
need ipd A del 1
need ipd A add id=1 in=block conn=dialup local=me remote=$D
check "F33 inbound: a dial-up rule has" no_ping A $D
check "F33 and counts its packets" [ "$(field in-hits "$(ipd A get 1)")" -ge 1 ]

# what the flow cache remembers of a flow is for the interface that it had
fresh A
need ipd A add id=1 out=block in=block conn=dialup local=me remote=$D
check "F33 a flow is blocked on the dial-up connection" no_ping A $D
need ip -n "$A" route replace $D/32 via $B4 dev eth0 src 10.9.0.1
need ip -n "$B" route replace 10.9.0.1/32 via $A4 dev eth0 src $D
check "F33 and passes when its route leads to the LAN" pings A $D 3
need ip -n "$A" route del $D/32
need ip -n "$B" route del 10.9.0.1/32
check "F33 and is blocked when it leads back" no_ping A $D

# --- which device is what ---------------------------------------------------
need ip -n "$A" link add d0 type dummy
need ip -n "$A" link add link d0 name d0.5 type vlan id 5
need ip -n "$A" link add br0 type bridge
need ip -n "$A" tuntap add tun0 mode tun
need ip -n "$A" tuntap add tap0 mode tap
fresh A
need ipd A add id=1 out=block in=block conn=lan + id=2 out=block in=block conn=dialup
for dev in eth0 d0 d0.5 br0 tap0; do
	same "F33 $dev is a LAN" 1 "$(on_place dev=$dev)"
done
for dev in dial0 tun0; do
	same "F33 $dev is a dial-up connection" 2 "$(on_place dev=$dev)"
done
same "F33 match by connection type: LAN" 1 "$(in_place conn=lan)"
same "F33 match by connection type: dial-up" 2 "$(in_place conn=dialup)"
refuse "F33 match on an interface that does not exist is refused" \
	ipd A match out 192.0.2.1 10.1.1.1 udp 1 1 dev=nowhere0
same "F33 where match names no interface it is the route's: dial-up" 2 \
	"$(id_of A match out 10.9.0.1 $D udp 1 1)"
same "F33 and LAN" 1 "$(id_of A match in $B4 $A4 udp 1 1)"
same "F33 the interface is not known without a route: dropped" "drop no-interface" \
	"$(judge A out $A4 203.0.113.9 udp 1 1)"
need ipd A del 1 2
same "F33 unless no filter asks for one" "pass no-filter" "$(judge A out $A4 203.0.113.9 udp 1 1)"

# --- one interface ----------------------------------------------------------
fresh A
need ipd A add id=1 out=block in=block dev=dial0 local=me remote=$D
check "F34 a filter for an interface matches there" no_ping A $D
need ipd A add id=2 out=block in=block dev=dial0 local=me remote=$B4
check "F34 and only there" pings A $B4
need ipd A add id=3 out=block in=block dev=eth0 local=me remote=$B6
check "F34 another one on another interface, IPv6" no_ping A $B6
same "F34 the list says which" "dial0 dial0 eth0" \
	"$(ipd A list | sort -t= -k2 -n | grep -o ' dev=[a-z0-9]*' | cut -d= -f2 | sort | xargs)"

fresh A
need ipd A add id=1 out=block in=block + id=2 out=permit in=permit conn=lan \
	+ id=3 out=block in=block dev=d0 + id=4 out=block in=block dev=later0
same "F34 one interface goes before its connection type" 3 "$(on_place dev=d0)"
same "F34 the connection type before all" 2 "$(on_place dev=eth0)"
same "F34 other types have the rest" 1 "$(on_place dev=tun0)"
need ip -n "$A" link add later0 type dummy
same "F34 an interface that comes later has its filter" 4 "$(on_place dev=later0)"
need ip -n "$A" link set later0 name other0
same "F34 a renamed one leaves it" 2 "$(on_place dev=other0)"
need ip -n "$A" link set d0 name later0
same "F34 the filter is for whoever has the name" 4 "$(on_place dev=later0)"
index=$(on A cat /sys/class/net/other0/ifindex)
need ip -n "$A" link set later0 name d0
need ip -n "$A" link set other0 name later0
same "F34 and back" "3 4" "$(on_place dev=d0) $(on_place dev=later0)"
need ip -n "$A" link del later0
need ip -n "$A" link add next0 index "$index" type dummy
same "F34 who gets the index of one that is gone inherits nothing" 2 "$(on_place dev=next0)"
need ip -n "$A" link set next0 netns "$B"
need ip -n "$B" link set next0 name later0
same "F34 the name counts in its namespace only" 2 "$(on_place dev=eth0)"
need ip -n "$B" link set later0 netns "$A"
same "F34 an interface of another namespace gets its filter here" 4 "$(on_place dev=later0)"

refuse "F34 an interface and a connection type are too much" \
	ipd A add id=9 out=block in=block dev=d0 conn=lan
refuse "F34 no interface has such a name" ipd A add id=9 out=block in=block dev=a/b
check "F34 two filters that differ in the interface are no duplicates" \
	ipd A add id=9 out=block in=block dev=eth0
refuse "F34 but two for the same are" ipd A add id=10 out=block in=block dev=eth0
need ipd A load - </dev/null
same "F34 nothing is left" 0 "$(ipd A list | wc -l)"

# --- under associations -----------------------------------------------------
# What comes out of an association is judged by the interface that the protected packet came by.
fresh A B
need ipd A add id=1 out=negotiate in=negotiate dev=eth0 local=me remote=$B4
need ipd B add id=1 out=negotiate in=negotiate local=me remote=$A4
secure_pair 1 0x1000
capture_start scoped A eth0 'esp or icmp'
check "F34 F16 a filter for an interface negotiates there" pings A $B4
capture_stop scoped
same "F34 F16 and nothing is in clear" 0 "$(capture_count scoped icmp)"
check "F34 while something is protected" [ "$(capture_count scoped esp)" -ge 1 ]
need ipd A load - <<<"id=1 out=negotiate in=negotiate dev=dial0 local=me remote=$B4"
need ipd A flush
secure_pair 1 0x2000
dropped=$(stat_of A drop.wrong-sa)
on B ping -c 1 -W 1 $A4 >/dev/null
same "F24 F34 an association for another interface does not let a packet in here" $((dropped + 1)) \
	"$(stat_of A drop.wrong-sa)"
same "F34 out by this interface its filter does not ask for one" "pass no-filter" \
	"$(judge A out $A4 $B4 udp 1 1 dev=eth0)"

# a VRF's port is the interface, not the VRF: pitfall F1
fresh A B
need ip -n "$A" link add red type vrf table 10
need ip -n "$A" link set red up
need ip -n "$A" link set eth0 master red
need ip -n "$A" addr replace $A4/24 dev eth0
need ipd A add id=1 out=block in=block dev=eth0 local=any remote=$B4
check "F34 a filter for the port of a VRF holds in the VRF" \
	eval '! on A ping -I red -c 1 -W 1 $B4'
need ipd A load - <<<"id=1 out=block in=block dev=d0 local=any remote=$B4"
check "F34 one for another interface does not" on A ping -I red -c 1 -W "$(secs 2)" $B4

check_world
finish
