#!/bin/bash
# SPDX-License-Identifier: MIT
# check: tiers=uml also=uml-debug,vm timeout=400
#
# The static context by command, agent, driver and packets. First the example: telnet to A is
# blocked, but for Betty, who has to speak IPsec.
#
#   A 192.0.2.1 ------- B 192.0.2.2 (Betty), 192.0.2.7 (a stranger)
. "$TOP/selftests/lib.sh"
. "$TOP/selftests/hosts.sh"

STRANGER=192.0.2.7

hosts_up
addr B eth0 "$STRANGER/24"
spawn telnetd ip netns exec "$A" socat TCP-LISTEN:23,reuseaddr,fork,bind=$A4 SYSTEM:'echo login'
wait_for 10 eval 'on A ss -tln | grep -q ":23 "' || bail "telnet is served"

static() { ctl A static "$@"; }
in_driver() { on A ipdtool list | grep -c "^id=.*${1-}"; } # PATTERN
telnet() { [ "$(on B socat -t 5 - "TCP:$A4:23,bind=$1,connect-timeout=$2" </dev/null)" = login ]; } # FROM SECONDS
# shown FILTER WORDS...: what "show" says, by jq
shown() {
	local filter=$1
	shift
	ctl A --json static show "$@" | jq -r "$filter"
}
usage() { # WORDS...: status 2
	static "$@" >"$TMP/usage" 2>&1
	[ $? -eq 2 ] && grep -q '^Help: ipsecctl ' "$TMP/usage"
}
wrong() { # NUMBER WORDS...: refused with this number
	local number=$1
	shift
	static "$@" >"$TMP/wrong" 2>&1
	[ $? -eq 1 ] && grep -q "^ERR IPsec\[0*$number\] : ..." "$TMP/wrong"
}
script() { printf '%s\n' static "$@" | ctl A -f -; } # LINE...: of the static context
NAMES='[to_entries[0].value[].name | select(. != null)] | join(",")'
# everything but times, and which policy is assigned
content() { shown 'walk(if type == "object" then del(.modified, .assigned) else . end) | tojson' all; }

same "A27 the three examples are there" \
	"Client (Respond Only),Server (Request Security),Secure Server (Require Security)" "$(shown "$NAMES" policy)"

# --- the telnet example
check "N07 a policy" static add policy name=AndyPol assign=no activatedefaultrule=no
check "N07 a filter list" static add filterlist name=telnetAll
check "N07 a filter" static add filter filterlist=telnetAll srcaddr=any dstaddr=me protocol=tcp srcport=0 dstport=23
check "N05 N07 actions, rules and a list that add filter makes, by a script" script \
	"add filter filterlist=telnetBetty srcaddr=$B4 dstaddr=me protocol=tcp dstport=23" \
	"add filteraction name=drop action=block" \
	"add filteraction name=secure action=negotiate qmsecmethods=\"ESP[3DES,SHA1]:100000k/3600s\"" \
	"add rule name=r1 policy=AndyPol filterlist=telnetAll filteraction=drop" \
	"add rule name=r2 policy=AndyPol filterlist=telnetBetty filteraction=secure psk=\"secret\""
same "N02 A05 nothing of it is in the driver" 0 "$(in_driver)"
check "N02 A05 and telnet passes" telnet $STRANGER "$(secs 5)"
check "N09 A17 the policy is assigned" static set policy name=AndyPol assign=yes
check "A06 and shown so" eval 'static show policy AndyPol | grep -q "^Assigned *: YES$"'
same "N09 its filters are in the driver" "2 1" \
	"$(in_driver 'local=me .*proto=6 lport=23 .*out=block in=block') $(in_driver "remote=$B4/.*out=negotiate in=negotiate")"
refuse "N09 telnet is blocked" telnet $STRANGER 1

