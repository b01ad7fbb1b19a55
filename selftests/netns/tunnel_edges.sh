#!/bin/bash
# SPDX-License-Identifier: MIT
# check: tiers=uml-debug also=uml,vm timeout=400
#
# The edges of a tunnel: which packets enter it, what the outer header says, packets that are too
# big, fragments in clear among protected ones, and the end of a device, a namespace and the driver.
# Topology: selftests/gateways.sh
. "$TOP/selftests/lib.sh"
. "$TOP/selftests/gateways.sh"

MAC_A=02:00:00:00:00:01

out_packets() { sa_value out packets; }
has_out_packets() { [ "$(out_packets)" -ge "$1" ]; }
# datagrams that reached C, whose port nobody has
got_udp() { inside C awk '/^Udp: [0-9]/ { print $2 + $3 }' /proc/net/snmp; }
has_got_udp() { [ "$(got_udp)" -eq "$1" ]; }
told_mtu() { grep -o 'mtu *= *[0-9]*' <<<"$1" | grep -o '[0-9]*' | head -n 1; }
learned_mtu() { ip -n "$A" route get $B4 | grep -o 'mtu [0-9]*' | cut -d' ' -f2; }

gateways_topology
load_module
need inside A ipdtool mode secure 0
tunnel_up 4 4 gcm128 none

# --- which packets --------------------------------------------------------------

refused=$(inside A ipdtool add id=9 class=tunnel out=negotiate in=negotiate local=$C4 remote=$D4 \
	proto=udp tl=$A4 tr=$B4 2>&1)
check "F11 a tunnel filter with a protocol is refused" \
	grep -q 'addresses only, no protocol or port' <<<"$refused"

need inside A ipdtool add id=2 out=block in=block local=$C4 remote=$D4
check "F08 the tunnel filter goes first, and not the transport filter that blocks" \
	echo_of C $D4 56
need inside A ipdtool del 2

before=$(out_packets)
wire_start kerberos A eth0 B eth0
need wire C udp $D4 88 100 1
check "D29 a Kerberos packet that is forwarded goes into the tunnel" \
	wait_for 5 has_out_packets $((before + 1))
wire_stop kerberos
never_clear "D29 and not past it" kerberos 'udp'

need inside A ipdtool mode secure 3
need inside A ipdtool add id=3 class=tunnel out=negotiate in=negotiate local=$A4 remote=any \
	tl=$A4 tr=$B4
need ip -n "$A" route add 224.0.0.0/4 dev eth0
before=$(drop_snapshot)
wire A udp 224.1.1.1 9 100 1 >/dev/null 2>&1
same "D30 a multicast packet does not enter a tunnel for everything" "multicast=1" \
	"$(drop_changes "$before")"
need inside A ipdtool del 3

# --- the outer header -----------------------------------------------------------

capture_start outer A eth0 esp
need echo_of C $D4 56 -Q 0xb9 -M do
need echo_of C $D4 56 -Q 0x02 -M dont
capture_stop outer
same "F38 the outer header: DSCP and ECN as inside, DF as inside, a TTL of its own" \
	$'46\t1\t1\t64\n0\t2\t0\t64' \
	"$(tshark -r "$(capture_file outer)" -Y esp -T fields -e ip.dsfield.dscp -e ip.dsfield.ecn \
		-e ip.flags.df -e ip.ttl 2>/dev/null | sed 's/True/1/; s/False/0/')"

# --- sizes: pitfall C4 ----------------------------------------------------------

told=$(inside C ping -n -c 1 -W "$(secs 2)" -M do -s 1472 $D4 2>&1)
mtu=$(told_mtu "$told")
check "F12 a forwarded packet that is too big: its sender is told" [ "${mtu:-0}" -gt 1400 ]
check "F12 and what it was told does fit" echo_of C $D4 $((mtu - 28)) -M do

for forged in "0x12345678 1 1300" "$spi_out 99999 1300" "$spi_out 1 500"; do
	# shellcheck disable=SC2086 # words
	need wire B toobig $A4 $A4 $B4 $forged
done
need wire B toobig $A4 $A4 192.0.2.99 "$spi_out" 1 1300
need echo_of B $A4 8
same "F12 errors about packets that were never sent, or that say too little, are not believed" "" \
	"$(learned_mtu)"
need wire B toobig $A4 $A4 $B4 "$spi_out" 1 1300
need echo_of B $A4 8
same "F12 one about a packet that was sent is" 1300 "$(learned_mtu)"
told=$(inside C ping -n -c 1 -W "$(secs 2)" -M do -s 1400 $D4 2>&1)
mtu=$(told_mtu "$told")
check "F12 and the host is told what is left inside" [ "${mtu:-9999}" -lt 1300 ]
check "F12 which does fit" echo_of C $D4 $((mtu - 28)) -M do

# --- fragments: pitfalls C2, A4 -------------------------------------------------

before=$(got_udp)
need wire D piece $D4 $C4 9 100 1
need wire D piece $D4 $C4 9 100 2
check "F12 both halves of a datagram through the tunnel arrive" \
	wait_for 5 has_got_udp $((before + 1))
need wire D piece $D4 $C4 9 101 1
need wire B piece $D4 $C4 9 101 2 eth0 $MAC_A
need wire B piece $D4 $C4 9 102 1 eth0 $MAC_A
need wire D piece $D4 $C4 9 102 2
need wire D piece $D4 $C4 9 103 1
need wire D piece $D4 $C4 9 103 2
need wait_for 5 has_got_udp $((before + 2))
ok "F25 a half in clear does not complete one that was protected, nor the reverse"
before=$(drop_snapshot)
need wire B piece $D4 $C4 9 104 1 eth0 $MAC_A
need wire B piece $D4 $C4 9 104 2 eth0 $MAC_A
same "F25 and both in clear are dropped" "clear-text=1" "$(drop_changes "$before")"

# --- a tunnel that leads into itself: pitfall F5 ---------------------------------

# its endpoint is behind a device of this host, whose packets belong into the tunnel, too
need ip -n "$A" link add self type ipip local $A4 remote 10.77.0.1
need ip -n "$A" link set self up
need ip -n "$A" route add 10.77.0.2/32 dev self src $A4
need ip -n "$A" route add 10.77.0.0/24 via $B4
need inside A ipdtool add id=5 class=tunnel out=negotiate in=negotiate local=$A4 \
	remote=10.77.0.0/24 tl=$A4 tr=10.77.0.2
need inside A ipdtool sa dir=out encap=tunnel spi=0x55550001 local=$A4 remote=10.77.0.2 filter=5 \
	sel=$A4,10.77.0.0/24 cipher=aes-gcm-16 ckey=@20
before=$(drop_snapshot)
wire A udp 10.77.0.9 9 100 1 >/dev/null 2>&1
same "F38 a tunnel that leads into itself ends" "tunnel-loop=1" "$(drop_changes "$before")"
need inside A ipdtool del 5
need ip -n "$A" link del self

# --- the end: pitfalls B5, B7 ---------------------------------------------------

wire D udp $C4 9 1000 200 &
flood=$!
need inside A ipdtool flush
wait $flood
ok "F38 the association goes while packets of it are on their way"
need peer_down
tunnel_spis
need tunnel_ours 4 4 gcm128 none
need tunnel_peer 4 4 gcm128 none
need echo_of C $D4 56
check "F38 the device under a tunnel can be deleted" timeout "$(secs 20)" ip -n "$A" link del eth0
same "F38 and nobody holds it" "" "$(kernel_log | grep 'unregister_netdevice: waiting')"
need inside A ipdtool mode permit
need unload_module
check_world
finish
