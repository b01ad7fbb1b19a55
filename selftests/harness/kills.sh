#!/bin/bash
# SPDX-License-Identifier: MIT
# The agent and ipsecctl are killed while they change the store, again and again: every state of the store
# is the one before a change or the one after it, what was reported as done is there, and the next agent
# has it in force. selftests/stress/agent_kills.c says how.
# check: timeout=1200
set -u
cd "$TOP" || exit
KILLS=${KILLS-${FULL:+1000}}
KILLS=${KILLS:-200}

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
make -s build/crash.so build/agent_kills build/bench-agent build/ipsecctl || exit

if build/agent_kills "$TOP/build" "$folder" "$KILLS" >"$folder/out" 2>&1; then
	echo "ok 1 - A03 A33 stores outlive $KILLS kills of the agent and of ipsecctl"
else
	echo "not ok 1 - A03 A33 stores outlive $KILLS kills of the agent and of ipsecctl"
	failed=yes
	tail -n 20 "$folder/agent.log" "$folder/ctl.log" | sed 's/^/# /'
fi
sed 's/^/# /' "$folder/out"
echo 1..1
[ -z "${failed-}" ]
