#!/bin/bash
# SPDX-License-Identifier: MIT
# The packages: built twice alike, nothing for lintian to say, and in a fresh Debian 12 installed,
# used, upgraded, removed and purged.
# check: timeout=1500
#
# That Debian is a folder to change into (scripts/root), which needs root. No service runs there: a
# systemctl of our own writes down what the packages ask of it. selftests/boot has a real one.
set -u
cd "$TOP" || exit
. selftests/harness/root.sh
. selftests/release.sh

# --- build ------------------------------------------------------------------

build_first() {
	bash -ec "$(readme_block install | head -n 1)" && cp -r build/deb "$dir/debs"
}
# Elsewhere, as somebody else, with other habits. dpkg maps no folder whose name has a space.
build_again() {
	export -n TOP
	(umask 077 && TZ=Asia/Tokyo LC_ALL=C JOBS=3 unshare --map-user=1000 --map-group=1000 \
		scripts/deb "$dir/a-longer-way/again")
}
same_packages() {
	local deb
	for deb in "$dir"/debs/*.deb; do
		cmp "$deb" "$dir/a-longer-way/again/${deb##*/}" || return
	done
}
two_packages() {
	local version
	version=$(make -s print-VERSION)
	(cd "$dir/debs" && ls ./*.deb) >"$dir/names"
	diff - "$dir/names" <<-END
		./ipsec-policy-dkms_${version}_all.deb
		./ipsec-policy_${version}_amd64.deb
	END
}
no_complaints() {
	lintian --allow-root --fail-on error,warning --tag-display-limit 0 "$dir"/debs/*.changes >"$dir/lintian" 2>&1
	local status=$?
	cat "$dir/lintian"
	[ $status -eq 0 ] && ! grep '^[EW]:' "$dir/lintian"
}
# What the tree has is in them; units are Debian 12's /lib's.
all_in_there() {
	local deb file
	for deb in "$dir"/debs/*.deb; do dpkg-deb -c "$deb"; done | awk '{ print $6 }' >"$dir/contents"
	for file in $(make -s print-INSTALLED unitdir=/lib/systemd/system); do
		grep -qxE "\.${file//./\\.}(\.gz)?" "$dir/contents" || { echo "missing: $file"; return 1; }
	done
}
# Every path of this machine would be one.
no_places() {
	local deb
	for deb in "$dir"/debs/*.deb; do
		mkdir -p "$dir/unpacked" && dpkg-deb -x "$deb" "$dir/unpacked" || return
	done
	! grep -rlF -e "$TOP" -e "$dir" "$dir/unpacked"
}

# --- use --------------------------------------------------------------------

# What the README says is done where it says so, but for the folder, by somebody who says yes.
typed() { # COMMANDS
	yes | within sh -ec "$1"
}
install_packages() {
	local commands
	commands=$(readme_block install | tail -n +2)
	mkdir -p "$root/build" && cp -r "$root/debs" "$root/build/deb" || return
	typed "$commands" || { within apt-get -q update && typed "$commands"; } || return
	rm -r "$root/build"
}
built() { # VERSION WORD: dkms has made that one, and nothing but it; the word is in its description
	within dkms status
	within dkms status | grep -q "^ipsec-policy/$1, 6\.1\..*: installed" && [ "$(within dkms status | wc -l)" = 1 ] &&
		within sh -c 'modinfo -F description /lib/modules/6.1.*/updates/dkms/ipsecdrv.ko*' | grep -w "$2"
}
started() { # the service is enabled and was started
	asked_for start ipsec-policy-agent.service && within systemctl is-enabled ipsec-policy-agent policyagent
}
users() {
	local user
	for user in ipsec-ike ipsec-cred ipsec-fetch; do within getent passwd "$user" || return; done
}
offline() {
	within ipsecctl static add policy name=lab description=kept &&
		within ipsecctl static show policy all | grep -qw lab
}
nothing_assigned() { ! within ipsecctl --json static show policy all | grep -q '"assigned": *true'; }
manual() { within sh -c 'test -s /usr/share/man/man8/ipsecctl.8.gz && test -s /usr/share/man/man7/ipsecdrv.7.gz'; }

# --- upgrade ----------------------------------------------------------------

upgrade() {
	echo '# mine' >"$root/etc/ipsec-policy/agent.conf" && : >"$root/asked" || return
	# shellcheck disable=SC2046 # words
	installs $(packages_of next)
}
# While it is restarted, and then no more, the unit has the signal that leaves everything as it is.
handed_over() {
	asked_for restart ipsec-policy-agent.service && grep -q '^restart.* with SIGUSR2$' "$root/asked" &&
		[ "$(grep daemon-reload "$root/asked" | tail -n 1)" = daemon-reload ]
}
never_stopped() { ! grep -E '^(stop|kill|mask|disable)' "$root/asked" && ! grep modprobe "$root/asked"; }
kept() {
	grep -qx '# mine' "$root/etc/ipsec-policy/agent.conf" &&
		within ipsecctl static show policy all | grep -qw lab
}

# --- removal ----------------------------------------------------------------

removed() {
	: >"$root/asked"
	within apt-get -q -y remove ipsec-policy ipsec-policy-dkms
}
stopped_then_unloaded() {
	asked_for stop ipsec-policy-agent.service
	[ "$(grep -nE '^stop.*ipsec-policy-agent|^modprobe -r ipsecdrv' "$root/asked" | cut -d: -f2 | cut -d' ' -f1 | xargs)" = 'stop modprobe' ]
}
no_module() { ! find "$root/lib/modules" -name 'ipsecdrv.ko*' | grep . && ! within dkms status | grep .; }
# What of this project's lies in the folder, but for what the test has put there.
ours() {
	(cd "$root" && find . -xdev \( -iname '*ipsec*' -o -name 'policyagent*' \) ! -path './debs/*' ! -path './next/*' \
		! -path './sys/*' ! -path './usr/include/*' ! -path './usr/src/linux-headers-*' ! -path './usr/lib/modules/*/kernel/*')
}
programs_gone() { ! ours | grep -E '^\./(usr|lib)/'; }
stores_stay() { [ -s "$root/var/lib/ipsec-policy/local.db" ]; }
settings_stay() { [ -s "$root/etc/ipsec-policy/agent.conf" ]; }
purged() {
	mkdir -p "$root/var/log/ipsec-policy" "$root/etc/modprobe.d"
	touch "$root/var/log/ipsec-policy/oakley.log" "$root/etc/modprobe.d/ipsec-policy.conf"
	typed "$(readme_block remove)"
}
nothing_left() { ! ours | grep -vx './var/lib/ipsec-policy'; }

check "they build, as the README says" build_first
check "there are two, of the tree's version" two_packages
check "they build elsewhere, as an ordinary user" build_again
check "to the last bit the same" same_packages
check "lintian has nothing to say" no_complaints
check "everything that is installed is in them" all_in_there
check "no folder of this machine is" no_places
rm -rf "$dir/unpacked" "$dir/a-longer-way"

if [ "$(id -u)" != 0 ]; then
	skip "a fresh Debian has them" "needs root: a folder to change into has files of many owners"
	finish
fi

check "there is a fresh Debian 12" root_new bookworm
check "the README's second command installs them, with all that they need" install_packages
check "the driver is built for the kernel that came along" built "$(make -s print-VERSION)" IPsec
check "A32 the service is enabled and started" started
check "A32 no policy is assigned" nothing_assigned
check "its users are there" users
check "manual pages" manual
check "commands work on the stores while no agent runs" offline
need "there is a next release" next_release "$dir/debs" "$root/next"
check "apt upgrades to it" upgrade
check "the driver is built anew, the old one is gone" built 0.2 next
check "the agent is told to hand everything over" handed_over
check "and neither stopped nor the driver unloaded" never_stopped
check "policy and settings are kept" kept
check "they are removed" removed
check "the service was stopped, then the driver unloaded" stopped_then_unloaded
check "no driver is left in the kernel's folder" no_module
check "no program is left" programs_gone
check "the stores stay" stores_stay
check "the settings stay" settings_stay
check "they are purged, as the README says" purged
check "nothing but the stores is left" nothing_left
check "the stores stay even then" stores_stay
finish
