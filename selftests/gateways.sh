# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# Two networks behind two gateways, one of which is the driver, the other XFRM.  Sourced after
# lib.sh; xfrm.sh has the algorithms.
#
#   C ------------- A ======================== B ------------- D
#   host            driver                     XFRM            host
#   10.1.0.2        10.1.0.1   192.0.2.1 .2    10.2.0.1        10.2.0.2
#   fd01::2         fd01::1    2001:db8::1 ::2 fd02::1         fd02::2
. "$TOP/selftests/xfrm.sh"

C4=10.1.0.2 C6=fd01::2 D4=10.2.0.2 D6=fd02::2
NET_C4=10.1.0.0/24 NET_D4=10.2.0.0/24 NET_C6=fd01::/64 NET_D6=fd02::/64

# wire_up VARIABLE1 DEVICE1 MAC1 VARIABLE2 DEVICE2 MAC2: as link of lib.sh, with known addresses
wire_up() {
	local -n ns1_=$1 ns2_=$4
	need ip link add "$2" address "$3" netns "$ns1_" type veth \
		peer name "$5" address "$6" netns "$ns2_"
}
batch() { # VARIABLE: commands of ip from standard input; few processes, which are slow in guests
	local -n ns_=$1
	ip -n "$ns_" -batch - || bail "the network of $1"
}

host_up() { # VARIABLE IPV4 IPV6 GATEWAY4 GATEWAY6 MAC-OF-GATEWAY
	batch "$1" <<-WORDS
		link set eth0 up
		addr add $2/24 dev eth0
		addr add $3/64 dev eth0 nodad
		neigh replace $4 lladdr $6 dev eth0 nud permanent
		neigh replace $5 lladdr $6 dev eth0 nud permanent
		route add default via $4
		route add ::/0 via $5
	WORDS
}
# VARIABLE, its addresses on the LAN and the WAN, its host and that one's MAC, the other gateway,
# its MAC and the networks behind it
gateway_up() {
	batch "$1" <<-WORDS
		link set lan up
		link set eth0 up
		addr add $2/24 dev lan
		addr add $3/64 dev lan nodad
		addr add $4/24 dev eth0
		addr add $5/64 dev eth0 nodad
		neigh replace $6 lladdr $8 dev lan nud permanent
		neigh replace $7 lladdr $8 dev lan nud permanent
		neigh replace $9 lladdr ${11} dev eth0 nud permanent
		neigh replace ${10} lladdr ${11} dev eth0 nud permanent
		route add ${12} via $9
		route add ${13} via ${10}
	WORDS
	need inside "$1" sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1
}

# The hosts, known to each other for good: nothing but the tests' packets is on the wires.
gateways_topology() {
	local c=02:00:00:00:01:02 ac=02:00:00:00:01:01 ab=02:00:00:00:00:01
	local ba=02:00:00:00:00:02 bd=02:00:00:00:02:01 d=02:00:00:00:02:02
	ns_add C A B D
	wire_up C eth0 $c A lan $ac
	wire_up A eth0 $ab B eth0 $ba
	wire_up B lan $bd D eth0 $d
	host_up C $C4 $C6 10.1.0.1 fd01::1 $ac
	host_up D $D4 $D6 10.2.0.1 fd02::1 $bd
	gateway_up A 10.1.0.1 fd01::1 $A4 $A6 $C4 $C6 $c $B4 $B6 $ba $NET_D4 $NET_D6
	gateway_up B 10.2.0.1 fd02::1 $B4 $B6 $D4 $D6 $d $A4 $A6 $ab $NET_C4 $NET_C6
}

# tunnel_filter INNER OUTER [WORDS]: filter 1 of A, for all between the two networks
tunnel_filter() {
	local net_c=NET_C$1 net_d=NET_D$1 tl=A$2 tr=B$2
	need inside A ipdtool add id=1 class=tunnel out=negotiate in=negotiate \
		local="${!net_c}" remote="${!net_d}" tl="${!tl}" tr="${!tr}" "${@:3}"
}

