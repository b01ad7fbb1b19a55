#!/bin/bash
# SPDX-License-Identifier: MIT
# check: tiers=uml-debug timeout=600
#
# Memory runs out. Each allocation of each request fails once, in turn: the request is refused
# and nothing of it stays, or it is done. Then packets go while every twentieth allocation of the
# packet path fails: some are lost, none leaves in clear, and nothing is lost afterwards
# (pitfalls B8, C1).
#
#   A 192.0.2.1, 2001:db8::1 ------- B 192.0.2.2, 2001:db8::2
. "$TOP/selftests/lib.sh"
. "$TOP/selftests/driver.sh"

FAILSLAB=/sys/kernel/debug/failslab
NEGOTIATE="out=negotiate in=negotiate local=me"
CLEAR='ip and not esp'

fail_slab() { # KEY=VALUE...
	local word
	for word in "$@"; do echo "${word#*=}" >"$FAILSLAB/${word%%=*}" || bail "failslab has ${word%%=*}"; done
}

# All that requests change, without what packets and time do to it.
state_of() {
	printf '%s\n' list sas status | ipd A - | sort |
		sed -E 's/ (out-hits|in-hits|packets|bytes|age|idle|id|generation|tuples|events)=[^ ]*//g'
}

# each_fails NAME COMMAND...: with the first, the second ... allocation failing, until it has none
# left. What was refused has changed nothing; what was not is taken back by "undo".
each_fails() {
	local name=$1 before status nth refused=0 changed=''
	shift
	before=$(state_of)
	for ((nth = 1; nth < 500; nth++)); do
		IPD_FAIL_NTH=$nth ipd A "$@" >"$TMP/fails.log" 2>&1
		status=$?
		[ $status != 3 ] || break
		# it was the answer that there was no memory for
		! grep -q receiving "$TMP/fails.log" || status=0
		if [ $status = 0 ]; then undo || break; else refused=$((refused + 1)); fi
		[ "$(state_of)" = "$before" ] || { changed="allocation $nth: $(tail -n 1 "$TMP/fails.log")"; break; }
	done
	same "$name: nothing stays of a request that is refused" "" "$changed"
	same "$name: at last it is done" 3 "$status"
	check "$name: allocations did fail" [ $refused -gt 0 ]
}

driver_up
fresh A B
fail_slab ignore-gfp-wait=N verbose=0
{
	seq 1 10 | awk '{ printf "id=%d out=block in=block remote=10.1.%d.0/24\n", $1, $1 }'
	echo "id=50 $NEGOTIATE remote=$B4"
} >"$TMP/one"
need ipd A load "$TMP/one"

# --- filters -------------------------------------------------------------------------------
undo() { ipd A del 60; }
each_fails "F01 a filter is added" add id=60 out=block in=block proto=tcp rport=80 remote=10.9.0.0/16
undo() { ipd A add id=60 out=block in=block proto=tcp rport=80 remote=10.9.0.0/16; }
each_fails "F01 a filter is removed" del 60
undo() { ipd A load "$TMP/two"; }
seq 1 8 | awk '{ printf "id=%d out=permit in=block proto=udp lport=%d remote=10.2.0.0/16 local=me\n", $1, $1 }' >"$TMP/two"
need ipd A load "$TMP/two"
each_fails "F01 a set is replaced" load "$TMP/one"

# --- associations ----------------------------------------------------------------------------
undo() { ipd A flush; }
ends="local=$A4 remote=$B4 filter=50"
words="spi=0x2001 $ends $ESP pair=0x2002"
# shellcheck disable=SC2086 # words
{
	each_fails "A26 an SPI is given" spi $ends
	# the kernel builds an algorithm once, and waits a minute for one whose building failed
	need ipd A sa dir=out $words
	need ipd A flush
	each_fails "A25 an association is installed" sa dir=out $words
	undo() { ipd A flush && ipd A sa dir=out $words; }
	each_fails "A25 associations are removed" flush
}

# --- modes -----------------------------------------------------------------------------------
need ipd A mode permit
undo() { ipd A mode permit; }
each_fails "D15 protection begins" mode secure
need ipd A mode secure

# --- packets -----------------------------------------------------------------------------------
fail_slab ignore-gfp-wait=Y
need ipd A load - <<<"id=7 $NEGOTIATE remote=$B4"
need ipd B load - <<<"id=7 $NEGOTIATE remote=$A4"
listen A
wire_start memory A eth0 B eth0 ip
rounds=6
for ((round = 1; round <= rounds; round++)); do
	fail_slab interval=1 times=-1 probability=5
	on A ping -q -c 30 -i 0.01 -W 1 $B4 >/dev/null 2>&1
	fail_slab probability=0
	secure_pair 7 "0x$((3000 + round))0"
	fail_slab probability=5
	on A ping -q -c 60 -i 0.01 -s $((round * 700)) -W 1 $B4 >/dev/null 2>&1
	send_udp A $B4 9 1 50 1000
	printf '%s\n' "id=7 $NEGOTIATE remote=$B4" "id=8 out=block remote=10.0.$round.0/24" |
		ipd A load - >/dev/null 2>&1
	fail_slab probability=0
	need ipd A flush
	need ipd B flush
done
wire_stop memory
never_clear "F05 F16 F25 nothing in clear for want of memory" memory "$CLEAR"
check "F16 packets were dropped for want of memory" [ "$(stat_of A drop.no-memory)" -gt 0 ]
secure_pair 7 0x5000
check "F16 with memory again, none is lost" pings A $B4 5
stop listen-A
check_world
finish
