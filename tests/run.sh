#!/bin/bash
# Runs tests and counts their cases.
#
#	tests/run.sh [-j N] [-t SECONDS] [KIND]...
#
# KIND: unit conformance cases hooks service fuzz world torture package lint
# (default: all but fuzz, torture and package).
# A test is a program: one of $B/tests (from tests/unit/*.c and
# tests/conformance/*.c) or an executable tests/KIND/*.sh.  Its TAP lines are
# its cases; without such lines it is one case and its exit code the outcome
# (77: skipped).  Logs of what did not pass stay in $B/log.
# The last line is "N passed, N failed", which is in $B/totals too.
set -u
cd "$(dirname "$0")/.." || exit 2
. tests/lib.sh

B=${B:-build}
PATH=$PWD/$B/tools:$PATH
jobs=2
limit=300
while getopts j:t: option; do
	case $option in
	j) jobs=$OPTARG ;;
	t) limit=$OPTARG ;;
	*) exit 2 ;;
	esac
done
shift $((OPTIND - 1))
[ $# -gt 0 ] || set -- unit conformance cases hooks service world lint
export B limit CMOCKA_MESSAGE_OUTPUT=TAP

# Prints "passed failed skipped" for a log and an exit code.
count() {
	awk -v rc="$2" '
	/^(not )?ok [0-9]+/ {
		if ($0 ~ /# SKIP/) skipped++
		else if ($1 == "ok") passed++
		else failed++
	}
	END {
		lines = passed + failed + skipped
		if (rc == 77 && failed == 0 && skipped == 0) skipped++
		else if (rc != 0 && rc != 77 && failed == 0) failed++
		else if (lines == 0 && rc == 0) passed++
		print passed + 0, failed + 0, skipped + 0
	}' "$1"
}

# $2: a program to run.  Its result goes to $B/log/NAME.count.
run_one() {
	local kind=$1 path=$2 name log rc start figures
	name=$kind-$(basename "$path" .sh)
	log=$B/log/$name.log
	start=$SECONDS
	timeout -k 10 "$limit" "$path" >"$log" 2>&1 </dev/null
	rc=$?
	[ $rc = 124 ] && echo "not ok 0 - $name: over $limit s" >>"$log"
	figures=$(count "$log" $rc)
	echo "$figures" >"$B/log/$name.count"
	set -- $figures
	if [ "$2" != 0 ]; then
		printf 'FAIL %-32s %s failed, log: %s\n' "$name" "$2" "$log"
		grep -n -B12 -A6 '^not ok' "$log" | grep -v -- '-ok ' |
		    grep -v '# SKIP' | head -n 60 | sed 's/^/     /'
		[ "$(grep -c '^not ok' "$log")" -gt 0 ] ||
		    tail -n 20 "$log" | sed 's/^/     /'
	elif [ "$1" = 0 ]; then
		printf 'skip %-32s %s\n' "$name" \
		    "$(sed -n 's/.*# SKIP *//p' "$log" | head -n 1)"
	else
		printf 'ok   %-32s %s passed%s, %s s\n' "$name" "$1" \
		    "$([ "$3" = 0 ] || echo ", $3 skipped")" \
		    $((SECONDS - start))
		grep '^# figure:' "$log" | sed 's/^# figure:/       /'
		rm -f "$log"
	fi
}
export -f run_one count

# Lines "KIND PATH" of all tests of a kind.
list() {
	local path base

	case $1 in
	unit | conformance)
		for path in "tests/$1"/*.c; do
			base=$(basename "$path" .c)
			[ -e "$path" ] && echo "$1 $B/tests/$base"
		done
		;;
	esac
	for path in "tests/$1"/*.sh; do
		# The way into the namespaces, not a test.
		[ "${path##*/}" = enter.sh ] && continue
		[ -x "$path" ] && echo "$1 $path"
	done
}

rm -rf "$B/log"
mkdir -p "$B/log"
if [ "${CI:-}" = true ] && [ ! -d "$KPWATCH_SHARED" ]; then
	echo "FAIL: the shared data folder $KPWATCH_SHARED is missing"
	echo "0 1 0" >"$B/log/shared.count"
fi
for kind in "$@"; do
	case $kind in
	# These measure time or own the machine's packets: one at a time.
	world | torture) width=1 ;;
	*) width=$jobs ;;
	esac
	list "$kind" | xargs -r -P "$width" -L 1 \
	    bash -c 'run_one "$0" "$1"'
done

totals=$(cat "$B/log"/*.count 2>/dev/null | awk '
	{ p += $1; f += $2; s += $3 }
	END { print p + 0, f + 0, s + 0 }')
rm -f "$B/log"/*.count
set -- $totals
echo "$3 skipped"
echo "$1 passed, $2 failed" | tee "$B/totals"
[ "$2" = 0 ] && [ "$1" -gt 0 ]
