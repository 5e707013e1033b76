#!/bin/bash
# Pages made to hurt: bounded time and memory whatever the bytes.
. "$(dirname "$0")/../lib.sh"
cd "$TOP" || exit 1
[[ ${B:-build} == *address* ]] && skip "time and memory of a sanitised program"
exec python3 tests/conformance/hostile.py "$KPWATCH" conf/kpwatch.yaml
