#!/bin/bash
# More archives than are kept open at once.
. "$(dirname "$0")/../lib.sh"
[ -x "$KPWATCH" ] || skip "no program"
make_work
/usr/bin/python3 "$(dirname "$0")/many_archives.py" "$work"
