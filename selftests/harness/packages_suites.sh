#!/bin/bash
# SPDX-License-Identifier: MIT
# DKMS builds the packaged driver in fresh roots of newer Debian suites, with their own kernels' headers and
# compilers.
# check: tiers=none also=here timeout=3000
set -u
cd "$TOP" || exit
. selftests/harness/root.sh

SUITES=${SUITES-trixie sid}

# The headers are what "apt install" brings along where it may choose; here they are named.
install_driver() {
	# shellcheck disable=SC2046 # words
	installs --no-install-recommends $(packages_of debs | grep dkms) linux-headers-amd64
}
built() { # the kernel's series
	within dkms status
	within dkms status | grep -qE "^ipsec-policy/[^,]*, $1[.][^,]*, x86_64: installed" &&
		within sh -c 'modinfo $(find /lib/modules/ -name "ipsecdrv.ko*")' | grep -E "^vermagic: *$1[.]"
}
series() { # SUITE
	case $1 in trixie) echo 6.12 ;; *) echo '[7-9][.][0-9]*' ;; esac
}
# The kernel has headers of that word, too.
removed() {
	within apt-get -q -y purge ipsec-policy-dkms &&
		! find "$root/lib/modules/" "$root/usr/src" \( -name 'ipsecdrv.ko*' -o -name 'ipsec-policy-*' \) | grep .
}

if [ "$(id -u)" != 0 ]; then
	skip "DKMS of newer suites" "needs root: a folder to change into has files of many owners"
	finish
fi
need "they build" scripts/deb "$dir/debs"
for suite in $SUITES; do
	rm -rf --one-file-system "$root"
	check "there is a fresh $suite" root_new "$suite" &&
		check "$suite: the package is installed with the kernel's headers" install_driver &&
		check "$suite: the driver is built for that kernel" built "$(series "$suite")" &&
		check "$suite: it is removed" removed
done
finish
