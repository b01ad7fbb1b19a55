# SPDX-License-Identifier: MIT
# shellcheck shell=bash disable=SC2034 # the words of a line are for those who are called
# The matrix of selftests/interop/cases with one stranger.  Sourced with PEER set, as by
# selftests/interop/matrix_strongswan.sh.  IPD_MATRIX=all runs all lines, else those for "make check";
# IPD_MATRIX_ONLY is a pattern for a line's scenario, mode, main mode, quick mode and PFS group.
#
# What "packets pass" means, for both sides that can start:
#   * the start succeeds: a ping's first packet for ours, the stranger's own command for it
#   * XFRM has two associations, with what was agreed and nothing else; we have two
#   * five big pings in a row are answered; the wire carries exactly ten packets of ESP or AH that
#     are as big, and nothing of ours in clear
#   * all four associations have counted bytes, and XFRM counts no error
#   * six messages of main mode and three of quick mode, each counted once however often it was sent
. "$TOP/selftests/lib.sh"
. "$TOP/selftests/hosts.sh"
. "$TOP/selftests/peer.sh"

BIG=700	# bytes of a ping; nothing else on the wire is as big

# wrong WORDS...: why a case fails
wrong() {
	echo "$*"
	return 1
}

# --- one case ---------------------------------------------------------------------------------

# case_setup: from the line's words; sets ours and theirs (addresses)
case_setup() {
	local pfs=$pfs
	ours=$A4 theirs=$B4
	case $mode in *6) ours=$A6 theirs=$B6 ;; esac
	[ "$pfs" != - ] || pfs=''
	A_ADDR=$ours B_ADDR=$theirs peer_config "$main" "$quick" "$pfs" "${mode%6}" || return
	MM_OFFERS=$main QM_OFFERS=$quick PFS=$pfs policy_on A "$theirs"
}

start_by() { # ours|peer
	case $1 in
	ours) reaches A "$theirs" ;;
	peer) peer_initiate && reaches B "$ours" ;;
	esac
}

xfrm_errors() { on B awk '$2 { printf "%s=%s ", $1, $2 }' /proc/net/xfrm_stat; }

# big_pings: five in a row between the hosts as they see each other, from the side that started
big_pings() { # ours|peer
	local from=A to=$theirs
	[ "$1" = ours ] || from=B to=$ours
	on "$from" ping -q -c 5 -i 0.05 -s $BIG -W "$(secs 5)" "$to" >"$TMP/ping" 2>&1
	grep -q ' 5 received' "$TMP/ping" || wrong "of five pings: $(tail -n 3 "$TMP/ping")"
}

all_counted() {
	local n
	n=$(ip -n "$B" -s xfrm state | awk '/lifetime current/ { getline; split($1, b, "("); n += b[1] > 0 } END { print +n }')
	[ "$n" -eq 2 ] || wrong "$n of XFRM's associations have counted bytes" || return
	n=$(on A ipdtool sas | grep -cE 'bytes=[1-9]')
	[ "$n" -eq 2 ] || wrong "$n of our associations have counted bytes: $(on A ipdtool sas)"
}

agreed() {
	local wanted
	mapfile -t wanted < <(xfrm_of "$quick")
	peer_state "${wanted[@]}" "mode ${mode%6}" || return
	[ "$(peer_sas)" -eq 2 ] || wrong "$(peer_sas) associations of XFRM"
}

case_plain() { # ours|peer
	local errors
	start_by "$1" && agreed || return
	errors=$(xfrm_errors)
	big_pings "$1" || return
	[ "$(xfrm_errors)" = "$errors" ] || wrong "XFRM counts errors: before $errors, now $(xfrm_errors)" || return
	all_counted && wire_has protected=10 clear=0 main=6 quick=3
}

# One capture in the middle, for all cases: see selftests/interop/onlooker.py.
onlooker() { on M "$TOP/selftests/interop/onlooker.py" "$1" left "$TMP/wire.pcap" "${@:2}"; }
wire_has() { onlooker judge "$our_mac" "$@"; } # NAME=NUMBER...
wire_up() {
	our_mac=$(on A cat /sys/class/net/eth0/address)
	spawn wire ip netns exec "$M" tcpdump -i left -n -U --immediate-mode -B 16384 -Z root -w "$TMP/wire.pcap"
	wait_for 10 grep -q 'listening on' "$TMP/wire.log" || bail "the capture starts"
}

# --- all cases --------------------------------------------------------------------------------

# Rows of features.tsv that a case proves, and the RFCs by which it does.
proofs() {
	local rows="K42 K45"
	case $pfs in GRPMM) rows+=" K19" ;; GRP*) rows+=" K18" ;; esac
	case $quick in AH*) rfc="RFC 2402" ;; *) rfc="RFC 2406" ;; esac
	echo "$rows $rfc, 2408, 2409"
}

one() { # ours|peer
	local name who=$PEER_NAME
	[ "$1" = peer ] || who=ours
	name="$(proofs): $scenario, $mode, $main, $quick, PFS $pfs: $who starts"
	need case_setup
	need onlooker mark
	check "$name" "case_$scenario" "$1" || why
	part
}

matrix() {
	local run scenario mode main quick pfs peers ours theirs
	peer_up
	wire_up
	while read -r run scenario mode main quick pfs peers <&3; do
		case $run in '#'* | '') continue ;; esac
		[ "$run" = check ] || [ "${IPD_MATRIX-}" = all ] || continue
		[ "$peers" = both ] || [ "$peers" = "$PEER" ] || continue
		# shellcheck disable=SC2053 # a pattern, for one who looks at one case
		[[ "$scenario $mode $main $quick $pfs" == ${IPD_MATRIX_ONLY-*} ]] || continue
		one ours
		one peer
	done 3<"$TOP/selftests/interop/cases"
	check_world
	finish
}
