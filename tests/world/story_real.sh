#!/bin/bash
# The story on the real saved pages.
here=$(dirname "$0")
. "$here/../lib.sh"
need_shared pages
"$KPWATCH" run --help >/dev/null 2>&1 || skip "no run command"
exec "$here/enter.sh" /usr/bin/python3 "$here/story.py" real
