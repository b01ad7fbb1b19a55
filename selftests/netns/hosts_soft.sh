#!/bin/bash
# SPDX-License-Identifier: MIT
# check: tiers=uml also=uml-debug,vm timeout=300
#
# Clear text with who does not speak IKE, where policy allows it, and with nobody else; and what
# the shows say of main mode and of keys, to whom.
#
#   B 192.0.2.2: no IKE --- A 192.0.2.1, 198.51.100.1 --- C 198.51.100.2: IKE, another key
. "$TOP/selftests/lib.sh"
. "$TOP/selftests/hosts.sh"

C4=198.51.100.2
said() { service_log A ipsec-policy-agent | grep -Eiq "$1"; }
softs() { ctl A --json dynamic show qmsas | jq '[.. | objects | select(.state? == "soft")] | length'; }
has_softs() { [ "$(softs)" = "$1" ]; }
acquires() { ctl A --json dynamic show stats | jq '[.. | .totalacquire? // empty] | add'; }

load_module
ns_add A B C
link A eth0 B eth0
link A eth1 C eth0
addr A eth0 $A4/24
addr A eth1 198.51.100.1/24
addr B eth0 $B4/24
addr C eth0 $C4/24
services_start A C
need ctl A dynamic add mmpolicy name=test "mmsecmethods=$MM_OFFERS" softsaexpirationtime=4
need ctl A dynamic add qmpolicy name=soft "qmsecmethods=$QM_OFFERS" soft=yes
need ctl A dynamic add qmpolicy name=hard "qmsecmethods=$QM_OFFERS"
need ctl A dynamic add rule me 192.0.2.0/24 test soft protocol=icmp actioninbound=permit "psk=$PSK"
need ctl A dynamic add rule me 192.0.2.0/24 test hard protocol=udp actioninbound=permit "psk=$PSK"
need ctl A dynamic add rule me 198.51.100.0/24 test soft "psk=$PSK"
PSK='another key' need policy_on C 198.51.100.0/24

# --- who is silent -------------------------------------------------------------------------
start=$SECONDS
check "K24 nobody answers IKE: the ping waits, and goes in clear" on A ping -n -c 1 -W "$(secs 10)" $B4
same "K24 after some 3 seconds" 0 "$((SECONDS - start < 3))"
same "K24 the soft association is shown" 1 "$(softs)"
check "K24 L02 and in the log" wait_for 5 said "192\.0\.2\.2.*clear"
check "K25 it goes when its time is over" wait_for 15 has_softs 0
check "L02 its end is in the log" wait_for 15 said "192\.0\.2\.2: soft association ended: its time is over"
before=$(acquires)
check "K25 then IKE is tried again, before the next clear text" \
	on A ping -n -c 1 -W "$(secs 10)" $B4
same "K25 once" $((before + 1)) "$(acquires)"
wire_start hard A eth0 B eth0
on A perl -MIO::Socket::INET -e \
	'IO::Socket::INET->new(Proto => "udp", PeerAddr => $ARGV[0], PeerPort => 9)->send("x")' $B4
check "K24 where policy does not allow it: no response, 13813" wait_for 60 said "192\.0\.2\.2.*13813"
wire_stop hard
same "K24 and nothing in clear" 0 "$(capture_count hard-1 'udp port 9')"

# --- who answers ------------------------------------------------------------------------------
wire_start wan A eth1 C eth0
refuse "K24 a peer with another key: no packet passes" on A ping -n -c 1 -W "$(secs 6)" $C4
check "K24 the negotiation has failed" wait_for 60 said '198\.51\.100\.2.*fail'
same "K24 that is no reason for clear text" 0 "$(softs)"
check "F06 the peer is blocked for a minute" wait_for 40 eval \
	'ctl A explain out 198.51.100.1 $C4 icmp | grep -iq failed'
refuse "K26 the peer begins and fails: no packet passes" on C ping -n -c 1 -W "$(secs 3)" 198.51.100.1
same "K26 nor does the responder fall back" 0 "$(softs)"
wire_stop wan
never_clear "K24 K26 nothing in clear with who speaks IKE" wan "$CLEAR"

# --- shows --------------------------------------------------------------------------------------
same "K28 rules of one pair are one main mode filter, without ports" \
	'[["me","192.0.2.0/24",null],["me","198.51.100.0/24",null]]' \
	"$(ctl A --json dynamic show mmfilter all | jq -c '[.. | objects | select(.mmpolicy?)
		| [.srcaddr, .dstaddr, .dstport?]] | sort')"
check "K28 the specific ones are for the host's address" eval \
	'ctl A dynamic show mmfilter all type=specific | grep -q "192\.0\.2\.1"'
check "K08 an administrator sees the key" eval \
	'ctl A dynamic show rule level=verbose | grep -qF "$PSK"'
check "K08 but not by the way" eval '! ctl A dynamic show rule | grep -qF "$PSK"'
refuse "K08 and nobody else at all" on A setpriv --reuid 65534 --regid 65534 --clear-groups \
	"$TOP/build/ipsecctl" --run-dir "$(run_dir A)" dynamic show rule level=verbose
check_world
finish
