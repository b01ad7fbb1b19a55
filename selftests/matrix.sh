# SPDX-License-Identifier: MIT
# shellcheck shell=bash disable=SC2034 # the words of a line are for those who are called
# The matrix of selftests/interop/cases with one stranger.  Sourced with PEER set, as by
# selftests/interop/matrix_strongswan.sh, which then calls "matrix SCENARIO...".  IPD_MATRIX=all runs
# all lines of these, else those for "make check"; IPD_MATRIX_ONLY is a pattern for a line's scenario,
# mode, method, main mode, quick mode, PFS group.
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
# for an end of the associations that only one side knows.  Those of LONG wait for long, and are for
# a guest whose clock jumps.
. "$TOP/selftests/lib.sh"
. "$TOP/selftests/hosts.sh"
. "$TOP/selftests/pki.sh"
. "$TOP/selftests/peer.sh"

QUICK="plain rekey rekeyed nat collide delete port chain"
LONG="asked vanished expiry lossy reboot refused nomain noquick revoked"
BIG=700	# bytes of a ping; nothing else on the wire is as big

# wrong WORDS...: why a case fails
wrong() {
	echo "$*"
	return 1
}

# --- one case ---------------------------------------------------------------------------------

# case_settings: from the line's words, what peer.sh wants to know.  Sets ours and theirs, the addresses
# at which each sees the other: behind a NAT these are not what the peers are called.
case_settings() { # ours|peer
	ours=$A4 theirs=$B4
	case $mode in *6) ours=$A6 theirs=$B6 ;; esac
	A_ADDR=$ours B_ADDR=$theirs PEER_REMOTE=$ours PEER_PSK=$PSK PEER_PORT='' PEER_DPD='' PEER_LIFE=''
	[ "$auth" != rsa ] || PEER_CERTIFICATE=peer A_ID="O=Example, CN=ours"
	case $scenario-$1 in
	revoked-*) PEER_CERTIFICATE=revoked ;;
	chain-*) PEER_CERTIFICATE=peer-far A_ID="O=Example, CN=ours-far" PEER_ROOT=$FAR_SUBJECT ;;
	nat-ours) A_ADDR=$INSIDE PEER_REMOTE=$NAT ours=$NAT ;;
	nat-peer) B_ADDR=$INSIDE theirs=$NAT ;;
	rekey-ours | rekeyed-peer) life=:20480k/3600s ;;
	expiry-ours) life=:100000k/300s main_life=" mmlifetime=10" ;;
	expiry-peer) PEER_LIFE=yes ;;
	refused-*) PEER_PSK="another phrase" ;;
	nomain-*) their_main=AES256-SHA512-16 ;;
	noquick-*) their_quick="ESP[AES256,SHA512]" ;;
	port-*) PEER_PORT=tcp/5001 tags=(protocol=tcp dstport=5001) ;;
	asked-* | vanished-*) PEER_DPD=yes ;;
	esac
	[ "$auth" = rsa ] || A_ID=$A_ADDR
}
peer_of_case() { peer_config "$their_main" "$their_quick" "$PFS" "${mode%6}"; }
our_host_of_case() {
	our_script >"$TMP/policy"
	[ "$mode" != tunnel ] || ours=$OUR_INNER theirs=$PEER_INNER
	ctl A -f "$TMP/policy"
}
our_script() {
	echo "dynamic add mmpolicy name=test mmsecmethods=$main$main_life"
	echo "dynamic add qmpolicy name=test qmsecmethods=$quick$life${PFS:+ pfsgroup=$PFS}"
	case $mode in
	transport*) rule_of_case srcaddr=me "dstaddr=$theirs" "${tags[@]}" ;;
	tunnel)
		rule_of_case srcaddr=$OUR_NET dstaddr=$PEER_NET mirrored=no "tunneldstaddress=$theirs"
		rule_of_case srcaddr=$PEER_NET dstaddr=$OUR_NET mirrored=no "tunneldstaddress=$A_ADDR" ;;
	esac
}
rule_of_case() { # TAG...
	local method="psk=\"$PSK\""
	[ "$auth" = psk ] || method="rootca=\"$PEER_ROOT\""
	echo "dynamic add rule mmpolicy=test qmpolicy=test $* $method"
}