cat >"$TMP/betty.bat" <<END
@echo off
rem what Betty needs
netsh ipsec static add policy name=Betty activatedefaultrule=no
netsh ipsec static add filter filterlist=telnet srcaddr=$B4 dstaddr=$A4 protocol=tcp dstport=23
netsh ipsec static add filteraction name=secure qmsecmethods="ESP[3DES,SHA1]:100000k/3600s"
netsh ipsec static add rule name=r policy=Betty filterlist=telnet filteraction=secure psk="secret"
netsh ipsec static set policy name=Betty assign=yes
END
check "N05 N07 a batch file makes and assigns Betty's policy" ctl B -f "$TMP/betty.bat"
wire_start wire A eth0 B eth0 "host $B4 and not arp"
check "N09 Betty's telnet passes" telnet $B4 "$(secs 20)"
wire_stop wire
never_clear "N09 Betty's telnet is protected" wire "tcp"
refuse "N09 the stranger's is still blocked" telnet $STRANGER 1
check "N10 the assigned policy is deleted" static delete policy name=AndyPol
same "N10 A08 and no longer acts" 0 "$(in_driver)"
check "N10 A08 telnet passes" telnet $STRANGER "$(secs 5)"
same "N10 A08 lists and actions stay" "All IP Traffic,All ICMP Traffic,telnetAll,telnetBetty" "$(shown "$NAMES" filterlist)"

# --- in one line, and at a prompt
same "N01 in one line" local "$(shown '.stores[0].store' store)"
ctl A static >"$TMP/out" 2>&1 <<<$'add policy name=prompted\nshow policy name=prompted\ndelete policy prompted\n..\nexit'
same "N01 as lines in the context" 0 $?
check "N01 they act" grep -q '^Policy Name *: prompted$' "$TMP/out"

# --- every object: set, show, delete
need script "add policy name=p1 qmpermm=5" "add rule name=one policy=p1 filterlist=telnetAll filteraction=drop" \
	"add rule name=two policy=p1 filterlist=telnetBetty filteraction=secure"
guid=$(shown '.filteractions[0].guid' filteraction secure)
check "N07 N14 set policy, filterlist, filteraction, rule, defaultrule" script \
	"set policy name=p1 newname=p2 mmlifetime=60 pollinginterval=5" \
	"set filterlist name=telnetAll newname=telnet description=\"to port 23\"" \
	"set filteraction secure qmpfs=yes soft=yes" \
	"set filteraction guid=$guid inpass=y soft=n" \
	"set rule id=2 policy=p2 newname=zwei filterlist=telnet activate=no kerberos=yes psk=x" \
	"set defaultrule policy=p2 qmsecmethods=\"ESP[3DES,SHA1] AH[MD5]\" psk=default"
ctl A --json static show all >"$TMP/all"
of() { jq -r "$1" "$TMP/all"; } # FILTER
same "N07 of the policy, what was named changed, the rest stayed" "60 5 5" \
	"$(of '.policies[] | select(.name == "p2") | "\(.mmlifetime) \(.pollinginterval) \(.qmpermm)"')"
same "N07 the rule uses the list by its new name" telnet \
	"$(of '.policy_rules[] | select(.name == "one") | .filterlist')"
same "N07 of the action, too, by name and by GUID" "true true false ESP[3DES,SHA1]:100000k/3600s" \
	"$(of '.filteractions[] | select(.name == "secure") | "\(.qmpfs) \(.inpass) \(.soft) \(.qmsecmethods)"')"
same "N07 of the rule with this number, too" "zwei telnet secure false kerberos psk" \
	"$(of '.policy_rules[] | select(.policy == "p2" and .id == 2) | "\(.name) \(.filterlist) \(.filteraction) \(.activate) \(.auth)"')"
same "N14 of the default response rule, too" "ESP[3DES,SHA1] AH[MD5] YES" \
	"$(static show rule default policy=p2 level=verbose | awk '/the peer/ { o = o $1 " " } /^Activated/ { a = $3 } END { print o a }')"
check "N07 a list in use is not deleted" wrong 170 delete filterlist telnet
check "N07 delete filter, rule by number, all rules, list, action" script "delete filter telnet any me" \
	"delete rule id=1 policy=p2" "delete rule all policy=p2" "delete filterlist telnet" "delete filteraction drop"
