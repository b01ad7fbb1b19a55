#!/bin/bash
# SPDX-License-Identifier: MIT
# check: tiers=uml also=uml-debug,vm timeout=300
#
# New associations for traffic that has some, as IKE installs them: nothing is lost, nothing is out
# of order, and nothing is in clear. What was sent under the old ones is still accepted.
#
#   A 192.0.2.1 ------- B 192.0.2.2
. "$TOP/selftests/lib.sh"
. "$TOP/selftests/driver.sh"

ROUNDS=6

# on HOST the association to SPI, in
packets_in() { ipd "$1" sas | grep -w dir=in | grep -w "spi=$(printf '0x%08x' "$2")" | grep -o ' packets=[0-9]*' | cut -d= -f2; }
is_used() { [ "$(packets_in "$1" "$2")" -gt 0 ]; } # HOST SPI
is_new_used() { is_used B "$1" && is_used A $(($1 + 1)); } # BASE

# numbered datagrams without end, and a last one when the file "enough" is there
stream() { # NAME HOST ADDRESS
	local -n from_=$2
	spawn "$1" ip netns exec "$from_" perl -MSocket -e '
		socket(my $s, AF_INET, SOCK_DGRAM, 0) or die;
		my $to = pack_sockaddr_in(7000, inet_aton($ARGV[0]));
		my $n = 0;
		while (!-e $ARGV[1]) { send($s, ++$n . "\n", 0, $to) // die "send: $!"; select(undef, undef, undef, 0.002) }
		send($s, "last $n\n", 0, $to)' "$3" "$TMP/enough"
}
has_last() { grep -q last "$TMP/$1.got"; }
# every number once and in order, up to the last
is_whole() {
	awk '$1 == "last" { exit !(NR == before + 1 && $2 == before && before > 100) }
		$1 != before + 1 { exit 1 } { before = $1 }' "$TMP/$1.got"
}

driver_up
fresh A B
need ipd A add id=7 out=negotiate in=negotiate local=me remote=$B4
need ipd B add id=7 out=negotiate in=negotiate local=me remote=$A4
receive_udp to-a A 7000
receive_udp to-b B 7000
CAPTURE_OPTIONS='-s 64' wire_start rekey A eth0 B eth0
rekey 0x1000
stream from-a A $B4
stream from-b B $A4
check "F31 a stream in both directions" wait_for 10 is_new_used $((0x1000))
for ((round = 1; round <= ROUNDS; round++)); do
	rekey $((0x1000 * (round + 1)))
	need wait_for 10 is_new_used $((0x1000 * (round + 1)))
	# the old ones go at once, or are left to their own end
	((round % 2)) && old_goes $((0x1000 * round))
done
same "F31 the driver counts them" $ROUNDS "$(stat_of A rekeys)"
touch "$TMP/enough"
check "F31 both streams end" wait_for 10 eval 'has_last to-a && has_last to-b'
check "F31 nothing was lost on the way to A, over $ROUNDS renewals" is_whole to-a
check "F31 nor on the way to B" is_whole to-b
wire_stop rekey
never_clear "F31 F25 nothing was in clear" rekey 'udp or icmp'

# --- what is late
same "F31 outbound the new one is used at once" $((0x1000 * (ROUNDS + 1))) \
	"$(($(field spi "$(ipd A match out $A4 $B4 udp 9 7000)")))"
# B falls back to an older association, which A still accepts
last=$((0x1000 * (ROUNDS + 1))) older=$((0x1000 * (ROUNDS - 2) + 1))
was=$(packets_in A $older)
need ipd B sadel dir=out spi=$((last + 1)) local=$B4 remote=$A4
need ipd B sadel dir=out spi=$((0x1000 * ROUNDS + 1)) local=$B4 remote=$A4
check "F31 an old inbound association accepts until it is gone" pings B $A4 3
check "F31 that is the one" [ "$(packets_in A $older)" -ge $((was + 3)) ]
check_world
finish
