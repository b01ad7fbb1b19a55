#!/bin/bash
# SPDX-License-Identifier: MIT
# check: tiers=uml also=uml-debug,vm timeout=600
#
# Beside the other users of netfilter: conntrack, NAT, queues, bridges, VRFs, XFRM.
#
#   A 192.0.2.1, 2001:db8::1 ------- B 192.0.2.2, 2001:db8::2
#   R: a bridge, a VRF, a router
. "$TOP/selftests/lib.sh"
. "$TOP/selftests/driver.sh"

NEGOTIATE="out=negotiate in=negotiate local=me"
CLEAR='ip and not esp'
LAST=2147483647

nft_on() { # HOST: rules on standard input
	on "$1" nft -f -
}
packets() { # HOST COMMENT: of a rule that counts
	on "$1" nft list ruleset | grep "comment \"$2\"" | grep -o 'packets [0-9]*' | cut -d' ' -f2
}
pair_up() { # HOST... in secure mode with an association for all between A and B
	fresh A B
	need ipd A add id=7 $NEGOTIATE remote=$B4
	need ipd B add id=7 $NEGOTIATE remote=$A4
	secure_pair 7 0x1000
}
raw_ip() { # HOST ADDRESS PROTOCOL HEX [FRAGMENT-OFFSET]: an IPv4 packet with this payload
	on "$1" perl -e '
		use Socket;
		my ($to, $protocol, $hex, $offset) = @ARGV;
		my $payload = pack("H*", $hex);
		socket(my $s, AF_INET, SOCK_RAW, 255) or die "socket: $!";
		setsockopt($s, 0, 3, pack("i", 1)) or die "IP_HDRINCL: $!";
		setsockopt($s, 0, 22, pack("i", 1)) or die "IP_NODEFRAG: $!";
		my $ip = pack("CCnnnCCna4a4", 0x45, 0, 20 + length $payload, 77, $offset / 8, 64, $protocol, 0,
			"\0\0\0\0", inet_aton($to));
		send($s, $ip . $payload, 0, pack_sockaddr_in(0, inet_aton($to))) or exit 3' \
		"$2" "$3" "$4" "${5-0}"
}

driver_up

# --- conntrack and rules see packets in clear, once -----------------------------------
counters='
	add table inet t
	add chain inet t pre { type filter hook prerouting priority raw; }
	add rule inet t pre udp dport 7000 counter comment "in_udp"
	add rule inet t pre ip protocol esp counter comment "in_esp"
	add chain inet t in { type filter hook input priority 0; }
	add rule inet t in ct state invalid counter comment "invalid"
	add rule inet t in ct state established udp sport 7000 counter comment "reply"'
for order in "rules first" "driver first"; do
	if [ "$order" = "rules first" ]; then
		need ipd A mode permit
		need ipd B mode permit
		need nft_on A <<<"$counters"
		need nft_on B <<<"$counters"
		pair_up
	else
		pair_up
		need nft_on A <<<"$counters"
		need nft_on B <<<"$counters"
	fi
	spawn echo ip netns exec "$B" socat -t 20 -T 30 UDP4-RECVFROM:7000,fork SYSTEM:cat
	wait_for 10 listens_udp B 7000
	same "F16 $order: a question is answered" question \
		"$(on A socat -t 20 -T 20 - "UDP4:$B4:7000" <<<question)"
	same "F01 $order: rules see it in clear, once" "1 0" "$(packets B in_udp) $(packets B in_esp)"
	same "F01 $order: conntrack knows the answer" "1 0" "$(packets A reply) $(packets A invalid)"
	stop echo
	need on A nft delete table inet t
	need on B nft delete table inet t
done

# --- addresses of the wire ----------------------------------------------------------------
fresh A B
need on A ip addr add 192.0.2.50/32 dev eth0
need nft_on A <<<'
	add table ip n
	add chain ip n post { type nat hook postrouting priority srcnat; }
	add rule ip n post udp dport 7001 snat to 192.0.2.50'
need ipd A add id=1 out=block local=192.0.2.50 remote=$B4 proto=udp
blocked=$(stat_of A drop.filter-block)
send_udp A $B4 7001 1 1
same "F01 a filter sees the address after NAT" $((blocked + 1)) "$(stat_of A drop.filter-block)"
need on A nft delete table ip n
need on A ip addr del 192.0.2.50/32 dev eth0

