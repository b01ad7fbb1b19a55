#!/bin/bash
# SPDX-License-Identifier: MIT
# check: tiers=none also=uml timeout=3600
#
# The matrix with trixie's libreswan: see selftests/matrix.sh.
PEER=libreswan-trixie
. "$TOP/selftests/matrix.sh"
matrix $QUICK
