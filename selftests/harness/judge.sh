#!/bin/bash
# SPDX-License-Identifier: MIT
# A kernel log that cannot be read or searched is never taken for a clean one.
set -u
. "$TOP/scripts/guest/judge.sh"
count=0 failed=0

complains() { # NAME WANTED: what the log after MARK makes the judge say
	local got
	got=$(kernel_log_since MARK 2>/dev/null | bad_kernel_lines 2>/dev/null)
	count=$((count + 1))
	if [ "$got" = "$2" ]; then
		echo "ok $count - $1"
	else
		failed=1
		printf 'not ok %d - %s\n# wanted: %s\n# got:    %s\n' "$count" "$1" "$2" "$got"
	fi
}

# shellcheck disable=SC2317 # called by what is tested
dmesg() { printf '%s\n' 'BUG: before' 'MARK' 'all is well' 'WARNING: after'; }
complains "only what comes after the mark counts" 'WARNING: after'
dmesg() { printf '%s\n' 'MARK' 'all is well'; }
complains "a clean log" ''
dmesg() { printf '%s\n' 'the mark was overwritten' 'WARNING: found'; }
complains "without the mark the whole log counts" 'WARNING: found'
dmesg() { return 1; }
complains "a log that cannot be read" "$UNREADABLE"
dmesg() { printf '%s\n' 'MARK' 'all is well'; }
awk() { return 127; }
complains "a log that cannot be cut" "$UNREADABLE"
unset -f awk
grep() { return 126; }
complains "a log that cannot be searched" "$UNREADABLE"
echo "1..$count"
exit $failed
