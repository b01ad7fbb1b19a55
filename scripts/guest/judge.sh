# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# Is this guest's kernel content?  Sourced by stage2 and selftests/lib.sh.  What cannot be judged
# is not content: a failure to read or to search is reported as a complaint of the kernel.

# Read at once: later there may be no descriptor left to open them with.
JUDGE_BAD=$(grep -v '^#' "$(dirname "${BASH_SOURCE[0]}")/dmesg-bad") || JUDGE_BAD=.
JUDGE_KNOWN=$(grep -v '^#' "$(dirname "${BASH_SOURCE[0]}")/dmesg-known")
UNREADABLE='BUG: the kernel log cannot be read and judged'

# The kernel's log after the line that holds MARK, or all of it if that has been overwritten.
kernel_log_since() { # MARK
	dmesg | awk -v mark="$1" '{ line[n++] = $0 }
		index($0, mark) { n = 0 }
		END { for (i = 0; i < n; i++) print line[i] }'
	[ "${PIPESTATUS[*]}" = '0 0' ] || echo "$UNREADABLE"
}

# Lines of a log on stdin that a healthy kernel never says.
bad_kernel_lines() {
	local text
	text=$(grep -E -e "$JUDGE_BAD") || { [ $? -eq 1 ] || echo "$UNREADABLE"; return 0; }
	[ -z "$JUDGE_KNOWN" ] || text=$(grep -v -E -e "$JUDGE_KNOWN" <<<"$text")
	[ -z "$text" ] || printf '%s\n' "$text"
}

# Objects that nothing refers to and whose allocation went through a module of ours, also when it
# has been unloaded since: then its frames have no symbol any more.  The first scan finds
# candidates, the second confirms them; kmemleak ignores what is younger than 5 s.
our_leaks() {
	local file=/sys/kernel/debug/kmemleak
	[ -e $file ] || return 0
	echo scan >$file && sleep 5 && echo scan >$file || echo "kmemleak cannot scan"
	awk '/^unreferenced object/ { if (ours) printf "%s", text; text = ""; ours = 0 }
	     { text = text $0 "\n" }
	     /\[ipsecdrv|^ *(\[<[0-9a-f]+>\] )?0x[0-9a-f]+$/ { ours = 1 }
	     END { if (ours) printf "%s", text }' $file || echo "kmemleak cannot be read"
}
