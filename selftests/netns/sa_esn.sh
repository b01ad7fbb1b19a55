#!/bin/bash
# SPDX-License-Identifier: MIT
# check: tiers=uml also=uml-debug,vm timeout=300
#
# Extended sequence numbers against XFRM: the upper half of a number is authenticated and not
# sent. Traffic in both directions while the numbers pass 2^32; packets again, late and in another
# order there. And the end of numbers, extended or not.
. "$TOP/selftests/lib.sh"
. "$TOP/selftests/xfrm.sh"

# esn_up FAMILY CIPHER INTEGRITY BEFORE [WORDS]: a pair whose first numbers are BEFORE + 1
esn_up() {
	local low=$(($4 & 0xffffffff)) high=$(($4 >> 32))
	NEXT_SPI=$((NEXT_SPI + 1))
	need ours_up "$1" "$2" "$3" "$(printf '0x2%07x' $NEXT_SPI)" "$(printf '0x1%07x' $NEXT_SPI)" \
		esn sequence="$4" "${@:5}"
	need peer_up "$1" "$2" "$3" replay-seq $low replay-seq-hi $high replay-oseq $low \
		replay-oseq-hi $high flag esn
}

# what XFRM did not take, by reason
xfrm_errors() { on B awk '$2 { printf "%s%s=%d", n++ ? " " : "", $1, $2 }' /proc/net/xfrm_stat; }

refusal() { ! on A ipdtool "$@" 2>"$TMP/refusal" && sed -n 's/^ipdtool: [^:]*: //p' "$TMP/refusal"; }

xfrm_topology
load_module
spawn events ip netns exec "$A" ipdtool listen expire
wait_for 10 grep -q listening "$TMP/events.log" || bail "events are heard"
kinds_of() { grep -i "spi=$1" "$TMP/events.log" | grep -o 'kind=[a-z]*' | cut -d= -f2 | xargs; } # SPI
has_kinds() { [ "$(kinds_of "$1")" = "$2" ]; } # SPI KINDS

# --- across 2^32: pitfall D1
boundary=$((1 << 32))
for family in 4 6; do
	remote=B$family
	driver_up $family
	before=$(drop_snapshot)
	for algorithm in 'gcm128 none' 'aes128 sha256' 'null sha1' 'none sha256'; do
		name="IPv$family $algorithm"
		# shellcheck disable=SC2086 # words
		esn_up $family $algorithm $((boundary - 8))
		check "F22 $name: echoes across 2^32" ping_sizes A "${!remote}" 0 1 15 64 1000 1400 8000 100 7 20
		case $family-$algorithm in
		4-gcm128* | 6-none*)
			check "F22 $name: a stream to XFRM" transfer A B $family 60000
			check "F22 $name: a stream from XFRM" transfer B A $family 60000 ;;
		esac
		check "F22 $name: the numbers have passed it" [ "$(sa_value out sequence)" -gt $boundary ]
		check "F22 $name: in both directions" [ "$(sa_value in sequence)" -gt $boundary ]
		both_down
	done
	# far behind the first one, with a wide window and IVs that are the numbers
	esn_up $family gcm256 none $(((0x1234567 << 32) - 8)) window=4096
	check "F22 IPv$family: echoes across a far boundary" ping_sizes A "${!remote}" 0 1 15 64 1000 1400 100 7 20 9
	both_down
	same "F22 IPv$family: nothing was dropped" '' "$(drop_changes "$before")"
	same "F22 IPv$family: XFRM took all" '' "$(xfrm_errors)"
	driver_down
done

# --- what is on the wire
driver_up 4
esn_up 4 gcm128 none $((boundary - 4))
capture_start ours A eth0 esp
need wire A udp $B4 9 100 8
capture_stop ours
same "F22 only the lower halves are sent, in order" "4294967293 4294967294 4294967295 0 1 2 3 4" \
	"$(tshark -r "$(capture_file ours)" -Y esp -T fields -e esp.sequence 2>/dev/null | xargs)"
both_down

