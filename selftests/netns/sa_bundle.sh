#!/bin/bash
# SPDX-License-Identifier: MIT
# check: tiers=uml also=uml-debug,vm timeout=600
#
# AH around ESP, negotiated as one, against XFRM with two templates: what the wire shows, sizes,
# and that a packet with one of the two is refused.
. "$TOP/selftests/lib.sh"
. "$TOP/selftests/xfrm.sh"

# bundle_ours FAMILY CIPHER INTEGRITY AH-INTEGRITY [WORDS of all]: spi_out and spi_in are ESP's,
# ah_out and ah_in those of AH
bundle_ours() {
	local local remote esp ah ends
	NEXT_SPI=$((NEXT_SPI + 1))
	spi_out=$(printf '0x2%07x' $NEXT_SPI) spi_in=$(printf '0x1%07x' $NEXT_SPI)
	ah_out=$(printf '0x28%06x' $NEXT_SPI) ah_in=$(printf '0x18%06x' $NEXT_SPI)
	addresses "$1"
	ends="local=$local remote=$remote"
	esp="proto=esp $ends filter=1 ${cipher_words[$2]} ${integrity_words[$3]} ${*:5}"
	ah="proto=ah $ends filter=1 ${integrity_words[$4]} ${*:5}"
	need inside A ipdtool - <<-WORDS
		spi dir=in spi=$spi_in proto=esp $ends
		spi dir=in spi=$ah_in proto=ah $ends
		sa dir=in spi=$ah_in pair=$ah_out $ah + dir=in spi=$spi_in pair=$spi_out bundle=$ah_in $esp
		sa dir=out spi=$ah_out pair=$ah_in $ah + dir=out spi=$spi_out pair=$spi_in bundle=$ah_out $esp
	WORDS
}

# bundle_peer FAMILY CIPHER INTEGRITY AH-INTEGRITY [WORDS of all states]
bundle_peer() {
	local local remote words flag='' esp ah
	addresses "$1"
	[ "$1" = 4 ] && flag='flag align4'
	mapfile -t words < <(xfrm_algorithms "$2" "$3")
	esp="${*:5} $(printf '"%s" ' "${words[@]}")"
	mapfile -t words < <(xfrm_algorithms none "$4")
	ah="${*:5} $flag $(printf '"%s" ' "${words[@]}")"
	need ip -n "$B" -batch - <<-WORDS
		xfrm state add src $local dst $remote proto esp spi $spi_out mode transport replay-window 64 $esp
		xfrm state add src $remote dst $local proto esp spi $spi_in mode transport replay-window 64 $esp
		xfrm state add src $local dst $remote proto ah spi $ah_out mode transport replay-window 64 $ah
		xfrm state add src $remote dst $local proto ah spi $ah_in mode transport replay-window 64 $ah
	WORDS
	peer_policy "$1" esp ah
}

# peer_policy FAMILY PROTOCOL...: what B makes of a packet, the inner one first
peer_policy() {
	local local remote p in='' out=''
	addresses "$1"
	for p in "${@:2}"; do
		in+=" tmpl src $local dst $remote proto $p mode transport level required"
		out+=" tmpl src $remote dst $local proto $p mode transport level required"
	done
	need ip -n "$B" -batch - <<-WORDS
		xfrm policy flush
		xfrm policy add src $local dst $remote dir in $in
		xfrm policy add src $remote dst $local dir out $out
	WORDS
}

bundle_up() { # FAMILY CIPHER INTEGRITY AH-INTEGRITY
	bundle_ours "$@"
	bundle_peer "$@"
}

shapes() { tshark -r "$(capture_file "$1")" -Y 'ah || esp' -T fields -e frame.protocols 2>/dev/null | sort | uniq -c | xargs; }
longest() { # CAPTURE: the longest IP packet in it
	tshark -r "$(capture_file "$1")" -Y ah -T fields -e frame.len 2>/dev/null |
		sort -n | tail -n 1 | awk '{ print $1 - 14 }'
}
xfrm_errors() { on B awk '$2 { printf "%s%s=%d", n++ ? " " : "", $1, $2 }' /proc/net/xfrm_stat; }

xfrm_topology
load_module
for family in 4 6; do
	remote=B$family
	driver_up $family
	before=$(drop_snapshot)
	for suite in 'gcm128 none sha1' 'aes128 sha256 sha512' 'des none sha256'; do
		name="IPv$family $suite"
		# shellcheck disable=SC2086 # words
		bundle_up $family $suite
		check "F18 $name: echoes" ping_sizes A "${!remote}" 0 1 15 16 17 1000 {1370..1400} 1472 8000
		case $family-$suite in 4-gcm128* | 6-aes128*)
			capture_start "wire-$family" A eth0 'greater 1000'
			check "F18 $name: a stream to XFRM" transfer A B $family 60000
			capture_stop "wire-$family"
			check "F18 $name: a stream from XFRM" transfer B A $family 60000
			check "F18 $name: no packet is longer than the MTU" [ "$(longest "wire-$family")" -le 1500 ]
			check "F18 $name: the full ones are nearly as long" [ "$(longest "wire-$family")" -gt 1480 ] ;;
		esac
		both_down
	done
	same "F18 IPv$family: nothing was dropped" '' "$(drop_changes "$before")"
	same "F18 IPv$family: XFRM took all" '' "$(xfrm_errors)"
	driver_down
