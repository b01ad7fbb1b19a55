# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# A booted machine A in use, whose packets with a peer policy secures: sourced after machine.sh.
#
#   secure A 192.0.2.11 [PROGRAM] <<<MORE    a local policy: all with that peer, and more lines
#   PEER=192.0.2.11
#   secured                          A reaches PEER, from an old and from a new address
#   FILTERS=$(filters); holds ...    something is done to A, and all is as it was
#
# With one machine, the peer P can be in A itself: a namespace with an agent of its own that secures
# all. Between A and P, too, all crosses the cable: H's end sends it back.
#
#   H 192.0.2.1 wire ------ cable ---+--- eth0 A 192.0.2.10
#                                    +--- wire0 P 192.0.2.20

A4=${MACHINE_ADDRESS[A]} P4=192.0.2.20 P_MAC=52:54:00:00:00:14 PEER=''
P='ip netns exec P'

secure() { # NAME PEER [PROGRAM]: that speaks to the agent; ipsecctl
	guest "$1" "${3-ipsecctl} -f - <<-END
		static add policy name=lab activatedefaultrule=no mmsecmethods=AES128-SHA256-14
		static add filter filterlist=peer srcaddr=me dstaddr=$2
		static add filteraction name=secure qmsecmethods=\"ESP[AES128,SHA256]:100000k/3600s\"
		static add rule name=peer policy=lab filterlist=peer filteraction=secure psk=\"a long and secret phrase\"
		$(cat)
		static set policy name=lab assign=yes
		END"
}
# for "secure": nothing of what the machine's chatter says
block_chatter() {
	cat <<-'END'
		static add filter filterlist=chatter srcaddr=me dstaddr=any protocol=udp dstport=7001
		static add filter filterlist=chatter srcaddr=me dstaddr=any protocol=tcp dstport=7001
		static add filteraction name=block action=block
		static add rule name=chatter policy=lab filterlist=chatter filteraction=block
	END
}

peer_up() {
	need ip link set cable-A type bridge_slave hairpin on
	guest A "set -e
		ip netns add P
		ip link add link eth0 name wire0 netns P address $P_MAC type macvlan mode vepa
		ip -n P addr add $P4/24 dev wire0
		ip -n P link set wire0 up
		ip -n P link set lo up
		mkdir -m 755 /run/peer
		mkdir -m 700 /run/peer-state
		systemd-run -q -u peer-cred $P ipsec-cred --foreground --run-dir /run/peer
		systemd-run -q -u peer-agent $P ipsec-policy-agent --foreground --run-dir /run/peer --state-dir /run/peer-state
		systemd-run -q -u peer-ike $P ipsec-ike --foreground --run-dir /run/peer" &&
		wait_for 10 guest A 'ipsecctl --run-dir /run/peer dynamic show config'
}
peer_secures() { secure A 192.0.2.0/24 "$P ipsecctl --run-dir /run/peer" </dev/null; }

# Each of these is one command in the machine: it has to do with a slow processor.
filters() { guest A 'ipdtool status; ipdtool list' | sed 's/ generation=.*//; s/ out-hits.*//' | sort; }
spis() { guest "$1" "ipdtool sas" | grep -o " spi=[^ ]*" | sort; } # NAME
# A pair that nobody uses may have come to its end meanwhile.
has_some() { [ "$(comm -12 <(echo "$1") <(spis A) | wc -l)" -ge 2 ]; } # SPIS-OF-BEFORE
# Packets from the old address, and from one of its own, for which there is no association.
new=192.0.2.50
secured() {
	new=192.0.2.$((${new##*.} + 1))
	guest A "ip addr add $new/32 dev eth0
		for i in \$(seq 20); do
			ipsecctl dynamic show config >/dev/null && ping -q -c 1 -W 2 -I $A4 $PEER &&
				ping -q -c 1 -W 3 -I $new $PEER && exit
			sleep 0.3
		done; exit 1"
}
# holds TEST COMMAND...: it succeeds, and all is as it was
holds() {
	local name=$1
	shift
	check "$name" "$@"
	check "A33 packets are secured, new ones too" secured || machine_diag A
	same "and the driver's mode and filters are as they were" "$FILTERS" "$(filters)"
}
restarts() { guest A "systemctl restart $*"; } # UNIT...
