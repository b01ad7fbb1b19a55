# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# TAP, and a fresh Debian in a temporary folder to install packages into.  Sourced, never run.
#
#   check NAME COMMAND...      a test; what the command prints is shown if it fails
#   need NAME COMMAND...       the same, and without it the rest makes no sense
#   root_new SUITE             $root, with $dir/debs as /debs and a systemctl that writes to /asked
#   within COMMAND...          in there
#   installs PACKAGE...        by apt, as somebody at the keyboard would
#   packages_of DIR            the files there, as apt wants them
#   asked_for VERB UNIT        the packages have asked systemd for that
. "$TOP/selftests/readme.sh"
count=0 failed=0
dir=$(mktemp -d) || exit
root=$dir/root
trap 'rm -rf --one-file-system "$dir"' EXIT

check() { # NAME COMMAND...
	local name=$1
	shift
	count=$((count + 1))
	if "$@" >"$dir/log" 2>&1; then
		echo "ok $count - $name"
	else
		failed=1
		echo "not ok $count - $name"
		tail -n 25 "$dir/log" | sed 's/^/# /'
		false
	fi
}
need() { check "$@" || finish; }
skip() { # NAME REASON
	count=$((count + 1))
	echo "ok $count - $1 # SKIP $2"
}
finish() {
	echo "1..$count"
	exit "$failed"
}

# For the packages systemd runs.
within() {
	# shellcheck disable=SC2016 # for the inner shell
	scripts/root 'in' "$root" sh -c 'mkdir -p /run/systemd/system && PATH=/usr/local/sbin:$PATH && exec "$@"' - "$@"
}
our_programs_first() { echo 'DPkg::Path "/usr/local/sbin:/usr/sbin:/usr/bin:/sbin:/bin";'; }

packages_of() { (cd "$root" && printf './%s\n' "$1"/*.deb); } # DIR

# Package lists may be old: the second attempt has fresh ones.
installs() { # PACKAGE...
	within apt-get -q -y install "$@" && return
	within apt-get -q update && within apt-get -q -y install "$@"
}

# The real one does what needs no systemd that runs.
recorder() {
	cat <<'END'
#!/bin/sh
case " $* " in
*" is-enabled "* | *" enable "* | *" disable "* | *" preset "* | *" --version "*) exec /usr/bin/systemctl --root=/ "$@" ;;
*" is-active "*) exit 0 ;;
esac
words=$(printf '%s\n' "$@" | grep -v '^-' | xargs)
signal=$(cat /run/systemd/system/ipsec-policy-agent.service.d/* 2>/dev/null | sed -n 's/^KillSignal=//p')
echo "$words${signal:+ with $signal}" >>/asked
END
}

root_new() { # SUITE
	scripts/root unpack "$1" "$root" && cp -r "$dir/debs" "$root/debs" &&
		recorder | install -D -m 755 /dev/stdin "$root/usr/local/sbin/systemctl" &&
		printf '#!/bin/sh\necho "modprobe $*" >>/asked\n' |
		install -D -m 755 /dev/stdin "$root/usr/local/sbin/modprobe" &&
		our_programs_first >"$root/etc/apt/apt.conf.d/30path" &&
		: >"$root/asked" && mkdir -p "$root/sys/module/ipsecdrv"
}

asked_for() { # VERB UNIT
	cat "$root/asked"
	grep -q "^$1\b.* $2\b" "$root/asked"
}
