# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# What the benchmarks share: both sides of a comparison side by side in one guest, measured in turn.
# Sourced after lib.sh, in a guest that scripts/bench started. A figure is a line
#
#   figure CASE VARIANT SIDE UNIT VALUE IDLE
#
# UNIT is what one VALUE is; a variant's rounds are lines of their own. IDLE is the share of time in
# which the CPU had nothing to do, in percent. What cannot be measured is a line, too:
#
#   cannot CASE VARIANT SIDE REASON...
#
# and the guest's kernel is one: kernel VERSION.
#
# Sides are pairs of namespaces, and a pair's addresses are those of every other pair:
#
#   ours:  OA 192.0.2.1 ---- 192.0.2.2 OB      the driver in both
#   xfrm:  XA 192.0.2.1 ---- 192.0.2.2 XB      the kernel's own IPsec in both
#   clear: CA 192.0.2.1 ---- 192.0.2.2 CB      neither
. "$TOP/selftests/xfrm.sh"

ROUNDS=${IPD_ROUNDS:-3}
WINDOW=${IPD_WINDOW:-0.1} # seconds that are measured
# so that every side's segments are of one size, and fit with any of the protocols
MSS=1400

# the sizes that take long, too
FULL=${IPD_FULL:-}

echo "kernel $(uname -r)"
figure() { echo "figure $*"; }
cannot() { echo "cannot $*"; }

# why a program failed: some show the place below the reason
complaint() { grep -m1 -i error "$1" || tail -n 1 "$1"; } # LOG

# The value of a word of "count=1 ns=2 idle=3".
word() { # NAME LINE
	local w
	for w in $2; do [ "${w%%=*}" != "$1" ] || echo "${w#*=}"; done
}

# What makes the traffic; more words before it confine it.
TRAFFIC=(traffic)

# measure CASE VARIANT SIDE KIND TRAFFIC-WORDS. KIND is what becomes of "count" and "ns":
#   rate   bits per microsecond, of bytes
#   cost   nanoseconds for each packet; all have to arrive
#   sent   nanoseconds for each packet that was sent, for those that must not arrive
measure() {
	local what="$1 $2 $3" kind=$4 line count sent
	shift 4
	line=$("${TRAFFIC[@]}" "$@" 2>&1) || {
		cannot "$what ${line//$'\n'/; }"
		return 1
	}
	count=$(word count "$line") sent=$(word sent "$line")
	# a batch may be under way at the end
	[ -z "$sent" ] || [ "$kind" = sent ] || [ $((sent - count)) -le $((32 + sent / 100)) ] || {
		cannot "$what of $sent packets $count arrived"
		return 1
	}
	[ "$kind" != sent ] || count=$sent
	[ "$count" -gt 0 ] || {
		cannot "$what nothing arrived"
		return 1
	}
	awk -v what="$what" -v kind="$kind" -v unit="$UNIT" -v n="$count" -v ns="$(word ns "$line")" \
		-v idle="$(word idle "$line")" 'BEGIN {
		if (kind == "rate") { value = 8000 * n / ns; unit = "Mbit/s" }
		else { value = ns / n; unit = unit "/packet" }
		printf "figure %s %s %.2f %.1f\n", what, unit, value, 100 * idle / ns
	}'
}
# what a nanosecond is here
UNIT=${IPD_UNIT:-ns}

# what the CPUs have not worked since boot, in milliseconds; what waits for a disk is idle, too
idle_ms() { # VARIABLE
	local idle wait
	read -r _ _ _ _ idle wait _ </proc/stat
	printf -v "$1" '%d' $(((idle + wait) * 1000 / CLOCK))
}
CLOCK=$(getconf CLK_TCK)

# timed CASE VARIANT SIDE COMMAND...: the work of all CPUs until it ends, in milliseconds. What the
# command waits is left out, and told as IDLE: in a guest that counts instructions nothing says how
# long a wait is, since time leaps to the next timer.
timed() {
	local what="$1 $2 $3" start end idle_before idle_after
	shift 3
	idle_ms idle_before
	start=${EPOCHREALTIME/./}
	"$@" >"$TMP/timed.log" 2>&1 || {
		cannot "$what $(complaint "$TMP/timed.log")"
		return 1
	}
	end=${EPOCHREALTIME/./}
	idle_ms idle_after
	awk -v what="$what" -v ms=$(((end - start) * CPUS / 1000)) -v idle=$((idle_after - idle_before)) \
		'BEGIN { printf "figure %s ms-of-work %d %.1f\n", what, idle < ms ? ms - idle : 0,
			ms ? 100 * idle / ms : 0 }'
}
CPUS=$(nproc)

# What neither programs nor caches of files hold, in bytes: memory of the kernel. Pages that a CPU
# keeps free for itself ("count") are no part of MemFree.
kernel_memory() {
	sync
	echo 3 >/proc/sys/vm/drop_caches
	awk '/^MemTotal:/ { used += $2 }
		/^(MemFree|Buffers|Cached|AnonPages):/ { used -= $2 }
		/^ +count:/ { used -= 4 * $2 }
		END { printf "%d", 1024 * used }' /proc/meminfo /proc/zoneinfo
}

# --- sides ----------------------------------------------------------------------

