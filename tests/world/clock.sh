#!/bin/bash
# The system clock set, the machine suspended, the event loop late.
set -eu
here=$(dirname "$0")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"${CC:-cc}" -O2 -shared -fPIC -o "$work/clock_shift.so" "$here/clock_shift.c"
CLOCK_LIBRARY=$work/clock_shift.so "$here/enter.sh" /usr/bin/python3 \
    "$here/clock.py"
