#!/bin/bash
# SPDX-License-Identifier: MIT
# check: tiers=uml also=uml-debug,vm timeout=600
#
# The command lines of Windows XP's ipseccmd, and those of the examples in its help, through command,
# agent and driver. What is in the driver is read from the driver.
#
#   A 192.0.2.1, 2001:db8::1 ------- B 192.0.2.2, 2001:db8::2
. "$TOP/selftests/lib.sh"
. "$TOP/selftests/hosts.sh"

# before the agent has its own view of the files
cat >"$TMP/hosts" <<END
192.0.2.1 foobar
192.0.2.2 foobar0
198.51.100.1 many
198.51.100.2 many
END
need mount --bind "$TMP/hosts" /etc/hosts
defer umount /etc/hosts
hosts_up
# the example's end of the tunnel
addr A eth0 128.2.1.1/24

# One program, by its names.
for name in ipseccmd ipsecpol; do
	ln -s "$(command -v ipsecctl)" "$TMP/$name"
done
as() { # NAME HOST ARGUMENTS...
	local name=$1 host=$2
	shift 2
	on "$host" "$TMP/$name" --run-dir "$(run_dir "$host")" --state-dir "$TMP/state-$host" "$@"
}
cmd() { as ipseccmd "$@"; } # HOST ARGUMENTS...
in_driver() { on A ipdtool list | sed 's/ out-hits=.*//'; }
n_filters() { in_driver | grep -c '^id='; }
in_driver_is() { in_driver | grep -Eq "$1"; } # PATTERN
# refused WORDS ARGUMENTS...: status 2, says this, and the driver is as it was
refused() {
	local words=$1 before rc
	shift
	before=$(in_driver)
	cmd A "$@" >"$TMP/refused" 2>&1
	rc=$?
	cat "$TMP/refused"
	[ $rc -eq 2 ] && grep -qF -e "$words" "$TMP/refused" && [ "$before" = "$(in_driver)" ]
}
shows() { # PATTERN ITEM...
	local pattern=$1
	shift
	cmd A show "$@" >"$TMP/shown" && grep -Eq -- "$pattern" "$TMP/shown"
}
shows_all() { # PATTERN... of what the last "show" printed
	local pattern
	for pattern; do
		grep -Eq -- "$pattern" "$TMP/shown" || { echo "not shown: $pattern"; return 1; }
	done
}
# The headlines of what is shown; drops have theirs once there are some.
sections() { # ITEM...
	cmd A show "$@" | awk '/^-+$/ && last != "Packets Dropped" { print last } { last = $0 }' | paste -sd,
}
answers() { on A ping -c 1 -W 1 "$B4"; }
# what a store holds, but times
content() { ctl A --json static show all | jq -cS 'walk(if type == "object" then del(.modified) else . end)'; }
of_policy() { ctl A --json static show policy "$1" | jq -r ".policies[0] | $2"; }       # NAME FILTER
of_rule() { ctl A --json static show rule "name=$1" "policy=Secure My Traffic" | jq -r ".policy_rules[0] | $2"; } # NAME FILTER
of_action() { ctl A --json static show filteraction "$1 filter action" | jq -r ".filteractions[0] | $2"; } # RULE FILTER
wipe() { cmd A -u && [ "$(n_filters)" = 0 ]; }

check "C03 without arguments there is help" eval 'cmd A | grep -q "^Usage: ipseccmd "'
check "C28 ipsecpol -h" eval 'as ipsecpol A -h | grep -q "^Usage: ipsecpol "'

