#!/bin/bash
# SPDX-License-Identifier: MIT
# check: tiers=uml-debug also=uml,vm timeout=500
#
# Associations whose packets are worked on by all CPUs, with XFRM as the other end: what leaves has
# rising numbers, what arrives is delivered as it came, in both modes and families; a bound; and
# associations, filters, devices, namespaces and the module that go while packets are under way.
# On one CPU the ring, the work items and the order are the same. Topology: selftests/gateways.sh
. "$TOP/selftests/lib.sh"
. "$TOP/selftests/gateways.sh"

bytes=$((2000000 / SLOW))
numbered=$((800 / SLOW))

# in_order CAPTURE PACKETS: of each association every packet has the number after that of the one
# before it, and so many were looked at
in_order() {
	tshark -r "$(capture_file "$1")" -Y 'esp || ah' -T fields -e esp.spi -e esp.sequence -e ah.spi \
		-e ah.sequence 2>/dev/null | awk -v least="$2" '
		$2 != ++last[$1] { print $1, $2, "is not", last[$1]; last[$1] = $2; bad = 1 }
		END { print NR, "packets"; exit bad || NR < least }'
}

# what XFRM did not take, by reason
xfrm_errors() { on B awk '$2 { printf "%s%s=%d", n++ ? " " : "", $1, $2 }' /proc/net/xfrm_stat; }

# count_over FROM TO FAMILY: numbered datagrams; what came
count_over() {
	local -n to_ns=$2
	local address=$2$3 name=counted-$RANDOM
	spawn "$name" ip netns exec "$to_ns" "$TOP/selftests/netns/wire.py" counted "$3" 5002 $numbered
	wait_for 10 grep -q listening "$TMP/$name.log" || return
	wire "$1" count "${!address}" 5002 $numbered || return
	wait_for 30 not running "$name" || return
	unset "spawned[$name]"
	tail -n 1 "$TMP/$name.log"
}
all_in_order="$numbered came, 0 late"

gateways_topology
load_module
need inside A ipdtool mode secure

CAPTURE_OPTIONS='-s 128' capture_start all A eth0
before=$(drop_snapshot)

# --- by default
driver_up 4
echo Y >/sys/module/ipsecdrv/parameters/parallel
both_up 4 gcm128 none
same "F13 the module's parameter makes associations parallel of which nothing is said" 2 \
	"$(on A ipdtool sas | grep -cw parallel)"
both_down
echo N >/sys/module/ipsecdrv/parameters/parallel
both_up 4 gcm128 none
same "F13 from then on, and not any more when it is taken back" 0 "$(on A ipdtool sas | grep -cw parallel)"
both_down
driver_down

# --- transport mode
for family in 4 6; do
	remote=B$family
	driver_up $family
	[ $family = 4 ] && algorithms='3des-sha1 aes128-sha256' || algorithms='gcm128-none none-sha256'
	for algorithm in $algorithms; do
		name="IPv$family $algorithm"
		both_up $family "${algorithm%-*}" "${algorithm#*-}" parallel
		check "F15 F16 $name: echoes" ping_sizes A "${!remote}" 0 1 15 1400
		[ "${algorithm#*-}" = sha256 ] || both_down
	done
	check "F15 F16 $name: a stream to XFRM" transfer A B $family $bytes
	check "F15 F16 $name: a stream from XFRM" transfer B A $family $bytes
	same "F15 F16 $name: datagrams to XFRM arrive in order" "$all_in_order" "$(count_over A B $family)"
	same "F15 F16 $name: datagrams from XFRM are delivered in order" "$all_in_order" \
		"$(count_over B A $family)"
	both_down
	driver_down
done

# --- tunnel mode, forwarded: GSO before the tunnel, GRO behind it
tunnel_up 4 6 aes128 sha256 parallel
check "F38 IPv4 in IPv6: a stream to the other network" carry C D 4 $bytes
check "F38 IPv4 in IPv6: a stream from there" carry D C 4 $bytes
tunnel_down
tunnel_up 6 4 3des sha1 parallel
same "F38 IPv6 in IPv4: datagrams to the other network" "$all_in_order" "$(count_over C D 6)"
same "F38 IPv6 in IPv4: datagrams from there" "$all_in_order" "$(count_over D C 6)"
tunnel_down

