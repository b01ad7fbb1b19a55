#!/bin/bash
# SPDX-License-Identifier: MIT
# check: tiers=uml-debug also=uml,vm timeout=600
#
# The flow cache: packets of a flow are decided from it, and the packet after a change of filters,
# mode or addresses is decided anew.
#
#   A 10.0.0.1, 10.0.0.5, 2001:db8::1, 2001:db8::5 ------- B 10.0.0.2, 2001:db8::2
#   driver
. "$TOP/selftests/lib.sh"

FLOWS=$((12000 / SLOW))

cat >"$TMP/send.py" <<'PYTHON'
"""Does what the lines of standard input say, and answers "done" to each:

  send FAMILY SOURCE PORT passes|dropped   one UDP packet to port 9
  scan FAMILY COUNT                        a packet to each of COUNT ports
"""
import errno, os, socket, sys

os.sched_setaffinity(0, {0})    # each CPU has a cache of its own

B = {"4": "10.0.0.2", "6": "2001:db8::2"}
FAMILIES = {"4": socket.AF_INET, "6": socket.AF_INET6}
TRANSPARENT = {"4": (socket.SOL_IP, 19), "6": (socket.IPPROTO_IPV6, 75)}
open_sockets = {}

def from_address(family, source, port):
    """a socket that may keep its source address after the host has lost it"""
    key = family, source, port
    if key not in open_sockets:
        s = socket.socket(FAMILIES[family], socket.SOCK_DGRAM)
        s.setsockopt(*TRANSPARENT[family], 1)
        s.bind((source, int(port)))
        open_sockets[key] = s
    return open_sockets[key]

def passes(s, family, port):
    try:
        s.sendto(b"x", (B[family], port))
        return True
    except OSError as e:
        if e.errno != errno.EPERM:
            raise
        return False

for line in sys.stdin:
    command, *words = line.split()
    if command == "send":
        family, source, port, wanted = words
        if passes(from_address(family, source, port), family, 9) != (wanted == "passes"):
            print("not", wanted, flush=True)
            continue
    else:
        family, count = words
        s = from_address(family, {"4": "10.0.0.1", "6": "2001:db8::1"}[family], 1000)
        for n in range(int(count)):
            passes(s, family, 10000 + n)
    print("done", flush=True)
PYTHON

sender_start() {
	coproc SENDER { on A python3 "$TMP/send.py" 2>&1; }
	defer kill "$SENDER_PID"
	trap '' PIPE	# should it end, says() fails rather than this script
}
# says COMMAND...: the sender does it
says() {
	local answer
	[ -n "${SENDER[1]-}" ] && echo "$*" >&"${SENDER[1]}" &&
		read -r -t "$(secs 30)" answer <&"${SENDER[0]}" || { echo "no answer: $*"; return 1; }
	[ "$answer" = "done" ] || { echo "$*: $answer"; return 1; }
}
counter() { on A ipdtool stats "$1"; }
# adds HITS MISSES COMMAND...: what the command adds to the counters
adds() {
	local hits misses got wanted="$1 hits, $2 misses"
	hits=$(counter flow-hits) misses=$(counter flow-misses)
	"${@:3}" || return
	got="$(($(counter flow-hits) - hits)) hits, $(($(counter flow-misses) - misses)) misses"
	[ "$got" = "$wanted" ] || { echo "$got instead of $wanted"; return 1; }
}
first_packet() { adds 0 1 says send "$1" "$2" $((3000 + RANDOM % 9999)) passes; }
hits_of() { on A ipdtool get "$1" | grep -o '[a-z]*-hits=[0-9]*' | tr '\n' ' '; }