# --- one interface -----------------------------------------------------------------------------
GUID=11E6E97E-0031-49f5-AC7D-5F2FE99BABAF
need on A ip link property add dev eth0 altname $GUID
check "C08 a filter for an interface, by its GUID" cmd A -f "[{$GUID}+$B4]"
check "C08 is one for it in the driver" in_driver_is "local=me remote=$B4.* dev=eth0 .*out=block in=block"
check "C08 and acts there" eval '! answers'
check "C08 it can be deleted" wipe
check "C08 a filter for another interface" cmd A -f "[{ppp7}+$B4]"
check "C08 does not act here" answers
check "C08 it is shown" shows '^Interface *: ppp7' filters
same "C08 it is kept" ppp7 "$(sqlite3 "$TMP/state-A/dynamic.db" "SELECT interface FROM run_rules")"
check "C08 no interface has that name" refused "no interface of this host" -f '[{6F7E6D2C-3B1A-4C5D-8E9F-0A1B2C3D4E5F}+*]'
check "C08 it can be deleted, too" wipe

# --- the examples of the help ----------------------------------------------------------------

check "C14 C32 example 1" cmd A -f '0+*' -n 'ah[md5]'
check "C05 C32 it is for all traffic, both ways" \
	in_driver_is 'local=me remote=0\.0\.0\.0/0.* proto=0 .*out=negotiate in=negotiate'
check "C17 C31 Kerberos, as nothing was said" shows 'Authentication Methods +: Kerberos$' auth
check "C26 -u deletes it" wipe
check "C31 and show filters says so" shows 'There are no generic quick mode filters' filters

example_2() { # HOST OTHER
	echo y | cmd "$1" -f foobar+foobar0 -n 'esp[des,sha]+ah[md5]' -apreshare:tooltime -c
}
check "C10 C18 C32 C38 example 2, confirmed" example_2 A
check "C32 and on the other host" example_2 B
check "C32 the two hosts protect what they say" wait_for 20 answers
check "C10 C31 the association is shown, with both protocols" eval 'cmd A show sas >"$TMP/shown" && shows_all \
	"^Cookie Pair +: [0-9a-f]{16}:[0-9a-f]{16}$" "^Destination Address +: $B4$" "^AH SPI +: 0x[0-9a-f]{8} in" \
	"^ESP SPI +: 0x[0-9a-f]{8} in" "^MD5.0/0. +DES.0/0. +SHA1 "'
check "C31 the preshared key is shown in clear" shows 'Preshared key "tooltime"' auth
FILTERS="Main Mode Filters: Generic,Main Mode Filters: Specific,Quick Mode Filters: Generic,Quick Mode Filters: Specific"
POLICIES="IKE MM Policies,QM Negotiation Policies"
AUTH="Main Mode Authentication Methods" STATS="IKE Statistics,IPSec Statistics" SAS="IKE Main Mode SAs,Quick Mode SAs"
same "C31 C32 example 6" "$FILTERS,$POLICIES" "$(sections filters policies)"
same "C31 C32 example 7" "$FILTERS,$POLICIES,$AUTH,$STATS,$SAS" "$(sections all)"
same "C31 each has its part" "$FILTERS|$POLICIES|$AUTH|$STATS|$SAS" \
	"$(for item in filters policies auth stats sas; do sections $item; done | paste -sd'|')"
not_confirmed() { echo n | cmd A -f '[0+*]' -confirm; [ $? -eq 1 ]; }
check "C18 what is not confirmed is not done" not_confirmed
b_has() { cmd B -u && cmd B -f foobar+foobar0 -n "ESP[DES,SHA]+AH[MD5]" -a "$1"; } # KEY
check "C16 C30 the same in other words" b_has Preshare:tooltime
check "C16 C30 is the same" wait_for 20 answers
check "C30 a key in another case" b_has P:Tooltime
refuse "C30 is another key" wait_for 3 answers
check "C30 the proof is wrong, says the log" wait_for 40 eval \
	'service_log A ipsec-policy-agent | grep -Eq "$B4.*(authent|preshared)"'
check "C26 and again" eval 'wipe && cmd B -u'

tunnel=(-n 'ah[sha]' -apreshare:tooltime -1s des-md5-3 -1p)
check "C32 example 3, without its 40 bit DES, outbound" \
	cmd A -f 128.2.1.1=128.2.1.13 -t 128.2.1.13 "${tunnel[@]}"
