#!/bin/bash
# SPDX-License-Identifier: MIT
# check: tiers=uml also=vm timeout=400
#
# The walk-throughs that administrators learnt the original with, through the static context: telnet
# for one host only, a policy for two partners, and the three example policies against each other.
#
#   Betty 192.0.2.2 ----+---- Andy 192.0.2.1
#                       R     bridge
#   Carol 192.0.2.4 ----+     has no IPsec at all
. "$TOP/selftests/lib.sh"
. "$TOP/selftests/hosts.sh"
# shellcheck disable=SC2317 # what check and need call

C4=192.0.2.4
SERVER="Server (Request Security)" CLIENT="Client (Respond Only)" SECURE="Secure Server (Require Security)"
static() { # VARIABLE COMMAND...
	local host=$1
	shift
	ctl "$host" static "$@"
}
# Each port of telnet and of files is answered with one line.
serve() { # VARIABLE PORT
	local -n ns_name_=$1
	# shellcheck disable=SC2016 # perl's variables
	spawn "$1-port-$2" ip netns exec "$ns_name_" perl -MIO::Socket::INET -e \
		'my $s = IO::Socket::INET->new(Listen => 8, LocalPort => $ARGV[0], ReuseAddr => 1) or die $!;
		 while (my $c = $s->accept) { print $c "welcome\n"; close $c }' "$2"
}
# A connection is made, and the line arrives, within some seconds (5, or as said).
connects() { # VARIABLE ADDRESS PORT [SECONDS]
	# shellcheck disable=SC2016 # of the inner shell
	on "$1" timeout "$(secs "${4-8}")" bash -c \
		'exec 3<>"/dev/tcp/$0/$1" && read -r line <&3 && [ "$line" = welcome ]' "$2" "$3" || return 1
}
pairs() { ctl "$1" --json dynamic show qmsas | jq '[.. | objects | select(.encapsulation?)] | length'; }
has_softs() { ctl "$1" --json dynamic show qmsas | jq -e '[.. | objects | select(.state? == "soft")] | length > 0'; }
filters() { on "$1" ipdtool list | grep -c '^id='; }
assigned() { # VARIABLE: the name of the assigned policy
	static "$1" --json show policy | jq -r '[.. | objects | select(.assigned? == true) | .name][0] // "none"'
}
assign() { static "$1" set policy "name=$2" assign=yes; }
unassign() { static "$1" set policy "name=$2" assign=no; }

module_loaded || load_module
ns_add A B C R
need ip -n "$R" link add br0 type bridge
need ip -n "$R" link set br0 up
for host in A B C; do
	link $host eth0 R "port$host"
	need ip -n "$R" link set "port$host" master br0
done
addr A eth0 $A4/24
addr B eth0 $B4/24
addr C eth0 $C4/24
services_start A B
serve A 23
serve A 139
serve B 139
need wait_for 20 connects C $A4 139
need wait_for 20 connects A $B4 139

# --- as installed ------------------------------------------------------------------------------
check "A27 a new store has the three example policies" eval \
	'static A show policy | grep -qF "$CLIENT" && static A show policy | grep -qF "$SERVER" &&
	 static A show policy | grep -qF "$SECURE"'
same "A32 none of them is assigned" none "$(assigned A)"
same "A32 and the driver has no filter" 0 "$(filters A)"
check "A32 everything is in clear" connects C $A4 23

# --- telnet ------------------------------------------------------------------------------------
need static A add policy name=AndyPol assign=no activatedefaultrule=no
need static A add filterlist name=telnetAll
need static A add filter filterlist=telnetAll srcaddr=any dstaddr=me protocol=tcp srcport=0 dstport=23
need static A add filterlist name=telnetBetty
need static A add filter filterlist=telnetBetty srcaddr=$B4 dstaddr=me protocol=tcp dstport=23
need static A add filteraction name=drop action=block
need static A add filteraction name=let action=permit
need static A add filteraction name=secure action=negotiate "qmsecmethods=ESP[3DES,SHA1]:100000k/3600s"
need static A add rule name=r1 policy=AndyPol filterlist=telnetAll filteraction=drop
same "N02 A05 what is stored does nothing until the policy is assigned" 0 "$(filters A)"
check "N09 the policy is assigned" assign A AndyPol
same "A06 and shown so" AndyPol "$(assigned A)"
refuse "D17 blocked telnet: not from Betty" connects B $A4 23 2
refuse "D17 nor from Carol" connects C $A4 23 2
check "other services are not concerned" connects C $A4 139

check "A03 a rule for Betty joins the assigned policy" \
	static A add rule name=r2 policy=AndyPol filterlist=telnetBetty filteraction=let
check "F03 Betty comes in: the more specific filter decides" connects B $A4 23
refuse "F03 Carol does not" connects C $A4 23 2