# --- a queue behind the driver ---------------------------------------------------------------
need ipd A mode permit
need ipd B mode permit
need nft_on A <<<"
	add table ip q
	add chain ip q post { type filter hook postrouting priority $LAST; }
	add rule ip q post udp dport 7002 queue num 5"
pair_up
receive_udp queue B 7002
wire_start queue A eth0 B eth0
send_udp A $B4 7002 1 3
spawn accept ip netns exec "$A" nfqaccept 5
wait_for 10 grep -q ready "$TMP/accept.log"
send_udp A $B4 7002 4 6
check "F16 packets that were queued behind the driver arrive" wait_for 10 has_got queue 6
same "F16 those that somebody accepted" "4 5 6" "$(got queue)"
same "F16 they were in the queue" 3 "$(grep -c packet "$TMP/accept.log")"
need ipd A load - <<<"id=9 out=block in=block local=me remote=$B4"
blocked=$(stat_of A drop.filter-block)
send_udp A $B4 7002 7 8
check "F04 and what is blocked is dropped after the queue" \
	wait_for 10 has_stat A drop.filter-block $((blocked + 2))
need ipd A load - <<<"id=7 $NEGOTIATE remote=$B4"
listen A
send_udp A $B4 7002 9 10
check "F05 what has to be negotiated waits after the queue" wait_for 10 has_stat A held-packets 2
need ipd B flush
secure_pair 7 0x2000
check "F05 and leaves" wait_for 10 has_got queue 10
wire_stop queue
never_clear "F16 F25 nothing of it in clear" queue "$CLEAR"
stop accept
stop listen-A
need on A nft delete table ip q

# --- a queue that skips the driver: the proof of having been judged --------------------------------
need ipd A mode permit
need nft_on A <<<'
	add table ip q
	add chain ip q first { type filter hook prerouting priority raw; }
	add chain ip q second { type filter hook prerouting priority mangle; }
	add rule ip q second udp dport 7003 queue num 6'
rm -f "$TMP/gate"
spawn gate ip netns exec "$A" nfqaccept 6 "$TMP/gate"
wait_for 10 grep -q ready "$TMP/gate.log"
need ipd B mode permit
receive_udp skip A 7003
send_udp B $A4 7003 1 1
need wait_for 10 grep -q packet "$TMP/gate.log"
need ipd A mode secure
need ipd A load - <<<"id=9 in=block local=me remote=$B4 proto=udp"
touch "$TMP/gate"
check "F04 a packet that skipped the driver is dropped" wait_for 10 has_stat A drop.unjudged 1
check "F04 and was not delivered" not grep -q . "$TMP/skip.got"
stop gate
need on A nft delete table ip q

# --- AH and ESP of others ------------------------------------------------------------------------------
fresh A
bad() { stat_of A drop.bad-spi; }
need ipd A add id=1 out=block in=block local=me remote=203.0.113.9
before=$(bad)
raw_ip B $A4 50 00112233000000010000000000000000
same "F14 an unknown SPI is dropped and counted" $((before + 1)) "$(bad)"
raw_ip B $A4 51 0604000000112233000000010000000000000000
same "F14 AH too" $((before + 2)) "$(bad)"
need ipd A add id=2 in=permit out=permit local=me remote=$B4 proto=50
raw_ip B $A4 50 00112233000000010000000000000000
same "F14 unless a filter permits ESP to XFRM" $((before + 2)) "$(bad)"
raw_ip B $A4 51 0604000000112233000000010000000000000000
same "F14 which is not AH" $((before + 3)) "$(bad)"
need ipd A load - </dev/null
raw_ip B $A4 50 00112233000000010000000000000000
same "F14 without filters it is none of our business" $((before + 3)) "$(bad)"

# XFRM on the same host, for another selector
xfrm_host() { # HOST LOCAL REMOTE OUT-SPI IN-SPI
	local keys=(enc 'cbc(aes)' 0x000102030405060708090a0b0c0d0e0f auth 'hmac(sha1)' 0x000102030405060708090a0b0c0d0e0f10111213)
	need on "$1" ip xfrm state add src "$2" dst "$3" proto esp spi "$4" mode transport "${keys[@]}"
	need on "$1" ip xfrm state add src "$3" dst "$2" proto esp spi "$5" mode transport "${keys[@]}"
	need on "$1" ip xfrm policy add src "$2" dst "$3" proto udp dport 7004 dir out tmpl proto esp mode transport
	need on "$1" ip xfrm policy add src "$3" dst "$2" proto udp dport 7004 dir in tmpl proto esp mode transport
}
xfrm_host A $A4 $B4 0x5001 0x5002
xfrm_host B $B4 $A4 0x5002 0x5001
pair_up
need ipd A add id=50 out=permit in=permit local=me remote=$B4 proto=esp + \
	id=51 out=permit in=permit local=me remote=$B4 proto=udp rport=7004
