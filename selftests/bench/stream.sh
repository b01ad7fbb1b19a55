#!/bin/bash
# SPDX-License-Identifier: MIT
# One TCP stream in transport mode: the driver, XFRM, and XFRM with esp4_offload, which takes over
# the whole kernel once it is loaded and therefore comes last.
#
#   OA -- OB      XA -- XB      CA -- CB
. "$TOP/selftests/lib.sh"
. "$TOP/selftests/bench/bench.sh"

# VARIANT CIPHER INTEGRITY; XFRM has no offload for AH
VARIANTS='null-sha1 null sha1
3des-sha1 3des sha1
aes-cbc-sha256 aes128 sha256
aes-gcm gcm128 none
ah-sha1 none sha1'

stream() { measure stream "$1" "$2" rate tcp "$3" "$4" $B4 "$WINDOW"; } # VARIANT SIDE FROM TO

# rounds VARIANT SUFFIX SIDE-OF-XFRM
rounds() {
	local round
	for ((round = 0; round < ROUNDS; round++)); do
		stream "$1" "ours$2" "$OA" "$OB"
		stream "$1" "xfrm$2" "$XA" "$XB"
	done
}

both_keys() { # CIPHER INTEGRITY
	ours_keys OA OB "$1" "$2"
	xfrm_keys XA XB "$1" "$2"
}

# each variant that was asked for: for_each SUFFIX
for_each() {
	local variant cipher integrity
	while read -r variant cipher integrity; do
		[[ " ${IPD_VARIANTS:-$variant} " == *" $variant "* ]] || continue
		[ "$1$cipher" != -offloadnone ] || continue
		both_keys "$cipher" "$integrity"
		rounds "$variant" "$1"
	done <<<"$VARIANTS"
}

pair OA OB
pair XA XB
pair CA CB
load_module
ours_start OA OB
for ((round = 0; round < ROUNDS; round++)); do stream none clear "$CA" "$CB"; done
for_each ''
if offload_loaded; then
	for_each -offload
else
	cannot stream all xfrm-offload this kernel has no esp4_offload
fi
finish
