#!/bin/bash
# Thousands of targets that fail at once: one message for each hook.
#
# TARGETS (200; TORTURE=long: 3000).
. "$(dirname "$0")/../lib.sh"
for tool in jq curl; do
	command -v $tool >/dev/null || skip "no $tool"
done
[ "${TORTURE:-}" = long ] && usual=3000 || usual=200
exec "$TOP/tests/world/enter.sh" /usr/bin/python3 "$TOP/tests/torture/burst.py" \
	"${TARGETS:-$usual}"
