#!/bin/bash
# SPDX-License-Identifier: MIT
# check: timeout=3600
#
# The matrix with libreswan: see selftests/matrix.sh.
PEER=libreswan
. "$TOP/selftests/matrix.sh"
matrix $QUICK
