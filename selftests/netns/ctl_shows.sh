#!/bin/bash
# SPDX-License-Identifier: MIT
# check: tiers=uml also=uml-debug,vm timeout=300
#
# The shows, compared with what is known otherwise: the driver's own tables, the wire, the rules.
#
#   A 192.0.2.1, 2001:db8::1 ------- B 192.0.2.2, 2001:db8::2
. "$TOP/selftests/lib.sh"
. "$TOP/selftests/hosts.sh"
OTHER4=192.0.2.3

load_module
ns_add A B
link A eth0 B eth0
addr A eth0 "$A4/24" "$A6/64"
addr B eth0 "$B4/24" "$B6/64"
# a name for resolvedns; "ip netns exec" lays this file over /etc/hosts
need mkdir -p "/etc/netns/$A"
defer rm -r "/etc/netns/$A"
printf '127.0.0.1 localhost\n%s peer.example.test\n' $B4 >"/etc/netns/$A/hosts"
services_start A B

show() { ctl A dynamic show "$@"; }
json() { ctl A --json dynamic show "$@"; }
has() { grep -Eq "$1" <<<"$2"; } # PATTERN TEXT

need policy_on A $B4
need policy_on B $A4
need ctl A dynamic add rule any me protocol=TCP dstport=23 actioninbound=block actionoutbound=block
check "the hosts speak" on A ping -c 4 -i 0.2 -W "$(secs 10)" $B4
# packets that are dropped: telnet from an address that no other rule is for
addr B eth0 $OTHER4/24
need ctl B dynamic add rule $OTHER4 $A4 protocol=TCP dstport=23 actioninbound=permit actionoutbound=permit
on B socat -u - "TCP:$A4:23,bind=$OTHER4,connect-timeout=1" </dev/null >/dev/null 2>&1

out=$(show mmsas all)
check "N18 mmsas: headline" has '^IKE Main Mode SAs$' "$out"
check "N18 mmsas: cookies" has '^Cookie Pair +: [0-9a-f]{16}:[0-9a-f]{16}$' "$out"
check "N18 mmsas: methods" has '^Sec Methods +: AES128/SHA256/14/28800$' "$out"
check "N18 mmsas: how they authenticated" has '^Auth Mode +: Preshared key$' "$out"
check "N18 mmsas: this host" has "^Source +: $A4, port 500\$" "$out"
check "N18 mmsas: the peer" has "^Destination +: $B4, port 500\$" "$out"
check "N18 mmsas: identities" has "^ID +: $B4\$" "$out"
check "N18 mmsas: both hosts have the same cookies" [ -n "$(json mmsas | jq -r '.mmsas[0].initiatorcookie')" -a \
	"$(json mmsas | jq -r '.mmsas[0] | .initiatorcookie + .respondercookie')" = \
	"$(ctl B --json dynamic show mmsas | jq -r '.mmsas[0] | .initiatorcookie + .respondercookie')" ]
check "N18 mmsas: as a table" has "^$A4 +$B4 +Preshared key +AES128/SHA256/14 +[0-9]+" "$(show mmsas format=table)"
check "N18 mmsas: of another peer there is none" has '^There are no' "$(show mmsas dstaddr=192.0.2.99)"
check "N18 mmsas: the peer's name" has "^ID +: $B4 \(peer.example.test\)\$" "$(show mmsas all resolvedns=yes)"

out=$(show qmsas all)
check "N18 qmsas: headline" has '^Quick Mode SAs$' "$out"
check "N18 qmsas: policy" has '^Policy Name +: test$' "$out"
check "N18 qmsas: traffic" has "^Destination Address +: $B4\$" "$out"
check "N18 qmsas: what was agreed" has '^None +AES\(128/0\) +SHA256 +none +100000:3600$' "$out"
driver_spis=$(on A ipdtool sas | grep -o ' spi=0x[0-9a-f]*' | cut -d= -f2 | sort)
shown_spis=$(json qmsas | jq -r '.qmsas[] | .espspiin, .espspiout' | xargs printf '0x%08x\n' | sort)
same "N18 qmsas: the SPIs are the driver's" "$driver_spis" "$shown_spis"
check "N18 qmsas: bytes were counted" [ "$(json qmsas | jq '[.qmsas[].bytesout] | add')" -gt 200 ]
check "N18 qmsas: the peer's name" has "$B4 \(peer.example.test\)" "$(show qmsas resolvedns=yes format=table)"

