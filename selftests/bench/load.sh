#!/bin/bash
# SPDX-License-Identifier: MIT
# Loading, replacing and removing many filters and associations: how long it takes, with the program
# that reads them, and what an entry takes of the kernel's memory.
. "$TOP/selftests/lib.sh"
. "$TOP/selftests/bench/bench.sh"
. "$TOP/selftests/bench/rules.sh"

NUMBERS=${IPD_NUMBERS:-1000 10000 100000 ${FULL:+1000000}}
SAS=${IPD_SAS:-10000}
# XFRM takes minutes for 10,000, nearly all of which it waits.
PEER_MAX=${IPD_PEER_MAX:-1000${FULL:+0}}

# life CASE N SIDE LOAD CLEAR: each is a command
life() {
	local before after
	before=$(kernel_memory)
	timed "$1" "$2-load" "$3" "$4" || return
	after=$(kernel_memory)
	figure "$1" "$2-memory" "$3" bytes/entry $(((after - before) / $2)) 0
	[ "$1 $3" != 'filters ours' ] || matches_last "$2" ||
		cannot "$1" "$2-match" "$3" "the last filter does not decide its packet"
	[ "$1" = sas ] || timed "$1" "$2-replace" "$3" "$4"
	timed "$1" "$2-clear" "$3" "$5"
}

# --- filters --------------------------------------------------------------------

load_ours() { inside OR ipdtool load "$TMP/ours"; }
clear_ours() { inside OR ipdtool load /dev/null; }
matches_last() { # N
	local source destination protocol port
	read -r source destination protocol port _ < <(tail -n 1 "$TMP/rules")
	[ "$protocol" != 0 ] || protocol=udp port=9
	inside OR ipdtool match out "${source%/*}" "${destination%/*}" "$protocol" 9 "$port" |
		grep -q "filter: id=$1 "
}
load_xfrm() { clear_xfrm && ip -n "$XR" -batch "$TMP/xfrm"; }
clear_xfrm() { ip -n "$XR" xfrm policy flush; }
load_set() { { echo 'table ip bench'; echo 'delete table ip bench'; cat "$TMP/set"; } | on TR nft -f -; }
clear_set() { on TR nft flush ruleset; }

filters() { # N
	rules "$1" >"$TMP/rules"
	ours_rules <"$TMP/rules" >"$TMP/ours"
	life filters "$1" ours load_ours clear_ours
	[ "$1" -le "$PEER_MAX" ] || {
		cannot filters "$1-load" xfrm "takes too long (IPD_PEER_MAX=$1 tries)"
		cannot filters "$1-load" set "takes too long (IPD_PEER_MAX=$1 tries)"
		return
	}
	xfrm_rules out <"$TMP/rules" >"$TMP/xfrm"
	nft_set <"$TMP/rules" >"$TMP/set"
	life filters "$1" xfrm load_xfrm clear_xfrm
	life filters "$1" set load_set clear_set
}

# --- associations ---------------------------------------------------------------

# Pairs with peers 10.0.0.0/8, so half as many; what has to be said is written before.
write_ours_sas() {
	awk -v n=$((SAS / 2)) -v words="$ESP_WORDS" 'BEGIN { for (i = 1; i <= n; i++) {
		ends = sprintf("proto=esp local=10.0.0.2 remote=10.%d.%d.9 filter=1", 1 + i / 256, i % 256)
		print "spi dir=in spi=" 65536 + i, ends
		print "sa dir=in spi=" 65536 + i, "pair=" 131072 + i, ends, words,
			"+ dir=out spi=" 131072 + i, "pair=" 65536 + i, ends, words } }' >"$TMP/ours"
}
write_xfrm_sas() {
	awk -v n=$((SAS / 2)) -v words="$XFRM_WORDS" 'BEGIN { for (i = 1; i <= n; i++) {
		peer = sprintf("10.%d.%d.9", 1 + i / 256, i % 256)
		print "xfrm state add src", peer, "dst 10.0.0.2 spi", 65536 + i, words
		print "xfrm state add src 10.0.0.2 dst", peer, "spi", 131072 + i, words } }' >"$TMP/xfrm"
}
load_ours_sas() { inside OR ipdtool - <"$TMP/ours"; }
clear_ours_sas() { inside OR ipdtool flush; }
load_xfrm_sas() { ip -n "$XR" -batch "$TMP/xfrm"; }
clear_xfrm_sas() { ip -n "$XR" xfrm state flush; }

associations() {
	ESP_WORDS="${cipher_words[gcm128]}"
	XFRM_WORDS="proto esp mode transport replay-window 64 aead rfc4106(gcm(aes)) $(key 20) 128"
	need inside OR ipdtool add id=1 out=negotiate in=negotiate local=me remote=10.0.0.0/8
	write_ours_sas
	write_xfrm_sas
	life sas "$SAS" ours load_ours_sas clear_ours_sas
	life sas "$SAS" xfrm load_xfrm_sas clear_xfrm_sas
}

load_module
gateway OS OR
gateway XS XR
gateway TS TR
need inside OR ipdtool mode secure 3
defer driver_gone OR
for n in $NUMBERS; do filters "$n"; done
[ "$SAS" -eq 0 ] || associations
finish
