#!/bin/bash
# SPDX-License-Identifier: MIT
# check: tiers=uml also=uml-debug,vm timeout=300
#
# Protocols and ports of rules: each rule takes its own packets and no others. A sends one packet of
# each kind, and what crosses the wire is counted; then B sends them, and what A drops is counted.
#
#   A 192.0.2.1, 2001:db8::1 ------- B 192.0.2.2, 2001:db8::2
. "$TOP/selftests/lib.sh"
. "$TOP/selftests/hosts.sh"

load_module
ns_add A B
link A eth0 B eth0
addr A eth0 "$A4/24" "$A6/64"
addr B eth0 "$B4/24" "$B6/64"
services_start A
on A ping -c 1 -W "$(secs 5)" $B4 >/dev/null || bail "the hosts see each other"

# One packet of each kind; raw, so that no protocol of the kernel adds any of its own.
cat >"$TMP/send.py" <<'END'
import socket, struct, sys

source, destination = sys.argv[1:3]
ports = {"tcp80": (40000, 80), "tcp81": (40000, 81), "udp80": (40000, 80)}
numbers = {"icmp": 1, "tcp80": 6, "tcp81": 6, "udp80": 17, "ospf": 89, "raw": 255}
for kind, number in numbers.items():
    payload = struct.pack("!HHIIBBHHH", *ports.get(kind, (0x0900, 0)), 0, 0, 0x50, 4, 0, 0, 0)
    s = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW)
    header = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + len(payload), 1, 0, 64, number, 0,
                         socket.inet_aton(source), socket.inet_aton(destination))
    try:
        s.sendto(header + payload, (destination, 0))
    except PermissionError:
        pass  # dropped by the driver
    s.close()
END
ALL="icmp tcp80 tcp81 udp80 ospf raw"
declare -A FILTER=([icmp]="icmp[0] = 9" [tcp80]="tcp dst port 80" [tcp81]="tcp dst port 81"
	[udp80]="udp dst port 80" [ospf]="ip proto 89" [raw]="ip proto 255")

n_wire=0
# leaves NAME EXPECTED TAG...: with this rule, packets of these kinds still leave, and no others
leaves() {
	local name=$1 expected=$2 kind got="" n
	shift 2
	need ctl A dynamic add rule me $B4 "$@" actioninbound=block actionoutbound=block
	n_wire=$((n_wire + 1))
	capture_start "w$n_wire" A eth0 'ip'
	on A python3 "$TMP/send.py" $A4 $B4 || bail "packets are sent"
	capture_stop "w$n_wire"
	for kind in $ALL; do
		n=$(capture_count "w$n_wire" "${FILTER[$kind]}")
		[ "$n" = 0 ] || got+="$kind "
	done
	same "$name leaves" "$expected" "${got% }"
	arrives "$name arrives" "$expected"
	need ctl A dynamic delete rule all
}

# The same inbound: of six packets the rule's filter decides as many as are not expected. What the
# hosts answer by themselves goes the other way.
decided() { on A ipdtool list | grep -o ' in-hits=[0-9]*' | cut -d= -f2 | awk '{ n += $1 } END { print n + 0 }'; }
has_decided() { [ "$(decided)" -ge "$1" ]; }
arrives() {
	local before want
	before=$(decided)
	want=$((6 - $(wc -w <<<"$2")))
	on B python3 "$TMP/send.py" $B4 $A4 || bail "packets are sent"
	wait_for 5 has_decided $((before + want))
	same "$1" "$want" "$(($(decided) - before))"
}

leaves "F36 protocol=TCP port 9, which nobody uses:" "$ALL" protocol=TCP dstport=9
leaves "F36 protocol=ANY: nothing" ""
leaves "F36 protocol=ICMP: the others" "tcp80 tcp81 udp80 ospf raw" protocol=ICMP
leaves "F36 protocol=TCP: the others" "icmp udp80 ospf raw" protocol=TCP
leaves "F36 protocol=UDP: the others" "icmp tcp80 tcp81 ospf raw" protocol=UDP
leaves "F36 protocol=RAW: the others" "icmp tcp80 tcp81 udp80 ospf" protocol=RAW
leaves "F36 protocol=89: the others" "icmp tcp80 tcp81 udp80 raw" protocol=89
leaves "F36 protocol=6: the others" "icmp udp80 ospf raw" protocol=6
check_world
finish
