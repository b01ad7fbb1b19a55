#!/bin/bash
# SPDX-License-Identifier: MIT
# check: tiers=uml also=uml-debug,vm timeout=600
#
# ESP in UDP from behind a NAT, with XFRM as the peer and tshark as the judge of the wire: transport
# mode, whose checksums the NAT makes wrong, and tunnel mode; streams both ways, fragments, sizes,
# IKE and keepalives on the same port, nothing in clear. In IPv6 there is no NAT, but a UDP
# checksum. Topology: selftests/natt.sh
. "$TOP/selftests/lib.sh"
. "$TOP/selftests/natt.sh"

bytes=200000
SECRET='the secret of this test, in clear'
IKE_OUT=00000000aabbccdd IKE_IN=00000000ddccbbaa

natt_topology
load_module
need inside A ipdtool mode secure

filter_up() { # FAMILY
	ends "$1"
	need inside A ipdtool add id=1 out=negotiate in=negotiate local="$near" remote="$remote"
}
filter_down() { need inside A ipdtool del 1; }
has_line() { grep -q "$2" "$TMP/$1.log"; } # NAME PATTERN
lines() { tail -n +2 "$TMP/$1.log" | wc -l; } # NAME: without the first, which says that it is bound

# --- transport mode -----------------------------------------------------------------

# In clear nobody outside of a NAT can begin: what XFRM sends to the NAT's address goes to A only
# since it is inside of A's mapping of port 4500. Pitfall F3: A knows nothing of the address that
# the checksums are about.
transport() { # FAMILY CIPHER INTEGRITY
	local name="IPv$1 $2 $3"
	pair_up "$@"
	check "F16 $name: echoes" ping_sizes A "$remote" 0 1 15 1400 1472 1500 8000 30000
	check "F16 $name: streams both ways" reflect A "$remote" $bytes
}
others() { # FAMILY: in fragments; and a stream that begins at the other end
	local was
	check "F16 IPv$1: a stream that XFRM begins" transfer_to B A "$far" $bytes
	was=$(delivered_in "$1")
	need wire A udp "$remote" 9 3000 2 "$SECRET"
	need wire B udp "$far" 9 3000 2
	same "F16 IPv$1: datagrams both ways" $((was + 2)) "$(delivered_in "$1")"
}

# What A hands on to another host leaves with a right checksum: the wire to C computes none for it.
# Answers would have to leave A under an association between others, and do not.
handed_on() {
	ns_add C
	wire_up A inner 02:00:00:00:05:01 C eth0 02:00:00:00:05:02
	batch A <<-WORDS
		link set inner up
		addr add 10.5.0.1/24 dev inner
		neigh replace 10.5.0.2 lladdr 02:00:00:00:05:02 dev inner nud permanent
	WORDS
	need ip -n "$C" link set eth0 up
	need ip -n "$C" addr add 10.5.0.2/24 dev eth0
	need on A ethtool -K inner tx off
	need inside A sysctl -qw net.ipv4.ip_forward=1
	need inside A nft -f - <<-RULES
		table ip hand_on {
			chain in {
				type nat hook prerouting priority dstnat; policy accept;
				udp dport 5003 dnat to 10.5.0.2
			}
		}
	RULES
	need wire B udp "$far" 5003 700 3
	check "F16 IPv4: what A hands on arrives, with right checksums" wait_for 5 has_udp C '3 0'
	need inside A nft delete table ip hand_on
}

encap_socket B
encap_socket A plain
mirror B
CAPTURE_OPTIONS='-s 300' wire_start wan R eth0 B eth0
for family in 4 6; do
	filter_up $family
	before=$(drop_snapshot)
	for algorithms in 'gcm128 none' 'aes128 sha1' '3des md5'; do
		# shellcheck disable=SC2086 # words
		transport $family $algorithms
		[ "$algorithms" != 'gcm128 none' ] || others $family
		both_down
	done
	same "F16 IPv$family: nothing was dropped" '' "$(drop_changes "$before")"
	filter_down
done
filter_up 4
pair_up 4
handed_on
both_down
filter_down
wire_stop wan
never_clear "F16 nothing but ESP in UDP is on the wire behind the NAT" wan "$CLEAR"
check "F16 and no secret in it" not grep -qaF "$SECRET" "$(capture_file wan-1)"
same "F16 nothing of that came to a socket on port 4500" "0 0" \
	"$(lines encap-A) $(lines encap-B)"

# --- one packet of each kind, as tshark sees them -----------------------------------

# the length in the UDP header of a keepalive, which is right behind the IP header
declare -A keepalive=([4]='udp[4:2] = 9' [6]='ip6[44:2] = 9')
has_kept_alive() { [ -n "$(tcpdump -r "$(capture_file kinds)" -n "${keepalive[$1]}")" ]; }
# UDP checksums: none in IPv4, right in IPv6. Pitfall F3: the one inside is wrong once the NAT has
# changed the address.
declare -A sums=([4]='3,0' [6]='1,1')

keys=() kinds=''
capture_start kinds R eth0
for family in 4 6; do
	filter_up $family
	pair_up $family gcm128 none keepalive=1
	need wire A udp "$remote" 9 200 2 "$SECRET"
	need wire A datagram "$remote" 4500 $IKE_OUT 4500
	check "D26 IPv$family: IKE gets through, beside ESP" \
		wait_for 5 has_line encap-B "^$far $port $IKE_OUT\$"
	need wire B datagram "$far" "$port" $IKE_IN 4500
	check "D26 IPv$family: and back to the socket" \
		wait_for 5 has_line encap-A "^$remote 4500 $IKE_IN\$"
	check "F16 IPv$family: ESP keeps the NAT awake" wait_for 10 has_kept_alive $family
	kinds+="esp $spi_out $port 4500,9 ${sums[$family]}"$'\n'
	kinds+="ike $port 4500"$'\n'"keepalive $port 4500 ${sums[$family]%,*}"$'\n'
	keys+=(-o "uat:esp_sa:\"IPv$family\",\"$far\",\"$remote\",\"$spi_out\",\
\"AES-GCM with 16 octet ICV [RFC4106]\",\"$(key 20)\",\"NULL\",\"\"")
	both_down
	filter_down
