#!/bin/bash
# SPDX-License-Identifier: MIT
# check: tiers=uml also=uml-debug,vm timeout=400
#
# Stored policy by command, agent and driver: what is assigned is in force when a command returns, and
# at the next start; what is not assigned never is. What is in force is asked of the driver, and of
# packets.
#
#   A 192.0.2.1 ------- B 192.0.2.2
. "$TOP/selftests/lib.sh"
. "$TOP/selftests/hosts.sh"

load_module
ns_add A B
link A eth0 B eth0
addr A eth0 "$A4/24" "$A6/64"
addr B eth0 "$B4/24" "$B6/64"
chmod 755 "$TMP"
services_start A

static() { ctl A static "$@"; }
persistent() { printf 'static\nset store persistent\n%s\n' "$*" | ctl A -f -; } # COMMAND
# of the filters in the driver: those between A and this address, or all
in_driver() { on A ipdtool list | grep -c "^id=.*remote=${1-}"; }
mode() { on A ipdtool status | grep -o 'mode=[a-z-]*'; }
mode_is() { [ "$(mode)" = "mode=$1" ]; }
pings() { on A ping -c 1 -W "$(secs 3)" "$B4" >/dev/null; }
is_blocked() { ! on A ping -c 1 -W 1 "$B4" >/dev/null; }
store() { echo "$TMP/state-A/$1.db"; }
agent_stop() { stop A-ipsec-policy-agent; }
agent_start() { service A ipsec-policy-agent && wait_for 30 services_ready A; }
restart() { agent_stop && agent_start; }
assigned() { ctl A --json static show policy all | jq -r '[.. | objects | select(.assigned? == true) | .name] | join(",")'; }

# policy NAME ADDRESS [ACTION]: it blocks what goes there; not assigned
policy() {
	static add policy "name=$1" activatedefaultrule=no &&
		static add filterlist "name=$1" &&
		static add filter "filterlist=$1" srcaddr=me "dstaddr=$2" &&
		static add filteraction "name=$1" "action=${3-block}" &&
		static add rule "name=$1" "policy=$1" "filterlist=$1" "filteraction=$1"
}

check "A32 the service runs" mode_is secure
same "A32 and has put nothing into the driver" 0 "$(in_driver)"
same "A32 the stores are root's alone" "600 600" \
	"$(stat -c %a "$(store local)" "$(store persistent)" | xargs)"
check "A05 N02 a policy with all its objects is made" policy lab $B4
check "A05 N02 another one" policy office 192.0.2.9
same "A05 N02 nothing of it is in the driver" 0 "$(in_driver)"
check "A05 N02 and packets pass" pings
check "A17 N09 it is assigned" static set policy name=lab assign=yes
same "A17 N09 its filter is in the driver" 1 "$(in_driver $B4)"
check "A17 N09 and packets do not pass" is_blocked
same "A17 it is the one that is shown as assigned" lab "$(assigned)"
check "A03 a filter is added to it" static add filter filterlist=lab srcaddr=me dstaddr=192.0.2.7
same "A03 and is in the driver" 1 "$(in_driver 192.0.2.7)"
check "A03 its action is changed" static set filteraction name=lab action=permit
check "A03 and packets pass" pings
check "A03 its rule is deactivated" static set rule name=lab policy=lab activate=no
same "A03 and its filters are gone" 0 "$(in_driver)"
need static set rule name=lab policy=lab activate=yes
need static set filteraction name=lab action=block
check "A04 another policy is assigned" static set policy name=office assign=yes
same "A04 only that one is" office "$(assigned)"
same "A04 and only its filter is in the driver" "1 1" "$(in_driver) $(in_driver 192.0.2.9)"
check "A08 no policy is assigned" static set policy name=office assign=no
same "A08 no filter is left" 0 "$(in_driver)"
check "A08 the mode stays, packets pass" eval "mode_is secure && pings"
need static set policy name=lab assign=yes
check "A08 the assigned policy is deleted" static delete policy name=lab
same "A08 no filter is left then, too" 0 "$(in_driver)"
need static add policy name=lab activatedefaultrule=no
need static add rule name=lab policy=lab filterlist=lab filteraction=lab

