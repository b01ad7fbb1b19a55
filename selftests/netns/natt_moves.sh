#!/bin/bash
# SPDX-License-Identifier: MIT
# check: tiers=uml,uml-debug also=vm timeout=300
#
# The driver on both sides of a NAT that restarts: the outer end follows the port of authentic,
# newer packets only, tells of it, and does not follow an address; the inner end keeps the mapping
# alive, and a TCP connection goes on over all that. Topology: selftests/natt.sh
. "$TOP/selftests/lib.sh"
. "$TOP/selftests/natt.sh"

natt_topology
load_module
for host in A B; do need inside $host ipdtool mode secure; done
need inside A ipdtool add id=1 out=negotiate in=negotiate local=$INSIDE4 remote=$B4
need inside B ipdtool add id=1 out=negotiate in=negotiate local=$B4 remote=$A4

sa_of_b() { inside B ipdtool sas | grep -w "dir=$1" | grep -o "udp=[0-9,]*"; } # in|out
is_at() { [ "$(sa_of_b in) $(sa_of_b out)" = "udp=4500,$1 udp=4500,$1" ]; }    # PORT
echoes() { inside "$1" ping -n -c 1 -W "$(secs 2)" "$2"; }                    # VARIABLE ADDRESS
told() { grep "^mapping-event " "$TMP/events.log"; }
was_told() { told | grep -q "dir=in .* peer=$1,$2\$"; }                       # ADDRESS PORT
drops_of_b() { inside B ipdtool stats "drop.$1"; }                            # REASON
has_kept_alive() { [ "$(drops_of_b keepalive)" -ge "$1" ]; }


# A connection from A to B, at whose ends words are said.
declare -A mouth=()
talk_open() {
	local host fd
	for host in A B; do
		need mkfifo "$TMP/$host.fifo"
		# both ways, so that neither end waits for the other to open it
		exec {fd}<>"$TMP/$host.fifo"
		mouth[$host]=$fd
	done
	spawn ear-B ip netns exec "$B" bash -c "exec socat - TCP-LISTEN:7001 <$TMP/B.fifo"
	spawn ear-A ip netns exec "$A" bash -c "exec socat - TCP:$B4:7001,retry=99,interval=0.1 <$TMP/A.fifo"
}
say() { # HOST WORD: and the other hears it
	local other=B
	[ "$1" = A ] || other=A
	echo "$2" >&"${mouth[$1]}"
	wait_for 10 grep -qx "$2" "$TMP/ear-$other.log"
}
word=0
has_gone_on() { word=$((word + 1)) && say A "word-$word" && is_at "$1"; }     # PORT

next_spis
need natt_half A $INSIDE4 $B4 4500 "$spi_out" "$spi_in" gcm128 none '' '' keepalive=1
need natt_half B $B4 $A4 $NAT_PORT "$spi_in" "$spi_out" gcm128 none '' follow
spawn events ip netns exec "$B" ipdtool listen mapping
need wait_for 10 grep -q listening "$TMP/events.log"
wire_start wan R eth0 B eth0

check "F16 out through the NAT" echoes A $B4
check "F16 and in, to the port that it has" echoes B $A4
check "F16 fragments, both ways" ping_sizes A $B4 8000 30000
# pitfall F3: neither knows the addresses that the checksums of the other are about
talk_open
check "F16 TCP gets through" say A hello
check "F16 and back" say B welcome
read -r came wrong < <(udp_of B)
need wire A udp $B4 9 700 3
same "F16 UDP gets through" "$((came + 3)) $wrong" "$(udp_of B)"
read -r came wrong < <(udp_of A)
need wire B udp $A4 9 700 3
same "F16 and back" "$((came + 3)) $wrong" "$(udp_of A)"
same "F16 nobody moved" '' "$(told)"

# --- keepalives --------------------------------------------------------------------

check "F16 the end behind the NAT keeps it awake" wait_for 10 has_kept_alive 2

# --- a new port ---------------------------------------------------------------------

capture_start old R eth0 'udp dst port 4500 and udp[4:2] > 9'
check "F16 one more packet" echoes A $B4
capture_stop old
nat_rules 61500
nat_forget
before=$(told | wc -l)
check "F16 the NAT restarted: a connection goes on, the other end follows it" \
	wait_for 10 has_gone_on 61500
check "F16 and says so" wait_for 5 was_told $A4 61500
check "F16 the connection goes back to the new port" say B "still-there"
check "F16 and so do others" echoes B $A4
same "F16 it told once" $((before + 1)) "$(told | wc -l)"

# --- nobody else moves it -----------------------------------------------------------

file=$(capture_file old)
need wire R resend eth0 "$file" 0
check "F22 an old packet from the old port moves nothing" is_at 61500
need wire R patch eth0 "$file" 0 20:1234
check "F22 nor from any other" is_at 61500
# a number that was never used, and no key
before=$(drops_of_b integrity)
need wire R patch eth0 "$file" 0 20:1234 32:00ffffff
same "F23 a forged packet is dropped" $((before + 1)) "$(drops_of_b integrity)"
check "F23 and moves nothing" is_at 61500

# A packet that is late, but authentic and within the window.
need inside B nft add table netdev shut
need inside B nft add chain netdev shut in \
	'{ type filter hook ingress device eth0 priority 0; policy drop; }'
capture_start late R eth0 'udp dst port 4500 and udp[4:2] > 9'
refuse "F16 one packet is held up" inside A ping -n -c 1 -W 1 $B4
capture_stop late
need inside B nft delete table netdev shut
check "F16 the next one arrives" echoes A $B4
before=$(inside B ipdtool sas | grep -w dir=in | grep -o ' packets=[0-9]*')
need wire R patch eth0 "$(capture_file late)" 0 20:1234
check "F22 the one that was held up is accepted" \
	[ "$(inside B ipdtool sas | grep -w dir=in | grep -o ' packets=[0-9]*')" != "$before" ]
check "F22 but moves nothing" is_at 61500

# --- a new address ------------------------------------------------------------------

need ip -n "$R" addr add 192.0.2.9/24 dev eth0
need ip -n "$B" neigh replace 192.0.2.9 lladdr $MAC_RB dev eth0 nud permanent
need inside R nft -f - <<-RULES
	table ip nat
	delete table ip nat
	table ip nat {
		chain out {
			type nat hook postrouting priority srcnat; policy accept;
			oifname eth0 udp sport 4500 snat to 192.0.2.9:61700
		}
	}
RULES
nat_forget
before=$(drops_of_b wrong-sa)
is_refused() { ! inside A ping -n -c 1 -W 1 $B4 && [ "$(drops_of_b wrong-sa)" -gt "$before" ]; }
check "F24 from another address it is not the peer's" wait_for 10 is_refused
# at most one event a second: the next packet tells
was_told_now() { inside A ping -n -c 1 -W 1 $B4 || was_told 192.0.2.9 61700; }
check "F16 which is told" wait_for 5 was_told_now
check "F16 and nothing is sent there" is_at 61500

wire_stop wan
never_clear "F16 nothing was in clear" wan "$CLEAR"
same "F16 the outer end sends no keepalives" 0 \
	"$(capture_count wan-2 'udp src port 4500 and udp[4:2] = 9')"
check "F16 the inner one did" [ "$(capture_count wan-1 'udp dst port 4500 and udp[4:2] = 9')" -ge 2 ]

for host in A B; do need inside $host ipdtool mode permit; done
need unload_module
check_world
finish