done
capture_stop kinds
fields=(udp.srcport udp.dstport udp.checksum.status esp.spi udpencap.nat_keepalive
	udpencap.non_esp_marker)
# each kind of packet once; the ports and checksums of the packet inside come second
same "F16 tshark decrypts ESP in UDP, and sees what IKE and keepalives are" "$(sort <<<"${kinds%$'\n'}")" \
	"$(tshark -r "$(capture_file kinds)" -o esp.enable_encryption_decode:TRUE \
		-o esp.enable_authentication_check:TRUE -o udp.check_checksum:TRUE "${keys[@]}" \
		-Y udpencap -T fields -E 'separator=|' "${fields[@]/#/-e}" 2>"$TMP/tshark.err" |
		awk -F'|' '{ sub(/,.*/, "", $1) }
			$5 { print "keepalive", $1, $2, $3; next }
			$6 { print "ike", $1, $2; next }
			{ print "esp", $4, $1, $2, $3 }' | sort -u)"

# --- sizes --------------------------------------------------------------------------

# in what was captured between A and B
declare -A fragments=([4]='ip[6:2] & 0x3fff != 0' [6]='ip6[6] = 44') most=([4]=1472 [6]=1452)
mtu_behind_r() { # MTU
	need ip -n "$R" link set eth0 mtu "$1"
	need ip -n "$B" link set eth0 mtu "$1"
}
# of a socket that forbids fragments
largest_is_below() { # SIZE
	local size
	size=$(wire A largest "$remote" 9 "${most[$family]}") && [ "$size" -lt "$1" ]
}

for family in 4 6; do
	filter_up $family
	pair_up $family gcm128 none
	CAPTURE_OPTIONS='-s 128' capture_start "sizes-$family" R eth0
	check "F16 IPv$family: streams" reflect A "$remote" 60000
	check "F16 IPv$family: datagrams with DF: the sender is told what fits, and no less" \
		largest_is_below "${most[$family]}"
	capture_stop "sizes-$family"
	same "F16 IPv$family: no packet was cut, none is longer than the MTU" "0 0" \
		"$(capture_count "sizes-$family" "${fragments[$family]}") $(capture_count "sizes-$family" 'greater 1515')"
	check "F16 IPv$family: but the full ones are nearly as long" \
		[ "$(capture_count "sizes-$family" 'greater 1511')" -gt 20 ]

	# pitfall C4: a router behind this host says what fits, about ESP in UDP
	mtu_behind_r 1300
	check "F12 IPv$family: a router with a smaller MTU: streams go on" \
		reflect A "$remote" 60000
	check "F12 IPv$family: and who forbids fragments is told" wait_for 5 largest_is_below 1240
	mtu_behind_r 1500
	need ip -n "$A" -$family route flush cache
	both_down
	filter_down
done

# --- tunnel mode --------------------------------------------------------------------

# Addresses of A and B that the wire does not know.
INNER_A4=10.9.0.1 INNER_B4=10.2.0.2 INNER_A6=fd09::1 INNER_B6=fd02::2
batch A <<-WORDS
	addr add $INNER_A4/32 dev lo
	addr add $INNER_A6/128 dev lo nodad
	route add $INNER_B4 via 10.1.0.1 src $INNER_A4
	route add $INNER_B6 via fd01::1 src $INNER_A6
WORDS
batch B <<-WORDS
	addr add $INNER_B4/32 dev lo
	addr add $INNER_B6/128 dev lo nodad
	route add $INNER_A4 via $A4 src $INNER_B4
	route add $INNER_A6 via $A6 src $INNER_B6
WORDS

tunnel() { # FAMILY INNER-FAMILY CIPHER INTEGRITY
	local name="IPv$2 in IPv$1 $3 $4" inner_a=INNER_A$2 inner_b=INNER_B$2
	ends "$1"
	next_spis
	need inside A ipdtool add id=1 class=tunnel out=negotiate in=negotiate local="${!inner_a}" \
		remote="${!inner_b}" tl="$near" tr="$remote"
	need natt_half A "$near" "$remote" 4500 "$spi_out" "$spi_in" "$3" "$4" \
		"encap=tunnel sel=${!inner_a},${!inner_b}"
	need xfrm_half "$1" "$3" "$4" tunnel "${!inner_a}" "${!inner_b}"
	check "F38 $name: echoes through the tunnel" ping_sizes A "${!inner_b}" 0 1 1400 1472 8000
	check "F38 $name: streams both ways" reflect A "${!inner_b}" $bytes
	both_down
	need inside A ipdtool del 1
}

CAPTURE_OPTIONS='-s 300' wire_start tunnel R eth0 B eth0
before=$(drop_snapshot)
tunnel 4 4 gcm128 none
tunnel 4 4 aes128 sha1
tunnel 4 6 gcm128 none
tunnel 6 6 gcm128 none
tunnel 6 4 3des md5
same "F38 nothing was dropped" '' "$(drop_changes "$before")"
wire_stop tunnel
never_clear "F38 nothing of the tunnel's inside is on the wire" tunnel \
	"host $INNER_A4 or host $INNER_B4 or host $INNER_A6 or host $INNER_B6 or $CLEAR"

need on A ipdtool mode permit
need unload_module
check_world
finish
