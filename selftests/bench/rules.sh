# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# The same rules for everybody: mixed shapes, of which only those for any host may match what others
# match, so that they mean the same to those who take the most specific (driver), the first (nft
# rules, XFRM by priority) and the only one (nft set). Sourced after lib.sh.
#
#	first	any			any			UDP, a port, 1 of 100 and 10 at most
#	of five	source			destination		protocol and port
#	1	10.1.x.y		10.9.x.y
#	1	any			10.(32+).x.0/24
#	1	10.2.0.0/16		10.3.x.y		TCP, a port
#	1	10.4.0.0/24		10.5.0.0/24		UDP, each another port
#	1	10.6.x.y		10.7.0.0/16
#
# Of those, every tenth blocks; no flow below is one that is blocked. Beyond 160,000 rules the networks
# go on in 11.0.0.0/8 and so on, and the ports with the next /24. N is at most 100,000 for nft and
# XFRM, whose ports would not suffice.

# rules N: lines of SOURCE DESTINATION PROTOCOL PORT permit|block, with 0 for any
rules() {
	awk -v n="$1" '
	function host(net, k) { return sprintf("%d.%d.%d.%d", 10 + k / 65536, net, k / 256 % 256, k % 256) }
	BEGIN {
		any = "0.0.0.0/0"
		first = n > 900 ? 10 : int((n + 99) / 100)
		for (i = 0; i < first; i++)
			print any, any, "udp", 60001 + i, "permit"
		for (i = 0; i < n - first; i++) {
			k = int(i / 5)
			action = i % 10 == 9 ? "block" : "permit"
			if (i % 5 == 0)
				print host(1, k) "/32", host(9, k) "/32", 0, 0, action
			else if (i % 5 == 1)
				print any, sprintf("%d.%d.%d.0/24", 10 + k / 32768, 32 + k / 256 % 128,
					k % 256), 0, 0, action
			else if (i % 5 == 2)
				print "10.2.0.0/16", host(3, k) "/32", "tcp", 1 + k % 60000, action
			else if (i % 5 == 3)
				print "10.4.0.0/24", sprintf("10.5.%d.0/24", k / 60000), "udp",
					1 + k % 60000, action
			else
				print host(6, k) "/32", "10.7.0.0/16", 0, 0, action
		}
	}'
}

# Each reads rules and writes what its owner loads.
ours_rules() { # for ipdtool load
	awk '{ printf "id=%d out=%s in=%s local=%s remote=%s", NR, $5, $5,
		$1 == "0.0.0.0/0" ? "any" : $1, $2 == "0.0.0.0/0" ? "any" : $2
		if ($3) printf " proto=%s rport=%d", $3, $4
		print "" }'
}

# for ip -batch; the mirror, too, as the driver's filters have it: xfrm_rules both|out
xfrm_rules() {
	awk -v mirror="$1" 'function policy(dir, from, to, port) {
		printf "xfrm policy add src %s dst %s%s dir %s priority %d action %s\n", from, to,
			$3 ? " proto " $3 " " port " " $4 : "", dir, NR, $5 == "block" ? "block" : "allow" }
	{
		policy("out", $1, $2, "dport")
		if (mirror == "both") policy("fwd", $2, $1, "sport")
	}'
}

nft_linear() { # for nft -f; a rule after the other
	printf '%s\n' 'table ip bench {' 'chain forward {' \
		'type filter hook forward priority 0; policy accept;'
	awk '{ if ($1 != "0.0.0.0/0") printf "ip saddr %s ", $1
		if ($2 != "0.0.0.0/0") printf "ip daddr %s ", $2
		if ($3) printf "%s dport %d ", $3, $4
		print $5 == "block" ? "drop" : "accept" }'
	printf '%s\n' '}' '}'
}

# for nft -f; one set of all fields, and rules for what would be inside every element
nft_set() {
	awk '{ verdict = $5 == "block" ? "drop" : "accept" }
	$1 == "0.0.0.0/0" && $2 == "0.0.0.0/0" {
		first = first sprintf("%s dport %d %s\n", $3, $4, verdict)
		next
	}
	{ element[n++] = sprintf("%s . %s . %s . %s : %s", $1, $2, $3 ? $3 : "0-255",
		$4 ? $4 : "0-65535", verdict) }
	END {
		print "table ip bench {"
		print "map rules {"
		print "type ipv4_addr . ipv4_addr . inet_proto . inet_service : verdict; flags interval;"
		if (n) printf "elements = { "
		for (i = 0; i < n; i++) printf "%s%s", element[i], i + 1 < n ? ",\n" : " }\n"
		print "}"
		print "chain forward {"
		print "type filter hook forward priority 0; policy accept;"
		printf "%s", first
		print "ip saddr . ip daddr . meta l4proto . th dport vmap @rules"
		print "}"
		print "}"
	}'
}

# A few flows, of which five are permitted by a rule each, of another shape, however many rules there
# are, and three by none.
few_flows() {
	cat <<-'END'
		10.1.0.1 10.9.0.1 4000 80
		10.200.0.1 10.32.0.9 4001 80
		10.4.0.9 10.5.0.9 4002 1
		10.6.0.0 10.7.1.1 4003 443
		10.200.0.1 10.201.0.1 4004 60001
		10.4.0.9 10.5.0.9 4005 59999
		10.200.0.2 10.201.0.2 4006 53
		10.200.0.3 10.201.0.3 4007 123
	END
}

# So many that no cache of flows helps. No rule is for them, so that nothing ends a search early.
scan_flows() {
	awk 'BEGIN { for (i = 0; i < 16384; i++)
		printf "10.4.0.%d 10.5.0.%d %d %d\n", 1 + i % 199, 1 + i % 251, 1024 + i % 5000,
			30001 + i }'
}
