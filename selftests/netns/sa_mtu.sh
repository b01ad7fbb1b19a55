#!/bin/bash
# SPDX-License-Identifier: MIT
# check: tiers=uml also=uml-debug,vm timeout=500
#
# Sizes: streams with and without the help of offloads, MSS, datagrams around the MTU, what is
# fragmented after protection and what is refused. A packet of the driver is never larger than the
# wire's MTU, and none stalls.
. "$TOP/selftests/lib.sh"
. "$TOP/selftests/xfrm.sh"

bytes=$((10000000 / SLOW))

offloads() { # on|off
	need on A ethtool -K eth0 tso "$1" gso "$1" tx "$1" sg "$1"
	need on B ethtool -K eth0 tso "$1" gso "$1" tx "$1" sg "$1"
}

longest() { # CAPTURE: the longest IP packet in it
	tshark -r "$(capture_file "$1")" -Y "esp || ah" -T fields -e frame.len 2>/dev/null |
		sort -n | tail -n 1 | awk '{ print $1 - 14 }'
}

xfrm_topology
load_module

for family in 4 6; do
	remote=B$family
	driver_up $family
	for state in on off; do
		offloads $state
		both_up $family gcm128 none
		check "F16 IPv$family, offloads $state: 10 MB to XFRM" transfer A B $family $bytes
		check "F16 IPv$family, offloads $state: 10 MB from XFRM" transfer B A $family $bytes
		both_down
	done
	offloads on

	# what goes over the wire, the first packets of a stream included
	both_up $family aes256 sha512
	# short, because a capture has room for 64 packets that nobody has taken yet
	capture_start "stream-$family" A eth0 'esp and greater 1000'
	check "F16 IPv$family: a stream with a large overhead" transfer A B $family 60000
	capture_stop "stream-$family"
	check "F16 IPv$family: no packet is longer than the MTU" \
		[ "$(longest "stream-$family")" -le 1500 ]
	check "F16 IPv$family: but the full ones are nearly as long" \
		[ "$(longest "stream-$family")" -gt 1480 ]

	# datagrams of all sizes around the MTU, and far beyond
	check "F16 IPv$family: echoes around the MTU" ping_sizes A "${!remote}" \
		{1380..1400} 1420 1440 {1448..1460} 1472 1473 1500 2000 2960 8000 20000 60000
	both_down

	# the same with AH, whose payload stays in fragments of memory
	both_up $family none sha256
	check "F15 IPv$family: a stream under AH" transfer A B $family $((bytes / 4))
	check "F15 IPv$family: echoes under AH" ping_sizes A "${!remote}" \
		{1410..1420} {1428..1450} 1472 1473 8000 60000
	both_down
	driver_down
done

# a socket that forbids fragments is told what fits; one that does not is served
driver_up 4
both_up 4 gcm128 none
before=$(drop_snapshot)
refuse "F16 DF by force: refused" on A ping -n -c 1 -W "$(secs 2)" -M do -s 1472 $B4
same "F16 DF by force: counted as too big" "too-big=1" "$(drop_changes "$before")"
on A ping -n -c 1 -W "$(secs 2)" -M do -s 1472 $B4 >"$TMP/ping.log" 2>&1
mtu=$(grep -o 'mtu=[0-9]*' "$TMP/ping.log" | head -n 1 | cut -d= -f2)
check "F16 DF by force: the size that is told does fit" \
	on A ping -n -c 1 -W "$(secs 3)" -M do -s "$((${mtu:-0} - 28))" $B4
refuse "F16 DF by force: and four more bytes do not" \
	on A ping -n -c 1 -W "$(secs 2)" -M do -s "$((${mtu:-2000} - 24))" $B4
check "F16 DF by default: served" on A ping -n -c 1 -W "$(secs 3)" -M want -s 1472 $B4
both_down
driver_down

# a small MTU: TCP still has room
for family in 4 6; do
	need ip -n "$A" link set eth0 mtu 1300
	need ip -n "$B" link set eth0 mtu 1300
	driver_up $family
	both_up $family 3des sha512
	check "F16 IPv$family, MTU 1300: a stream to XFRM" transfer A B $family $((bytes / 20))
	check "F16 IPv$family, MTU 1300: a stream from XFRM" transfer B A $family $((bytes / 20))
	both_down
	driver_down
done

need on A ipdtool mode permit
need unload_module
check_world
finish
