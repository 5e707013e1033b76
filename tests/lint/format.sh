#!/bin/bash
# clang-format.  The alignment of comments after fields is left to people:
# both sides are compared with the white space before such comments folded.
. "$(dirname "$0")/../lib.sh"
cd "$TOP" || exit 1
[ "${LINT:-}" = full ] || skip "only in make lint"
format=$(command -v clang-format-14 || command -v clang-format) ||
    skip "no clang-format"

fold() {
	sed -E 's|[ \t]+/\*|\t/*|; s|^[ \t]+\*|\t*|; s|[ \t]+$||'
}

formatted() {
	local difference

	difference=$(diff <(fold <"$1") <("$format" "$1" | fold))
	[ -z "$difference" ] && return
	head -n 20 <<<"$difference" | sed 's/^/# /'
	return 1
}

shopt -s nullglob globstar
for f in probe/*.c tests/**/*.c; do
	check "$f is formatted" formatted "$f"
done
finish
