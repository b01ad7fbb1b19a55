#!/bin/bash
# SPDX-License-Identifier: MIT
# check: tiers=none also=boot timeout=500
# machine: packages=network-manager
#
# A machine whose network is NetworkManager's: what it does to eth0, and when it is itself restarted or
# killed. What policy blocks or secures is never on the cable in clear, and nobody has to help.
#
#   H 192.0.2.1 wire ------ cable ---+--- eth0 A 192.0.2.10       all with P is secured; no port 7001
#                                    +--- wire0 P 192.0.2.20      in A's machine
. "$TOP/selftests/lib.sh"
. "$TOP/selftests/driver.sh"
. "$TOP/selftests/machine.sh"
. "$TOP/selftests/in_use.sh"

DHCP4=$A4 STATIC4=192.0.2.40 OTHER=192.0.2.33 PEER=$P4
AGENT=ipsec-policy-agent IKE=ipsec-ike CRED=ipsec-cred BOOT=ipsec-policy-boot NM=NetworkManager

# The network of before is not there any more at the next boot.
install_networkmanager() { # dpkg takes longer than other commands
	COMMAND_TIME=60 guest A "set -e
		tar -xf /dev/vdb -C /run
		DEBIAN_FRONTEND=noninteractive dpkg -i /run/debs/*.deb
		systemctl -q disable systemd-networkd.service systemd-networkd.socket NetworkManager-wait-online
		systemctl -q unmask systemd-logind.service
		systemctl -q enable chatter NetworkManager
		cat >/etc/NetworkManager/system-connections/wire.nmconnection <<-END
			[connection]
			id=wire
			type=ethernet
			interface-name=eth0
			[ipv4]
			method=auto
			[ipv6]
			method=link-local
		END
		chmod 600 /etc/NetworkManager/system-connections/wire.nmconnection
		cat >/etc/systemd/system/talk.service <<-END
			[Unit]
			DefaultDependencies=no
			StartLimitIntervalSec=0
			[Service]
			ExecStart=ping -q -i 0.5 $P4
			Restart=always
			[Install]
			WantedBy=sysinit.target
		END
		systemctl -q enable talk"
}
# started UNIT: when its program was, in microseconds since power-on; and when the unit was ready
started() { guest A "systemctl show -P ExecMainStartTimestampMonotonic $1"; }
ready() { guest A "systemctl show -P ActiveEnterTimestampMonotonic $1"; }
is_ordered() { guest A "systemctl show -P $2 $1" | grep -qw "$3"; } # UNIT After|Before UNIT
is_managed() { guest A 'nmcli -g GENERAL.STATE,GENERAL.CONNECTION device show eth0' | xargs | grep -q '^100 (connected) wire$'; }
nm() { guest A "nmcli -w 40 $*"; }
has_address() { guest A "ip -4 -o addr show dev eth0" | grep -qF " $1/"; } # ADDRESS
off_and_on() { nm networking off && not has_address "$A4" && nm networking on && wait_for 20 has_address "$A4"; }
down_and_up() { nm connection down wire && not has_address "$A4" && nm connection up wire && has_address "$A4"; }
replugged() { nm device disconnect eth0 && not has_address "$A4" && nm device connect eth0 && has_address "$A4"; }
# What eth0 has is then its own again, or somebody else's to it; as it likes.
killed() {
	guest A "was=\$(systemctl show -P MainPID $NM); systemctl kill -s KILL $NM
		until now=\$(systemctl show -P MainPID $NM) && [ \$now != 0 ] && [ \$now != \$was ]; do sleep 0.3; done"
}
# given METHOD ADDRESS [ADDRESSES-OF-ITS-OWN]: the connection has another address
given() {
	nm connection modify wire ipv4.method "$1" ipv4.addresses "'${3-}'" && nm connection up wire &&
		wait_for 20 has_address "$2"
}
dhcp_rule() { guest A "ipsecctl dynamic $1 rule srcaddr=me dstaddr=dhcp protocol=tcp dstport=27 ${2-}"; }
blocks_dhcp_server() { guest A ipdtool list | grep -Eq "^id=.*remote=$H4/255.255.255.255 .*rport=27 out=block"; }

wire_up
spawn ping ping -q -i 0.5 "$A4"
power_on A -drive "file=$IPD_EXTRA,format=raw,if=virtio,readonly=on"
phase first
check "A boots" eval 'booting A && booted A' || { machine_diag A; bail "A boots"; }
need install_networkmanager
need secure A "$P4" < <(block_chatter)

# --- the boot
phase boot
check "A boots with NetworkManager" eval 'reboot A && booted A' || { machine_diag A; bail "A boots"; }
check "eth0 is NetworkManager's" wait_for 20 is_managed || machine_diag A
refuse "and nobody else's" guest A 'systemctl is-active systemd-networkd'
check "D10 it has its address" has_address "$DHCP4"
check "D35 the driver is there before network-pre.target" is_ordered $BOOT Before network-pre.target
check "D35 and so is the agent" is_ordered $AGENT Before network-pre.target
check "D35 NetworkManager comes after it" is_ordered $NM After network-pre.target
check "D35 it began when the agent had put its policy into force" \
	eval '[ "$(ready $AGENT)" -gt 0 ] && [ "$(started $NM)" -gt "$(ready $AGENT)" ]'
phase started
SECURED="(ip.addr == $P4 && (esp || udp.port == 500)) || (ip.dst == $H4 && icmp)"
no_leak "D35 nothing has left in clear since power-on" A boot started "$SECURED"

# --- its work
need peer_up
need peer_secures
phase start
# What was asked of P before it was there has failed for a while.
check "F05 secured" wait_for 12 secured || machine_diag A
FILTERS=$(filters)
need dhcp_rule add 'actioninbound=block actionoutbound=block'
check "F35 the DHCP server is that of NetworkManager's lease" wait_for 8 blocks_dhcp_server
need dhcp_rule delete
holds "F35 it reads its files" nm connection reload
holds "and sets up eth0 by them anew" nm device reapply eth0
holds "F35 the connection goes down and up" down_and_up
holds "and the device" replugged
holds "and all networking" off_and_on
holds "A33 NetworkManager is restarted" restarts $NM
holds "it is killed" killed
holds "all is restarted at once" restarts $NM $CRED $IKE $AGENT $BOOT $IKE.socket
check "F35 another address beside that of DHCP" given auto $OTHER $OTHER/24
check "is one of this host's: what it sends from there is secured" guest A "ping -c 1 -w 30 -I $OTHER $P4"
A4=$STATIC4
holds "F35 a static address instead" given manual $STATIC4 $STATIC4/24
refuse "the old one has gone" has_address $DHCP4
A4=$DHCP4
holds "D10 and DHCP again" given auto $DHCP4
refuse "the static one has gone" has_address $STATIC4

# --- sleep: logind tells it, it takes the network down, and up again
check "A sleeps" fall_asleep A 'systemctl suspend'
holds "and wakes" wake A

phase end
no_leak "F16 D35 nothing has left in clear" A start end "$SECURED"
same "nor come from P" '' "$(frames A start end "eth.src == $P_MAC && !arp && !icmpv6 && !esp && udp.port != 500")"
check "and there was something to see" [ "$(frames A start end "esp && eth.src == ${MACHINE_MAC[A]}" | wc -l)" -ge 100 ]
finish
