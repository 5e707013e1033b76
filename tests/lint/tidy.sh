#!/bin/bash
# clang-tidy with .clang-tidy: slow, so only when LINT=full (make lint).
. "$(dirname "$0")/../lib.sh"
cd "$TOP" || exit 1
[ "${LINT:-}" = full ] || skip "only in make lint"
tidy=$(command -v clang-tidy-14 || command -v clang-tidy) ||
    skip "no clang-tidy"
flags=$(pkg-config --cflags yaml-0.1 libcurl uchardet libpsl libidn2)

# shellcheck disable=SC2086
found=$(printf '%s\n' probe/*.c | xargs -P 2 -n 4 sh -c '
	tidy=$1 flags=$2
	shift 2
	"$tidy" --quiet "$@" -- -std=gnu11 -D_GNU_SOURCE -iquote include \
	    -DKPWATCH_VERSION=\"lint\" $flags 2>/dev/null' sh "$tidy" "$flags" |
    grep -E '(warning|error):' | sort -u)
same "clang-tidy finds nothing" "" "$found"
finish
