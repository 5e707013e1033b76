#!/bin/bash
# Each process killed at each message of a session: nothing is lost.
#
# NTH (1; TORTURE=long: "1 2 5"): at which of them.  ONLY: a pattern for the
# lines "PROCESS send|take TYPE".
. "$(dirname "$0")/../lib.sh"
export PROGRAM=$TOP/${B:-build}/tests/kill_points
[ -x "$PROGRAM" ] || skip "no $PROGRAM"
python3 -c 'import sqlite3' 2>/dev/null || skip "no python3"
make_work
[ "${TORTURE:-}" = long ] && usual="1 2 5" || usual=1
# shellcheck disable=SC2086
python3 "$TOP/tests/torture/messages.py" "$work" ${NTH:-$usual}
