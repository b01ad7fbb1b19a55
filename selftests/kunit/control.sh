#!/bin/bash
# SPDX-License-Identifier: MIT
# The checking kernel reports every planted bug: what proves that silence means health.
# check: tiers=uml-debug timeout=120 allow-splat
. "$TOP/selftests/lib.sh"
CONTROL=${IPD_MODULE%/*}/ipsecdrv_control.ko

# reported BUG PATTERN: loading the bug makes the kernel say so, in a line that we look for
reported() {
	local before
	before=$(kernel_log | wc -l)
	insmod "$CONTROL" bug="$1" || return
	rmmod ipsecdrv_control || return
	kernel_log | tail -n "+$((before + 1))" | tee "$TMP/said" | bad_kernel_lines | grep -E "$2" ||
		{ cat "$TMP/said"; false; }
}

refuse "an unknown bug is refused" insmod "$CONTROL" bug=none
check_world "the log is clean before"

# Lock checking ends with its first finding, and at any report of damaged memory: first these.
check "dereference outside of RCU" reported rcu 'suspicious RCU usage'
check "sleep under a spinlock" reported sleep 'sleeping function called|scheduling while atomic'
check "lock order" reported lock-order 'possible circular locking'
check "shift too far" reported shift 'UBSAN: shift-out-of-bounds'
check "index too big" reported index 'UBSAN: array-index-out-of-bounds'
check "reference count" reported refcount 'refcount_t:'
check "list" reported list 'list_del corruption'
check "free of an active timer" reported active-timer 'ODEBUG: free active'
check "out of bounds, heap" reported oob 'KASAN: slab-out-of-bounds'
check "out of bounds, global" reported oob-global 'KASAN: global-out-of-bounds'
check "use after free" reported uaf 'KASAN: (slab-)?use-after-free'
check "double free" reported double-free 'KASAN: (double-free|invalid-free)'
# of Linux 7.2 so long a report that nothing before it is left in the log
check "slab with objects left" reported slab 'Objects remaining'

insmod "$CONTROL" bug=leak && rmmod ipsecdrv_control
check "leak" test -n "$(our_leaks)"
finish
