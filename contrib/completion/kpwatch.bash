# Completion of kpwatch for bash.  Commands come from the program itself, so
# that none is forgotten here.
# shellcheck shell=bash

_kpwatch_commands() {
	kpwatch --help 2>/dev/null | sed -n 's/^  \([a-z][a-z]*\) .*/\1/p'
}

# Ids of the targets in the configuration beside the file given with -c, or
# in the usual one.
_kpwatch_targets() {
	local config=${KPWATCH_CONFIG:-/etc/kpwatch/kpwatch.yaml} i

	for ((i = 1; i < ${#COMP_WORDS[@]} - 1; i++)); do
		[ "${COMP_WORDS[i]}" = -c ] && config=${COMP_WORDS[i + 1]}
	done
	sed -n 's/^ *-  *{\{0,1\}id: *\([a-z0-9._-]*\).*/\1/p' \
	    "${config%/*}"/sites.yaml "${config%/*}"/accounts.yaml 2>/dev/null
}

_kpwatch_options() {
	kpwatch "$1" --help 2>/dev/null |
	    grep -oE -- '(^| |\[)--?[a-z][a-z-]*' | tr -d ' [' | sort -u
}

_kpwatch() {
	local cur=${COMP_WORDS[COMP_CWORD]}
	local prev=${COMP_WORDS[COMP_CWORD - 1]}
	local command=${COMP_WORDS[1]-}
	local words=

	COMPREPLY=()
	if [ "$COMP_CWORD" -eq 1 ]; then
		words="$(_kpwatch_commands) --help --version"
	elif [ "$prev" = -s ]; then
		mapfile -t COMPREPLY < <(compgen -d -- "$cur")
		return
	elif [ "$prev" = -c ]; then
		mapfile -t COMPREPLY < <(compgen -f -- "$cur")
		return
	elif [ "$prev" = --target ]; then
		words=$(_kpwatch_targets)
	elif [[ $cur == -* ]]; then
		words="$(_kpwatch_options "$command") --help"
	elif [ "$command" = check ] || [ "$command" = status ]; then
		words=$(_kpwatch_targets)
	else
		mapfile -t COMPREPLY < <(compgen -f -- "$cur")
		return
	fi
	mapfile -t COMPREPLY < <(compgen -W "$words" -- "$cur")
}

complete -o filenames -F _kpwatch kpwatch