# tunnel_ours INNER OUTER CIPHER INTEGRITY [WORDS]: the pair of filter 1 in A, spi_out and spi_in
tunnel_ours() {
	local net_c=NET_C$1 net_d=NET_D$1 tl=A$2 tr=B$2 ends words
	ends="proto=$(protocol_of "$3") local=${!tl} remote=${!tr}"
	words="encap=tunnel filter=1 sel=${!net_c},${!net_d} ${cipher_words[$3]} ${integrity_words[$4]} ${*:5}"
	inside A ipdtool - <<-WORDS
		spi dir=in spi=$spi_in $ends
		sa dir=in spi=$spi_in pair=$spi_out $ends $words + dir=out spi=$spi_out pair=$spi_in $ends $words
	WORDS
}

# tunnel_peer INNER OUTER CIPHER INTEGRITY: the other ends in B
tunnel_peer() {
	local net_c=NET_C$1 net_d=NET_D$1 tl=A$2 tr=B$2 proto words flags='flag af-unspec' a there back
	proto=$(protocol_of "$3")
	# RFC 4302, section 2.6, as it is; XFRM's default pads to 64 bits in IPv4, too
	[ "$2$proto" = 4ah ] && flags='flag af-unspec align4'
	mapfile -t words < <(xfrm_algorithms "$3" "$4")
	a=$(printf '"%s" ' "${words[@]}")
	there="tmpl src ${!tl} dst ${!tr} proto $proto mode tunnel level required"
	back="tmpl src ${!tr} dst ${!tl} proto $proto mode tunnel level required"
	ip -n "$B" -batch - <<-WORDS
		xfrm state add src ${!tl} dst ${!tr} proto $proto spi $spi_out mode tunnel replay-window 64 $flags $a
		xfrm state add src ${!tr} dst ${!tl} proto $proto spi $spi_in mode tunnel replay-window 64 $flags $a
		xfrm policy add src ${!net_c} dst ${!net_d} dir in $there
		xfrm policy add src ${!net_c} dst ${!net_d} dir fwd $there
		xfrm policy add src ${!net_d} dst ${!net_c} dir out $back
	WORDS
}

tunnel_spis() {
	NEXT_SPI=$((NEXT_SPI + 1))
	printf -v spi_out '0x2%07x' $NEXT_SPI
	printf -v spi_in '0x1%07x' $NEXT_SPI
}
tunnel_up() { # INNER OUTER CIPHER INTEGRITY: filter and both ends, with SPIs never used before
	tunnel_spis
	tunnel_filter "$1" "$2"
	need tunnel_ours "$@"
	need tunnel_peer "$@"
}
tunnel_down() {
	both_down
	need inside A ipdtool del 1
}

# carry FROM TO FAMILY BYTES: TCP between the hosts (C, D) or a gateway; the sums are equal
carry() {
	local -n to_ns=$2
	local address=$2$3 name=receive-$RANDOM
	spawn "$name" ip netns exec "$to_ns" "$TOP/selftests/netns/wire.py" receive "$3" 5001
	wait_for 10 grep -q listening "$TMP/$name.log" || return
	wire "$1" send "${!address}" 5001 "$4" >"$TMP/$name.sent" || return
	wait_for 30 not running "$name" || return
	unset "spawned[$name]"
	cat "$TMP/$name.sent" "$TMP/$name.log"
	[ "$(cat "$TMP/$name.sent")" = "$(tail -n 1 "$TMP/$name.log")" ] &&
		grep -q "^$4 " "$TMP/$name.sent"
}

# a ping of SIZE bytes between two hosts
echo_of() { # FROM ADDRESS SIZE [OPTIONS of ping]
	inside "$1" ping -n -c 1 -W "$(secs 3)" -s "$3" "${@:4}" "$2"
}
# The first one may be lost to XFRM, which drops what is too big for it to tell the host.
echo_of_big() { inside "$1" ping -q -n -c 1 -W 0.5 -s "$3" "$2" || echo_of "$@"; }
