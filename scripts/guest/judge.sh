# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# Is this guest's kernel content?  Sourced by stage2 and selftests/lib.sh.

JUDGE=$(dirname "${BASH_SOURCE[0]}")

# Lines of the kernel's log on stdin that a healthy kernel never says.
bad_kernel_lines() {
	grep -E -f <(grep -v '^#' "$JUDGE/dmesg-bad") | grep -v -E -f <(grep -v '^#' "$JUDGE/dmesg-known")
}

# Objects that nothing refers to and whose allocation went through a module of ours, also when it
# has been unloaded since: then its frames have no symbol any more.  The first scan finds
# candidates, the second confirms them; kmemleak ignores what is younger than 5 s.
our_leaks() {
	local file=/sys/kernel/debug/kmemleak
	[ -e $file ] || return 0
	echo scan >$file
	sleep 5
	echo scan >$file
	awk '/^unreferenced object/ { if (ours) printf "%s", text; text = ""; ours = 0 }
	     { text = text $0 "\n" }
	     /\[ipsecdrv|\] 0x[0-9a-f]+$/ { ours = 1 }
	     END { if (ours) printf "%s", text }' $file
}
