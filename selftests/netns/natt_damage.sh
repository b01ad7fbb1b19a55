#!/bin/bash
# SPDX-License-Identifier: MIT
# check: tiers=uml also=uml-debug,vm timeout=400
#
# What comes to port 4500: ESP of XFRM in every wrong form, keepalives, IKE, what is nothing of
# these, and what belongs to XFRM's own sockets in the same namespace.
#
#   A: driver --- eth0 ------------------- eth0 --- B: XFRM
#      192.0.2.1, 2001:db8::1              192.0.2.2, 2001:db8::2      and 192.0.2.3
. "$TOP/selftests/lib.sh"
. "$TOP/selftests/natt.sh"

# fresh NAME COUNT: ESP in UDP from B to A, captured and never delivered
fresh() {
	shut_a
	capture_start "$1" B eth0 'udp port 4500'
	need wire B udp "$near" 9 30 "$2"
	capture_stop "$1"
	open_a
	file=$(capture_file "$1")
	[ "$(wire B frames "$file")" = "$2" ] || bail "$1: $2 packets are captured"
}
has_line() { tail -n +2 "$TMP/encap-A.log" | grep -q "$1"; }
lines() { tail -n +2 "$TMP/encap-A.log" | wc -l; }

without_nat
xfrm_topology
load_module
encap_socket B

# --- damage -------------------------------------------------------------------------

for family in 4 6; do
	header=20
	[ $family = 4 ] || header=40
	driver_up $family
	pair_up $family
	# numbers 1 and 2 arrive, so that smaller ones are old
	need wire B udp "$near" 9 30 2
	fresh "fresh-$family" 1

	# Without its SPI it is nobody's: IKE's socket would get it, and there is none.
	before=$(drop_snapshot) was=$(delivered_in $family)
	sent=$(wire B flip eth0 "$file" 0 $((header + 8)))
	same "F22 F23 IPv$family: $sent flipped bits of ESP in UDP, by reason" \
		"integrity=$((sent - 34)) replay=2" "$(drop_changes "$before")"
	# of which the stack counts those without a UDP checksum, that of IPv6 being wrong now
	strangers=32
	[ $family = 4 ] || strangers=0
	same "F23 IPv$family: 32 of them are not ours, nothing was delivered" $((was + strangers)) \
		"$(delivered_in $family)"

	before=$(drop_snapshot) was=$(delivered_in $family) lengths=()
	for length in 0000 0007 0008 0009 000a 000b 000c 000f 0010 0020 0044 0100 ffff; do
		lengths+=("$((header + 4)):$length" +)
	done
	n=$(wire B patch eth0 "$file" 0 "${lengths[@]:0:${#lengths[@]}-1}")
	got=$(drop_changes "$before")
	malformed=0 integrity=0
	[[ $got =~ malformed=([0-9]+) ]] && malformed=${BASH_REMATCH[1]}
	[[ $got =~ integrity=([0-9]+) ]] && integrity=${BASH_REMATCH[1]}
	same "F23 IPv$family: $n wrong lengths in the UDP header, malformed or of wrong integrity" \
		"$n $was" "$((malformed + integrity)) $(delivered_in $family)"

	before=$(drop_snapshot)
	sent=$(wire B cut eth0 "$file" 0 $header)
	# a UDP header without ports is a clear packet to anywhere
	same "F23 IPv$family: $sent lengths of the packet" "clear-text=4 malformed=$((sent - 4)) $was" \
		"$(drop_changes "$before") $(delivered_in $family)"

	# pitfall: RFC 3948, section 2.1: a checksum that is there, and wrong, says nothing
	before=$(drop_snapshot)
	need wire B patch eth0 "$file" 0 $((header + 6)):1234
	same "F17 IPv$family: the packet with a wrong UDP checksum is delivered" "$((was + 1))" \
		"$(delivered_in $family)"
	need wire B resend eth0 "$file"
	same "F22 IPv$family: but only once" "replay=1 $((was + 1))" \
		"$(drop_changes "$before") $(delivered_in $family)"

	# the same association without UDP around it
	before=$(drop_snapshot)
	need ip -n "$B" xfrm state flush
	a=$(xfrm_algorithms gcm128 none | sed 's/.*/"&"/' | xargs -d '\n' echo)
	printf 'xfrm state add src %s dst %s proto esp spi %s mode transport %s\n' "$remote" "$near" \
		"$spi_in" "$a" | ip -n "$B" -batch - || bail "a state without UDP"
	need wire B udp "$near" 9 30 1
	same "F24 IPv$family: ESP that should be in UDP and is not" "udp-mismatch=1" \
		"$(drop_changes "$before")"
	both_down
	need ours_up $family gcm128 none "$spi_out" "$spi_in"
	need xfrm_half $family gcm128 none transport
	before=$(drop_snapshot)
	need wire B udp "$near" 9 30 1
	# no association is in UDP: XFRM's or nobody's, and not ours to look into
	same "F24 IPv$family: ESP in UDP that should not be is nobody's" '' "$(drop_changes "$before")"
	both_down
	driver_down