start_by() { # ours|peer
	case $1 in
	ours) reaches A "$theirs" ;;
	peer) peer_initiate && reaches B "$ours" ;;
	esac
}
other() { [ "$1" = ours ] && echo peer || echo ours; }

# XFRM's counters of errors, into a variable
xfrm_errors() { mapfile -t "$1" <"/proc/${spawned[$PEER_PROCESS]}/net/xfrm_stat"; } # VARIABLE

# pings NUMBER INTERVAL: big ones in a row, from the side that started; sets answered
pings() { # ours|peer NUMBER INTERVAL
	local from=A to=$theirs said
	[ "$1" = ours ] || from=B to=$ours
	on "$from" ping -q -c "$2" -i "$3" -s $BIG -W "$(secs 5)" "$to" >"$TMP/ping" 2>&1
	mapfile -t said <"$TMP/ping"
	answered=0
	[[ ! ${said[*]} =~ ' transmitted, '([0-9]+)' received' ]] || answered=${BASH_REMATCH[1]}
}
five_pings() { # ours|peer
	pings "$1" 5 0.05
	[ "$answered" -eq 5 ] || wrong "of five pings: $(tail -n 3 "$TMP/ping")"
}

all_counted() {
	local n said
	mapfile -t said < <(ip -n "$B" -s xfrm state)
	matching '^[[:space:]]*[1-9][0-9]*\(bytes\)' "${said[@]}"
	[ "$n" -eq 2 ] || wrong "$n of XFRM's associations have counted bytes" "${said[@]}" || return
	mapfile -t said < <(on A ipdtool sas)
	matching 'bytes=[1-9]' "${said[@]}"
	[ "$n" -eq 2 ] || wrong "$n of our associations have counted bytes" "${said[@]}"
}

agreed() {
	local wanted n
	mapfile -t wanted < <(xfrm_of "$quick")
	peer_state "${wanted[@]}" "mode ${mode%6}" || return
	matching '^src' "${xfrm_state[@]}"
	[ "$n" -eq 2 ] || wrong "$n associations of XFRM"
}

case_plain() { # ours|peer
	local before now
	start_by "$1" && agreed || return
	xfrm_errors before
	five_pings "$1" || return
	xfrm_errors now
	[ "${now[*]}" = "${before[*]}" ] || wrong "XFRM counts errors: before" "${before[@]}" now "${now[@]}" || return
	all_counted && wire_has protected=10 clear=0 quick=3 "$(main_messages)"
}
main_messages() { [ "$auth" = psk ] && echo main=6 || echo aggressive=0; }

# New associations while a ping is under way every 20 ms, made by the side that started, or by the other
# one. Ours makes them when 20 MB have passed.
case_rekey() { new_associations "$1" "$1"; }
case_rekeyed() { new_associations "$1" "$(other "$1")"; }

# charon as responder installs its inbound association late, and may miss one packet.
new_associations() { # FIRST-STARTER MAKER
	local before missing=0
	start_by "$1" && agreed || return
	before=$(peer_spis)
	"new_pair_by_$2" >"$TMP/rekey" 2>&1 &
	pings "$1" 200 0.02
	wait $! || wrong "$(cat "$TMP/rekey")" || return
	wait_for 10 new_spis "$before" || wrong "no new associations: $(peer_spis)" || return
	[ "$2${PEER%-*}" != oursstrongswan ] || missing=1
	[ $((200 - answered)) -le $missing ] || wrong "$answered of 200 pings are answered" || return
	five_pings "$1" && wire_has clear=0
}
new_pair_by_peer() { peer_rekey; }
new_pair_by_ours() {
	local to=$theirs family=ip4 n
	case $mode in *6) to=[$theirs] family=ip6 ;; esac
	for n in 1 2 3; do
		transfer A B "$to" $family || return
	done
}

