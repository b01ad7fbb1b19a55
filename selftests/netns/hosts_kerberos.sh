#!/bin/bash
# SPDX-License-Identifier: MIT
# check: tiers=uml timeout=600
#
# Hosts of a realm of MIT Kerberos, with no keys configured: a KDC vouches for them.
#
#   A 192.0.2.1, host-a$@A.TEST ------------------- B 192.0.2.2, host-b$@A.TEST, then host-d$@B.TEST
#      10.0.1.1 ------- 10.0.1.9 K 10.0.2.9 ------- 10.0.2.2
#                  KDCs of A.TEST and B.TEST: 10.9.0.1
. "$TOP/selftests/lib.sh"
. "$TOP/selftests/hosts.sh"
. "$TOP/selftests/kdc.sh"

DIR=$TMP/kdc
export KRB5_CONFIG=$DIR/krb5.conf

kdc_up() {
	mkdir "$DIR"
	chmod 755 "$TMP" "$DIR"
	realms_conf "$DIR" A.TEST=10.9.0.1:88 B.TEST=10.9.0.1:89 &&
		realm_new "$DIR" A.TEST && realm_new "$DIR" B.TEST && realm_trust "$DIR" A.TEST B.TEST &&
		realm_keys "$DIR" A.TEST host-a.keytab 'host-a$' &&
		realm_keys "$DIR" A.TEST host-b.keytab 'host-b$' &&
		realm_keys "$DIR" B.TEST host-d.keytab 'host-d$' || return
	ns_add K
	link A eth1 K eth0
	link B eth1 K eth1
	addr K lo 10.9.0.1/32
	addr A eth1 10.0.1.1/24; addr K eth0 10.0.1.9/24
	addr B eth1 10.0.2.2/24; addr K eth1 10.0.2.9/24
	on A ip route add 10.9.0.1 via 10.0.1.9 && on B ip route add 10.9.0.1 via 10.0.2.9 || return
	kdc_start A.TEST 88 && kdc_start B.TEST 89
}
kdc_start() { # REALM PORT
	spawn "kdc-$1" ip netns exec "$K" bash "$TOP/selftests/kdc.sh" realm_serve "$DIR" "$1"
	wait_for 10 kdc_listens "$2"
}
kdc_listens() { [ -n "$(on K ss -Hln "sport = :$1")" ]; } # PORT

kerberos_on() { # HOST DESTINATION
	ctl "$1" dynamic add mmpolicy name=test "mmsecmethods=$MM_OFFERS" &&
		ctl "$1" dynamic add qmpolicy name=test "qmsecmethods=$QM_OFFERS" &&
		ctl "$1" dynamic add rule srcaddr=me "dstaddr=$2" mmpolicy=test qmpolicy=test kerberos=yes
}
both_begin_anew() {
	policy_off A && policy_off B && kerberos_on A $B4 && kerberos_on B $A4
}
says() { service_log "$1" "$2" | grep -q -- "$3"; } # HOST PROGRAM TEXT
clear_of() { : >"$TMP/$1-ipsec-policy-agent.log"; } # HOST: what follows is new
has_in_capture() { grep -qaP "$1" "$(capture_file "$2-1")" "$(capture_file "$2-2")"; } # REGEX NAME
wide() { sed 's/./&\\x00/g; s/\$/\\$/' <<<"$1"; } # TEXT: a pattern for it in UTF-16LE
messages_with_ke() { # NAME
	local end
	for end in 1 2; do
		tshark -r "$(capture_file "$1-$end")" -Y 'isakmp.exchangetype == 2 && isakmp.key_exchange.data' \
			-T fields -e isakmp.ispi -e isakmp.key_exchange.data 2>/dev/null
	done | sort -u | wc -l
}

module_loaded || load_module
ns_add A B
link A eth0 B eth0
addr A eth0 "$A4/24"
addr B eth0 "$B4/24"
need kdc_up
cp "$DIR/host-a.keytab" "$TMP/A.keytab"
cp "$DIR/host-b.keytab" "$TMP/B.keytab"
services_start A B

# --- one realm ------------------------------------------------------------