done

# --- GRO ----------------------------------------------------------------------------

driver_up 4
pair_up 4
fresh burst 6
before=$(drop_snapshot) was=$(delivered)
need wire B segments "$A4" "$file"
same "F16 six packets that came as one are six" "$((was + 6))" "$(delivered)"
same "F16 and none of them is dropped" '' "$(drop_changes "$before")"
need wire B segments "$A4" "$file"
same "F22 nor delivered twice" "replay=6 $((was + 6))" "$(drop_changes "$before") $(delivered)"

# --- what is not ESP ----------------------------------------------------------------

encap_socket A plain
before=$(drop_snapshot)
need wire B datagram $A4 4500 00000000aabbcc
check "D26 IKE behind its marker reaches the socket" wait_for 5 has_line ' 00000000aabbcc$'
need wire B datagram $A4 4500 ff,fe,ffff,010203,01020304050607,
same "F23 a keepalive is swallowed, what is nothing is malformed" "keepalive=1 malformed=5" \
	"$(drop_changes "$before")"
need wire B datagram $A4 4500 112233440000000100000000
check "D26 an SPI of nobody goes to the socket" wait_for 5 has_line ' 112233440000000100000000$'
was=$(delivered)
need wire B udp $A4 9 30 3
same "D26 ESP of an association arrives as what is in it" $((was + 3)) "$(delivered)"
same "D26 and nothing else came to the socket" 2 "$(lines)"
both_down
before=$(drop_snapshot)
need wire B datagram $A4 4500 ff,010203
check "D26 without associations in UDP all is the socket's" wait_for 5 has_line ' 010203$'
same "D26 and nothing is dropped" '' "$(drop_changes "$before")"
stop encap-A

# --- errors of routers --------------------------------------------------------------

learned_mtu() { inside A ip -o route get $B4 | grep -o 'mtu [0-9]*' | cut -d' ' -f2; }

pair_up 4
need wire A udp $B4 9 30 2
# what they say is not for XFRM to protect
need ip -n "$B" xfrm policy add src $B4 dst $A4 proto icmp dir out priority 1
for forged in '0x12345678 1 1300 4500 4500' "$spi_out 99999 1300 4500 4500" \
	"$spi_out 1 1300 4500 4501" "$spi_out 1 1300 4501 4500" "$spi_out 1 1300" \
	"$spi_out 1 500 4500 4500"; do
	# shellcheck disable=SC2086 # words
	need wire B toobig $A4 $A4 $B4 $forged
done
same "F12 errors about ESP in UDP that was never sent so are not believed" '' "$(learned_mtu)"
need wire B toobig $A4 $A4 $B4 "$spi_out" 1 1300 4500 4500
same "F12 one about a packet that was sent is" 1300 "$(learned_mtu)"
need ip -n "$B" xfrm policy del src $B4 dst $A4 proto icmp dir out
check "F12 and what is sent fits" ping_sizes A $B4 1200 1300 1472

# --- XFRM beside us -----------------------------------------------------------------

encap_socket A
need ip -n "$B" addr add 192.0.2.3/24 dev eth0
a=$(xfrm_algorithms gcm128 none | sed 's/.*/"&"/' | xargs -d '\n' echo)
for host in A B; do
	out=$A4 in=192.0.2.3
	[ $host = A ] || out=192.0.2.3 in=$A4
	ip -n "${!host}" -batch - <<-WORDS || bail "XFRM in $host"
		xfrm state add src $A4 dst 192.0.2.3 proto esp spi 0x7001 mode transport $a encap espinudp 4500 4500 0.0.0.0
		xfrm state add src 192.0.2.3 dst $A4 proto esp spi 0x7002 mode transport $a encap espinudp 4500 4500 0.0.0.0
		xfrm policy add src $out dst $in proto icmp dir out tmpl src $out dst $in proto esp mode transport level required
		xfrm policy add src $in dst $out proto icmp dir in tmpl src $in dst $out proto esp mode transport level required
	WORDS
done
CAPTURE_OPTIONS='-s 128' capture_start beside B eth0
check "F16 XFRM takes its ESP in UDP in the same namespace" ping_sizes A 192.0.2.3 10 100 1000
check "F16 and the driver takes its own" ping_sizes A $B4 10 100 1000
capture_stop beside
same "F16 neither is in clear" "0" "$(capture_count beside icmp)"
check "F16 all of it is in UDP" [ "$(capture_count beside 'udp port 4500')" -ge 6 ]
both_down
driver_down

need on A ipdtool mode permit
need unload_module
check_world
finish
