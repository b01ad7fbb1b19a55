#!/bin/bash
# SPDX-License-Identifier: MIT
# check: tiers=uml timeout=900 time-travel
# Two hosts' ipsec-ike and ipsec-cred, with test_pair in the place of both agents:
#
#    namespace A                          namespace B
#    ipsec-ike, ipsec-cred                ipsec-ike, ipsec-cred
#    192.0.2.1 2001:db8::1 eth0 ---- eth0 192.0.2.2 2001:db8::2
#          \                              /
#           run directories: test_pair is the agent of both
#
# No driver is needed: test_pair keeps the associations that it is asked to install.
. "$TOP/selftests/lib.sh"

ns_add A B
link A eth0 B eth0
addr A eth0 192.0.2.1/24 2001:db8::1/64
addr B eth0 192.0.2.2/24 2001:db8::2/64
chmod 711 "$TMP"	# the programs run as other users

# pair CASE [NAME [ADDRESS-A ADDRESS-B]]
pair() {
	local dir=$TMP/${2:-$1}
	mkdir -m 711 "$dir" &&
		test_pair "$1" "$A" "$B" "${3:-192.0.2.1}" "${4:-192.0.2.2}" "$dir"
}

logs() { # NAME: what the programs said
	diag "$(tail -n 15 "$TMP/$1"/*/*.log 2>/dev/null)"
}

need test_pair list
while IFS=$'\t' read -r name title; do
	check "$title" pair "$name" || logs "$name"
done < <(test_pair list)
check "K01 K06 over IPv6" pair negotiate negotiate6 2001:db8::1 2001:db8::2 || logs negotiate6
check "rekey and delete over IPv6" pair rekey-and-delete rekey6 2001:db8::1 2001:db8::2 ||
	logs rekey6

# --- on the wire ----------------------------------------------------------

frames() { # FILTER
	tshark -r "$TMP/ike.pcap" -Y "$1" 2>/dev/null | wc -l
}

wire_start ike A eth0 B eth0 'udp port 500'
check "keys are written while the debug switch is on, again" pair keylog wire || logs wire
wire_stop ike
# One end alone is no conversation.
need mergecap -w "$TMP/ike.pcap" "$(capture_file ike-1)" "$(capture_file ike-2)"
same "K01 six main mode messages" 6 "$(frames 'isakmp.exchangetype == 2')"
same "K01 three messages per quick mode, and there are two" 6 \
	"$(frames 'isakmp.exchangetype == 32')"
identities='isakmp.exchangetype == 2 && isakmp.id.type'
same "K04 no identity can be read" 0 "$(frames "$identities")"

# tshark reads the tables from its configuration directory.
export WIRESHARK_CONFIG_DIR=$TMP/wire/a/keylog
same "K04 tshark reads both with the keys that were written" 2 "$(frames "$identities")"
same "tshark reads the quick modes with them" 4 \
	"$(frames 'isakmp.exchangetype == 32 && isakmp.prop.protoid == 3')"
same "the keys are for root only" '600 root' \
	"$(stat -c '%a %U' "$WIRESHARK_CONFIG_DIR/ikev1_decryption_table")"
same "an entry for each direction of ESP" 2 "$(wc -l <"$WIRESHARK_CONFIG_DIR/esp_sa")"
finish