# alternate TIMES: filters that pass and filters that block take turns, with a packet after each
alternate() {
	local i family source
	for ((i = 0; i < $1; i++)); do
		for family in 4 6; do
			source=10.0.0.1
			[ $family = 4 ] || source=2001:db8::1
			on A ipdtool load "$TMP/block" && says send $family $source 2000 dropped &&
				says send $family $source 2000 dropped || return
			on A ipdtool load "$TMP/pass" && says send $family $source 2000 passes &&
				says send $family $source 2000 passes || return
		done
		on A ipdtool add id=50 out=block in=block remote=10.0.0.2 proto=udp rport=9 &&
			says send 4 10.0.0.1 2000 dropped && on A ipdtool del 50 &&
			says send 4 10.0.0.1 2000 passes || return
	done
}

cat >"$TMP/pass" <<'FILTERS'
id=1 out=permit in=permit local=me remote=any proto=udp
id=2 out=permit in=permit local=me remote=any proto=udp family=6
id=3 out=permit in=permit local=me remote=10.0.0.2 proto=icmp
FILTERS
cat >"$TMP/block" <<'FILTERS'
id=1 out=block in=permit local=me remote=any proto=udp
id=2 out=block in=permit local=me remote=any proto=udp family=6
FILTERS

ns_add A B
link A eth0 B eth0
addr A eth0 10.0.0.1/24 10.0.0.5/24 2001:db8::1/64 2001:db8::5/64
addr B eth0 10.0.0.2/24 2001:db8::2/64
# nobody listens on the ports; no ICMP error shall be counted
need on B nft 'add table inet t; add chain inet t c { type filter hook input priority 0; }; add rule inet t c meta l4proto udp drop'
load_module
need on A ping -c 1 -W "$(secs 5)" 10.0.0.2
need on A ping -c 1 -W "$(secs 5)" 2001:db8::2
need on A ipdtool mode secure
need on A ipdtool load "$TMP/pass"
sender_start

# what A counts for itself, as neighbour discovery does, is waited out by asking again
for family in 4 6; do
	source=10.0.0.1
	[ $family = 4 ] || source=2001:db8::1
	check "F01 IPv$family: the first packet of a flow is searched for" \
		wait_for 20 first_packet $family $source
	need says send $family $source 2000 passes
	check "F01 IPv$family: the others are remembered" \
		wait_for 20 adds 1 0 says send $family $source 2000 passes
	need says send $family $source 2000 passes
	need says scan $family $FLOWS
	check "F01 IPv$family: also after a scan of $FLOWS other flows" \
		adds 1 0 says send $family $source 2000 passes
done

check "F01 F03 F04 the packet after each change meets the new filters" alternate $((20 / SLOW + 2))

need on A ipdtool mode block
check "F04 the packet after block mode begins is dropped" says send 4 10.0.0.1 2000 dropped
need on A ipdtool mode secure
check "F03 the packet after it ends passes" says send 4 10.0.0.1 2000 passes

# An address that goes is not "me" any more, one that comes is.
need on A ipdtool load "$TMP/block"
for family in 4 6; do
	address=10.0.0.5/24
	[ $family = 4 ] || address=2001:db8::5/64
	need says send $family "${address%/*}" 2000 dropped
	need says send $family "${address%/*}" 2000 dropped
	need ip -n "$A" addr del "$address" dev eth0
	check "F02 IPv$family: the packet after an address went has no filter" \
		says send $family "${address%/*}" 2000 passes
	need says send $family "${address%/*}" 2000 passes
	addr A eth0 "$address"
	check "F04 IPv$family: the packet after it came back has" \
		says send $family "${address%/*}" 2000 dropped
done

need on A ipdtool load "$TMP/pass"
same "F01 the hits of a new filter are 0" "out-hits=0 in-hits=0 " "$(hits_of 3)"
need on A ping -c 3 -i 0.2 -W "$(secs 5)" 10.0.0.2
same "F01 the hits of both directions are counted" "out-hits=3 in-hits=3 " "$(hits_of 3)"

need on A ipdtool load /dev/null
need on A ipdtool mode permit
need unload_module
check_world
finish
