#!/bin/bash
# SPDX-License-Identifier: MIT
# check: tiers=uml timeout=400
#
# What an administrator looks at policy with before and after it is assigned: check, dump, diff, explain
# and try, by command, agent, driver and packets.
#
#   A 192.0.2.1 ------- B 192.0.2.2 (Betty; her store is another host's)
. "$TOP/selftests/lib.sh"
. "$TOP/selftests/hosts.sh"

hosts_up

static() { ctl A static "$@"; }
# of the finding, with its severity
finding() { ctl A --json check "policy=$1" | jq -r ".findings[] | select(.finding == \"$2\") | .severity"; }
from_ssh() { # COMMAND...: as over SSH from B
	SSH_CONNECTION="$B4 40000 $A4 22" "$@"
}
filters() { on A ipdtool list | grep -c '^id='; }
id_of() { on A ipdtool list | sed -n "s/^id=\([0-9]*\) .*$1.*/\1/p"; } # PATTERN
pings() { on A ping -n -c 1 -W "$(secs 3)" "$B4" >/dev/null; }
is_blocked() { ! on A ping -n -c 1 -W 1 "$B4" >/dev/null; }
assign() { static set policy "name=$1" assign=yes; }
unassign() { static set policy "name=$1" assign=no; }
assigned() { ctl A --json static show policy all | jq -r '[.. | objects | select(.assigned? == true) | .name] | join(",")'; }
in_force() { ctl A diff from=local to=driver; }
restart() { stop A-ipsec-policy-agent && agent_start; }
agent_start() { service A ipsec-policy-agent && wait_for 30 services_ready A; }

# --- check -------------------------------------------------------------------------------------
cat >"$TMP/policies" <<END
static add filteraction name=drop action=block
static add filteraction name=let action=permit
static add filteraction name=secure action=negotiate qmsecmethods="ESP[AES128,SHA256]:100000k/3600s"
static add filteraction name=open action=negotiate inpass=yes qmsecmethods="ESP[AES128,SHA256]"
static add filter filterlist=everything srcaddr=me dstaddr=any
static add filter filterlist=oneway srcaddr=me dstaddr=$B4 mirrored=no
static add policy name=LockOut activatedefaultrule=no
static add rule name=all policy=LockOut filterlist=everything filteraction=drop
static add policy name=OneWay activatedefaultrule=no
static add rule name=half policy=OneWay filterlist=oneway filteraction=secure psk="$PSK"
static add policy name="Branch office" description="of \"Betty\", and 100%" mmlifetime=60 activatedefaultrule=no
static add filter filterlist=telnet srcaddr=any dstaddr=me protocol=TCP dstport=23
static add filter filterlist=web srcaddr=me dstaddr=$B4 protocol=TCP dstport=80
static add filter filterlist=net srcaddr=me dstaddr=192.0.2.0 dstmask=24
static add filter filterlist=dns srcaddr=me dstaddr=192.0.2.53 protocol=UDP dstport=53 mirrored=no
static add filter filterlist=v6 srcaddr=me dstaddr=$B6 protocol=UDP
static add rule name=telnet policy="Branch office" filterlist=telnet filteraction=drop
static add rule name=web policy="Branch office" filterlist=web filteraction=let
static add rule name=net policy="Branch office" filterlist=net filteraction=secure psk="$PSK"
static add rule name=dns policy="Branch office" filterlist=dns filteraction=drop
static add rule name=v6 policy="Branch office" filterlist=v6 filteraction=open psk="$PSK"
END
need ctl A -f "$TMP/policies"
same "before it is assigned: it would cut the administrator's own connection" warning \
	"$(from_ssh finding LockOut ssh-lock-out)"
same "which is no matter from the console" "" "$(finding LockOut ssh-lock-out)"
same "a filter of one direction cannot negotiate" error "$(finding OneWay one-way-negotiate)"
refuse "and is the exit status" ctl A check policy=OneWay
refuse "the agent says the same and does not put it in force" assign OneWay
same "nothing is in the driver" "0 " "$(filters) $(assigned)"
check "what has no error" ctl A check "policy=Branch office"

# --- explain, before and after -----------------------------------------------------------------
cat >"$TMP/packets" <<END
out $A4 $B4
out $A4 $B4 TCP 40000 80
in $B4 $A4 TCP 80 40000
in $B4 $A4 TCP 40000 23
out $A4 $B4 TCP 23 40000
out $A4 192.0.2.53 UDP 40000 53
in 192.0.2.53 $A4 UDP 53 40000
in $B4 $A4 TCP 40000 445
out $A4 198.51.100.1 TCP 40000 443
out $A4 192.0.2.255 UDP 138 138
out $A4 224.0.0.251 UDP 5353 5353
out $A4 $B4 UDP 500 500
out $A6 $B6 UDP 40000 53
in $B6 $A6 UDP 53 40000
out 127.0.0.1 127.0.0.1 TCP 40000 80
END
# explained [POLICY]: of each packet the verdict, and the rule behind it
explained() {
	sed "s/^/explain /; s/\$/${1+ policy=\"$1\"}/" "$TMP/packets" | ctl A -f - 2>/dev/null |
		grep -E '^(Inbound|Outbound|This packet|Reason|Peer|Rule|Overrules|Interface|Action|Driver Mode)'
}
explained "Branch office" >"$TMP/before"
same "explain of a policy that is not assigned answers each packet" "15 0" \
	"$(grep -c '^This packet' "$TMP/before") $(filters)"
