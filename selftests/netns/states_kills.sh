#!/bin/bash
# SPDX-License-Identifier: MIT
# check: tiers=uml timeout=900 time-travel
#
# The agent, ipsec-ike and ipsec-cred of a host are killed and started again, alone and together, in
# every order, while nobody negotiates and in the middle of it. Nobody helps but the supervisor, whose
# part is played here. A capture on the wire has all of it.
#
#   A 192.0.2.1, .11 and more ------- B 192.0.2.2, stranger .3, blocked .4
. "$TOP/selftests/lib.sh"
. "$TOP/selftests/hosts.sh"

UNIT_RIGHTS=yes
STRANGER=192.0.2.3 BLOCKED=192.0.2.4
AGENT=ipsec-policy-agent IKE=ipsec-ike CRED=ipsec-cred

# policy HOST SOURCE: all between it and the network is secured. It is local policy, which every restart keeps.
policy() {
	ctl "$1" -f - <<-END
		static add policy name=lab activatedefaultrule=no mmsecmethods=$MM_OFFERS
		static add filter filterlist=all srcaddr=$2 dstaddr=192.0.2.0/24
		static add filter filterlist=blocked srcaddr=$2 dstaddr=$BLOCKED
		static add filteraction name=secure qmsecmethods="$QM_OFFERS"
		static add filteraction name=block action=block
		static add rule name=all policy=lab filterlist=all filteraction=secure psk="$PSK"
		static add rule name=blocked policy=lab filterlist=blocked filteraction=block
		static set policy name=lab assign=yes
	END
}

ping_once() { on "$1" ping -I "$2" -c 1 -W "${4-10}" "$3"; } # HOST FROM TO [SECONDS]
driver() { on A sh -c 'ipdtool status; ipdtool list' | sed 's/ generation=.*//; s/ out-hits.*//'; }
# What the filters stop: to and from somebody who does not negotiate, and to somebody who is blocked.
is_closed() {
	on A sh -c "ping -c 1 -W 1 $STRANGER & ! ping -c 1 -W 1 $BLOCKED && ! wait \$!" &&
		! ping_once B $STRANGER $A4 1
}

# associations HOST [ADDRESS-OF-A]...: an SPI with its sender and receiver a line
associations() {
	local host=$1
	shift
	on "$host" ipdtool sas | awk -v addresses=" $* " '
		{ split("", f); for (i = 1; i <= NF; i++) if (split($i, word, "=") == 2) f[word[1]] = word[2] }
		f["state"] == "larval" || (addresses != "  " && !index(addresses, " " f["local"] " ") &&
			!index(addresses, " " f["remote"] " ")) { next }
		f["dir"] == "out" { print f["spi"], f["local"], f["remote"] }
		f["dir"] == "in" { print f["spi"], f["remote"], f["local"] }' | sort
}
# has_all ASSOCIATIONS [ADDRESS-OF-A]...: these are there, each is there on both sides, and there are some;
# which, is in $now
has_all() {
	local line before=$1
	now=$(associations A "${@:2}")
	while read -r line; do [[ $now == *"$line"* ]] || return; done <<<"$before"
	[ -n "$now" ] && [ "$now" = "$(associations B "${@:2}")" ]
}

