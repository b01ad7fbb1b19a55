#!/bin/bash
# SPDX-License-Identifier: MIT
# check: tiers=uml-debug also=uml,vm timeout=900 mem=1536
#
# 100,000 filters, and one tuple too many.
#
#   A 10.0.0.1 -- nothing is sent
. "$TOP/selftests/lib.sh"

MANY=100000

# filters FIRST LAST: host pairs in both families, services, in a handful of tuples
filters() {
	awk -v first="$1" -v last="$2" 'BEGIN {
		for (i = first; i <= last; i++) {
			address = sprintf("10.%d.%d.%d", i / 65536 + 1, i / 256 % 256, i % 256)
			if (i % 4 == 0)
				print "id=" i " out=negotiate in=negotiate local=me remote=" address
			else if (i % 4 == 1)
				print "id=" i " out=block in=block local=" address "/32 remote=" address "/24"
			else if (i % 4 == 2)
				print "id=" i " out=permit in=permit local=me remote=" address \
					" proto=tcp rport=" i % 60000 + 1
			else
				printf "id=%d out=permit in=permit local=me remote=2001:db8::%x:%x\n",
					i, i / 65536 + 1, i % 65536
		}
	}'
}

sizes() { on A ipdtool status | grep -o 'filters=[0-9]* tuples=[0-9]*'; }
generation() { on A ipdtool status | grep -o 'generation=[0-9]*'; }
# decided_by FILTER out|in SOURCE DESTINATION PROTOCOL SPORT DPORT
decided_by() { on A ipdtool match "${@:2}" | grep -q "filter: id=$1 "; }
listed() { on A ipdtool list | sed 's/^id=\([0-9]*\) .*/\1/' | sort -n | uniq; }

# masks COUNT: a filter per mask
masks() {
	awk -v count="$1" 'BEGIN {
		for (i = 1; i <= count; i++)
			printf "id=%d out=block in=block remote=0.0.0.0/%d.%d.0.0\n", i, i / 256, i % 256
	}'
}

# said NAME TEXT: the refusal just before gave this reason
said() {
	cp "$TMP/check.log" "$TMP/said"
	check "$1" grep -qF "$2" "$TMP/said"
}

ns_add A
need ip -n "$A" link add d0 type dummy
need ip -n "$A" link set d0 up
addr A d0 10.0.0.1/8 2001:db8::1/64
load_module
need on A ipdtool mode secure

filters 1 $MANY >"$TMP/many"
start=$(date +%s.%N)
check "F01 $MANY filters are loaded in one commit" on A ipdtool load "$TMP/many"
diag "in $(echo "$(date +%s.%N) - $start" | bc) s, netlink included"
same "F01 all of them, in few tuples" "filters=$MANY tuples=4" "$(sizes)"
listed >"$TMP/listed"
seq 1 $MANY >"$TMP/wanted"
check "F01 each of them is listed, once" cmp "$TMP/wanted" "$TMP/listed"
check "F01 F07 a packet meets the first" decided_by 2 out 10.0.0.1 10.1.0.2 tcp 9 3
check "F01 F07 the last" decided_by $MANY in 10.2.134.160 10.0.0.1 udp 9 3
check "F01 F07 one between" decided_by 50003 out 2001:db8::1 2001:db8::1:c353 17 9 3

before=$(generation)
check "F01 one is added" on A ipdtool add id=200000 out=permit in=permit remote=10.0.0.0/8
check "F01 and decides" decided_by 200000 out 10.0.0.1 10.200.0.1 udp 9 3
check "F01 two are removed" on A ipdtool del 200000 2
check "F01 and decide no more" not decided_by 2 out 10.0.0.1 10.1.0.2 tcp 9 3
same "F01 the others stay" "filters=$((MANY - 1)) tuples=4" "$(sizes)"
check "F01 each change is a generation" [ "$before" != "$(generation)" ]

check "F01 all of them are loaded again, twice" on A ipdtool load "$TMP/many" 2
same "F01 which makes no more of them" "filters=$MANY tuples=4" "$(sizes)"
check "F01 all of them go in one commit" on A ipdtool load /dev/null
same "F01 none is left" "filters=0 tuples=0" "$(sizes)"
same "F01 none is listed" "" "$(listed)"

# the cap of tuples
masks 256 >"$TMP/full"
masks 257 >"$TMP/over"
check "F01 as many masks as there may be" on A ipdtool load "$TMP/full"
same "F01 and no more" "filters=256 tuples=256" "$(sizes)"
before=$(generation)
refuse "F01 a commit with one more is refused" on A ipdtool load "$TMP/over"
said "F01 with a sentence" 'more than 256 different masks in one class and family'
refuse "F01 an add of one more, too" on A ipdtool add id=300 out=block in=block local=10.0.0.0/8
same "F01 the old set stands" "filters=256 tuples=256" "$(sizes)"
same "F01 in its generation" "$before" "$(generation)"
listed >"$TMP/listed"
check "F01 whole" cmp <(seq 1 256) "$TMP/listed"
check "F01 the other family has its own cap" \
	on A ipdtool add id=300 out=block in=block local=2001::/16
refuse "F01 a filter twice is refused" on A ipdtool add id=300 out=block in=block remote=2001::/16
said "F01 by its name" 'there is a filter 300 already'
refuse "F01 its selectors twice, too" on A ipdtool add id=301 out=block in=block local=2001::/16
said "F01 by both names" 'filter 301 has the same selectors as filter 300'

need on A ipdtool load /dev/null
need on A ipdtool mode permit
need unload_module
check_world
finish