ctl A --json static show all >"$TMP/all"
same "N07 they are gone, the default response rule stays" "1 0 0" \
	"$(of '"\([.policy_rules[] | select(.policy == "p2")] | length) \([.filterlists[] | select(.name == "telnet")] | length) \([.filteractions[] | select(.name == "drop")] | length)"')"
check "N07 what is not there" wrong 1168 set policy name=none assign=yes
check "N07 what is there already" wrong 183 add policy name=P2
check "N07 what is not of the grammar" usage add policy name=p3 colour=red
check "N11 show: lists, tables, everything" eval 'script "show policy all" "show policy all format=table wide=yes" \
	"show rule all policy=p2 level=verbose" "show filterlist all level=verbose format=table" \
	"show filteraction all" "show store" "show all" >"$TMP/out"'
check "N11 with counts" grep -q '^Policies  *: 4$' "$TMP/out"
check "N15 nothing is assigned" eval 'static show gpoassignedpolicy | grep -q "^No policy is assigned"'

# --- stores
check "N08 N27 set store persistent" script "set store location=persistent" "add policy name=base activatedefaultrule=no" \
	"set policy base assign=yes" "set store local" "set policy p2 description=local"
same "N08 its policy is not in the local store, the change behind it is" "Client (Respond Only) Server (Request Security) Secure Server (Require Security) p2 local" \
	"$(shown '[.policies[].name] + [.policies[3].description] | join(" ")' policy)"
check "N08 without a directory there is no domain" wrong 50 set store location=domain

# --- export, import, examples
before=$(content)
check "N12 exportpolicy" static exportpolicy "file=$TMP/backup"
same "N12 it is for its owner only" 600 "$(stat -c %a "$TMP/backup.ipsec")"
check "N07 delete all" static delete all
same "N07 nothing is left" "0 0 0" "$(shown '.counts[0] | "\(.policies) \(.filterlists) \(.filteractions)"' all)"
check "N12 importpolicy" static importpolicy "file=$TMP/backup.ipsec"
same "N12 everything is as before" "$before" "$(content)"
check "N13 restorepolicyexamples" script "delete all" "restorepolicyexamples release=win2003"
same "N13 A27 they are there, with their own GUIDs" \
	"{72385236-70FA-11D1-864C-14A300000000} {72385230-70FA-11D1-864C-14A300000000} {7238523C-70FA-11D1-864C-14A300000000}" \
	"$(shown '[.policies[].guid] | join(" ")' policy)"

# --- batches and scripts
check "N16 set batch" script "set batch mode=enable" "add filterlist name=a" "add filter a me any" "set batch mode=disable"
same "N16 it was done" 1 "$(shown '.filterlists[0].filters' filterlist a)"
for ((i = 1; i <= 700; i++)); do
	echo "static add filter filterlist=many srcaddr=me dstaddr=10.$((i / 256)).$((i % 256)).1 protocol=TCP dstport=$i"
done >"$TMP/many"
sed -i '600s/.*/static add filter filterlist=many srcaddr=DNS dstaddr=any/' "$TMP/many"
echo 'static add filterlist name=MANY' >>"$TMP/many"
ctl A -f "$TMP/many" >"$TMP/out" 2>&1
same "N05 N16 a long script: the first failure is its status" 2 $?
check "N05 N16 refusals have their lines" eval \
	'grep -q "/many:600: ipsecctl: static add filter: WINS" "$TMP/out" && grep -q "/many:701: ERR IPsec.00183" "$TMP/out"'
same "N05 N16 and the rest is done" 699 "$(shown '.filterlists[0].filters' filterlist many)"
check "--dry-run says what would be done" eval \
	'[ "$(ctl A --dry-run static add policy p)" = "Would be done: static add policy name=p" ]'
check "and does not do it" wrong 1168 show policy p

