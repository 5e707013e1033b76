#!/bin/bash
# The daemon is killed again and again while events flow and hooks fail at
# random.  Every event must reach every hook, in order, and at most one call
# per hook may be repeated for each kill.
#
# CYCLES (8; TORTURE=long: 1000).  SECONDS_MAX: time for them (6000).
# shellcheck disable=SC2034
set -u
. "$(dirname "$0")/../lib.sh"
for tool in python3 jq zcat pgrep; do
	command -v $tool >/dev/null || skip "no $tool"
done
[ "${TORTURE:-}" = long ] && usual=1000 || usual=8
cycles=${CYCLES:-$usual}
work=$(mktemp -d "${TMPDIR:-/tmp}/kpwatch-test.XXXXXX")
daemon=0 site=0
finish_all() {
	[ $daemon = 0 ] || kill -9 $daemon 2>/dev/null
	[ $site = 0 ] || kill $site 2>/dev/null
	rm -rf "$work"
}
trap finish_all EXIT

python3 "$TOP/tests/torture/changing.py" "$work/port" &
site=$!
for _ in $(seq 100); do [ -e "$work/port" ] && break; sleep 0.05; done
port=$(cat "$work/port") || die "the site did not start"

# One line per call, written at once: the first and the last event of it.
for name in single grouped; do
	cat > "$work/$name" <<-HOOK
		#!/bin/bash
		[ -e $work/calm ] || [ \$((RANDOM % 12)) != 0 ] || exit 1
		n=\$(wc -l)
		[ \$n = \$KPWATCH_COUNT ] || exit 1
		echo "\$KPWATCH_SEQ \$KPWATCH_LAST_SEQ \$n" >> $work/$name.calls
	HOOK
	chmod 755 "$work/$name"
done
cp "$TOP"/conf/platforms.yaml "$TOP"/conf/verdicts.yaml "$work"
{
	echo "sites:"
	for i in {1..12}; do
		echo "  - {id: site$i, name: Site $i, category: news, status: active, source: test," \
			"pages: [{name: main, url: \"http://127.0.0.1:$port/$i\"}]}"
	done
} > "$work/sites.yaml"
echo "accounts: []" > "$work/accounts.yaml"
cat > "$work/kpwatch.yaml" <<EOT
vantage: torture
intervals: {active: 1s, retry_first: 1s, retry_max: 2s, spacing: 0s}
network: {allow: [127.0.0.0/8]}
limits: {analysers: 1}
hooks:
  - {name: single, command: $work/single, types: ["channel.added", "monitor.*"], retry_first: 100ms, retry_max: 1s}
  - {name: grouped, command: $work/grouped, batch: 2s, retry_first: 100ms, retry_max: 1s}
EOT
"$KPWATCH" config -c "$work/kpwatch.yaml" > "$work/config.out" 2>&1 ||
	die "configuration: $(cat "$work/config.out")"

start() {
	"$KPWATCH" run -c "$work/kpwatch.yaml" -s "$work/state" >> "$work/run.log" 2>&1 &
	daemon=$!
}

# kill_some: everything at once, the parent alone, or any one process, and
# then the parent.  A kill of one that is not the last counts for itself.
kill_some() {
	local all

	mapfile -t all < <(pgrep -P $daemon)
	# It has no processes yet where the machine is slow.
	case $((${#all[@]} == 0 ? 1 : RANDOM % 3)) in
	0) kill -9 $daemon "${all[@]}" 2>/dev/null ;;
	1) kill -9 $daemon ;;
	2)
		kill -9 "${all[RANDOM % ${#all[@]}]}" 2>/dev/null
		kills=$((kills + 1))
		sleep "0.$((RANDOM % 900 + 100))"
		kill -9 $daemon
		;;
	esac
	wait $daemon 2>/dev/null
}

