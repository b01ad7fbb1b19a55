#!/bin/bash
# SPDX-License-Identifier: MIT
# check: tiers=uml timeout=900
#
# Main mode and quick mode with each algorithm that the policy can name, between two of ours; the
# wire formats are judged elsewhere, by strongSwan and XFRM.
#
#   A 192.0.2.1, 2001:db8::1 ------- B 192.0.2.2, 2001:db8::2
. "$TOP/selftests/lib.sh"
. "$TOP/selftests/hosts.sh"

# secured NAME MM-OFFERS QM-OFFERS [PFSGROUP]: a ping passes, under exactly what was offered
secured() {
	local name=$1
	MM_OFFERS=$2 QM_OFFERS=$3 PFS=${4-} policy_on A 192.0.2.0/24 >"$TMP/policy" 2>&1 &&
		MM_OFFERS=$2 QM_OFFERS=$3 PFS=${4-} policy_on B 192.0.2.0/24 >>"$TMP/policy" 2>&1 || {
		not_ok "$name: the policy is taken"
		diag "$(cat "$TMP/policy")"
	}
	check "$name" on A ping -c 2 -i 0.1 -W "$(secs 15)" $B4 ||
		diag "$(service_log A ipsec-policy-agent | tail -n 5)"
	policy_off A
	policy_off B
	ctl A dynamic delete all >/dev/null 2>&1
}

hosts_up

for cipher in DES 3DES AES128 AES192 AES256; do
	for hash in MD5 SHA1 SHA256 SHA384 SHA512; do
		secured "K12 main mode $cipher-$hash" "$cipher-$hash-2" "ESP[3DES,SHA1]"
	done
done
# In main mode 1, 2 and 3 are the original's Low, Medium and 2048.
for group in 1 2 3; do
	secured "K13 main mode group $group" "3DES-SHA1-$group" "ESP[3DES,SHA1]"
done
for group in 15 16 17 18 19 20 21; do
	secured "K13 main mode group $group" "AES128-SHA256-$group" "ESP[AES128,SHA256]"
done
for cipher in None DES 3DES AES128 AES192 AES256; do
	for hash in MD5 SHA1 SHA256 SHA384 SHA512; do
		rows="F20"
		[ "$cipher" != None ] || rows="F19 F20"
		case $cipher in *DES) rows="F20 F21" ;; esac
		secured "$rows ESP $cipher with $hash" AES128-SHA1-2 "ESP[$cipher,$hash]"
	done
done
for cipher in AESGCM128 AESGCM256; do
	secured "F16 ESP $cipher" AES128-SHA1-2 "ESP[$cipher,None]"
done
for hash in MD5 SHA1 SHA256 SHA384 SHA512; do
	secured "F15 F20 AH $hash" AES128-SHA1-2 "AH[$hash]"
done
for pair in "SHA1 3DES,MD5" "MD5 AES128,SHA1" "SHA256 AESGCM128,None" "SHA1 None,SHA1"; do
	secured "F18 AH ${pair% *} and ESP ${pair#* } in one method" AES128-SHA1-2 \
		"AH[${pair% *}]+ESP[${pair#* }]"
done
for group in GRP1 GRP2 GRP3; do
	secured "K18 session PFS with $group" AES128-SHA1-2 "ESP[3DES,SHA1]" $group
done
secured "K19 session PFS with main mode's group" AES128-SHA1-2 "ESP[3DES,SHA1]" GRPMM
secured "K10 K21 several offers, in order" "AES256-SHA512-14 3DES-SHA1-2" "AH[SHA1] ESP[AES128,SHA1]"

check_world
finish
