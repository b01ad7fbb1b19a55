#!/bin/bash
# SPDX-License-Identifier: MIT
# check: tiers=uml timeout=300
#
# Two hosts with certificates of one root CA, and what must not work: a revoked certificate, one
# without its key, one of a CA that the rule does not name.  The CRL is on a server beside them.
#
#   A 192.0.2.1 CN=host-a ---+--- B 192.0.2.2 CN=host-b
#                            +--- W 192.0.2.9 http://192.0.2.9/root.crl
. "$TOP/selftests/lib.sh"
. "$TOP/selftests/hosts.sh"
. "$TOP/selftests/pki.sh"

CLEAR_TO_B="$CLEAR and not host 192.0.2.9 and not arp"

cred_said() { service_log "$1" ipsec-cred | grep -q "$2"; } # HOST PATTERN
said() { service_log "$1" ipsec-policy-agent | grep -Eiq "$2"; }

# rule_on HOST DESTINATION CA...
rule_on() {
	local host=$1 destination=$2 tags=() ca
	shift 2
	for ca in "$@"; do tags+=("rootca=$ca"); done
	ctl "$host" dynamic add mmpolicy name=test "mmsecmethods=$MM_OFFERS" &&
		ctl "$host" dynamic add qmpolicy name=test "qmsecmethods=$QM_OFFERS" &&
		ctl "$host" dynamic add rule srcaddr=me "dstaddr=$destination" mmpolicy=test \
			qmpolicy=test "${tags[@]}"
}
both_on() { rule_on A $B4 "O=Example, CN=Root" && rule_on B $A4 "O=Example, CN=Root"; }
both_off() { policy_off A && policy_off B; }
passes() { check "$1" on A ping -c 2 -i 0.2 -W "$(secs 10)" $B4; } # NAME
fails() { refuse "$1" on A ping -c 1 -W "$(secs 3)" $B4; }
# Forgets what was agreed upon and what failed.
again() { both_off && both_on; }
level() { ctl B dynamic set config strongcrlcheck "$1"; }

getent passwd ipsec-cred >/dev/null || need users_add
need ca_new first "/O=Example/CN=Root"
need ca_new other "/O=Example/CN=Other"
need host_new first host-a
need host_new first host-b
mkdir "$TMP/www"
need crl first "$TMP/www/root.crl"
chmod 755 "$TMP" "$TMP/www"
need certificate_on A host-a
need certificate_on B host-b

module_loaded || load_module
ns_add A B W
switch_up() { # every end of these is in one Ethernet
	ip -n "$W" link add br0 type bridge && ip -n "$W" link set br0 up &&
		ip -n "$W" link set "$1" master br0 && ip -n "$W" link set "$2" master br0
}
link A eth0 W eth0
link B eth0 W eth1
need switch_up eth0 eth1
addr A eth0 $A4/24; addr B eth0 $B4/24; addr W br0 192.0.2.9/24
spawn web ip netns exec "$W" python3 -m http.server 80 --bind 192.0.2.9 --directory "$TMP/www"
need wait_for 20 on B bash -c 'exec 3<>/dev/tcp/192.0.2.9/80'
services_start A B

wire_start good A eth0 B eth0 'ip and not arp'
check "K05 rules that name a root CA" both_on
passes "K05 an association with machine certificates"
wire_stop good
never_clear "K05 nothing in clear" good "$CLEAR_TO_B"
name_in_clear() { tcpdump -r "$(capture_file good-1)" -n -A 'udp port 500' 2>/dev/null | grep -q 'host-[ab]'; }
check "K04 the names in the certificates are not readable" not name_in_clear
check "K05 the main mode is shown" grep -q $B4 <(ctl A dynamic show mmsas)
check "K38 the CRL came from where the certificate says" grep -q 'GET /root.crl' "$TMP/web.log"

need revoke first host-a
need crl first "$TMP/certs-B/crls.new"
mkdir "$TMP/certs-B/crls" && mv "$TMP/certs-B/crls.new" "$TMP/certs-B/crls/root.crl"
check "K38 a CRL in the store is read" wait_for 20 cred_said B ' 1 CRLs'
check "K38 new rules" again
fails "K38 N22 level 1: who has been revoked does not get in"
check "K38 B says why" wait_for 40 said B '192\.0\.2\.1.*(13848|revocation)'
check "K38 N22 level 0" level 0
check "K38 new rules" again
passes "K38 N22 level 0: who has been revoked gets in"
check "K38 N22 level 2" level 2
rm "$TMP/certs-B/crls/root.crl" "$TMP/www/root.crl"
stop B-ipsec-cred
service B ipsec-cred
check "K38 B's services are back" wait_for 30 services_ready B
check "K38 new rules" again
fails "K38 N22 level 2: no CRL, nobody gets in"
check "K38 N22 level 1 again" level 1
check "K38 new rules" again
passes "K38 N22 level 1: no CRL does not matter"

rm "$TMP/certs-A/host.key"
check "K30 A sees that its key is gone" wait_for 20 cred_said A 'no private key for this certificate'
check "K30 new rules" again
fails "K30 without its key a certificate is not used"
check "K30 A says why" wait_for 40 said A '192\.0\.2\.2.*(13806|13820|certificate|private key)'
need certificate_on A host-a
cp "$CA/other/ca.crt" "$TMP/certs-B/roots/other.crt"
check "K36 B trusts another root CA too" wait_for 20 cred_said B ' 2 of root CAs'
both_off
check "K36 A's rule names the root CA" rule_on A $B4 "O=Example, CN=Root"
check "K36 B's rule names only the other" rule_on B $A4 "O=Example, CN=Other"
fails "K36 a root CA that the rule does not name"
check "K36 one of them says why" wait_for 40 eval \
	'said A "192\.0\.2\.2.*(13887|13806|certificate)" || said B "192\.0\.2\.1.*(13887|13806|certificate)"'
check_world
finish
