#!/bin/bash
# SPDX-License-Identifier: MIT
# What each way through the driver costs a packet: forwarded with no driver, with no filters, with
# one that permits, one that blocks; and out of a socket under ESP, and into one.
#
#   NS -- NR (no driver)    OS -- OR (driver)    OA -- OB, XA -- XB, CA -- CB as elsewhere
. "$TOP/selftests/lib.sh"
. "$TOP/selftests/bench/bench.sh"

SIZE=64

echo "192.0.2.1 198.51.100.1 1000 2000" >"$TMP/flow"

# filters [WORDS]: the router's only filter
filters() { need inside OR ipdtool load - <<<"$*"; }

forwarding() {
	local filter="id=1 local=192.0.2.0/24 remote=198.51.100.0/24"
	forwarded path forwarded none cost NS NR "$TMP/flow"
	need inside OR ipdtool mode permit 3
	forwarded path forwarded mode-permit cost OS OR "$TMP/flow"
	need inside OR ipdtool mode secure 3
	filters
	forwarded path forwarded no-filters cost OS OR "$TMP/flow"
	filters "$filter out=permit in=permit"
	forwarded path forwarded permit cost OS OR "$TMP/flow"
	filters "$filter out=block in=block"
	forwarded path forwarded block sent OS OR "$TMP/flow"
}

# what is not received is sent to where nothing is: the wire's far end is taken away
ends() { # SIDE A B
	local -n a_=$2 b_=$3
	measure path "both-ends" "$1" cost udp "$a_" "$b_" $B4 "$WINDOW" $SIZE 1
}
out() { # SIDE A
	local -n a_=$2
	measure path out "$1" cost out "$a_" $B4 "$WINDOW" $SIZE
}
shut() { # B: takes frames at the door, before anything looks at them
	need on "$1" nft -f - <<-'END'
		table netdev shut {
			chain in { type filter hook ingress device eth0 priority 0; policy drop; }
		}
	END
}
open() { need on "$1" nft delete table netdev shut; }

one_way() {
	ends ours OA OB
	ends xfrm XA XB
	ends clear CA CB
	for host in OB XB CB; do shut $host; done
	out ours OA
	out xfrm XA
	out clear CA
	for host in OB XB CB; do open $host; done
}

pair OA OB
pair XA XB
pair CA CB
gateway NS NR
gateway OS OR
load_module
ours_start OA OB
defer inside OR ipdtool mode permit
ours_keys OA OB gcm128 none
xfrm_keys XA XB gcm128 none
for ((round = 0; round < ROUNDS; round++)); do
	forwarding
	one_way
done
finish
