# SPDX-License-Identifier: MIT
# shellcheck shell=bash disable=SC2034 # the words of a line are for those who are called
# The matrix of selftests/interop/cases with one stranger.  Sourced with PEER set, as by
# selftests/interop/matrix_strongswan.sh.  IPD_MATRIX=all runs all lines, else those for "make check";
# IPD_MATRIX_ONLY is a pattern for a line's scenario, mode, method, main mode, quick mode, PFS group.
#
# What "packets pass" means, for both sides that can start:
#   * the start succeeds: a ping's first packet for ours, the stranger's own command for it
#   * XFRM has two associations, with what was agreed and nothing else; we have two
#   * five big pings in a row are answered; the wire carries exactly ten packets of ESP or AH that
#     are as big, and nothing of ours in clear
#   * all four associations have counted bytes, and XFRM counts no error
#   * six messages of main mode and three of quick mode, each counted once however often it was sent
#     (long ones with certificates may be repeated in fragments, and are not counted)
# Scenarios ask for less where more cannot be: under loss for some of the pings, after a crash not
# for an end of the associations that only one side knows.
. "$TOP/selftests/lib.sh"
. "$TOP/selftests/hosts.sh"
. "$TOP/selftests/pki.sh"
. "$TOP/selftests/peer.sh"

BIG=700	# bytes of a ping; nothing else on the wire is as big

# wrong WORDS...: why a case fails
wrong() {
	echo "$*"
	return 1
}

# --- one case ---------------------------------------------------------------------------------

# case_setup: from the line's words.  Sets ours and theirs, the addresses at which each sees the
# other: behind a NAT these are not what the peers are called.
case_setup() { # ours|peer
	local pfs=$pfs life=''
	ours=$A4 theirs=$B4
	case $mode in *6) ours=$A6 theirs=$B6 ;; esac
	[ "$pfs" != - ] || pfs=''
	local A_ADDR=$ours B_ADDR=$theirs PEER_REMOTE=$ours PEER_PSK=$PSK PEER_CERTIFICATE=''
	[ "$auth" != rsa ] || PEER_CERTIFICATE=peer
	case $scenario-$1 in
	revoked-*) PEER_CERTIFICATE=revoked ;;
	nat-ours) A_ADDR=$INSIDE PEER_REMOTE=$NAT ours=$NAT ;;
	nat-peer) B_ADDR=$INSIDE theirs=$NAT ;;
	rekey-ours) life=:20480k/3600s ;;
	refused-*) PEER_PSK="another phrase" ;;
	esac
	local A_ID=$A_ADDR
	[ "$auth" != rsa ] || A_ID=$OUR_SUBJECT
	peer_config "$main" "$quick" "$pfs" "${mode%6}" || return
	local MM_OFFERS=$main QM_OFFERS=$quick$life PFS=$pfs
	case $mode in
	transport*) policy_methods A && rule_of_case srcaddr=me "dstaddr=$theirs" ;;
	tunnel) tunnel_on "$A_ADDR" "$theirs" && ours=$OUR_INNER theirs=$PEER_INNER ;;
	esac
}

# tunnel_on OWN PEER: the ends; a rule for each direction
tunnel_on() {
	ip -n "$A" route replace $PEER_NET dev eth0 src $OUR_INNER &&
		ip -n "$B" route replace $OUR_NET dev eth0 src $PEER_INNER &&
		policy_methods A &&
		rule_of_case srcaddr=$OUR_NET dstaddr=$PEER_NET mirrored=no "tunneldstaddress=$2" &&
		rule_of_case srcaddr=$PEER_NET dstaddr=$OUR_NET mirrored=no "tunneldstaddress=$1"
}
rule_of_case() { # TAG...
	local method="psk=$PSK"
	[ "$auth" = psk ] || method="rootca=$ROOT_SUBJECT"
	ctl A dynamic add rule mmpolicy=test qmpolicy=test "$@" "$method"
}

start_by() { # ours|peer
	case $1 in
	ours) reaches A "$theirs" ;;
	peer) peer_initiate && reaches B "$ours" ;;
	esac
}
other() { [ "$1" = ours ] && echo peer || echo ours; }

xfrm_errors() { on B awk '$2 { printf "%s=%s ", $1, $2 }' /proc/net/xfrm_stat; }