done

# --- on the wire
driver_up 4
bundle_up 4 gcm128 none sha1
capture_start shape A eth0
need wire A udp $B4 9 100 5
capture_stop shape
same "F18 the packet has AH, then ESP" "5 eth:ethertype:ip:ah:esp" "$(shapes shape)"
same "F18 with the SPIs of both" "5 $((ah_out)) $((spi_out))" "$(tshark -r "$(capture_file shape)" -Y ah \
	-T fields -e ah.spi -e esp.spi 2>/dev/null | sort | uniq -c | while read -r n a e; do echo "$n $((a)) $((e))"; done)"
same "F18 nothing else left" 5 "$(capture_count shape)"
refuse "F18 DF by force: refused" on A ping -n -c 1 -W "$(secs 2)" -M do -s 1472 $B4
on A ping -n -c 1 -W "$(secs 2)" -M do -s 1472 $B4 >"$TMP/ping.log" 2>&1
mtu=$(grep -o 'mtu=[0-9]*' "$TMP/ping.log" | head -n 1 | cut -d= -f2)
check "F18 DF by force: the size that is told does fit" \
	on A ping -n -c 1 -W "$(secs 3)" -M do -s "$((${mtu:-0} - 28))" $B4

# --- one half, or the halves in the wrong order: pitfall C2
for half in esp ah 'ah esp'; do
	# shellcheck disable=SC2086 # words
	peer_policy 4 $half
	was=$(delivered) before=$(drop_snapshot)
	need wire B udp $A4 9 30 3
	same "F18 F24 ${half/ /, then } is not what was negotiated" "$was wrong-sa=3" \
		"$(delivered) $(drop_changes "$before")"
done
peer_policy 4 esp ah
was=$(delivered)
need wire B udp $A4 9 30 2
same "F18 and both are" $((was + 2)) "$(delivered)"

# --- associations of a bundle go together
same "F18 ESP names AH" "$ah_in" "$(sa_value in bundle)"
need inside A ipdtool sadel dir=in proto=ah spi="$ah_in" local=$A4 remote=$B4
same "F18 without AH there is no ESP either" "dir=out dir=out" "$(on A ipdtool sas | grep -o 'dir=[a-z]*' | xargs)"
both_down
bundle_ours 4 gcm128 none sha1 hard-packets=4
need wire A udp $B4 9 30 4
refuse "F18 F30 the limit of a bundle" wire A udp $B4 9 30 1
check "F18 F30 takes both along" wait_for 10 eval '[ "$(on A ipdtool sas | grep -c dir=out)" = 0 ]'
both_down

# --- both worked on by all CPUs: the packets of ESP become AH's in order
bundle_ours 4 aes128 sha1 sha256 parallel
bundle_peer 4 aes128 sha1 sha256
before=$(xfrm_errors)
CAPTURE_OPTIONS='-s 128' capture_start parallel A eth0 'esp or ah'
check "F18 parallel: echoes" ping_sizes A $B4 0 1 15 64 1000 1400 7 20
check "F18 parallel: a stream to XFRM" transfer A B 4 200000
capture_stop parallel
check "F18 parallel: a stream from XFRM" transfer B A 4 200000
numbers_rise() { # those of both, by one
	tshark -r "$(capture_file parallel)" -Y ah -T fields -e ah.sequence -e esp.sequence 2>/dev/null |
		awk '$1 != NR || $2 != NR { bad = 1 } END { exit bad || NR < 100 }'
}
check "F18 parallel: numbers rise by one" numbers_rise
same "F18 parallel: XFRM took all" "$before" "$(xfrm_errors)"
both_down

# --- both with extended numbers across 2^32
bundle_ours 4 aes128 sha1 sha256 esn sequence=$((0xfffffffa))
bundle_peer 4 aes128 sha1 sha256 replay-seq 4294967290 replay-oseq 4294967290 replay-seq-hi 0 \
	replay-oseq-hi 0 flag esn
check "F18 F22 with extended numbers" ping_sizes A $B4 0 1 15 64 1000 1400 100 7 20
same "F18 F22 past 2^32" yes "$([ "$(sa_value out sequence)" -gt $((0xffffffff)) ] && echo yes)"
both_down
driver_down

need on A ipdtool mode permit
need unload_module
check_world
finish