need ipd B add id=50 out=permit in=permit local=me remote=$A4 proto=esp + \
	id=51 out=permit in=permit local=me remote=$A4 proto=udp lport=7004
receive_udp xfrm B 7004
receive_udp ours B 7005
wire_start xfrm A eth0 B eth0
send_udp A $B4 7004 1 2
send_udp A $B4 7005 1 2
check "F16 XFRM's packets pass beside ours" wait_for 10 has_got xfrm 2
check "F16 ours beside XFRM's" wait_for 10 has_got ours 2
wire_stop xfrm
same "F16 two each, and nothing twice" "2 2" \
	"$(wire_count xfrm 'ip[20:4] = 0x5001') $(wire_count xfrm 'ip[20:4] = 0x1000')"
never_clear "F16 nothing in clear" xfrm "$CLEAR"
need ipd A del 51
need ipd A add id=51 out=block in=block local=me remote=$B4 proto=udp rport=7004
blocked=$(stat_of A drop.filter-block)
send_udp A $B4 7004 3 3
same "F04 a block holds for what XFRM would take" $((blocked + 1)) "$(stat_of A drop.filter-block)"
need on A ip xfrm policy flush
need on A ip xfrm state flush
need on B ip xfrm policy flush
need on B ip xfrm state flush

# --- fragments ------------------------------------------------------------------------------------------------
fresh A B
receive_udp fragment B 7006
need ipd B add id=1 in=permit local=me remote=$A4 proto=udp lport=7006 + \
	id=2 in=block local=me remote=$A4 proto=udp
send_udp A $B4 7006 1 1 5000
check "F12 a datagram in pieces is seen with its ports" wait_for 10 has_got fragment 1
blocked=$(stat_of B drop.filter-block)
send_udp A $B4 7016 1 1 5000
check "F12 and blocked as one" wait_for 10 has_stat B drop.filter-block $((blocked + 1))
need ipd A add id=1 out=block local=me remote=$B4 proto=tcp rport=23
dropped=$(stat_of A drop.fragment)
raw_ip A $B4 6 0000000000000000 64
same "F01 a lone piece without ports is not guessed about" $((dropped + 1)) "$(stat_of A drop.fragment)"
raw_ip A $B4 17 0000000000000000 64
same "F01 unless no filter asks for its ports" $((dropped + 1)) "$(stat_of A drop.fragment)"

# --- a bridge: pitfall F2 ---------------------------------------------------------------------------------------
ns_add R
link R port1 A eth1
link R port2 B eth1
need ip -n "$R" link add br0 type bridge
need ip -n "$R" link set port1 master br0
need ip -n "$R" link set port2 master br0
need ip -n "$R" link set br0 up
addr R br0 192.0.3.3/24
addr A eth1 192.0.3.1/24
addr B eth1 192.0.3.2/24
need ipd A mode permit
need ipd B mode permit
# A module in stock kernels, built into ours, where modprobe knows nothing of it.
modprobe -q br_netfilter
need on R sysctl -qw net.bridge.bridge-nf-call-iptables=1
need ipd R mode secure
check "F02 a bridge forwards" pings A 192.0.3.2
check "F02 and is spoken to" pings A 192.0.3.3
need ipd R add id=1 in=block out=block
check "F37 filters are not about what a bridge forwards" pings A 192.0.3.2
check "F04 but about what is for it" no_ping A 192.0.3.3
need ipd R del 1
need ipd R add id=2 in=negotiate out=negotiate local=me remote=192.0.3.1
check "F25 in clear to a bridge" no_ping A 192.0.3.3
check "F25 is dropped for that reason" [ "$(stat_of R drop.clear-text)" -ge 1 ]
need ipd A load - <<<"id=2 in=negotiate out=negotiate local=me remote=192.0.3.3"
need ipd A mode secure
for host in R A; do # R is the B of the pair here
	in=0x7001 out=0x7000 local=192.0.3.1 remote=192.0.3.3
	[ $host = A ] || { in=0x7000 out=0x7001 local=192.0.3.3 remote=192.0.3.1; }
	need ipd $host spi spi=$in local=$local remote=$remote filter=2
	# shellcheck disable=SC2086 # words
	need ipd $host sa dir=in spi=$in local=$local remote=$remote filter=2 $ESP + \
		dir=out spi=$out local=$local remote=$remote filter=2 $ESP
