#!/bin/bash
# SPDX-License-Identifier: MIT
# check: timeout=400
#
# A machine from power-on until it is off, again and again, and all that crosses its cable meanwhile:
# what policy blocks or secures is never there in clear, whatever mode the driver starts in. Both
# sides talk all the time.
#
# And what is left of it when the service ends.
#
# In the last power-on the network comes up in the initramfs already, by DHCP, as on a host whose root or
# the key to it is elsewhere. B starts with a boot mode and no policy.
#
#   H 192.0.2.1 wire ---+--- eth0 A 192.0.2.10   persistent: nothing but ICMP with H
#                       |                        local: all with B is secured; no port 7001
#                       +--- eth0 B 192.0.2.11   local: all with A is secured
. "$TOP/selftests/lib.sh"
. "$TOP/selftests/driver.sh"
. "$TOP/selftests/machine.sh"
. "$TOP/selftests/in_use.sh"

B4=${MACHINE_ADDRESS[B]} PEER=$B4
MODES='permit stateful block'

driver() { field "$1" "$(guest A ipdtool status)"; } # FIELD

persistent_policy() {
	guest A "ipsecctl -f - <<-END
		static set store location=persistent
		static add policy name=base activatedefaultrule=no
		static add filter filterlist=all srcaddr=me dstaddr=any
		static add filter filterlist=icmp srcaddr=me dstaddr=$H4 protocol=ICMP
		static add filteraction name=block action=block
		static add filteraction name=permit action=permit
		static add rule name=all policy=base filterlist=all filteraction=block
		static add rule name=icmp policy=base filterlist=icmp filteraction=permit
		static set policy name=base assign=yes
		END"
}

# on_again PHASE ... off_again PHASE TEST [ALLOWED-TOO]: from before power-on until it is off
on_again() {
	power_on A
	phase "$1"
	check "$1: A boots" eval 'booting A && booted A' || machine_diag A
}
off_again() {
	check "$1: A is powered off" power_off A
	no_leak "$2" A "$1" off "${3-}"
}
reached() { wait_for 20 guest A "ping -c 1 -W 2 $B4"; }

# What was negotiated ends with the service. A's is restarted, B's is stopped: what A sends is secured still.
cookies() { guest A 'ipsecctl --json dynamic show mmsas' | jq -r '.mmsas[] | .initiatorcookie + .respondercookie'; }
associations() { guest "$1" ipdtool sas | grep -c dir=; } # NAME
# The other side may have packets of its own: new associations can be there at once, old ones cannot.
none_left() { [ -n "$1" ] && [ -z "$(comm -12 <(sort <<<"$1") <(sort <<<"$2"))" ]; } # BEFORE NOW
services_end() {
	local cookies spis
	cookies=$(cookies) spis=$(spis A)
	check "A01 A's service is restarted" guest A 'systemctl restart ipsec-policy-agent'
	check "A01 no association of before is left" none_left "$spis" "$(spis A)"
	same "A01 and it is in secure mode" secure "$(driver mode)"
	check "A01 the next packet is negotiated for" reached
	check "A01 anew" none_left "$cookies" "$(cookies)"
	# From here on: ESP that is under way while the driver goes to permit mode is answered by ICMP.
	phase stopped
	check "A02 B's service is stopped" guest B 'systemctl stop ipsec-policy-agent'
	same "A02 no association, no filter" "0 0 permit" "$(associations B) $(guest B ipdtool list | grep -c '^id=') \
$(field mode "$(guest B ipdtool status)")"
	guest B "ping -c 2 -W 1 $A4"
	check "A02 what B sends is in clear" wait_for 10 eval \
		'[ -n "$(frames B stopped off "icmp.type == 8 && ip.src == $B4 && ip.dst == $A4")" ]'
	same "A02 as it was not before" '' "$(frames B start stopped "icmp && ip.src == $B4 && ip.dst == $A4")"
}

