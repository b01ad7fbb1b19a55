#!/bin/bash
# SPDX-License-Identifier: MIT
# check: tiers=uml-debug also=uml,vm timeout=300
#
# Clear text where a filter negotiates: soft associations and inbound pass-through.
#
#   A 192.0.2.1 ------- B 192.0.2.2
. "$TOP/selftests/lib.sh"
. "$TOP/selftests/driver.sh"

NEGOTIATE="out=negotiate in=negotiate local=me"

driver_up
fresh A
need ipd B mode permit
need ipd A add id=7 $NEGOTIATE remote=$B4
listen A
receive_udp clear A 7000

# --- a hard association ends a soft one ---------------------------------------------
send_udp A $B4 9 1 1
need wait_for 10 has_events A 1
need ipd A end "$(acquire_id A)" soft 600
send_udp B $A4 7000 1 3
check "F27 under a soft association clear text comes in" wait_for 5 has_got clear 3
need secure_half A 7 0x1000 $A4 $B4
same "F27 a hard one ends it: outbound is protected" "protect " "$(judge A out $A4 $B4 udp 9 9)"
same "F25 F27 and inbound clear text stays out" "drop clear-text" "$(judge A in $B4 $A4 udp 9 9)"
dropped=$(stat_of A drop.clear-text)
send_udp B $A4 7000 4 6
check "F25 F27 for real" wait_for 5 has_stat A drop.clear-text $((dropped + 3))
same "F25 F27 nothing of it arrived" "1 2 3" "$(got clear)"
need ipd A sadel dir=out spi=0x1000 pair=0x1001 local=$A4 remote=$B4
same "F27 when that is gone, too, the soft one does not come back" "hold  drop clear-text" \
	"$(judge A out $A4 $B4 udp 9 9) $(judge A in $B4 $A4 udp 9 9)"

# --- inbound pass-through: a connection that begins in clear and goes on protected ----
stop listen-A
fresh A
need ipd A add id=7 out=negotiate in=permit local=me remote=$B4
listen A
serve_tcp served A 7001
wire_start pass A eth0 B eth0 tcp
# the first SYN comes in clear, and its answer waits
spawn client ip netns exec "$B" socat -t 20 - "TCP:$A4:7001,connect-timeout=$(secs 30)"
check "F26 the clear SYN comes in and its answer is negotiated for" wait_for 10 has_events A 1
same "F26 the answer" "out,$A4,$B4,6,7001" "$(field flow "$(event A)" | cut -d, -f1-5)"
check "F26 it waits" [ "$(stat_of A held-packets)" -ge 1 ]
need ipd B mode secure
need ipd B add id=7 $NEGOTIATE remote=$A4
secure_pair 7 0x2000
check "F26 then the connection is there" wait_for 20 grep -q served "$TMP/client.log"
wire_stop pass
same "F26 A never sent in clear" 0 "$(capture_count pass-1 tcp)"
check "F26 B did, to begin with" [ "$(capture_count pass-2 tcp)" -ge 1 ]

# --- a tunnel: what belongs into it does not go in clear ----------------------------
stop listen-A
fresh A
need ipd B mode permit
need ip -n "$A" route add 198.51.100.0/24 via $B4
need ipd A add id=8 class=tunnel out=negotiate in=negotiate local=$A4 remote=198.51.100.0/24 \
	tl=$A4 tr=$B4
listen A
wire_start tunnel A eth0 B eth0
send_udp A 198.51.100.1 9 1 1
need wait_for 10 has_events A 1
refused=$(ipd A end "$(acquire_id A)" soft 600 2>&1)
check "F27 F38 no soft association for a tunnel" grep -q 'does not go in clear' <<<"$refused"
same "F27 F38 its packets wait on" "hold " "$(judge A out $A4 198.51.100.1 udp 9 9)"
need ipd A end "$(acquire_id A)" failed
same "F27 F38 until the negotiation fails" "drop negotiation-failed" \
	"$(judge A out $A4 198.51.100.1 udp 9 9)"
need pings B $A4
wire_stop tunnel
never_clear "F27 F38 and none was sent in clear" tunnel 'net 198.51.100.0/24'

check_world
finish
