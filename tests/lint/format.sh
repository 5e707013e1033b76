#!/bin/bash
# Every C file is as clang-format leaves it.
. "$(dirname "$0")/../lib.sh"
cd "$TOP" || exit 1
[ "${LINT:-}" = full ] || skip "only in make lint"
format=$(command -v clang-format-14) || skip "no clang-format-14"

formatted() {
	local difference

	difference=$(diff "$1" <("$format" "$1"))
	[ -z "$difference" ] && return
	head -n 20 <<<"$difference" | sed 's/^/# /'
	return 1
}

shopt -s nullglob
for f in probe/*.c include/*.h tests/*/*.c tests/*/*.h; do
	check "$f is formatted" formatted "$f"
done
finish
