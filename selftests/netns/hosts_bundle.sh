#!/bin/bash
# SPDX-License-Identifier: MIT
# check: tiers=uml timeout=300
#
# AH and ESP in one method: a bundle of associations per direction, AH outside. It is negotiated as
# two proposals of one number (RFC 2408, section 4.2), renewed and deleted as one, and found again by
# an agent that was restarted.
#
#   A 192.0.2.1, 2001:db8::1 ------- B 192.0.2.2, 2001:db8::2
. "$TOP/selftests/lib.sh"
. "$TOP/selftests/hosts.sh"

QM_OFFERS='AH[SHA1]+ESP[AES128,SHA256]:100000k/3600s'

# AH without options, and ESP is its next header.
BUNDLE4='ip proto 51 and ip[20] = 50'
BUNDLE6='ip6 proto 51 and ip6[40] = 50'

spis() { ctl "$1" --json dynamic show qmsas | jq -c '[.. | objects | select(has("espspiin")) | [.ahspiin, .espspiin]]'; }
ping4() { on A ping -q -c "$1" -i 0.1 -W "$(secs 10)" $B4; }
has_none() { [ "$(spis "$1")" = '[]' ]; } # HOST

hosts_up
check "F18 A's policy" policy_on A any
check "F18 B's policy" policy_on B any
wire_start wire A eth0 B eth0 'ip or ip6'
check "F18 pings are answered" ping4 4
check "F18 over IPv6 too" on A ping -6 -q -c 4 -i 0.1 -W "$(secs 10)" $B6
wire_stop wire
same "F18 each packet is ESP in AH" 8 "$(wire_count wire "$BUNDLE4")"
same "F18 each packet over IPv6 too" 8 "$(wire_count wire "$BUNDLE6")"
never_clear "F18 nothing in clear" wire "$CLEAR"
never_clear "F18 no ESP without AH" wire 'ip proto 50 or ip6 proto 50'
same "F18 each pair is of AH and ESP" 'true true' \
	"$(spis A | jq -r '"\(length >= 2) \(all(.[]; all(.[]; . > 255)))"')"

before=$(spis A)
stop A-ipsec-policy-agent KILL
service A ipsec-policy-agent
check "F18 the agent is back" wait_for 30 services_ready A
same "F18 and has found the bundles" "$before" "$(spis A)"
check "F18 pings go on" ping4 2

check "F18 A's policy is deleted" policy_off A
check "F18 the bundles are gone, here" wait_for 20 has_none A
check "F18 and there" wait_for 20 has_none B
check_world
finish
