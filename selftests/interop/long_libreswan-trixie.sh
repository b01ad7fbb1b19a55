#!/bin/bash
# SPDX-License-Identifier: MIT
# check: tiers=none also=uml timeout=3600 time-travel
#
# What of the matrix waits for long, with trixie's libreswan: see selftests/matrix.sh.
PEER=libreswan-trixie
. "$TOP/selftests/matrix.sh"
matrix $LONG
