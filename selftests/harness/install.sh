#!/bin/bash
# SPDX-License-Identifier: MIT
# "make install" is complete: programs, links, manual pages, units, and a driver that dkms builds
# from what is installed and that loads into the stock kernel.
# check: timeout=900
#
# It is installed in a UML guest, over this machine's files, and so is gone afterwards; the
# module that dkms made there goes to a VM.
set -u
cd "$TOP" || exit
count=0 failed=0

check() { # NAME COMMAND...
	local name=$1
	shift
	count=$((count + 1))
	if "$@" >"$log" 2>&1; then
		echo "ok $count - $name"
	else
		failed=1
		echo "not ok $count - $name"
		tail -n 20 "$log" | sed 's/^/# /'
	fi
}

in_guest() { # KERNEL
	log=/run/log
	kernel=$1
	version=$(make -s print-VERSION)
	check "it installs" make -s install
	check "programs" programs
	check "the other command name" test -L /usr/sbin/ipseccmd
	check "manual pages" manual_pages
	check "units" units
	check "dkms builds and installs the driver" driver
	check "no checkout's folder in what is installed" clean
}

programs() {
	local p
	for p in $(make -s print-PROGS); do
		[ -x "/usr/sbin/$p" ] || { echo "missing: $p"; return 1; }
	done
}
manual_pages() {
	local f
	for f in Documentation/man/*.[1-8]; do
		[ -e "$f" ] || { echo "no manual pages"; return 1; }
		[ -s "/usr/share/man/man${f##*.}/${f##*/}" ] || { echo "missing: $f"; return 1; }
	done
}
units() {
	local f
	for f in $(make -s print-UNITS); do
		systemd-analyze verify --man=no "/usr/lib/systemd/system/${f##*/}" || return
	done
	[ -n "${f-}" ] || { echo "no units"; return 1; }
}
driver() {
	dkms install -m ipsec-policy -v "$version" -k "$kernel" ||
		{ cat "/var/lib/dkms/ipsec-policy/$version/build/make.log"; return 1; }
	modinfo -k "$kernel" ipsecdrv && cp "$(modinfo -k "$kernel" -n ipsecdrv)" "$IPD_OUT/"
}
clean() {
	local file
	for file in $(make -s print-UNITS print-MAN print-COMPLETIONS) dkms.conf; do
		find /usr/lib /usr/share /usr/src -name "${file##*/}" -exec grep -F "$TOP/" {} +
	done | tee /run/found
	[ ! -s /run/found ]
}

loads() {
	cat >"$dir/load" <<'END'
#!/bin/bash
set -e
file=$(echo "$IPD_OUT"/ipsecdrv.ko*)
modprobe -a $(modinfo -F depends "$file" | tr , ' ')
insmod "$file"
cat /sys/module/ipsecdrv/initstate
rmmod ipsecdrv
END
	chmod +x "$dir/load"
	scripts/vm run --no-module --timeout 300 --out "$dir" "$dir/load"
}

if [ -n "${IPD_TIER-}" ]; then
	in_guest "$1"
	echo "count $count"
	exit $failed
fi

dir=$(mktemp -d) || exit
trap 'rm -rf "$dir"' EXIT
log=$dir/log
scripts/uml run --no-module --mem 2048 --timeout 600 --out "$dir" "$0" "$(scripts/vm kernels | head -n 1)" |
	tee "$dir/output" | grep -v '^count '
failed=${PIPESTATUS[0]}
count=$(sed -n 's/^count //p' "$dir/output")
count=${count:-0}
check "that driver loads into the stock kernel and unloads" loads
echo "1..$count"
exit "$failed"
