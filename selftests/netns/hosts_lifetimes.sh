#!/bin/bash
# SPDX-License-Identifier: MIT
# check: tiers=uml timeout=900 time-travel
#
# What is renewed and by whom, what ends because nobody uses it, and what when the peer is dead. The
# guest's clock jumps while everybody waits.
#
#   A 192.0.2.1, 2001:db8::1 ------- B 192.0.2.2, 2001:db8::2
. "$TOP/selftests/lib.sh"
. "$TOP/selftests/hosts.sh"

events() { service_log "$1" ipsec-policy-agent | grep -c "$2"; } # HOST TEXT: how many so far
main_modes() { ctl "$1" --json dynamic show mmsas | jq '.mmsas | length'; }
pairs() { ctl "$1" --json dynamic show qmsas | jq '.qmsas | length'; }
# The guest's seconds cost nothing; each look costs real time.
within() { # SECONDS COMMAND...
	local left=$1
	shift
	until "$@"; do
		[ $((left -= 20)) -ge 0 ] || return
		sleep 20
	done
}
# A ping every ten seconds.
pings() { # SECONDS
	local left
	for ((left = $1; left > 0; left -= 10)); do
		on A ping -c 1 -W 4 "$B4" >/dev/null || return
		sleep 10
	done
}
rekeys() { ctl "$1" --json dynamic show stats | jq '[.ike | .. | .rekeys? // empty | tonumber] | max'; }
has_no_main_modes() { [ "$(main_modes "$1")" = 0 ]; }
has_no_pairs() { [ "$(pairs "$1")" = 0 ]; }
has_renewed() { [ "$(rekeys "$1")" -gt "$2" ]; }

# policies QM-OFFERS MMLIFETIME (minutes)
policies() {
	local host
	for host in A B; do
		ctl "$host" dynamic delete all >/dev/null 2>&1
		QM_OFFERS=$1 policy_on "$host" 192.0.2.0/24 || return
		ctl "$host" dynamic set mmpolicy name=test "mmlifetime=$2" || return
	done
}

hosts_up

# --- main mode ------------------------------------------------------------
need policies "ESP[AES128,SHA1]:100000k/3600s" 1
check "K15 a ping begins" on A ping -c 1 -W "$(secs 10)" "$B4"
check "K15 two minutes of data" pings 120
busy=$(events A 'main mode established')
check "K15 busy: main mode was renewed ($busy main modes)" [ "$busy" -ge 2 ]
check "K15 idle: it ends" within 150 has_no_main_modes A
same "K15 idle: not renewed" "$busy" "$(events A 'main mode established')"

# --- idle pairs -----------------------------------------------------------
check "K23 the pair is there while there is an answer within five minutes" [ "$(pairs A)" -ge 1 ]
check "K23 after five minutes A has no association" within 400 has_no_pairs A
check "K23 and B none" within 40 has_no_pairs B

# --- who renews -----------------------------------------------------------
need policies "ESP[AES128,SHA1]:20480k/3600s" 480
check "K22 A begins" on A ping -c 1 -W "$(secs 10)" "$B4"
before_a=$(rekeys A) before_b=$(rekeys B)
spawn sink ip netns exec "$A" python3 -c 'import socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.bind(("", 9))
while True: s.recv(2000)'
wait_for 10 on A sh -c 'ss -Hlun sport = 9 | grep -q .'
on B python3 -c 'import socket, sys
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
for n in range(13500): s.sendto(bytes(1400), (sys.argv[1], 9))' "$A4"
check "K22 B has sent more and renews" within 40 has_renewed B "$before_b"
same "K22 A does not" "$before_a" "$(rekeys A)"
check "K22 a ping goes on" on A ping -c 1 -W 5 "$B4"

need policies "ESP[AES128,SHA1]:100000k/300s" 480
check "K22 A begins again" on A ping -c 1 -W "$(secs 10)" "$B4"
before_a=$(rekeys A) before_b=$(rekeys B)
check "K22 no packet is lost over the lifetime" pings 310
check "K22 after a time the one that began renews" has_renewed A "$before_a"
same "K22 and not the other" "$before_b" "$(rekeys B)"

# --- a dead peer ----------------------------------------------------------
need on B ip link set eth0 down
on A ping -c 60 -i 1 -W 1 "$B4" >/dev/null 2>&1 &
check "a peer that does not answer is found out within a minute" within 90 has_no_pairs A
check "and the journal says why" grep -q 'stopped responding' <(service_log A ipsec-policy-agent)
wait $!
need on B ip link set eth0 up
check "it is found again when it is there" within 150 on A ping -c 1 -W 5 "$B4"

check_world
finish
