#!/bin/bash
# SPDX-License-Identifier: MIT
# check: tiers=uml also=uml-debug,vm timeout=600
#
# Negotiations: packets that wait, how they leave, and what bounds them.
#
#   A 192.0.2.1, 2001:db8::1 ------- B 192.0.2.2, 2001:db8::2
. "$TOP/selftests/lib.sh"
. "$TOP/selftests/driver.sh"

NEGOTIATE="out=negotiate in=negotiate local=me"
# nothing but what IPsec makes of it, what finds neighbours, and IKE
CLEAR='(ip or ip6) and not esp and not icmp6'

refusal() { ! ipd "$@" 2>"$TMP/refusal" && sed -n 's/^ipdtool: //p' "$TMP/refusal"; }
is_held() { has_stat A held-packets "$1"; }
starts_again() { # a clean slate on A, B with the mirrored filter
	stop listen-A
	fresh A B
	need ipd A add id=7 $NEGOTIATE remote=$B4
	need ipd B add id=7 $NEGOTIATE remote=$A4
	listen A
}

driver_up
fresh A B

# --- nobody to ask -----------------------------------------------------------------
need ipd A add id=7 $NEGOTIATE remote=$B4 + id=8 $NEGOTIATE remote=$B6
same "F05 without a listener match says so" "drop no-listener" "$(judge A out $A4 $B4 udp 9 9)"
send_udp A $B4 9 1 3
same "F05 packets are dropped then" 3 "$(stat_of A drop.no-listener)"
same "F05 and nothing was asked for" "0 0" "$(stat_of A acquires) $(stat_of A held-packets)"

# --- the first packet waits ----------------------------------------------------------
need ipd B add id=7 $NEGOTIATE remote=$A4 + id=8 $NEGOTIATE remote=$A6
listen A
wire_start first A eth0 B eth0
receive_udp first B 7000
same "F05 match: would wait" "hold " "$(judge A out $A4 $B4 udp 1024 7000)"
same "F05 asking match asks nobody else" 0 "$(stat_of A acquires)"
send_udp A $B4 7000 1 20
check "F05 the agent is told" wait_for 10 has_events A 1
line=$(event A)
same "F05 of the filter" 7 "$(field filter "$line")"
same "F05 the two hosts" "$A4,$B4,0,0,0" "$(field sel "$line")"
same "F05 the packet" "out,$A4,$B4,17" "$(field flow "$line" | cut -d, -f1-4)"
same "F05 twenty packets wait" 20 "$(stat_of A held-packets)"
same "F05 match names the negotiation" "$(field id "$line")" \
	"$(field acquire "$(ipd A match out $A4 $B4 udp 1024 7000)")"
same "F05 so does the list" "$(field id "$line")" "$(field id "$(ipd A acquires)")"
same "F05 once" 1 "$(events A)"
secure_pair 7 0x1000
check "F05 they leave when there is an association" wait_for 10 has_got first 20
same "F05 all of them, in their order" "$(seq 1 20 | xargs)" "$(got first)"
same "F05 nothing waits any more" "0 0" "$(stat_of A held-packets) $(stat_of A held-bytes)"
same "F05 nothing was dropped" 0 "$(stat_of A drop.hold-limit)"
same "F05 the list is empty" "" "$(ipd A acquires)"
same "F05 match: protected" "protect " "$(judge A out $A4 $B4 udp 1024 7000)"
send_udp A $B4 7000 21 25
check "F05 later packets do not wait" wait_for 10 has_got first 25
same "F05 and ask for nothing" 1 "$(stat_of A acquires)"

# IPv6 beside it
send_udp A $B6 7000 101 110
check "F05 IPv6: the agent is told" wait_for 10 has_events A 2
same "F05 IPv6: the two hosts" "$A6,$B6,0,0,0" "$(field sel "$(event A 2)")"
secure_pair 8 0x2000 6
check "F05 IPv6: they leave" wait_for 10 has_got first 110
same "F05 IPv6: in their order" "$(seq 101 110 | xargs)" \
	"$(got first | tr ' ' '\n' | awk '$1 > 100' | xargs)"
wire_stop first
never_clear "F05 F25 nothing was in clear on the wire" first "$CLEAR"

