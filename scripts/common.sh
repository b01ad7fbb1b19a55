# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# What scripts/uml, scripts/vm, scripts/check and their like share.  Sourced, never run.

TOP=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd -P)
CACHE=${IPSEC_POLICY_CACHE:-${XDG_CACHE_HOME:-${HOME:-/var/tmp}/.cache}/ipsec-policy}
BUILD=$TOP/build
UML_SOURCE_PACKAGE=linux-source-6.1
PROG=${0##*/}

# Progress and errors go to stderr: stdout belongs to the script that runs in a guest.
say() { printf '%s: %s\n' "$PROG" "$*" >&2; }
die() { say "$*"; exit 125; }

# A short key for a set of strings and files' contents: key_of STRING... -- FILE...
key_of() {
	local words=()
	while [ $# -gt 0 ] && [ "$1" != -- ]; do words+=("$1"); shift; done
	[ $# -gt 0 ] && shift
	{ printf '%s\n' "${words[@]}"; [ $# -eq 0 ] || cat -- "$@"; } | sha256sum | cut -c1-12
}

# Run a command with one instance at a time per lock name; the others wait.
# The lock is on a descriptor of a subshell, which children that stay must not inherit.
with_lock() {
	local name=$1; shift
	mkdir -p "$CACHE"
	(
		flock -n 9 || { say "waiting for another $name"; flock 9; }
		"$@" 9>&-
	) 9>"$CACHE/.lock-$name"
}

# The whole version of a kernel that is in the cache or installed: 6.12 means the newest 6.12.*.
full_version() { # VERSION
	local found
	found=$(ls -d "$CACHE/kernels/$1"{,[.+-]*} "/lib/modules/$1"{,[.+-]*} 2>/dev/null |
		sed 's#.*/##' | sort -V | tail -n 1)
	echo "${found:-$1}"
}

jobs_default() { echo "${JOBS:-$(nproc)}"; }
