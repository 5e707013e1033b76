#!/bin/bash
# The story on our own pages.
here=$(dirname "$0")
. "$here/../lib.sh"
"$KPWATCH" run --help >/dev/null 2>&1 || skip "no run command"
exec "$here/enter.sh" /usr/bin/python3 "$here/story.py" own
