#!/bin/bash
# SPDX-License-Identifier: MIT
# check: tiers=uml-debug timeout=600
#
# All at once, for a minute (with FULL=1 for half an hour): streams under an association that is
# renewed every two seconds, a filter set replaced every second, addresses that come and go, and
# three who change filters of their own and list everything, closing the list half-way (pitfalls E4, E5).
#
#   A 192.0.2.1 ------- B 192.0.2.2
. "$TOP/selftests/lib.sh"
. "$TOP/selftests/driver.sh"

LONG=${IPD_ENDURANCE-60}
NEGOTIATE="out=negotiate in=negotiate local=me"
CLEAR='ip and not esp'
CAPTURE_OPTIONS='-s 64'

# each loop ends when the file "over" is there, or with a line when something fails
until_over() { # NAME FUNCTION...
	until [ -e "$TMP/over" ]; do
		"${@:2}" || { echo "$1 failed"; return 1; }
		echo "$1" >>"$TMP/turns"
	done
}
loop() { until_over "$@" >"$TMP/loop-$1.log" 2>&1 & } # NAME FUNCTION...

renew() {
	rekey "$(printf '0x%x000' "$next")" && sleep 2 &&
		old_goes "$(printf '0x%x000' $((next - 1)))" || return
	next=$((next + 1))
}
replace() {
	set=$((set % 2 + 1))
	ipd A load "$TMP/set$set" && sleep 1
}
move() {
	ip -n "$A" addr add 192.0.2.99/24 dev eth0 && ip -n "$A" addr add 2001:db8::99/64 dev eth0 &&
		sleep 0.3 &&
		ip -n "$A" addr del 192.0.2.99/24 dev eth0 && ip -n "$A" addr del 2001:db8::99/64 dev eth0
}
# two of these may meet the set that is replaced: what is refused then is refused whole
write_own() { # ID
	ipd B add id="$1" out=block in=block remote=10.0.$(($1 / 100)).0/24 &&
		ipd B add id=$(($1 + 1)) out=permit in=block proto=udp lport="$1" remote=any local=me &&
		ipd B list | head -n 2 >/dev/null && ipd B sas >/dev/null && ipd B acquires >/dev/null &&
		ipd B del "$1" $(($1 + 1))
}
turns() { grep -c "^$1\$" "$TMP/turns"; }

driver_up
fresh A B
for set in 1 2; do
	{
		seq 1 100 | awk -v set=$set '{ printf "id=%d out=block in=block remote=10.%d.%d.0/24\n", set * 1000 + $1, set, $1 }'
		echo "id=7 $NEGOTIATE remote=$B4"
	} >"$TMP/set$set"
done
need ipd A load "$TMP/set1"
need ipd B add id=7 $NEGOTIATE remote=$A4
rekey 0x1000
next=2
wire_start endurance A eth0 B eth0 "$CLEAR or (esp and ip[8] = 1)"
spawn server ip netns exec "$B" iperf3 -s -p 5201
wait_for 10 listens_tcp B 5201
spawn load ip netns exec "$A" iperf3 -c $B4 -p 5201 -b 4M -t 36000
spawn back ip netns exec "$B" ping -q -i 0.02 $A4

loop renew renew
loop replace replace
loop move move
for id in 2000 3000 4000; do loop write-$id write_own $id; done
SECONDS=0
while [ $SECONDS -lt "$LONG" ] && running load; do sleep 1; done
# something must be in the capture for it to prove something
on A ping -c 1 -t 1 -W 1 $B4 >/dev/null
touch "$TMP/over"
wait_for 60 eval '[ -z "$(jobs -r | grep until_over)" ]'

same "F31 F01 F35 nothing failed in $LONG s" "" "$(cat "$TMP"/loop-*.log | grep -v '^spi=\|^filters=\|interrupted by a change')"
check "F31 associations were renewed" [ "$(turns renew)" -ge $((LONG / 60)) ]
check "F01 sets were replaced" [ "$(turns replace)" -ge $((LONG / 10)) ]
check "F35 addresses came and went" [ "$(turns move)" -ge $((LONG / 20)) ]
check "F01 others changed their filters" [ "$(turns write-4000)" -ge $((LONG / 60)) ]
check "F31 the stream still runs" running load
check "F31 nothing that is in order was dropped" \
	[ "$(stat_of A drop.clear-text) $(stat_of B drop.clear-text)" = "0 0" ]
check "F31 and the hosts speak to each other" pings A $B4 3
wire_stop endurance
never_clear "F05 F16 F25 F31 nothing in clear, all the time" endurance "$CLEAR"
stop back INT
stop load
stop server
same "F01 the filters of others are gone" 1 "$(ipd B list | wc -l)"
check_world
finish