# --- at boot
cat >"$TMP/boot" <<END
static add policy name=boot activatedefaultrule=no
static add filter filterlist=boot srcaddr=any dstaddr=me protocol=TCP dstport=23
static add filteraction name=boot action=block
static add rule name=boot policy=boot filterlist=boot filteraction=boot
static set policy name=boot assign=yes
END
stop A-ipsec-policy-agent
check "N06 a script before the agent runs" ipsecctl --run-dir "$(run_dir A)" --state-dir "$TMP/state-A" -f "$TMP/boot"
service A ipsec-policy-agent
wait_for 30 services_ready A || bail "the agent is back"
check "N15 N27 what is assigned, and in which store" eval 'static show gpoassignedpolicy format=table >"$TMP/out" &&
	grep -q "^base  *persistent  *YES  *none$" "$TMP/out" && grep -q "^boot  *local  *YES  *none$" "$TMP/out"'
same "N06 its policy is in force when it does" 2 "$(in_driver 'lport=23 .*in=block')"
refuse "N06 telnet is blocked" telnet $STRANGER 1

# --- the configuration
check "N23 static set config bootmode" static set config bootmode value=stateful
same "N23 it is the same as the dynamic one" stateful "$(ctl A --json dynamic show config | jq -r '.config[0].bootmode')"
check "N23 static set config property= value=" script "set config property=bootmode value=permit"
same "N23 static show config" permit "$(shown '.config[0].bootmode' config)"
config() { ctl A --json dynamic show config | jq -c '.config[0] | [.ipsecexempt, .ipsecloginterval]'; }
check "N25 ipsecexempt" ctl A dynamic set config property=ipsecexempt value=1
check "N25 ipsecloginterval" ctl A dynamic set config ipsecloginterval 60
same "N25 both are kept" "[1,60]" "$(config)"
refuse "N25 an interval that is too short" ctl A dynamic set config ipsecloginterval 59
refuse "N25 a level that does not exist" ctl A dynamic set config ipsecexempt 4
same "N25 and nothing is changed" "[1,60]" "$(config)"

same "N25 and the driver's" 1 "$(on A ipdtool status | sed -n 's/.*exempt=\([0-9]*\).*/\1/p')"
exempted() { ctl A --json dynamic show config | jq -r '.config[0].bootexemptions'; }
same "N24 the list as installed" UDP:0:68:inbound "$(exempted)"
check "N24 bootexemptions" ctl A dynamic set config bootexemptions "ICMP:inbound TCP:0:22:outbound"
same "N24 the list is kept" "ICMP:inbound TCP:0:22:outbound" "$(exempted)"
refuse "N24 a list that is none" ctl A dynamic set config property=bootexemptions value=TCP:22:inbound
check "N24 an empty list" ctl A dynamic set config bootexemptions none
same "N24 is kept" none "$(exempted)"

# --- what the snap-in's pages can set (objects.md): each has its tag
has_tags() { # COMMAND TAG...
	local command=$1 tag
	shift
	# shellcheck disable=SC2086 # words
	static $command '?' >"$TMP/help"
	for tag; do
		grep -q "^  $tag " "$TMP/help" || {
			echo "$command: no $tag"
			return 1
		}
	done
}
check "N26 a policy's pages" has_tags "set policy" newname description pollinginterval mmpfs qmpermm mmlifetime \
	mmsecmethods activatedefaultrule assign
check "N26 a rule's pages" has_tags "set rule" newname description filterlist filteraction tunnel conntype activate \
	kerberos psk rootca
check "N26 the default response rule's" has_tags "set defaultrule" activate qmsecmethods qmpfs kerberos psk rootca
check "N26 a filter list's" has_tags "set filterlist" newname description
check "N26 a filter's" has_tags "add filter" srcaddr srcmask dstaddr dstmask protocol srcport dstport mirrored description
check "N26 a filter action's" has_tags "set filteraction" newname description action inpass soft qmpfs qmsecmethods
check "N26 N27 and the persistent store, which it has not" eval 'static set store "?" | grep -q persistent'

for host in A B; do
	for program in ipsec-policy-agent ipsec-ike ipsec-cred; do
		stop $host-$program
	done
done
check "the driver unloads" unload_module
check_world
finish
