#!/bin/bash
# SPDX-License-Identifier: MIT
# Runs the driver's KUnit suites: they run when their module is loaded and report in the
# kernel's log.  Loading succeeds even when cases fail; a suite that does not come to its end
# has no line of its own. Where the kernel has no plan of its own, it is the number of those that began.
# check: tiers=uml,uml-debug
set -u
mark="kunit $$ starts"
echo "$mark" >/dev/kmsg
insmod "${IPD_MODULE%/*}/ipsecdrv_test.ko" || exit 1
dmesg | sed "1,/$mark/d; s/^\[ *[0-9.]*\] //" | tee /run/ktap
grep -q '^1\.\.' /run/ktap || echo "1..$(grep -c '^    # Subtest: ' /run/ktap)"
! grep -q '^not ok' /run/ktap
