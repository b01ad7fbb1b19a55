#!/bin/bash
# SPDX-License-Identifier: MIT
# check: tiers=uml also=uml-debug timeout=600
#
# "ipsecctl status" of real programs, well and ill: what it says of each thing that can be wrong is
# there when it is wrong, and gone when it is mended.
#
#   A 192.0.2.1 ------- B 192.0.2.2        192.0.2.77 is nobody
. "$TOP/selftests/lib.sh"
. "$TOP/selftests/hosts.sh"

# The last status, in one line, so that a sentence may be broken anywhere.
ask() { ctl A status >"$TMP/status"; }
says() { tr -s '\n ' ' ' <"$TMP/status" | grep -Eq -- "$1"; } # PATTERN
# is_told PATTERN: something needs attention, and this is said of it
is_told() { ! ask && says "$1"; }
is_well() { ask && ! says '! '; }
# what it says fits on a screen
fits() { [ "$(wc -l <"$TMP/status")" -le 24 ] && ! grep -q '.\{81\}' "$TMP/status"; }
failed_with() { ask; says "Last failures: $1, [0-9a-z ]+ ago: (main|quick) mode, no response"; } # ADDRESS

hosts_up
check "N03 policy" policy_on A 192.0.2.0/24
check "N03 the same on B" policy_on B 192.0.2.0/24
check "a ping" on A ping -c 1 -W "$(secs 10)" "$B4"
refuse "a ping to nobody" on A ping -c 1 -W 1 192.0.2.77
check "failures are told, with the peer" wait_for 90 failed_with 192.0.2.77 || diag "$(cat "$TMP/status")"
check "that is nothing that has to be seen to" ask
check "the driver's mode, and how it began" says \
	'Driver Mode : secure: .* Startup Mode : permit '
for line in "Policy Agent" "IKE Service" "Credentials Service"; do
	check "$line: since when, and which process" says "$line : running for .*, process [0-9]+"
done
same "and that is the one" "$(service_pid A ipsec-policy-agent)" \
	"$(ctl A --json status | jq -r '.status[0].agentpid')"
version=$(sed -n 's/^IPD_VERSION := //p' "$TOP/Kbuild")
same "the driver has the version of the source, and the agent's is the same" "$version $version" \
	"$(ctl A --json status | jq -r '.status[0] | "\(.driverversion) \(.agentversion)"')"
check "of which nothing is said" is_well
check "filters and associations" says \
	'Filters in Driver : 1, .* Security Associations : 1 main mode, 1 quick mode'
check "layers" says 'persistent - 0 0 no policy assigned local - 0 0 no policy assigned dynamic - 1 1 in force'
check "on one screen" fits
on B ping -c 1 -W 1 -p 00 192.0.2.77 >/dev/null
on A ipdtool stats >"$TMP/stats"
check "drops by reason" eval 'says "Packets Dropped : [1-9][0-9]*: [1-9][0-9]* [a-z-]+"'

# --- what is wrong
stop A-ipsec-cred
check "ipsec-cred is gone" wait_for 10 is_told '! ipsec-cred is not running.*systemctl start ipsec-cred.* Credentials Service : not running'
service A ipsec-cred
check "and is back" wait_for 30 ask
on A ipdtool mode permit >/dev/null
check "somebody else has changed the mode: the agent sets it again" wait_for 10 eval 'ask && says "Driver Mode : secure"'

kill -9 "$(service_pid A ipsec-policy-agent)"
check "A02 killed: the driver is asked, and goes on" wait_for 10 is_told \
	'! The policy agent is not running.* Its filters are enforced.* Driver Mode : secure.* Policy Agent : not running.* Filters in Driver : 1,'
check "on one screen, too" fits
service A ipsec-policy-agent
check "started again" wait_for 30 ask

# --- the first policy of README.md
ipsecctl() { ctl A "$@"; }
readme() { # BLOCK: its commands do what they say
	local line n=0
	while read -r line; do
		eval "$line" </dev/null || { diag "$line"; return 1; }
		n=$((n + 1))
	done < <(readme_block "$1")
	[ "$n" -gt 0 ]
}
check "the first policy of the README" readme policy
check "it is in force" eval 'ask && says "local First 1 2 in force"' || diag "$(cat "$TMP/status")"
check "and the boot mode follows it" says 'Startup Mode : permit; stateful at the next boot'
check "its boot exemptions are taken" readme boot
check "another boot mode" ctl A dynamic set config bootmode block
check "is told" eval 'ask && says "Startup Mode : permit; block at the next boot"'
stop A-ipsec-policy-agent
check "A02 stopped: permit mode" is_told '! The driver is on its own. Everything passes.* Driver Mode : permit'

# --- a driver of another version
# The upgrade of a package leaves one behind that is older. The string is as long: the file stays valid.
other_driver() {
	perl -pe "s/\\0version=\Q$version\E\\0/\\0version=0.0.9\\0/" "$IPD_MODULE" >"$TMP/ipsecdrv.ko" &&
		[ "$(modinfo -F version "$TMP/ipsecdrv.ko")" = 0.0.9 ]
}
for program in ipsec-policy-agent ipsec-ike ipsec-cred; do stop "B-$program"; done
need other_driver
need unload_module
IPD_MODULE=$TMP/ipsecdrv.ko load_module
service A ipsec-policy-agent
check "a driver of another version is told, with what to do" wait_for 30 is_told \
	"! The driver is of version 0.0.9, the agent of $version: .* Reboot to load the installed one"
check "and is used" says 'Driver Mode : secure: .* local First 1 2 in force'

for program in ipsec-policy-agent ipsec-ike ipsec-cred; do stop "A-$program"; done
check_world
finish
