#!/bin/bash
# SPDX-License-Identifier: MIT
# What the services may do at most, as "systemd-analyze security" rates it: from 0, nothing, to 10. Below 5
# it says "OK".
# check: timeout=120
set -u
cd "$TOP" || exit
count=0 failed=0
dir=$(mktemp -d) || exit
trap 'rm -rf "$dir"' EXIT

# Nobody has to have installed anything: only the places of the programs are filled in.
for unit in userland/units/*.service; do
	sed 's#@[a-z]*dir@#/usr/sbin#' "$unit" >"$dir/${unit##*/}"
done

at_most() { # TENTHS UNIT
	count=$((count + 1))
	if systemd-analyze security --offline=true --threshold="$1" "$dir/$2" >"$dir/said" 2>&1; then
		echo "ok $count - $2 is exposed by $1 tenths at most"
	else
		failed=1
		echo "not ok $count - $2 is exposed by $1 tenths at most"
		grep -a '✗' "$dir/said" | sed 's/^/# /'
	fi
	grep -a 'Overall exposure level' "$dir/said" | sed 's/^[^O]*/# /' || failed=1
}

at_most 19 ipsec-ike.service
at_most 29 ipsec-cred.service
at_most 29 ipsec-policy-agent.service
at_most 49 ipsec-policy-boot.service
at_most 19 ipsec-policy-options@.service
echo "1..$count"
exit "$failed"
