#!/bin/bash
# SPDX-License-Identifier: MIT
# check: tiers=uml-debug also=uml,vm timeout=300
#
# What filters do to packets.
#
#   A 192.0.2.1, 2001:db8::1 ---+
#                               B 192.0.2.2, 2001:db8::2 (198.51.100.2)
#   C 203.0.113.3 --------------+ 203.0.113.2
. "$TOP/selftests/lib.sh"
. "$TOP/selftests/driver.sh"

driver_up
ns_add C
link B eth1 C eth0
addr B eth1 203.0.113.2/24
addr C eth0 203.0.113.3/24
C4=203.0.113.3

same "F02 a namespace starts in permit mode" permit "$(mode_of A)"
fresh A B
check "F02 without filters everything passes" pings A $B4
check "F02 IPv6 too" pings A $B6

# --- block and permit -------------------------------------------------------
need ipd B add id=1 out=block in=block local=me remote=$A4
check "F04 a blocked host does not get through" no_ping A $B4
check "F04 nor is it spoken to" no_ping B $A4
check "F02 other hosts are unaffected" pings C 203.0.113.2
check "F02 the other family is unaffected" pings A $B6
check "F04 drops are counted, out and in" [ "$(stat_of B drop.filter-block)" -ge 2 ]
hits=$(ipd B get 1)
check "F01 the filter counts what it decided, out" [ "$(field out-hits "$hits")" -ge 1 ]
check "F01 and in" [ "$(field in-hits "$hits")" -ge 1 ]
same "F04 match says so" "drop filter-block" "$(judge B in $A4 $B4 tcp 1024 80)"

need ipd B add id=2 out=permit in=permit local=me remote=$A4 proto=icmp
check "F03 F07 a permit for ICMP is more specific" pings A $B4
same "F03 match says so" "pass permit-filter" "$(judge B in $A4 $B4 icmp 8 0)"
same "F07 and blocks the rest" "drop filter-block" "$(judge B in $A4 $B4 udp 9 9)"
need ipd B del 1 2
check "F02 removed filters decide nothing" pings A $B4

# --- the telnet example -------------------------------------------------------
fresh A B
serve_tcp telnet B 23
check "F07 the server serves" tcp A $B4 23
need ipd B add id=10 out=block in=block local=me proto=tcp lport=23
check "F07 nobody gets to port 23" no_tcp A $B4 23
check "F07 not C either" no_tcp C 203.0.113.2 23
need ipd B add id=11 out=permit in=permit local=me remote=$A4 proto=tcp lport=23
check "F07 A may, and only A" tcp A $B4 23
check "F07 C still may not" no_tcp C 203.0.113.2 23
same "F07 the list is in the order of trying" "11 10" \
	"$(ipd B list | grep -o '^id=[0-9]*' | cut -d= -f2 | xargs)"
check "F36 other protocols are unaffected" pings C 203.0.113.2

# --- directions -------------------------------------------------------------
fresh A B
need ipd A add id=1 in=block local=me remote=$B4 proto=tcp
serve_tcp oneway A 80
check "F10 one way: inbound is blocked" no_tcp B $A4 80
same "F10 outbound is not covered" "pass no-filter" "$(judge A out $A4 $B4 tcp 1024 80)"
need ipd A del 1
need ipd A add id=1 in=block out=block local=me remote=$B4 proto=tcp
same "F10 mirrored: both directions, one filter" "drop filter-block drop filter-block" \
	"$(judge A out $A4 $B4 tcp 80 1024) $(judge A in $B4 $A4 tcp 1024 80)"

# --- protocols ----------------------------------------------------------------
fresh A B
need ipd A add id=1 out=block in=block local=me remote=$B4 proto=udp rport=53 + \
	id=2 out=block in=block local=me remote=$B4 proto=47 + \
	id=3 out=block in=block local=me remote=$B4 proto=icmp
same "F36 UDP with a port" "drop filter-block" "$(judge A out $A4 $B4 udp 1024 53)"
same "F36 another port" "pass no-filter" "$(judge A out $A4 $B4 udp 1024 54)"
same "F36 the port of another protocol" "pass no-filter" "$(judge A out $A4 $B4 tcp 1024 53)"
same "F36 a protocol by number" "drop filter-block" "$(judge A out $A4 $B4 47)"
same "F36 ICMP, whatever its type" "drop filter-block drop filter-block" \
	"$(judge A out $A4 $B4 icmp 8 0) $(judge A out $A4 $B4 icmp 3 4)"
check "F36 ICMP for real" no_ping A $B4
same "F36 ICMPv6 is another protocol" "pass no-filter" "$(judge A out $A6 $B6 icmpv6 128 0)"
need ipd A add id=4 family=6 out=block in=block local=me proto=icmpv6
check "F36 ICMPv6 echo is blocked" no_ping A $B6
on A ip -6 neigh flush dev eth0
need ipd A del 4
check "F36 but neighbours are found all the same" pings A $B6

# --- addresses ------------------------------------------------------------------
fresh A B
need ipd A add id=1 out=block in=block local=me remote=192.0.2.2/255.255.0.255 + \
	id=2 out=block in=block local=me remote=2001:db8::/64
same "F37 a mask with a hole" "drop filter-block pass no-filter" \
	"$(judge A out $A4 192.0.77.2 tcp 1 1) $(judge A out $A4 192.0.2.3 tcp 1 1)"
check "F37 an IPv6 prefix" no_ping A $B6
check "F37 a mask with a hole, for real" no_ping A $B4
fresh A B
need ipd B add id=1 out=block in=block local=me remote=$A4
addr B eth0 198.51.100.2/32
on A ip route add 198.51.100.2 via $B4
check "F37 me is also an address that came later" no_ping A 198.51.100.2
need ipd B add id=2 out=block in=block local=203.0.113.77 remote=any
need on B ip addr del 198.51.100.2/32 dev eth0
same "F37 and no more when it went" "pass no-filter" "$(judge B in $A4 198.51.100.2 tcp 1 1)"

# --- loopback and forwarding ------------------------------------------------------
fresh A B
need ipd B add id=1 out=block in=block
check "F02 a filter for all blocks all" no_ping A $B4
check "F02 but not what stays on the host" pings B 127.0.0.1
check "F02 nor its own addresses" pings B $B4
same "F02 and match knows" "pass loopback" "$(judge B out $B4 $B4 tcp 1 1)"
fresh A B
need on B sysctl -qw net.ipv4.ip_forward=1
on A ip route add $C4 via $B4
on C ip route add $A4 via 203.0.113.2
check "F37 what is forwarded passes" pings A $C4
need ipd B add id=1 out=block in=block local=me remote=$A4
check "F37 and a filter for this host is not about it" pings A $C4
need ipd B add id=2 out=block in=block local=$A4 remote=$C4
check "F37 but one for its ends is" no_ping A $C4
need ipd B del 2
need ipd B add id=3 in=block local=$C4 remote=$A4
check "F37 inbound, too" no_ping A $C4

need ipd A mode permit
need ipd B mode permit
check "F02 in permit mode filters are not asked" pings A $C4
check_world
finish
