#!/bin/bash
# Words and functions that the tree does not have, and the mechanics of style.
. "$(dirname "$0")/../lib.sh"
cd "$TOP" || exit 1

# none NAME PATTERN FILE...: a case that fails where the pattern is found.
none() {
	local name=$1 pattern=$2 found

	shift 2
	# Lines that are inside a comment do not call anything.
	found=$(grep -nP -- "$pattern" "$@" /dev/null |
	    grep -vP '^[^:]+:[0-9]+:\s*(/\*|\*)(?!.*\b(TODO|FIXME|XXX)\b)')
	if [ -z "$found" ]; then
		ok "$name"
	else
		not_ok "$name"
		head -n 20 <<<"$found" | sed 's/^/# /'
	fi
}

shopt -s nullglob globstar
code=(probe/*.c include/*.h)
tests=(tests/**/*.c)
all=("${code[@]}" "${tests[@]}")
texts=("${all[@]}" Makefile conf/* contrib/**/*.* tests/**/*.sh tests/**/*.py
    README.md)
regular=()
for f in "${texts[@]}"; do
	[ -f "$f" ] && [ "$f" != tests/lint/banned.sh ] && regular+=("$f")
done

call='(?<![\w.>])'
none "no unbounded string functions" \
    "$call(strcpy|strcat|sprintf|vsprintf|gets|strncpy|strncat|stpcpy)\\s*\\(" \
    "${code[@]}"
none "no lax number parsing" \
    "$call(atoi|atol|atoll|atof|sscanf|scanf|fscanf)\\s*\\(" "${code[@]}"
none "no hidden state or shell" \
    "$call(strtok|system|popen|alloca|tmpnam|mktemp|rand|srand|setlocale)\\s*\\(" \
    "${code[@]}"
none "no times without thread safety" \
    "$call(gmtime|localtime|asctime|ctime|inet_ntoa|gethostbyname)\\s*\\(" \
    "${code[@]}"
none "no format string from data" \
    "$call(printf|fprintf|syslog|log_(?!quote)\\w+)\\s*\\((stderr,\\s*|stdout,\\s*)?[a-z_]+(->[a-z_]+)?\\)" \
    "${code[@]}"
none "nothing left to do" '\b(TODO|FIXME|XXX|HACK)\b' "${regular[@]}"
none "no trailing white space" '[ \t]+$' "${all[@]}"
none "no line over 80 columns" '^.{81,}$' "${all[@]}"
none "no indentation by eight spaces" '^ {8}' "${code[@]}"
none "no carriage return" '\r' "${regular[@]}"
none "no conflict marker" '^(<<<<<<<|>>>>>>>)' "${regular[@]}"

# Printing a remote string as it is may put control bytes on a terminal: the
# log functions and the table quote; a bare %s of such a field does not.
none "remote text is quoted where it is printed" \
    "$call(printf|fprintf)\\s*\\([^;]*%s[^;]*(->|\\.)(title|text|url|location|subject|san|failure_text)\\b" \
    "${code[@]}"

long=
for f in "${code[@]}"; do
	lines=$(wc -l <"$f")
	[ "$lines" -le 900 ] || long="$long $f($lines)"
done
same "no file over 900 lines" "" "$long"

functions=$(awk '
	FNR == 1 { start = 0 }
	/^\{/ { start = FNR }
	/^\}/ && start { if (FNR - start - 1 > 80)
		print FILENAME ":" start ": " FNR - start - 1 " lines"
		start = 0 }
' "${code[@]}")
same "no function over 80 lines" "" "$functions"
finish
