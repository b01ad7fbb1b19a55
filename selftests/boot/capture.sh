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
#   H 192.0.2.1 wire ---+--- eth0 A 192.0.2.10   persistent: nothing but ICMP with H
#                       |                        local: all with B is secured; no port 7001
#                       +--- eth0 B 192.0.2.11   local: all with A is secured
. "$TOP/selftests/lib.sh"
. "$TOP/selftests/driver.sh"
. "$TOP/selftests/machine.sh"
. "$TOP/selftests/in_use.sh"

B4=${MACHINE_ADDRESS[B]} PEER=$B4
MODES='block stateful permit'

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
	check "A02 B's service is stopped" guest B 'systemctl stop ipsec-policy-agent'
	same "A02 no association, no filter" "0 0 permit" "$(associations B) $(guest B ipdtool list | grep -c '^id=') \
$(field mode "$(guest B ipdtool status)")"
	phase stopped
	guest B "ping -c 2 -W 1 $A4"
	check "A02 what B sends is in clear" wait_for 10 eval \
		'[ -n "$(frames B stopped off "icmp && ip.src == $B4 && ip.dst == $A4")" ]'
	same "A02 as it was not before" '' "$(frames B start stopped "icmp && ip.src == $B4 && ip.dst == $A4")"
}

wire_up
spawn ping ping -q -i 0.1 "$A4"
spawn ping6 ping -q -i 0.2 "ff02::1%wire"
spawn chatter "$TOP/scripts/guest/machine/chatter" wire "$A4"

power_on B
power_on A
phase start
check "A and B boot" eval 'booting A && booting B && booted A && booted B' || { machine_diag A; bail "A and B boot"; }
need secure B "$A4" </dev/null
need persistent_policy
need secure A "$B4" < <(block_chatter)
need guest A 'systemctl enable --now chatter; ipsecctl dynamic set config bootmode block'
check "A10 they talk under an association" reached || machine_diag A

SECURED="ip.addr == $B4 && (esp || udp.port == 500 || udp.port == 4500)"
check "A is powered off" power_off A
check "what it said before it had a policy was seen" \
	[ -n "$(leaks A start off "esp || icmp || udp.port == 500" | head -n 1)" ]
for mode in $MODES; do
	on_again "$mode"
	same "D12 the driver began in $mode, and is in secure mode" "startup-$mode secure" "$(driver startup) $(driver mode)"
	check "A09 A10 B is reached, under an association" reached
	check "A12 and H, by ICMP" pings H "$A4"
	next=${MODES#*"$mode"}
	need guest A "ipsecctl dynamic set config bootmode $(set -- $next; echo "${1-permit}")"
	[ -n "${next# }" ] || services_end
	off_again "$mode" "D35 A09 boot mode $mode: nothing in clear from power-on until it is off" \
		"($SECURED) || (ip.dst == $H4 && icmp)"
	check "and there was something to see" [ -n "$(frames A "$mode" off "esp && eth.src == ${MACHINE_MAC[A]}" | head -n 1)" ]
done
finish
