#!/bin/bash
# SPDX-License-Identifier: MIT
# check: timeout=300
#
# What our host offers, and the key exchange of quick mode, as tshark reads them between it and
# strongSwan: main mode's first message in clear, quick mode with the keys that our agent exported.
. "$TOP/selftests/lib.sh"
. "$TOP/selftests/hosts.sh"
PEER=strongswan
. "$TOP/selftests/peer.sh"

# read_wire FILTER FIELD...: of the last capture, with the keys of A
read_wire() {
	local filter=$1
	shift
	WIRESHARK_CONFIG_DIR=$(run_dir A)/keylog tshark -r "$TMP/wire.pcap" -Y "isakmp && $filter" \
		-T fields -E separator=' ' "${@/#/-e}" 2>"$TMP/tshark.err"
}

# negotiated NAME RULE-TAG...: A starts, and the wire is captured meanwhile
negotiated() {
	local name=$1
	shift
	wire_start ike A eth0 B eth0 'udp port 500'
	need ctl A dynamic add rule srcaddr=me "dstaddr=$B4" mmpolicy=test qmpolicy=test "psk=$PSK"
	check "$name" reaches A $B4 || why
	wire_stop ike
	rm -f "$TMP/wire.pcap"
	# one end alone is no conversation
	need mergecap -w "$TMP/wire.pcap" "$(capture_file ike-1)" "$(capture_file ike-2)"
}

# --- main mode: what is offered when policy does not say -------------------------------------------

EXPORT_KEYS=yes
peer_up

# Each offer is the only one that the peer takes.
for only in 3des-sha1-modp1024 3des-md5-modp1024 des-sha1-modp768 des-md5-modp768; do
	need swan_config $only esp 3des-sha1
	need ctl A dynamic add mmpolicy name=test
	need ctl A dynamic add qmpolicy name=test
	negotiated "K14 strongSwan takes $only of the default offers"
	part
done
# the last capture: 3DES is 5, DES is 1; MD5 is 1, SHA-1 is 2; a preshared key is 1
offer='isakmp.exchangetype == 2 && isakmp.rspi == 00:00:00:00:00:00:00:00'
same "K14 default offers: ciphers" 5,5,1,1 "$(read_wire "$offer" isakmp.ike.attr.encryption_algorithm)"
same "K14 default offers: hashes" 2,1,2,1 "$(read_wire "$offer" isakmp.ike.attr.hash_algorithm)"
same "K14 default offers: groups" 2,2,1,1 "$(read_wire "$offer" isakmp.ike.attr.group_description)"
same "K14 default offers: the method" 1,1,1,1 "$(read_wire "$offer" isakmp.ike.attr.authentication_method)"
same "K15 default offers: eight hours" 28800,28800,28800,28800 \
	"$(read_wire "$offer" isakmp.ike.attr.life_duration)"

quick='isakmp.exchangetype == 32'
same "K20 default quick modes, decrypted: HMAC-SHA-1, then HMAC-MD5" 2,1 \
	"$(read_wire "$quick && ip.src == $A4" isakmp.ipsec.attr.auth_algorithm | head -n 1)"
same "K20 default quick modes: an hour, 100,000 KB" 3600,100000,3600,100000 \
	"$(read_wire "$quick && ip.src == $A4" isakmp.ipsec.attr.life_duration | head -n 1)"
same "K18 without PFS no key exchange is in quick mode" 0 \
	"$(read_wire "$quick && isakmp.key_exchange.data" frame.number | wc -l)"

# --- quick mode: a key exchange of its own ---------------------------------------------------------

# exchanges ROW GROUP OF-MAIN-MODE NUMBER BYTES
exchanges() {
	local row=$1 pfs=$2 main=$3 number=$4 bytes=$5 name
	name="$row main mode $main, PFS $pfs"
	need peer_config "$main" "ESP[AES128,SHA1]" "$pfs"
	MM_OFFERS=$main QM_OFFERS="ESP[AES128,SHA1]" PFS=$pfs need policy_methods A
	negotiated "$name: strongSwan agrees"
	same "$name: both sides' values are in quick mode, with $bytes bytes" "$bytes $bytes" \
		"$(read_wire "$quick" isakmp.key_exchange.data | awk 'NF { print length($1) / 2 }' | xargs)"
	same "$name: and the group is named" $number \
		"$(read_wire "$quick" isakmp.ipsec.attr.group_description | awk NF | sort -u)"
	part
}
exchanges K18 GRP1 AES128-SHA1-3 1 96
exchanges K18 GRP2 AES128-SHA1-3 2 128
exchanges K18 GRP3 AES128-SHA1-2 14 256
exchanges K19 GRPMM AES128-SHA1-2 2 128
exchanges K19 GRPMM AES128-SHA1-3 14 256

check_world
finish
