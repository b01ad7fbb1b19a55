#!/bin/bash
# SPDX-License-Identifier: MIT
# Who stops the agent, and what becomes of the driver: the program that its unit calls (ExecStop=), and
# then the unit's KillSignal=, as systemd would. systemctl is played here; agent and driver are real ones.
# check: tiers=uml timeout=400
. "$TOP/selftests/lib.sh"

STOP=$TOP/userland/boot/agent-stop
KILL_SIGNAL=$(sed -n 's/^KillSignal=//p' "$TOP/userland/units/ipsec-policy-agent.service")

mkdir -p "$TMP/bin" "$TMP/answers"
cat >"$TMP/bin/systemctl" <<'END'
#!/bin/sh
case $1 in
is-system-running) cat "$ANSWERS/state" ;;
list-jobs) cat "$ANSWERS/jobs" ;;
esac
END
chmod 755 "$TMP/bin/systemctl"
export ANSWERS=$TMP/answers
mode() { ipdtool status | grep -o ' mode=[^ ]*'; }

start_agent() {
	spawn agent ipsec-policy-agent --foreground --run-dir "$TMP/run" --state-dir "$TMP/state"
	wait_for 20 ipsecctl --run-dir "$TMP/run" dynamic show config || { diag "$(cat "$TMP/agent.log")"; bail "the agent starts"; }
}
# What systemd does for a unit that is to stop.
stop_unit() {
	local pid=${spawned[agent]}
	MAINPID=$pid PATH=$TMP/bin:$PATH "$STOP"
	stop agent "$KILL_SIGNAL"
}
ends_in() { # NAME MODE STATE JOB...
	local name=$1 wanted=$2
	echo "$3" >"$ANSWERS/state"
	shift 3
	printf '%s\n' "$@" >"$ANSWERS/jobs"
	start_agent
	stop_unit
	same "$name" " mode=$wanted" "$(mode)"
}

load_module
U=ipsec-policy-agent.service
ends_in "D16 A01 a stop by hand: permit" permit running "12 $U stop running"
ends_in "D16 while another unit has failed" permit degraded "12 $U stop running"
ends_in "A33 a restart: filters stay" secure running "13 $U restart running"
ends_in "shutdown: filters stay" secure stopping "14 $U stop running" "15 poweroff.target start waiting"
ends_in "rescue mode: filters stay" secure maintenance "16 $U stop running"
ends_in "rescue mode, while systemd still runs: filters stay" secure running "16 $U stop running" \
	"17 rescue.target start waiting"
ends_in "the same while the machine starts" secure starting "18 $U stop running" \
	"19 multi-user.target start waiting" "20 emergency.target start waiting"
ends_in "another target: filters stay" secure degraded "21 $U stop running" "22 mine.target start waiting"
ends_in "D16 a stop by hand while the machine starts: permit" permit starting "23 $U stop running" \
	"24 multi-user.target start waiting"
ends_in "systemd does not answer: filters stay" secure '' ''
ends_in "it answers something else: filters stay" secure running "No jobs running."
ends_in "D16 and then a stop by hand" permit running "17 $U stop running"
start_agent
same "secure before" " mode=secure" "$(mode)"
MAINPID='' PATH=$TMP/bin:$PATH "$STOP"
same "the agent has gone by itself: nothing is done" " mode=secure" "$(mode)"
stop agent
check_world
unload_module
finish
