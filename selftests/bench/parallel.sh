#!/bin/bash
# SPDX-License-Identifier: MIT
# One TCP stream whose cipher costs more than the path, on one CPU and on two: what "parallel" of the
# driver gains, and what XFRM does with the same ciphers and with pcrypt, the kernel's own way to
# spread them, which once it is asked for works for everybody and therefore comes last.
#
#   OA -- OB      XA -- XB
#
# Sides:
#   ours       parallel associations, both ends, both CPUs
#   serial     others, with both CPUs at their disposal
#   one-cpu    others, sender and receiver on one CPU, and so all between them
#   xfrm-*     the same of XFRM
# Reordered are the segments that came to the receiver's TCP before one that was sent earlier.
. "$TOP/selftests/lib.sh"
. "$TOP/selftests/bench/bench.sh"

# VARIANT CIPHER INTEGRITY
VARIANTS='aes-cbc-sha256 aes128 sha256
3des-sha1 3des sha1'

# the other guests' windows are shorter than what a scheduler needs
window=$(awk -v w="$WINDOW" 'BEGIN { print 10 * w }')

reordered() { inside "$1" awk '$1 == "TcpExt:" && !n { n = split($0, name); next }
	$1 == "TcpExt:" { for (i = 2; i <= n; i++) if (name[i] == "TCPOFOQueue") print $i }' /proc/net/netstat; }

stream() { # VARIANT SIDE FROM TO
	local before
	before=$(reordered "$4")
	measure parallel "$1" "$2" rate tcp "${!3}" "${!4}" $B4 "$window"
	figure parallel-order "$1" "$2" segments-reordered $(($(reordered "$4") - before)) 0
}
on_one_cpu() {
	local TRAFFIC=(taskset -c 0 traffic)
	stream "$@"
}

ours() { # VARIANT CIPHER INTEGRITY
	ours_keys OA OB "$2" "$3"
	on_one_cpu "$1" one-cpu OA OB
	stream "$1" serial OA OB
	ours_keys OA OB "$2" "$3" parallel
	stream "$1" ours OA OB
}
xfrm() { # VARIANT CIPHER INTEGRITY
	xfrm_keys XA XB "$2" "$3"
	on_one_cpu "$1" xfrm-one-cpu XA XB
	stream "$1" xfrm-serial XA XB
}
pcrypt() { # VARIANT CIPHER INTEGRITY
	xfrm_keys XA XB "$2" "$3"
	stream "$1" xfrm-pcrypt XA XB
}

rounds() { # FUNCTION...
	local round variant cipher integrity one
	while read -r variant cipher integrity; do
		[[ " ${IPD_VARIANTS:-$variant} " == *" $variant "* ]] || continue
		for ((round = 0; round < ROUNDS; round++)); do
			for one in "$@"; do "$one" "$variant" "$cipher" "$integrity"; done
		done
	done <<<"$VARIANTS"
}

# Binding a socket to an algorithm makes it; pcrypt's have the higher priority from then on. They are
# not found by that name afterwards, but by their driver's.
pcrypt_on() {
	modprobe -a pcrypt algif_aead || return
	python3 - 'pcrypt(authenc(hmac(sha256),cbc(aes)))' 'pcrypt(authenc(hmac(sha1),cbc(des3_ede)))' <<-'PYTHON'
		import contextlib, socket, sys
		for name in sys.argv[1:]:
		    with contextlib.suppress(FileNotFoundError):
		        socket.socket(socket.AF_ALG, socket.SOCK_SEQPACKET).bind(("aead", name))
	PYTHON
	[ "$(grep -cE '^driver +: pcrypt\(authenc\(hmac\((sha256|sha1)' /proc/crypto)" = 2 ] ||
		{ echo "error: pcrypt does not take the ciphers" >&2; false; }
}

if [ "$CPUS" -lt 2 ]; then
	cannot parallel all ours "this guest has one CPU (BENCH=vm has two)"
	finish
fi
pair OA OB
pair XA XB
load_module
ours_start OA OB
rounds ours xfrm
if pcrypt_on 2>"$TMP/pcrypt.log"; then
	rounds pcrypt
else
	cannot parallel all xfrm-pcrypt "$(complaint "$TMP/pcrypt.log")"
fi
finish
