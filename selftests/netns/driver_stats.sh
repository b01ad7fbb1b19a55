#!/bin/bash
# SPDX-License-Identifier: MIT
# check: tiers=uml-debug also=uml,vm timeout=300
#
# The counters of IPsec statistics: each moves when it should, by as much as it should, and not
# when another one does.
#
#   A 192.0.2.1 ------- B 192.0.2.2        both with the driver; counted is at A
. "$TOP/selftests/lib.sh"
. "$TOP/selftests/driver.sh"

# The counters as NAME=VALUE lines, and by how much they differ since the last call.
snapshot() { ipd A stats | grep -Ev '^(flow-|held-|events-|drop\.dummy)' | sort >"$TMP/stats.$1"; }
moved() {
	snapshot new
	join -t = "$TMP/stats.old" "$TMP/stats.new" |
		awk -F = '$2 != $3 { printf "%s%s%+d", sep, $1, $3 - $2; sep = " " } END { print "" }'
	mv "$TMP/stats.new" "$TMP/stats.old"
}
both() { # AMOUNT NAME...: what moved() says when these moved in both directions
	local name
	for name in "${@:2}"; do echo "$name-in+$1 $name-out+$1"; done | xargs
}

driver_up
fresh A B
need ipd A add id=1 out=negotiate in=negotiate local=me remote=$B4
need ipd B add id=1 out=negotiate in=negotiate local=me remote=$A4
snapshot old
same "M09 counters start at zero" "" "$(grep -v '=0$' "$TMP/stats.old" | xargs)"

# --- keys ---------------------------------------------------------------------------
need ipd A spi spi=0x999 local=$A4 remote=$B4 filter=1
same "M09 pending key operations" "larval-sas+1" "$(moved)"
need ipd A flush
same "M09 none is pending any more" "larval-sas-1" "$(moved)"
secure_pair 1 0x1000
same "M09 active associations and key additions" "active-pairs+1 active-sas+2 key-additions+1" "$(moved)"

# --- bytes ----------------------------------------------------------------------------
need pings A $B4
same "M09 bytes of ESP: confidential, authenticated, in transport mode" \
	"$(both 64 authenticated-bytes confidential-bytes transport-bytes)" "$(moved)"
ESP="cipher=null integ=hmac-sha1 ikey=@20" secure_pair 1 0x2000
same "M09 a rekey" "active-pairs+1 active-sas+2 key-additions+1 rekeys+1" "$(moved)"
need pings A $B4
same "M09 bytes of ESP without encryption are not confidential" \
	"$(both 64 authenticated-bytes transport-bytes)" "$(moved)"
need ipd A flush
same "M09 key deletions" "active-pairs-2 active-sas-4 key-deletions+2" "$(moved)"
need ipd B flush
ESP="proto=ah integ=hmac-sha1 ikey=@20"
for host in B A; do
	in=0x3001 out=0x3000 local=$A4 remote=$B4
	[ $host = A ] || in=0x3000 out=0x3001 local=$B4 remote=$A4
	# shellcheck disable=SC2086 # words
	{
		need ipd $host spi proto=ah spi=$in local=$local remote=$remote filter=1
		need ipd $host sa dir=in spi=$in local=$local remote=$remote filter=1 $ESP \
			+ dir=out spi=$out local=$local remote=$remote filter=1 $ESP
	}
done
need moved
need pings A $B4
same "M09 bytes of AH are authenticated only" "$(both 64 authenticated-bytes transport-bytes)" "$(moved)"
need ipd A flush
need ipd B flush

# --- packets that are not right --------------------------------------------------------
ESP="cipher=aes-cbc ckey=@16 integ=hmac-sha1 ikey=@20"
secure_pair 1 0x4000
capture_start once B eth0 'proto 50'
need moved
need pings B $A4
capture_stop once
need moved
need on B python3 "$TOP/selftests/netns/wire.py" resend eth0 "$(capture_file once)"
same "M09 packets with replay detection" "drop.replay+1" "$(moved)"

# B sends as it is told, its own driver asleep
need ipd B mode permit
raw() { on B perl -e 'print pack("NN", hex $ARGV[0], 1000), "x" x $ARGV[1]' "$1" "$2" | on B socat -u - IP4-SENDTO:$A4:50; }
raw 1234567 64
wait_for 10 has_stat A drop.bad-spi 1
same "M09 bad SPI packets" "drop.bad-spi+1" "$(moved)"
raw 4001 76
wait_for 10 has_stat A drop.integrity 1
same "M09 packets not authenticated" "drop.integrity+1" "$(moved)"
raw 4001 3
wait_for 10 has_stat A drop.malformed 1
same "M09 packets not decrypted: no ESP packet is that short" "drop.malformed+1" "$(moved)"

# --- negotiations ------------------------------------------------------------------------
need ipd A flush
listen A
need moved
udp A $B4 9
wait_for 10 has_events A 1
same "M09 a negotiation that is asked for" "acquires+1" "$(moved)"
same "M09 and what waits for it" "1" "$(stat_of A held-packets)"
need ipd A end "$(acquire_id A)" failed
same "M09 it failed" "acquire-failures+1 drop.negotiation-failed+1" "$(moved)"
same "M09 and nothing waits" "0 0" "$(stat_of A held-packets) $(stat_of A held-bytes)"

# --- tunnels -----------------------------------------------------------------------------
fresh A B
need ipd A add id=2 class=tunnel out=negotiate in=negotiate local=$A4 remote=$B4 tl=$A4 tr=$B4
need ipd B add id=2 class=tunnel out=negotiate in=negotiate local=$B4 remote=$A4 tl=$B4 tr=$A4
need moved
ESP="encap=tunnel $ESP" secure_pair 2 0x5000 4 $A4,$B4 $B4,$A4
same "M09 F38 active tunnels" "active-pairs+1 active-sas+2 active-tunnels+1 key-additions+1" "$(moved)"
need pings A $B4
same "M09 F38 bytes of ESP in tunnel mode, the header inside among them" \
	"$(both 84 authenticated-bytes confidential-bytes tunnel-bytes)" "$(moved)"
need ipd A flush
same "M09 F38 no tunnel is active any more" "active-pairs-1 active-sas-2 active-tunnels-1 key-deletions+1" "$(moved)"
check_world
finish