# Of 20 pings and their answers 13 should pass. A negotiation may fail, most of all with certificates in
# three fragments each way, of which all must arrive; then it is begun again.
case_lossy() { # ours|peer
	wire_is loss 20%
	patience 150 start_by "$1" && agreed && pings "$1" 20 0.05
	local rc=$?
	wire_is good
	[ $rc -eq 0 ] || return
	[ "$answered" -ge 5 ] || wrong "$answered of 20 pings are answered" || return
	five_pings "$1" && wire_has clear=0
}
wire_is() { # good | WORDS-OF-NETEM...
	local port
	for port in left right; do
		case $1 in
		good) need on M tc qdisc del dev $port root ;;
		*) need on M tc qdisc add dev $port root netem "$@" ;;
		esac
	done
}

# Both start, and their first messages meet half way.
case_collide() { # ours|peer
	local rc
	wire_is delay 300ms
	peer_initiate >"$TMP/initiate" 2>&1 &
	reaches A "$theirs"
	rc=$?
	wait $!
	wire_is good
	[ $rc -eq 0 ] && reaches A "$theirs" && reaches B "$ours" && five_pings "$1" &&
		wire_has main=7+ clear=0
}

# The side that starts gives up what it has: the other hears of it. It can begin again.
case_delete() { # ours|peer
	start_by "$1" && agreed && five_pings "$1" || return
	"give_up_$1" && wait_for 10 "nothing_left_at_$(other "$1")" ||
		wrong "left: $(ip -n "$B" xfrm state; on A ipdtool sas)" || return
	wire_has info=1+ clear=0
}
give_up_ours() { policy_off A; }
give_up_peer() { peer_terminate; }
nothing_left_at_peer() { [ "$(peer_sas)" -eq 0 ]; }
nothing_left_at_ours() { [ "$(on A ipdtool sas | grep -c dir=)" -eq 0 ]; }

# One TCP port of the other, and nothing else: pings are none of it.
case_port() { # ours|peer
	case $1 in
	ours) wait_for 30 transfer A B "$theirs" ;;
	peer) peer_initiate && transfer A B "$theirs" ;;
	esac && agreed && five_pings ours && wire_has protected=1000+ clear=5
}

# Certificates of authorities between, which the other side does not know, and a wire through which
# no IP fragment gets: both sides send fragments of IKE's own.
case_chain() { # ours|peer
	need ip -n "$M" link set left mtu 1300
	need ip -n "$M" link set right mtu 1300
	wire_start pieces M right M left 'udp port 500'
	start_by "$1" && agreed && five_pings "$1" && wire_has fragments=2+ pieces=2+ protected=10 clear=0
	local rc=$?
	wire_stop pieces
	[ $rc -ne 0 ] || { put_together pieces-1 && put_together pieces-2; }
	rc=$?
	need ip -n "$M" link set left mtu 1500
	need ip -n "$M" link set right mtu 1500
	return $rc
}

# put_together CAPTURE: tshark has made a whole message of the fragments that one side sent.
put_together() {
	tshark -r "$(capture_file "$1")" -Y isakmp.reassembled.length -T fields -e isakmp.fragment.count \
		-e isakmp.reassembled.length 2>"$TMP/tshark" | grep . ||
		wrong "tshark finds no whole message in $1: $(tshark -r "$(capture_file "$1")" 2>&1)"
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
	peer_of_case
}
reboot_ours() {
	stop A-ipsec-ike KILL
	stop A-ipsec-policy-agent KILL
	stop A-ipsec-cred KILL
	on A ipdtool flush || return
	services_start A
}
# The side that starts is behind a NAT, which lets neither ESP nor AH through.
case_nat() { # ours|peer
	start_by "$1" && agreed && peer_state 'encap type espinudp' || return
	five_pings "$1" && all_counted && wire_has protected=10 clear=0 quick=3 "$(main_messages)"
}

# --- silence ------------------------------------------------------------------------------------

