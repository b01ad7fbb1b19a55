# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# Associations between the driver in one namespace (A) and XFRM, the kernel's own IPsec, in
# another (B): two implementations that have nothing in common but the RFCs and the ciphers.
# Sourced after lib.sh.
#
#   A: driver --- eth0 ------------------- eth0 --- B: XFRM
#      192.0.2.1, 2001:db8::1              192.0.2.2, 2001:db8::2

A4=192.0.2.1 B4=192.0.2.2 A6=2001:db8::1 B6=2001:db8::2

# The hosts, known to each other for good: nothing but the tests' packets is on the wire.
xfrm_topology() {
	local mac_a mac_b
	ns_add A B
	link A eth0 B eth0
	addr A eth0 $A4/24 $A6/64
	addr B eth0 $B4/24 $B6/64
	mac_a=$(on A cat /sys/class/net/eth0/address)
	mac_b=$(on B cat /sys/class/net/eth0/address)
	need ip -n "$A" neigh replace $B4 lladdr "$mac_b" dev eth0 nud permanent
	need ip -n "$A" neigh replace $B6 lladdr "$mac_b" dev eth0 nud permanent
	need ip -n "$B" neigh replace $A4 lladdr "$mac_a" dev eth0 nud permanent
	need ip -n "$B" neigh replace $A6 lladdr "$mac_a" dev eth0 nud permanent
}

addresses() { # 4|6: sets local and remote as A sees them
	if [ "$1" = 4 ]; then local=$A4 remote=$B4; else local=$A6 remote=$B6; fi
}

# --- algorithms: our name, key bytes, XFRM's words --------------------------

# Keys of a given length, bytes 01, 02, 03 ..., as ipdtool's @N. No process for each byte:
# forks are what takes time in a guest.
ALL_BYTES=$(printf '%02x' {1..64})
key() { [ "$1" -eq 0 ] || echo "0x${ALL_BYTES:0:$((2 * $1))}"; } # LENGTH

# CIPHER is one of null, des, 3des, aes128, aes192, aes256, gcm128, gcm256, or none (AH)
declare -A cipher_words=(
	[null]='cipher=null' [des]='cipher=des ckey=@8' [3des]='cipher=3des ckey=@24'
	[aes128]='cipher=aes-cbc ckey=@16' [aes192]='cipher=aes-cbc ckey=@24'
	[aes256]='cipher=aes-cbc ckey=@32'
	[gcm128]='cipher=aes-gcm-16 ckey=@20' [gcm256]='cipher=aes-gcm-16 ckey=@36' [none]=''
)
declare -A integrity_words=(
	[md5]='integ=hmac-md5 ikey=@16' [sha1]='integ=hmac-sha1 ikey=@20'
	[sha256]='integ=hmac-sha256 ikey=@32' [sha384]='integ=hmac-sha384 ikey=@48'
	[sha512]='integ=hmac-sha512 ikey=@64' [none]=''
)

xfrm_algorithms() { # CIPHER INTEGRITY: words for ip xfrm, one per line
	case $1 in
	null) printf '%s\n' enc 'ecb(cipher_null)' '' ;;
	des) printf '%s\n' enc 'cbc(des)' "$(key 8)" ;;
	3des) printf '%s\n' enc 'cbc(des3_ede)' "$(key 24)" ;;
	aes*) printf '%s\n' enc 'cbc(aes)' "$(key $((${1#aes} / 8)))" ;;
	gcm*) printf '%s\n' aead 'rfc4106(gcm(aes))' "$(key $((${1#gcm} / 8 + 4)))" 128 ;;
	esac
	case $2 in
	md5) printf '%s\n' auth-trunc 'hmac(md5)' "$(key 16)" 96 ;;
	sha1) printf '%s\n' auth-trunc 'hmac(sha1)' "$(key 20)" 96 ;;
	sha256) printf '%s\n' auth-trunc 'hmac(sha256)' "$(key 32)" 128 ;;
	sha384) printf '%s\n' auth-trunc 'hmac(sha384)' "$(key 48)" 192 ;;
	sha512) printf '%s\n' auth-trunc 'hmac(sha512)' "$(key 64)" 256 ;;
	esac
}

protocol_of() { [ "$1" = none ] && echo ah || echo esp; } # CIPHER

# --- both ends ----------------------------------------------------------------

# A cheaper way into a namespace than "on": no /sys of its own.
inside() { # VARIABLE COMMAND...
	local -n ns_=$1
	shift
	nsenter --net="/run/netns/$ns_" "$@"
}

# ours_up FAMILY CIPHER INTEGRITY OUT-SPI IN-SPI [WORDS of both associations]: a pair in A, for
# filter 1. Sets spi_in and spi_out.
ours_up() {
	local local remote algorithms ends
	spi_out=$4 spi_in=$5
	addresses "$1"
	ends="proto=$(protocol_of "$2") local=$local remote=$remote"
	algorithms="filter=1 ${cipher_words[$2]} ${integrity_words[$3]} ${*:6}"
	inside A ipdtool - <<-WORDS
		spi dir=in spi=$spi_in $ends
		sa dir=in spi=$spi_in pair=$spi_out $ends $algorithms + dir=out spi=$spi_out pair=$spi_in $ends $algorithms
	WORDS
}

