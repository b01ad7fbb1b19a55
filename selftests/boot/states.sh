#!/bin/bash
# SPDX-License-Identifier: MIT
# check: tiers=none also=boot timeout=400
#
# A machine in use, and what happens to one: services are restarted, killed, out of memory, the date is
# set, the network is set up anew, the driver is missing. What policy blocks or secures is never on its
# cable in clear, and nobody has to help. It talks all the time.
#
#   H 192.0.2.1 wire ------ cable ---+--- eth0 A 192.0.2.10       all with P is secured; no port 7001
#                                    +--- wire0 P 192.0.2.20      in A's machine: a namespace with an
#                                                                 agent of its own that secures all
#
# Between A and P, too, all crosses the cable: H's end sends it back.
. "$TOP/selftests/lib.sh"
. "$TOP/selftests/driver.sh"
. "$TOP/selftests/machine.sh"
. "$TOP/selftests/in_use.sh"

OTHER=192.0.2.33 PEER=$P4
AGENT=ipsec-policy-agent IKE=ipsec-ike CRED=ipsec-cred BOOT=ipsec-policy-boot NETWORK=systemd-networkd

# killed UNIT...: systemd starts them again
killed() {
	guest A "pids() { systemctl show -P MainPID $* | xargs; }
		was=\$(pids); systemctl kill -s KILL $*
		for i in \$(seq 60); do
			sleep 0.3; now=\" \$(pids) \"
			case \$now in *' 0 '*) continue ;; esac
			for pid in \$was; do case \$now in *\" \$pid \"*) continue 2 ;; esac; done
			exit 0
		done; exit 1"
}

wire_up
spawn ping ping -q -i 0.5 "$A4"
power_on A
phase boot
check "A boots" eval 'booting A && booted A' || { machine_diag A; bail "A boots"; }
need peer_up
check "F02 before there is policy" guest A "ping -c 1 -w 20 $P4"
check "it is in clear on the cable" [ -n "$(frames A boot off "icmp && ip.src == $A4 && ip.dst == $P4")" ]
check "in both directions" [ -n "$(frames A boot off "icmp && ip.src == $P4 && ip.dst == $A4")" ]
need peer_secures
need secure A "$P4" < <(block_chatter)
need guest A "systemctl start chatter; systemd-run -q -u talk ping -q -i 0.5 $P4"
phase start
check "F05 secured" secured
FILTERS=$(filters)

# --- restarts
holds "A33 the agent is restarted" restarts $AGENT
holds "ipsec-ike is restarted" restarts $IKE
holds "ipsec-ike's sockets are restarted" restarts $IKE.socket
holds "ipsec-cred is restarted" restarts $CRED
holds "ipsec-policy-boot is restarted, and the agent with it" restarts $BOOT
holds "systemd-networkd is restarted" restarts $NETWORK
holds "all at once" restarts $NETWORK $CRED $IKE $AGENT $BOOT $IKE.socket
holds "one after the other" guest A "for unit in $CRED $IKE.socket $BOOT $NETWORK $IKE $AGENT; do
	systemctl --no-block restart \$unit; done; systemctl restart $AGENT"
holds "ipsec-ike and ipsec-cred are stopped, and the agent is restarted" guest A \
	"systemctl stop $IKE $CRED; systemctl restart $AGENT"
holds "systemd itself" guest A 'systemctl daemon-reexec'

# --- kills
for unit in $AGENT $IKE $CRED "$AGENT $IKE $CRED"; do
	spis=$(spis A)
	check "A33 killed and back: $unit" killed $unit
	holds "packets pass" guest A "ping -c 1 -W 5 $P4"
	check "under an association of before" has_some "$spis"
done

# --- no memory
check "A33 the agent is killed for its memory" guest A "systemctl set-property --runtime $AGENT MemoryMax=1M
	for i in \$(seq 60); do journalctl -q -b -u $AGENT | grep -q \"result 'oom-kill'\" && exit; sleep 0.3; done; exit 1"
same "F16 mode and filters are as they were" "$FILTERS" "$(filters)"
holds "and as soon as it may have some it is there" guest A "systemctl set-property --runtime $AGENT MemoryMax=infinity"

# --- the date
spis=$(spis A)
for days in +40 -80; do
	holds "A33 the date is set by $days days" guest A "date -s '$days days'"
	check "under an association of before" has_some "$spis"
done
need guest A "date -s '+40 days'"

# --- the network
holds "F35 systemd-networkd reads its files" guest A 'networkctl reload'
holds "and sets up the network anew" guest A "networkctl reconfigure eth0
	for i in \$(seq 60); do ip -4 -o addr show dev eth0 | grep -q $A4 && exit; sleep 0.3; done; exit 1"
holds "D10 and renews its address" guest A 'networkctl renew eth0'
check "F35 a new address" guest A "mkdir /etc/systemd/network/wire.network.d
	printf '[Network]\nAddress=$OTHER/24\n' >/etc/systemd/network/wire.network.d/other.conf
	networkctl reload
	for i in \$(seq 60); do ip -4 -o addr show dev eth0 | grep -q $OTHER && exit; sleep 0.3; done; exit 1"
check "is one of this host's: what it sends from there is secured" guest A "ping -c 1 -w 30 -I $OTHER $P4"
check "and all else" secured

phase end
ALLOWED="(ip.addr == $P4 && (esp || udp.port == 500)) || (ip.dst == $H4 && icmp)"
no_leak "F16 D35 nothing has left in clear" A start end "$ALLOWED"
same "nor come from P" '' "$(frames A start end "eth.src == $P_MAC && !arp && !icmpv6 && !esp && udp.port != 500")"
check "and there was something to see" [ "$(frames A start end "esp && eth.src == ${MACHINE_MAC[A]}" | wc -l)" -ge 100 ]

# --- a kernel that the driver was not built for
MODULE='$(find /lib/modules/*/updates -name "ipsecdrv.ko*")'
need guest A "set -e
	systemctl stop $AGENT talk peer-agent peer-ike peer-cred
	modprobe -r ipsecdrv
	echo $MODULE >/run/module
	mv \$(cat /run/module) /run/
	depmod"
phase stopped
refuse "without a driver the agent does not start" guest A "systemctl restart $BOOT $AGENT"
phase missing
check "there is policy: nothing passes" eval 'no_ping H "$A4" && ! guest A "ping -c 1 -W 2 $H4"'
check "the log says what to do" guest A \
	"journalctl -b -u $BOOT | tr -s '\n ' ' ' | grep -q 'linux-headers-.*dkms autoinstall.*systemctl restart $BOOT.service $AGENT'"
check "and status" guest A "ipsecctl status | tr -s '\n ' ' ' | grep -q '! The driver is not loaded .*dkms autoinstall'"
phase there
no_leak "nothing has left" A missing there
need guest A 'mv /run/ipsecdrv.ko* $(dirname $(cat /run/module))/; depmod'
check "the driver is there: what the log says to do" guest A "systemctl restart $BOOT.service $AGENT.service"
same "A33 the driver's mode and filters are as they were" "$FILTERS" "$(filters)"
check "packets pass that may" eval 'pings H "$A4"'
finish
