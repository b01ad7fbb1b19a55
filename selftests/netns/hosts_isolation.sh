#!/bin/bash
# SPDX-License-Identifier: MIT
# check: tiers=uml timeout=300
#
# ipsec-ike captured: in its place, with its user, sockets and confinement, runs a program that
# wants keys, clear text and associations of its own.  It gets what a negotiation that policy
# allows would get, and nothing else; afterwards everything works as before.
#
#   A 192.0.2.1, captured ------- B 192.0.2.2        192.0.2.66 is blocked
. "$TOP/selftests/lib.sh"
. "$TOP/selftests/hosts.sh"

PSK='sesame-8d51b5e7-open'

sas() { ctl "$1" --json dynamic show qmsas | jq -c '[.. | .espspiin? // empty]'; } # HOST
captured() {
	on A captured_ike "$(run_dir A)" "$TMP/state-A" $A4 $B4 192.0.2.66 \
		"$(service_pid A ipsec-cred)" "$(service_pid A ipsec-policy-agent)"
}
has_ike() { # true|false
	[ "$(ctl A --json status | jq -r '[.. | objects | select(has("ike")) | .ike] | all')" = "$1" ]
}

hosts_up
check "A's policy" policy_on A $B4
check "A blocks another host" ctl A dynamic add rule srcaddr=me dstaddr=192.0.2.66 \
	actioninbound=block actionoutbound=block
check "B's policy" policy_on B $A4
wire_start wire A eth0 B eth0 'ip and not arp'

stop A-ipsec-ike
check "A's ipsec-ike is gone" wait_for 10 has_ike false
captured >"$TMP/captured" 2>&1
status=$?
while read -r line; do
	case $line in
	'ok - '*) ok "${line#ok - }" ;;
	'not ok - '*) not_ok "${line#not ok - }" ;;
	*) diag "$line" ;;
	esac
done <"$TMP/captured"
same "all of it was tried" 0 "$status"
refuse "a host that does not negotiate is not reached in clear" on A ping -c 1 -W "$(secs 2)" $B4
same "no association was made" '[]' "$(sas A)"
refuse "the preshared key is in no log" grep -rq "$PSK" "$TMP"/A-*.log "$TMP/captured"

service A ipsec-ike
check "A's ipsec-ike is back" wait_for 30 has_ike true
check "and negotiates: a ping is answered" wait_for 70 on A ping -c 1 -W "$(secs 3)" $B4
wire_stop wire
never_clear "nothing in clear" wire "$CLEAR and src host 192.0.2.1"
check_world
finish
