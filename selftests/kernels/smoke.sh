#!/bin/bash
# SPDX-License-Identifier: MIT
# check: tiers=trixie,sid also=vm,uml timeout=150
#
# The driver in other kernels than the one that it is developed on: it loads, filters, speaks ESP
# with that kernel's XFRM, also in packets that have to be fragmented, and can be unloaded.
# Few tests, since emulation is slow: each takes a way through kernel/compat.h.
. "$TOP/selftests/lib.sh"
. "$TOP/selftests/xfrm.sh"

xfrm_topology
diag "kernel $(uname -r)"
load_module

one() { # ROWS FAMILY CIPHER INTEGRITY
	local remote=B$2 before
	before=$(drop_snapshot)
	driver_up "$2"
	both_up "${@:2}"
	check "$1 IPv$2 $3 $4: pings, whole and in fragments" ping_sizes A "${!remote}" 0 1400 8000
	check "$1 IPv$2 $3 $4: a stream to XFRM" transfer A B "$2" 100000
	same "F13 F14 IPv$2 $3 $4: nothing was dropped" '' "$(drop_changes "$before")"
	both_down
	driver_down
}

need on A ipdtool mode secure
need on A ipdtool add id=9 out=block in=block local=me remote=$B4
refuse "F04 a blocked host is not spoken to" on A ping -c 1 -W 1 $B4
check "F02 the other family is unaffected" on A ping -c 1 -W "$(secs 2)" $B6
need on A ipdtool del 9

one 'F16 F20' 4 aes128 sha1
one 'F15 F20' 6 none sha1
one 'F16' 6 gcm128 none

need on A ipdtool mode permit
need unload_module
check "the driver can be unloaded" not module_loaded
check_world
finish
