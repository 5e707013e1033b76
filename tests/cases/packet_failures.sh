#!/bin/bash
# Failures in packets, told of the pages that they are of.
. "$(dirname "$0")/../lib.sh"
[ -x "$KPWATCH" ] || skip "no program"
make_work
/usr/bin/python3 "$(dirname "$0")/packet_failures.py" "$work"
