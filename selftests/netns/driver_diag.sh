#!/bin/bash
# SPDX-License-Identifier: MIT
# check: tiers=uml also=uml-debug,vm timeout=300
#
# Diagnostics: what each level tells of dropped packets, and how much.
#
#   A 192.0.2.1 ------- B 192.0.2.2        A drops, B sends
. "$TOP/selftests/lib.sh"
. "$TOP/selftests/driver.sh"

BLOCKED=9 SECURED=7		# ports

# one packet each of three that A drops; it waits until it has
drop_three() {
	local was
	was=$(dropped)
	need udp B $A4 $SECURED "in clear" sourceport=40000
	on B perl -e 'print pack("NN", 0x12345678, 1), "x" x 40' | on B socat -u - IP4-SENDTO:$A4:50
	on A socat -u - "UDP:$B4:$BLOCKED,sourceport=40001" <<<"secret"
	wait_for 10 has_dropped $((was + 3))
}
dropped() { echo $(($(stat_of A drop.clear-text) + $(stat_of A drop.bad-spi) + $(stat_of A drop.filter-block))); }
has_dropped() { [ "$(dropped)" = "$1" ]; }

# What the listener heard since the last mark; changes of mode, in their order, are the marks.
marks=0
mark() {
	need ipd A mode permit
	need ipd A mode secure
	marks=$((marks + 2))
	wait_for 10 has_events A $marks mode-event || bail "the listener hears a change of mode"
}
between_marks() { # the last two
	awk '/^mode-event/ { n++ } n == want { print }' want=$((marks - 2)) "$TMP/listen-A.log" |
		grep -E '192\.0\.2\.|^summary'
}
kinds() { sed -En 's/.* dir=([a-z]+) reason=([a-z-]+) .*/\1 \2/p; s/^summary-event.*/summary/p' | sort | xargs; }

driver_up
same "D32 a namespace starts with level 0" "0 3600" \
	"$(field diag "$(ipd A status)") $(field interval "$(ipd A status)")"
fresh A
need ipd A add id=1 out=block in=permit local=me remote=$B4 proto=udp rport=$BLOCKED \
	+ id=2 out=negotiate in=negotiate local=me remote=$B4 proto=udp lport=$SECURED
listen A diag mode
mark

# --- levels ------------------------------------------------------------------------
in="in bad-spi in clear-text" out="out filter-block"
levels=("" "summary" "$in" "$in summary" "$out" "$out summary" "$in $out" "$in $out summary")
for level in 0 1 2 3 4 5 6 7; do
	need ipd A diag $level
	drop_three
	# the same again ends the log interval
	need ipd A diag $level
	[ $((level & 1)) = 0 ] || wait_for 10 has_events A $((level / 2 + 1)) summary-event
	mark
	records=$(between_marks)
	same "D33 D31 L13 level $level" "${levels[level]}" "$(kinds <<<"$records")"
	[ $((level & 1)) = 0 ] ||
		same "D33 L12 L13 level $level: the summary has the bad SPI and no clear text" \
			"bad-spi,$B4=1" "$(grep ^summary <<<"$records" | grep -o '[a-z-]*,[^ ]*' | xargs)"
done

# --- a record --------------------------------------------------------------------------
clear=$(grep 'reason=clear-text' <<<"$records")
bad=$(grep 'reason=bad-spi' <<<"$records")
blocked=$(grep 'reason=filter-block' <<<"$records")
same "D31 a record names addresses, protocol and ports" "in,$B4,$A4,17,40000,$SECURED" "$(field flow "$clear")"
same "D31 interface, filter and length" "eth0 2 37" \
	"$(field interface "$clear") $(field filter "$clear") $(field length "$clear")"
now=$(date +%s) then=$(field time "$clear")
check "D31 and the time" [ $((now - then / 1000000000)) -lt $((60 * SLOW)) ]
same "D31 it has the packet" "in clear" \
	"$(field packet "$clear" | xxd -r -p | tail -c +29)"
same "D31 of one with AH or ESP it has the SPI" 0x12345678 "$(field spi "$bad")"
same "D31 of one that was to leave in which direction and by which filter" "out,$A4,$B4,17,40001,$BLOCKED 1" \
	"$(field flow "$blocked") $(field filter "$blocked")"
same "D31 but only its headers" 56 "$(field packet "$blocked" | tr -d '\n' | wc -c)"
need ipd A diag 2
need udp B $A4 $SECURED "$(printf '%01000d' 0)"
mark
record=$(between_marks)
same "D31 a long packet has its first 128 bytes" "256 1029" \
	"$(field packet "$record" | tr -d '\n' | wc -c) $(field length "$record")"

# --- never what was decrypted ----------------------------------------------------------
fresh B
need ipd A diag 7
need ipd A add id=5 out=negotiate in=negotiate local=me remote=$B4 proto=tcp \
	+ id=6 out=permit in=permit local=me remote=$B4 proto=udp lport=99
