#!/bin/bash
# SPDX-License-Identifier: MIT
# check: tiers=uml-debug also=uml,vm timeout=400
#
# Startup modes permit and stateful, and their end. The module's parameters are for the initial
# namespace, so A is that of the guest.
#
#   A 192.0.2.1, 2001:db8::1 wire ------- eth0 B 192.0.2.2, 2001:db8::2
. "$TOP/selftests/lib.sh"
. "$TOP/selftests/driver.sh"

startup_up
refcount() { awk '$1 == "ipsecdrv" { print $3 }' /proc/modules; }

# --- values that are none --------------------------------------------------------------
for bad in startup_mode=secure startup_mode= boot_exempt=TCP:22:inbound boot_exempt= exempt=4 exempt=two; do
	refuse "D13 the module refuses $bad" insmod "$IPD_MODULE" "$bad"
done
for line in 'startup_mode=secure: permit, stateful or block is expected' \
	'boot_exempt: "TCP:22:inbound": TCP and UDP are followed by two ports and a direction' \
	'exempt=4: a number from 0 to 3 is expected'; do
	check "D13 and says: $line" eval 'kernel_log | grep -qF "ipsecdrv: $line"'
done
refuse "D13 good values beside a bad one do not help" \
	insmod "$IPD_MODULE" startup_mode=block boot_exempt=ICMP:inbound exempt=9
check "D13 the module is not there" not module_loaded
check "D13 and packets pass" pings A $B4

# --- permit: also what no parameter gives -----------------------------------------------------
begin
same "D01 D02 D03 D04 without parameters, which a service that does not start leaves: permit" "startup-permit startup-permit 3" \
	"$(mode_of A) $(status_of startup) $(status_of exempt)"
same "D02 as the module says" "permit none 3" \
	"$(parameter startup_mode) $(parameter boot_exempt) $(parameter exempt)"
same "D02 it does not hold the module" 0 "$(refcount)"
check "D02 everything passes" pings A $B4
check "D02 in both directions" pings B $A4
same "D02 match says so" "pass mode" "$(judge A in $B4 $A4 tcp 1 2)"
need ipd A mode secure
same "D18 an operational mode does not change how it began" "secure startup-permit" \
	"$(mode_of A) $(status_of startup)"
begin startup_mode=Permit exempt=1
same "D13 D28 loaded again, with other parameters" "startup-permit 1" \
	"$(mode_of A) $(status_of exempt)"

has_dropped() { [ "$(stat_of A drop.startup)" -ge "$1" ]; }

# --- stateful ------------------------------------------------------------------------------------
# listeners that have been there all along: groups, and one that nobody spoke to
spawn any ip netns exec "$A" socat -u UDP4-RECV:7777,ip-add-membership=224.1.2.3:wire "CREATE:$TMP/any"
wait_for 10 listens_udp A 7777
all_kinds() { # TEXT: to the host, its subnet's broadcast address, all, a group
	udp B $A4 7777 "$1-host"
	on B socat -u - UDP4-DATAGRAM:192.0.2.255:7777,broadcast <<<"$1-subnet"
	on B socat -u - UDP4-DATAGRAM:255.255.255.255:7777,broadcast,so-bindtodevice=eth0 <<<"$1-all"
	on B socat -u - UDP4-DATAGRAM:224.1.2.3:7777,ip-multicast-if=$B4 <<<"$1-group"
}
all_kinds before
check "D08 in permit all kinds arrive" wait_for 10 eval '[ "$(grep -c before "$TMP/any")" = 4 ]'
serve_tcp tcp-B B 80
serve_tcp tcp-A A 81
spawn echo ip netns exec "$B" socat -t 20 -T 30 UDP4-RECVFROM:7000,fork SYSTEM:cat
wait_for 10 listens_udp B 7000

