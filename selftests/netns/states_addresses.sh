#!/bin/bash
# SPDX-License-Identifier: MIT
# check: tiers=uml timeout=600
#
# The addresses of a host change under a policy that secures all between two hosts: an interface goes
# down, addresses go for a moment or for good, others come, hundreds in a second. A capture on the wire
# has all of it.
#
#   A 192.0.2.1, .11, .12, 2001:db8::1, ::77 ------- B 192.0.2.2, 2001:db8::2
. "$TOP/selftests/lib.sh"
. "$TOP/selftests/hosts.sh"

# pings FROM TO: the answer, too, has to pass
pings() { on A ping -I "$1" -c 1 -W "$(secs 10)" "$2"; }
# the inbound SPIs of this host's associations, of one of its addresses or of all
spis() {
	ctl A --json dynamic show qmsas | jq -c --arg me "${1-}" \
		'[.qmsas[]? | select($me == "" or .localendpoint == $me) | .espspiin] | sort'
}
mms() { # ADDRESS: initiator's cookies of its main modes
	ctl A --json dynamic show mmsas | jq -c --arg me "$1" '[.mmsas[]? | select(.srcaddr == $me) | .initiatorcookie] | sort'
}
has_nothing() { [ "$(spis "$1") $(mms "$1")" = '[] []' ]; }
# me: the addresses of the filters to B's network
me() {
	ctl A --json dynamic show qmfilter all type=specific |
		jq -r '.qmfilters_specific[] | select(.dstaddr == "192.0.2.0/24") | .srcaddr' | sort -u | xargs
}
agent() { service_pid A ipsec-policy-agent; }
agent_ticks() { awk '{ print $14 + $15 }' "/proc/$(agent)/stat"; } # 100 a second
agent_kilobytes() { awk '/^VmHWM/ { print $2 }' "/proc/$(agent)/status"; }
heard() { grep -c "$1" "$TMP/ear.log"; }
hears() { [ "$(heard "$1")" -ge 1 ]; }
say() { echo "$1" >"$TMP/old6.in"; }

# An IPv6 socket bound to ::77, which goes on when the address is gone: it sends each line it is told.
cat >"$TMP/sender.py" <<'PROGRAM'
import socket, sys
with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as sender:
    sender.bind(("2001:db8::77", 0))
    print("ready", flush=True)
    for line in open(sys.argv[1]):
        try:
            sender.sendto(line.encode(), ("2001:db8::2", 9000))
            print("sent", line.strip(), flush=True)
        except OSError as error:
            print(line.strip(), error.strerror, flush=True)
PROGRAM

hosts_up
addr A eth0 192.0.2.11/24 192.0.2.12/24 2001:db8::77/64
for host in A B; do
	need policy_on $host 192.0.2.0/24
	need ctl $host dynamic add rule srcaddr=me dstaddr=2001:db8::/64 mmpolicy=test qmpolicy=test "psk=$PSK"
done
# A tunnel's ends are looked up whenever an address changes, and all policy is put together anew.
need ctl A dynamic add rule srcaddr=10.1.0.0/24 dstaddr=10.2.0.0/24 mmpolicy=test qmpolicy=test mirrored=no \
	tunneldstaddress=192.0.2.99 "psk=$PSK"
spawn ear ip netns exec "$B" socat -u UDP6-RECV:9000 -
need mkfifo "$TMP/old6.in"
spawn old6 ip netns exec "$A" python3 "$TMP/sender.py" "$TMP/old6.in"
exec 3<>"$TMP/old6.in" # so that it does not end after the first line
wait_for 10 grep -q ready "$TMP/old6.log"

wire_start wire A eth0 B eth0 'ip or ip6'
for from in $A4 192.0.2.11 192.0.2.12; do
	check "F05 negotiated from $from" pings "$from" $B4
done
check "F05 negotiated from $A6" pings $A6 $B6
say before
check "F05 and from ::77" wait_for 20 hears before

