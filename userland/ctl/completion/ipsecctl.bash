# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# Completion of ipsecctl(8) for bash. The program itself knows what can follow.

_ipsecctl() {
	local cur line=${COMP_LINE:0:COMP_POINT} words=() i word candidate
	COMPREPLY=()
	# COMP_WORDS is split at "=" and ":", ipsecctl's words are not: split the line at blanks,
	# as far as it has no quotes.
	[[ $line != *[\'\"]* ]] || return 0
	read -ra words <<<"${line//\\ /$'\x01'}"
	[[ $line != *[[:space:]] ]] || words+=("")
	cur=${words[-1]//$'\x01'/ }

	local args=()
	for ((i = 1; i < ${#words[@]}; i++)); do
		word=${words[i]//$'\x01'/ }
		case $word in
		--run-dir | --state-dir | -H)
			args+=("$word" "${words[i + 1]-}")
			i=$((i + 1))
			;;
		--json | --dry-run) ;;
		-f)
			mapfile -t COMPREPLY < <(compgen -f -- "$cur")
			compopt -o filenames 2>/dev/null
			return 0
			;;
		*) break ;;
		esac
	done
	if [[ $cur == -* && $i -ge ${#words[@]}-1 ]]; then
		mapfile -t COMPREPLY < <(compgen -W '--run-dir --state-dir --json --dry-run -f -H --version --help' -- "$cur")
		return 0
	fi

	local rest=("${words[@]:i}")
	for ((i = 0; i < ${#rest[@]}; i++)); do rest[i]=${rest[i]//$'\x01'/ }; done
	while IFS= read -r candidate; do
		# bash replaces what is behind the last "=" only
		[[ $COMP_WORDBREAKS != *=* || $cur != *=* ]] || candidate=${candidate#*=}
		[[ $candidate == *= ]] || candidate=$(printf '%q ' "$candidate")
		COMPREPLY+=("$candidate")
	done < <("${words[0]}" "${args[@]}" --complete "${rest[@]}" 2>/dev/null)
	compopt -o nospace 2>/dev/null
	return 0
}

complete -F _ipsecctl ipsecctl
