#!/bin/bash
# SPDX-License-Identifier: MIT
# check: tiers=uml also=uml-debug,vm timeout=1200
#
# Filters replaced under load, the module loaded and unloaded under load, namespaces that come
# and go: nothing in clear, nothing lost that need not be, nothing left behind.
#
#   A 192.0.2.1, 2001:db8::1 ------- B 192.0.2.2, 2001:db8::2
. "$TOP/selftests/lib.sh"
. "$TOP/selftests/driver.sh"

# all of them at full speed; where memory and locks are checked, or emulated, enough to see faults
RELOADS=${RELOADS-$((1000 / (SLOW * SLOW)))}
ROUNDS=${ROUNDS-$((24 / SLOW))}
NEGOTIATE="out=negotiate in=negotiate local=me"
CLEAR='ip and not esp'
CAPTURE_OPTIONS='-s 128'

load() { # NAME: traffic that does not end, and that outlives a refusal: a stream and an echo
	spawn "server-$1" ip netns exec "$B" iperf3 -s -p 5201
	wait_for 10 listens_tcp B 5201
	spawn "stream-$1" ip netns exec "$A" iperf3 -c $B4 -p 5201 -t 3600 -b 4M
	spawn "echo-$1" ip netns exec "$A" ping -q -i 0.005 $B4
	wait_for 20 moves
}
unload() {
	stop "echo-$1"
	stop "stream-$1"
	stop "server-$1"
}
sent() { on A cat /sys/class/net/eth0/statistics/tx_packets; }
moves() { local before; before=$(sent); sleep 0.5; [ "$(sent)" -gt $((before + 20)) ]; }

driver_up
fresh A B
need ipd B add id=7 $NEGOTIATE remote=$A4
# the filter that matters keeps its id among others that change
for set in 1 2; do
	{
		seq 1 200 | awk -v set=$set '{ printf "id=%d out=block in=block remote=10.%d.%d.0/24\n", set * 1000 + $1, set, $1 }'
		echo "id=7 $NEGOTIATE remote=$B4"
		seq 201 300 | awk -v set=$set '{ printf "id=%d out=permit in=permit proto=tcp rport=%d remote=10.%d.0.0/16\n", set * 1000 + $1, $1, set }'
	} >"$TMP/set$set"
done
need ipd A load "$TMP/set1"
secure_pair 7 0x1000
wire_start reload A eth0 B eth0 'ip'

# --- reload under load ---------------------------------------------------------------------
load one
check "F01 $RELOADS reloads under load" ipd A load "$TMP/set1" "$RELOADS"
check "F01 sets that take turns" bash -c "for i in \$(seq $ROUNDS); do
	ip netns exec $A ipdtool load $TMP/set1 && ip netns exec $A ipdtool load $TMP/set2 || exit; done"
check "F01 the load goes on" moves
same "F05 its association was never lost" 0 "$(stat_of A acquires)"
same "F05 and nothing that is in order was dropped" "0 0 0" \
	"$(stat_of A drop.clear-text) $(stat_of A drop.wrong-sa) $(stat_of A drop.no-listener)"
check "F01 single changes under load" bash -c "for i in \$(seq $ROUNDS); do
	ip netns exec $A ipdtool add id=\$((5000 + i)) out=block remote=10.9.0.\$i &&
	ip netns exec $A ipdtool del \$((5000 + i)) || exit; done"
check "F01 the load still goes on" moves

# --- modes under load ------------------------------------------------------------------------
check "D17 secure and block take turns" bash -c "for i in \$(seq $ROUNDS); do
	ip netns exec $A ipdtool mode block && ip netns exec $A ipdtool mode secure || exit; done"
check "D15 it comes back" wait_for 60 moves

# --- the policy goes, and comes, and the association with it -------------------------------------
listen A
for _ in $(seq 5); do
	need ipd A load - <<<"id=9 out=block in=block local=me remote=$B4"
	need ipd A load "$TMP/set1"
	need ipd B flush
	secure_pair 7 0x1000
done
check "F05 it is negotiated for again" wait_for 60 moves
unload one
stop listen-A
wire_stop reload
never_clear "F05 F16 F25 nothing in clear, all the time" reload "$CLEAR"

# --- the module under load: pitfall B6 ----------------------------------------------------------------
need ipd A mode permit
need ipd B mode permit
load two
failed=0
for i in $(seq $ROUNDS); do
	rmmod ipsecdrv && insmod "$IPD_MODULE" || failed=1
	ipd A mode secure && ipd A mode block && ipd A mode permit || failed=1
	ipd B mode secure && ipd B add "id=$i" out=permit in=permit && ipd B mode permit || failed=1
	[ $failed = 0 ] || break
done
same "D16 loaded, used and unloaded $ROUNDS times under load" 0 $failed
check "D16 the load goes on" wait_for 60 moves
need ipd A mode secure
same "D15 while it protects it stays" 20 "$(for _ in $(seq 20); do rmmod ipsecdrv 2>/dev/null || echo refused; done | grep -c refused)"
need ipd A mode permit
unload two

# --- namespaces: pitfall B4 ------------------------------------------------------------------------------
failed=0
for i in $(seq $((ROUNDS / 4 + 2))); do
	for ns in x$i y$i; do
		ip netns add $ns && ip -n $ns link set lo up || failed=1
	done
	ip link add e0 netns x$i type veth peer name e0 netns y$i
	for ns in x$i y$i; do
		address=192.0.2.1
		[ $ns = x$i ] || address=192.0.2.2
		ip -n $ns addr add $address/24 dev e0
		ip -n $ns link set e0 up
		ip netns exec $ns ipdtool mode secure || failed=1
		ip netns exec $ns ipdtool add id=7 $NEGOTIATE remote=192.0.2.0/24 || failed=1
	done
	ip netns exec x$i timeout 100 ipdtool listen acquire >"$TMP/x$i.log" 2>&1 &
	wait_for 10 grep -q listening "$TMP/x$i.log"
	ip netns exec x$i ping -q -f -c 200 192.0.2.2 >/dev/null 2>&1 &
	wait_for 10 grep -q acquire-event "$TMP/x$i.log" || failed=1
	ip netns exec x$i ipdtool spi spi=0x1001 local=192.0.2.1 remote=192.0.2.2 filter=7 >/dev/null
	# shellcheck disable=SC2086 # words
	ip netns exec x$i ipdtool sa dir=out spi=0x1000 local=192.0.2.1 remote=192.0.2.2 filter=7 $ESP || failed=1
	ip netns del x$i && ip netns del y$i || failed=1
	kill %% %- 2>/dev/null
	wait
done
same "D15 namespaces with all that, deleted in use" 0 $failed
check "D16 and the module is free" wait_for 60 unload_module
load_module
check_world
finish
