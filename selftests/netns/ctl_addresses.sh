#!/bin/bash
# SPDX-License-Identifier: MIT
# check: tiers=uml also=uml-debug,vm timeout=300
#
# Every way of naming addresses in a rule, by the filters that are made of it and by packets.
#
#   A 192.0.2.1, 2001:db8::1 ------- B 192.0.2.2, .3, .130, 2001:db8::2
. "$TOP/selftests/lib.sh"
. "$TOP/selftests/hosts.sh"

load_module
ns_add A B
link A eth0 B eth0
addr A eth0 "$A4/24" "$A6/64"
addr B eth0 "$B4/24" 192.0.2.3/24 192.0.2.130/24 "$B6/64"
# "ip netns exec" lays these over the files of /etc, for the agent too
need mkdir -p "/etc/netns/$A"
defer rm -r "/etc/netns/$A"
printf '127.0.0.1 localhost\n192.0.2.2 two.test both.test\n192.0.2.3 both.test\n2001:db8::2 both.test\n' \
	>"/etc/netns/$A/hosts"
printf 'nameserver 192.0.2.3\n' >"/etc/netns/$A/resolv.conf"
services_start A

block() { # SOURCE DESTINATION [TAG...]
	ctl A dynamic add rule srcaddr="$1" dstaddr="$2" actioninbound=block actionoutbound=block "${@:3}"
}
clear_rules() { need ctl A dynamic delete rule all; }
reaches() { on A ping -c 1 -W "$(secs 2)" "$1"; }
blocked() { on A ping -c 1 -W 1 "$1" >/dev/null 2>&1; [ $? -eq 1 ]; }
# one-way filters "source>destination", of IPv4 or of IPv6, as the shows have them
specific() { # 4|6
	ctl A --json dynamic show qmfilter all type=specific |
		jq -r '.qmfilters_specific[] | .srcaddr + ">" + .dstaddr' |
		if [ "$1" = 6 ]; then grep : | grep -v fe80; else grep -v :; fi | sort -u | xargs
}
same_filters() { # NAME "FILTER..." 4|6
	same "$1" "$(xargs -n 1 <<<"$2" | sort -u | xargs)" "$(specific "$3")"
}

check "F35 a host" block me $B4
same_filters "F35 a host: its filters" "192.0.2.1>192.0.2.2 192.0.2.2>192.0.2.1" 4
same_filters "F35 a host: none for IPv6" "" 6
check "F35 a host is blocked" blocked $B4
check "F35 its neighbour is not" reaches 192.0.2.3
clear_rules
check "F35 an IPv6 host" block me $B6
same_filters "F35 an IPv6 host: its filters" "2001:db8::1>2001:db8::2 2001:db8::2>2001:db8::1" 6
check "F35 an IPv6 host is blocked" blocked $B6
check "F35 IPv4 is not" reaches $B4
clear_rules

check "F35 a subnet" block me 192.0.2.128/25
same_filters "F35 a subnet: its filters" "192.0.2.1>192.0.2.128/25 192.0.2.128/25>192.0.2.1" 4
check "F35 a subnet is blocked" blocked 192.0.2.130
check "F35 what is outside is not" reaches $B4
clear_rules
check "F35 a subnet with its mask apart" block me 192.0.2.200 dstmask=255.255.255.128
same_filters "F35 it is the same filter" "192.0.2.1>192.0.2.128/25 192.0.2.128/25>192.0.2.1" 4
clear_rules
check "F35 a mask with holes: odd addresses" block me 192.0.2.3/255.255.255.1
check "F35 odd is blocked" blocked 192.0.2.3
check "F35 even is not" reaches 192.0.2.2
clear_rules
check "F35 an IPv6 subnet" block me 2001:db8::/64
check "F35 an IPv6 subnet is blocked" blocked $B6
clear_rules

check "F35 any" block me any
same_filters "F35 any: filters for IPv4" "0.0.0.0/0>192.0.2.1 192.0.2.1>0.0.0.0/0" 4
same_filters "F35 any: filters for IPv6" "2001:db8::1>::/0 ::/0>2001:db8::1" 6
check "F35 any is everybody" blocked 192.0.2.3
check "F35 any is IPv6, too" blocked $B6
clear_rules
check "F35 any, IPv4 only" block me 0.0.0.0/0
check "F35 IPv4 is blocked" blocked $B4
check "F35 IPv6 is not" reaches $B6
clear_rules

check "F35 a DNS name" block me two.test
same_filters "F35 a DNS name: its filters" "192.0.2.1>192.0.2.2 192.0.2.2>192.0.2.1" 4
check "F35 what it names is blocked" blocked $B4
check "F35 what it does not name is not" reaches 192.0.2.3
clear_rules
check "F35 a DNS name of three addresses" block me both.test
same_filters "F35 all of them: IPv4" \
	"192.0.2.1>192.0.2.2 192.0.2.1>192.0.2.3 192.0.2.2>192.0.2.1 192.0.2.3>192.0.2.1" 4
same_filters "F35 all of them: IPv6" "2001:db8::1>2001:db8::2 2001:db8::2>2001:db8::1" 6
clear_rules
ctl A dynamic add rule me nobody.test actioninbound=block actionoutbound=block >"$TMP/out" 2>&1
same "F35 a name that nothing answers for is refused" 1 $?
check "F35 the refusal names it" grep -q 'nobody.test' "$TMP/out"
same "F35 and makes no filter" "" "$(specific 4)$(specific 6)"

check "F35 a server keyword" block me DNS
same_filters "F35 the DNS server: its filters" "192.0.2.1>192.0.2.3 192.0.2.3>192.0.2.1" 4
clear_rules

# "me" is what this host has, and what it gets.
check "F35 me" block me 192.0.2.0/24 protocol=ICMP
same_filters "F35 me: one address" "192.0.2.0/24>192.0.2.1 192.0.2.1>192.0.2.0/24" 4
addr A eth0 192.0.2.77/24
shows_new() { specific 4 | grep -q '192.0.2.77>192.0.2.0/24'; }
check "F35 a new address is picked up" wait_for 10 shows_new
new_blocked() { ! on A ping -I 192.0.2.77 -c 1 -W 1 $B4; }
check "F35 and filtered at once" new_blocked
check "F35 from outside, too" eval '! on B ping -c 1 -W 1 192.0.2.77'
need ip -n "$A" addr del 192.0.2.77/24 dev eth0
check "F35 an address that goes is forgotten" wait_for 10 not shows_new
clear_rules

# An address of another host as the source: a rule for what is forwarded, not for this host.
check "F35 two other hosts" block 192.0.2.2 198.51.100.0/24
same_filters "F35 two other hosts: their filters" "192.0.2.2>198.51.100.0/24 198.51.100.0/24>192.0.2.2" 4
check "F35 this host is not meant" reaches $B4
clear_rules
same "F35 nothing is left" "" "$(specific 4)$(specific 6)"
check_world
finish