# Nothing that the other side protects arrives: the side that starts asks, is answered, and both keep
# what they have (RFC 3706). Without answers that would be given up after half a minute.
case_asked() { # ours|peer
	local spis port=right
	[ "$1" = ours ] || port=left
	start_by "$1" && agreed || return
	spis=$(peer_spis)
	need on M nft "add table netdev deaf
		add chain netdev deaf from { type filter hook ingress device $port priority 0; }
		add rule netdev deaf from ip protocol esp drop"
	pings "$1" 120 1
	need on M nft delete table netdev deaf
	[ "$answered" -eq 0 ] || wrong "$answered pings are answered" || return
	[ "$(peer_spis)" = "$spis" ] || wrong "other associations: before $spis, now $(peer_spis)" || return
	five_pings "$1" && wire_has info=4+ clear=0 "$(main_messages)"
}

# The other side is gone without a word: the side that starts asks, has no answer, and nothing is left
# of it; when it is there again, it is found again.
case_vanished() { # ours|peer
	start_by "$1" && agreed || return
	wire_is loss 100%
	pings "$1" 120 1
	"nothing_left_at_$1"
	local rc=$?
	wire_is good
	[ $rc -eq 0 ] || wrong "left: $(ip -n "$B" xfrm state; on A ipdtool sas)" || return
	patience 150 start_by "$1" && five_pings "$1" && wire_has clear=0
}

# --- the time is over ----------------------------------------------------------------------------

# The side that starts lets quick modes live for 5 minutes and main modes for 10: both are made anew in
# time while a ping passes every second. Each main mode is six messages.
case_expiry() { # ours|peer
	local before
	start_by "$1" && agreed || return
	before=$(peer_spis)
	pings "$1" 1500 1
	[ "$answered" -ge 1497 ] || wrong "$answered of 1500 pings are answered" || return
	[ -z "$(comm -12 <(echo "$before") <(peer_spis))" ] || wrong "from the beginning: $(peer_spis)" || return
	five_pings "$1" && wire_has main=12+ quick=12+ clear=0
}

# --- nothing passes -------------------------------------------------------------------------------

# The stranger's certificate has been revoked, as a CRL in our store says.
case_revoked() { case_refused "$1"; }
# It knows other algorithms only.
case_nomain() { case_refused "$1"; }
case_noquick() { case_refused "$1"; }

# The two have different preshared keys.
case_refused() { # ours|peer
	case $1 in
	ours) ! on A ping -c 3 -W 2 "$theirs" || wrong "packets pass" || return ;;
	peer) ! PEER_PATIENCE=20 peer_initiate || wrong "it is established" || return ;;
	esac
	! on B ping -c 1 -W 1 "$ours" || wrong "packets in clear pass" || return
	[ "$(ip -n "$B" xfrm state | grep -c 'auth-trunc\|aead')" -eq 0 ] || wrong "$(ip -n "$B" xfrm state)" || return
	wire_has protected=0 small=0 clear=0
}

# --- authorities ----------------------------------------------------------------------------------

# One CA for both, whose CRL is in our store; and another, with an authority of each side's own
# between it and the host.
#
#   Root ---- ours, peer, revoked        Far ---- Our Branch ---- ours-far
#                                            \--- Their Branch ---- peer-far
ROOT_SUBJECT="O=Example, CN=Roots" FAR_SUBJECT="O=Example, CN=Far"
PEER_AUTHORITIES="first far theirs" PEER_CERTIFICATES="peer revoked peer-far"
authority_up() {
	local name
	getent passwd ipsec-cred >/dev/null || need users_add
	need ca_new first /O=Example/CN=Roots
	for name in ours peer revoked; do
		need host_new first $name
	done
	need ca_new far /O=Example/CN=Far
	need ca_under far near "/O=Example/CN=Our Branch"
	need ca_under far theirs "/O=Example/CN=Their Branch"
	need host_new near ours-far
	need host_new theirs peer-far
	need revoke first revoked
	our_store
}
our_store() {
	local dir=$TMP/certs-A
	need certificate_on A ours
	need install -D -m 644 "$CA/far/ca.crt" "$dir/roots/far.crt"
	need install -D -m 644 "$CA/near/ca.crt" "$dir/intermediates/near.crt"
	need install -m 644 "$CA/ours-far.crt" "$dir/far.crt"
	need install -m 400 -o ipsec-cred "$CA/ours-far.key" "$dir/far.key"
	mkdir "$dir/crls"
	need crl first "$dir/crls/root.crl"
}

