#!/bin/bash
# SPDX-License-Identifier: MIT
# check: timeout=900 time-travel
#
# What must not work with strongSwan, and what our log says about it. The picture is in
# selftests/peer.sh.
. "$TOP/selftests/lib.sh"
. "$TOP/selftests/hosts.sh"
PEER=strongswan
. "$TOP/selftests/peer.sh"

peer_up
MM_OFFERS=AES128-SHA1-3 QM_OFFERS="ESP[AES128,SHA1]"

# refused NAME LOG-LINE [IKE-PROPOSAL [ESP-PROPOSAL]]: neither side gets a packet through
refused() {
	local name=$1 line=$2 mark
	mark=$(service_log A ipsec-policy-agent | wc -l)
	need swan_config "${3-aes128-sha1-modp2048}" esp "${4-aes128-sha1}"
	need policy_on A "$B4"
	capture_start wire A eth0 'not udp port 500'
	refuse "$name, ours starts" on A ping -c 3 -W 1 "$B4"
	patience 60 said "$mark" "$line"
	check "L02 $name, ours starts: the log says why" said "$mark" "$line" || log_since "$mark"
	same "$name, ours starts: strongSwan has no association" 0 "$(peer_sas)"
	policy_off A
	need policy_on A "$B4"
	mark=$(service_log A ipsec-policy-agent | wc -l)
	refuse "$name, strongSwan starts" swan --initiate --child n --timeout 20
	check "L02 $name, strongSwan starts: the log says why" patience 60 said "$mark" "$line" ||
		log_since "$mark"
	same "$name, strongSwan starts: it has no association" 0 "$(peer_sas)"
	refuse "$name: strongSwan's packets do not pass in clear" on B ping -c 2 -W 1 "$A4"
	capture_stop wire
	sent_nothing_clear "$name: nothing that we sent was in clear" wire
	part
}

said() { # LINES-BEFORE PATTERN
	service_log A ipsec-policy-agent | tail -n "+$(($1 + 1))" | grep -qE "peer $B4: .*($2)"
}
log_since() { diag "$(service_log A ipsec-policy-agent | tail -n "+$(($1 + 1))")"; }

PEER_PSK="another phrase" refused "K06 another preshared key" 'preshared keys probably differ'
refused "K21 no main mode in common" 'no proposal in common|chose no proposal' aes256-sha512-modp4096
refused "K21 no quick mode in common" 'no proposal|refused' aes128-sha1-modp2048 aes256-sha512

# Nobody listens.
stop charon KILL
need policy_on A "$B4"
mark=$(service_log A ipsec-policy-agent | wc -l)
refuse "K27 nobody answers" on A ping -c 3 -W 1 "$B4"
check "K27 L02 the log says so" patience 60 said "$mark" 'no response' || log_since "$mark"
policy_off A

check_world
finish
