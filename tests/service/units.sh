#!/bin/bash
# The units: correct for systemd, and no more exposed than promised.
set -u
cd "$(dirname "$0")/../.." || exit 1
command -v systemd-analyze >/dev/null || { echo "skip: no systemd-analyze"; exit 77; }
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
failed=0

# exposure NAME LIMIT: the score of $tmp/NAME must be LIMIT or lower.
exposure() {
	score=$(systemd-analyze security --offline=true --no-pager "$tmp/$1" 2>/dev/null |
		sed -n 's/.*Overall exposure level for .*: \([0-9.]*\) .*/\1/p')
	echo "$1: exposure ${score:-unknown}, at most $2"
	[ -n "$score" ] && awk "BEGIN { exit !($score <= $2) }" || failed=1
}

sed 's#/usr/bin/kpwatch#/bin/true#' contrib/systemd/kpwatch.service > "$tmp/kpwatch.service"
sed 's#/usr/bin/kpwatch#/bin/true#' contrib/systemd/kpwatch@.service > "$tmp/kpwatch@one.service"
# The score of --offline reads one file: the drop-in appended is the same.
cat "$tmp/kpwatch.service" contrib/systemd/packets.conf \
	> "$tmp/kpwatch-packets.service" || failed=1
grep -q '^AmbientCapabilities=CAP_NET_RAW$' "$tmp/kpwatch-packets.service" || failed=1
exposure kpwatch.service 1.2
exposure kpwatch@one.service 1.2
exposure kpwatch-packets.service 1.8
for unit in kpwatch.service kpwatch@one.service kpwatch-packets.service; do
	# Pages of the manual need not be installed where the tests run.
	complaints=$(systemd-analyze verify --man=no --recursive-errors=no "$tmp/$unit" 2>&1 |
		grep -F "$tmp" | grep -v 'is not executable')
	[ -z "$complaints" ] || { echo "$complaints"; failed=1; }
done
# The template is the unit, but for names.
names='^(Description|ExecStart|StateDirectory|LogsDirectory)='
if ! diff <(grep -Ev "$names" contrib/systemd/kpwatch.service) \
	<(grep -Ev "$names" contrib/systemd/kpwatch@.service) 2>/dev/null; then
	echo "kpwatch@.service has drifted from kpwatch.service"
	failed=1
fi
exit $failed
