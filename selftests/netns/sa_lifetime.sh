#!/bin/bash
# SPDX-License-Identifier: MIT
# check: tiers=uml also=uml-debug,vm timeout=300
#
# Lifetimes in bytes, packets, seconds and idle seconds: one event each, and nothing leaves or
# arrives after the end.
. "$TOP/selftests/lib.sh"
. "$TOP/selftests/xfrm.sh"

xfrm_topology
load_module
driver_up 4
spawn events ip netns exec "$A" ipdtool listen expire timeout=600
wait_for 10 grep -q . <(sleep 0.2; echo ready)

# The events of an SPI so far, in order: "soft hard". A line names its kind and the SPI.
kinds_of() { # SPI
	grep -i "spi=$1" "$TMP/events.log" | grep -o 'kind=[a-z]*' | cut -d= -f2 | xargs
}
has_kinds() { [ "$(kinds_of "$1")" = "$2" ]; } # SPI KINDS
is_over() { has_kinds "$1" hard || has_kinds "$1" "soft hard"; } # SPI
is_gone() { ! on A ipdtool sas | grep -qi "spi=$1"; } # SPI

# A listener that listens: the first event may be too early for it.
need ours_up 4 gcm128 none 0x2ffffff0 0x1ffffff0 hard-seconds=1
wait_for 20 grep -qi spi=0x2ffffff0 "$TMP/events.log" || bail "F13 events are heard"

# --- bytes
both_up 4 gcm128 none soft-bytes=5000 hard-bytes=10000
capture_start bytes A eth0 esp
need wire A udp $B4 9 992 5		# 1000 bytes with the UDP header
check "F13 soft bytes: told when they are used up" wait_for 10 has_kinds "$spi_out" soft
same "F13 soft bytes: the association is dying, and works" dying "$(sa_value out state)"
# the first packet that does not fit any more is the sender's error
refuse "F13 hard bytes: the sender is told" wire A udp $B4 9 992 20
check "F13 hard bytes: told once, after soft" wait_for 10 has_kinds "$spi_out" "soft hard"
check "F13 hard bytes: the association is gone" is_gone "$spi_out"
capture_stop bytes
same "F13 hard bytes: never exceeded" 10 "$(capture_count bytes esp)"
both_down

# --- packets, inbound
both_up 4 none sha1 soft-packets=3 hard-packets=6
was=$(delivered) before=$(drop_snapshot)
need wire B udp $A4 9 100 10
# when both ends come in one burst, what is gone needs no successor
check "F13 hard packets: told once" wait_for 10 is_over "$spi_in"
same "F13 hard packets: six arrived" $((was + 6)) "$(delivered)"
both_down

# --- seconds
both_up 4 gcm256 none soft-seconds=2 hard-seconds=5
check "F13 soft seconds: both are told" wait_for 10 has_kinds "$spi_out" soft
check "F13 soft seconds: the inbound one as well" wait_for 10 has_kinds "$spi_in" soft
check "F13 hard seconds: then the end" wait_for 15 has_kinds "$spi_out" "soft hard"
check "F13 hard seconds: of the inbound one, too" wait_for 15 has_kinds "$spi_in" "soft hard"
check "F13 hard seconds: both are gone" is_gone "$spi_in"
before=$(drop_snapshot)
need wire B udp $A4 9 20 1
same "F13 F14 hard seconds: what comes late is of nobody" "bad-spi=1" "$(drop_changes "$before")"
both_down

# --- idle
both_up 4 gcm128 none
same "F29 idle: five minutes, unless something else is asked for" 300 "$(sa_value in idle-limit)"
both_down
need ours_up 4 gcm128 none 0x2ffffff1 0x1ffffff1 idle-seconds=0
same "F29 idle: or never" '' "$(sa_value in idle-limit)"
both_down
both_up 4 gcm128 none idle-seconds=5
# twice the idle time at least
check "F13 F29 idle: traffic" on B ping -n -q -c 55 -i 0.2 -W "$(secs 2)" $A4
same "F13 F29 idle: not while something arrives" '' "$(kinds_of "$spi_in")"
check "F13 F29 idle: told once, for the pair" wait_for 15 has_kinds "$spi_in" idle
same "F13 F29 idle: not for the outbound one" '' "$(kinds_of "$spi_out")"
check "F13 F29 idle: both are gone" is_gone "$spi_out"
both_down

# --- larval
need inside A ipdtool spi dir=in proto=esp spi=0x1eeeeeee local=$A4 remote=$B4
same "F13 A26 a larval association is listed" larval \
	"$(on A ipdtool sas | grep -i 0x1eeeeeee | grep -o 'state=[a-z]*' | cut -d= -f2)"
check "F13 A26 and given back after a minute" wait_for 90 is_gone 0x1eeeeeee
same "F13 A26 without an event" '' "$(kinds_of 0x1eeeeeee)"

stop events
driver_down
need on A ipdtool mode permit
need unload_module
check_world
finish
