#!/bin/bash
# SPDX-License-Identifier: MIT
# Completion of ipsecctl in bash: the function is called as readline calls it.
# check: timeout=60
set -u
cd "$TOP" || exit
PATH=$TOP/build:$PATH
count=0 failed=0

# completes NAME LINE CANDIDATES: "|" stands between candidates
completes() {
	local got
	COMP_LINE=$2 COMP_POINT=${#2} COMPREPLY=()
	_ipsecctl
	got=$(IFS='|' && echo "${COMPREPLY[*]-}")
	count=$((count + 1))
	if [ "$got" = "$3" ]; then
		echo "ok $count - $1"
	else
		failed=1
		echo "not ok $count - $1"
		printf '# wanted: %s\n# got:    %s\n' "$3" "$got"
	fi
}

. userland/ctl/completion/ipsecctl.bash
COMP_WORDBREAKS=$' \t\n"\'><=;|&(:'
completes "contexts and commands" "ipsecctl " "dynamic |static |explain |check |diff |dump |try |status "
completes "a prefix" "ipsecctl dyn" "dynamic "
completes "verbs" "ipsecctl dynamic " "add |set |delete |show "
completes "shortened words" "ipsecctl dyn sh mmp" "mmpolicy "
completes "tags" "ipsecctl dynamic add rule src" "srcaddr=|srcport=|srcmask="
completes "tags that are not there yet" "ipsecctl dynamic add rule srcport=5 src" "srcaddr=|srcmask="
completes "values" "ipsecctl dynamic add rule srcaddr=" "me |any |WINS |DNS |DHCP |GATEWAY "
completes "a value" "ipsecctl dynamic show stats type=ip" "ipsec "
completes "behind options" "ipsecctl --run-dir /nonexistent --json dynamic set config property=ike" "ikelogging "
completes "options" "ipsecctl --r" "--run-dir"
completes "files" "ipsecctl -f Makefil" "Makefile"
completes "what leads nowhere" "ipsecctl frobnicate " ""
completes "nothing inside quotes" "ipsecctl dynamic add rule psk=\"a b" ""
COMP_WORDBREAKS=$' \t\n'
completes "values, when = breaks no words" "ipsecctl dynamic show stats type=ip" "type=ipsec "

# completes_ipseccmd NAME CANDIDATES WORD...: at the last word
completes_ipseccmd() {
	local name=$1 wanted=$2 got
	shift 2
	COMP_WORDS=(ipseccmd "$@") COMP_CWORD=$# COMPREPLY=()
	_ipseccmd
	got=$(IFS='|' && echo "${COMPREPLY[*]-}")
	count=$((count + 1))
	if [ "$got" = "$wanted" ]; then
		echo "ok $count - $name"
	else
		failed=1
		echo "not ok $count - $name"
		printf '# wanted: %s\n# got:    %s\n' "$wanted" "$got"
	fi
}

. userland/ipseccmd/completion/ipseccmd.bash
completes_ipseccmd "flags of ipseccmd" "-1s|-1p|-1k|-1e" -1
completes_ipseccmd "words of show" "filters" show sas f
completes_ipseccmd "actions and offers" "PASS" -f '0+*' -n 'ah[md5]' P
completes_ipseccmd "stores" "REG" -w R
completes_ipseccmd "show comes first" "show" s
completes_ipseccmd "a file of commands" "Makefile" -file Makefil
echo "1..$count"
exit $failed
