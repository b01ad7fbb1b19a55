# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# ESP in UDP through a NAT, between the driver (A) and XFRM or the driver again (B). Sourced after
# lib.sh; xfrm.sh has the algorithms.
#
#   A: driver ------------- R: NAT ---------------- B: XFRM, or driver
#   10.1.0.2      10.1.0.1         192.0.2.1        192.0.2.2
#   fd01::2       fd01::1          2001:db8::1      2001:db8::2
#
# In IPv4 R translates, and gives A's port 4500 the port NAT_PORT. In IPv6 it only forwards.
. "$TOP/selftests/xfrm.sh"

INSIDE4=10.1.0.2 INSIDE6=fd01::2
NAT_PORT=61000
MAC_A=02:00:00:00:01:02 MAC_RA=02:00:00:00:01:01 MAC_RB=02:00:00:00:00:01 MAC_B=02:00:00:00:00:02

# what no packet of the tests may be on the wire; later fragments show no port
CLEAR='tcp or icmp[0] = 0 or icmp[0] = 8 or (ip and udp and not port 4500 and ip[6:2] & 0x1fff = 0) or
	(ip6[6] = 17 and not port 4500) or (icmp6 and ip6[40] >= 128 and ip6[40] <= 129)'

batch() { # VARIABLE: commands of ip from standard input
	local -n ns_=$1
	ip -n "$ns_" -batch - || bail "the network of $1"
}
wire_up() { # VARIABLE1 DEVICE1 MAC1 VARIABLE2 DEVICE2 MAC2
	local -n ns1_=$1 ns2_=$4
	need ip link add "$2" address "$3" netns "$ns1_" type veth \
		peer name "$5" address "$6" netns "$ns2_"
}

nat_rules() { # PORT: what R makes of A's port 4500
	need inside R nft -f - <<-RULES
		table ip nat
		delete table ip nat
		table ip nat {
			chain out {
				type nat hook postrouting priority srcnat; policy accept;
				oifname eth0 udp sport 4500 masquerade to :$1
				oifname eth0 masquerade
			}
		}
	RULES
}
# The NAT forgets all mappings, as after a restart; it does so in the background.
nat_forget() {
	need ip -n "$R" addr del $A4/24 dev eth0
	need ip -n "$R" addr add $A4/24 dev eth0
}

natt_topology() {
	ns_add A R B
	wire_up A eth0 $MAC_A R lan $MAC_RA
	wire_up R eth0 $MAC_RB B eth0 $MAC_B
	batch A <<-WORDS
		link set eth0 up
		addr add $INSIDE4/24 dev eth0
		addr add $INSIDE6/64 dev eth0 nodad
		neigh replace 10.1.0.1 lladdr $MAC_RA dev eth0 nud permanent
		neigh replace fd01::1 lladdr $MAC_RA dev eth0 nud permanent
		route add default via 10.1.0.1
		route add ::/0 via fd01::1
	WORDS
	batch R <<-WORDS
		link set lan up
		link set eth0 up
		addr add 10.1.0.1/24 dev lan
		addr add fd01::1/64 dev lan nodad
		addr add $A4/24 dev eth0
		addr add $A6/64 dev eth0 nodad
		neigh replace $INSIDE4 lladdr $MAC_A dev lan nud permanent
		neigh replace $INSIDE6 lladdr $MAC_A dev lan nud permanent
		neigh replace $B4 lladdr $MAC_B dev eth0 nud permanent
		neigh replace $B6 lladdr $MAC_B dev eth0 nud permanent
	WORDS
	batch B <<-WORDS
		link set eth0 up
		addr add $B4/24 dev eth0
		addr add $B6/64 dev eth0 nodad
		neigh replace $A4 lladdr $MAC_RB dev eth0 nud permanent
		neigh replace $A6 lladdr $MAC_RB dev eth0 nud permanent
		route add ${INSIDE6%::*}::/64 via $A6
	WORDS
	need inside R sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1
	nat_rules $NAT_PORT
}