ends() { # PROGRAM[:SIGNAL]...: by this signal, or killed
	local each signal
	for each; do
		signal=${each#*:}
		[ "$signal" != "$each" ] || signal=KILL
		stop "A-${each%:*}" "$signal"
	done
}
starts() { # PROGRAM...
	local program
	for program; do service A "$program"; done
}

# Packets for which there is no association, from an address of its own, until one is answered. Those that
# nobody hears of are dropped.
new=192.0.2.10
begins() {
	new=192.0.2.$((${new##*.} + 1))
	spawn new ip netns exec "$A" ping -I $new -c 1 -w 60 $B4
}
is_answered() { wait "${spawned[new]}"; }
passes() { ping_once A $A4 $B4 && ping_once B $B4 $A4; }

# round TITLE ENDS STARTS: programs of A, in these orders
round() {
	local title=$1 before=$now addresses=''
	# shellcheck disable=SC2086 # words
	ends $2
	begins
	same "A33 $title: mode and filters stay" "$DRIVER" "$(driver)"
	check "F16 and nothing passes that they stop" is_closed
	case $2 in
	*:USR1*)
		same "A01 the host has no association any more" '' "$(associations A)"
		before='' addresses="$A4 $new" # without its main mode the peer is not told of others
		;;
	*) check "associations go on" ping_once A $A4 $B4 ;;
	esac
	# shellcheck disable=SC2086 # words
	starts $3
	check "and by themselves packets pass: new ones" is_answered
	check "and in both directions" passes
	# shellcheck disable=SC2086 # words
	check "each association is on both sides, those of before too" wait_for 30 has_all "$before" $addresses
}

hosts_up
addr B eth0 $STRANGER/24 $BLOCKED/24
for i in $(seq 11 60); do addr A eth0 "192.0.2.$i/24"; done
need policy A me
need policy B $B4
# What the stranger says is in clear, and nothing that A says.
wire_start wire A eth0 B eth0 "($CLEAR and not src host $STRANGER) or proto 50 or udp port 500"
check "F05 secured" ping_once A $A4 $B4
check "F06 F04 closed" is_closed
DRIVER=$(driver) now=$(associations A)

# --- one
for program in $AGENT $IKE $CRED; do round "$program is killed" $program $program; done
# --- two, in both orders
for pair in "$AGENT $IKE" "$AGENT $CRED" "$IKE $CRED"; do
	set -- $pair
	round "$1 and $2 are killed, and started in this order" "$pair" "$pair"
	round "$2 and $1" "$2 $1" "$2 $1"
done
# --- all
round "all are killed; the agent is first again" "$CRED $IKE $AGENT" "$AGENT $IKE $CRED"
round "all are killed; the agent is last" "$AGENT $IKE $CRED" "$CRED $IKE $AGENT"

# --- a restart, and others die meanwhile: the peer may not hear the goodbye
round "the agent is restarted" "$AGENT:USR1" $AGENT
round "ipsec-ike is killed and the agent restarted" "$IKE $AGENT:USR1" "$AGENT $IKE"
round "the agent is restarted and ipsec-ike killed" "$AGENT:USR1 $IKE" "$IKE $AGENT"
round "all but a goodbye" "$CRED $IKE $AGENT:USR1" "$CRED $AGENT $IKE"

# --- in the middle of a rekey: A has asked for it, and B has not answered
asked() { tcpdump -r "$(capture_file wire-1)" -n "udp port 500 and src host $A4" 2>/dev/null | wc -l; }
has_asked() { sleep 1; [ "$(asked)" -gt "$1" ]; } # MORE-THAN
is_new() { has_all '' $A4 && ! associations A $A4 | grep -q "$1"; } # SPIS-OF-BEFORE
kilobytes=100000
rekeys() { # TITLE PROGRAM...
	local title=$1 host before were
	shift
	# a change, too: what was negotiated before ends
	kilobytes=$((kilobytes + 1))
	for host in A B; do
		need ctl $host static set filteraction name=secure "qmsecmethods=ESP[AES128,SHA256]:${kilobytes}k/300s"
	done
	need ping_once A $A4 $B4
	before=$(associations A $A4 | cut -d' ' -f1)
	need on A ping -q -I $A4 -c 25 -i 10 $B4
	were=$(asked)
	need kill -STOP "$(service_pid B $IKE)"
	check "K22 $title: A renews" wait_for 60 has_asked "$were"
	ends "$@"
	need kill -CONT "$(service_pid B $IKE)"
	check "A33 associations go on" ping_once A $A4 $B4
	starts "$@"
	check "no packet is lost over the end of the old associations" sh -c \
		'"$@" | grep " 0% packet loss"' - ip netns exec "$A" ping -q -I $A4 -c 10 -i 6 -W 10 $B4
	check "in whose place are others" wait_for 30 is_new "$before"
}
rekeys "the agent is killed" $AGENT
rekeys "ipsec-ike is killed" $IKE
rekeys "both are killed" $AGENT $IKE

# --- both hosts
for program in $AGENT $IKE $CRED; do
	stop A-$program KILL
	stop B-$program KILL
done
check "A33 nobody is left on either host: associations go on" passes
check "F16 and nothing passes that filters stop" is_closed
begins
for program in $IKE $AGENT $CRED; do
	service B $program
	service A $program
done
check "and by themselves packets pass: new ones" is_answered
check "and in both directions" passes
check "and all is the same on both sides" wait_for 30 has_all ''

# --- the peer has heard no goodbye, and speaks first
ends $IKE $AGENT:USR1
starts $AGENT $IKE
check "A33 B finds out that A does not know its associations any more, and negotiates" \
	on B ping -q -I $B4 -c 120 -i 1 -W 2 $new
check "and what there is is there on both sides" wait_for 30 has_all '' $new

wire_stop wire
never_clear "F16 F25 nothing was in clear" wire "$CLEAR and not src host $STRANGER"
check "what was sent was there, in ESP" [ "$(wire_count wire 'ip proto 50')" -ge 100 ]

# What the capture would have seen.
for host in A B; do need ctl $host static set policy name=lab assign=no; done
wire_start clear A eth0 B eth0 ip
check "F02 without policy a ping passes" ping_once A $A4 $B4
wire_stop clear
same "F02 and the capture has it, in clear" 2 "$(wire_count clear "($CLEAR) and icmp")"

for host in A B; do
	for program in $AGENT $IKE $CRED; do stop $host-$program; done
done
check_world
finish
