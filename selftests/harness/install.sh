#!/bin/bash
# SPDX-License-Identifier: MIT
# "make install" is complete: programs, links, manual pages, units, and a driver that dkms builds
# from what is installed and that loads into the stock kernel.
# check: tiers=none also=here timeout=900
#
# It is installed in a UML guest, over this machine's files, and so is gone afterwards. The driver's
# source is also installed into a folder, where dkms, with folders of its own, builds it; the result
# goes to a VM.
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
	check "it installs" make -s install
	check "programs" programs
	check "the other command names" other_names
	check "manual pages" manual_pages
	check "units" units
	check "no checkout's folder in what is installed" clean
}

programs() {
	local p
	for p in $(make -s print-PROGS); do
		[ -x "/usr/sbin/$p" ] || { echo "missing: $p"; return 1; }
	done
}
other_names() {
	local p
	for p in ipseccmd ipsecpol; do
		[ -L "/usr/sbin/$p" ] && [ -s "/usr/share/man/man8/$p.8" ] || return
		"$p" --help | grep -q "^Usage: $p " || return
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
	local trees=(--sourcetree "$dir/installed/usr/src" --dkmstree "$dir/dkms"
		--installtree "$dir/installed/lib/modules")
	version=$(make -s print-VERSION)
	make -s install DESTDIR="$dir/installed" &&
		mkdir -p "$dir/dkms" "$dir/installed/lib/modules/$kernel" || return
	# dkms wants to be root, and makes a key in its folder if there is none.
	# shellcheck disable=SC2016 # expanded in there
	unshare --map-root-user --mount sh -c \
		'mkdir -p /var/lib/dkms && mount -t tmpfs tmpfs /var/lib/dkms && exec "$@"' - \
		make -s install-dkms KERNELVERSION="$kernel" DKMSFLAGS="${trees[*]} --no-depmod" ||
		{ cat "$dir/dkms/ipsec-policy/$version/build/make.log"; return 1; }
	find "$dir/installed/lib/modules/$kernel" -name 'ipsecdrv.ko*' -exec cp {} "$dir/" \; -quit
	modinfo "$dir"/ipsecdrv.ko*
}
# Somebody else's file and folder stay.
uninstalls() {
	local tree=$dir/installed
	touch "$tree/usr/sbin/other" &&
		make -s uninstall DESTDIR="$tree" || return
	find "$tree/usr" ! -type d -o -path '*/src/*' | tee "$dir/left"
	[ "$(cat "$dir/left")" = "$tree/usr/sbin/other" ]
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
	in_guest
	echo "count $count"
	exit $failed
fi

dir=$(mktemp -d) || exit
trap 'rm -rf "$dir"' EXIT
log=$dir/log
kernel=$(scripts/vm kernels | head -n 1)
scripts/uml run --no-module --timeout 600 --out "$dir" "$0" |
	tee "$dir/output" | grep -v '^count '
failed=${PIPESTATUS[0]}
count=$(sed -n 's/^count //p' "$dir/output")
count=${count:-0}
check "dkms builds and installs the driver" driver
check "that driver loads into the stock kernel and unloads" loads
check "it uninstalls, and only itself" uninstalls
echo "1..$count"
exit "$failed"