check "the rule for Betty negotiates" \
	static A set rule name=r2 policy=AndyPol filteraction=secure psk=secret
refuse "now Betty needs the mirrored policy" connects B $A4 23 3
need static B add policy name=BettyPol activatedefaultrule=no
need static B add filter filterlist=telnetAndy srcaddr=me dstaddr=$A4 protocol=tcp dstport=23
need static B add filteraction name=secure "qmsecmethods=ESP[3DES,SHA1]:100000k/3600s"
need static B add rule name=telnet policy=BettyPol filterlist=telnetAndy filteraction=secure psk=secret
need assign B BettyPol
wire_start telnet A eth0 B eth0
check "with it she comes in" connects B $A4 23 70
wire_stop telnet
never_clear "and nothing of it is in clear" telnet 'tcp port 23'
refuse "Carol still does not" connects C $A4 23 2
check "A08 the policy is taken back" unassign A AndyPol
same "A08 without it there is no filter" 0 "$(filters A)"
check "A08 and everybody comes in" connects C $A4 23
check "N10 the policy is deleted" static A delete policy name=AndyPol
need static B delete policy name=BettyPol

# --- partners ----------------------------------------------------------------------------------
partner() { # VARIABLE PEER KEY
	static "$1" add policy name=Partner activatedefaultrule=no &&
		static "$1" add filter "filterlist=Host A to Host B" srcaddr=me "dstaddr=$2" &&
		static "$1" add filteraction "name=Partner Filter Action" action=negotiate \
			"qmsecmethods=ESP[3DES,SHA1]:100000k/3600s AH[SHA1]:100000k/3600s" &&
		static "$1" add rule name=Partner policy=Partner "filterlist=Host A to Host B" \
			"filteraction=Partner Filter Action" "psk=$3" && assign "$1" Partner
}
check "Partner policy on one host" partner A $B4 ABC123
refuse "X04 one host alone reaches nobody" on A ping -n -c 1 -W "$(secs 2)" $B4
check "Partner policy on the other" partner B $A4 ABC123
wire_start partner A eth0 B eth0
check "X04 both reach each other" on B ping -n -c 4 -i 0.2 -W "$(secs 70)" $A4
wire_stop partner
never_clear "X04 and nothing of it is in clear" partner "$CLEAR"
check "Carol is reached in clear" on A ping -n -c 1 -W "$(secs 5)" $C4
check "another key on one side" static B set rule name=Partner policy=Partner psk=ABC124
refuse "and they do not reach each other" on B ping -n -c 1 -W "$(secs 3)" $A4
need static A delete policy name=Partner
need static B delete policy name=Partner

# --- the examples ------------------------------------------------------------------------------
# As stored they authenticate by Kerberos. Here is no domain, so each rule gets a key instead.
keyed() { # VARIABLE POLICY RULE...
	local host=$1 policy=$2 rule
	shift 2
	static "$host" set defaultrule "policy=$policy" "psk=$PSK" || return
	for rule in "$@"; do
		static "$host" set rule "id=$rule" "policy=$policy" "psk=$PSK" || return
	done
}
for host in A B; do
	need keyed $host "$CLIENT"
	need keyed $host "$SERVER" 1
	need keyed $host "$SECURE" 1
done

need assign A "$CLIENT"
need assign B "$CLIENT"
check "A31 two clients: clear" connects A $B4 139
same "A28 A31 and no association" 0 "$(pairs A)"

check "A04 assigning Server takes Client back" assign A "$SERVER"
same "A04 one is assigned" "$SERVER" "$(assigned A)"
wire_start server A eth0 B eth0
check "A29 Server asks a client" connects A $B4 139 20
wire_stop server
same "A28 A35 the client's default response rule answers: an association" 1 "$(pairs B)"
never_clear "A29 no data in clear" server 'tcp port 139'
check "A29 Server with who has no IPsec" connects C $A4 139 20
check "A29 goes on in clear" has_softs A
check "F02 ICMP is permitted" on C ping -n -c 1 -W "$(secs 5)" $A4

need assign A "$SECURE"
wire_start secure A eth0 C eth0
refuse "A30 Secure Server never talks in clear" connects C $A4 139 6
wire_stop secure
same "A30 nothing left it but questions" 0 "$(capture_count secure-1 "src $A4 and tcp")"
wire_start required A eth0 B eth0
check "A30 with a client it does" connects A $B4 139 20
wire_stop required
never_clear "A30 secured" required 'tcp port 139'

check "A36 the client's default response rule is deactivated" \
	static B set defaultrule "policy=$CLIENT" activate=no
refuse "A36 then it does not answer" connects A $B4 139 6
check "A36 IKE was refused, for want of policy" wait_for 20 eval \
	'service_log B ipsec-policy-agent | grep -q "peer $A4: .*no policy configured"'
check_world
finish