# --- for a moment ---------------------------------------------------------------------------
# Together with .12, which does not come back: its end is two looks later than all the rest.
before=$(for a in $A4 192.0.2.11 $A6; do spis $a; mms $a; done)
need ip -n "$A" link set eth0 down
need ip -n "$A" link set eth0 up
addr A eth0 "$A6/64" # with the link a host loses its IPv6 addresses
need ip -n "$A" addr del 192.0.2.11/24 dev eth0
need ip -n "$A" addr del 192.0.2.12/24 dev eth0
addr A eth0 192.0.2.11/24
say gone
check "F35 ::77 is gone, its socket still sends" wait_for 5 grep -q 'sent gone' "$TMP/old6.log"
check "F05 an interface that was down: packets pass" pings $A4 $B4
check "F05 IPv6, too" pings $A6 $B6
check "F05 and from an address that was away" pings 192.0.2.11 $B4

# --- for good -------------------------------------------------------------------------------
check "F05 what was negotiated from an address that is gone ends" wait_for 60 has_nothing 192.0.2.12
check "F05 IPv6, too" wait_for 60 has_nothing 2001:db8::77
same "F05 all others have the same associations and main modes as before" "$before" \
	"$(for a in $A4 192.0.2.11 $A6; do spis $a; mms $a; done)"
say after
check "F35 the socket of the address that is gone sends" wait_for 5 grep -q 'sent after' "$TMP/old6.log"

# --- a new one ------------------------------------------------------------------------------
addr A eth0 192.0.2.20/24
check "F35 a new address is me at once, and negotiated from" pings 192.0.2.20 $B4
same "F35 with an association of its own" 1 "$(spis 192.0.2.20 | jq length)"

# --- hundreds -------------------------------------------------------------------------------
for i in $(seq 100 249); do echo "addr add 192.0.2.$i/24 dev eth0"; done >"$TMP/come"
for i in $(seq 100 248); do echo "addr del 192.0.2.$i/24 dev eth0"; done >"$TMP/go"
echo "addr del 192.0.2.249/24 dev eth0" >"$TMP/last"
storm() {
	ip -n "$A" -batch "$TMP/come" && ip -n "$A" -batch "$TMP/go" && ip -n "$A" -batch "$TMP/last" &&
		ip -n "$A" -batch "$TMP/come" && ip -n "$A" -batch "$TMP/go"
}
wanted="192.0.2.1 192.0.2.11 192.0.2.20 192.0.2.249"
is_settled() { [ "$(me)" = "$wanted" ]; }
ticks=$(agent_ticks) kilobytes=$(agent_kilobytes) start=$SECONDS
storm & storm=$!
same "F35 600 changes of addresses: the agent answers all the while" "0 0 0" \
	"$(for i in 1 2 3; do ctl A dynamic show config >/dev/null; echo $?; done | xargs)"
check "F35 all were made" wait $storm
check "F35 in the end the filters are those of the addresses that are there" wait_for 20 is_settled
seconds=$((SECONDS - start + 1)) ticks=$(($(agent_ticks) - ticks)) kilobytes=$(($(agent_kilobytes) - kilobytes))
diag "in $seconds s: $ticks ticks of CPU, $kilobytes KB more"
check "F35 for that it took less than half of the CPU" [ "$ticks" -le $((50 * seconds + 100)) ]
check "F35 and no more than 4 MB of memory" [ $kilobytes -le 4096 ]
check "F35 the address that has stayed is negotiated from" pings 192.0.2.249 $B4
check "F05 others have not ended" pings 192.0.2.11 $B4

wire_stop wire
never_clear "F05 F16 nothing was in clear" wire "$CLEAR"
check "F05 F16 what was sent was there, in ESP" [ "$(wire_count wire 'ip proto 50')" -ge 16 -a \
	"$(wire_count wire 'ip6 proto 50')" -ge 5 ]
same "F35 nothing has arrived from the address that was gone" 0 "$(heard after)"

# What the capture would have seen.
need policy_off A
need policy_off B
wire_start clear A eth0 B eth0 'ip or ip6'
say unprotected
check "F02 without policy the socket is heard" wait_for 10 hears unprotected
check "F02 and a ping passes" pings 192.0.2.249 $B4
wire_stop clear
check "F02 the capture has both, in clear" [ "$(wire_count clear "($CLEAR) and udp port 9000")" = 1 -a \
	"$(wire_count clear "($CLEAR) and icmp")" -ge 2 ]

for host in A B; do
	for program in ipsec-policy-agent ipsec-ike ipsec-cred; do stop "$host-$program"; done
done
check_world
finish
