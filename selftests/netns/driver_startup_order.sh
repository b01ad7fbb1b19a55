#!/bin/bash
# SPDX-License-Identifier: MIT
# check: tiers=uml also=uml-debug,vm timeout=600
#
# From the driver's start to the last layer of policy, as an agent goes through it: startup mode
# block, the persistent filters, secure mode, the filters of the directory. Traffic goes on all the
# time, to a port that both layers block, to one that both permit, and to one of each.
#
#   A 192.0.2.1 wire ------- eth0 B 192.0.2.2        A is the guest's initial namespace
. "$TOP/selftests/lib.sh"
. "$TOP/selftests/driver.sh"

NEVER=7001 ALWAYS=7002 PERSISTENT=7003 DIRECTORY=7004

# what a layer lets out and in, besides what both do
layer() { # PORT
	local port
	echo "id=1 out=block in=block local=me remote=any"
	for port in $ALWAYS "$1"; do
		echo "id=$port out=permit in=permit local=me remote=any proto=udp rport=$port"
		echo "id=1$port out=permit in=permit local=me remote=any proto=udp lport=$port"
	done
}

startup_up
for port in $NEVER $ALWAYS $PERSISTENT $DIRECTORY; do
	spawn "in-$port" socat -u "UDP4-RECV:$port" "CREATE:$TMP/in-$port"
	wait_for 10 listens_udp A $port
	# shellcheck disable=SC2016 # perl's
	spawn "out-$port" perl -MIO::Socket::INET -e 'my $s = IO::Socket::INET->new(Proto => "udp",
		PeerAddr => $ARGV[0], PeerPort => $ARGV[1]); while (1) { $s->send("out"); select undef, undef, undef, 0.01 }' \
		$B4 $port
	# shellcheck disable=SC2016
	spawn "flood-$port" ip netns exec "$B" perl -MIO::Socket::INET -e 'my $s = IO::Socket::INET->new(Proto => "udp",
		PeerAddr => $ARGV[0], PeerPort => $ARGV[1]); while (1) { $s->send("in\n"); select undef, undef, undef, 0.01 }' \
		$A4 $port
done
heard() { wc -c <"$TMP/in-$1"; } # PORT
has_heard() { [ "$(heard "$1")" -gt "$2" ]; }
left() { capture_flush order && capture_count order "udp dst port $1"; }
has_left() { [ "$(left "$1")" -gt "$2" ]; }
sent() { on B cat /sys/class/net/eth0/statistics/tx_packets; }
has_sent() { [ "$(sent)" -ge "$1" ]; }

# a while in which each port would have been heard of some times
a_while() { wait_for 20 has_sent $(($(sent) + 30)); }
passes() { # PORT: both ways
	local was_left was_heard
	was_left=$(left "$1") was_heard=$(heard "$1")
	wait_for 10 has_left "$1" "$was_left" && wait_for 10 has_heard "$1" "$was_heard"
}
stands_still() { # PORT
	local was
	was="$(left "$1") $(heard "$1")"
	a_while && [ "$was" = "$(left "$1") $(heard "$1")" ]
}

check "before: a peer is heard" wait_for 10 has_heard $NEVER 10

# --- the driver starts -------------------------------------------------------------------------
begin startup_mode=block diag=7
heard_before=$(heard $NEVER)
listen A mode
capture_start order A wire udp
for port in $NEVER $ALWAYS $PERSISTENT $DIRECTORY; do
	check "D35 in block mode nothing passes, port $port" stands_still $port
done
logged() { kernel_log | grep "ipsecdrv: .*$1" | grep -q "startup"; }
check "D34 what is dropped is in the kernel's log: inbound" \
	wait_for 10 logged "from $B4 port [0-9]* to $A4 port $NEVER"
check "D34 and outbound" wait_for 10 logged "from $A4 port [0-9]* to $B4 port $NEVER"

# --- persistent policy -------------------------------------------------------------------------
need ipd A load - < <(layer $PERSISTENT)
same "D20 the persistent filters are there, the mode is that of the start" "5 startup-block" \
	"$(status_of filters) $(mode_of A)"
for port in $NEVER $PERSISTENT; do
	check "D35 what they permit does not pass before secure mode, port $port" stands_still $port
done
need ipd A mode secure
same "D20 then secure mode" secure "$(mode_of A)"
for port in $ALWAYS $PERSISTENT; do
	check "D35 under the persistent filters passes what they permit, port $port" passes $port
done
check "D35 and not what only the directory permits" stands_still $DIRECTORY

# --- policy of the directory -------------------------------------------------------------------
need ipd A load - < <(layer $DIRECTORY)
for port in $ALWAYS $DIRECTORY; do
	check "D20 D35 the directory's filters are in force, port $port" passes $port
done
check "D35 and the persistent ones are not any more" stands_still $PERSISTENT
same "D20 the order, as told" "secure" \
	"$(grep -o ' mode=[a-z-]*' "$TMP/listen-A.log" | cut -d= -f2 | xargs)"
capture_stop order
same "D35 nothing of what all layers block has left, from the start on" 0 \
	"$(capture_count order "udp dst port $NEVER")"
check "D35 while others have" [ "$(capture_count order "udp dst port $ALWAYS")" -gt 10 ]
same "D35 nor has it been heard" "$heard_before" "$(heard $NEVER)"
for port in $NEVER $ALWAYS $PERSISTENT $DIRECTORY; do
	stop "flood-$port"
	stop "out-$port"
done
check_world
finish