# pings NUMBER INTERVAL: big ones in a row, from the side that started; sets answered
pings() { # ours|peer NUMBER INTERVAL
	local from=A to=$theirs
	[ "$1" = ours ] || from=B to=$ours
	on "$from" ping -q -c "$2" -i "$3" -s $BIG -W "$(secs 5)" "$to" >"$TMP/ping" 2>&1
	answered=$(sed -n 's/.* transmitted, \([0-9]*\) received.*/\1/p' "$TMP/ping")
	answered=${answered:-0}
}
five_pings() { # ours|peer
	pings "$1" 5 0.05
	[ "$answered" -eq 5 ] || wrong "of five pings: $(tail -n 3 "$TMP/ping")"
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
	five_pings "$1" || return
	[ "$(xfrm_errors)" = "$errors" ] || wrong "XFRM counts errors: before $errors, now $(xfrm_errors)" || return
	all_counted && wire_has protected=10 clear=0 quick=3 "$(main_messages)"
}
main_messages() { [ "$auth" = psk ] && echo main=6 || echo aggressive=0; }

# New associations while a ping is under way every 20 ms. Ours makes them when 20 MB have passed.
# charon as responder installs its inbound association late, and may miss one packet.
case_rekey() { # ours|peer
	local before missing=0
	start_by "$1" && agreed || return
	before=$(peer_spis)
	"new_pair_by_$1" >"$TMP/rekey" 2>&1 &
	pings "$1" 200 0.02
	wait $! || wrong "$(cat "$TMP/rekey")" || return
	wait_for 10 new_spis "$before" || wrong "no new associations: $(peer_spis)" || return
	[ "$1$PEER" != oursstrongswan ] || missing=1
	[ $((200 - answered)) -le $missing ] || wrong "$answered of 200 pings are answered" || return
	five_pings "$1" && wire_has clear=0
}
new_pair_by_peer() { peer_rekey; }
new_pair_by_ours() { transfer A B "$theirs" && transfer A B "$theirs" && transfer A B "$theirs"; }

# Of 20 pings and their answers 13 should pass.
case_lossy() { # ours|peer
	loss_on
	start_by "$1" && agreed && pings "$1" 20 0.05
	local rc=$?
	loss_off
	[ $rc -eq 0 ] || return
	[ "$answered" -ge 5 ] || wrong "$answered of 20 pings are answered" || return
	five_pings "$1" && wire_has clear=0
}
loss_on() {
	need on M tc qdisc add dev left root netem loss 20%
	need on M tc qdisc add dev right root netem loss 20%
}
loss_off() {
	need on M tc qdisc del dev left root
	need on M tc qdisc del dev right root
}

# The side that starts knows nothing of what the other still has.
case_reboot() { # ours|peer
	start_by "$(other "$1")" && agreed && wire_has clear=0 && "reboot_$1" || return
	start_by "$1" && five_pings "$1" && wire_has protected=10 clear=0
}
reboot_peer() {
	stop "$PEER_PROCESS" KILL
	ip -n "$B" xfrm state flush
	ip -n "$B" xfrm policy flush
	peer_forget
	peer_start
	case_setup_peer
}
reboot_ours() {
	stop A-ipsec-ike KILL
	stop A-ipsec-policy-agent KILL
	stop A-ipsec-cred KILL
	on A ipdtool flush || return
	services_start A
}
case_setup_peer() { A_ADDR=$ours B_ADDR=$theirs peer_config "$main" "$quick" '' "${mode%6}"; }

# The side that starts is behind a NAT, which lets neither ESP nor AH through.
case_nat() { # ours|peer
	start_by "$1" && agreed && peer_state 'encap type espinudp' || return
	five_pings "$1" && all_counted && wire_has protected=10 clear=0 quick=3 "$(main_messages)"
}

# The stranger's certificate has been revoked, as a CRL in our store says.
case_revoked() { case_refused "$1"; }

# The two have different preshared keys.
case_refused() { # ours|peer
	case $1 in
	ours) ! on A ping -c 3 -W 2 "$theirs" || wrong "packets pass" || return ;;
	peer) ! peer_initiate || wrong "it is established" || return ;;
	esac
	! on B ping -c 1 -W 1 "$ours" || wrong "packets in clear pass" || return
	[ "$(ip -n "$B" xfrm state | grep -c 'auth-trunc\|aead')" -eq 0 ] || wrong "$(ip -n "$B" xfrm state)" || return
	wire_has protected=0 small=0 clear=0
}

# One CA for both; the CRL is in our store.
OUR_SUBJECT="O=Example, CN=ours" ROOT_SUBJECT="O=Example, CN=Roots"
authority_up() {
	local name
	getent passwd ipsec-cred >/dev/null || need users_add
	need ca_new first /O=Example/CN=Roots
	for name in ours peer revoked; do
		need host_new first $name
		need quietly openssl pkcs12 -export -in "$CA/$name.crt" -inkey "$CA/$name.key" \
			-name $name -passout pass:x -out "$CA/$name.p12"
	done
	need revoke first revoked
	need certificate_on A ours
	mkdir "$TMP/certs-A/crls"
	need crl first "$TMP/certs-A/crls/root.crl"
}

