# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# The packages as they will be next: what an upgrade has to do.  Sourced by tests.

# A driver of a few lines: to build the whole one again would take long and tell nothing.
next_driver() { # TREE
	local source=$1/usr/src/ipsec-policy-0.2
	mv "$1"/usr/src/ipsec-policy-* "$source"
	rm -r "$source/kernel" "$source/include"
	echo 'obj-m += ipsecdrv.o' >"$source/Kbuild"
	printf '#include <linux/module.h>\nMODULE_LICENSE("GPL");\nMODULE_DESCRIPTION("the next one");\n' >"$source/ipsecdrv.c"
	sed -i 's/^PACKAGE_VERSION=.*/PACKAGE_VERSION="0.2"/' "$source/dkms.conf"
}

# next_release FROM TO: the packages of a folder as version 0.2, which is all that the next release is
# to dpkg
next_release() {
	local deb tree
	tree=$(mktemp -d) || return
	mkdir -p "$2"
	for deb in "$1"/*.deb; do
		rm -rf "$tree"
		dpkg-deb -R "$deb" "$tree" || return
		sed -i 's/^Version: .*/Version: 0.2/' "$tree/DEBIAN/control"
		sed -i 's/^DKMS_VERSION=.*/DKMS_VERSION=0.2/' "$tree"/DEBIAN/p*
		[ ! -d "$tree/usr/src" ] || next_driver "$tree"
		(cd "$tree" && find usr lib -type f -exec md5sum {} + >DEBIAN/md5sums)
		dpkg-deb --root-owner-group -Zgzip -b "$tree" "$2" || return
	done
	rm -rf "$tree"
}
