#!/bin/bash
# Servers that do everything wrong.
#
# SECONDS_EVIL (20; TORTURE=long: 900) of them, longer until all were looked
# at; COPIES (2; 12) of those that send much.
[ "${TORTURE:-}" = long ] && usual="900 12" || usual="20 2"
# shellcheck disable=SC2086
set -- $usual
exec "$(dirname "$0")/../world/enter.sh" /usr/bin/python3 \
    "$(dirname "$0")/hostile.py" "${SECONDS_EVIL:-$1}" "${COPIES:-$2}"
