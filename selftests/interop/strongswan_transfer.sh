#!/bin/bash
# SPDX-License-Identifier: MIT
# check: timeout=900
#
# Our host against strongSwan with XFRM: both sides start, bulk data, rekey; the picture is in
# selftests/strongswan.sh.
. "$TOP/selftests/lib.sh"
. "$TOP/selftests/hosts.sh"
. "$TOP/selftests/strongswan.sh"

strangers_up

# strangers NAME MM-OFFERS QM-OFFERS IKE-PROPOSAL PROTOCOL PROPOSAL STATE...
strangers() {
	local name=$1 ours_mm=$2 ours_qm=$3 before
	shift 3
	MM_OFFERS=$ours_mm QM_OFFERS=$ours_qm policy_on A "$B4" >"$TMP/policy" 2>&1 ||
		bail "the policy is taken: $(cat "$TMP/policy")"
	need swan_config "$1" "$2" "$3"
	shift 3

	# What we send, but for ESP: there is much of it, and it is not what is looked for.
	capture_start wire A eth0 'not proto 50'
	check "$name: ours starts, a ping is answered" reaches A "$B4" ||
		diag "$(service_log A ipsec-policy-agent | tail -n 5)" "$(swan_log | tail -n 20)"
	check "$name: XFRM has what was offered" swan_state "$@"
	check "$name: 10 MB from ours to strongSwan" transfer A B "$B4"
	check "$name: 10 MB from strongSwan to ours" transfer B A "$A4"
	before=$(swan_spis)
	check "$name: strongSwan rekeys" swan --rekey --child n
	check "$name: there are new associations" wait_for 20 new_spis "$before"
	check "$name: pings after the rekey" ping_both
	check "$name: 10 MB after the rekey" transfer A B "$B4"
	part

	MM_OFFERS=$ours_mm QM_OFFERS=$ours_qm policy_on A "$B4" >"$TMP/policy" 2>&1 ||
		bail "the policy is taken: $(cat "$TMP/policy")"
	check "$name: strongSwan starts" swan --initiate --child n ||
		diag "$(service_log A ipsec-policy-agent | tail -n 5)" "$(swan_log | tail -n 20)"
	check "$name: XFRM has what was agreed" swan_state "$@"
	check "$name: pings both ways" ping_both
	check "$name: 10 MB each way" transfer_both
	part
	capture_stop wire
	check "$name: IKE was in the capture" [ "$(capture_count wire 'udp port 500')" -gt 9 ]
	sent_nothing_clear "$name: nothing that we sent was in clear" wire
}

swan_spis() { ip -n "$B" xfrm state | grep -o 'spi 0x[0-9a-f]*' | sort; }
# SPI-LIST: a pair that is not in the list
new_spis() { [ "$(comm -13 <(echo "$1") <(swan_spis) | wc -l)" -ge 2 ]; }

all_answered() { # VARIABLE ADDRESS: with associations in place nothing is lost
	on "$1" ping -c 5 -i 0.2 -W "$(secs 10)" "$2" >"$TMP/ping" 2>&1
	cat "$TMP/ping"
	grep -q ' 5 received' "$TMP/ping"
}
ping_both() {
	all_answered B "$A4" && all_answered A "$B4"
}
transfer_both() { transfer A B "$B4" && transfer B A "$A4"; }

strangers "K01 K06 K12 K13 F20 F21 3DES-SHA1-1024, ESP 3DES-SHA1" \
	3DES-SHA1-2 "ESP[3DES,SHA1]" 3des-sha1-modp1024 esp 3des-sha1 \
	'cbc\(des3_ede\)' 'hmac\(sha1\).* 96' 'mode transport'
strangers "K01 K06 AES256-SHA256-2048, ESP AES256-GCM" \
	AES256-SHA256-3 "ESP[AESGCM256,None]" aes256-sha256-modp2048 esp aes256gcm16 \
	'rfc4106\(gcm\(aes\)\) 0x[0-9a-f]{72} 128' 'mode transport'

check_world
finish
