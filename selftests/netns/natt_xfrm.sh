#!/bin/bash
# SPDX-License-Identifier: MIT
# check: tiers=uml,uml-debug also=vm timeout=400
#
# ESP in UDP from behind a NAT, with XFRM as the peer and tshark as the judge of the wire: transport
# mode, whose checksums the NAT makes wrong, and tunnel mode; streams both ways, fragments, nothing
# in clear. In IPv6 there is no NAT, but a UDP checksum. Topology: selftests/natt.sh
. "$TOP/selftests/lib.sh"
. "$TOP/selftests/natt.sh"

bytes=$((3000000 / SLOW))
SECRET='the secret of this test, in clear'

natt_topology
load_module
need inside A ipdtool mode secure

# what tshark makes of packets of spi_out, with the keys of gcm128
decrypt() { # FAMILY CAPTURE WORDS...
	local near remote far port sa
	ends "$1"
	sa="\"IPv$1\",\"$far\",\"$remote\",\"$spi_out\",\"AES-GCM with 16 octet ICV [RFC4106]\""
	sa+=",\"$(key 20)\",\"NULL\",\"\""
	tshark -r "$(capture_file "$2")" -o esp.enable_encryption_decode:TRUE \
		-o esp.enable_authentication_check:TRUE -o udp.check_checksum:TRUE \
		-o "uat:esp_sa:$sa" "${@:3}" 2>"$TMP/tshark.err"
}
field_of() { # FAMILY CAPTURE FILTER FIELD: its values
	decrypt "$1" "$2" -Y "$3" -T fields -e "$4" | sort -u | xargs
}

# --- transport mode -----------------------------------------------------------------

# what the tests send; later fragments show no port
CLEAR='tcp or icmp or (ip and udp and not port 4500 and ip[6:2] & 0x1fff = 0) or
	(ip6 and udp and not port 4500) or (icmp6 and ip6[40] >= 128 and ip6[40] <= 129)'

transport() { # FAMILY CIPHER INTEGRITY
	local near remote far port name="IPv$1 $2 $3" before
	ends "$1"
	next_spis
	need natt_half A "$near" "$remote" 4500 $spi_out $spi_in "$2" "$3"
	need xfrm_half "$1" "$2" "$3" transport
	before=$(drop_snapshot)
	check "F16 $name: echoes" ping_sizes A "$remote" 0 1 15 1400 1472 1500 8000 30000
	check "F16 $name: a stream to XFRM" transfer_to B A "$remote" $bytes
	check "F16 $name: a stream from XFRM" transfer_back "$1"
	need wire A udp "$remote" 9 300 3 "$SECRET"
	need wire A udp "$remote" 9 3000 2 "$SECRET"
	same "F16 $name: nothing was dropped" '' "$(drop_changes "$before")"
}
# as transfer of xfrm.sh, whose receiver has the address that the sender sees
transfer_to() { # TO FROM ADDRESS BYTES
	local name=receive-$RANDOM
	local -n to_ns=$1
	local family=4
	case $3 in *:*) family=6 ;; esac
	spawn "$name" ip netns exec "$to_ns" "$TOP/selftests/netns/wire.py" receive $family 5001
	wait_for 10 grep -q listening "$TMP/$name.log" || return
	wire "$2" send "$3" 5001 "$4" >"$TMP/$name.sent" || return
	wait_for 30 not running "$name" || return
	unset "spawned[$name]"
	[ "$(cat "$TMP/$name.sent")" = "$(tail -n 1 "$TMP/$name.log")" ] &&
		grep -q "^$4 " "$TMP/$name.sent"
}
# In clear nobody outside of a NAT can begin: what XFRM sends to port 5001 of the NAT goes to A only
# since it is inside of A's mapping of port 4500.
transfer_back() { # FAMILY
	local near remote far port
	ends "$1"
	transfer_to A B "$far" $bytes
}

