#!/bin/bash
# SPDX-License-Identifier: MIT
# check: tiers=uml also=uml-debug,vm timeout=300
#
# Commands of the dynamic context on one host: each acts when it returns. What is in the driver is
# read from the driver, not from the agent.
#
#   A 192.0.2.1, 2001:db8::1 ------- B 192.0.2.2
. "$TOP/selftests/lib.sh"
. "$TOP/selftests/hosts.sh"

load_module
ns_add A B
link A eth0 B eth0
addr A eth0 "$A4/24" "$A6/64"
addr B eth0 "$B4/24" "$B6/64"
services_start A

# without what packets change
in_driver() { on A ipdtool list | sed 's/ out-hits=.*//'; }
n_filters() { in_driver | grep -c '^id='; }
in_driver_is() { in_driver | grep -Eq "$1"; } # PATTERN
# wrong NUMBER COMMAND...: refused with this number, and the driver is as it was
wrong() {
	local number=$1 before after rc
	shift
	before=$(in_driver)
	ctl A "$@" >"$TMP/wrong" 2>&1
	rc=$?
	after=$(in_driver)
	echo "status $rc"
	cat "$TMP/wrong"
	[ $rc -eq 1 ] && grep -q "^ERR IPsec\[$number\] : ..." "$TMP/wrong" && [ "$before" = "$after" ]
}
usage() { # COMMAND...: status 2, says where help is
	ctl A "$@" >"$TMP/usage" 2>&1
	[ $? -eq 2 ] && grep -q '^Help: ipsecctl ' "$TMP/usage"
}

same "nothing is there at first" 0 "$(n_filters)"
check "N17 add mmpolicy" ctl A dynamic add mmpolicy name=mm1 qmpermm=5 mmlifetime=60 \
	softsaexpirationtime=100 "mmsecmethods=3DES-SHA1-2 AES256-SHA256-14"
check "N17 add mmpolicy with defaults, by position" ctl A dynamic add mmpolicy mm2
check "N17 add qmpolicy" ctl A dynamic add qmpolicy name=qm1 soft=yes pfsgroup=GRPMM \
	"qmsecmethods=AH[SHA1]:204800k/900s ESP[DES,MD5]"
check "N17 add qmpolicy with defaults, shortened" ctl A dyn a qm n=qm2
same "N17 policies alone are no filters" 0 "$(n_filters)"

check "N03 N17 add rule" ctl A dynamic add rule srcaddr=me dstaddr=192.0.2.0 dstmask=255.255.255.0 \
	mmpolicy=mm1 qmpolicy=qm1 psk=secret
same "N03 N17 the filter is in the driver" 1 "$(n_filters)"
check "N03 N17 it negotiates for the subnet" \
	in_driver_is 'local=me remote=192\.0\.2\.0/255\.255\.255\.0 proto=0 .*out=negotiate in=negotiate'
check "N03 N17 add a second rule" ctl A dynamic add rule any me protocol=TCP dstport=23 mirrored=yes \
	actioninbound=block actionoutbound=block
# IPv4 and IPv6: "any" is both
same "N03 N17 two more filters" 3 "$(n_filters)"
check "N03 N17 it blocks telnet" in_driver_is 'local=me .*proto=6 lport=23 .*out=block in=block'

