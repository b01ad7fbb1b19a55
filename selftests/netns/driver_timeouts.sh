#!/bin/bash
# SPDX-License-Identifier: MIT
# check: tiers=uml timeout=300 time-travel
#
# Negotiations that nobody answers. Guest time jumps while the guest is idle; five minutes after
# its start the kernel's jiffies wrap (pitfall D3).
#
#   A 192.0.2.1 ------- B 192.0.2.2
. "$TOP/selftests/lib.sh"
. "$TOP/selftests/driver.sh"

tellings() { grep -c '^acquire-event ' "$TMP/listen-A.log"; }

driver_up
fresh A
need ipd A add id=7 out=negotiate in=negotiate local=me remote=$B4
listen A
send_udp A $B4 9 1 5
check "F05 the agent is told" wait_for 10 has_events A 1
sleep 7
same "F05 and told again" 2 "$(tellings)"
same "F05 of the same negotiation" 1 "$(events A)"
sleep 38
check "F05 while it lasts" [ "$(tellings)" -ge 8 ]
same "F05 the packets wait" 5 "$(stat_of A held-packets)"
sleep 25
same "F06 then it has failed" "0 5" "$(stat_of A held-packets) $(stat_of A drop.hold-timeout)"
same "F06 and is counted" 1 "$(stat_of A acquire-failures)"
told=$(tellings)
same "F28 packets are dropped for a minute" "drop negotiation-failed" "$(judge A out $A4 $B4 udp 9 9)"
sleep 30
send_udp A $B4 9 6 6
same "F28 without another question" "$told" "$(tellings)"
sleep 40
same "F28 then it is forgotten" "" "$(ipd A acquires)"
send_udp A $B4 9 7 7
check "F28 and the next packet asks" wait_for 10 has_events A 2
id=$(acquire_id A 2)
need ipd A end "$id" soft
sleep 280
same "F27 a soft association lasts five minutes" "pass soft-sa" "$(judge A in $B4 $A4 udp 9 9)"
sleep 40
same "F27 and no longer" "drop clear-text" "$(judge A in $B4 $A4 udp 9 9)"
check_world
finish
