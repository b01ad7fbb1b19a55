#!/bin/bash
# SPDX-License-Identifier: MIT
# check: tiers=uml also=uml-debug,vm timeout=900
#
# What the wire shows: of ESP nothing but with the null cipher, of AH everything. And tshark, with
# the keys, decrypts what the driver sent and finds every ICV right.
. "$TOP/selftests/lib.sh"
. "$TOP/selftests/xfrm.sh"

SECRET='the secret of this test, in clear'

# as tshark names algorithms
declare -A tshark_cipher=(
	[null]=NULL [des]='DES-CBC [RFC2405]' [3des]='TripleDES-CBC [RFC2451]'
	[aes128]='AES-CBC [RFC3602]' [aes256]='AES-CBC [RFC3602]'
	[gcm128]='AES-GCM with 16 octet ICV [RFC4106]' [gcm256]='AES-GCM with 16 octet ICV [RFC4106]'
)
declare -A tshark_integrity=(
	[md5]='HMAC-MD5-96 [RFC2403]' [sha1]='HMAC-SHA-1-96 [RFC2404]'
	[sha256]='HMAC-SHA-256-128 [RFC4868]' [sha384]='HMAC-SHA-384-192 [RFC4868]'
	[sha512]='HMAC-SHA-512-256 [RFC4868]' [none]=NULL
)
declare -A key_bytes=(
	[null]=0 [des]=8 [3des]=24 [aes128]=16 [aes256]=32 [gcm128]=20 [gcm256]=36
	[md5]=16 [sha1]=20 [sha256]=32 [sha384]=48 [sha512]=64 [none]=0
)

# decrypt FAMILY CIPHER INTEGRITY CAPTURE WORDS...: tshark's view with the keys of spi_out
decrypt() {
	local local remote sa
	addresses "$1"
	sa="\"IPv$1\",\"$local\",\"$remote\",\"$spi_out\",\"${tshark_cipher[$2]}\""
	sa+=",\"$(key "${key_bytes[$2]}")\",\"${tshark_integrity[$3]}\",\"$(key "${key_bytes[$3]}")\""
	tshark -r "$(capture_file "$4")" -o esp.enable_encryption_decode:TRUE \
		-o esp.enable_authentication_check:TRUE -o "uat:esp_sa:$sa" "${@:5}" 2>"$TMP/tshark.err"
}

shows_secret() { grep -qaF "$SECRET" "$(capture_file "$1")"; } # CAPTURE

# capture FAMILY CIPHER INTEGRITY ROWS
capture_and_judge() {
	local family=$1 name="IPv$1 $2 $3" rows=$4 file=c-$1-$2-$3 remote=B$1 seen
	both_up "$1" "$2" "$3"
	capture_start "$file" A eth0
	# from a port that is nobody's: of what tshark takes for a protocol it may not come to the ICV
	need wire A udp "${!remote}" 9 200 4 "$SECRET" 9
	capture_stop "$file"
	case $2 in
	none) check "F15 $rows $name: the payload is readable" shows_secret "$file" ;;
	null) check "F19 $rows $name: the payload is readable" shows_secret "$file" ;;
	*) check "F16 $rows $name: the payload is not" not shows_secret "$file" ;;
	esac
	same "F13 $rows $name: nothing else left" "4 0" \
		"$(capture_count "$file" 'esp or ah') $(capture_count "$file" udp)"
	if [ "$2" != none ]; then
		seen=$(decrypt "$1" "$2" "$3" "$file" -T fields -e udp.dstport -e udp.length \
			-e esp.icv_good -e esp.icv_bad -Y esp | sort | uniq -c | xargs)
		same "F16 F17 $rows $name: tshark decrypts it and finds each ICV right" \
			"4 9 208 ${icv_right-}" "$seen" ||
			diag "$(cat "$TMP/tshark.err")"
	fi
	both_down
}

xfrm_topology
load_module
# how this tshark says that an ICV is right and not wrong
icv_right='1 0'
case $(tshark --version 2>/dev/null | head -n 1) in *' 4.'[2-9]*) icv_right='True False' ;; esac

for family in 4 6; do
	driver_up $family
	capture_and_judge $family null sha1 F20
	capture_and_judge $family des md5 'F20 F21'
	capture_and_judge $family 3des sha1 'F20 F21'
	capture_and_judge $family aes128 sha256 ''
	capture_and_judge $family aes256 sha512 ''
	capture_and_judge $family gcm128 none ''
	capture_and_judge $family gcm256 none ''
	capture_and_judge $family none sha1 F20
	driver_down
done

need on A ipdtool mode permit
need unload_module
check_world
finish
