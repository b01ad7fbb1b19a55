#!/bin/bash
# SPDX-License-Identifier: MIT
# Datagrams of 64 bytes under AES-GCM, both ends together: one flow and 64, and among 1,000
# policies that share their subnets and differ in port. What the cipher alone takes of it is told by
# the kernel's own module for that.
#
#   OA -- OB      XA -- XB      CA -- CB
. "$TOP/selftests/lib.sh"
. "$TOP/selftests/bench/bench.sh"

SIZE=64

datagrams() { measure datagram "$1" "$2" cost udp "$3" "$4" $B4 "$WINDOW" $SIZE "$5"; } # VARIANT SIDE FROM TO FLOWS

# rounds VARIANT FLOWS SUFFIX
rounds() {
	local round
	for ((round = 0; round < ROUNDS; round++)); do
		datagrams "$1" "ours$3" "$OA" "$OB" "$2"
		datagrams "$1" "xfrm$3" "$XA" "$XB" "$2"
		[ -n "$3" ] || datagrams "$1" clear "$CA" "$CB" "$2"
	done
}

# The receiver's policies for other services of the sender's network; all come before its own.
SERVICES=1000
services() {
	seq 2 $((SERVICES + 1)) |
		sed 's/.*/id=& out=block in=block local=192.0.2.0\/24 remote=192.0.2.0\/24 proto=udp lport=&/' >"$TMP/services"
	echo "id=1 out=negotiate in=negotiate local=me remote=$A4" >>"$TMP/services"
	need inside OB ipdtool load "$TMP/services"
	seq 2 $((SERVICES + 1)) |
		sed "s/.*/xfrm policy add src 192.0.2.0\/24 dst 192.0.2.0\/24 proto udp dport & dir in priority 1 action block/" >"$TMP/policies"
	need ip -n "$XB" -batch "$TMP/policies"
}

# Instructions of one AES-GCM operation on what a datagram of this size becomes: padded to a
# multiple of 4, with the UDP header. The module measures blocks of 64 and 256 bytes and never stays.
cipher_cost() {
	local mark="bench $$ cipher"
	[ "$UNIT" = instructions ] || {
		cannot datagram cipher each counts cycles, which are instructions in one kind of guest only
		return
	}
	echo "$mark" >/dev/kmsg
	modprobe tcrypt mode=211 sec=0 2>/dev/null
	# "test 1 (160 bit key, 64 byte blocks):", and behind it or below: "1 operation in 1777 cycles"
	kernel_log_since "$mark" | awk '
		/testing speed of/ { way = /rfc4106/ ? /decryption/ ? "decrypt" : "encrypt" : "" }
		/bit key/ { wanted = way != "" && /160 bit key, 64 byte blocks/ }
		wanted && match($0, /in [0-9]+ cycles/) {
			print "figure datagram cipher", way, "instructions", substr($0, RSTART + 3, RLENGTH - 10), 0
			found++
			wanted = 0
		}
		END { if (!found) print "cannot datagram cipher each this kernel has no module tcrypt" }'
}

pair OA OB
pair XA XB
pair CA CB
load_module
ours_start OA OB
ours_keys OA OB gcm128 none
xfrm_keys XA XB gcm128 none
rounds one-flow 1 ''
rounds 64-flows 64 ''
cipher_cost
services
rounds among-services 1 ''
if offload_loaded; then
	need ip -n "$XB" xfrm policy flush
	ours_keys OA OB gcm128 none
	xfrm_keys XA XB gcm128 none
	rounds one-flow 1 -offload
else
	cannot datagram one-flow xfrm-offload this kernel has no esp4_offload
fi
finish