check "it is assigned" assign "Branch office"
explained >"$TMP/after"
check "the driver does what was said of it" diff "$TMP/before" "$TMP/after"
check "packets do it: port 80 is reached" eval \
	'on A socat -u /dev/null "TCP:$B4:80,connect-timeout=$(secs 5)" 2>&1 | grep -q refused'
check "and a ping is not" is_blocked

# --- dump, and diff of stores ------------------------------------------------------------------
refuse "keys are in a dump only if they are asked for" eval 'ctl A dump | grep -F "$PSK"'
ctl A dump secrets=yes >"$TMP/dump"
need ctl B static delete all
refuse "an empty store is another one" diff <(ctl B dump secrets=yes) "$TMP/dump"
check "X12 the dump runs on another host" ctl B -f "$TMP/dump"
check "X12 X13 and makes the same store there" diff "$TMP/dump" <(ctl B dump secrets=yes)
same "X12 with the policy in force" "There is no difference." "$(ctl B diff from=local to=driver)"
sed s/location=local/location=persistent/ "$TMP/dump" >"$TMP/persistent"
need ctl B -f "$TMP/persistent"
same "X12 and in another store: no difference" "There is no difference." \
	"$(ctl B diff from=local to=persistent)"
need ctl B static set policy "name=Branch office" mmlifetime=90 assign=no
same "what is changed then is told" 'policy "Branch office": mmlifetime: 90 -> 60' \
	"$(ctl B diff from=local to=persistent | grep mmlifetime)"

# --- diff with the driver ----------------------------------------------------------------------
same "the assigned policy is in force" "There is no difference." "$(in_force)"
need ctl A dynamic add rule me 192.0.2.8 actioninbound=block actionoutbound=block
same "a rule of the dynamic layer is not of the store" "There is no difference." "$(in_force)"
need ctl A dynamic delete all
telnet=$(id_of 'proto=6 lport=23' | head -n 1)
need on A ipdtool del "$telnet"
need on A ipdtool add id=900000 out=permit in=permit local=me remote=192.0.2.9/32
same "behind the agent a filter is removed, and another one added" \
	"rule \"telnet\" not in force, not of the agent (ID 900000)" \
	"$(ctl A --json diff local driver | jq -r '[.differences[] |
		if .of == null then "\(.difference) \(.name | match("[(].*").string)"
		else "rule \"\(.of)\" \(.difference)" end] | join(", ")')"
need restart
same "the agent's next start puts it right" "There is no difference." "$(in_force)"
need unassign "Branch office"
same "nothing is assigned, nothing is in force" "There is no difference. 0" "$(in_force) $(filters)"

# --- try ---------------------------------------------------------------------------------------
check "packets pass" pings
# try SECONDS: from now on
try() { ctl A try begin "seconds=$1" && deadline=$((SECONDS + $1 + 1)); }
is_over() { [ "$SECONDS" -gt "$deadline" ]; }
check "try: without an end" try 600
check "try: the administrator locks himself out" assign LockOut
check "try: he is out" is_blocked
check "try: taken back by hand" ctl A try end
check "try: packets pass at once" pings
same "try: and nothing is assigned" "" "$(assigned)"

check "try: for some seconds" try 5
need assign LockOut
check "try: he is out again" is_blocked
check "try: nobody confirms it, and packets pass" wait_for 15 pings
same "try: as it was before" " 0" "$(assigned) $(filters)"
refuse "try: then there is nothing to confirm" ctl A try confirm

check "try: the agent is killed in between" try 8
need assign LockOut
kill -9 "$(service_pid A ipsec-policy-agent)"
stop A-ipsec-policy-agent
check "try: which changes nothing" is_blocked
need agent_start
check "try: nor does the next one" is_blocked
check "try: but it keeps the time" wait_for 20 pings
same "try: and takes it back" " 0" "$(assigned) $(filters)"

check "try: killed for longer than the time" try 2
need assign LockOut
kill -9 "$(service_pid A ipsec-policy-agent)"
stop A-ipsec-policy-agent
check "try: nobody is there when it is over" wait_for 10 is_over
check "try: the driver blocks until somebody is" is_blocked
need agent_start
check "try: the next agent takes it back first" pings
same "try: as it was" " 0" "$(assigned) $(filters)"

# The administrator's terminal: what hangs it up is what a lost connection does.
mkfifo "$TMP/keys"
exec 7<>"$TMP/keys"
spawn terminal ip netns exec "$A" socat -u "OPEN:$TMP/keys" \
	"EXEC:ipsecctl --run-dir $(run_dir A),pty,setsid,ctty" 
printf '%s\n' "try begin seconds=8" "static set policy name=LockOut assign=yes" >&7
check "try: typed at a terminal" wait_for 10 eval '[ "$(assigned)" = LockOut ]'
stop terminal KILL
check "try: the terminal is gone, and he is out" is_blocked
refuse "try: and so is the command" pgrep -f "ipsecctl --run-dir $(run_dir A)\$"
check "try: packets pass when the time is over" wait_for 20 pings

check "try: confirmed" try 4
need assign LockOut
check "try: in time" ctl A try confirm
check "try: when the time is over" wait_for 10 is_over
same "try: it stays" LockOut "$(assigned)"
check "try: and blocks" is_blocked
need unassign LockOut
check "packets pass again" pings
check_world
finish
