#!/bin/bash
# SPDX-License-Identifier: MIT
# check: tiers=uml also=uml-debug,vm timeout=600
#
# A packet of XFRM that the driver has not seen yet, in every wrong form: each bit flipped, cut
# to every length. All of it is dropped for the right reason, none of it is delivered, and the
# packet itself, which comes last, still is. Once.
. "$TOP/selftests/lib.sh"
. "$TOP/selftests/xfrm.sh"

xfrm_topology
load_module

# flips FAMILY CIPHER INTEGRITY ROWS
flips() {
	local family=$1 name="IPv$1 $2 $3" rows=$4 header=20 before was sent got integrity malformed=0
	[ "$family" = 6 ] && header=40
	both_up "$family" "$2" "$3"
	# numbers 1 and 2 arrive, so that smaller ones are old
	address=A$family
	need wire B udp "${!address}" 9 30 2
	capture_fresh "fresh-$family-$2" "$family" 1 30
	file=$(capture_file "fresh-$family-$2")

	before=$(drop_snapshot) was=$(delivered_in "$family")
	integrity=$(sa_value in integrity-drops)
	sent=$(wire B flip eth0 "$file" 0 $header)
	got=$(drop_changes "$before")
	# AH's length field makes it malformed, and the padding of some lengths does not
	[[ $got =~ malformed=([0-9]+) ]] && malformed=${BASH_REMATCH[1]}
	# number 3: without bit 0 it is 2, without bit 1 it is 1
	same "F14 F22 F23 $rows $name: $sent flipped bits, by reason" \
		"bad-spi=32 integrity=$((sent - 32 - 2 - malformed))$(
			[ "$malformed" = 0 ] || echo " malformed=$malformed") replay=2" "$got"
	check "F23 $rows $name: malformed is the header's length only" [ "$malformed" -le 8 ]
	same "F23 $rows $name: the association counted them" \
		"$((integrity + sent - 34 - malformed))" "$(sa_value in integrity-drops)"
	same "F23 $rows $name: nothing was delivered" "$was" "$(delivered_in "$family")"

	before=$(drop_snapshot)
	sent=$(wire B cut eth0 "$file" 0 $header)
	got=$(drop_changes "$before")
	malformed=0 integrity=0
	[[ $got =~ malformed=([0-9]+) ]] && malformed=${BASH_REMATCH[1]}
	[[ $got =~ integrity=([0-9]+) ]] && integrity=${BASH_REMATCH[1]}
	same "F23 $rows $name: $sent lengths, all malformed or of wrong integrity" "$sent" \
		"$((malformed + integrity))"
	same "F23 $rows $name: nothing was delivered, cut" "$was" "$(delivered_in "$family")"

	need wire B resend eth0 "$file"
	same "F23 $rows $name: the packet itself is delivered" "$((was + 1))" \
		"$(delivered_in "$family")"
	before=$(drop_snapshot)
	need wire B resend eth0 "$file"
	same "F22 $rows $name: and only once" "replay=1 $((was + 1))" \
		"$(drop_changes "$before") $(delivered_in "$family")"
	both_down
}

for family in 4 6; do
	driver_up $family
	flips $family gcm128 none F16
	flips $family aes256 sha256 F16
	flips $family 3des md5 'F20 F21'
	flips $family null sha1 'F19 F20'
	flips $family none sha256 F15
	driver_down
done

# The IP header is no part of what ESP protects, and what AH protects but for what changes.
driver_up 4
both_up 4 gcm128 none
capture_fresh header 4 3 30
file=$(capture_file header)
was=$(delivered)
before=$(drop_snapshot)
need wire B patch eth0 "$file" 0 1:fc 8:03 4:4321
same "F17 ESP: TOS, TTL and ID may change" $((was + 1)) "$(delivered)"
need wire B patch eth0 "$file" 1 12:c0000203
same "F17 F24 ESP: another source is of another association" "wrong-sa=1" "$(drop_changes "$before")"
same "F17 F24 ESP: and is not delivered" $((was + 1)) "$(delivered)"
need wire B flip eth0 "$file" 2 0
both_down

both_up 4 none sha1
capture_fresh header-ah 4 4 30
file=$(capture_file header-ah)
was=$(delivered)
before=$(drop_snapshot)
need wire B patch eth0 "$file" 0 1:fc 8:03
same "F15 AH: TOS and TTL may change" $((was + 1)) "$(delivered)"
need wire B patch eth0 "$file" 1 12:c0000203
same "F15 AH: the source may not" "integrity=1" "$(drop_changes "$before")"
need wire B patch eth0 "$file" 2 4:4321
same "F15 AH: nor the ID" "integrity=2" "$(drop_changes "$before")"
need wire B resend eth0 "$file" 3
same "F15 AH: what was not touched is delivered" $((was + 2)) "$(delivered)"
both_down
driver_down

driver_up 6
both_up 6 none sha1
capture_fresh header-ah6 6 3 30
file=$(capture_file header-ah6)
was=$(delivered6)
before=$(drop_snapshot)
need wire B patch eth0 "$file" 0 0:6abcdef0 7:02
same "F15 AH, IPv6: traffic class, flow label and hop limit may change" $((was + 1)) "$(delivered6)"
need wire B patch eth0 "$file" 1 23:77
same "F15 AH, IPv6: the source may not" "integrity=1 $((was + 1))" \
	"$(drop_changes "$before") $(delivered6)"
both_down
driver_down

need on A ipdtool mode permit
need unload_module
check_world
finish