check "A knows its name" wait_for 10 says A ipsec-policy-agent 'host-a\$@A.TEST'
check "B knows its name" wait_for 10 says B ipsec-policy-agent 'host-b\$@A.TEST'
check "K02 A takes a rule with Kerberos and no key" kerberos_on A $B4
check "K02 B takes a rule with Kerberos and no key" kerberos_on B $A4
wire_start wire A eth0 B eth0 'ip and not arp'
check "K02 K41 two hosts of an MIT realm have an association: no ping is lost" \
	on A ping -c 4 -i 0.2 -W "$(secs 10)" $B4
wire_stop wire
same "K02 eight ESP packets" 8 "$(wire_count wire 'proto 50')"
never_clear "K02 nothing in clear" wire "$CLEAR"
check "K03 A's principal is readable" has_in_capture "$(wide 'host-a$@A.TEST')" wire
check "K03 B's principal is readable" has_in_capture "$(wide 'host-b$@A.TEST')" wire
same "K39 both sides sent their half of a Diffie-Hellman exchange" 2 "$(messages_with_ke wire)"
check "K43 the audit of A names the peer: host-b\$@A.TEST" wait_for 5 says A ipsec-policy-agent \
	'established.*Kerberos based Identity host-b\$@A.TEST'
check "K43 the audit of B names the peer: host-a\$@A.TEST" wait_for 5 says B ipsec-policy-agent \
	'established.*Kerberos based Identity host-a\$@A.TEST'
check "B begins anew" both_begin_anew
check "K02 the other way: B initiates" on B ping -c 2 -i 0.2 -W "$(secs 10)" $A4

# --- two realms -----------------------------------------------------------

cat "$DIR/host-d.keytab" >"$TMP/B.keytab"
check "B joins another domain, and notices" wait_for 10 says B ipsec-policy-agent 'host-d\$@B.TEST'
clear_of A; clear_of B
both_begin_anew
wire_start trust A eth0 B eth0 'ip and not arp'
check "K40 a machine of a trusted domain: A initiates" on A ping -c 2 -i 0.2 -W "$(secs 10)" $B4
check "K40 it is who it says" wait_for 5 says A ipsec-policy-agent 'host-d\$@B.TEST'
both_begin_anew
check "K40 a machine of a trusted domain: B initiates" on B ping -c 2 -i 0.2 -W "$(secs 10)" $A4
wire_stop trust
never_clear "K40 nothing in clear" trust "$CLEAR"

# --- what does not work ---------------------------------------------------

no_association() { # HOST
	[ "$(ctl "$1" --json dynamic show qmsas | jq -c '[.. | .espspiin? // empty]')" = '[]' ]
}
stop kdc-A.TEST; stop kdc-B.TEST
stop A-ipsec-cred
service A ipsec-cred
check "A has its name again" wait_for 20 services_ready A
wire_start dead A eth0 B eth0 'ip and not arp'
clear_of A
both_begin_anew
refuse "without a KDC there is no association" on A ping -c 1 -W "$(secs 3)" $B4
check "and the reason is Kerberos" wait_for 20 says A ipsec-policy-agent '13827'
check "no association on A" no_association A
check "no association on B" no_association B
wire_stop dead
never_clear "nothing in clear" dead "$CLEAR"

kdc_start A.TEST 88; kdc_start B.TEST 89
realm_rekey "$DIR" B.TEST old.keytab 'host-d$'
wire_start old A eth0 B eth0 'ip and not arp'
clear_of B
both_begin_anew
refuse "a ticket for keys that B does not have is worth nothing" on A ping -c 1 -W "$(secs 3)" $B4
check "and B says why" wait_for 20 says B ipsec-policy-agent '13827'
check "no association on A" no_association A
wire_stop old
never_clear "nothing in clear" old "$CLEAR"
cat "$DIR/old.keytab" >"$TMP/B.keytab"
both_begin_anew
check "with them it is" wait_for 90 on A ping -c 1 -W "$(secs 3)" $B4
refuse "no process had to be started again" grep -h "had to be started again" "$TMP"/?-ipsec-cred.log
check_world
finish
