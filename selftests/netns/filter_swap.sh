#!/bin/bash
# SPDX-License-Identifier: MIT
# check: tiers=uml-debug,vm also=uml timeout=600
#
# Filters are swapped as fast as that goes while packets flow. Two sets of different shape agree on
# every packet: those for UDP port 9000 pass, all other UDP is blocked. So a packet that is lost, or
# that gets through where it should not, met a mixture of both, or none.
#
#   A 10.0.0.1, 2001:db8::1 ------- B 10.0.0.2, 2001:db8::2
#   driver                          echoes what comes to port 9000, counts what comes elsewhere
. "$TOP/selftests/lib.sh"

PACKETS=$((3000 / SLOW))

peer() { # VARIABLE ROLE ARGUMENT...: see below
	on "$1" python3 "$TMP/peer.py" "${@:2}"
}
cat >"$TMP/peer.py" <<'PYTHON'
import errno, select, socket, sys

ADDRESSES = {"4": ("10.0.0.1", "10.0.0.2"), "6": ("2001:db8::1", "2001:db8::2")}
FAMILIES = {"4": socket.AF_INET, "6": socket.AF_INET6}

def udp(family, address, port):
    s = socket.socket(FAMILIES[family], socket.SOCK_DGRAM)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
    s.bind((address, port))
    return s

def echo():
    """answers on port 9000; whatever arrives on 9001 is a leak; talks to A's 9002 unasked"""
    sockets = {udp(f, ADDRESSES[f][1], port): port for f in "46" for port in (9000, 9001)}
    print("ready", flush=True)
    while True:
        for s in select.select(list(sockets), [], [])[0]:
            data, peer = s.recvfrom(100)
            if sockets[s] != 9000:
                print("leak out", data, flush=True)
                continue
            for f in "46":
                if FAMILIES[f] == s.family:
                    try:
                        s.sendto(data, (ADDRESSES[f][0], 9002))
                    except OSError:
                        pass    # an earlier one was refused
            s.sendto(data, peer)

def send(count, deadline):
    """each packet to 9000 is answered; those to 9001 and from 9000 to 9002 get nowhere"""
    asking = {f: udp(f, ADDRESSES[f][0], 0) for f in "46"}
    leaks = [udp(f, ADDRESSES[f][0], 9002) for f in "46"]
    for n in range(count):
        for f, s in asking.items():
            data = str(n).encode()
            try:
                s.sendto(b"blocked", (ADDRESSES[f][1], 9001))
            except OSError as e:
                if e.errno != errno.EPERM:
                    raise
            s.sendto(data, (ADDRESSES[f][1], 9000))
            if not select.select([s], [], [], deadline)[0]:
                sys.exit(f"IPv{f} packet {n} was lost")
            if s.recv(100) != data:
                sys.exit(f"IPv{f} packet {n} has another answer")
    if select.select(leaks, [], [], 0)[0]:
        sys.exit("a packet for port 9002 came in")

echo() if sys.argv[1] == "echo" else send(int(sys.argv[2]), float(sys.argv[3]))
PYTHON

# What both sets do to ICMPv6 is to pass it: neighbours must be found.
cat >"$TMP/one" <<'FILTERS'
id=1 out=permit in=permit local=me remote=10.0.0.2 proto=udp rport=9000 lport=0
id=2 out=block in=block proto=udp
id=3 out=permit in=permit local=me remote=2001:db8::2 proto=udp rport=9000
id=4 out=none in=block local=me remote=10.0.0.2 proto=udp lport=9002 rport=9000
id=5 out=none in=block local=me remote=2001:db8::2 proto=udp lport=9002 rport=9000
id=6 out=block in=block family=6 proto=udp
FILTERS
cat >"$TMP/other" <<'FILTERS'
id=11 out=block in=block local=10.0.0.0/8
id=12 out=permit in=permit remote=10.0.0.0/255.0.0.255 proto=icmp
id=13 out=block in=block remote=10.0.0.0/24
id=14 out=permit in=permit local=10.0.0.1 remote=10.0.0.2 proto=udp rport=9000
id=15 out=none in=block local=10.0.0.1 remote=10.0.0.2 proto=udp lport=9002 rport=9000
id=16 out=permit in=permit local=2001:db8::/64 remote=2001:db8::/64 proto=udp rport=9000
id=17 out=block in=block local=2001:db8::1 remote=2001:db8::/32 proto=udp
id=18 out=none in=block local=me remote=2001:db8::/64 proto=udp lport=9002
id=19 out=block in=block family=6 proto=udp
FILTERS

# the first set, then the other, for ever
swaps() { while printf 'load %s\nload %s\n' "$TMP/one" "$TMP/other"; do :; done; }
swap() { swaps 2>/dev/null | on A ipdtool - >"$TMP/swaps" 2>&1; }
swapped() { grep -c '^filters=' "$TMP/swaps"; }
counter() { on A ipdtool stats "$1"; }

ns_add A B
link A eth0 B eth0
addr A eth0 10.0.0.1/24 2001:db8::1/64
addr B eth0 10.0.0.2/24 2001:db8::2/64
load_module
need on A ping -c 1 -W "$(secs 5)" 10.0.0.2
need on A ping -c 1 -W "$(secs 5)" 2001:db8::2
need on A ipdtool mode secure
need on A ipdtool load "$TMP/one"

spawn echo ip netns exec "$B" python3 "$TMP/peer.py" echo
wait_for 10 grep -q ready "$TMP/echo.log" || bail "the echo is there"
check "F01 F03 F04 both sets agree on their own: one" peer A send 20 "$(secs 2)"
need on A ipdtool load "$TMP/other"
check "F01 F03 F04 both sets agree on their own: the other" peer A send 20 "$(secs 2)"

blocked=$(counter drop.filter-block)
spawn swap swap
wait_for 10 test -s "$TMP/swaps" || bail "the swaps begin"
check "F01 F03 while sets are swapped, no packet is lost" peer A send $PACKETS "$(secs 5)"
stop swap
check "F01 F04 and none leaks out" not grep leak "$TMP/echo.log"
diag "$(swapped) swaps while $((4 * PACKETS)) packets left and $((4 * PACKETS)) came"
check "F01 sets were swapped meanwhile" [ "$(swapped)" -gt 100 ]
check "F01 none of them was refused" not grep -q refused "$TMP/swaps"
same "F04 every packet to be blocked was" $((4 * PACKETS)) $(($(counter drop.filter-block) - blocked))
check "F02 what has no filter passes" on A ping -c 1 -W "$(secs 5)" 2001:db8::2

need on A ipdtool load /dev/null
need on A ipdtool mode permit
need unload_module
check_world
finish
