#!/bin/bash
# SPDX-License-Identifier: MIT
# check: tiers=uml timeout=300
#
# The driver under a running agent is somebody else's, too: its mode is set, it is unloaded, or not there
# when the agent starts. What is protected is protected again as soon as it can be; else it is
# said what to do. What stands in for a driver that cannot be loaded at a boot: boot_start.sh.
#
#   A 192.0.2.1 ------- B 192.0.2.2        192.0.2.3 is blocked by stored policy
. "$TOP/selftests/lib.sh"
. "$TOP/selftests/hosts.sh"

agent() { service_pid A ipsec-policy-agent; }
mode_is() { on A ipdtool status | grep -q " mode=$1 "; }
is_blocked() { ! on A ping -c 1 -W 1 192.0.2.3 >/dev/null; }
pings() { on A ping -c 1 -W "$(secs 5)" "$1" >/dev/null; }
said() { service_log A ipsec-policy-agent | grep -q "$1"; }
# is_told PATTERN: status finds something that needs attention, and says this
is_told() { ! ctl A status >"$TMP/status" && tr -s '\n ' ' ' <"$TMP/status" | grep -Eq -- "$1"; }
is_well() { ctl A status >"$TMP/status"; }

hosts_up
addr B eth0 192.0.2.3/24
need ctl A -f - <<END
static
add policy name=lab activatedefaultrule=no
add filter filterlist=lab srcaddr=me dstaddr=192.0.2.3
add filteraction name=lab action=block
add rule name=lab policy=lab filterlist=lab filteraction=lab
set policy name=lab assign=yes
END
need policy_on A $B4
need policy_on B $A4
wire_start wire A eth0 B eth0 "($CLEAR) or esp"
check "F04 F05 blocked and secured" eval 'is_blocked && pings $B4'

# --- its mode
need on A ipdtool mode block
check "D15 set to block by somebody else: it is secure again" wait_for 10 mode_is secure
check "and packets pass" wait_for 70 pings $B4
spis=$(ctl A --json dynamic show qmsas | jq -c '[.qmsas[] | .espspiin] | sort')
kill -STOP "$(agent)"
need on A ipdtool mode block
refuse "the agent does not run for a while: the driver has that mode" pings $B4
kill -CONT "$(agent)"
check "D15 it sees it when it runs again" wait_for 10 mode_is secure
check "and packets pass" wait_for 70 pings $B4
same "under the same associations" "$spis" "$(ctl A --json dynamic show qmsas | jq -c '[.qmsas[] | .espspiin] | sort')"
wire_stop wire
never_clear "F05 F16 nothing in clear" wire "$CLEAR"
# Whoever sets permit means it; but only the agent's stop is the end of protection.
need on A ipdtool mode permit
check "D15 set to permit: secure again" wait_for 10 mode_is secure
check "blocked and secured" eval 'is_blocked && wait_for 70 pings $B4'
check "status has nothing to say" wait_for 10 is_well

# --- unloaded
unload() { # while nobody looks
	on A ipdtool mode permit && on B ipdtool mode permit && unload_module
}
kill -STOP "$(agent)" "$(service_pid B ipsec-policy-agent)"
need unload
kill -CONT "$(agent)" "$(service_pid B ipsec-policy-agent)"
check "unloaded: the agent ends" wait_for 10 not running A-ipsec-policy-agent
check "and says why" said 'The driver was unloaded.*has to be started again'
check "status says what to do" is_told \
	'! The policy agent is not running. Start it with .* ! The driver is not loaded in this kernel; run .modprobe ipsecdrv'
stop A-ipsec-policy-agent
stop B-ipsec-policy-agent
service A ipsec-policy-agent
check "without a driver it does not start" wait_for 10 not running A-ipsec-policy-agent
check "and says what to do" said 'The driver is not loaded in this kernel; run "modprobe ipsecdrv"'
stop A-ipsec-policy-agent

load_module
service A ipsec-policy-agent
service B ipsec-policy-agent
check "loaded again, and started" eval 'wait_for 30 services_ready A && wait_for 30 services_ready B'
check "A33 stored policy is in force" is_blocked
check "A02 dynamic rules, too: nobody has stopped the agent" eval '[ "$(on A ipdtool list | grep -c "^id=.*remote=$B4")" = 1 ]'
wire_start again A eth0 B eth0 "($CLEAR) or esp"
check "and all is negotiated anew" wait_for 70 pings $B4
check "status has nothing to say" wait_for 10 is_well
wire_stop again
never_clear "F05 F16 nothing in clear" again "$CLEAR"

# --- unloaded and loaded before anybody has looked
kill -STOP "$(agent)" "$(service_pid B ipsec-policy-agent)"
need unload
load_module
kill -CONT "$(agent)" "$(service_pid B ipsec-policy-agent)"
check "another driver is not the one that the agent knows: it ends" wait_for 10 not running A-ipsec-policy-agent
stop A-ipsec-policy-agent
stop B-ipsec-policy-agent
service A ipsec-policy-agent
service B ipsec-policy-agent
check "started again" eval 'wait_for 30 services_ready A && wait_for 30 services_ready B'
check "A33 all is in force" eval 'is_blocked && wait_for 70 pings $B4'

for host in A B; do
	for program in ipsec-policy-agent ipsec-ike ipsec-cred; do stop "$host-$program"; done
done
check "the driver unloads after a clean stop" unload_module
check_world
finish
