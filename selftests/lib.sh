# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# What the test scripts of selftests/ share: TAP output, namespaces, waiting, captures.
# Sourced as root in a guest (scripts/uml run, scripts/vm run), or on a machine that can
# load the driver (make check-host):
#
#   #!/bin/bash
#   # SPDX-License-Identifier: MIT
#   # check: tiers=uml,uml-debug,vm timeout=300        (for scripts/check; all optional)
#   . "$TOP/selftests/lib.sh"
#   ns_add A B
#   link A eth0 B eth0
#   addr A eth0 192.0.2.1/24; addr B eth0 192.0.2.2/24
#   load_module
#   check "F01 a ping passes" on A ping -c 1 -W "$(secs 5)" 192.0.2.2
#   finish
#
# A test's name begins with the rows of Documentation/features.tsv that it proves.  A script that
# ends before "finish" has failed.  Everything made here is undone at the end, in reverse order.
set -u

TOP=${TOP:-$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd -P)}
SLOW=${SLOW:-1}
. "$TOP/scripts/guest/judge.sh"
. "$TOP/selftests/readme.sh"
TMP=$(mktemp -d /tmp/selftest.XXXXXX) || exit 1

# --- TAP ------------------------------------------------------------------

tap_count=0 tap_failed=0 tap_finished=0

diag() { printf '%s\n' "$*" | sed 's/^/# /'; }

ok() { # NAME
	tap_count=$((tap_count + 1))
	printf 'ok %d - %s\n' "$tap_count" "$*"
}

not_ok() { # NAME
	tap_count=$((tap_count + 1))
	tap_failed=$((tap_failed + 1))
	printf 'not ok %d - %s\n' "$tap_count" "$*"
	return 1
}

skip() { # NAME REASON: only for what a tier cannot offer by its nature
	tap_count=$((tap_count + 1))
	printf 'ok %d - %s # SKIP %s\n' "$tap_count" "$1" "$2"
}

# check NAME COMMAND...: the command succeeds.  Its output is shown only if it does not.
check() {
	local name=$1 rc
	shift
	"$@" >"$TMP/check.log" 2>&1
	rc=$?
	if [ $rc -eq 0 ]; then
		ok "$name"
		return 0
	fi
	not_ok "$name"
	diag "status $rc: $*"
	diag "$(tail -n 40 "$TMP/check.log")"
	return 1
}

# refuse NAME COMMAND...: the command fails by itself, with an exit status and not by a signal.
refuse() {
	local name=$1 rc
	shift
	"$@" >"$TMP/check.log" 2>&1
	rc=$?
	if [ $rc -gt 0 ] && [ $rc -lt 124 ]; then
		ok "$name"
		return 0
	fi
	not_ok "$name"
	diag "status $rc, should be refused: $*"
	diag "$(tail -n 40 "$TMP/check.log")"
	return 1
}

same() { # NAME WANTED GOT
	if [ "$2" = "$3" ]; then
		ok "$1"
		return 0
	fi
	not_ok "$1"
	diag "wanted: $2"
	diag "got:    $3"
	return 1
}

# For what a script cannot go on without.
bail() {
	not_ok "$*"
	tap_finished=1
	exit 1
}
need() { # COMMAND...
	"$@" >"$TMP/need.log" 2>&1 || {
		diag "$(tail -n 40 "$TMP/need.log")"
		bail "needed: $*"
	}
}

finish() {
	tap_finished=1
	exit $((tap_failed > 0))
}

# --- undoing --------------------------------------------------------------

undo=()
defer() { # COMMAND...: run at the end, last registered first
	undo+=("$(printf '%q ' "$@")")
}

