# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# Whole hosts: a namespace each, with agent, IKE and credentials of its own.  Sourced after lib.sh.
#
#   hosts_up A B            namespaces A and B with their services, driver loaded
#   ctl A dynamic show all  ipsecctl on host A
#
#   A 192.0.2.1, 2001:db8::1  eth0 ------- eth0  B 192.0.2.2, 2001:db8::2
#
# PSK and the offers of policy_on() can be set before it is called.  EXPORT_KEYS=yes before hosts_up lets
# the agents write session keys for tshark, into $(run_dir HOST)/keylog. UNIT_RIGHTS=yes: root has no more
# capabilities in agent and ipsec-cred than their units give it.

PSK=${PSK-"a long and secret phrase"}
MM_OFFERS=${MM_OFFERS-AES128-SHA256-14}
QM_OFFERS=${QM_OFFERS-"ESP[AES128,SHA256]:100000k/3600s"}

A4=192.0.2.1 B4=192.0.2.2 A6=2001:db8::1 B6=2001:db8::2
# What must never be seen on the wire between two hosts with a policy for everything. Neighbour
# discovery and multicast listener reports are exempt; the latter come behind hop-by-hop options.
CLEAR='(ip or ip6) and not proto 50 and not proto 51 and not udp port 500 and not udp port 4500
	and not ip6 proto 50 and not ip6 proto 51
	and not (icmp6 and ip6[40] >= 130 and ip6[40] <= 143)
	and not (ip6 proto 0 and ip6[40] = 58 and ip6[48] >= 130 and ip6[48] <= 143)'

run_dir() { echo "$TMP/run-$1"; }

ctl() { # HOST ARGUMENTS...
	local host=$1
	shift
	on "$host" ipsecctl --run-dir "$(run_dir "$host")" "$@"
}

# service HOST PROGRAM: started again, it finds what it left. The agent's settings: $TMP/HOST.conf,
# keys for Kerberos: $TMP/HOST.keytab
service() {
	local host=$1 program=$2 args=() rights=()
	local -n ns_name_=$host
	# files of the test, never this machine's own
	[ "$program" != ipsec-cred ] || args=(--certs "$TMP/certs-$host" --fetch-from 192.0.2.0/24
		--keytab "$TMP/$host.keytab")
	[ "$program" != ipsec-policy-agent ] || args=(--state-dir "$TMP/state-$host" --config "$TMP/$host.conf"
		${EXPORT_KEYS:+--export-keys})
	[ -z "${UNIT_RIGHTS-}" ] || read -ra rights < <(unit_rights "$program")
	spawn "$host-$program" ip netns exec "$ns_name_" "${rights[@]}" "$program" --foreground \
		--run-dir "$(run_dir "$host")" "${args[@]}"
}
# ipsec-ike's unit starts it as its own user, with the sockets that only root can open.
unit_rights() { # PROGRAM
	sed -n 's/^CapabilityBoundingSet=CAP_//p' "$TOP/userland/units/$1.service" | tr A-Z a-z |
		sed 's/ cap_/,+/g; s/^/setpriv --bounding-set -all,+/'
}
service_pid() { echo "${spawned[$1-$2]}"; } # HOST PROGRAM
service_log() { cat "$TMP/$1-$2.log"; }     # HOST PROGRAM

services_ready() { # HOST
	[ "$(ctl "$1" --json status | jq -r '[.. | objects | .ike?, .cred?] | map(select(. != null)) | all')" = true ]
}

# The users that the package makes: without them both programs would run as nobody, and one could
# reach the other.
users_add() {
	local id=64100 name
	cp /etc/passwd "$TMP/passwd" && cp /etc/group "$TMP/group" || return
	for name in ipsec-ike ipsec-cred ipsec-fetch; do
		getent passwd "$name" >/dev/null && continue
		echo "$name:x:$id:$id::/nonexistent:/usr/sbin/nologin" >>"$TMP/passwd"
		echo "$name:x:$id:" >>"$TMP/group"
		id=$((id + 1))
	done
	mount --bind "$TMP/passwd" /etc/passwd && defer umount /etc/passwd &&
		mount --bind "$TMP/group" /etc/group && defer umount /etc/group
}

services_start() { # HOST...
	local host
	getent passwd ipsec-ike ipsec-cred >/dev/null || need users_add
	for host in "$@"; do
		mkdir -p "$(run_dir "$host")" "$TMP/state-$host"
		chmod 755 "$TMP" "$(run_dir "$host")"
		chmod 700 "$TMP/state-$host"
		service "$host" ipsec-cred
		service "$host" ipsec-policy-agent
		service "$host" ipsec-ike
	done
	for host in "$@"; do
		wait_for 30 services_ready "$host" || {
			for log in "$TMP/$host"-*.log; do
				diag "$log"
				diag "$(tail -n 15 "$log")"
			done
			bail "the services of $host are ready"
		}
	done
}

hosts_up() {
	module_loaded || load_module
	ns_add A B
	link A eth0 B eth0
	addr A eth0 "$A4/24" "$A6/64"
	addr B eth0 "$B4/24" "$B6/64"
	services_start A B
}

# policy_on HOST DESTINATION [RULE TAG...]: everything between this host and there is secured
policy_on() {
	local host=$1 destination=$2
	shift 2
	policy_methods "$host" || return
	ctl "$host" dynamic add rule srcaddr=me "dstaddr=$destination" mmpolicy=test qmpolicy=test \
		"psk=$PSK" "$@"
}

policy_methods() { # HOST: the policies "test" of main mode and quick mode
	ctl "$1" dynamic add mmpolicy name=test "mmsecmethods=$MM_OFFERS" &&
		ctl "$1" dynamic add qmpolicy name=test "qmsecmethods=$QM_OFFERS" ${PFS:+"pfsgroup=$PFS"}
}

policy_off() { ctl "$1" dynamic delete all; } # HOST
