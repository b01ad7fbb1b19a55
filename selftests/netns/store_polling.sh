#!/bin/bash
# SPDX-License-Identifier: MIT
# check: tiers=uml timeout=300 time-travel
#
# Stores that cannot be watched, because the kernel gives no inotify: what others store is in force when
# the agent has polled, not before and not much later. The guest's clock jumps while everybody waits.
. "$TOP/selftests/lib.sh"
. "$TOP/selftests/hosts.sh"

load_module
ns_add A
chmod 755 "$TMP"

static() { ctl A static "$@"; }
in_driver() { on A ipdtool list | grep -c '^id='; }
# as somebody does who knows nothing of the agent
activate() { sqlite3 "$TMP/state-A/local.db" "UPDATE rules SET is_active = $1 WHERE name = 'lab'"; } # 0 | 1
# How many thirds of an interval, and a bit, pass until the driver has so many filters. Each look costs
# real time and none of the guest's.
thirds_until() { # FILTERS MINUTES
	local i
	for ((i = 0; i <= 4; i++)); do
		[ "$(in_driver)" != "$1" ] || break
		sleep $((21 * $2))
	done
	echo "$i"
}

# polled MINUTES TEXT [TAG]: a change is seen at the end of the interval, which the command before began
polled() {
	need static set policy name=lab assign=yes "${@:3}"
	same "A07 $2: the policy is in force" 1 "$(in_driver)"
	need activate 0
	same "A07 $2: nobody has seen yet that its rule is not active" 1 "$(in_driver)"
	same "A07 $2: after $1 minutes it is not in force" 3 "$(thirds_until 0 "$1")"
	need activate 1
	same "A07 $2: and $1 minutes later, active again, it is" 3 "$(thirds_until 1 "$1")"
}

need sysctl -qw fs.inotify.max_user_instances=0
services_start A
check "A07 the agent cannot watch its stores" \
	eval 'service_log A ipsec-policy-agent | grep -q "cannot be watched"'
need static add policy name=lab activatedefaultrule=no
need static add filter filterlist=lab srcaddr=me dstaddr=192.0.2.9
need static add filteraction name=lab action=block
need static add rule name=lab policy=lab filterlist=lab filteraction=lab
polled 180 "every three hours, the default"
polled 1 "every minute" pollinginterval=1
check_world
finish
