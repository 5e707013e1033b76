#!/bin/bash
# kill -9 of every process at random moments, live and in replay.
#
# CYCLES (6; TORTURE=long: 1000), half as many of replay.
[ "${TORTURE:-}" = long ] && usual=1000 || usual=6
exec "$(dirname "$0")/../world/enter.sh" /usr/bin/python3 \
    "$(dirname "$0")/kill.py" "${CYCLES:-$usual}"