# --- late and again
for algorithm in 'gcm128 none' 'none sha256'; do
	# shellcheck disable=SC2086 # words
	esn_up 4 $algorithm $((boundary - 100))
	file="late-${algorithm// /-}"
	capture_fresh "$file" 4 120 20
	file=$(capture_file "$file")
	was=$(delivered) before=$(drop_snapshot)
	need wire B resend eth0 "$file" reverse
	# Left of the window a lower half stands for another number, whose check fails.
	same "F22 $algorithm: in reverse, what is within the window arrives" "$((was + 64)) integrity=56" \
		"$(delivered) $(drop_changes "$before")"
	before=$(drop_snapshot)
	need wire B resend eth0 "$file"
	same "F22 $algorithm: again, nothing does" "$((was + 64)) integrity=56 replay=64" \
		"$(delivered) $(drop_changes "$before")"
	need wire B udp $A4 9 20 3
	same "F22 $algorithm: what is new does" $((was + 67)) "$(delivered)"
	same "F22 $algorithm: the highest number" $((boundary + 23)) "$(sa_value in sequence)"
	both_down
done

# --- the upper half is part of what is checked
esn_up 4 gcm128 none 0
need peer_down
need peer_up 4 gcm128 none
before=$(drop_snapshot)
need wire B udp $A4 9 20 2
same "F22 F23 a peer without extended numbers is not understood" integrity=2 "$(drop_changes "$before")"
both_down

# --- the end
wait_soft=$((0xbffffffe))
NEXT_SPI=$((NEXT_SPI + 1))
need ours_up 4 gcm128 none "$(printf '0x2%07x' $NEXT_SPI)" "$(printf '0x1%07x' $NEXT_SPI)" sequence=$wait_soft
need wire A udp $B4 9 20 1
same "F22 three quarters of the numbers: not yet" "mature " "$(sa_value out state) $(kinds_of "$spi_out")"
need wire A udp $B4 9 20 1
check "F22 three quarters of the numbers: a successor is asked for" wait_for 10 has_kinds "$spi_out" soft
same "F22 and the association works" "dying $((0xc0000000))" "$(sa_value out state) $(sa_value out sequence)"
need inside A ipdtool flush

NEXT_SPI=$((NEXT_SPI + 1))
need ours_up 4 gcm128 none "$(printf '0x2%07x' $NEXT_SPI)" "$(printf '0x1%07x' $NEXT_SPI)" sequence=$((0xfffffffc))
capture_start end A eth0 esp
was=$(drops sequence-overflow)
refuse "F22 without extended numbers 2^32 - 1 is the last: the sender is told" wire A udp $B4 9 20 9
capture_stop end
# pitfall D2: no number twice
same "F22 no number comes after it" "4294967293 4294967294 4294967295" \
	"$(tshark -r "$(capture_file end)" -Y esp -T fields -e esp.sequence 2>/dev/null | xargs)"
same "F22 the packet behind it is counted" $((was + 1)) "$(drops sequence-overflow)"
check "F22 the association ends" wait_for 10 eval '[ "$(kinds_of "$spi_out" | tail -c 5)" = hard ]'
check "F22 and is gone" eval '! on A ipdtool sas | grep -qi "spi=$spi_out"'
need inside A ipdtool flush

# --- where an association begins: pitfall D2
NEXT_SPI=$((NEXT_SPI + 1))
need ours_up 4 gcm128 none "$(printf '0x2%07x' $NEXT_SPI)" "$(printf '0x1%07x' $NEXT_SPI)" sequence=1000
need wire A udp $B4 9 20 1
out="dir=out spi=$spi_out local=$A4 remote=$B4 filter=1 cipher=aes-gcm-16 ckey=@20"
same "F22 an association that is there does not begin anew" \
	"there is an outbound association with this SPI" "$(refusal sa $out sequence=1)"
same "F22 its number stays" 1001 "$(sa_value out sequence)"
out="dir=out spi=0x2ffffff1 local=$A4 remote=$B4 filter=1"
same "F22 none begins behind its last number" \
	"the association would begin with its last sequence number used up" \
	"$(refusal sa $out cipher=aes-gcm-16 ckey=@20 sequence=$((0xffffffff)))"
same "F22 extended numbers need authentication" \
	"extended sequence numbers need an association with authentication" \
	"$(refusal sa $out cipher=aes-cbc ckey=@16 esn)"
need inside A ipdtool flush
driver_down

stop events
need on A ipdtool mode permit
need unload_module
check_world
finish