# What a host has whose initramfs brings up a network; something that talks there; and drops are logged
# until the agent comes. As soon as the boot mode is set the machine may be switched off: it is not off
# before the initramfs is made.
network_in_initramfs() {
	guest A "echo IP=dhcp >/etc/initramfs-tools/conf.d/network
		echo options ipsecdrv diag=7 >/etc/modprobe.d/own-diag.conf
		install -m 755 /dev/stdin /etc/initramfs-tools/hooks/ping <<-'END'
			#!/bin/sh
			[ \"\$1\" = prereqs ] && exit
			. /usr/share/initramfs-tools/hook-functions
			copy_exec /usr/bin/ping
		END"
}
dropped_early() { guest A "grep 'ipsecdrv: .*packet dropped: startup' /run/initramfs.log | grep -q '$1'"; } # WAY
leases() { frames A "$1" off "dhcp.option.dhcp == 5 && dhcp.hw.mac_addr == ${MACHINE_MAC[A]}" | wc -l; } # PHASE
initramfs_was_protected() { # PHASE
	check "D10 in the initramfs A has its address by DHCP" guest A \
		"grep -q \"^IPV4ADDR='$A4'\" /run/net-eth0.conf && grep -q \"^PROTO='dhcp'\" /run/net-eth0.conf"
	check "D10 and once more when the system is up" [ "$(leases "$1")" -ge 2 ]
	check "D09 D34 in the initramfs nothing comes in" dropped_early "inbound.* from $H4 port [0-9]* to $A4 port 7001"
	check "D09 D34 and nothing leaves" dropped_early "outbound.* protocol 1,.* from $A4 port [0-9]* to $B4 "
}

# The row "automatic, none assigned, set" of the table in ipsec-policy-boot.service(8).
B_AGENT=ipsec-policy-agent.service
mode_without_policy() {
	on_disk B /etc/modprobe.d/ipsec-policy.conf <<<'options ipsecdrv startup_mode=block'
	on_disk B "/etc/systemd/system/$B_AGENT.d/held.conf" <<-'END'
		[Unit]
		ConditionPathExists=/run/go
	END
}
began_without_policy() {
	local said
	said=$(guest B "ipdtool status; systemctl is-enabled $B_AGENT; systemctl is-active $B_AGENT")
	same "D12 D13 block is set, no policy is assigned, the agent is not yet there: block" \
		"startup-block startup-block enabled inactive" \
		"$(field startup "$said") $(field mode "$said") $(tail -n +2 <<<"$said" | xargs)"
	check "D10 B has its address" guest B "ip -4 -o addr show dev eth0 dynamic | grep -q 'inet $B4/'"
	check "D09 nothing comes in, nothing leaves" eval 'no_ping H "$B4" && ! guest B "ping -c 1 -W 2 $H4"'
	phase late
	no_leak "D09 D35 B has sent nothing" B start late
	check "the agent comes" guest B "touch /run/go; systemctl start $B_AGENT"
	said=$(guest B 'ipdtool status; ipdtool list | grep -c ^id=; ipsecctl dynamic show config')
	same "D15 D21 secure mode, and nothing to protect" "startup-block secure 0" \
		"$(field startup "$said") $(field mode "$said") $(grep -Ex '[0-9]+' <<<"$said")"
	check "D13 the boot mode counts as set" grep -iq 'boot *mode *: *block' <<<"$said"
	check "D15 everything passes" pings H "$B4"
}

wire_up
need mode_without_policy
spawn ping ping -q -i 0.1 "$A4"
spawn ping6 ping -q -i 0.2 "ff02::1%wire"
spawn chatter "$TOP/scripts/guest/machine/chatter" wire "$A4"

power_on B
power_on A
phase start
check "A and B boot" eval 'booting A && booting B && booted A && booted B' || { machine_diag A; bail "A and B boot"; }
began_without_policy
need secure B "$A4" </dev/null
need persistent_policy
need secure A "$B4" < <(block_chatter)
need guest A 'systemctl enable --now chatter; ipsecctl dynamic set config bootmode permit'
check "A10 they talk under an association" reached || machine_diag A

SECURED="ip.addr == $B4 && (esp || udp.port == 500 || udp.port == 4500)"
check "A is powered off" power_off A
check "what it said before it had a policy was seen" \
	[ -n "$(leaks A start off "esp || icmp || udp.port == 500" | head -n 1)" ]
for mode in $MODES; do
	next=${MODES#*"$mode"} next=${next# } next=${next%% *}
	on_again "$mode"
	[ -n "$next" ] || initramfs_was_protected "$mode"
	same "D12 the driver began in $mode, and is in secure mode" "startup-$mode secure" "$(driver startup) $(driver mode)"
	check "A09 A10 B is reached, under an association" reached
	check "A12 and H, by ICMP" pings H "$A4"
	[ "$next" != block ] || need network_in_initramfs
	if [ -n "$next" ]; then
		need guest A "ipsecctl dynamic set config bootmode $next"
	else
		services_end
	fi
	off_again "$mode" "D35 A09 boot mode $mode: nothing in clear from power-on until it is off" \
		"($SECURED) || (ip.dst == $H4 && icmp)"
	check "and there was something to see" [ -n "$(frames A "$mode" off "esp && eth.src == ${MACHINE_MAC[A]}" | head -n 1)" ]
done
finish