# --- order while the queue empties ------------------------------------------------------
starts_again
receive_udp order B 7001
on A perl -e '
	use Socket;
	socket(my $s, AF_INET, SOCK_DGRAM, 0) or die;
	my $to = pack_sockaddr_in(7001, inet_aton($ARGV[0]));
	my ($n, $end) = (0, time() + 20);
	while (!-e "$ARGV[1]" && time() < $end) { send($s, ++$n . "\n", 0, $to); select(undef, undef, undef, 0.0005) }
	send($s, "last\n", 0, $to)' $B4 "$TMP/enough" &
sender=$!
check "F05 a sender that does not stop" wait_for 10 has_events A 1
secure_pair 7 0x1000
check "F05 gets through" wait_for 10 eval '[ "$(wc -l <"$TMP/order.got")" -gt 300 ]'
touch "$TMP/enough"
wait $sender
check "F05 to the end" wait_for 10 grep -q last "$TMP/order.got"
check "F05 and no packet overtook another" \
	awk '$1 == "last" { next } $1 <= before { exit 1 } { before = $1 }' "$TMP/order.got"

# --- how many may wait --------------------------------------------------------------------
starts_again
receive_udp limit B 7002
dropped=$(stat_of A drop.hold-limit)
send_udp A $B4 7002 1 100
check "F05 64 packets wait at most" is_held 64
same "F05 the others are dropped and counted" $((dropped + 36)) "$(stat_of A drop.hold-limit)"
secure_pair 7 0x1000
check "F05 the newest are kept" wait_for 10 has_got limit 100
same "F05 the oldest went" 37 "$(got limit | cut -d' ' -f1)"
starts_again
send_udp A $B4 7002 1 60 1400
check "F05 nor more memory than 64 KiB" \
	eval '[ "$(stat_of A held-bytes)" -le 65536 ] && [ "$(stat_of A held-packets)" -lt 60 ]'
need ipd A load - </dev/null
check "F05 a datagram larger than that" need ipd A add id=7 $NEGOTIATE remote=$B4
send_udp A $B4 7002 1 2 60000
check "F05 may wait alone" wait_for 5 eval '[ "$(stat_of A held-packets)" -gt 0 ]'

# --- negotiations that fail ------------------------------------------------------------------
starts_again
send_udp A $B4 9 1 5
need wait_for 10 has_events A 1
failed=$(stat_of A drop.negotiation-failed)
check "F06 the agent says that it failed" ipd A end "$(acquire_id A)" failed 600
same "F06 what waited is dropped" $((failed + 5)) "$(stat_of A drop.negotiation-failed)"
same "F06 nothing waits" 0 "$(stat_of A held-packets)"
send_udp A $B4 9 6 7
same "F06 what follows is dropped" $((failed + 7)) "$(stat_of A drop.negotiation-failed)"
same "F06 match says so" "drop negotiation-failed" "$(judge A out $A4 $B4 udp 9 9)"
same "F06 the list says so" failed "$(field result "$(ipd A acquires)")"
same "F06 and nobody is asked again" 1 "$(events A)"
same "F06 it ends once" "Operation already in progress: acquire $(acquire_id A) has ended already" \
	"$(refusal A end "$(acquire_id A)" failed)"
same "F28 for as long as the agent said" 1 "$(ipd A acquires | wc -l)"
need ipd A flush
send_udp A $B4 9 8 8
check "F06 a flush forgets it" wait_for 10 has_events A 2
need ipd A end "$(acquire_id A 2)" failed 1
check "F28 when the time is over" wait_for 15 eval '[ -z "$(ipd A acquires)" ]'
send_udp A $B4 9 9 9
check "F28 the next packet asks again" wait_for 10 has_events A 3
same "F06 an end of what is not there is refused" \
	"No such file or directory: acquire 4000000000 does not exist, or has ended" \
	"$(refusal A end 4000000000 failed)"
secure_pair 7 0x1000
same "F05 an association ends it too" \
	"Operation already in progress: acquire $(acquire_id A 3) has ended already" \
	"$(refusal A end "$(acquire_id A 3)" failed)"

