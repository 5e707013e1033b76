#!/bin/bash
# One look at everything.
here=$(dirname "$0")
. "$here/../lib.sh"
"$KPWATCH" check --help >/dev/null 2>&1 || skip "no check command"
exec "$here/enter.sh" /usr/bin/python3 "$here/check.py"