# for xfrm_topology, whose hosts see each other as they are
without_nat() { INSIDE4=$A4 INSIDE6=$A6 NAT_PORT=4500; }

# ends FAMILY: near is A's own address, far is A as B sees it, port A's port as B sees it
ends() {
	local near_=INSIDE$1 b_=B$1
	near=${!near_} remote=${!b_} far=$A4 port=$NAT_PORT
	[ "$1" = 4 ] || far=$near port=4500
}

next_spis() {
	NEXT_SPI=$((NEXT_SPI + 1))
	printf -v spi_out '0x2%07x' $NEXT_SPI
	printf -v spi_in '0x1%07x' $NEXT_SPI
}

# natt_half VARIABLE LOCAL REMOTE REMOTE-PORT SPI-OUT SPI-IN CIPHER INTEGRITY [WORDS [IN [OUT]]]:
# filter 1's pair of the driver there; words for both associations and for each
natt_half() {
	local ends_="local=$2 remote=$3" words
	words="filter=1 udp=4500,$4 ${cipher_words[$7]} ${integrity_words[$8]} ${9-}"
	inside "$1" ipdtool - <<-WORDS
		spi dir=in spi=$6 $ends_
		sa dir=in spi=$6 pair=$5 $ends_ $words ${10-} + dir=out spi=$5 pair=$6 $ends_ $words ${11-}
	WORDS
}

# The socket that XFRM takes ESP in UDP from; what is IKE's is in its log, a line for each datagram.
encap_socket() { # VARIABLE [plain]
	local -n ns_=$1
	spawn "encap-$1" nsenter --net="/run/netns/$ns_" "$TOP/selftests/netns/wire.py" encap "${@:2}"
	wait_for 10 grep -qx bound "$TMP/encap-$1.log" || bail "port 4500 of $1 is taken"
}

# xfrm_half FAMILY CIPHER INTEGRITY MODE [INNER-OF-A INNER-OF-B]: B's
xfrm_half() {
	local near remote far port words a there back side flag=''
	ends "$1"
	[ "$4" = transport ] || flag='flag af-unspec'
	mapfile -t words < <(xfrm_algorithms "$2" "$3")
	a=$(printf '"%s" ' "${words[@]}")
	there="tmpl src $far dst $remote proto esp mode $4 level required"
	back="tmpl src $remote dst $far proto esp mode $4 level required"
	side=${5-$far}
	ip -n "$B" -batch - <<-WORDS
		xfrm state add src $far dst $remote proto esp spi $spi_out mode $4 replay-window 64 $flag $a encap espinudp $port 4500 0.0.0.0
		xfrm state add src $remote dst $far proto esp spi $spi_in mode $4 replay-window 64 $flag $a encap espinudp 4500 $port 0.0.0.0
		xfrm policy add src $far dst $remote proto udp dport 4500 dir in priority 1
		xfrm policy add src $remote dst $far proto udp dport 4500 dir out priority 1
		xfrm policy add src $remote dst $far proto udp sport 4500 dir out priority 1
		xfrm policy add src $side dst ${6-$remote} dir in priority 9 $there
		xfrm policy add src ${6-$remote} dst $side dir out priority 9 $back
	WORDS
}

# pair_up FAMILY [CIPHER INTEGRITY [WORDS of A's outbound association]]: in transport mode, for filter 1
pair_up() {
	ends "$1"
	next_spis
	need natt_half A "$near" "$remote" 4500 "$spi_out" "$spi_in" "${2-gcm128}" "${3-none}" '' '' "${4-}"
	need xfrm_half "$1" "${2-gcm128}" "${3-none}" transport
}

# datagrams that came to a host, and those that did not for their checksum
udp_of() { inside "$1" awk '/^Udp: [0-9]/ { print $2 + $3, $8 }' /proc/net/snmp; } # VARIABLE
has_udp() { [ "$(udp_of "$1")" = "$2" ]; } # VARIABLE NUMBERS
