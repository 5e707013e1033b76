#!/bin/bash
# Full disks, writes that fail, memory that is refused.
#
# CYCLES (2; TORTURE=long: 100) of each.
command -v strace prlimit >/dev/null || {
	echo "1..0 # SKIP no strace or no prlimit"
	exit 77
}
[ "${TORTURE:-}" = long ] && usual=100 || usual=2
exec "$(dirname "$0")/../world/enter.sh" /usr/bin/python3 \
    "$(dirname "$0")/disk.py" "${CYCLES:-$usual}"
