#!/bin/bash
# Change logs, archives and databases, torn, cut short and with bits turned.
#
# CYCLES (4; TORTURE=long: 400) of each kind of file.
[ "${TORTURE:-}" = long ] && usual=400 || usual=4
exec "$(dirname "$0")/../world/enter.sh" /usr/bin/python3 \
    "$(dirname "$0")/damage.py" "${CYCLES:-$usual}"
