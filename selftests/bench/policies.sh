#!/bin/bash
# SPDX-License-Identifier: MIT
# A policy of many rules with ten filters each, through ipsecctl, agent and driver: to add it by a script,
# to assign it, to show it, to change one rule of it; and what it takes of memory. Beside it the same
# filters by those who know no rules: an nft map, XFRM policies, connections of strongSwan.
#
#   A 192.0.2.1 ---- 192.0.2.2 B       ours in A; strongSwan in B
#   T  nft            X  XFRM
. "$TOP/selftests/lib.sh"
. "$TOP/selftests/hosts.sh"
. "$TOP/selftests/strongswan.sh"
. "$TOP/selftests/bench/bench.sh"

NUMBERS=${IPD_RULES:-1000 10000}
EACH=10
# strongSwan and XFRM take minutes for 10,000
PEER_MAX=${IPD_PEER_MAX:-1000}
[ -z "$FULL" ] || PEER_MAX=10000
PEER_CHROOT=()

# Of rule i: its filters are host pairs with a service. Every other rule negotiates, with a key of its
# own; the others block.
addresses='function address(k) { return sprintf("10.%d.%d.%d", 1 + k / 65536, k / 256 % 256, k % 256) }'
our_script() { # RULES
	awk -v n="$1" -v each=$EACH "$addresses"' BEGIN {
		print "static\nadd policy name=p" n " activatedefaultrule=no"
		print "add filteraction name=secure" n "\nadd filteraction name=refuse" n " action=block"
		for (i = 0; i < n; i++) {
			for (k = i * each; k < (i + 1) * each; k++)
				printf "add filter filterlist=%d-%d srcaddr=me dstaddr=%s protocol=TCP dstport=%d\n",
					n, i, address(k), 1 + k % 60000
			printf "add rule name=%d policy=p%d filterlist=%d-%d filteraction=%s%d%s\n", i, n, n, i,
				i % 2 ? "secure" : "refuse", n, i % 2 ? " psk=key" i : ""
		} }'
}
nft_script() { # RULES
	awk -v n="$1" -v each=$EACH "$addresses"' BEGIN {
		print "table ip bench {\nmap filters { type ipv4_addr . inet_service : verdict; elements = {"
		for (k = 0; k < n * each; k++)
			printf "%s . %d : %s,\n", address(k), 1 + k % 60000, int(k / each) % 2 ? "continue" : "drop"
		print "} }\nchain out { type filter hook output priority 0; ip daddr . tcp dport vmap @filters; }\n}" }'
}
xfrm_script() { # RULES
	awk -v n="$1" -v each=$EACH "$addresses"' BEGIN {
		for (k = 0; k < n * each; k++)
			printf "xfrm policy add src 192.0.2.1/32 dst %s/32 proto tcp dport %d dir out %s\n", address(k),
				1 + k % 60000, int(k / each) % 2 ? "tmpl proto esp mode transport" : "action block" }'
}
swan_conf() { # RULES [CHANGED]: a child for each filter
	awk -v n="$1" -v changed="${2--1}" -v each=$EACH "$addresses"' BEGIN {
		print "connections {"
		for (i = 0; i < n; i++) {
			printf "c%d {\nremote_addrs = %s\nlocal { auth = psk }\nremote { auth = psk }\nchildren {\n", i,
				address(i * each)
			for (k = i * each; k < (i + 1) * each; k++)
				printf "f%d {\nmode = %s\nremote_ts = %s/32[tcp/%d]\n}\n", k,
					i == changed ? "drop" : "transport", address(k), 1 + k % 60000
			print "}\n}"
		}
		print "}" }'
}

# --- figures --------------------------------------------------------------------

# What a process has of memory, in kB: with what it shares, and with its part of that.
memory_of() { # VARIANT SIDE PID
	local rss pss
	rss=$(awk '/^Rss:/ { print $2 }' "/proc/$3/smaps_rollup")
	pss=$(awk '/^Pss:/ { print $2 }' "/proc/$3/smaps_rollup")
	figure policies "$1-rss" "$2" kB "$rss" 0
	figure policies "$1-pss" "$2" kB "$pss" 0
}

