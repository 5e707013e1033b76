#!/bin/bash
# Every bench, one after another, then one table of their figures, which is
# written to $B/bench.json too.  Names given: only those (live, schedule ...).
# Exit 1 when a bench failed or a figure falls short.
set -u
cd "$(dirname "$0")/../.." || exit 2
. tests/lib.sh
export B=${B:-build}
failed=()
whole=

[ $# -gt 0 ] || whole=whole
# shellcheck disable=SC2046
[ $# -gt 0 ] || set -- $(cd tests/bench && ls ./*.sh | sed 's|^\./||' |
    grep -v '^run\.sh$' | sed 's/\.sh$//')
mkdir -p "$B"
: >"$B/bench.log"
for bench in "$@"; do
	echo "== $bench"
	timeout -k 10 1200 "tests/bench/$bench.sh" 2>&1 | tee -a "$B/bench.log"
	[ "${PIPESTATUS[0]}" = 0 ] || failed+=("$bench")
done
python3 tests/bench/table.py "$B/bench.log" "$B/bench.json" $whole
rc=$?
[ ${#failed[@]} = 0 ] || echo "failed: ${failed[*]}"
[ ${#failed[@]} = 0 ] && [ $rc = 0 ]
