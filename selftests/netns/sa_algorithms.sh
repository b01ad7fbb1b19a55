#!/bin/bash
# SPDX-License-Identifier: MIT
# check: tiers=uml also=uml-debug,vm timeout=900
#
# Every algorithm, AH and ESP, IPv4 and IPv6, against XFRM: pings of all kinds of sizes, and a
# TCP stream in both directions for each cipher and for AH. Under emulation, where it is about the
# stock kernel's own code for each algorithm, not every pair of cipher and hash.
. "$TOP/selftests/lib.sh"
. "$TOP/selftests/xfrm.sh"

xfrm_topology
load_module

rows_of() { # CIPHER INTEGRITY: rows of features.tsv that a case proves
	local rows='F13 F14'
	case $1 in none) rows+=' F15' ;; *) rows+=' F16' ;; esac
	case $1 in null) rows+=' F19' ;; des | 3des) rows+=' F21' ;; esac
	case $2 in md5 | sha1) rows+=' F20' ;; esac
	echo "$rows"
}

# one algorithm, one family
one() { # FAMILY CIPHER INTEGRITY
	local name remote
	name="$(rows_of "$2" "$3") IPv$1 $(protocol_of "$2") $2 $3"
	remote=B$1
	both_up "$@"
	check "$name: pings" ping_sizes A "${!remote}" 0 1 15 16 17 1400 8000
	case $1-$2-$3 in
	4-null-md5 | 4-3des-sha1 | 4-aes128-sha256 | [46]-gcm128-none | 6-aes256-sha512 | [46]-none-sha1)
		check "$name: a stream to XFRM" transfer A B "$1" "$bytes"
		check "$name: a stream from XFRM" transfer B A "$1" "$bytes" ;;
	esac
	both_down
}

wanted() { # CIPHER INTEGRITY
	[ "$IPD_TIER" = vm ] || return 0
	case $1-$2 in
	null-md5 | des-md5 | 3des-sha1 | aes128-sha256 | aes192-sha384 | aes256-sha512 | none-sha1) ;;
	*) return 1 ;;
	esac
}

bytes=$((3000000 / SLOW))
for family in 4 6; do
	driver_up $family
	before=$(drop_snapshot)
	for integrity in md5 sha1 sha256 sha384 sha512; do
		for cipher in null des 3des aes128 aes192 aes256 none; do
			! wanted $cipher $integrity || one $family $cipher $integrity
		done
	done
	# encryption alone
	for cipher in des 3des aes128 aes256; do ! wanted $cipher none || one $family $cipher none; done
	for cipher in gcm128 gcm256; do one $family $cipher none; done
	same "F13 F14 IPv$family: nothing was dropped" '' "$(drop_changes "$before")"
	driver_down
done

need on A ipdtool mode permit
need unload_module
check_world
finish
