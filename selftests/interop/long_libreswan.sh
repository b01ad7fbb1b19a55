#!/bin/bash
# SPDX-License-Identifier: MIT
# check: timeout=900 time-travel
#
# What of the matrix takes minutes, with libreswan: see selftests/matrix.sh.
PEER=libreswan
. "$TOP/selftests/matrix.sh"
matrix $LONG
