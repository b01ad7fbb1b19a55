#!/bin/bash
# SPDX-License-Identifier: MIT
# check: timeout=600
#
# Tunnels between our gateway A and strongSwan's B, begun by either. The networks are addresses of
# the gateways themselves: what goes into the tunnel is the same.  ESP between IPv4 and IPv4 is in the
# matrix, which selftests/interop/cases says.
#
#   10.1.0.1, fd01::1  A 192.0.2.1, 2001:db8::1 ------- 2001:db8::2, 192.0.2.2 B  10.2.0.1, fd02::1
. "$TOP/selftests/lib.sh"
. "$TOP/selftests/hosts.sh"
PEER=strongswan
. "$TOP/selftests/peer.sh"

NET_A4=10.1.0.0/16 NET_B4=10.2.0.0/16 NET_A6=fd01::/64 NET_B6=fd02::/64
IN_A4=10.1.0.1 IN_B4=10.2.0.1 IN_A6=fd01::1 IN_B6=fd02::1

peer_up
addr A lo $IN_A4/32 $IN_A6/128
addr B lo $IN_B4/32 $IN_B6/128
need ip -n "$A" route add $NET_B4 via $B4 src $IN_A4
need ip -n "$B" route add $NET_A4 via $A4 src $IN_B4
need ip -6 -n "$A" route add $NET_B6 via $B6 src $IN_A6
need ip -6 -n "$B" route add $NET_A6 via $A6 src $IN_B6

# tunnel_on INNER OUTER: A's two rules
tunnel_on() {
	local net_a=NET_A$1 net_b=NET_B$1 end_a=A$2 end_b=B$2 way
	ctl A dynamic add mmpolicy name=test "mmsecmethods=$MM_OFFERS" || return
	ctl A dynamic add qmpolicy name=test "qmsecmethods=$QM_OFFERS" ${PFS:+"pfsgroup=$PFS"} || return
	for way in "${!net_a} ${!net_b} ${!end_b}" "${!net_b} ${!net_a} ${!end_a}"; do
		read -r from to end <<<"$way"
		ctl A dynamic add rule "srcaddr=$from" "dstaddr=$to" mmpolicy=test qmpolicy=test \
			mirrored=no "tunneldstaddress=$end" "psk=$PSK" || return
	done
}
# tunnel_of_b INNER OUTER esp|ah PROPOSAL
tunnel_of_b() {
	local net_a=NET_A$1 net_b=NET_B$1 end_a=A$2 end_b=B$2
	A_ADDR=${!end_a} B_ADDR=${!end_b} swan_config aes128-sha256-modp2048 "$3" "$4" \
		"mode = tunnel" "local_ts = ${!net_b}" "remote_ts = ${!net_a}"
}
explain_failure() {
	diag "$(service_log A ipsec-policy-agent | tail -n 5)"
	diag "$(swan_log | tail -n 12)"
}

# tunnel NAME INNER OUTER QM-OFFERS PFSGROUP esp|ah PROPOSAL STATE...
tunnel() {
	local name=$1 inner=$2 outer=$3 in_a=IN_A$2 in_b=IN_B$2 protocol=$6 proposal=$7
	local QM_OFFERS=$4 PFS=$5
	shift 7
	need tunnel_of_b "$inner" "$outer" "$protocol" "$proposal"
	need tunnel_on "$inner" "$outer"
	check "F38 $name, ours starts" reaches A "${!in_b}" || explain_failure
	check "F38 $name: XFRM has what was agreed on" peer_state "mode tunnel" "$@"
	check "F38 $name: the other way" reaches B "${!in_a}"
	part
	need tunnel_on "$inner" "$outer"
	check "F38 $name, strongSwan starts" swan --initiate --child n || explain_failure
	check "F38 $name: packets pass" reaches B "${!in_a}"
	check "F38 $name: and back" reaches A "${!in_b}"
	part
}

aes='cbc\(aes\)' sha2='hmac\(sha256\).* 128' sha1='hmac\(sha1\).* 96'
wire_start wan A eth0 B eth0
tunnel "ESP AES-GCM, IPv6" 6 6 "ESP[AESGCM128]" '' esp aes128gcm16 'rfc4106\(gcm\(aes\)\)'
tunnel "AH, IPv4" 4 4 "AH[SHA1]" '' ah sha1 "$sha1"
tunnel "IPv6 in IPv4" 6 4 "ESP[AES128,SHA256]" '' esp aes128-sha256 "$aes" "$sha2"
tunnel "IPv4 in IPv6" 4 6 "ESP[3DES,SHA1]" GRP3 esp 3des-sha1-modp2048 'cbc\(des3_ede\)' "$sha1"

NET_B4=10.2.3.0/24 need tunnel_of_b 4 4 esp aes128-sha256
need tunnel_on 4 4
refuse "F38 strongSwan's tunnel is narrower than our rules: nobody agrees" swan --initiate --child n
check "F38 L02 and the log says so" wait_for 20 eval \
	'service_log A ipsec-policy-agent | grep -q "192\.0\.2\.2.*polic"'
part
wire_stop wan
same "F38 nothing that ours sent was in clear" 0 \
	"$(capture_count wan-1 'net 10.0.0.0/8 or ip6 net fd00::/8')"
check_world
finish
