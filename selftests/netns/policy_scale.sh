#!/bin/bash
# SPDX-License-Identifier: MIT
# check: tiers=uml also=vm timeout=600
#
# A policy of many rules and filters, all of which negotiate, each rule with a key of its own. That a
# change costs what has changed is seen by what the driver and ipsec-cred are told.
#
#   A 192.0.2.1 -- nothing is sent
. "$TOP/selftests/lib.sh"
. "$TOP/selftests/hosts.sh"

RULES=900 EACH=20 # more pairs than the 16,384 that were the most
FILTERS=$((RULES * EACH))
MEMORY_MAX=65536 # kB: 3 of a filter in the agent, and what it needs itself

script() {
	awk -v n=$RULES -v each=$EACH 'BEGIN {
		print "static"
		print "add policy name=big activatedefaultrule=no"
		print "add filteraction name=secure"
		print "add filteraction name=refuse action=block"
		for (i = 0; i < n; i++) {
			for (j = 0; j < each; j++) {
				k = i * each + j
				printf "add filter filterlist=%d srcaddr=me dstaddr=10.%d.%d.%d\n", i,
					1 + k / 65536, (k / 256) % 256, k % 256
			}
			printf "add rule name=%d policy=big filterlist=%d filteraction=secure psk=key%d\n", i, i, i
		}
	}'
}
static() { ctl A static "$@"; }
ids() { on A ipdtool list | sed -n 's/^\(id=[0-9]*\) .*/\1/p' | sort; }
in_driver() { on A ipdtool status | grep -o 'filters=[0-9]*'; }
generation() { on A ipdtool status | sed -n 's/.*generation=\([0-9]*\).*/\1/p'; }
cred_has() { service_log A ipsec-cred | tail -n 1 | grep -q "credentials of $1 rules"; }
memory() { awk '/^VmHWM:/ { print $2 }' "/proc/$(service_pid A ipsec-policy-agent)/status"; }
rules_shown() { ctl A --json static show rule all policy=big | jq '[.policy_rules[] | select(.defaultresponse | not)] | length'; }

load_module
ns_add A
chmod 755 "$TMP"
echo 8192 >/proc/sys/net/core/wmem_max # messages are larger than that
services_start A

script >"$TMP/script"
check "A05 N16 $RULES rules with $FILTERS filters are added by a script" ctl A -f "$TMP/script"
same "A05 nothing of it is in the driver" filters=0 "$(in_driver)"
before=$(generation)
check "A17 it is assigned" static set policy name=big assign=yes
same "A17 all filters are in the driver" filters=$FILTERS "$(in_driver)"
check "A17 and all pairs are with ipsec-cred" wait_for 30 cred_has $FILTERS
same "N11 all rules are shown" $RULES "$(rules_shown)"

# changed NAME FILTERS COMMAND...: one rule, in one step
changed() {
	local name=$1 wanted=$2
	shift 2
	before=$(generation)
	ids >"$TMP/before"
	check "A03 $name" static "$@"
	same "A03 $name: the driver was told once" $((before + 1)) "$(generation)"
	ids >"$TMP/after"
	same "A03 $name: the other filters are as they were" "$wanted" "$(comm -12 "$TMP/before" "$TMP/after" | wc -l)"
}
changed "one rule has another action" $((FILTERS - EACH)) set rule name=77 policy=big filteraction=refuse
check "A03 and its pairs are not with ipsec-cred any more" wait_for 30 cred_has $((FILTERS - EACH))
changed "one filter is added" $FILTERS add filter filterlist=78 srcaddr=me dstaddr=172.16.0.1
changed "and one deleted" $FILTERS delete filter filterlist=78 srcaddr=me dstaddr=172.16.0.1
# what fits into one message
awk 'BEGIN { print "static"; for (i = 0; i < 1000; i++)
	printf "add filter filterlist=wide srcaddr=me dstaddr=172.17.%d.%d\n", i / 250, i % 250 + 1 }' >"$TMP/wide"
check "A03 a list of a thousand filters" ctl A -f "$TMP/wide"
changed "a rule of a thousand filters is added" $FILTERS \
	add rule name=wide policy=big filterlist=wide filteraction=secure psk=wide
same "A03 they are in the driver" filters=$((FILTERS + 1000)) "$(in_driver)"
changed "it has another action" $FILTERS set rule name=wide policy=big filteraction=refuse
changed "and is deleted" $FILTERS delete rule name=wide policy=big
same "A03 then they are not" filters=$FILTERS "$(in_driver)"
memory=$(memory)
check "the agent never had more than $MEMORY_MAX kB ($memory)" [ "$memory" -le $MEMORY_MAX ]

check_world
finish