wrong_add() { wrong "$1" dynamic add rule me 192.0.2.7 "mmpolicy=$2" "qmpolicy=$3" psk=x; }
check "N17 a rule twice" wrong 13008 dynamic add rule me 192.0.2.0/24 mmpolicy=mm2 qmpolicy=qm2 psk=x
check "N17 a rule without its main mode policy" wrong_add 13004 none qm1
check "N17 a rule without its quick mode policy" wrong_add 13001 mm1 none
check "N17 a main mode policy twice" wrong 13003 dynamic add mmpolicy name=mm1
check "N17 a quick mode policy twice" wrong 13000 dynamic add qmpolicy name=qm1
check "N17 a main mode policy in use" wrong 13005 dynamic delete mmpolicy name=mm1
check "N17 a quick mode policy in use" wrong 13002 dynamic delete qmpolicy name=qm1
check "N17 set a policy that is not there" wrong 13004 dynamic set mmpolicy name=none qmpermm=1
check "N17 set a rule that is not there" wrong 13009 dynamic set rule me 192.0.2.7 actioninbound=permit
check "N17 delete a rule that is not there" wrong 13009 dynamic delete rule me 192.0.2.0/25
check "K07 a blank key" usage dynamic add rule me 192.0.2.7 mmpolicy=mm1 qmpolicy=qm1 psk=
check "N17 an unknown tag" usage dynamic add rule me 192.0.2.7 mmpolicy=mm1 colour=red
check "N17 a method that is none" usage dynamic add qmpolicy qm3 "qmsecmethods=ESP[None,None]"
same "N17 refusals changed nothing" 3 "$(n_filters)"

row() { ctl A --json dynamic show "$1" | jq -c ".[][] | select($2)"; } # NOUN CONDITION
check "N17 set mmpolicy" ctl A dynamic set mmpolicy name=mm1 mmlifetime=90
same "N17 the lifetime changed, the rest stayed" \
	'{"name":"mm1","qmpermm":5,"mmlifetime":90,"softsaexpirationtime":100,"mmsecmethods":"3DES-SHA1-2 AES256-SHA256-14"}' \
	"$(row mmpolicy '.name == "mm1"')"
check "N17 set qmpolicy" ctl A dynamic set qmpolicy name=qm1 soft=no pfsgroup=GRP14
same "N17 soft and group changed, the methods stayed" \
	'{"name":"qm1","soft":false,"pfsgroup":"GRP14","qmsecmethods":"AH[SHA1]:204800k/900s ESP[DES,MD5]"}' \
	"$(row qmpolicy '.name == "qm1"')"
check "N03 N17 set rule" ctl A dynamic set rule any me TCP 0 23 actioninbound=permit
check "N03 N17 the driver's filter changed" in_driver_is 'local=me .*proto=6 lport=23 .*out=block in=permit'
same "N17 the other action stayed" block "$(row rule '.dstport == 23' | jq -r .actionoutbound)"
check "N17 set rule: policy and key" ctl A dynamic set rule me 192.0.2.0/24 qmpolicy=qm2 kerberos=yes psk=new
same "N17 policy and methods changed, in this order" '["qm2","kerberos psk"]' \
	"$(row rule '.qmpolicy != null' | jq -c '[.qmpolicy,.auth]')"
check "N17 now the old policy can go" ctl A dynamic delete qmpolicy name=qm1

check "N03 N17 delete rule" ctl A dynamic delete rule srcaddr=any dstaddr=me protocol=TCP srcport=0 \
	dstport=23 mirrored=yes conntype=all
same "N03 N17 its filters are gone" 1 "$(n_filters)"
check "N17 delete mmpolicy" ctl A dynamic delete mmpolicy name=mm2
same "N17 one of two is left" mm1 "$(row mmpolicy true | jq -r .name)"
check "N17 delete rule all" ctl A dynamic delete rule all
same "D21 without rules there are no filters, and the mode stays" " mode=secure" \
	"$(on A ipdtool list) $(on A ipdtool status | grep -o 'mode=[a-z]*')"
same "N03 N17 no filter is left" 0 "$(n_filters)"
check "N17 delete mmpolicy all" ctl A dynamic delete mmpolicy all
check "N17 delete qmpolicy all" ctl A dynamic delete qmpolicy all
same "N17 no policy is left" '[] []' \
	"$(ctl A --json dynamic show mmpolicy | jq -c '.[]') $(ctl A --json dynamic show qmpolicy | jq -c '.[]')"

