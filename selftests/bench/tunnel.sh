#!/bin/bash
# SPDX-License-Identifier: MIT
# Datagrams of 64 bytes that are forwarded through a tunnel, both gateways together: of one flow, and
# of so many that no cache of flows helps.
#
#   S ---- N ============== F ---- (nowhere)     for each side: the driver, XFRM, no tunnel
#          192.0.2.1        192.0.2.2
#   10.1.0.0/16                    10.9.0.0/16
. "$TOP/selftests/lib.sh"
. "$TOP/selftests/bench/bench.sh"

NEAR_NET=10.1.0.0/16 FAR_NET=10.9.0.0/16

gateways() { # SENDER NEAR FAR
	local -n near_=$2
	pair "$2" "$3"
	sender "$1" "$2"
	sink "$3"
	need ip -n "$near_" route add $FAR_NET via $B4
	need on "$3" sysctl -qw net.ipv4.ip_forward=1 net.ipv4.conf.eth0.rp_filter=0
}

ours_gateway() { # HOST LOCAL REMOTE NET-HERE NET-THERE
	need inside "$1" ipdtool mode secure 3
	need inside "$1" ipdtool add id=1 class=tunnel out=negotiate in=negotiate \
		local="$4" remote="$5" tl="$2" tr="$3"
}
ours_gateways() { # NEAR FAR CIPHER INTEGRITY
	ours_gateway "$1" $A4 $B4 $NEAR_NET $FAR_NET
	ours_gateway "$2" $B4 $A4 $FAR_NET $NEAR_NET
	ours_end "$2" $B4 $A4 $IN_SPI $OUT_SPI "$3" "$4" encap=tunnel sel=$FAR_NET,$NEAR_NET
	ours_end "$1" $A4 $B4 $OUT_SPI $IN_SPI "$3" "$4" encap=tunnel sel=$NEAR_NET,$FAR_NET
	defer driver_gone "$1" "$2"
}

xfrm_gateway() { # HOST LOCAL REMOTE OUT-SPI IN-SPI CIPHER INTEGRITY NET-HERE NET-THERE
	local template dir
	template="proto $(protocol_of "$6") mode tunnel level required"
	{
		echo "xfrm policy add src $8 dst $9 dir out priority 1000 tmpl src $2 dst $3 $template"
		for dir in in fwd; do
			echo "xfrm policy add src $9 dst $8 dir $dir priority 1000 tmpl src $3 dst $2 $template"
		done
	} | xfrm_states "${@:1:7}" tunnel
}
xfrm_gateways() { # NEAR FAR CIPHER INTEGRITY
	xfrm_gateway "$2" $B4 $A4 $IN_SPI $OUT_SPI "$3" "$4" $FAR_NET $NEAR_NET
	xfrm_gateway "$1" $A4 $B4 $OUT_SPI $IN_SPI "$3" "$4" $NEAR_NET $FAR_NET
}

tunnelled() { # VARIANT FLOWS SUFFIX
	local round
	for ((round = 0; round < ROUNDS; round++)); do
		forwarded tunnel "$1" "ours$3" cost OS OF "$TMP/$2"
		forwarded tunnel "$1" "xfrm$3" cost XS XF "$TMP/$2"
		[ -n "$3" ] || forwarded tunnel "$1" clear cost CS CF "$TMP/$2"
	done
}

echo "10.1.0.1 10.9.0.1 4000 80" >"$TMP/one"
awk 'BEGIN { for (i = 0; i < 16384; i++)
	printf "10.1.%d.%d 10.9.%d.%d %d 80\n", i / 250, 1 + i % 250, i % 200, 1 + i % 199, 1024 + i }' >"$TMP/scan"
gateways OS ON OF
gateways XS XN XF
gateways CS CN CF
load_module
ours_gateways ON OF gcm128 none
xfrm_gateways XN XF gcm128 none
tunnelled aes-gcm one ''
tunnelled aes-gcm-scan scan ''
if offload_loaded; then
	xfrm_gateways XN XF gcm128 none
	tunnelled aes-gcm one -offload
else
	cannot tunnel aes-gcm xfrm-offload this kernel has no esp4_offload
fi
finish