# a peer that never stops: from the moment that insmod is done, it is not heard
echos() { # received by A
	awk '/^Icmp:/ { for (i = 1; i <= NF; i++) if (name[i] == "InEchos") print $i; else name[i] = $i }' \
		/proc/net/snmp
}
sent() { on B cat /sys/class/net/eth0/statistics/tx_packets; }
has_sent() { [ "$(sent)" -ge "$1" ]; }
spawn flood ip netns exec "$B" ping -q -i 0.002 $A4
check "D05 a peer is heard" wait_for 10 eval '[ "$(echos)" -gt 20 ]'
begin startup_mode=stateful
heard=$(echos)
check "D05 the peer goes on" wait_for 10 has_sent $(($(sent) + 50))
same "D05 but is not heard from the moment on that the module is there" "$heard" "$(echos)"
stop flood INT

same "D05 stateful" "startup-stateful startup-stateful" "$(mode_of A) $(status_of startup)"
same "D05 it holds the module" 1 "$(refcount)"
refuse "D05 so it cannot be unloaded" unload_module
for b in $B4 $B6; do
	check "D06 D07 pings to $b are answered" pings A $b
	check "D06 D07 a connection to $b" tcp A $b 80
done
same "D06 D07 a datagram is answered" question "$(on A socat -t 20 -T 20 - "UDP4:$B4:7000" <<<question)"
for a in $A4 $A6; do
	check "D07 a ping to $a is not answered" no_ping B $a
	check "D07 a connection to $a is not" no_tcp B $a 81
done
check "D05 loopback stays" tcp A 127.0.0.1 81
check "D05 own addresses stay" pings A $A4
dropped=$(stat_of A drop.startup)
all_kinds during
check "D08 D34 what comes unasked is dropped for that reason" \
	wait_for 10 has_dropped $((dropped + 4))
udp A $B4 6001 open sourceport=6000
same "D07 the answer to a datagram" "pass stateful" "$(judge A in $B4 $A4 udp 6001 6000)"
same "D07 not from another port" "drop startup" "$(judge A in $B4 $A4 udp 6002 6000)"
same "D07 not to another port" "drop startup" "$(judge A in $B4 $A4 udp 6001 6002)"
same "D07 not by another protocol" "drop startup" "$(judge A in $B4 $A4 tcp 6001 6000)"
same "D07 not from another host" "drop startup" "$(judge A in 192.0.2.3 $A4 udp 6001 6000)"
same "D08 not to all" "drop startup" "$(judge A in $B4 192.0.2.255 udp 6001 6000)"
same "D06 match says so of what leaves" "pass stateful" "$(judge A out $A4 $B4 tcp 5 6)"
same "D07 and of what does not come in" "drop startup" "$(judge A in $B4 $A4 tcp 5 6)"
# the peer has no such port, and says so
on A socat -T "$(secs 10)" - "UDP4:$B4:9" <<<x 2>"$TMP/refused" >/dev/null
check "D07 an ICMP error about a flow arrives" grep -q refused "$TMP/refused"
check "D07 flows are counted" [ "$(status_of stateful)" -ge 4 ]

# --- the first operational mode ends it ----------------------------------------------------------------
need ipd A mode secure
same "D14 D18 secure: the table is gone, how it began is not" "secure startup-stateful 0 stateful" \
	"$(mode_of A) $(status_of startup) $(status_of stateful) $(parameter startup_mode)"
all_kinds after
check "D14 and everything arrives again" wait_for 10 eval '[ "$(grep -c after "$TMP/any")" = 4 ]'
same "D08 nothing of what was dropped had arrived" 0 "$(grep -c during "$TMP/any")"
refusal() { ! ipd "$@" 2>"$TMP/refusal" && sed -n 's/^ipdtool: //p' "$TMP/refusal"; }
same "D19 no command goes back" "Invalid argument: mode startup-stateful: only the driver starts in it" \
	"$(refusal A mode startup-stateful)"
need ipd A mode permit
same "D16 permit gives the module back" 0 "$(refcount)"
ns_add C
same "D15 other namespaces begin in permit" "permit permit" \
	"$(mode_of C) $(field startup "$(ipd C status)")"

# --- the level of exemptions from filters ---------------------------------------------------------------------------
for level in 0 1 2 3; do
	begin exempt=$level
	same "D28 exempt=$level" "$level" "$(status_of exempt)"
done
need ipd A mode permit
need unload_module
check "D16 at last, everything passes" pings B $A4
check_world
finish