check "C15 C32 and inbound" cmd A -f 128.2.1.13=128.2.1.1 -t 128.2.1.1 "${tunnel[@]}"
check "C15 one tunnel filter with both ends" \
	in_driver_is 'class=tunnel local=128\.2\.1\.1/.* remote=128\.2\.1\.13/.*out=negotiate in=negotiate'
check "C15 and its ends" eval 'shows "^Tunnel Source +: 128\.2\.1\.1$" filters && shows_all "^Tunnel Destination +: 128\.2\.1\.13$"'
check "C19 the main mode of -1 flags is shown, with -1p for one quick mode" shows '^DES +MD5 +14 +0:28800 +1$' policies
check "C32 example 3 as it stands is refused" refused "des40-md5-3" \
	-f 128.2.1.1=128.2.1.13 -t 128.2.1.13 -n 'ah[sha]' -1s des40-md5-3
check "C35 a mirrored tunnel is refused" refused "write = instead of +" \
	-f 128.2.1.1+128.2.1.13 -t 128.2.1.13
check "all is gone" wipe
# main mode filters of their own
narrow=(-n 'ESP[3DES,SHA]' -a P:key)
pairs() { # of main mode, as the agent has them
	ctl A --json dynamic show mmfilter all |
		jq -c '[.. | objects | select(.srcaddr?) | [.srcaddr, .dstaddr]] | sort | unique'
}
check "C19 -1f for one host of a net" cmd A -f '0+192.0.2.*' -1f "$B4=0" "${narrow[@]}"
same "C19 K28 show has this pair, without ports" "[[\"$B4\",\"me\"]]" "$(pairs)"
check "C19 K28 and so does ipseccmd's show filters" eval 'cmd A show filters |
	sed -n "/^Main Mode Filters: Generic/,/^Main Mode Filters: Specific/p" >"$TMP/shown" && shows_all "$B4" &&
	! grep -q 192.0.2.0 "$TMP/shown"'
check "C19 the driver's filter is the whole net" in_driver_is 'local=me remote=192\.0\.2\.0/255\.255\.255\.0 .*out=negotiate'
check "C19 the other host is asked" cmd B -f foobar+foobar0 "${narrow[@]}"
check "K28 with it is negotiated" wait_for 20 answers
check "C26 and again" eval 'wipe && cmd B -u'
wire_start narrow A eth0 B eth0
check "C19 -1f for a host that is not there" cmd A -f '0+192.0.2.*' -1f '0+192.0.2.9' "${narrow[@]}"
refuse "K28 with others is not negotiated" answers
check "K28 explain says why" eval 'ctl A explain out 192.0.2.1 $B4 icmp | grep -q "no main mode filter"'
check "K28 so does the journal" wait_for 10 eval \
	'service_log A ipsec-policy-agent | grep -q "$B4.*no main mode filter"'
refuse "K28 nor answered when they begin" eval \
	'cmd B -f foobar+foobar0 "${narrow[@]}" && on B ping -c 1 -W 3 192.0.2.1'
