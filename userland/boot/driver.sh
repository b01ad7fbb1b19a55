# SPDX-License-Identifier: MIT
# shellcheck shell=sh
# What a machine that starts has to know about the driver; sourced by the programs beside this file,
# and by the script of the initramfs, which has no programs but modprobe.

OPTIONS=/etc/modprobe.d/ipsec-policy.conf
AGENT=ipsec-policy-agent.service

say() { # LEVEL TEXT...
	level=$1
	shift
	echo "<$level>$*" >&2
}

# module_blacklist=ipsecdrv on the kernel's command line: whoever writes that wants no driver, and
# nothing in its place either.
is_blacklisted() {
	read -r line </proc/cmdline
	for word in $line; do
		case ,${word#module_blacklist=}, in
		,"$word",) ;;
		*,ipsecdrv,*) return 0 ;;
		esac
	done
	return 1
}

# Options that the driver does not take are no reason to protect less.
load_configured() {
	modprobe ipsecdrv && return
	modprobe --config=/dev/null ipsecdrv startup_mode=block || return
	say 3 "the driver does not take its options (the kernel's log says which) and starts in the mode block;" \
		"mend them: modprobe --showconfig | grep '^options ipsecdrv'"
}

# --- not in the initramfs -------------------------------------------------

# The agent's start type. Who cannot be asked is taken for enabled.
is_automatic() {
	case $(systemctl is-enabled "$AGENT" 2>/dev/null) in
	disabled | masked | masked-runtime | linked | linked-runtime | not-found) return 1 ;;
	esac
}

# An option of the driver as modprobe would give it; of several the last one counts.
option() { # NAME
	modprobe --showconfig 2>/dev/null | sed -n 's/^options ipsecdrv //p' | tr ' ' '\n' |
		sed -n "s/^$1=//p" | tail -n 1
}

startup_mode() {
	mode=$(option startup_mode)
	echo "${mode:-permit}"
}

has_policy() { grep -q '^# policy=assigned' "$OPTIONS" 2>/dev/null; }

wants_protection() { is_automatic && { has_policy || [ "$(startup_mode)" != permit ]; }; }
