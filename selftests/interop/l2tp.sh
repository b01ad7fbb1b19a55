#!/bin/bash
# SPDX-License-Identifier: MIT
# check: also=vm timeout=600 time-travel
#
# L2TP over IPsec (RFC 3193): a rule for UDP port 1701 protects xl2tpd's tunnel, between two hosts of
# ours and between ours and strongSwan.
#
#   A 192.0.2.1 eth0 --- left M right --- eth0 192.0.2.2 B
#   client (LAC)                                server (LNS)
#
# Where the kernel has PPP a session comes up in the tunnel, and packets pass through it; User Mode
# Linux has none, and the tunnel itself must do.
. "$TOP/selftests/lib.sh"
. "$TOP/selftests/hosts.sh"
PEER=strongswan
. "$TOP/selftests/peer.sh"

MM_OFFERS=AES128-SHA1-14 QM_OFFERS="ESP[AES128,SHA1]:250000k/3600s"
modprobe -q -a ppp_async ppp_generic 2>/dev/null
has_ppp() { [ -c /dev/ppp ]; }

l2tp_policy() { # HOST
	ctl "$1" dynamic add mmpolicy name=l2tp "mmsecmethods=$MM_OFFERS" &&
		ctl "$1" dynamic add qmpolicy name=l2tp "qmsecmethods=$QM_OFFERS" &&
		ctl "$1" dynamic add rule srcaddr=me "dstaddr=$2" protocol=UDP srcport=1701 dstport=1701 \
			mmpolicy=l2tp qmpolicy=l2tp "psk=$PSK"
}

# l2tp_start VARIABLE: with the files of its folder
l2tp_start() {
	local dir=$TMP/l2tp-$1
	local -n ns_name=$1
	mkdir -p "$dir"
	: >"$dir/secrets"
	printf 'noauth\nnoccp\nnoipv6\nnodetach\nmtu 1280\n' >"$dir/ppp"
	case $1 in
	A) cat >"$dir/conf" <<-CONF
		[global]
		debug tunnel = yes
		[lac server]
		lns = $B4
		pppoptfile = $dir/ppp
		require authentication = no
		CONF
		;;
	B) cat >"$dir/conf" <<-CONF
		[global]
		debug tunnel = yes
		[lns default]
		ip range = 10.9.0.2-10.9.0.9
		local ip = 10.9.0.1
		require authentication = no
		pppoptfile = $dir/ppp
		CONF
		;;
	esac
	spawn "l2tp-$1" ip netns exec "$ns_name" xl2tpd -D -c "$dir/conf" -s "$dir/secrets" \
		-p "$dir/pid" -C "$dir/control"
	wait_for 20 test -p "$dir/control" || bail "xl2tpd starts: $(cat "$TMP/l2tp-$1.log")"
}
l2tp_stop() { stop l2tp-A; stop l2tp-B; }

# Of the driver, under whatever association.
bytes_sent() { on A ipdtool stats transport-bytes-out; }
says_more() { [ "$(bytes_sent)" -gt "$sent" ]; }
# As wait_for, but with long steps: where the clock jumps, they are free.
patience() { # SECONDS COMMAND...
	local end=$((SECONDS + $1))
	shift
	until "$@"; do
		[ "$SECONDS" -lt "$end" ] || return 1
		sleep 2
	done
}
connected() { grep -q 'Connection established to' "$TMP/l2tp-$1.log"; }
address_is_there() { on A ip -br -4 addr | grep -q 10.9.0.; }

# tunnel NAME: the client connects to the server
tunnel() {
	local name=$1 wanted="t $B4"
	! has_ppp || wanted="c server"
	l2tp_start B
	l2tp_start A
	wire_start wire A eth0 B eth0 'not arp'
	echo "$wanted" >"$TMP/l2tp-A/control"
	check "K46 $name: the client's tunnel is up" wait_for 30 connected A || l2tp_why
	check "K46 $name: the server's is" wait_for 30 connected B || l2tp_why
	if has_ppp; then
		check "K46 $name: a session in it" wait_for 60 address_is_there || l2tp_why
		check "K46 $name: packets pass through the session" \
			on A ping -c 3 -i 0.2 -W "$(secs 5)" 10.9.0.1
	fi
	sent=$(bytes_sent)
	check "K46 $name: they say hello after a minute" patience 90 says_more || l2tp_why
	l2tp_stop
	wire_stop wire
	check "K46 $name: ESP was on the wire" [ "$(wire_count wire 'proto 50')" -ge 4 ]
	never_clear "K46 $name: nothing of port 1701 was in clear" wire 'udp port 1701'
}
l2tp_why() {
	diag "$(tail -n 8 "$TMP/l2tp-A.log")"
	diag "$(tail -n 8 "$TMP/l2tp-B.log")"
	why
}

mount_peer strongswan
load_module
peer_topology

# --- two of ours --------------------------------------------------------------------------------
services_start A B
need l2tp_policy A $B4
need l2tp_policy B $A4
tunnel "two of ours"
check "K46 what is not port 1701 is not covered" on A ping -c 1 -W "$(secs 5)" $B4
policy_off A
policy_off B

# --- strongSwan is the server ---------------------------------------------------------------------
stop B-ipsec-ike
stop B-ipsec-policy-agent
stop B-ipsec-cred
swan_start
need swan_config aes128-sha1-modp2048 esp aes128-sha1 'local_ts = dynamic[udp/1701]' \
	'remote_ts = dynamic[udp/1701]'
need l2tp_policy A $B4
tunnel "strongSwan's server"
check "K46 strongSwan's policy is for the port alone" eval \
	'ip -n "$B" xfrm policy | grep -q "proto udp sport 1701 dport 1701"'

check_world
finish
