#!/bin/bash
# SPDX-License-Identifier: MIT
# check: timeout=900 time-travel
#
# Long times with strongSwan: rekeys that our side starts, crashes of both sides. The guest's clock
# jumps while everybody waits. The picture is in selftests/peer.sh.
. "$TOP/selftests/lib.sh"
. "$TOP/selftests/hosts.sh"
PEER=strongswan
. "$TOP/selftests/peer.sh"

peer_up
MM_OFFERS=AES128-SHA1-3 QM_OFFERS="ESP[AES128,SHA1]:100000k/300s"

rekeyed() {
	swan --rekey --child n >/dev/null 2>&1	# into a main mode that only it knows
	# nothing comes of it; when the lifetime ends a new main mode does
	on A ping -c 90 -i 4 -W 1 "$B4" >/dev/null
	has_new || return
	reaches B "$A4" && reaches A "$B4"
}
has_new() { [ "$(comm -13 <(echo "$before") <(spis) | wc -l)" -ge 2 ]; }
between() { [ "$1" -le "$2" ] && [ "$2" -le "$3" ]; }
spis() { ip -n "$B" xfrm state | grep -o 'spi 0x[0-9a-f]*' | sort; }

need swan_config aes128-sha1-modp2048 esp aes128-sha1
need policy_on A "$B4"
check "K01 ours starts" reaches A "$B4"
before=$(spis)

# For more than two lifetimes.
on A ping -c 160 -i 4 -W 1 "$B4" >"$TMP/ping" 2>&1
lost=$((160 - $(sed -n 's/.* transmitted, \([0-9]*\) received.*/\1/p' "$TMP/ping")))
same "K20 no packet is lost over two lifetimes" 0 "$lost"
same "K20 no association is as old as that" '' "$(comm -12 <(echo "$before") <(spis))"
rekeys=$(service_log A ipsec-policy-agent | grep -c 'quick mode established')
check "K20 strongSwan saw renewals, not new beginnings" grep -q 'detected rekeying' "$SWAN/charon.log"
check "K20 rekeyed in time, not more often ($rekeys negotiations)" between 3 "$rekeys" 5

# --- crashes --------------------------------------------------------------

stop charon KILL
ip -n "$B" xfrm state flush
ip -n "$B" xfrm policy flush
rm -f "$SWAN/vici"
swan_start
need swan_config aes128-sha1-modp2048 esp aes128-sha1
check "strongSwan comes back after a crash, and starts" swan --initiate --child n
check "packets pass, from strongSwan" reaches B "$A4"
check "packets pass, from ours" reaches A "$B4"

stop A-ipsec-ike KILL
check "the driver protects on without ipsec-ike" reaches A "$B4"
service A ipsec-ike
wait_for 30 services_ready A || bail "ipsec-ike is back"
before=$(spis)
check "strongSwan rekeys with an ipsec-ike that knows nothing of the main mode" rekeyed
part
check_world
finish
