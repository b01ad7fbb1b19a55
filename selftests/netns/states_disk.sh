#!/bin/bash
# SPDX-License-Identifier: MIT
# check: tiers=uml timeout=900
#
# No room for a change, or no way to write one: what is in force stays, and is in force after a start;
# a change is refused and has changed nothing; it is taken as soon as it can be stored.
#
#   A 192.0.2.1 ------- B 192.0.2.2, .3, .4        policy "lab" blocks .3, "office" .4
. "$TOP/selftests/lib.sh"
. "$TOP/selftests/hosts.sh"

STATE=$TMP/state-A RUN=$TMP/run-A

static() { ctl A static "$@"; }
assign() { static set policy "name=$1" assign=yes; }
pings() { on A ping -c 1 -W "$(secs 5)" "$1" >/dev/null; }
blocks() { ! on A ping -c 1 -W 1 "$1" >/dev/null; }
# what holds: the driver's mode and filters, and what is assigned
holds() {
	on A ipdtool status | grep -o ' mode=[a-z-]*'
	on A ipdtool list | grep -o 'remote=[^ ]*' | sort | xargs
	ctl A --json static show policy all |
		jq -r '[.. | objects | select(.assigned? == true) | .name] | "assigned: " + join(",")'
}
policy() { # NAME ADDRESS: it blocks what goes there
	printf '%s\n' static "add policy name=$1 activatedefaultrule=no" \
		"add filter filterlist=$1 srcaddr=me dstaddr=$2" "add filteraction name=$1 action=block" \
		"add rule name=$1 policy=$1 filterlist=$1 filteraction=$1" | ctl A -f -
}
# refused NAME PATTERN COMMAND...: with an error that says this, and what holds is what has held
refused() {
	local name=$1 pattern=$2
	shift 2
	"$@" >"$TMP/refused" 2>&1
	if [ $? -ne 1 ] || ! tr -s '\n ' ' ' <"$TMP/refused" | grep -Eq -- "$pattern"; then
		not_ok "$name"
		diag "$(cat "$TMP/refused")"
		return
	fi
	same "$name; nothing has changed" "$lab" "$(holds)"
}
# again SIGNAL: the agent ends by it, and is started again
again() {
	stop A-ipsec-policy-agent "$1"
	service A ipsec-policy-agent
	wait_for 60 services_ready A || bail "the agent starts: $(service_log A ipsec-policy-agent | tail -n 5)"
}
# to the last page: what SQLite writes into its log needs more than there is
fill() { cat /dev/zero >"$1/ballast" 2>/dev/null; [ -s "$1/ballast" ]; }
# to the last inode: room there is, but for no new file and no new socket
use_up() {
	local n=0
	while true >"$1/ballast-$n"; do n=$((n + 1)); done 2>/dev/null
	[ "$(df --output=iavail "$1" | tail -n 1)" -eq 0 ]
}
free_again() { rm "$1"/ballast-*; } # some or all of them: DIR
# fails PROGRAM PATTERN: it does not start, and says what is missing and what to do
fails() {
	service A "$1"
	wait_for 30 not running "A-$1" && stop "A-$1" && service_log A "$1" | tr -s '\n ' ' ' | grep -Eq -- "$2"
}

load_module
ns_add A B
link A eth0 B eth0
addr A eth0 "$A4/24"
addr B eth0 "$B4/24" 192.0.2.3/24 192.0.2.4/24
mkdir -p "$STATE" "$RUN" "$TMP/elsewhere"
need mount -t tmpfs -o size=2m,mode=700 tmpfs "$STATE"
defer umount "$STATE"
need mount -t tmpfs -o size=256k,nr_inodes=60,mode=755 tmpfs "$RUN"
defer umount "$RUN"
services_start A
need policy lab 192.0.2.3
need policy office 192.0.2.4
need assign lab
lab=$(holds)
check "A17 a policy is in force" eval 'blocks 192.0.2.3 && pings 192.0.2.4'

# --- a full /var ----------------------------------------------------------------------------
need fill "$STATE"
refused "A17 full: another policy is not assigned" "no space is left.*make room" assign office
refused "N02 full: no policy is made" "no space is left.*make room" static add policy name=new
check "A17 full: what was in force is" eval 'blocks 192.0.2.3 && pings 192.0.2.4'
again USR1
same "A33 full: after a restart the policy is in force" "$lab" "$(holds)"
refused "A17 full: after a restart no other is assigned" "no space is left.*make room" assign office
kill -9 "$(service_pid A ipsec-policy-agent)"
again TERM
same "A33 full: after a crash, too" "$lab" "$(holds)"
check "A33 full: packets agree" eval 'blocks 192.0.2.3 && pings 192.0.2.4'
rm "$STATE/ballast"
check "A17 room again: the other policy is assigned" assign office
check "A17 and is in force" eval 'blocks 192.0.2.4 && pings 192.0.2.3'
need assign lab

