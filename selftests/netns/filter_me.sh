#!/bin/bash
# SPDX-License-Identifier: MIT
# check: tiers=uml also=uml-debug,vm timeout=300
#
# "Me" is what this host sends, from an address that it has, had a moment ago, or never had.
#
#   A 192.0.2.1, 2001:db8::1, for a while ::77, .77 ------- B 192.0.2.2, 2001:db8::2
. "$TOP/selftests/lib.sh"
. "$TOP/selftests/driver.sh"

cat >"$TMP/sender.py" <<'PROGRAM'
import os, socket, sys
address, destination, kind = sys.argv[1:4]
family = socket.AF_INET6 if ":" in address else socket.AF_INET
with socket.socket(family, socket.SOCK_DGRAM) as sender:
    level, freebind, transparent = (41, 78, 75) if family == socket.AF_INET6 else (0, 15, 19)
    if kind != "plain":
        sender.setsockopt(level, transparent if kind == "transparent" else freebind, 1)
    sender.bind((address, 0))
    print("ready", flush=True)
    # for writing, too, so that it does not end with the first who writes
    for line in os.fdopen(os.open(sys.argv[4], os.O_RDWR)):
        try:
            sender.sendto(line.encode(), (destination, 9000))
        except OSError as error:
            print(line.strip(), error.strerror, flush=True)
PROGRAM
# from NAME ADDRESS DESTINATION plain|freebind|transparent: sends a datagram for each line it is told
from() {
	need mkfifo "$TMP/$1.in"
	spawn "$1" ip netns exec "$A" python3 "$TMP/sender.py" "$2" "$3" "$4" "$TMP/$1.in"
	wait_for 10 grep -q ready "$TMP/$1.log"
}
say_again() { echo "$2" >"$TMP/$1.in"; }
heard() { grep -c "$1" "$TMP/ear.log"; }
has_blocked_more() { [ "$(stat_of A drop.filter-block)" -gt "$before" ]; }
hears() { [ "$(heard "$1")" -ge 1 ]; }

driver_up
fresh A
spawn ear ip netns exec "$B" socat -u UDP6-RECV:9000 -
wait_for 10 listens_udp B 9000

addr A eth0 2001:db8::77/64 192.0.2.77/24
from old6 2001:db8::77 $B6 plain
from old4 192.0.2.77 $B4 plain
say_again old6 first-six
say_again old4 first-four
check "F35 without filters the packets of both arrive" eval 'wait_for 5 hears first-six && wait_for 5 hears first-four'

need ipd A add id=1 out=block in=block local=me remote=$B6 + id=2 out=block in=block local=me remote=$B4
before=$(stat_of A drop.filter-block)
say_again old6 had-six
check "F35 a rule for me blocks them" wait_for 5 has_blocked_more

# Linux does not ask of a bound IPv6 socket whether its address is still there.
need ip -n "$A" addr del 2001:db8::77/64 dev eth0
need ip -n "$A" addr del 192.0.2.77/24 dev eth0
before=$(stat_of A drop.filter-block)
say_again old6 gone-six
check "F35 and when the address is gone, too" wait_for 5 has_blocked_more
say_again old4 gone-four
check "F35 of IPv4 the socket itself is refused" wait_for 5 grep -q gone-four "$TMP/old4.log"

# an address that this host never had
from free6 2001:db8::99 $B6 freebind
before=$(stat_of A drop.filter-block)
say_again free6 never-six
check "F35 an address that the host never had is me as well" \
	wait_for 5 has_blocked_more
same "F35 nothing of it has arrived" "0 0 0 0" \
	"$(heard had-six) $(heard gone-six) $(heard gone-four) $(heard never-six)"

# A proxy that speaks for others is a router in this: what is not from me, rules for me do not meet.
from proxy6 2001:db8::99 $B6 transparent
say_again proxy6 proxy-six
check "F35 a transparent proxy sends as somebody else" wait_for 5 hears proxy-six
check_world
finish
