# Shared by the shell tests: source it, it runs nothing.
# Exit codes: 0 pass, 77 skip, anything else fail.
# shellcheck shell=bash

TOP=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
: "${KPWATCH:=$TOP/kpwatch}"
: "${KPWATCH_SHARED:=$TOP/../shared}"
export KPWATCH KPWATCH_SHARED
cases=0
failures=0

skip() {
	echo "1..0 # SKIP $*"
	exit 77
}

die() {
	echo "not ok $((cases + 1)) - $*"
	exit 1
}

ok() {
	cases=$((cases + 1))
	echo "ok $cases - $*"
}

not_ok() {
	cases=$((cases + 1))
	failures=$((failures + 1))
	echo "not ok $cases - $*"
}

# check NAME COMMAND...: a case that passes when the command does.
check() {
	local name=$1

	shift
	if "$@"; then ok "$name"; else not_ok "$name"; fi
}

# same NAME WANT GOT
same() {
	if [ "$2" = "$3" ]; then
		ok "$1"
	else
		not_ok "$1"
		diff <(printf '%s\n' "$2") <(printf '%s\n' "$3") | sed 's/^/# /'
	fi
}

# The plan line and the exit code; the last thing that a test says.
finish() {
	echo "1..$cases"
	[ "$failures" = 0 ]
	exit
}

need_shared() {
	[ -d "$KPWATCH_SHARED/$1" ] || skip "no $1 in the shared data folder"
}

# A folder that goes away with the test.  Sets $work.
make_work() {
	work=$(mktemp -d "${TMPDIR:-/tmp}/kpwatch-test.XXXXXX")
	trap 'rm -rf "$work"' EXIT
}