# --- a file system that is mounted for reading ----------------------------------------------
# The agent has a mount namespace of its own, by "ip netns exec" here, by its unit on a real host.
stop A-ipsec-policy-agent USR1
need mount -o remount,ro "$STATE"
again USR1
same "A33 read-only: the policy is in force after a start" "$lab" "$(holds)"
refused "A17 read-only: no other is assigned" "is read-only; mount it for writing" assign office
need mount -o remount,rw "$STATE"
refused "A17 it is mounted for writing: the agent does not see that, and says what to do" \
	"restart the service" assign office
again USR1
same "A33 restarted: the policy is in force" "$lab" "$(holds)"
check "A17 the other policy is assigned" assign office
check "A17 and is in force" eval 'blocks 192.0.2.4 && pings 192.0.2.3'
need assign lab

# --- a file system that has become read-only, for whoever has mounted it, however -------------
stop A-ipsec-policy-agent USR1
need mount --bind "$STATE" "$TMP/elsewhere"
defer umount "$TMP/elsewhere"
need mount -o remount,ro "$TMP/elsewhere"
again USR1
same "A33 read-only as a whole: the policy is in force after a start" "$lab" "$(holds)"
refused "A17 read-only as a whole: no other is assigned" "is read-only; mount it for writing" assign office
need mount -o remount,rw "$TMP/elsewhere"
check "A17 writable: the other policy is assigned, by the same agent" assign office
check "A17 and is in force" eval 'blocks 192.0.2.4 && pings 192.0.2.3'
need assign lab

# --- a full /run ------------------------------------------------------------------------------
stop A-ipsec-policy-agent USR1
need fill "$RUN"
again USR1
same "A33 full /run: the policy is in force after a start, and the socket works" "$lab" "$(holds)"
refused "A18 full /run: a dynamic rule would not outlive a crash" "space" \
	ctl A dynamic add rule me 192.0.2.4 actioninbound=block actionoutbound=block
check "A17 stored policy needs no room there" assign office
need assign lab
rm "$RUN/ballast"
check "A18 room in /run: the rule is taken" \
	ctl A dynamic add rule me 192.0.2.4 actioninbound=block actionoutbound=block
check "A18 and in force" eval 'blocks 192.0.2.4 && blocks 192.0.2.3'

# --- a /run without inodes --------------------------------------------------------------------
# Protection goes on; who cannot start says why, and starts as soon as it can.
NO_INODES="No space left on device; make room .* inodes"
stored=$lab lab=$(holds)
need use_up "$RUN"
refused "A18 no inodes: a dynamic rule would not outlive a crash" "dynamic.state .*$NO_INODES" \
	ctl A dynamic add rule me 192.0.2.9 actioninbound=block actionoutbound=block
check "A17 no inodes: stored policy needs none" eval 'assign office && assign lab'
kill -9 "$(service_pid A ipsec-policy-agent)"
again TERM
same "A33 no inodes: after a crash all is in force, dynamic rules too" "$lab" "$(holds)"
for program in ipsec-ike ipsec-cred; do
	stop "A-$program"
	service A "$program"
	check "no inodes: $program is restarted" wait_for 30 services_ready A
done
stop A-ipsec-cred
need rm "$RUN/cred" "$RUN/cred-admin"
need use_up "$RUN"
check "no inodes: ipsec-cred cannot start for the first time, and says why" fails ipsec-cred \
	"cannot listen in $RUN: $NO_INODES"
same "A33 what is in force stays" "$lab" "$(holds)"
need free_again "$RUN"
service A ipsec-cred
check "inodes again: ipsec-cred is started" wait_for 30 services_ready A

stop A-ipsec-policy-agent USR1
need use_up "$RUN"
check "A33 no inodes: the agent cannot start, and says why" fails ipsec-policy-agent \
	"policy agent cannot start: the sockets in $RUN .*$NO_INODES"
check "A33 stored policy is in force" eval 'blocks 192.0.2.3 && pings 192.0.2.4'
need rm "$RUN/agent.lock"
need use_up "$RUN"
check "A33 nor can it for the first time" fails ipsec-policy-agent \
	"policy agent cannot start: $RUN/agent.lock: $NO_INODES"
same "A33 the driver goes on" "mode=secure 192.0.2.3" "$(on A ipdtool status | grep -o '\bmode=[a-z-]*') \
$(on A ipdtool list | sed -n 's/.*remote=\([^/ ]*\).*/\1/p' | sort -u | xargs)"
check "A33 and protects" eval 'blocks 192.0.2.3 && pings 192.0.2.4'
need free_again "$RUN"
service A ipsec-policy-agent
check "A33 inodes again: the agent is started" wait_for 30 services_ready A
same "A33 and what is stored is in force" "$stored" "$(holds)"

for program in ipsec-policy-agent ipsec-ike ipsec-cred; do stop "A-$program"; done
check_world
finish