# The same in the other ways of giving commands.
cat >"$TMP/script" <<END
@echo off
rem policy for telnet
netsh ipsec dynamic add rule any me protocol=TCP dstport=23 actioninbound=block actionoutbound=block
dynamic
add mmpolicy name="two words"
set config ikelogging 1
END
check "N01 a script of netsh lines" ctl A -f "$TMP/script"
same "N01 N03 it put filters into the driver" 2 "$(n_filters)"
same "N01 and made the policy" "two words" "$(row mmpolicy true | jq -r .name)"
ctl A >"$TMP/out" 2>&1 <<<$'dynamic\nshow config\ndelete all\n..\nexit\nfrobnicate'
same "N01 commands from standard input" 0 $?
check "N01 one of them shows" grep -q '^IKElogging *: 1$' "$TMP/out"
same "N01 N03 N17 and delete all acts" 0 "$(n_filters)"
ctl A static >"$TMP/out" 2>&1 <<<"show ?"
check "N01 the static context is entered" grep -q '^  gpoassignedpolicy ' "$TMP/out"

# What is reported as done is enforced: the next packet is judged by it, every time.
at_once() {
	for _ in 1 2 3 4 5; do
		ctl A dynamic add rule me $B4 protocol=ICMP actioninbound=block actionoutbound=block || return
		! on A ping -c 1 -W 1 $B4 || return
		ctl A dynamic delete rule me $B4 protocol=ICMP || return
		on A ping -c 1 -W "$(secs 5)" $B4 || return
	done
}
check "N03 a rule acts when its command returns, and stops when it is deleted" at_once

# Tried, not done; and the driver has its say, or it could not refuse.
cat >"$TMP/script" <<END
dynamic add mmpolicy name=mm1
dynamic add qmpolicy name=qm1
dynamic add rule me $B4 mmpolicy=mm1 qmpolicy=qm1 psk=secret
dynamic add rule any me protocol=TCP dstport=23 actioninbound=block actionoutbound=block
dynamic delete rule me $B4
dynamic set config ipsecexempt 0
END
before=$(on A ipdtool status)
check "N17 a dry run of a script" eval 'ctl A --dry-run -f "$TMP/script" >"$TMP/out"'
same "N17 says what would be done, and what in the driver" \
	"6 The driver would get 2 filters and lose 0." \
	"$(grep -c '^Would be done: dynamic ' "$TMP/out") $(tail -1 "$TMP/out")"
check "N17 not the key" eval '! grep -q secret "$TMP/out"'
same "N17 and nothing is done" "$before 0" "$(on A ipdtool status) $(n_filters)"
same "N17 no policy is there" '[] 3' \
	"$(ctl A --json dynamic show mmpolicy | jq -c '.[]') $(ctl A --json dynamic show config | jq '.. | .ipsecexempt? // empty')"
check "N17 a fault in it is found" wrong 13004 --dry-run dynamic add rule me $B4 mmpolicy=mm1 \
	qmpolicy=none psk=x
coproc holder { { for _ in {1..16}; do echo begin; done; cat; } | on A ipdtool -; }
holder_pid=$!
opened=0
while [ $opened -lt 16 ] && read -r line <&"${holder[0]}"; do [ "$line" = "done" ] && opened=$((opened + 1)); done
ctl A --dry-run dynamic add rule me $B4 actioninbound=block actionoutbound=block >"$TMP/out" 2>&1
same "N17 the driver is asked: status" 1 $?
check "N17 the driver is asked: its sentence" grep -q \
	'the driver refused it: .*filter transactions are open already' "$TMP/out"
eval "exec ${holder[1]}>&-"
wait "$holder_pid" 2>/dev/null

stop A-ipsec-policy-agent
ctl A dynamic show rule >"$TMP/out" 2>&1
same "without an agent: status" 1 $?
check "without an agent: what to do" grep -q '^ERR IPsec\[01062\] .*systemctl start' "$TMP/out"
stop A-ipsec-ike
stop A-ipsec-cred
check "the driver unloads" unload_module
check_world
finish
