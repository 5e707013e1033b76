#!/bin/bash
# Alert rules and the dashboard use metrics that exist.
set -u
cd "$(dirname "$0")/../.." || exit 1
PATH=$PWD/${B:-build}/tools:$PATH
for tool in promtool jq; do
	command -v $tool >/dev/null || { echo "skip: no $tool"; exit 77; }
done
failed=0
promtool check rules contrib/prometheus/alerts.yml || failed=1
promtool test rules tests/service/alerts.test.yml || failed=1
names=$({ cat contrib/prometheus/alerts.yml; jq -r '.panels[].targets[].expr' contrib/prometheus/dashboard.json; } |
	grep -oE '\b(probe|kpwatch)_[a-z_]+' | sort -u)
for name in $names; do
	grep -q "\"$name\"" probe/metrics.c || { echo "no metric is called $name"; failed=1; }
done
echo "$(echo "$names" | wc -l) metrics are used by rules and dashboard"
exit $failed
