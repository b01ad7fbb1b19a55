#!/bin/bash
# SPDX-License-Identifier: MIT
# check: timeout=1800
#
# Each algorithm of main mode, quick mode and PFS that strongSwan has, too; XFRM judges the packets.
# The picture is in selftests/peer.sh.
. "$TOP/selftests/lib.sh"
. "$TOP/selftests/hosts.sh"
PEER=strongswan
. "$TOP/selftests/peer.sh"

peer_up

# agreed NAME MM-OFFERS QM-OFFERS PFSGROUP IKE-PROPOSAL esp|ah PROPOSAL STATE...
# Ours starts, then strongSwan does; both times packets pass under what was asked for.
agreed() {
	local name=$1 mm=$2 qm=$3 pfs=$4
	shift 4
	need swan_config "$1" "$2" "$3"
	shift 3
	MM_OFFERS=$mm QM_OFFERS=$qm PFS=$pfs need policy_on A "${B_ADDR-$B4}"
	check "$name, ours starts" passes A "${B_ADDR-$B4}" "$@" || explain_failure
	part
	MM_OFFERS=$mm QM_OFFERS=$qm PFS=$pfs need policy_on A "${B_ADDR-$B4}"
	check "$name, strongSwan starts" initiated "$@" || explain_failure
	part
}

passes() { # VARIABLE ADDRESS STATE...
	reaches "$1" "$2" && shift 2 && peer_state "$@"
}
initiated() { swan --initiate --child n && passes B "${A_ADDR-$A4}" "$@"; }
explain_failure() {
	diag "$(service_log A ipsec-policy-agent | tail -n 5)"
	diag "$(swan_log | tail -n 12)"
}

three_des='cbc\(des3_ede\)' sha1='hmac\(sha1\).* 96'

for cipher in DES 3DES AES128 AES192 AES256; do
	for hash in MD5 SHA1 SHA256 SHA384 SHA512; do
		agreed "K12 main mode $cipher-$hash" "$cipher-$hash-2" "ESP[3DES,SHA1]" '' \
			"${cipher,,}-${hash,,}-modp1024" esp 3des-sha1 "$three_des" "$sha1"
	done
done

# Ours (1, 2 and 3 are Low, Medium and 2048) and theirs.
for group in 1:modp768 2:modp1024 3:modp2048 15:modp3072 16:modp4096 17:modp6144 18:modp8192 \
	19:ecp256 20:ecp384 21:ecp521; do
	agreed "K13 main mode ${group#*:}" "3DES-SHA1-${group%:*}" "ESP[3DES,SHA1]" '' \
		"3des-sha1-${group#*:}" esp 3des-sha1 "$three_des" "$sha1"
done

for group in GRP1:modp768 GRP2:modp1024 GRP3:modp2048; do
	agreed "K18 session PFS ${group#*:}" 3DES-SHA1-2 "ESP[3DES,SHA1]" "${group%:*}" \
		3des-sha1-modp1024 esp "3des-sha1-${group#*:}" "$three_des" "$sha1"
done
agreed "K19 session PFS with main mode's group" AES128-SHA1-3 "ESP[3DES,SHA1]" GRPMM \
	aes128-sha1-modp2048 esp 3des-sha1-modp2048 "$three_des" "$sha1"

declare -A xfrm=([null]='ecb\(cipher_null\)' [des]='cbc\(des\)' [3des]='cbc\(des3_ede\)'
	[aes128]='cbc\(aes\) 0x[0-9a-f]{32}$' [aes192]='cbc\(aes\) 0x[0-9a-f]{48}$'
	[aes256]='cbc\(aes\) 0x[0-9a-f]{64}$'
	[md5]='hmac\(md5\) .* 96$' [sha1]='hmac\(sha1\) .* 96$' [sha256]='hmac\(sha256\) .* 128$'
	[sha384]='hmac\(sha384\) .* 192$' [sha512]='hmac\(sha512\) .* 256$')
for cipher in None DES 3DES AES128 AES192 AES256; do
	for hash in MD5 SHA1 SHA256 SHA384 SHA512; do
		theirs=${cipher,,} theirs=${theirs/none/null}
		case $cipher in
		*DES) rows="F16 F20 F21" ;;
		None) rows="F19 F20" ;;
		*) rows="F16 F20" ;;
		esac
		agreed "$rows ESP $cipher-$hash" 3DES-SHA1-2 "ESP[$cipher,$hash]" '' \
			3des-sha1-modp1024 esp "$theirs-${hash,,}" "${xfrm[$theirs]}" "${xfrm[${hash,,}]}"
	done
done
for bits in 128 256; do
	agreed "F16 ESP AES-GCM $bits" AES128-SHA256-3 "ESP[AESGCM$bits,None]" '' \
		aes128-sha256-modp2048 esp "aes${bits}gcm16" \
		"rfc4106\(gcm\(aes\)\) 0x[0-9a-f]{$((bits / 4 + 8))} 128$"
done
for hash in MD5 SHA1 SHA256 SHA384 SHA512; do
	agreed "F15 F20 AH $hash" 3DES-SHA1-2 "AH[$hash]" '' 3des-sha1-modp1024 ah "${hash,,}" \
		'proto ah' "${xfrm[${hash,,}]}"
done

# An offer that names no lifetime.
: >"$SWAN/charon.log"
agreed "K20 default lifetimes" 3DES-SHA1-2 "ESP[3DES,SHA1]" '' 3des-sha1-modp1024 esp 3des-sha1 \
	"$three_des"
check "K20 strongSwan was offered an hour" grep -q 'received 3600s lifetime' "$SWAN/charon.log"
check "K20 and 100,000 KB" grep -q 'received 100000000 lifebytes' "$SWAN/charon.log"
A_ADDR=$A6 B_ADDR=$B6 agreed "K01 over IPv6" AES128-SHA1-3 "ESP[AES128,SHA1]" '' \
	aes128-sha1-modp2048 esp aes128-sha1 "src $B6 dst $A6" "src $A6 dst $B6"

# Offers of both sides in their order: the first of the initiator that the responder knows.
agreed "K10 K21 several offers" "AES256-SHA512-3 3DES-SHA1-2" "AH[SHA1] ESP[AES128,SHA1]" '' \
	3des-sha1-modp1024,aes128-md5-modp1024 esp aes256-sha1,aes128-sha1 "${xfrm[aes128]}"

check_world
finish
