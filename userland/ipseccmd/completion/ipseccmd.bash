# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# Completion of ipseccmd(8) for bash: flags, and the words that some of them take.

_ipseccmd() {
	local cur=${COMP_WORDS[COMP_CWORD]} flag='' words='' i
	# the flag whose list this word would belong to
	for ((i = COMP_CWORD - 1; i > 0; i--)); do
		case ${COMP_WORDS[i]} in
		-* | show)
			flag=${COMP_WORDS[i]}
			break
			;;
		esac
	done
	case $flag in
	show) words='filters policies auth stats sas all' ;;
	-n) words='ESP[ AH[ BLOCK PASS INPASS' ;;
	-a) words='KERBEROS PRESHARE: CERT:' ;;
	-w) words='REG DS' ;;
	-f) words='DEFAULT' ;;
	esac
	case $cur in
	-*)
		words='-f -n -t -a -soft -lan -dialup -confirm -1s -1p -1k -1e -w -p -r -x -y -o -u -file -?
			--volatile --persistent --json --dry-run --run-dir --state-dir --version --help'
		;;
	*) [ "$COMP_CWORD" -gt 1 ] || words+=' show' ;;
	esac
	if [ "$flag" = -file ] && [ "${cur#-}" = "$cur" ]; then
		mapfile -t COMPREPLY < <(compgen -f -- "$cur")
		compopt -o filenames 2>/dev/null
		return 0
	fi
	mapfile -t COMPREPLY < <(compgen -W "$words" -- "$cur")
	return 0
}

complete -F _ipseccmd ipseccmd ipsecpol
