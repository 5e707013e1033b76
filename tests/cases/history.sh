#!/bin/bash
# The history of four sites, from a folder of archives: who linked what, first
# and last, as the dated facts say.
. "$(dirname "$0")/../lib.sh"
[ -x "$KPWATCH" ] || skip "no program"
make_work
/usr/bin/python3 "$TOP/tests/cases/history.py" "$work" "$TOP/tests/world/pages"
rc=$?
[ $rc = 0 ] || exit $rc
# The same with the pages as they were saved.
[ -d "$KPWATCH_SHARED/pages" ] || exit 0
rm -rf "${work:?}"/*
/usr/bin/python3 "$TOP/tests/cases/history.py" "$work" \
    "$KPWATCH_SHARED/pages"