# --- ours -----------------------------------------------------------------------

add_ours() { ctl A -f "$TMP/ours"; }
assign_ours() { ctl A static set policy "name=p$N" assign=yes; }
show_ours() { ctl A static show policy "name=p$N" level=verbose; }
change_ours() { ctl A static set rule name=7 "policy=p$N" "filteraction=refuse$N"; }
filter_ours() { ctl A static add filter "filterlist=$N-9" srcaddr=me dstaddr=172.16.0.1; }
dynamic_ours() { ctl A dynamic show qmfilter all; }
has_filters() { on A ipdtool status | grep -q "filters=$1 "; }

ours() {
	local before
	our_script "$N" >"$TMP/ours"
	before=$(kernel_memory)
	timed policies "$N-add" ours add_ours || return
	timed policies "$N-assign" ours assign_ours || return
	figure policies "$N-driver" ours kB $((($(kernel_memory) - before) / 1024)) 0
	has_filters $((N * EACH)) || cannot policies "$N-assign" ours "not all filters are in the driver"
	timed policies "$N-show" ours show_ours
	timed policies "$N-change" ours change_ours
	timed policies "$N-change-filter" ours filter_ours
	timed policies "$N-show-driver" ours dynamic_ours
	memory_of "$N-agent" ours "$(service_pid A ipsec-policy-agent)"
	memory_of "$N-cred" ours "$(service_pid A ipsec-cred)"
	need ctl A static set policy "name=p$N" assign=no
}

# --- the others -----------------------------------------------------------------

load_nft() { on T nft -f "$TMP/nft"; }
show_nft() { on T nft list ruleset; }
change_nft() { on T nft -f - <<<'delete element ip bench filters { 10.1.0.70 . 71 }
add element ip bench filters { 10.1.0.70 . 71 : drop }'; }
by_nft() {
	nft_script "$N" >"$TMP/nft"
	timed policies "$N-assign" nft load_nft || return
	timed policies "$N-show" nft show_nft
	timed policies "$N-change" nft change_nft
	on T nft flush ruleset
}

load_xfrm() { ip -n "$X" -batch "$TMP/xfrm"; }
show_xfrm() { ip -n "$X" xfrm policy list; }
change_xfrm() {
	ip -n "$X" xfrm policy update src 192.0.2.1/32 dst 10.1.0.70/32 proto tcp dport 71 dir out action block
}
by_xfrm() {
	xfrm_script "$N" >"$TMP/xfrm"
	timed policies "$N-assign" xfrm load_xfrm || return
	timed policies "$N-show" xfrm show_xfrm
	timed policies "$N-change" xfrm change_xfrm
	ip -n "$X" xfrm policy flush
}

load_swan() { PEER_PATIENCE=3600 swan --load-conns; }
show_swan() { PEER_PATIENCE=3600 swan --list-conns; }
by_swan() {
	swan_conf "$N" >"$SWAN/swanctl.conf"
	timed policies "$N-assign" strongswan load_swan || return
	timed policies "$N-show" strongswan show_swan
	swan_conf "$N" 7 >"$SWAN/swanctl.conf"
	timed policies "$N-change" strongswan load_swan
	memory_of "$N-agent" strongswan "$(pgrep -x charon-systemd)"
}

peers() {
	by_nft
	[ "$N" -le "$PEER_MAX" ] || {
		for side in xfrm strongswan; do
			cannot policies "$N-assign" $side "takes too long (FULL=1 tries)"
		done
		return
	}
	by_xfrm
	by_swan
}

mount_peer strongswan
load_module
ns_add A B T X
link A eth0 B eth0
addr A eth0 $A4/24
addr B eth0 $B4/24
chmod 755 "$TMP"
services_start A
swan_start
for N in $NUMBERS; do
	ours
	peers
done
for program in policy-agent ike cred; do stop "A-ipsec-$program"; done
finish
