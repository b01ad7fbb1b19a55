#!/bin/bash
# SPDX-License-Identifier: MIT
# check: timeout=1800
#
# Each algorithm of main mode, quick mode and PFS that strongSwan has, too; XFRM judges the packets.
# Each is in a line once; IPD_MATRIX=all tries each cipher with each hash.  The picture is in
# selftests/peer.sh.
. "$TOP/selftests/lib.sh"
. "$TOP/selftests/hosts.sh"
PEER=strongswan
. "$TOP/selftests/peer.sh"

peer_up

# agreed NAME MM QM [PFS [MM-OF-PEER QM-OF-PEER QM-AGREED]]: ours starts, then strongSwan does; both times
# packets pass under what was asked for.
agreed() {
	local name=$1 wanted
	local MM_OFFERS=$2 QM_OFFERS=$3 PFS=${4-}
	local ours=${A_ADDR-$A4} theirs=${B_ADDR-$B4}
	mapfile -t wanted < <(xfrm_of "${7-$3}")
	need peer_config "${5-$2}" "${6-$3}" "$PFS"
	need policy_on A "$theirs"
	check "$name: ours starts" passes A "$theirs" || why
	part
	need policy_on A "$theirs"
	check "$name: $PEER_NAME starts" initiated || why
	part
}
passes() { # VARIABLE ADDRESS
	reaches "$1" "$2" && peer_state "${wanted[@]}" "src $ours dst $theirs" "src $theirs dst $ours"
}
initiated() { peer_initiate && passes B "$ours"; }

# methods MM QM [PFS]
methods() { agreed "K12 K13 $(rows_of_methods "$2" "${3-}") $1, $2${3:+, PFS $3}" "$@"; }

# Every group and every hash; K12's DES and 3DES with MD5 and SHA-1, all four of them.
methods DES-MD5-1        "ESP[DES,MD5]"
methods DES-SHA1-2       "ESP[3DES,SHA1]" GRP1
methods 3DES-MD5-2       "AH[MD5]" GRP2
methods 3DES-SHA1-3      "ESP[None,SHA1]" GRPMM
methods AES128-SHA256-15 "ESP[AES128,SHA256]" GRP3
methods AES192-SHA384-16 "ESP[AES192,SHA384]"
methods AES256-SHA512-17 "ESP[AES256,SHA512]"
methods AES128-SHA1-18   "ESP[AESGCM128,None]"
methods AES256-SHA256-19 "ESP[AESGCM256,None]"
methods AES256-SHA384-20 "AH[SHA384]"
methods AES256-SHA512-21 "AH[SHA512]"
methods 3DES-SHA1-2      "AH[SHA1]"
methods AES128-MD5-3     "AH[SHA256]"

# Each with each other: what no line above has.
each_with_each() {
	local cipher hash
	for cipher in DES 3DES AES128 AES192 AES256; do
		for hash in MD5 SHA1 SHA256 SHA384 SHA512; do
			methods "$cipher-$hash-2" "ESP[$cipher,$hash]"
		done
	done
	for hash in MD5 SHA256 SHA384 SHA512; do
		methods 3DES-SHA1-2 "ESP[None,$hash]"
	done
}
[ "${IPD_MATRIX-}" != all ] || each_with_each

# An offer that names no lifetime.
: >"$SWAN/charon.log"
agreed "K20 default lifetimes" 3DES-SHA1-2 "ESP[3DES,SHA1]"
check "K20 strongSwan was offered an hour" grep -q 'received 3600s lifetime' "$SWAN/charon.log"
check "K20 and 100,000 KB" grep -q 'received 100000000 lifebytes' "$SWAN/charon.log"
A_ADDR=$A6 B_ADDR=$B6 agreed "K01 over IPv6" AES128-SHA1-3 "ESP[AES128,SHA1]"

# Offers of both sides in their order: the first of the initiator that the responder knows.
agreed "K10 K21 several offers" "AES256-SHA512-3 3DES-SHA1-2" "AH[SHA1] ESP[AES128,SHA1]" '' \
	"3DES-SHA1-2 AES128-MD5-2" "ESP[AES256,SHA1] ESP[AES128,SHA1]" "ESP[AES128,SHA1]"

check_world
finish