out=$(show stats)
check "N18 stats: main modes" has '^Main Modes +: [1-9]' "$out"
check "N18 stats: quick modes" has '^Quick Modes +: [1-9]' "$out"
check "N18 stats: associations" has '^Active Assoc +: [1-9]' "$out"
check "N18 stats: bytes" has '^Confidential Bytes Sent +: [1-9]' "$out"
check "N18 stats: drops" has '^filter-block +: [1-9]' "$out"
same "N18 stats: drops are the driver's" "$(on A ipdtool stats drop.filter-block)" \
	"$(json stats | jq '.drops[0]["filter-block"]')"
same "F32 stats: nothing is left to network cards" "0 0 0" \
	"$(grep -E '^(Offload SAs|Offloaded Bytes)' <<<"$out" | awk '{ print $NF }' | xargs)"
check "N18 stats type=ike has no IPsec" not has '^IPSec Statistics' "$(show stats type=ike)"
check "N18 stats type=ipsec has no IKE" not has '^IKE Statistics' "$(show stats type=ipsec)"

out=$(show mmpolicy all)
check "N19 mmpolicy: name" has '^IKE MM Policy Name +: test$' "$out"
check "N19 mmpolicy: offer" has '^AES128 +SHA256 +14 +0:28800 +0$' "$out"
check "N19 mmpolicy: unknown" has '^ERR IPsec\[13004\]' "$(show mmpolicy name=none 2>&1)"
out=$(show qmpolicy name=test)
check "N19 qmpolicy: name" has '^QM Negotiation Policy Name +: test$' "$out"
check "N19 qmpolicy: offer" has '^ESP\[AES128,SHA256\] +100000:3600 +none$' "$out"
out=$(show rule)
check "N19 rule: the peer" has "^Destination +: $B4\$" "$out"
check "N19 rule: the port" has '^Dst Port +: 23$' "$out"
check "N19 rule: how" has '^Authentication Methods +: psk$' "$out"
check "N19 rule: never the key" not has "$PSK" "$out$(show all)$(json all)"
check "N19 rule: the key for who asks" has "^Preshared Key +: $PSK\$" "$(show rule level=verbose)"
check "N19 rule: by its selectors" has '^2 +any +me +TCP' "$(show rule protocol=6 dstport=23 format=table)"

check "N19 mmfilter: generic" has "^Source +: me\$" "$(show mmfilter all)"
check "N19 mmfilter: specific" has "^$B4\$" "$(json mmfilter all type=specific |
	jq -r ".mmfilters_specific[] | select(.srcaddr == \"$A4\" and .direction == \"outbound\") | .dstaddr")"
check "N19 qmfilter: generic" has '^Inbound Action +: block$' "$(show qmfilter all)"
same "N19 qmfilter: the specific ones are the driver's, in its order" \
	"$(on A ipdtool list | grep -o '^id=[0-9]*' | cut -d= -f2 | uniq)" \
	"$(json qmfilter all type=specific | jq '.qmfilters_specific[].id' | uniq)"
check "N19 qmfilter: hits" [ "$(json qmfilter all type=specific dstaddr=$B4 |
	jq '[.qmfilters_specific[].hitsoutbound] | add')" -ge 4 ]
check "N19 config" has '^IPSecexempt +: 3$' "$(show config)"
check "N19 config: exemptions" has '^UDP +0 +68 +Inbound$' "$(show config)"

out=$(show all resolvedns=yes)
for title in Rules 'IKE MM Policies' 'QM Negotiation Policies' 'Main Mode Filters: Generic' \
	'Main Mode Filters: Specific' 'Quick Mode Filters: Generic' 'Quick Mode Filters: Specific' \
	'IKE Statistics' 'IPSec Statistics' 'IKE Main Mode SAs' 'Quick Mode SAs' \
	'IPSec Configuration Parameters'; do
	check "N18 all: $title" has "^$title\$" "$out"
done
same "N18 all: the JSON document has every part" \
	config,drops,ike,ipsec,mmfilters,mmfilters_specific,mmpolicies,mmsas,qmfilters,qmfilters_specific,qmpolicies,qmsas,rules \
	"$(json all | jq -r 'keys | join(",")')"
check_world
finish
