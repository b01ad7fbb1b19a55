#!/bin/bash
# SPDX-License-Identifier: MIT
# check: timeout=900
#
# Our responder against attackers: every rule of hostile.py, and what ike-scan can ask.
#
#   A 192.0.2.1 eth0 ------- eth0 B 192.0.2.2 and more
#   agent, ike, cred, driver      hostile.py, ike-scan
#
# Each rule comes from an address of its own, for there are limits per address.
. "$TOP/selftests/lib.sh"
. "$TOP/selftests/hosts.sh"

load_module
ns_add A B
link A eth0 B eth0
addr A eth0 $A4/24
addr B eth0 $B4/24
services_start A
MM_OFFERS=AES128-SHA1-14 QM_OFFERS="ESP[AES128,SHA1]" need policy_on A 192.0.2.0/24
pids=$(service_pid A ipsec-ike; service_pid A ipsec-cred; service_pid A ipsec-policy-agent)

address=10
next_address() {
	address=$((address + 1))
	addr B eth0 192.0.2.$address/24
}

next_address
bystander=192.0.2.$address
while IFS=$'\t' read -r rule title <&3; do
	next_address
	check "$title" on B "$TOP/selftests/interop/hostile.py" "$rule" $A4 "$PSK" \
		192.0.2.$address $bystander || diag "$(service_log A ipsec-policy-agent | tail -n 5)"
done 3< <("$TOP/selftests/interop/hostile.py" list)

# --- ike-scan -------------------------------------------------------------------------------

# scan OPTION...: what it says, from an address of its own; it sends once
scan() {
	next_address
	need ip -n "$B" route replace $A4 dev eth0 src 192.0.2.$address
	on B ike-scan --retry=1 --timeout=1500 "$@" $A4 >"$TMP/scan" 2>&1
	cat "$TMP/scan"
}
answers() { awk -v a=$A4 '$1 == a' "$TMP/scan" | wc -l; }
handshakes() { grep -c 'Handshake returned' "$TMP/scan"; }
refused() { # OPTION...: at most one notify
	scan "$@" >/dev/null
	[ "$(answers)" -le 1 ] && [ "$(handshakes)" -eq 0 ] && ! grep -qi 'hash(' "$TMP/scan" || {
		cat "$TMP/scan"
		return 1
	}
}

answered_once() { # OPTION...: with one handshake
	scan "$@" >/dev/null
	[ "$(answers)" -eq 1 ] && [ "$(handshakes)" -eq 1 ] || {
		cat "$TMP/scan"
		return 1
	}
}
few_answers() { scan "$@" && [ "$(answers)" -le 1 ]; }

ours="--trans=(1=7,14=128,2=2,3=1,4=14)"	# what policy has
long="--vendor=00112233445566778899aabbccddeeff" # a question of less than 84 bytes gets no SA

check "ike-scan: its own offers get at most one answer" few_answers -M
# R1
check "ike-scan: what policy has gets one handshake" answered_once "$ours" $long
check "ike-scan: and none if the question is short" refused "$ours"
# RFC 2408, section 3.5: an SPI of ISAKMP is ignored
check "ike-scan: an SPI in the proposal does not matter" answered_once "$ours" $long --spisize=16
# R13
check "ike-scan: DES, MD5 and group 1 are refused" refused --trans=1,1,1,1 $long
# R15
check "ike-scan: aggressive mode gets no hash" refused -A --id=x -M "$ours" $long
check "ike-scan: IKEv2 gets at most a notify" refused -2 -M
for option in --doi=0 --situation=0 --mbz=255 --headerver=48 --hdrflags=255 --hdrmsgid=1 \
	--exchange=6 --rcookie=0123456789abcdef; do
	check "ike-scan: $option gets no handshake" refused "$option" "$ours" $long
done

same "the same processes live" "$pids" \
	"$(service_pid A ipsec-ike; service_pid A ipsec-cred; service_pid A ipsec-policy-agent)"
for name in ipsec-ike ipsec-cred ipsec-policy-agent; do
	check "$name runs" running "A-$name"
done
check_world
finish