# --- what is between the hosts --------------------------------------------------------------------

# One capture in the middle, for all cases: see selftests/interop/onlooker.py.
onlooker() { on M "$TOP/selftests/interop/onlooker.py" "$1" left "$TMP/wire.pcap" "${@:2}"; }
wire_has() { onlooker judge "$our_mac" "$@"; } # NAME=NUMBER...
wire_up() {
	our_mac=$(on A cat /sys/class/net/eth0/address)
	spawn wire ip netns exec "$M" tcpdump -i left -n -U --immediate-mode -B 16384 -Z root -w "$TMP/wire.pcap"
	wait_for 30 grep -q 'listening on' "$TMP/wire.log" || bail "the capture starts"
}


INSIDE=10.0.0.1 NAT=192.0.2.254

# M routes and translates instead of bridging; the host inside gets another address.
nat_up() { # ours|peer
	local inside=A near=left far=right own=$A4
	[ "$1" = ours ] || inside=B near=right far=left own=$B4
	local -n inside_ns=$inside
	need ip -n "$M" link set left nomaster
	need ip -n "$M" link set right nomaster
	need ip -n "$M" addr add 10.0.0.254/24 dev $near
	need ip -n "$M" addr add $NAT/24 dev $far
	need ip -n "$inside_ns" addr del "$own/24" dev eth0
	need ip -n "$inside_ns" addr add $INSIDE/24 dev eth0
	need ip -n "$inside_ns" route add default via 10.0.0.254
	need on M sysctl -qw net.ipv4.ip_forward=1
	need on M nft -f - <<-RULES
		table ip nat {
			chain postrouting {
				type nat hook postrouting priority srcnat
				oifname $far meta l4proto udp masquerade to :20000-29999
			}
			chain forward {
				type filter hook forward priority filter
				meta l4proto { esp, ah } drop
			}
		}
	RULES
}
nat_down() { # ours|peer
	local inside=A own=$A4
	[ "$1" = ours ] || inside=B own=$B4
	local -n inside_ns=$inside
	need on M nft delete table ip nat
	need ip -n "$M" addr flush dev left
	need ip -n "$M" addr flush dev right
	need ip -n "$inside_ns" addr flush dev eth0 scope global
	addr $inside eth0 "$own/24"
	[ $inside = A ] && addr A eth0 "$A6/64" || addr B eth0 "$B6/64"
	need ip -n "$M" link set left master bridge
	need ip -n "$M" link set right master bridge
}

# --- all cases --------------------------------------------------------------------------------

# Rows of features.tsv that a case proves, and the RFCs by which it does.
proofs() {
	local rows=K45 rfc=2406
	case $scenario in
	plain) rows="K01 K42 K45" ;;
	refused) rows=K06 ;;
	revoked) rows=K38 ;;
	esac
	case $scenario-$auth in plain-rsa) rows+=" K05" ;; plain-psk) rows+=" K06" ;; esac
	case $pfs in GRPMM) rows+=" K19" ;; GRP*) rows+=" K18" ;; esac
	case $quick in AH*) rfc=2402 ;; esac
	echo "$rows RFC $rfc, 2408, 2409"
}

one() { # ours|peer
	local name who=$PEER_NAME
	[ "$1" = peer ] || who=ours
	name="$(proofs): $scenario, $mode, $auth, $main, $quick, PFS $pfs: $who starts"
	[ $scenario != nat ] || nat_up "$1"
	need case_setup "$1"
	need onlooker mark
	check "$name" "case_$scenario" "$1" || why
	part
	[ $scenario != nat ] || nat_down "$1"
}

matrix() {
	local run scenario mode auth main quick pfs peers ours theirs
	authority_up
	peer_up
	addr A lo $OUR_INNER/32
	addr B lo $PEER_INNER/32
	wire_up
	while read -r run scenario mode auth main quick pfs peers <&3; do
		case $run in '#'* | '') continue ;; esac
		[ "$run" = check ] || [ "${IPD_MATRIX-}" = all ] || continue
		[ "$peers" = both ] || [ "$peers" = "$PEER" ] || continue
		# shellcheck disable=SC2053 # a pattern, for one who looks at one case
		[[ "$scenario $mode $auth $main $quick $pfs" == ${IPD_MATRIX_ONLY-*} ]] || continue
		one ours
		one peer
	done 3<"$TOP/selftests/interop/cases"
	check_world
	finish
}