# pair VARIABLE1 VARIABLE2: known to each other for good, with segments of one size
pair() {
	local -n ns1_=$1 ns2_=$2
	local mac1 mac2
	ns_add "$1" "$2"
	link "$1" eth0 "$2" eth0
	addr "$1" eth0 $A4/24
	addr "$2" eth0 $B4/24
	mac1=$(on "$1" cat /sys/class/net/eth0/address)
	mac2=$(on "$2" cat /sys/class/net/eth0/address)
	need ip -n "$ns1_" neigh replace $B4 lladdr "$mac2" dev eth0 nud permanent
	need ip -n "$ns2_" neigh replace $A4 lladdr "$mac1" dev eth0 nud permanent
	need ip -n "$ns1_" route replace 192.0.2.0/24 dev eth0 src $A4 advmss $MSS
	need ip -n "$ns2_" route replace 192.0.2.0/24 dev eth0 src $B4 advmss $MSS
}

# Limits that are never reached, but looked after.
LIMITS='soft-bytes=1000000000000 hard-bytes=2000000000000 hard-packets=4000000000 hard-seconds=28800'
XFRM_LIMITS='limit byte-soft 1000000000000 limit byte-hard 2000000000000 limit packet-hard 4000000000 limit time-hard 28800'

ours_start() { # VARIABLE...: the driver, with one filter between the hosts
	local host remote
	for host in "$@"; do
		[ "${host: -1}" = A ] && remote=$B4 || remote=$A4
		need inside "$host" ipdtool mode secure 3
		need inside "$host" ipdtool add id=1 out=negotiate in=negotiate local=me remote=$remote
	done
	defer driver_gone "$@"
}
driver_gone() { # every namespace back to permit, so that the module may go
	local host
	for host in "$@"; do inside "$host" ipdtool mode permit; done
	unload_module
}

OUT_SPI=0x20000001 IN_SPI=0x10000001 # as A sees them

ours_keys() { # A B CIPHER INTEGRITY [WORDS]: fresh associations between A and B
	ours_end "$2" $B4 $A4 $IN_SPI $OUT_SPI "${@:3}"
	ours_end "$1" $A4 $B4 $OUT_SPI $IN_SPI "${@:3}"
}
ours_end() { # HOST LOCAL REMOTE OUT-SPI IN-SPI CIPHER INTEGRITY [WORDS of both associations]
	local ends words
	ends="proto=$(protocol_of "$6") local=$2 remote=$3 filter=1"
	words="$ends ${cipher_words[$6]} ${integrity_words[$7]} $LIMITS ${*:8}"
	need inside "$1" ipdtool - <<-WORDS
		flush
		spi dir=in spi=$5 $ends
		sa dir=in spi=$5 pair=$4 $words + dir=out spi=$4 pair=$5 $words
	WORDS
}

xfrm_keys() { # A B CIPHER INTEGRITY
	xfrm_end "$2" $B4 $A4 $IN_SPI $OUT_SPI "$3" "$4"
	xfrm_end "$1" $A4 $B4 $OUT_SPI $IN_SPI "$3" "$4"
}
xfrm_end() { # HOST LOCAL REMOTE OUT-SPI IN-SPI CIPHER INTEGRITY
	local template
	template="proto $(protocol_of "$6") mode transport level required"
	xfrm_states "${@:1:7}" transport <<-WORDS
		xfrm policy add src $2 dst $3 dir out priority 1000 tmpl src $2 dst $3 $template
		xfrm policy add src $3 dst $2 dir in priority 1000 tmpl src $3 dst $2 $template
	WORDS
}
# both states, and the policies from standard input
xfrm_states() { # HOST LOCAL REMOTE OUT-SPI IN-SPI CIPHER INTEGRITY MODE
	local -n host_=$1
	local words a tail
	mapfile -t words < <(xfrm_algorithms "$6" "$7")
	a=$(printf '"%s" ' "${words[@]}")
	tail="proto $(protocol_of "$6") mode $8 replay-window 64 $a $XFRM_LIMITS"
	need ip -n "$host_" xfrm policy flush
	need ip -n "$host_" xfrm state flush
	{
		echo "xfrm state add src $2 dst $3 spi $4 $tail"
		echo "xfrm state add src $3 dst $2 spi $5 $tail"
		cat
	} >"$TMP/states"
	need ip -n "$host_" -batch "$TMP/states"
}

# Whether the kernel's "offload" code, which also works without hardware, is there now.
offload_loaded() { modprobe -q esp4_offload 2>/dev/null && [ -d /sys/module/esp4_offload ]; }

# gateway SENDER ROUTER: what SENDER gives to ROUTER goes nowhere, by a device that takes it all.
# ROUTES_TO is the link layer address for the frames.
#   SENDER s0 ---- r0 ROUTER d0 (dummy), the default route
gateway() {
	ns_add "$2"
	sender "$1" "$2"
	sink "$2"
}
# SENDER is new, ROUTER is not
sender() {
	ns_add "$1"
	link "$1" s0 "$2" r0
	addr "$2" r0 10.0.0.2/24
	need on "$2" sysctl -qw net.ipv4.ip_forward=1 net.ipv4.conf.all.send_redirects=0 \
		net.ipv4.conf.r0.rp_filter=0
	ROUTES_TO[$1]=$(on "$2" cat /sys/class/net/r0/address)
}
sink() { # ROUTER
	local -n router_=$1
	need ip -n "$router_" link add d0 type dummy
	need ip -n "$router_" link set d0 up
	addr "$1" d0 10.254.0.1/30
	need ip -n "$router_" neigh replace 10.254.0.2 lladdr 02:00:00:00:00:99 dev d0 nud permanent
	need ip -n "$router_" route add default via 10.254.0.2
}
declare -A ROUTES_TO

# forwarded CASE VARIANT SIDE KIND SENDER ROUTER FLOWS: ROUTER is the one with the sink
forwarded() {
	local -n sender_=$5 router_=$6
	measure "$1" "$2" "$3" "$4" frames "$sender_" s0 "${ROUTES_TO[$5]}" "$WINDOW" "$7" "$router_" d0
}