# A last batch that is cut short is what a kill leaves: the next start cuts
# it off and writes its lines again.  Nothing else may be wrong.
verify() {
	"$KPWATCH" verify -s "$work/state" > "$work/verify.out" 2>&1 && return
	if grep -q '; 1 faults$' "$work/verify.out" &&
		grep -q 'the last batch is cut short' "$work/verify.out"; then
		torn=$((torn + 1))
		return
	fi
	unclean=$((unclean + 1))
	sed 's/^/# /' "$work/verify.out"
}

unclean=0 kills=0 torn=0 cycle=0
limit=$((SECONDS + ${SECONDS_MAX:-6000}))
while [ $cycle -lt "$cycles" ] && [ $SECONDS -lt $limit ]; do
	start
	sleep "$((RANDOM % 3)).$((RANDOM % 900 + 100))"
	kill_some
	kills=$((kills + 1)) cycle=$((cycle + 1))
	[ -d "$work/state/log" ] && verify
	[ $((cycle % 100)) = 0 ] && echo "# $cycle cycles, $SECONDS s"
done
daemon=0

# The hooks are well again, and the site says nothing new.
touch "$work/calm"
kill $site
site=0
: > "$work/run.log"
start
# Until it is up: one that is stopped before leaves the log to the next.
for _ in $(seq 300); do
	grep -q watching "$work/run.log" && break
	sleep 0.1
done
for _ in $(seq $((600 + cycles * 4))); do
	waiting=$("$KPWATCH" hooks -c "$work/kpwatch.yaml" -s "$work/state" | awk '{ n += $2 + $4 } END { print n }')
	[ "$waiting" = 0 ] && break
	sleep 0.5
done
kill -TERM $daemon
wait $daemon
daemon=0
"$KPWATCH" verify -s "$work/state" > "$work/verify.out" 2>&1 ||
	unclean=$((unclean + 1))

zcat "$work"/state/log/*.gz > "$work/lines"
jq -r 'select(.type | test("^(channel.added$|monitor)")) | .seq' "$work/lines" > "$work/single.want"
jq -r 'select(.type != "target.baseline") | .seq' "$work/lines" > "$work/grouped.want"
events=$(wc -l < "$work/lines")

# judge NAME: sets lost, wrong, repeated from what was called for and what came.
judge() {
	python3 - "$work/$1.want" "$work/$1.calls" "$work/lines" <<-'PY'
	import sys, json
	want = [int(x) for x in open(sys.argv[1])]
	calls = [tuple(map(int, line.split())) for line in open(sys.argv[2])]
	# The last event, monitor.stopped, is for the next start to tell.
	last = max(json.loads(l)["seq"] for l in open(sys.argv[3]))
	told, lost, wrong, repeated, at, start = set(), 0, 0, 0, 0, 0
	for first, end, count in calls:
	    if first <= at:
	        repeated += 1      # the same events again, or more after them
	        if first != start: wrong += 1
	    inside = [s for s in want if first <= s <= end]
	    if len(inside) != count: wrong += 1
	    told.update(inside)
	    start, at = first, max(at, end)
	lost = sum(1 for s in want if s not in told and s != last)
	print(lost, wrong, repeated, len(calls))
	PY
}
for name in single grouped; do
	read -r lost wrong repeated calls < <(judge $name)
	echo "# figure: $name: $kills kills in $cycle cycles, $(wc -l < "$work/$name.want") of $events events wanted, $calls calls, $repeated repeated"
	same "$name: events lost" 0 "$lost"
	same "$name: calls out of order or with a wrong count" 0 "$wrong"
	check "$name: at most one repeat per kill" test "$repeated" -le $kills
done
check "events flowed" test "$events" -gt "$cycle"
same "logs that were not clean" 0 "$unclean"
echo "# figure: $torn of $cycle kills left a batch cut short"
sed -n 's/^/# figure: verify: /p' "$work/verify.out"
check "all was delivered in the end" test "$waiting" = 0
echo "1..$cases"
[ "$failures" = 0 ]