# --- soft associations -------------------------------------------------------------------------
starts_again
need ipd B mode permit
receive_udp soft B 7003
send_udp A $B4 7003 1 5
need wait_for 10 has_events A 1
check "F27 the agent says: in clear" ipd A end "$(acquire_id A)" soft 600
check "F27 what waited leaves" wait_for 10 has_got soft 5
same "F27 in order" "1 2 3 4 5" "$(got soft)"
same "F27 match says why" "pass soft-sa" "$(judge A out $A4 $B4 udp 9 9)"
same "F27 the answer may come in" "pass soft-sa" "$(judge A in $B4 $A4 udp 9 9)"
same "F27 from this peer only" "pass no-filter" "$(judge A in 192.0.2.9 $A4 udp 9 9)"
check "F27 for real" pings A $B4
need ipd A flush
send_udp A $B4 7003 6 6
need wait_for 10 has_events A 2
need ipd A end "$(acquire_id A 2)" soft 1
check "F27 when the time is over nothing in clear may come in" \
	wait_for 15 eval '[ "$(judge A in $B4 $A4 udp 9 9)" = "drop clear-text" ]'
same "F27 and packets wait again" "hold " "$(judge A out $A4 $B4 udp 9 9)"

# --- in clear, where it has to be secured ----------------------------------------------------------
starts_again
need ipd B mode permit
receive_udp clear A 7004
send_udp B $A4 7004 1 3
check "F25 packets in clear are dropped" wait_for 5 has_stat A drop.clear-text 3
same "F25 match says so" "drop clear-text" "$(judge A in $B4 $A4 udp 9 9)"
need ipd A mode permit
need ipd A mode secure
need ipd B mode secure
secure_pair 7 0x1000
check "F25 under an association they pass" pings A $B4
need ipd B mode permit
dropped=$(stat_of A drop.clear-text)
send_udp B $A4 7004 4 6
check "F25 and beside it they do not" wait_for 5 has_stat A drop.clear-text $((dropped + 3))
check "F25 none of them was delivered" not grep -q . "$TMP/clear.got"
need ipd A del 7
need ipd A add id=7 out=negotiate in=permit local=me remote=$B4
send_udp B $A4 7004 7 7
check "F26 inbound pass-through lets them in" wait_for 5 has_got clear 7
same "F26 match says so" "pass inbound-passthrough" "$(judge A in $B4 $A4 udp 9 9)"

# --- associations come and go ------------------------------------------------------------------------
starts_again
secure_pair 7 0x1000
check "F05 a responder's association needs no acquire" pings A $B4
same "F05 and nobody was asked" 0 "$(events A)"
secure_pair 7 0x3000
check "F05 the newest one is used" pings A $B4 3
need ipd A sadel dir=out spi=0x3000 local=$A4 remote=$B4
check "F05 without it the older one is used again" pings A $B4 3
need ipd A sadel dir=out spi=0x1000 local=$A4 remote=$B4
same "F05 without any packets wait" "hold " "$(judge A out $A4 $B4 udp 9 9)"
send_udp A $B4 9 1 1
check "F05 and the agent is asked" wait_for 10 has_events A 1
receive_udp again B 7005
send_udp A $B4 7005 1 3
secure_pair 7 0x4000
check "F05 a new one is taken" wait_for 10 has_got again 3

# --- policy changes while packets wait -----------------------------------------------------------------
starts_again
need ipd B mode permit
receive_udp change B 7006
send_udp A $B4 7006 1 2
need is_held 2
need ipd A load - <<<"id=7 $NEGOTIATE remote=$B4"
same "F05 filters that stay keep their negotiations" 2 "$(stat_of A held-packets)"
same "F05 and ask nobody again" 1 "$(events A)"
# They were sent under a policy that asked for protection: none of them leaves without it.
changed=$(stat_of A drop.policy-changed)
need ipd A load - <<<"id=7 out=permit in=permit local=me remote=$B4"
check "F05 that a new policy permits are dropped" wait_for 10 has_stat A drop.policy-changed $((changed + 2))
send_udp A $B4 7006 3 3
need ipd A load - <<<"id=7 $NEGOTIATE remote=$B4"
send_udp A $B4 7006 4 5
check "F05 and those" is_held 2
blocked=$(stat_of A drop.filter-block)
need ipd A load - <<<"id=9 out=block in=block local=me remote=$B4"
check "F05 that it blocks are dropped" wait_for 10 has_stat A drop.filter-block $((blocked + 2))
need ipd A load - <<<"id=7 $NEGOTIATE remote=$B4"
send_udp A $B4 7006 6 7
need ipd A load - <<<"id=8 $NEGOTIATE remote=$B4"
check "F05 under another filter they wait again" wait_for 10 is_held 2
check "F05 and the agent is told" wait_for 10 eval '[ "$(field filter "$(event A "$(events A)")")" = 8 ]'
need ipd A mode block
check "F05 in block mode they are dropped" wait_for 10 is_held 0
check "F05 for that reason" [ "$(stat_of A drop.mode-block)" -ge 2 ]
need ipd A mode secure
send_udp A $B4 7006 8 9
need is_held 2
changed=$(stat_of A drop.policy-changed)
need ipd A mode permit
check "F05 in permit mode they are dropped, too" wait_for 10 has_stat A drop.policy-changed $((changed + 2))
same "F05 nothing but what was never held arrived" "3" "$(got change)"