refuse "a refused change" static add rule name=x policy=lab filterlist=none filteraction=lab
need static set policy name=lab assign=yes
need static add filteraction name=let action=permit
before=$(on A ipdtool list | sed 's/ out-hits.*//')
refuse "two rules want different things for the same traffic" \
	static add rule name=again policy=lab filterlist=lab filteraction=let
same "changed nothing in the driver" "$before" "$(on A ipdtool list | sed 's/ out-hits.*//')"

# Whoever wants the cache gets no other store in its place.
before=$(static show all)
printf '%s\n' static "set store cache" "add policy name=p" "set policy name=lab assign=no" "delete all" |
	ctl A -f - >"$TMP/out" 2>&1
same "A16 the cache is not a store that commands act on: status" 2 $?
same "A16 none of them does: three are refused" 3 "$(grep -c 'not done, as the store that this script has chosen is not there' "$TMP/out")"
same "A16 nothing has changed" "$before" "$(static show all)"
refuse "A16 there is no cache now" test -e "$(store cache)"

# --- restarts
need ctl A dynamic add rule me 192.0.2.8 actioninbound=block actionoutbound=block
need ctl A dynamic set config ikelogging 1
same "A18 a rule of the dynamic context is in force beside it" "1 1" \
	"$(in_driver 192.0.2.8) $(in_driver $B4)"
agent_stop
same "A02 stopped: permit mode, without filters" "mode=permit 0" "$(mode) $(in_driver)"
check "A02 and packets pass" pings
need agent_start
same "A18 N04 after the start the rule is gone" 0 "$(in_driver 192.0.2.8)"
same "A33 the stored policy is in force" 1 "$(in_driver $B4)"
same "A19 the configuration is kept" 1 "$(ctl A --json dynamic show config | jq -r '.. | .ikelogging? // empty')"
agent_stop
check "A33 a change while there is no agent" ipsecctl --run-dir "$(run_dir A)" --state-dir "$TMP/state-A" \
	static add filter filterlist=lab srcaddr=me dstaddr=192.0.2.6
need agent_start
same "A33 is in force at once when it starts" 1 "$(in_driver 192.0.2.6)"
kill -9 "$(service_pid A ipsec-policy-agent)"
check "a crash: the driver goes on" eval "mode_is secure && is_blocked"
stop A-ipsec-policy-agent
need agent_start
same "and the next agent has the same" 3 "$(in_driver)"

need ctl A dynamic add rule me 192.0.2.8 actioninbound=block actionoutbound=block
stop A-ipsec-policy-agent USR2
check "replaced by another version: the driver goes on" eval "mode_is secure && is_blocked"
need agent_start
same "and the next agent has everything, the dynamic rule too" "4 1" "$(in_driver) $(in_driver 192.0.2.8)"
stop A-ipsec-policy-agent USR1
check "A33 a restart: the driver goes on, there is no gap" eval "mode_is secure && is_blocked"
need agent_start
same "A18 N04 and the dynamic rule is gone then" "3 0" "$(in_driver) $(in_driver 192.0.2.8)"
check "A33 what is stored is in force" is_blocked

# --- others
need sqlite3 "$(store local)" "UPDATE policies SET is_assigned = 0"
check "A03 A07 somebody else unassigns it: the driver follows" wait_for 10 eval '[ "$(in_driver)" = 0 ]'
need sqlite3 "$(store local)" "UPDATE policies SET is_assigned = 1 WHERE name = 'lab'"
check "A03 A07 and assigns it" wait_for 10 eval '[ "$(in_driver)" = 3 ]'
check "the log says what changed" \
	eval 'service_log A ipsec-policy-agent | grep -q "local policy \"lab\" is assigned"'

# --- rights
group=64300
denied() { ! "$@" >"$TMP/denied" 2>&1 && grep -Eq 'IPsec\[0*5\]|denied|root' "$TMP/denied"; }
as() { # GROUPS COMMAND...: as somebody who is not root
	local groups=$1
	shift
	on A setpriv --reuid 64200 --regid 64200 --groups "$groups" ipsecctl --run-dir "$(run_dir A)" "$@"
}
check "X02 somebody is not let in" denied as $group static show policy all
need chgrp $group "$(store local)"
need chmod 660 "$(store local)"
check "X02 the group may read the local store" as $group static show policy all
check "X02 and change it, without root" as $group static set policy name=lab assign=no
same "X02 which acts" 0 "$(in_driver)"
check "X02 not the persistent one" denied eval \
	"printf 'static\nset store persistent\nadd policy name=p\n' | as $group -f -"
