#!/bin/bash
# The packets of a run: kept, measured, replayed.
here=$(dirname "$0")
. "$here/../lib.sh"
"$KPWATCH" replay --help >/dev/null 2>&1 || skip "no replay command"
exec "$here/enter.sh" /usr/bin/python3 "$here/sniffer.py"
