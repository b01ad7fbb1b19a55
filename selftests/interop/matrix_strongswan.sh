#!/bin/bash
# SPDX-License-Identifier: MIT
# check: timeout=3600
#
# The matrix with strongSwan: see selftests/matrix.sh.
PEER=strongswan
. "$TOP/selftests/matrix.sh"
matrix $QUICK
