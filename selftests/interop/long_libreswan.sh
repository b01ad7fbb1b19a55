#!/bin/bash
# SPDX-License-Identifier: MIT
# check: timeout=3600 time-travel
#
# What of the matrix waits for long, with libreswan: see selftests/matrix.sh.
PEER=libreswan
. "$TOP/selftests/matrix.sh"
matrix $LONG