# --- how many negotiations: pitfall E6 ---------------------------------------------------------------------
starts_again
need ipd A add id=20 $NEGOTIATE remote=10.0.0.0/8
need on A ip route add 10.0.0.0/8 via $B4
flood() { # FROM TO: a datagram to each of 10.0.0.0 + n
	on A perl -e '
		use Socket;
		socket(my $s, AF_INET, SOCK_DGRAM, 0) or die;
		send($s, "x" x 1400, 0, pack_sockaddr_in(9, pack("N", 0x0a000000 + $_))) for $ARGV[0] .. $ARGV[1]' "$1" "$2"
}
flood 1 5000
same "F05 4096 negotiations at most" 4096 "$(ipd A acquires | wc -l)"
check "F05 others are refused and counted" [ "$(stat_of A drop.acquire-limit)" -ge 900 ]
same "F05 match says so" "drop acquire-limit" "$(judge A out $A4 10.1.1.1 udp 9 9)"
check "F05 4 MiB wait at most" [ "$(stat_of A held-bytes)" -le 4194304 ]
check "F05 the rest is dropped" [ "$(stat_of A drop.hold-limit)" -ge 1 ]
first=$(field id "$(ipd A acquires | head -n 1)")
need ipd A end "$first" failed 3600
same "F05 one that failed makes room" "hold " "$(judge A out $A4 10.1.1.1 udp 9 9)"
flood 60000 60000
same "F05 for one" 4096 "$(ipd A acquires | wc -l)"
same "F05 and is forgotten" "" "$(ipd A acquires | grep " id=$first ")"
need ipd A mode permit
check "F05 all are forgotten in permit mode" eval '[ -z "$(ipd A acquires)" ]'

# --- what packets wait for goes away ---------------------------------------------------------------------------
starts_again
link A eth9 B eth9
addr A eth9 192.0.9.1/24 2001:db8:9::1/64
need ipd A add id=30 $NEGOTIATE remote=192.0.9.0/24 + id=31 $NEGOTIATE remote=2001:db8:9::/64
send_udp A 192.0.9.2 9 1 5
send_udp A 2001:db8:9::2 9 1 5
check "F05 packets wait for a device" is_held 10
check "F05 that is deleted in time" timeout "$(secs 15)" ip -n "$A" link del eth9
lost=$(stat_of A drop.no-route)
need ipd A del 30 31
check "F05 then they have nowhere to go" wait_for 5 is_held 0
check "F05 and are dropped for that reason" [ "$(stat_of A drop.no-route)" -ge $((lost + 10)) ]
receive_udp route B 7007
send_udp A $B4 7007 1 3
need is_held 3
need on A ip addr add 192.0.2.77/24 dev eth0
need on A ip route flush cache
need on A ip route replace $B4/32 dev eth0 src $A4
secure_pair 7 0x1000
check "F05 when the route has changed, the new one is taken" wait_for 10 has_got route 3
ns_add C
link C eth0 B eth2
addr C eth0 192.0.8.1/24
need ipd C mode secure
need ipd C add id=1 $NEGOTIATE remote=192.0.8.2
listen C
send_udp C 192.0.8.2 9 1 5
need has_stat C held-packets 5
stop listen-C
check "F05 a namespace is deleted with packets waiting" ip netns del "$C"
unset C
stop listen-A
need ipd A mode permit
need ipd B mode permit
check "F05 and the module can go" wait_for 30 unload_module
check_world
finish
