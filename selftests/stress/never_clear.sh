#!/bin/bash
# SPDX-License-Identifier: MIT
# check: tiers=uml timeout=900
#
# What a filter says must be secured is never on the wire in clear: not before the first
# association, not while filters are replaced a thousand times under load, not when a process
# is killed, not when somebody tries to unload the driver (pitfall C1).
#
#   A 192.0.2.1 ------- B 192.0.2.2
. "$TOP/selftests/lib.sh"
. "$TOP/selftests/hosts.sh"

RELOADS=${RELOADS-1000}


# A driver without rules is no protection: the policy is there before the wire is watched.
hosts_up
need policy_on A 192.0.2.0/24
need policy_on B 192.0.2.0/24
# What is protected is left out: a capture that has to keep up with the load may lose the one packet.
wire_start wire A eth0 B eth0 "($CLEAR) or udp port 500"
check "F05 first packets are secured" on A ping -c 2 -i 0.2 -W "$(secs 10)" $B4

spawn server ip netns exec "$B" iperf3 -s --forceflush
wait_for 30 grep -q listening "$TMP/server.log" || bail "the server of the load listens"
spawn load ip netns exec "$A" iperf3 -c $B4 -b 20M -t 3600

{
	for ((i = 0; i < RELOADS / 2; i++)); do
		echo "dynamic add rule srcaddr=me dstaddr=10.$((i % 250)).0.0/16 mmpolicy=test actioninbound=block actionoutbound=block"
		echo "dynamic delete rule srcaddr=me dstaddr=10.$((i % 250)).0.0/16 protocol=any srcport=0 dstport=0 mirrored=yes conntype=all"
	done
} >"$TMP/reloads"
check "F01 $RELOADS reloads of the filters under load" ctl A -f "$TMP/reloads"
check "the load still runs" running load

for program in ipsec-ike ipsec-cred ipsec-policy-agent; do
	stop "A-$program" KILL
	check "kill -9 of $program: traffic goes on under its associations" \
		on A ping -c 2 -i 0.2 -W "$(secs 5)" $B4
	refuse "the driver in use is not unloaded (rmmod)" unload_module
	service A "$program"
	check "$program comes back" wait_for 30 services_ready A
done
check "after it all, new traffic" on A ping -c 2 -i 0.2 -W "$(secs 10)" $B4
check "the rule is still there" grep -q 192.0.2.0 <(ctl A dynamic show rule)

stop load
stop server
wire_stop wire
never_clear "F05 F16 F25 nothing in clear" wire "$CLEAR"
check_world
finish