encap_socket B 4
encap_socket B 6
CAPTURE_OPTIONS='-s 300' wire_start wan R eth0 B eth0
for family in 4 6; do
	ends $family
	need inside A ipdtool add id=1 out=negotiate in=negotiate local="$near" remote="$remote"
	for algorithms in 'gcm128 none' 'aes128 sha1' '3des md5'; do
		# shellcheck disable=SC2086 # words
		transport $family $algorithms
		both_down
	done
	need inside A ipdtool del 1
done
wire_stop wan
never_clear "F16 nothing but ESP in UDP is on the wire behind the NAT" wan "$CLEAR"
check "F16 and no secret in it" not grep -qaF "$SECRET" "$(capture_file wan-1)"

# --- what the wire looks like -------------------------------------------------------

for family in 4 6; do
	ends $family
	need inside A ipdtool add id=1 out=negotiate in=negotiate local="$near" remote="$remote"
	next_spis
	need natt_half A "$near" "$remote" 4500 $spi_out $spi_in gcm128 none
	need xfrm_half $family gcm128 none transport
	capture_start "shape-$family" R eth0
	need wire A udp "$remote" 9 200 4 "$SECRET"
	capture_stop "shape-$family"
	same "F16 IPv$family: tshark sees ESP in UDP" 4 \
		"$(decrypt $family "shape-$family" -Y 'udpencap && esp' | wc -l)"
	same "F16 IPv$family: from the NAT's port to 4500" "$port" \
		"$(field_of $family "shape-$family" 'esp && udp.dstport == 4500' udp.srcport |
			cut -d, -f1 | xargs)"
	same "F17 IPv$family: tshark decrypts it" 4 \
		"$(decrypt $family "shape-$family" -Y 'esp && udp.dstport == 9' | wc -l)"
	# the first UDP header of a packet is the outer one
	sums=$(decrypt $family "shape-$family" -Y esp -T fields -e udp.checksum -E occurrence=f | sort -u)
	states=$(decrypt $family "shape-$family" -Y esp -T fields -e udp.checksum.status -E occurrence=f | sort -u)
	if [ $family = 4 ]; then
		same "F16 IPv4: the UDP checksum is zero" 0x0000 "$sums"
	else
		same "F16 IPv6: the UDP checksum is right" 1 "$states"
	fi
	both_down
	need inside A ipdtool del 1
done

# --- tunnel mode --------------------------------------------------------------------

# A's own address behind the NAT is what is inside, which B knows by the tunnel only.
need ip -n "$B" addr add 10.2.0.2/32 dev lo
need ip -n "$A" addr add 10.9.0.1/32 dev lo
need ip -n "$A" route add 10.2.0.2 via 10.1.0.1 src 10.9.0.1
need ip -n "$B" route add 10.9.0.1 via $A4 src 10.2.0.2
CAPTURE_OPTIONS='-s 300' wire_start tunnel R eth0 B eth0
need inside A ipdtool add id=1 class=tunnel out=negotiate in=negotiate local=10.9.0.1 \
	remote=10.2.0.2 tl=$INSIDE4 tr=$B4
for algorithms in 'gcm128 none' 'aes128 sha1'; do
	read -r cipher integrity <<<"$algorithms"
	next_spis
	before=$(drop_snapshot)
	need natt_half A $INSIDE4 $B4 4500 $spi_out $spi_in "$cipher" "$integrity" \
		"encap=tunnel sel=10.9.0.1/32,10.2.0.2/32"
	need xfrm_half 4 "$cipher" "$integrity" tunnel 10.9.0.1 10.2.0.2
	check "F38 $algorithms: echoes through the tunnel" ping_sizes A 10.2.0.2 0 1 1400 1472 8000
	check "F38 $algorithms: a stream into it" transfer_to B A 10.2.0.2 $bytes
	check "F38 $algorithms: a stream out of it" transfer_to A B 10.9.0.1 $bytes
	same "F38 $algorithms: nothing was dropped" '' "$(drop_changes "$before")"
	both_down
done
wire_stop tunnel
never_clear "F38 no packet of the tunnel's inside is on the wire" tunnel \
	'host 10.2.0.2 or host 10.9.0.1'

need on A ipdtool mode permit
need unload_module
check_world
finish
