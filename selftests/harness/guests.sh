#!/bin/bash
# SPDX-License-Identifier: MIT
# The way into a guest keeps its word: status, output, time limit, and every bad end is seen.
# check: timeout=900
set -u
uml=$TOP/scripts/uml vm=$TOP/scripts/vm
control=ipsecdrv_control.ko
tmp=$(mktemp -d) || exit
trap 'rm -rf "$tmp"' EXIT
count=0 failed=0

expect() { # NAME WANTED-STATUS WANTED-TEXT COMMAND...: output has the text, if any
	local name=$1 status=$2 text=$3 got
	shift 3
	"$@" >"$tmp/out" 2>"$tmp/err" </dev/null
	got=$?
	count=$((count + 1))
	if [ "$got" = "$status" ] && { [ -z "$text" ] || grep -qF -- "$text" "$tmp/out" "$tmp/err"; }; then
		echo "ok $count - $name"
		return
	fi
	failed=1
	echo "not ok $count - $name"
	echo "# status $got, wanted $status and '$text'"
	tail -n 15 "$tmp/out" "$tmp/err" | sed 's/^/# /'
}

script() { # NAME: a guest script from stdin
	{ echo '#!/bin/bash'; cat; } >"$tmp/$1"
	chmod +x "$tmp/$1"
}

script say <<'END'
echo "out $*" "$PWD" "$IPD_TIER" "$EXTRA"
echo "err" >&2
echo written >/etc/guest-was-here
exit "$1"
END
script load <<'END'
insmod "${IPD_MODULE%/*}/$1" "${@:2}"
END
script sleep <<'END'
sleep 3600
END
script leave <<'END'
[ -n "$IPD_OUT" ] && echo kept >"$IPD_OUT/file"
END
script loaded <<'END'
set -e
insmod "$IPD_MODULE"
grep ^ipsecdrv /proc/modules
rmmod ipsecdrv
END

cd "$tmp" || exit
for guest in "$uml run" "$uml run --debug" "$vm run"; do
	# shellcheck disable=SC2086 # words
	set -- $guest --no-build --timeout 300
	what=${guest#"$TOP/scripts/"}
	expect "$what: status 7, arguments with spaces, folder" 7 "out 7 a  b $tmp" \
		"$@" "$tmp/say" 7 "a  b"
	expect "$what: the driver loads and unloads" 0 "ipsecdrv" "$@" "$tmp/loaded"
done
set -- "$uml" run --no-build
expect "status 0" 0 "out 0" "$@" "$tmp/say" 0
expect "status 255" 255 "err" "$@" "$tmp/say" 255
expect "a variable" 0 "uml extra  words" "$@" --env "EXTRA=extra  words" "$tmp/say" 0
mkdir "$tmp/kept"
expect "a folder of the host" 0 "" "$@" --out "$tmp/kept" "$tmp/leave"
expect "... holds what the guest wrote" 0 "kept" cat "$tmp/kept/file"
expect "the host is unchanged" 2 "No such file" ls /etc/guest-was-here
expect "a missing script" 127 "" "$@" "$tmp/missing"
expect "guest time jumps" 0 "" timeout 60 "$@" --time-travel "$tmp/sleep"

expect "uml: time limit" 124 "no end within 5 s" "$@" --timeout 5 "$tmp/sleep"
expect "uml: hanging kernel" 124 "no end within 10 s" "$@" --timeout 10 "$tmp/load" $control bug=hang
expect "uml: panic" 125 "ended without a result" "$@" "$tmp/load" $control bug=panic
expect "uml: no process is left" 1 "" pgrep -f "$tmp/"
expect "uml --debug: damaged memory" 126 "KASAN: slab-out-of-bounds" \
	"$@" --debug "$tmp/load" $control bug=oob
expect "uml --debug: leak" 126 "unreferenced object" "$@" --debug "$tmp/load" $control bug=leak
expect "uml --debug: allowed" 0 "KASAN" "$@" --debug --allow-splat "$tmp/load" $control bug=oob
expect "uml: warning" 126 "refcount_t" "$@" "$tmp/load" $control bug=refcount

expect "vm: time limit" 124 "no end within 30 s" "$vm" run --no-build --timeout 30 "$tmp/sleep"
echo "1..$count"
exit $failed
