#!/bin/bash
# A day of the whole catalogue, at 450 times its pace.
#
# HOURS (1; TORTURE=long: 24).
[ "${TORTURE:-}" = long ] && usual=24 || usual=1
exec "$(dirname "$0")/../world/enter.sh" /usr/bin/python3 \
    "$(dirname "$0")/day.py" "${HOURS:-$usual}"
