#!/bin/bash
# SPDX-License-Identifier: MIT
# check: timeout=600
#
# Our host and strongSwan with XFRM, and a NAT between them that lets neither ESP nor AH through.
#
#   inside 10.0.0.1 eth0 --- eth0 10.0.0.254 R 192.0.2.254 eth1 --- eth0 192.0.2.2 outside
#
# Ours is inside first, then outside.
. "$TOP/selftests/lib.sh"
. "$TOP/selftests/hosts.sh"
PEER=strongswan
. "$TOP/selftests/peer.sh"

INSIDE=10.0.0.1 OUTSIDE=192.0.2.2 NAT=192.0.2.254

# nat_topology VARIABLE-INSIDE VARIABLE-OUTSIDE
nat_topology() {
	local -n inside_=$1
	link "$1" eth0 R eth0
	link R eth1 "$2" eth0
	addr "$1" eth0 $INSIDE/24
	addr R eth0 10.0.0.254/24
	addr R eth1 $NAT/24
	addr "$2" eth0 $OUTSIDE/24
	need ip -n "$inside_" route add default via 10.0.0.254
}
nat_up() {
	need on R sysctl -qw net.ipv4.ip_forward=1
	need on R nft -f - <<-RULES
		table ip nat {
			chain postrouting {
				type nat hook postrouting priority srcnat
				oifname eth1 meta l4proto udp masquerade to :20000-29999
			}
			chain forward {
				type filter hook forward priority filter
				meta l4proto { esp, ah } drop
			}
		}
	RULES
}
mount_peer strongswan
load_module
ns_add A B R
MM_OFFERS=AES256-SHA256-3 QM_OFFERS="ESP[AES128,SHA1]:100000k/3600s"

# --- ours inside ------------------------------------------------------------------------
nat_topology A B
nat_up
services_start A
swan_start
A4=$INSIDE B4=$OUTSIDE PEER_REMOTE=$NAT
need policy_on A $B4
need swan_config aes256-sha256-modp2048 esp aes128-sha1
capture_start inside A eth0 'not udp port 4500'
check "K01 ours behind a NAT starts, a ping is answered" reaches A $B4 || why
check "K01 strongSwan has ESP in UDP" peer_state 'encap type espinudp' 'mode transport'
check "K01 pings" all_answered A $B4
check "K01 10 MB from ours to strongSwan" transfer A B $B4
capture_stop inside
sent_nothing_clear "K01 nothing that we sent was in clear" inside
part

# --- strongSwan inside --------------------------------------------------------------------
need ip -n "$A" link del eth0
need ip -n "$B" link del eth0
nat_topology B A
# shellcheck disable=SC2034 # read by what peer.sh sources
A4=$OUTSIDE B4=$INSIDE PEER_REMOTE=$OUTSIDE
need policy_on A $NAT
need swan_config aes256-sha256-modp2048 esp aes128-sha1
capture_start outside A eth0 'not udp port 4500'
check "K01 strongSwan behind a NAT starts" swan --initiate --child n || why
check "K01 strongSwan has ESP in UDP" peer_state 'encap type espinudp' 'mode transport'
check "K01 pings" all_answered B $A4
check "K01 10 MB from strongSwan to ours" transfer B A $A4
check "K01 ours follows its ports" eval 'on A ipdtool sas | grep dir=in | grep -q follow'
capture_stop outside
check_world
finish
