#!/bin/bash
# SPDX-License-Identifier: MIT
# Forwarding among many rules: the driver's filters, XFRM policies, nft rules, an nft set, with the
# same rules (rules.sh); few flows, and a scan. What a packet costs without any of them is told, too.
#
#   S -- R for each side
. "$TOP/selftests/lib.sh"
. "$TOP/selftests/bench/bench.sh"
. "$TOP/selftests/bench/rules.sh"

NUMBERS=${IPD_NUMBERS:-0 10 1000 ${FULL:+10000} 100000}
# More than these take the others longer to load than all the rest takes to measure.
PEER_MAX=${IPD_PEER_MAX:-1000${FULL:+0}}

load_ours() { ours_rules <"$TMP/rules" >"$TMP/ours" && inside OR ipdtool load "$TMP/ours"; }
load_xfrm() {
	ip -n "$XR" xfrm policy flush
	xfrm_rules both <"$TMP/rules" >"$TMP/xfrm" && ip -n "$XR" -batch "$TMP/xfrm"
}
load_nft() { # HOST linear|set
	on "$1" nft flush ruleset && "nft_$2" <"$TMP/rules" >"$TMP/nft" && on "$1" nft -f "$TMP/nft"
}
load_linear() { load_nft LR linear; }
load_set() { load_nft TR set; }

# SIDE SENDER ROUTER
SIDES='ours OS OR
xfrm XS XR
linear LS LR
set TS TR'

# ready N: the sides that have N rules, in $TMP/ready
ready() {
	local side sender router
	rules "$1" >"$TMP/rules"
	: >"$TMP/ready"
	while read -r side sender router; do
		if [ "$side" != ours ] && [ "$1" -gt "$PEER_MAX" ]; then
			cannot forward "$1" "$side" "takes too long to load (IPD_PEER_MAX=$1 tries)"
		elif "load_$side" >"$TMP/load.log" 2>&1; then
			echo "$side $sender $router" >>"$TMP/ready"
		else
			cannot forward "$1" "$side" "$(complaint "$TMP/load.log")"
		fi
	done <<<"$SIDES"
}

few_flows >"$TMP/few"
scan_flows >"$TMP/scan"
load_module
gateway NS NR
while read -r side sender router; do gateway "$sender" "$router"; done <<<"$SIDES"
ours_router() { need inside OR ipdtool mode secure 3; }
ours_router
defer driver_gone OR
for n in $NUMBERS; do
	ready "$n"
	for ((round = 0; round < ROUNDS; round++)); do
		for flows in few scan; do
			forwarded forward "$n-$flows" none cost NS NR "$TMP/$flows"
			while read -r side sender router; do
				forwarded forward "$n-$flows" "$side" cost "$sender" "$router" "$TMP/$flows"
			done <"$TMP/ready"
		done
	done
done
finish