done
check "F16 under an association a bridge is spoken to" pings A 192.0.3.3
same "F01 nothing was taken for unjudged" 0 "$(stat_of R drop.unjudged)"
need ipd A mode permit

# --- a VRF: pitfalls C3, F1 -------------------------------------------------------------------------------------------
need ipd R load - </dev/null
need ip -n "$R" link set br0 down
need ip -n "$R" link add red type vrf table 10
need ip -n "$R" link set red up
link R eth2 A eth2
need ip -n "$R" link set eth2 master red
addr R eth2 192.0.4.3/24 2001:db8:4::3/64
addr A eth2 192.0.4.1/24 2001:db8:4::1/64
check "F02 a VRF is spoken to" pings A 192.0.4.3
check "F02 over IPv6 too" pings A 2001:db8:4::3
check "F02 and speaks" on R ping -I red -c 1 -W "$(secs 2)" 192.0.4.1
check "F02 also to itself" on R ping -I red -c 1 -W "$(secs 2)" 192.0.4.3
need ipd R add id=1 in=block local=me remote=192.0.4.1 + id=2 family=6 in=block local=me remote=2001:db8:4::1
check "F04 a block holds in a VRF" no_ping A 192.0.4.3
check "F04 for IPv6 too" no_ping A 2001:db8:4::3
need ipd R add id=3 out=block local=me remote=192.0.4.7
blocked=$(stat_of R drop.filter-block)
on R ping -I red -c 1 -W 1 192.0.4.7 >/dev/null 2>&1
same "F04 outbound, once per packet" $((blocked + 1)) "$(stat_of R drop.filter-block)"
need ipd R load - <<<"id=1 in=block out=block"
check "F02 not for what stays in it" on R ping -I red -c 1 -W "$(secs 2)" 192.0.4.3
same "F01 nothing was taken for unjudged in a VRF" 0 "$(stat_of R drop.unjudged)"

# --- what a router forwards ----------------------------------------------------------------------------------------------
need ipd R mode permit
fresh A
link R eth3 B eth3
addr R eth3 192.0.5.3/24
addr B eth3 192.0.5.2/24
link R eth4 A eth4
addr R eth4 192.0.6.3/24
addr A eth4 192.0.6.1/24
need on R sysctl -qw net.ipv4.ip_forward=1
need on A ip route add 192.0.5.0/24 via 192.0.6.3
need on B ip route add 192.0.6.0/24 via 192.0.5.3
need ipd R load - </dev/null
need ipd R mode secure
check "F37 a router forwards" pings A 192.0.5.2
need ipd R load - <<<"id=1 out=negotiate in=permit local=192.0.6.1 remote=192.0.5.2"
listen R
check "F37 transport mode is not for what is forwarded" no_ping A 192.0.5.2
check "F25 so it does not leave in clear" [ "$(stat_of R drop.clear-text)" -ge 1 ]
same "F37 and nobody is asked" 0 "$(stat_of R acquires)"
need ipd R load - <<<"id=1 out=block in=block local=me"
foreign=$(stat_of R drop.bad-spi)
raw_ip A 192.0.5.2 50 00112233000000010000000000000000
same "F14 ESP of others is forwarded" "$foreign" "$(stat_of R drop.bad-spi)"
send_udp A 192.0.5.2 500 1 1
same "D29 IKE of others is an ordinary packet" "pass no-filter" "$(judge R out 192.0.6.1 192.0.5.2 udp 501 500)"

# --- tracepoints ---------------------------------------------------------------------------------------------------------
tracing=/sys/kernel/tracing
[ -d $tracing/events ] || mount -t tracefs none $tracing
check "F04 there are tracepoints" test -d $tracing/events/ipsecdrv/ipd_drop
echo 1 >$tracing/events/ipsecdrv/enable
fresh A B
need ipd A add id=1 out=block local=me remote=$B4
need no_ping A $B4
echo 0 >$tracing/events/ipsecdrv/enable
check "F04 a drop is traced with its reason" grep -q 'ipd_drop: .* reason=filter-block' $tracing/trace
check "D15 a mode is traced" grep -q 'ipd_mode: .* permit -> secure' $tracing/trace
echo >$tracing/trace
check_world
finish
