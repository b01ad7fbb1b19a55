# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# The host's side of a guest run, the same for scripts/uml and scripts/vm, which source it
# after scripts/common.sh.  A run has a folder of its own (RUN) with:
#
#   job      the command, its directory and environment, as a shell file
#   out.pipe, result.pipe, console.pipe     the guest's three channels
#   result   what came through the second: "started", then "result STATUS dirty 0|1"
#   console  kernel messages and whatever the first process says
#
# The exit status of a run is the job's own, or one of these:
EXIT_TIMEOUT=124   # killed after --timeout
EXIT_DEAD=125      # the guest did not start, panicked or ended without a result
EXIT_DIRTY=126     # the job succeeded, but the kernel complained or leaked

RUN_USAGE="  --timeout S      kill the guest after S seconds (default: uml 600, vm 1200)
  --mem M          guest memory in MiB (default: uml 1024, --debug 1536, vm 2048)
  --out DIR        make DIR of the host writable in the guest as \$IPD_OUT
  --env NAME=VALUE set a variable for the script (IPD_*, DEMO*, V and SLOW are passed on anyway)
  --allow-splat    kernel complaints and leaks are reported, but do not make the run fail
  --no-build       trust that the module is up to date
  --no-module      the script does not need the module: do not build it
  --console FILE   keep the kernel console here"

# Defaults; scripts/uml and scripts/vm override some before parsing.
run_timeout=600 run_mem='' run_out='' run_env=() run_allow_splat=0 run_build=1 run_console=''

# Parses one common option; returns how many words it took in "taken", 0 if not one of ours.
run_option() {
	taken=2
	case $1 in
	--timeout) run_timeout=${2:?} ;;
	--mem) run_mem=${2:?} ;;
	--out) run_out=$(realpath -- "${2:?}") || die "no such folder: $2" ;;
	--env) run_env+=("${2:?}") ;;
	--console) run_console=${2:?} ;;
	--allow-splat) run_allow_splat=1 taken=1 ;;
	--no-build) run_build=0 taken=1 ;;
	--no-module) run_build=-1 taken=1 ;;
	*) taken=0 ;;
	esac
}

# Brings the module for TARGET up to date, unless told not to; sets run_module, which is empty
# for a script that does not need the module.
build_module() { # TARGET
	run_module=''
	[ "$run_build" -ge 0 ] || return
	run_module=$("$TOP/scripts/module" path "$1") || exit
	[ "$run_build" -eq 0 ] || "$TOP/scripts/module" build "$1" >&2 || exit 125
	[ -e "$run_module" ] || die "no module for $1: $run_module"
}

# The variables of the host that a script in a guest sees too.
passed_variables() {
	local name
	for name in $(compgen -e); do
		case $name in
		IPD_* | DEMO* | V | SLOW) declare -p "$name" ;;
		esac
	done
	for name in "${run_env[@]}"; do
		printf 'declare -x %s=%q\n' "${name%%=*}" "${name#*=}"
	done
}

# prepare_run TIER MODULE SLOW COMMAND...
prepare_run() {
	local tier=$1 module=$2 slow=$3 command=$4
	shift 4
	# A name without a slash is looked for as a shell would, but a file here is fine too.
	[ -e "$command" ] && command=$(realpath -- "$command")
	RUN=$(mktemp -d "${TMPDIR:-/tmp}/ipsec-policy.XXXXXX") || die "no temporary folder"
	case $RUN in *[[:space:]]*) die "a space in $RUN: set TMPDIR" ;; esac
	trap 'rm -rf "$RUN"' EXIT
	ln -s "$TOP/scripts/guest" "$RUN/guest"
	[ -z "$run_out" ] || ln -s "$run_out" "$RUN/out"
	{
		printf 'export HOME=/root TERM=dumb LANG=C.UTF-8 SLOW=%q\n' "$slow"
		printf 'export PATH=%q:$PATH\n' "$BUILD"
		passed_variables
		printf 'export TOP=%q IPD_TIER=%q IPD_MODULE=%q\n' "$TOP" "$tier" "$module"
		[ -z "$run_out" ] || printf 'export IPD_OUT=/run/out\n'
		printf 'JOB_CWD=%q\nJOB=(' "$PWD"
		printf ' %q' "$command" "$@"
		printf ' )\n'
	} >"$RUN/job"
	mkfifo "$RUN/out.pipe" "$RUN/result.pipe" "$RUN/console.pipe"
}

# Runs the guest's command line with its three channels on descriptors 3 (output),
# 4 (result) and stdout/stderr (console); returns the job's status.
launch() {
	local readers=() word status dirty rc guest
	cat "$RUN/out.pipe" & readers+=($!)
	cat "$RUN/result.pipe" >"$RUN/result" & readers+=($!)
	cat "$RUN/console.pipe" >"$RUN/console" & readers+=($!)
	# A guest keeps a descriptor of the host for every file that it has looked at.
	ulimit -n 1048576 2>/dev/null || ulimit -Sn "$(ulimit -Hn)"
	# timeout leads a process group of its own, so a UML's many processes die with it.
	timeout --kill-after=5 "$run_timeout" "$@" </dev/null \
		3>"$RUN/out.pipe" 4>"$RUN/result.pipe" >"$RUN/console.pipe" 2>&1 &
	guest=$!
	# shellcheck disable=SC2064 # the numbers of now
	trap "kill -TERM $guest 2>/dev/null; wait $guest; rm -rf '$RUN'; exit 130" INT TERM HUP
	wait "$guest" 2>/dev/null
	rc=$?
	wait "${readers[@]}"
	trap - INT TERM HUP
	[ -z "$run_console" ] || cp "$RUN/console" "$run_console"
	if read -r word status word dirty < <(grep '^result ' "$RUN/result"); then
		[ "$status" -eq 0 ] && [ "$dirty" = 1 ] && [ "$run_allow_splat" = 0 ] &&
			status=$EXIT_DIRTY
		return "$status"
	fi
	if [ $rc -eq 124 ] || [ $rc -eq 137 ]; then
		say "no end within $run_timeout s: guest killed; last console lines:"
		rc=$EXIT_TIMEOUT
	else
		say "the guest ended without a result; last console lines:"
		rc=$EXIT_DEAD
	fi
	tail -n 40 "$RUN/console" | tr -d '\r' | sed 's/^/  | /' >&2
	return $rc
}
