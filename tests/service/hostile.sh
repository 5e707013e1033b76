#!/bin/bash
# An analyser that a page has taken over cannot harm the other processes; a
# page that kills or hangs its analyser is recorded and not tried again.
. "$(dirname "$0")/../lib.sh"
export PROGRAM=$TOP/${B:-build}/tests/hostile_analyser
[ -x "$PROGRAM" ] || skip "no $PROGRAM"
python3 -c 'import sqlite3' 2>/dev/null || skip "no python3"
make_work
python3 "$TOP/tests/service/hostile.py" "$work"