need ipd B add id=5 out=negotiate in=negotiate local=me remote=$A4
secure_pair 5 0x5000
mark
need udp B $A4 99 "for nobody else's eyes"
wait_for 10 has_stat A drop.wrong-sa 1
mark
record=$(between_marks | grep wrong-sa)
same "D31 a decrypted packet is told of by its headers" "in,$B4,$A4,17,99 6 0x00005001" \
	"$(field flow "$record" | cut -d, -f 1-4,6) $(field filter "$record") $(field spi "$record")"
same "D31 and shows nothing of itself" "" "$(field packet "$record")"
need ipd B mode permit
need ipd A flush
need ipd A del 5 6

# --- bounds -------------------------------------------------------------------------------
sum() { awk -v key="$1" '/reason=clear-text/ { for (i = 1; i <= NF; i++) if (index($i, key "=") == 1) n += substr($i, length(key) + 2) } END { print n + 0 }'; }
need ipd A diag 6
mark
was=$(stat_of A drop.clear-text)
start=$SECONDS
send_udp B $A4 $SECURED 1 5000
wait_for 30 has_stat A drop.clear-text $((was + 5000))
on A socat -u - "UDP:$B4:$BLOCKED,sourceport=40001" <<<"secret"
need udp B $A4 $SECURED "the last one"
wait_for 10 has_stat A drop.clear-text $((was + 5001))
most=$((200 + 100 * (SECONDS - start + 1)))
mark
records=$(between_marks)
n=$(grep -c 'reason=clear-text' <<<"$records")
check "D31 a flood of 5000 packets makes a burst of records" [ "$n" -ge 200 ]
check "D31 $n of them, and not more than $most" [ "$n" -le "$most" ]
same "D31 each packet has a record or is left out, and is told to be" 5001 $((n + $(sum left-out <<<"$records")))
same "D31 the other direction has records of its own" 1 "$(grep -c 'reason=filter-block' <<<"$records")"

# --- listeners --------------------------------------------------------------------------
stop listen-A
need ipd A diag 7
drop_three
drop_three
listen A diag mode
marks=0
mark
drop_three
mark
records=$(between_marks)
same "D31 nobody listened: nothing was counted for later" "$in $out " \
	"$(kinds <<<"$records") $(grep -o 'left-out=.*' <<<"$records")"
need ipd A diag 7
check "L12 nor for the summary" wait_for 10 has_events A 1 summary-event
same "L12 which has what came since" "bad-spi,$B4=1" \
	"$(event A 1 summary-event | grep -o '[a-z-]*,[^ ]*' | xargs)"

# --- the setting ------------------------------------------------------------------------------
refusal() { ! ipd "$@" 2>"$TMP/refusal" && sed -n 's/^ipdtool: //p' "$TMP/refusal"; }
refuse "D33 there is no level 8" ipd A diag 8
refuse "L12 an interval of 59 s is too short" ipd A diag - 59
refuse "L12 one of 86401 s is too long" ipd A diag - 86401
same "D33 nothing to set is refused" \
	"Invalid argument: neither a diagnostic level nor a log interval to set" "$(refusal A diag)"
need ipd A diag - 86400
same "L12 D33 each is set without the other" "7 86400 0 3600" \
	"$(for host in A B; do ipd $host status; done | sed -E 's/.* diag=([0-9]+) interval=([0-9]+).*/\1 \2/' | xargs)"

# --- module parameters --------------------------------------------------------------------------
stop listen-A
need ipd A mode permit
unload_module
same "D32 parameters: none is level 0" "diag log_interval" \
	"$(modinfo -p "$IPD_MODULE" | cut -d: -f1 | grep -E '^(diag|log_interval)$' | sort | xargs)"
says() { kernel_log | grep -q "ipsecdrv: $1"; }
refuse "D33 diag=8 is refused" insmod "$IPD_MODULE" diag=8
check "D33 and the kernel log says why" says 'diag=8: a level from 0 to 7 is expected'
refuse "L12 log_interval=59 is refused" insmod "$IPD_MODULE" log_interval=59
refuse "L12 log_interval=86401 is refused" insmod "$IPD_MODULE" log_interval=86401
check "L12 and the kernel log says why" says 'log_interval=86401: seconds from 60 to 86400 are expected'
load_module diag=5 log_interval=60
same "D33 L12 the parameters are for the initial namespace" "5 60" \
	"$(ipdtool status | sed -E 's/.* diag=([0-9]+) interval=([0-9]+).*/\1 \2/')"
same "D32 the others start with level 0" "0 3600" \
	"$(ipd A status | sed -E 's/.* diag=([0-9]+) interval=([0-9]+).*/\1 \2/')"
check_world
finish
