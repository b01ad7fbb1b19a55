#!/bin/bash
# SPDX-License-Identifier: MIT
# check: timeout=900 time-travel
#
# What of the matrix takes minutes, with strongSwan: see selftests/matrix.sh.
PEER=strongswan
. "$TOP/selftests/matrix.sh"
matrix $LONG
