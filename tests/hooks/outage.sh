#!/bin/bash
# A receiver that is down for an hour, at 360 times the usual pace.
. "$(dirname "$0")/../lib.sh"
for tool in python3 jq curl; do
	command -v $tool >/dev/null || skip "no $tool"
done
make_work
python3 "$TOP/tests/hooks/outage.py" "$work"