capture_stop all
check "F15 F16 F38 numbers rise by one" in_order all 500
same "F15 F16 F38 nothing was in clear" 0 "$(capture_count all 'udp or tcp or net 10.0.0.0/8 or ip6 net fd00::/8')"
same "F15 F16 F38 nothing was dropped" '' "$(drop_changes "$before")"
same "F15 F16 F38 XFRM took all" '' "$(xfrm_errors)"

# --- the bound: a sender that keeps the workers from running; pitfall E6
driver_up 4
both_up 4 aes128 sha256 parallel
same "F16 the association says so" "parallel under-way=0" \
	"$(on A ipdtool sas | grep dir=out | grep -o 'parallel under-way=.*' | cut -d' ' -f1,2)"
was=$(drops parallel-limit)
need wire A burst $B4 9 100 3000
dropped=$(($(drops parallel-limit) - was))
check "F16 what is too much is dropped" [ "$dropped" -gt 0 ]
same "F16 and has no number" $((3000 - dropped)) "$(sa_value out sequence)"
is_idle() { [ "$(sa_value out under-way)" = 0 ]; }
check "F16 the rest leaves" wait_for 10 is_idle
both_down

# --- going while packets are under way: pitfalls B2, B4, B6, B7
flood() { # VARIABLE ADDRESS: until it is stopped; errors do not matter
	local -n from_ns_=$1
	spawn "flood-$1" nsenter --net="/run/netns/$from_ns_" perl -MSocket -e '
		socket(my $s, AF_INET, SOCK_DGRAM, 0); my $to = pack_sockaddr_in(9, inet_aton($ARGV[0]));
		while (1) { send $s, "x" x int rand 1400, 0, $to for 1 .. 20; select undef, undef, undef, 0.005 }' "$2"
}

# what filter 1 leaves while it is gone is not let pass either
need inside A ipdtool add id=2 out=block in=block local=$A4 remote=192.0.2.0/24
CAPTURE_OPTIONS='-s 64' capture_start gone A eth0 'esp or ah or udp'
flood A $B4
flood B $A4
rounds=$((6 / SLOW + 1))
for ((round = 0; round < rounds; round++)); do
	both_up 4 aes128 sha256 parallel
	both_down
done
for ((round = 0; round < rounds; round++)); do
	both_up 4 none sha256 parallel
	need peer_down
	need inside A ipdtool del 1
	need inside A ipdtool add id=1 out=negotiate in=negotiate local=$A4 remote=$B4
done
same "F15 filters took their associations along" 0 "$(on A ipdtool sas | wc -l)"
both_up 4 3des sha1 parallel
has_sent() { [ "$(sa_value out packets)" -gt 100 ]; }
need wait_for 10 has_sent
need inside A ipdtool mode block
need inside A ipdtool mode secure
stop flood-A
stop flood-B
capture_stop gone
check "F16 protected packets left meanwhile" [ "$(capture_count gone 'esp or ah')" -gt 100 ]
same "F16 and none in clear" 0 "$(capture_count gone 'udp and src host 192.0.2.1')"
both_down
driver_down
need inside A ipdtool mode permit

# a namespace with everything in it, and its device, under load
for ((round = 0; round < rounds / 4 + 1; round++)); do
	xfrm_topology
	driver_up 4
	both_up 4 aes128 sha256 parallel
	flood A $B4
	flood B $A4
	need wait_for 10 has_sent
	if ((round % 2)); then need ip -n "$A" link del eth0; fi
	stop flood-A KILL
	stop flood-B KILL
	need ip netns del "$A"
	need ip netns del "$B"
done
check "F16 the module can go, with associations freed a moment ago" wait_for 20 unload_module
check_world
finish
