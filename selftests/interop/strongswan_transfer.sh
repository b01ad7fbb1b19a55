#!/bin/bash
# SPDX-License-Identifier: MIT
# check: timeout=900
#
# Our host against strongSwan with XFRM: both sides start, bulk data, rekey; with IPD_MATRIX=all under
# 3DES too.  The picture is in selftests/peer.sh.
. "$TOP/selftests/lib.sh"
. "$TOP/selftests/hosts.sh"
PEER=strongswan
. "$TOP/selftests/peer.sh"

peer_up

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
	check "$name: XFRM has what was offered" peer_state "$@"
	check "$name: 10 MB from ours to strongSwan" transfer A B "$B4"
	check "$name: 10 MB from strongSwan to ours" transfer B A "$A4"
	before=$(peer_spis)
	check "$name: strongSwan rekeys" swan --rekey --child n
	check "$name: there are new associations" wait_for 20 new_spis "$before"
	check "$name: pings after the rekey" ping_both
	check "$name: 10 MB after the rekey" transfer A B "$B4"
	part

	MM_OFFERS=$ours_mm QM_OFFERS=$ours_qm policy_on A "$B4" >"$TMP/policy" 2>&1 ||
		bail "the policy is taken: $(cat "$TMP/policy")"
	check "$name: strongSwan starts" swan --initiate --child n ||
		diag "$(service_log A ipsec-policy-agent | tail -n 5)" "$(swan_log | tail -n 20)"
	check "$name: XFRM has what was agreed" peer_state "$@"
	check "$name: pings both ways" ping_both
	check "$name: 10 MB each way" transfer_both
	part
	capture_stop wire
	check "$name: IKE was in the capture" [ "$(capture_count wire 'udp port 500')" -gt 9 ]
	sent_nothing_clear "$name: nothing that we sent was in clear" wire
}

ping_both() {
	all_answered B "$A4" && all_answered A "$B4"
}
transfer_both() { transfer A B "$B4" && transfer B A "$A4"; }

[ "${IPD_MATRIX-}" != all ] || strangers "K01 K06 K12 K13 F20 F21 3DES-SHA1-1024, ESP 3DES-SHA1" \
	3DES-SHA1-2 "ESP[3DES,SHA1]" 3des-sha1-modp1024 esp 3des-sha1 \
	'cbc\(des3_ede\)' 'hmac\(sha1\).* 96' 'mode transport'
strangers "K01 K06 AES256-SHA256-2048, ESP AES256-GCM" \
	AES256-SHA256-3 "ESP[AESGCM256,None]" aes256-sha256-modp2048 esp aes256gcm16 \
	'rfc4106\(gcm\(aes\)\) 0x[0-9a-f]{72} 128' 'mode transport'

check_world
finish
