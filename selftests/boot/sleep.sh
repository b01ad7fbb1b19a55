#!/bin/bash
# SPDX-License-Identifier: MIT
# check: tiers=none also=boot timeout=400
#
# A machine that is suspended to RAM and wakes, and its peer, which is awake all the time. Both
# talk. What policy blocks or secures is never on A's cable in clear, and nobody has to help.
#
#   a moment      all goes on, under the same associations
#   40 minutes    A may have been given up: it ends what it had, says so, and begins anew
#   11 hours      B has given it up; A's associations and its lease of DHCP have expired
#
#   H 192.0.2.1 wire ---+--- eth0 A 192.0.2.10   all with B is secured; no port 7001
#                       +--- eth0 B 192.0.2.11   all with this network is secured
. "$TOP/selftests/lib.sh"
. "$TOP/selftests/driver.sh"
. "$TOP/selftests/machine.sh"
. "$TOP/selftests/in_use.sh"

B4=${MACHINE_ADDRESS[B]} PEER=$B4
UNITS='ipsec-policy-agent ipsec-ike ipsec-cred'

processes() { guest A "for unit in $UNITS; do systemctl show -P MainPID -P NRestarts \$unit; done" | xargs; }
has_slept() { guest A "journalctl -b -u ipsec-policy-agent | grep 'slept for [0-9]* seconds'"; }
slept() { has_slept | tail -n 1 | grep -o 'slept for [0-9]*' | grep -o '[0-9]*'; }
# Of these of before, those that are left.
left() { comm -12 <(echo "$2") <(spis "$1"); } # NAME SPIS
none_left() { [ -n "$2" ] && [ -z "$(left "$1" "$2")" ]; } # NAME SPIS
# Packets under one of them, which A has sent.
sent_under() { # FROM TO SPIS
	frames A "$1" "$2" "eth.src == ${MACHINE_MAC[A]} && ($(sed 's/.*=/esp.spi == /; 2,$s/^/|| /' <<<"$3" | xargs))"
}

# nap TEST [COMMAND...]: A is suspended, something happens meanwhile, and it wakes
naps=0
nap() {
	local name=$1
	shift
	naps=$((naps + 1)) SPIS=$(spis A) SPIS_OF_B=$(spis B) PROCESSES=$(processes)
	phase "asleep$naps"
	check "$name: A sleeps" fall_asleep A || { machine_diag A; bail "A sleeps"; }
	[ $# = 0 ] || check "meanwhile" "$@"
	phase "awake$naps"
	check "$name: A wakes" wake A || { machine_diag A; bail "A wakes"; }
	check "F05 packets are secured, new ones too" secured || machine_diag A
	same "the driver's mode and filters are as they were" "$FILTERS" "$(filters)"
	same "nobody has killed what slept" "$PROCESSES" "$(processes)"
	same "it was suspended once more" $naps "$(guest A 'cat /sys/power/suspend_stats/success')"
}

wire_up
spawn ping ping -q -i 0.5 "$A4"
power_on B
# Its day is young.
power_on A -rtc "base=$(date -u -d tomorrow +%F)T08:00:00"
phase boot
check "A and B boot" eval 'booting A && booting B && booted A && booted B' ||
	{ machine_diag A; machine_diag B; bail "A and B boot"; }
need secure B 192.0.2.0/24 </dev/null
need secure A "$B4" < <(block_chatter)
need guest A "systemctl start chatter; systemd-run -q -u talk ping -q -i 0.5 $B4"
need guest B "systemd-run -q -u talk ping -q -i 0.5 $A4"
phase start
check "F05 secured" secured
FILTERS=$(filters)

nap "a moment"
check "under an association of before" has_some "$SPIS"
refuse "that was no sleep to speak of" has_slept

nap "40 minutes" set_clock A 08:50
check "A has noticed" eval '[ "$(slept)" -ge 600 ] && [ "$(slept)" -lt 3600 ]'
check "what was negotiated before has ended" none_left A "$SPIS"
check "at B too" wait_for 10 none_left B "$SPIS_OF_B"

given_up() { wait_for 60 none_left B "$SPIS_OF_B" && set_clock A 20:00; }
nap "11 hours" given_up
check "A has noticed" eval '[ "$(slept)" -ge 36000 ]'
check "what was negotiated before has ended" none_left A "$SPIS"
phase end
same "F16 and not a packet was sent under it" '' "$(sent_under awake3 end "$SPIS")"
check "as there were before" [ -n "$(sent_under awake2 asleep3 "$SPIS")" ]

ALLOWED="(ip.addr == $B4 && (esp || udp.port == 500)) || (ip.dst == $H4 && icmp)"
no_leak "F16 D35 nothing has left A in clear" A start end "$ALLOWED"
same "nor come from B" '' \
	"$(frames A start end "eth.src == ${MACHINE_MAC[B]} && ip && !esp && udp.port != 500 && udp.port != 67")"
check "and there was something to see" [ "$(frames A start end "esp && eth.src == ${MACHINE_MAC[A]}" | wc -l)" -ge 100 ]
finish
