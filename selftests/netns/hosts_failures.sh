#!/bin/bash
# SPDX-License-Identifier: MIT
# check: tiers=uml also=uml-debug timeout=600
#
# Negotiations that must fail, and what they say: wrong preshared key, no common offer, no policy
# on the other side, nobody there.  Nothing ever leaves in clear.
#
#   A 192.0.2.1 ------- B 192.0.2.2        192.0.2.77 is nobody
. "$TOP/selftests/lib.sh"
. "$TOP/selftests/hosts.sh"

said() { service_log "$1" ipsec-policy-agent | grep -Eiq "$2"; } # HOST PATTERN

# fails NAME ADDRESS: a ping is not answered, and the driver says why
fails() { refuse "$1" on A ping -c 1 -W "$(secs 3)" "$2"; }

hosts_up
wire_start wire A eth0 B eth0 'ip and not arp'

check "N03 A's policy" policy_on A 192.0.2.0/24
PSK="another phrase, not the same one" check "N03 B's policy with another key" policy_on B 192.0.2.0/24
fails "K06 F06 a wrong preshared key: no packet arrives" $B4
check "K06 L02 A or B says that authentication failed (547)" wait_for 40 eval \
	'said A "192\.0\.2\.2.*(authent|preshared)" || said B "192\.0\.2\.1.*(authent|preshared)"'
same "K06 no association was made" "" "$(ctl A --json dynamic show qmsas | jq -r '.. | .espspiin? // empty')"
policy_off A
policy_off B

check "N03 A offers AES-128 only" policy_on A 192.0.2.0/24
MM_OFFERS=AES256-SHA512-14 check "N03 B takes AES-256 only" policy_on B 192.0.2.0/24
fails "K21 no common main mode offer: no packet arrives" $B4
check "K21 L02 B says that no proposal was chosen" wait_for 40 said B '192\.0\.2\.1.*proposal'
policy_off A
policy_off B

check "N03 A's policy" policy_on A 192.0.2.0/24
QM_OFFERS="ESP[3DES,MD5]" check "N03 B takes 3DES-MD5 only" policy_on B 192.0.2.0/24
fails "K21 no common quick mode offer: no packet arrives" $B4
check "K21 L02 B says that no proposal was chosen" wait_for 40 said B '192\.0\.2\.1.*proposal'
policy_off A
policy_off B

check "N03 A's policy, B has none" policy_on A 192.0.2.0/24
fails "K27 F06 no policy at the peer: no packet arrives" $B4
check "K27 L02 B says that it has no policy for A" wait_for 40 said B '192\.0\.2\.1.*policy'
fails "K27 F06 nobody there: no packet arrives" 192.0.2.77
check "K27 L02 A says that there was no response (13813)" wait_for 60 said A '192\.0\.2\.77.*(response|13805|13813)'
check "F06 the next packet is dropped: the negotiation failed" wait_for 30 eval \
	'ctl A explain out 192.0.2.1 192.0.2.77 icmp | grep -iq failed'

wire_stop wire
never_clear "F06 nothing in clear, whatever failed" wire "$CLEAR and src host 192.0.2.1"
check_world
finish
