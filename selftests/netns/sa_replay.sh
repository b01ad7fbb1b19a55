#!/bin/bash
# SPDX-License-Identifier: MIT
# check: tiers=uml also=uml-debug,vm timeout=300
#
# Packets of XFRM again, late, and in another order. Windows of 32, 64, 128 and 4096 packets.
. "$TOP/selftests/lib.sh"
. "$TOP/selftests/xfrm.sh"

xfrm_topology
load_module

# a window: FAMILY CIPHER INTEGRITY WIDTH
window() {
	local family=$1 width=$4 name="IPv$1 $2 $3, window $4" before was fresh expected
	local address=A$family
	fresh=$((width < 200 ? width + 20 : 200))
	both_up "$family" "$2" "$3" "window=$width"
	same "F22 $name: that is its width" "$width" "$(sa_value in window)"
	capture_fresh "w-$family-$2-$width" "$family" "$fresh" 20
	file=$(capture_file "w-$family-$2-$width")

	# the last one first: of the others, those within the window
	was=$(delivered_in "$family") before=$(drop_snapshot)
	need wire B resend eth0 "$file" reverse
	expected=$((fresh < width ? fresh : width))
	same "F22 $name: in reverse, what is within the window arrives" $((was + expected)) \
		"$(delivered_in "$family")"
	same "F22 $name: what is left of it does not" \
		"$([ $((fresh - expected)) -eq 0 ] || echo "replay=$((fresh - expected))")" \
		"$(drop_changes "$before")"

	# all of it once more
	before=$(drop_snapshot)
	need wire B resend eth0 "$file"
	same "F22 $name: again, nothing arrives" "replay=$fresh $((was + expected))" \
		"$(drop_changes "$before") $(delivered_in "$family")"
	same "F22 $name: the association counted them" $((fresh + fresh - expected)) \
		"$(sa_value in replay-drops)"
	same "F22 $name: its highest number" "$fresh" "$(sa_value in sequence)"

	# and what is new arrives
	need wire B udp "${!address}" 9 20 3
	same "F22 $name: new ones do" $((was + expected + 3)) "$(delivered_in "$family")"
	both_down
}

for family in 4 6; do
	driver_up $family
	window $family gcm128 none 32
	window $family aes128 sha1 64
	window $family none sha256 128
	window $family gcm256 none 4096
	driver_down
done

# The other way round: what the driver sends, XFRM takes once, and numbers never repeat.
driver_up 4
both_up 4 gcm128 none
capture_start ours A eth0 esp
need wire A udp $B4 9 100 50
capture_stop ours
same "F22 50 packets of the driver" 50 "$(capture_count ours)"
same "F22 with numbers 1 to 50, in order" "$(seq -s ' ' 1 50)" \
	"$(tshark -r "$(capture_file ours)" -Y esp -T fields -e esp.sequence 2>/dev/null | xargs)"
need wire A resend eth0 "$(capture_file ours)"
same "F22 XFRM takes none of them twice" 50 \
	"$(on B awk '$1 == "XfrmInStateSeqError" { print $2 }' /proc/net/xfrm_stat)"
both_down
driver_down

need on A ipdtool mode permit
need unload_module
check_world
finish
