#!/bin/bash
# SPDX-License-Identifier: MIT
# check: tiers=uml timeout=600
#
# A process that changes a store is killed at a thousand random moments, the making of the store
# among them. Each time the store is as it was before a change or after it, and what was reported as
# done is there.
. "$TOP/selftests/lib.sh"

KILLS=${KILLS-1000}

kill_often() { "$TOP/build/store_kills" "$TMP/local.db" "$KILLS" >"$TMP/kills"; }

check "a store outlives $KILLS kills of who changes it" kill_often
diag "$(cat "$TMP/kills")"
finish