# peer_up FAMILY CIPHER INTEGRITY [WORDS of both states]: the other ends of spi_in and spi_out in B
peer_up() {
	local local remote proto words flag='' a
	addresses "$1"
	proto=$(protocol_of "$2")
	# RFC 4302, section 2.6, as it is; XFRM's default pads to 64 bits in IPv4, too
	[ "$1$proto" = 4ah ] && flag='flag align4'
	flag="${*:4} $flag"
	mapfile -t words < <(xfrm_algorithms "$2" "$3")
	a=$(printf '"%s" ' "${words[@]}")
	ip -n "$B" -batch - <<-WORDS
		xfrm state add src $local dst $remote proto $proto spi $spi_out mode transport replay-window 64 $flag $a
		xfrm state add src $remote dst $local proto $proto spi $spi_in mode transport replay-window 64 $flag $a
		xfrm policy add src $local dst $remote dir in tmpl src $local dst $remote proto $proto mode transport level required
		xfrm policy add src $remote dst $local dir out tmpl src $remote dst $local proto $proto mode transport level required
	WORDS
}

NEXT_SPI=0
both_up() { # FAMILY CIPHER INTEGRITY [WORDS]: with SPIs that were never used before
	NEXT_SPI=$((NEXT_SPI + 1))
	need ours_up "$1" "$2" "$3" "$(printf '0x2%07x' $NEXT_SPI)" "$(printf '0x1%07x' $NEXT_SPI)" \
		"${@:4}"
	need peer_up "$1" "$2" "$3"
}

peer_down() { printf 'xfrm policy flush\nxfrm state flush\n' | ip -n "$B" -batch -; }
both_down() {
	need peer_down
	need inside A ipdtool flush
}

# The driver in A, with filter 1 for everything between the two hosts of a family.
driver_up() { # FAMILY [FILTER WORDS]
	local local remote
	addresses "$1"
	need inside A ipdtool mode secure
	need inside A ipdtool add id=1 out=negotiate in=negotiate local="$local" remote="$remote" "${@:2}"
}
driver_down() { need inside A ipdtool del 1; }

# --- traffic ------------------------------------------------------------------

wire() { # VARIABLE COMMAND...: wire.py in that namespace
	inside "$1" "$TOP/selftests/netns/wire.py" "${@:2}"
}

# transfer_to FROM TO ADDRESS BYTES: over TCP from one namespace to the other, which the first knows
# by that address; the sums are equal
transfer_to() {
	local from=$1 address=$3 bytes=$4 family=4 name
	local -n to_ns=$2
	[[ $address != *:* ]] || family=6
	name=receive-$RANDOM
	spawn "$name" ip netns exec "$to_ns" "$TOP/selftests/netns/wire.py" receive $family 5001
	wait_for 10 grep -q listening "$TMP/$name.log" || return
	wire "$from" send "$address" 5001 "$bytes" >"$TMP/$name.sent" || return
	wait_for 30 not running "$name" || return
	unset "spawned[$name]"
	cat "$TMP/$name.sent" "$TMP/$name.log"
	[ "$(cat "$TMP/$name.sent")" = "$(tail -n 1 "$TMP/$name.log")" ] &&
		grep -q "^$bytes " "$TMP/$name.sent"
}
transfer() { # FROM TO FAMILY BYTES: the same between A and B
	local address=$2$3
	transfer_to "$1" "$2" "${!address}" "$4"
}

# The peer's end of reflect, for all connections.
mirror() { # VARIABLE
	local -n ns_=$1
	spawn "mirror-$1" nsenter --net="/run/netns/$ns_" "$TOP/selftests/netns/wire.py" mirror 5002
	wait_for 10 grep -q listening "$TMP/mirror-$1.log" || bail "the mirror of $1"
}
reflect() { # VARIABLE ADDRESS BYTES: there and back at the same time
	wire "$1" reflect "$2" 5002 "$3"
}

ping_sizes() { # VARIABLE ADDRESS SIZE...: each is answered, with the same bytes
	inside "$1" "$TOP/selftests/netns/echo.pl" "$2" "$(secs 5)" "${@:3}"
}

# Datagrams that reached A's sockets, or would have if there were any.
delivered() {
	inside A awk '/^Udp: [0-9]/ { n += $2 + $3 } END { print n }' /proc/net/snmp
}
delivered6() {
	inside A awk '/^Udp6(InDatagrams|NoPorts) / { n += $2 } END { print n }' /proc/net/snmp6
}
delivered_in() { if [ "$1" = 4 ]; then delivered; else delivered6; fi; } # FAMILY

# Packets that B sends while this holds are on the wire and do not reach A's driver.
shut_a() {
	need inside A nft add table netdev shut
	need inside A nft add chain netdev shut in \
		'{ type filter hook ingress device eth0 priority 0; policy drop; }'
}
open_a() { need inside A nft delete table netdev shut; }

# Packets from B to A, captured and never delivered: capture_fresh NAME FAMILY COUNT SIZE [TEXT]
capture_fresh() {
	local address=A$2
	shut_a
	capture_start "$1" B eth0 'esp or ah'
	need wire B udp "${!address}" 9 "$4" "$3" "${5-}"
	capture_stop "$1"
	open_a
	[ "$(wire B frames "$(capture_file "$1")")" = "$3" ] || bail "$1: $3 packets are captured"
}

# --- looking ------------------------------------------------------------------

drops() { inside A ipdtool stats "drop.$1"; } # REASON: how many so far

# All drops by reason, as words for drop_changes.
drop_snapshot() { inside A ipdtool stats | grep '^drop\.'; }
# drop_changes BEFORE: the reasons that counted since, as "integrity=3 replay=1"
drop_changes() {
	join -t= <(sort <<<"$1") <(drop_snapshot | sort) |
		awk -F= '$3 != $2 { sub(/^drop\./, "", $1); printf "%s%s=%d", n++ ? " " : "", $1, $3 - $2 }'
}

# sa_value in|out NAME: of the association that was made last
sa_value() {
	local spi=$spi_out
	[ "$1" = in ] && spi=$spi_in
	inside A ipdtool sas | grep -w "dir=$1" | grep -iw "spi=$spi" | grep -o "\b$2=[^ ]*" | cut -d= -f2
}
