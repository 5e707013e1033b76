#!/bin/bash
# The live pipeline beside a bare libcurl loop, wrk, blackbox_exporter and
# urlwatch, in the test world.
set -u
here=$(cd "$(dirname "$0")" && pwd)
B=${B:-build}
# shellcheck disable=SC2046
cc -O2 -std=gnu11 -o "$B/bare_loop" "$here/bare_loop.c" \
    $(pkg-config --cflags --libs libcurl libcares libevent_core) || exit 1
"$here/../world/enter.sh" /usr/bin/python3 "$here/live.py" "$B/bare_loop"
