#!/bin/bash
# SPDX-License-Identifier: MIT
# "make install" is complete: programs, links, manual pages, units, and a driver that builds
# from what is installed for DKMS alone.
# check: timeout=300
set -u
cd "$TOP" || exit
root=$(mktemp -d) || exit
trap 'rm -rf "$root"' EXIT
count=0 failed=0

check() { # NAME COMMAND...
	local name=$1
	shift
	count=$((count + 1))
	if "$@" >"$root/log" 2>&1; then
		echo "ok $count - $name"
	else
		failed=1
		echo "not ok $count - $name"
		tail -n 20 "$root/log" | sed 's/^/# /'
	fi
}

programs() {
	local p
	for p in $(make -s print-PROGS); do
		[ -x "$root/usr/sbin/$p" ] || { echo "missing: $p"; return 1; }
	done
}
manual_pages() {
	local f
	for f in Documentation/man/*.[1-8]; do
		[ -e "$f" ] || return
		[ -s "$root/usr/share/man/man${f##*.}/${f##*/}" ] || { echo "missing: $f"; return 1; }
	done
}
units() {
	local f
	for f in "$root"/usr/lib/systemd/system/*; do
		[ -e "$f" ] || { echo "no units"; return 1; }
		! grep -n '@' "$f" || return
	done
}
driver() {
	local kdir src
	kdir=$(scripts/module kdir) && src=$(echo "$root"/usr/src/ipsec-policy-*) || return
	grep -q '^PACKAGE_VERSION="[0-9]' "$src/dkms.conf" && make -C "$kdir" M="$src" modules &&
		modinfo "$src/ipsecdrv.ko"
}

check "installs into DESTDIR" make -s install DESTDIR="$root"
check "programs" programs
check "the other command name" test -L "$root/usr/sbin/ipseccmd"
check "manual pages" manual_pages
check "units" units
check "the driver builds from the installed source" driver
check "no checkout's folder in what is installed" \
	test -z "$(grep -rlF "$TOP/" "$root/usr/lib" "$root/usr/share" "$root"/usr/src/*/dkms.conf)"
echo "1..$count"
exit $failed