check "C26 and again" cmd B -u
wire_stop narrow
never_clear "K28 nothing of it in clear" narrow "icmp"
check "C26 and again" wipe
check "C19 static, with a main mode filter" cmd A -w REG -p Narrow -r one -f '0+192.0.2.*' -1f "0+$B4" "${narrow[@]}" -x
same "C19 K28 show has this pair" "[[\"me\",\"$B4\"]]" "$(pairs)"
same "C19 it is in the list" true \
	"$(ctl A --json static show filterlist "one filter list" level=verbose | jq -c "[.. | objects | select(.dstaddr? == \"$B4\").mainmode] | .[]")"
check "C19 explain of the stored policy says what it leaves out" eval \
	'ctl A explain policy=Narrow out 192.0.2.1 192.0.2.9 icmp | grep -q "no main mode filter"'
dumps_alike() {
	ctl A dump secrets=yes >"$TMP/dump.1" && grep -q mainmode=yes "$TMP/dump.1" && ctl A static delete all &&
		ctl A -f "$TMP/dump.1"
	ctl A dump secrets=yes >"$TMP/dump.2" && diff "$TMP/dump.1" "$TMP/dump.2"
}
check "X12 a dump has it, and what comes of the dump is the same" dumps_alike
check "C25 it can be deleted" cmd A -w REG -p Narrow -o
check "C15 the end of a tunnel by its name, outbound" cmd A -f 192.0.2.1=203.0.113.* -t foobar0 -a P:key
check "C15 and inbound" cmd A -f 203.0.113.*=192.0.2.1 -t foobar -a P:key
check "C15 is in the driver" in_driver_is 'class=tunnel local=192\.0\.2\.1/.* remote=203\.0\.113\.0/.*out=negotiate in=negotiate'
check "C15 with the addresses of the names" eval 'shows "^Tunnel Source +: $A4$" filters && shows_all "^Tunnel Destination +: $B4$"'
check "all is gone" wipe

check "C32 example 4: no directory is configured here" refused "no directory" -w DS \
	-p "Default Domain Policy:30" -r "Secured Servers" -f 0+SecuredServer1 0+SecuredServer2 \
	-n 'ESP[MD5,DES]' 'AH[MD5]' -a KERBEROS P:ace -lan
before=$(content)
fifth=(-w REG -p "Secure My Traffic:30" -r "Me to Anyone" -f '0+*' -n 'AH[MD5]' -a P:ace)
check "C21 C22 C24 C32 example 5" cmd A "${fifth[@]}" -x
check "C24 the assigned policy is in force" \
	in_driver_is 'local=me remote=0\.0\.0\.0/0.* proto=0 .*out=negotiate in=negotiate'

same "C21 C22 C24 it is in the local store, with its interval, assigned" "local 30 true" \
	"$(of_policy "Secure My Traffic" '"\(.store) \(.pollinginterval) \(.assigned)"')"

# --- stores -----------------------------------------------------------------------------------

check "C23 only -f replaces filters" cmd A -w REG -p "Secure My Traffic" -r "Me to Anyone" -f 0+198.51.100.9
check "C23 they are in force" in_driver_is 'remote=198\.51\.100\.9'
check "C23 offers and key are as before" eval 'shows "AH.MD5." policies && shows "\"ace\"" auth'
check "C34 in a store a name is all its addresses" cmd A -w REG -p "Secure My Traffic" -r "Me to Anyone" -f 0+many
both() { in_driver_is 'remote=198\.51\.100\.1/' && in_driver_is 'remote=198\.51\.100\.2/'; }
check "C34 both are in the driver" wait_for 20 both
check "C13 BLOCK" cmd A -w REG -p "Secure My Traffic" -r telnet -f '*+0:23:TCP' -n BLOCK
check "C13 it blocks" in_driver_is 'proto=6 lport=23 .*out=block in=block'
same "C13 and is stored so" block "$(of_action telnet .action)"
check "C13 PASS" cmd A -w REG -p "Secure My Traffic" -r telnet -n PASS
check "C13 it passes" in_driver_is 'proto=6 lport=23 .*out=permit in=permit'
same "C13 and is stored so" permit "$(of_action telnet .action)"
check "C13 INPASS" cmd A -w REG -p "Secure My Traffic" -r telnet -n INPASS
check "C13 what arrives may be in clear" in_driver_is 'proto=6 lport=23 .*out=negotiate in=permit'
same "C13 and is stored so" "negotiate true" "$(of_action telnet '"\(.action) \(.inpass)"')"
check "C18 -soft and -dialup" cmd A -w REG -p "Secure My Traffic" -r telnet -soft -dialup
same "C18 C23 are stored, the rest stays" "dialup true true" "$(of_rule telnet .conntype) $(of_action telnet '"\(.soft) \(.inpass)"')"
check "C18 and in the driver" in_driver_is 'conn=dialup proto=6 lport=23 '
check "C16 C23 methods" cmd A -w REG -p "Secure My Traffic" -r telnet -a C:"O=Example, CN=Root" k p:"A Key"
check "C16 in their order and case" shows 'Methods +: Certificate "O=Example, CN=Root"; Kerberos; Preshared key "A Key"$' auth
check "C19 main mode, in a store" cmd A -w REG -p "Secure My Traffic" -r telnet -1s 3DES-MD5-2 -1k 3Q/7200S
same "C19 C23 is that of the policy" "3DES-MD5-2 3 120 false 30" "$(of_policy "Secure My Traffic" \
	'"\(.mmsecmethods) \(.qmpermm) \(.mmlifetime) \(.mmpfs) \(.pollinginterval)"')"
check "C15 a tunnel, in a store" cmd A -w REG -p "Secure My Traffic" -r tunnel -f 0=203.0.113.* -t foobar0 -a P:key
same "C15 has its end" foobar0 "$(of_rule tunnel .tunnel)"
check "C15 which is an address in force" wait_for 20 shows "^Tunnel Destination +: $B4\$" filters
check "C36 what others made is not changed" refused "not made by ipseccmd" \
	-w REG -p "Client (Respond Only)" -r new -f '0+*'
check "C33 no interface in a store" refused "no interfaces" -w REG -p p -r r -f '{eth0}+*'
check "C01 -w and show exclude each other" refused "show" -w REG show all
check "N27 the persistent store is not ipseccmd's" refused "REG" -w PERSISTENT -p p -r r -f '0+*'
unassigns() { cmd A -w REG -p "Secure My Traffic" -y && [ "$(n_filters)" = 0 ]; }
check "C24 -y unassigns" unassigns
check "C25 -o deletes the policy" cmd A -w REG -p "Secure My Traffic" -o
same "C25 and its parts: the store is what it was" "$before" "$(content)"

# --- dynamic ----------------------------------------------------------------------------------

check "C06 pass and drop" cmd A -f '(0+198.51.100.1)' '[*+0:23:TCP]'
check "C06 one passes" in_driver_is 'remote=198\.51\.100\.1/.*out=permit in=permit'
check "C06 one is dropped" in_driver_is 'proto=6 lport=23 .*out=block in=block'
check "C07 DEFAULT" cmd A -f DEFAULT -a P:ace
check "C07 it is a default response rule" eval 'ctl A dynamic show rule | grep -q "Default Response *: yes"'
check "C08 C09 addresses" cmd A -f '[0+203.0.113.*]' '[0+203.0.0.0/255.255.0.0::6]' '[0+[2001:db8:1::]/48]'
check "C08 a star is a subnet" in_driver_is 'remote=203\.0\.113\.0/255\.255\.255\.0'
check "C04 both ports, one direction, IPv6" cmd A \
	-f '[172.31.0.0/255.255.0.0:80=157.0.0.0/255.0.0.0:81:TCP]' '(0=[2001:db8::2]::132)'
check "C04 the ports" in_driver_is 'local=172\.31\.0\.0/255\.255\.0\.0 remote=157\.0\.0\.0/255\.0\.0\.0 proto=6 lport=80 rport=81 out=block'
check "C04 C05 one direction" in_driver_is 'local=me remote=2001:db8::2/.* proto=132 .*out=permit in=none'
check "C09 a protocol without a port" in_driver_is 'remote=203\.0\.0\.0/255\.255\.0\.0 proto=6'
check "C34 of a name the first address counts" cmd A -f '[0+many::17]'
same "C34 one of them is in the driver" 1 "$(in_driver | grep -c 'remote=198\.51\.100\.[12]/.*proto=17')"
check "C18 -lan" cmd A -f '[0+203.0.114.1]' -lan
check "C18 it is for LAN adapters" eval 'in_driver | grep "203\.0\.114\.1" | grep -qi lan'
check "C18 -dialup" cmd A -f '[0+203.0.114.2]' -dialup
check "C18 it is for dial-up" in_driver_is 'remote=203\.0\.114\.2/.* conn=dialup '
check "C12 ESP[NONE,NONE]" refused "encryption, integrity or both" -f '0+*' -n 'ESP[NONE,NONE]'
check "C11 C30 offers in any case" cmd A -f 0+203.0.115.1 -n 'eSp[3dEs,sHa]3600s/5000kpfs2' -1s 3DES-SHA-2
check "C11 X14 they are shown, the group too" shows '^ESP\[3DES,SHA1\] +5000:3600 +2$' policies
check "C19 as the main mode is" shows_all '^3DES +SHA1 +2 +0:28800 +0$'
check "C20 the next run keeps the main mode policy" cmd A -f 0+203.0.115.2
same "C20 there is one for both" 1 \
	"$(cmd A --json show auth | jq -r '.. | objects | select(.dstaddr? // "" | startswith("203.0.115")) | .mmpolicy' | sort -u | wc -l)"
same "C14 without -n there are four offers" "ESP[3DES,SHA1] ESP[3DES,MD5] ESP[DES,SHA1] ESP[DES,MD5]" \
	"$(cmd A --json show policies | jq -r '.qmpolicies[-1].qmsecmethods')"
check "C18 C19 all of main mode, and -soft" cmd A -f 0+203.0.115.3 -soft -1s AES256-SHA-14 -1k 5Q/3600S -1e 60 -1f 0=203.0.115.3
check "C18 C19 are shown" eval 'cmd A show policies >"$TMP/shown" && shows_all "^Allow Soft SAs +: yes$" \
	"^AES256 +SHA1 +14 +0:3600 +5$" "^IKE Soft SA Lifetime +: 60 seconds$"'
check "C19 and the main mode filter" eval 'cmd A show filters | sed "/^Quick Mode/,\$d" | grep -q "^Destination *: 203\.0\.115\.3$"'
check "C26 all is gone" wipe

# --- batch, rights ----------------------------------------------------------------------------

cat >"$TMP/batch" <<'END'
rem five rules
-f [0+203.0.113.1]
ipseccmd -f [0+203.0.113.2]
ipsecpol -f (0+203.0.113.3)
-f 0+203.0.113.4 -a P:"a key"
-f 0+203.0.113.5 -n AH[SHA]
END
check "C27 X13 a batch" cmd A -file "$TMP/batch"
same "C27 X13 five rules" 5 "$(n_filters)"
sed -i '3s/$/]/' "$TMP/batch"
check "C27 with one bad line nothing is done" refused "nothing was changed" -file "$TMP/batch"
nobody() { # ARGUMENTS...
	local before
	before="$(in_driver) $(content)"
	on A setpriv --reuid 65534 --regid 65534 --clear-groups "$TMP/ipseccmd" --run-dir "$(run_dir A)" \
		--state-dir "$TMP/state-A" "$@" >"$TMP/nobody" 2>&1
	echo "status $?: $(cat "$TMP/nobody")"
	grep -q "denied" "$TMP/nobody" && [ "$before" = "$(in_driver) $(content)" ]
}
chmod a+rx "$TMP"
check "C37 without rights it is refused" nobody -f '[0+203.0.113.9]'
check "C37 so is taking rules away" nobody -u
check "C37 and looking" nobody show auth
echo "-f [0+203.0.113.9]" >"$TMP/rules"
check "C37 and a batch" nobody -file "$TMP/rules"
check "C37 and the local store" nobody -w REG -p p -r r -f 0+203.0.113.9 -a P:key

check "A21 ipsecpol's rules beside them" as ipsecpol A -f '[0+203.0.114.1]'
same "A21 they are in the driver" 6 "$(n_filters)"
stop A-ipsec-policy-agent
service A ipsec-policy-agent
wait_for 30 services_ready A || bail "the agent is back"
same "A20 A21 after a restart ipseccmd's are there, and ipsecpol's not" "5 0" "$(n_filters) $(in_driver | grep -c '203\.0\.114\.1/')"
finish