# --- what is between the hosts --------------------------------------------------------------------

# One capture in the middle, and one who looks at it, for all cases: see selftests/interop/onlooker.py.
wire_up() {
	local mac
	mac=$(on A cat /sys/class/net/eth0/address)
	spawn wire ip netns exec "$M" tcpdump -i left -n -U --immediate-mode -B 16384 -Z root -w "$TMP/wire.pcap"
	wait_for 30 grep -q 'listening on' "$TMP/wire.log" || bail "the capture starts"
	coproc ONLOOKER { ip netns exec "$M" "$TOP/selftests/interop/onlooker.py" left "$TMP/wire.pcap" "$mac"; }
}
onlooker() { # mark | judge NAME=NUMBER...
	local said
	echo "$*" >&"${ONLOOKER[1]}" && read -r -t "$(secs 30)" said <&"${ONLOOKER[0]}" ||
		wrong "the onlooker does not answer" || return
	[[ $said == ok* ]] || wrong "the wire: $said"
}
wire_has() { onlooker judge "$@"; } # NAME=NUMBER...


INSIDE=10.0.0.1 NAT=192.0.2.254

# Between the networks behind the hosts.
inner_routes() {
	need ip -n "$A" route replace $PEER_NET dev eth0 src $OUR_INNER
	need ip -n "$B" route replace $OUR_NET dev eth0 src $PEER_INNER
}

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
	inner_routes	# which went with the address
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
	inner_routes
}

# --- all cases --------------------------------------------------------------------------------

# Rows of features.tsv that a case proves, and the RFCs by which it does.
proofs() {
	local rows rfc=2406
	rows="K45 $(rows_of_methods "$quick" "$pfs")"
	case $scenario in
	plain) rows="K01 K42 $rows" ;;
	refused) rows=K06 ;;
	nomain | noquick) rows=K21 ;;
	revoked) rows=K38 ;;
	esac
	case $scenario-$auth in plain-rsa) rows+=" K05" ;; plain-psk) rows+=" K06" ;; esac
	case $quick in AH*) rfc=2402 ;; esac
	case $scenario in asked | vanished) rfc+=", 3706" ;; esac
	echo "$rows RFC $rfc, 2408, 2409"
}

one() { # ours|peer
	local name who=$PEER_NAME
	[ "$1" = peer ] || who=ours
	name="$(proofs): $scenario, $mode, $auth, $main, $quick, PFS $pfs: $who starts"
	local A_ADDR B_ADDR A_ID PEER_REMOTE PEER_PSK PEER_PORT PEER_DPD PEER_LIFE PEER_CERTIFICATE='' PEER_ROOT=$ROOT_SUBJECT
	local ours theirs their_main=$main their_quick=$quick PFS=$pfs life='' tags=() main_life=''
	[ $scenario != nat ] || nat_up "$1"
	[ "$pfs" != - ] || PFS=''
	case_settings "$1"
	need peer_of_case
	need our_host_of_case
	onlooker mark || bail "the onlooker looks"
	check "$name" "case_$scenario" "$1" || why
	part
	[ $scenario != nat ] || nat_down "$1"
}

matrix() { # SCENARIO...
	local run scenario mode auth main quick pfs peers
	authority_up
	peer_up
	echo "# peer: $(peer_version)"	# for the table
	addr A lo $OUR_INNER/32
	addr B lo $PEER_INNER/32
	inner_routes
	wire_up
	while read -r run scenario mode auth main quick pfs peers <&3; do
		case $run in '#'* | '') continue ;; esac
		[ "$run" = check ] || [ "${IPD_MATRIX-}" = all ] || continue
		[ "$peers" = both ] || [ "$peers" = "${PEER%-*}" ] || continue
		case " $* " in *" $scenario "*) ;; *) continue ;; esac
		# shellcheck disable=SC2053 # a pattern, for one who looks at one case
		[[ "$scenario $mode $auth $main $quick $pfs" == ${IPD_MATRIX_ONLY-*} ]] || continue
		one ours
		one peer
	done 3<"$TOP/selftests/interop/cases"
	check_world
	finish
}