at_exit() {
	local i
	trap - EXIT
	[ "$tap_finished" = 1 ] || not_ok "the script reaches its end"
	for ((i = ${#undo[@]} - 1; i >= 0; i--)); do
		eval "${undo[i]}" >>"$TMP/undo.log" 2>&1
	done
	# What a failed test leaves helps to find out why: scripts/check keeps it.
	[ $tap_failed -eq 0 ] || [ -z "${IPD_OUT-}" ] || cp -r "$TMP" "$IPD_OUT/" 2>/dev/null
	rm -rf "$TMP"
	echo "1..$tap_count"
	exit $((tap_failed > 0))
}
trap at_exit EXIT
trap 'exit 130' INT TERM

# --- waiting --------------------------------------------------------------

secs() { echo $(($1 * SLOW)); } # seconds for this machine

# wait_for SECONDS COMMAND...: until it succeeds; the deadline is stretched on slow machines.
wait_for() {
	local end=$((SECONDS + $1 * SLOW + 1))
	shift
	until "$@" >/dev/null 2>&1; do
		[ "$SECONDS" -lt "$end" ] || {
			echo "not within the deadline: $*" >&2
			return 1
		}
		sleep 0.05
	done
}

# --- namespaces -----------------------------------------------------------

# ns_add VARIABLE...: a namespace each, with a name of its own that the variable gets.
ns_add() {
	local var name
	for var in "$@"; do
		name=$(mktemp -u "${var,,}-XXXXXX")
		need ip netns add "$name"
		defer ip netns del "$name"
		printf -v "$var" '%s' "$name"
		# No duplicate detection: addresses work at once.
		need ip netns exec "$name" sysctl -qw net.ipv6.conf.all.accept_dad=0 \
			net.ipv6.conf.default.accept_dad=0
		need ip -n "$name" link set lo up
	done
}

# on VARIABLE COMMAND...: run in that namespace.
on() {
	local -n ns_=$1
	shift
	ip netns exec "$ns_" "$@"
}

# link VARIABLE1 DEVICE1 VARIABLE2 DEVICE2: a wire between two namespaces, up on both ends.
link() {
	local -n ns1_=$1 ns2_=$3
	need ip link add "$2" netns "$ns1_" type veth peer name "$4" netns "$ns2_"
	need ip -n "$ns1_" link set "$2" up
	need ip -n "$ns2_" link set "$4" up
}

# addr VARIABLE DEVICE ADDRESS...
addr() {
	local -n ns_=$1
	local dev=$2 a
	shift 2
	for a in "$@"; do
		case $a in
		*:*) need ip -n "$ns_" addr add "$a" dev "$dev" nodad ;;
		*) need ip -n "$ns_" addr add "$a" dev "$dev" ;;
		esac
	done
}

# --- processes ------------------------------------------------------------

declare -A spawned=()

# spawn NAME COMMAND...: in the background, its output in $TMP/NAME.log; stopped at the end.
# In a namespace: spawn NAME ip netns exec "$A" COMMAND...
spawn() {
	local name=$1
	shift
	"$@" >"$TMP/$name.log" 2>&1 </dev/null &
	spawned[$name]=$!
	defer stop "$name"
}

running() { [ -n "${spawned[$1]-}" ] && kill -0 "${spawned[$1]}" 2>/dev/null; }

# stop NAME [SIGNAL]: end it and wait; KILL follows if it does not end within 10 s.
stop() {
	local pid=${spawned[$1]-}
	[ -n "$pid" ] || return 0
	unset "spawned[$1]"
	kill "-${2-TERM}" "$pid" 2>/dev/null
	wait_for 10 not kill -0 "$pid" 2>/dev/null || kill -KILL "$pid" 2>/dev/null
	wait "$pid" 2>/dev/null
	return 0
}

not() { ! "$@"; }

# --- captures -------------------------------------------------------------

# What is seen is what a namespace puts on the wire (direction "out"): a tap on the
# receiver would show packets again after they have been decrypted.

declare -A capture_ns=() capture_dev=()
MARKER='ether proto 0x88b5'

# capture_start NAME VARIABLE DEVICE [FILTER]: returns when the tap is open.  CAPTURE_OPTIONS are
# for tcpdump: "-s 128" lets the buffer hold a burst, which full packets would overrun.
capture_start() {
	local name=$1 dev=$3 filter=${4-}
	local -n ns_=$2
	capture_ns[$name]=$ns_ capture_dev[$name]=$dev
	spawn "capture-$name" ip netns exec "$ns_" tcpdump -i "$dev" -Q out -n -U --immediate-mode \
		-B 16384 ${CAPTURE_OPTIONS-} -Z root -w "$(capture_file "$name")" ${filter:+"($filter) or $MARKER"}
	wait_for 10 grep -q 'listening on' "$TMP/capture-$name.log" || bail "capture $name starts"
}

capture_file() { echo "$TMP/$1.pcap"; }

# Sends a frame of an experimental type: once the capture has it, it has all before it.
capture_flush() { # NAME
	local index
	index=$(ip netns exec "${capture_ns[$1]}" cat "/sys/class/net/${capture_dev[$1]}/ifindex")
	ip netns exec "${capture_ns[$1]}" perl -e '
		socket(my $s, 17, 3, 0) or die "socket: $!";
		my $to = pack("S n i S C C a8", 17, 0x88b5, $ARGV[0], 0, 0, 6, "");
		send($s, ("\xff" x 6) . ("\2" . "\0" x 5) . "\x88\xb5" . "end of capture" x 4, 0, $to)
			or die "send: $!"' "$index" || return
	wait_for 10 has_marker "$(capture_file "$1")"
}
has_marker() { [ -n "$(tcpdump -r "$1" -n "$MARKER" 2>/dev/null)" ]; }

capture_stop() { # NAME: the file is complete afterwards
	capture_flush "$1" || bail "capture $1 is complete"
	stop "capture-$1" INT
	! grep -q '^[1-9][0-9]* packets dropped by kernel' "$TMP/capture-$1.log" ||
		bail "capture $1 lost packets"
}

# capture_count NAME [FILTER]: packets of a stopped capture that match a tcpdump filter.
capture_count() {
	tcpdump -r "$(capture_file "$1")" -n "not $MARKER${2:+ and ($2)}" 2>/dev/null | wc -l
}

# A wire is a pair of captures, one per end, under one name.
wire_start() { # NAME VARIABLE1 DEVICE1 VARIABLE2 DEVICE2 [FILTER]
	capture_start "$1-1" "$2" "$3" "${6-}"
	capture_start "$1-2" "$4" "$5" "${6-}"
}
wire_stop() { capture_stop "$1-1"; capture_stop "$1-2"; }
wire_count() { # NAME [FILTER]
	echo $(($(capture_count "$1-1" "${2-}") + $(capture_count "$1-2" "${2-}")))
}

# never_clear NAME WIRE FILTER: nothing that the filter describes was on the stopped wire, and
# something else was: an empty capture proves nothing.
never_clear() {
	local clear all
	clear=$(wire_count "$2" "$3")
	all=$(wire_count "$2")
	if [ "$clear" -eq 0 ] && [ "$all" -gt 0 ]; then
		ok "$1"
		return 0
	fi
	not_ok "$1"
	diag "$clear of $all packets match: $3"
	for end in 1 2; do
		diag "$(tcpdump -r "$(capture_file "$2-$end")" -n "$3" 2>/dev/null | head -n 5)"
	done
	return 1
}

# --- the driver and the kernel --------------------------------------------

# load_module [PARAMETER=VALUE...]: with what it depends on; a failure ends the script.
load_module() {
	local depends
	[ -e "${IPD_MODULE-}" ] || bail "the module is there: IPD_MODULE=${IPD_MODULE-}"
	depends=$(modinfo -F depends "$IPD_MODULE" | tr , ' ')
	# shellcheck disable=SC2086 # words
	[ -z "$depends" ] || need modprobe -a $depends
	need insmod "$IPD_MODULE" "$@"
}
unload_module() { rmmod ipsecdrv; }
module_loaded() { [ -d /sys/module/ipsecdrv ]; }

# Everything the kernel has said since this script started.
KERNEL_MARK="selftest $$ starts"
echo "$KERNEL_MARK" >/dev/kmsg
kernel_log() { kernel_log_since "$KERNEL_MARK"; }

# check_world [NAME]: the kernel has nothing to complain about.
check_world() {
	same "${1:-the kernel log is clean}" '' "$(kernel_log | bad_kernel_lines)"
}

# --- other implementations ------------------------------------------------

# mount_peer NAME...: others from the unpacked packages of scripts/peer, over /usr and /etc of a
# guest, all at once: of two files of one path the first NAME's counts.
mount_peer() {
	local name root dir roots=()
	case ${IPD_TIER-} in uml* | vm) ;; *) bail "other implementations are used in guests only" ;; esac
	for name; do
		root=$("$TOP/scripts/peer" path "$name") || bail "$name is unpacked (scripts/setup)"
		roots+=("$root")
	done
	for dir in usr etc; do
		need mount -t overlay -o "lowerdir=$(printf "%s/$dir:" "${roots[@]}")/$dir" overlay "/$dir"
	done
}
