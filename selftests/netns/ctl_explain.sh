#!/bin/bash
# SPDX-License-Identifier: MIT
# check: tiers=uml also=uml-debug,vm timeout=400
#
# explain says before what happens then: each answer is compared with the fate of a packet, and
# asking changes nothing. C has no policy.
#
#   A 192.0.2.1 ------- B 192.0.2.2, C 192.0.2.3 (on the same link, in one namespace each)
. "$TOP/selftests/lib.sh"
. "$TOP/selftests/hosts.sh"

load_module
ns_add A B C HUB
link A eth0 HUB port1
link B eth0 HUB port2
link C eth0 HUB port3
need ip -n "$HUB" link add hub type bridge
need ip -n "$HUB" link set hub up
for port in 1 2 3; do need ip -n "$HUB" link set port$port master hub; done
addr A eth0 $A4/24 $A6/64
addr B eth0 $B4/24 $B6/64
addr C eth0 192.0.2.3/24
services_start A B

# explains NAME STATUS PATTERN ARGUMENTS...: the exit status, and a line like this
explains() {
	local name=$1 status=$2 pattern=$3 rc
	shift 3
	ctl A explain "$@" >"$TMP/explained" 2>&1
	rc=$?
	if [ $rc -eq "$status" ] && grep -Eq "$pattern" "$TMP/explained"; then
		ok "explain: $name"
	else
		not_ok "explain: $name"
		diag "status $rc, wanted $status and $pattern"
		diag "$(cat "$TMP/explained")"
	fi
}
pings() { on A ping -c 1 -W "$(secs "${2:-5}")" "$1"; }

explains "nothing matches" 0 '^Reason +: no-filter: ' out $A4 $B4
check "and it passes" pings $B4
need policy_on A 192.0.2.0/24
need policy_on B $A4
explains "the packet would wait" 4 '^This packet waits' out $A4 $B4
explains "the rule that decides" 4 '^Rule +: dynamic add rule srcaddr=me dstaddr=192\.0\.2\.0/24 .*psk=\*$' out $A4 $B4
same "asking starts no negotiation" "" "$(on A ipdtool acquires)"
check "the packet waits, then it is answered" pings $B4 10
explains "now there is an association" 0 '^Security Association +: ESP\[AES128,SHA256\], SPI 0x[0-9a-f]+ out' \
	out $A4 $B4 tcp 40000 445
explains "the SPI is the driver's" 0 \
	"SPI $(on A ipdtool sas | grep 'dir=out' | grep -o 'spi=0x[0-9a-f]*' | head -n 1 | cut -d= -f2) out" \
	out $A4 $B4
explains "clear text from there is not taken" 3 '^Reason +: clear-text: ' in $B4 $A4
explains "and what to do about it" 3 '^Remedy +: .*mirrored policy' in 192.0.2.3 $A4
refuse "C, which has no policy, does not get through" on C ping -c 1 -W 1 $A4
explains "IKE is exempt" 0 '^Reason +: exempt: ' out $A4 $B4 udp 500 500
explains "loopback" 0 '^Reason +: loopback: ' out 127.0.0.1 127.0.0.1

need ctl A dynamic add rule me $B4 protocol=TCP dstport=23 actioninbound=block actionoutbound=block
explains "the more specific rule blocks" 3 '^Rule +: .*dstport=23 ' out $A4 $B4 tcp 40000 23
explains "and by its action" 3 '^Action +: block: ' out $A4 $B4 tcp 40000 23
refuse "it does" on A socat -u - "TCP:$B4:23,connect-timeout=2"
explains "its neighbour is as before" 0 '^This packet is protected' out $A4 $B4 tcp 40000 24
need ctl A dynamic add rule me $B4 protocol=TCP dstport=25 actioninbound=permit actionoutbound=permit
explains "a rule permits" 0 '^Reason +: permit-filter: ' out $A4 $B4 tcp 40000 25

# a host without policy cannot be negotiated with
refuse "no answer from C" pings 192.0.2.3 2
failed() { [ "$(ctl A --json explain out $A4 192.0.2.3 | jq -r '.explain[0].reason')" = negotiation-failed ]; }
check "the negotiation with C fails" wait_for 90 failed
explains "which is what explain says" 3 '^Reason +: negotiation-failed: ' out $A4 192.0.2.3
explains "with the peer" 3 '^Peer +: 192\.0\.2\.3$' out $A4 192.0.2.3
explains "and why" 3 '^Why Negotiation Failed +: .*(response|13805|13813)' out $A4 192.0.2.3
explains "and what to do" 3 '^Remedy +: .*UDP ports 500' out $A4 192.0.2.3
before=$(on A ipdtool stats drop.negotiation-failed)
refuse "the packet is dropped" pings 192.0.2.3 1
check "for this reason" [ "$(on A ipdtool stats drop.negotiation-failed)" -gt "$before" ]

need ctl A dynamic delete all
explains "without policy all is as at first" 0 '^Reason +: no-filter: ' out $A4 192.0.2.3
check "and it passes" pings 192.0.2.3
check_world
finish