check "X02 nor anything else" denied as $group dynamic delete all
check "X02 nor see it" denied as $group status
check "X02 others are not let in as before" denied as 64301 static show policy all
need chmod 600 "$(store local)"
check "X02 what is taken back is gone" denied as $group static show policy all
need static set policy name=lab assign=yes

# --- persistent policy: only ICMP and a management host pass, until there is more
persistent_policy() {
	persistent "add policy name=base activatedefaultrule=no" &&
		persistent "add filter filterlist=all srcaddr=me dstaddr=any" &&
		persistent "add filter filterlist=icmp srcaddr=me dstaddr=any protocol=ICMP" &&
		persistent "add filter filterlist=management srcaddr=me dstaddr=$B4 protocol=TCP srcport=22" &&
		persistent "add filteraction name=block action=block" &&
		persistent "add filteraction name=permit action=permit" &&
		persistent "add rule name=all policy=base filterlist=all filteraction=block" &&
		persistent "add rule name=icmp policy=base filterlist=icmp filteraction=permit" &&
		persistent "add rule name=management policy=base filterlist=management filteraction=permit" &&
		persistent "set policy name=base assign=yes"
}
on A socat TCP-LISTEN:22,fork,reuseaddr /dev/null & servers=$!
on A socat TCP-LISTEN:23,fork,reuseaddr /dev/null & servers="$servers $!"
# shellcheck disable=SC2086 # several processes
defer kill $servers
connects() { on B socat -u /dev/null "TCP:$A4:$1,connect-timeout=$(secs 3)" 2>/dev/null; } # PORT
need static set policy name=lab assign=no
check "telnet gets through" wait_for 10 connects 23
check "A09 A11 a persistent policy is assigned" persistent_policy
same "A11 it waits" 0 "$(in_driver)"
check "A11 and telnet gets through" connects 23
need restart
base=$(in_driver)
check "A09 after the start it is in force" [ "$base" -gt 3 ]
check "A12 ICMP passes" pings
check "A12 and the management host" connects 22
refuse "A12 nothing else does" connects 23
check "A11 a filter is added to it" persistent "add filter filterlist=management srcaddr=me dstaddr=$B4 protocol=TCP srcport=23"
same "A11 and waits, too" $base "$(in_driver)"
refuse "A11 nobody gets through by it" connects 23
need persistent "delete filter filterlist=management srcaddr=me dstaddr=$B4 protocol=TCP srcport=23"
need static add filter filterlist=telnet srcaddr=me "dstaddr=$B4" protocol=TCP srcport=23
need static add policy name=telnet activatedefaultrule=no
need static add rule name=telnet policy=telnet filterlist=telnet filteraction=let
need static set policy name=telnet assign=yes
check "A10 A12 the second layer adds to it" connects 23
same "A10 both are in the driver" $((base + 1)) "$(in_driver)"
need static set policy name=lab assign=yes
check "A10 the more specific filter decides, of whichever layer it is" is_blocked
need static set policy name=lab assign=no
check "A10 A12 and without it the base does" pings
need persistent "set policy name=base assign=no"
refuse "A11 the persistent policy stays until the next start" connects 23
agent_stop

# --- a persistent policy that cannot be read
mv "$(store persistent)" "$TMP/persistent.aside"
rm -f "$(store persistent)"-*
echo "this is no store" >"$(store persistent)"
service A ipsec-policy-agent
check "D17 the driver blocks" wait_for 30 mode_is block
check "D17 packets do not pass" is_blocked
check "D17 status says what to do" eval 'ctl A status | tr "\n" " " | grep "^! The persistent policy is not in force.*persistent.db"'
same "D17 the file is as it was" "this is no store" "$(cat "$(store persistent)")"
agent_stop
mv "$TMP/persistent.aside" "$(store persistent)"
need agent_start
check "D17 mended, and started: secure mode" mode_is secure
check "telnet gets through as at first" connects 23

stop A-ipsec-policy-agent
stop A-ipsec-ike
stop A-ipsec-cred
check_world
finish
