#!/bin/bash
# Hooks as the daemon runs them: who is told what, in what pace, and what
# becomes of those that fail or hang.
set -u
. "$(dirname "$0")/../lib.sh"
for tool in python3 jq zcat pgrep; do
	command -v $tool >/dev/null || skip "no $tool"
done
work=$(mktemp -d "${TMPDIR:-/tmp}/kpwatch-test.XXXXXX")
pids=()
mark=$((1000 + RANDOM)) # tells our sleepers from others
finish_all() {
	for pid in "${pids[@]}"; do kill "$pid" 2>/dev/null; done
	for pid in $(pgrep -f "sleep 98765.$mark"); do kill "$pid"; done
	rm -rf "$work"
}
trap finish_all EXIT

python3 "$TOP/tests/torture/changing.py" "$work/port" &
pids+=($!)
for _ in $(seq 200); do [ -e "$work/port" ] && break; sleep 0.05; done
port=$(cat "$work/port") || die "the site did not start"

# teller NAME: a hook that writes down the types, targets and platforms.
teller() {
	cat > "$work/$1" <<-HOOK
		#!/bin/bash
		[ ! -e $work/$1.sick ] || { date +%s%N >> $work/$1.tries; exit 1; }
		lines=\$(cat)
		jq -r '"\(.seq) \(.type) \(.target) \(.platform)"' <<< "\$lines" >> $work/$1.told
		echo "\$(date +%s%N) \$KPWATCH_COUNT" >> $work/$1.calls
	HOOK
	chmod 755 "$work/$1"
}
for name in type target platform category batch rate failing; do teller $name; done
touch "$work/failing.sick"
# One that hangs, and leaves a child in its group.
printf '#!/bin/bash\necho x >> %s\nsleep 98765.%s &\nsleep 98765.%s\n' \
	"$work/hanging.calls" "$mark" "$mark" > "$work/hanging"
cp "$work/type" "$work/open"
sed -i "s,/type,/open,g" "$work/open"
chmod 755 "$work/hanging"
chmod 755 "$work/open"

cp "$TOP"/conf/platforms.yaml "$TOP"/conf/verdicts.yaml "$work"
echo "accounts: []" > "$work/accounts.yaml"
{
	echo "sites:"
	for target in north-1:party north-2:news south-1:news; do
		echo "  - {id: ${target%:*}, name: x, category: ${target#*:}, status: active, source: test," \
			"pages: [{name: main, url: \"http://127.0.0.1:$port/${target%:*}\"}]}"
	done
} > "$work/sites.yaml"
cat > "$work/kpwatch.yaml" <<EOT
vantage: hooks
intervals: {active: 1s, retry_first: 1s, retry_max: 2s, spacing: 0s}
network: {allow: [127.0.0.0/8]}
limits: {analysers: 1}
hooks:
  - {name: type, command: $work/type, types: ["monitor.*"]}
  - {name: target, command: $work/target, types: ["channel.*"], targets: ["north-*"]}
  - {name: platform, command: $work/platform, types: ["channel.*"], platforms: ["v*"]}
  - {name: category, command: $work/category, types: ["channel.*"], categories: [party]}
  - {name: batch, command: $work/batch, types: ["channel.*"], batch: 3s}
  - {name: rate, command: $work/rate, types: ["channel.*"], rate: 12}
  - {name: failing, command: $work/failing, types: ["monitor.started"], attempts: 4, retry_first: 200ms}
  - {name: hanging, command: $work/hanging, types: ["monitor.started"], attempts: 1, timeout: 1s}
  - {name: open, command: $work/open, types: ["channel.*"], attempts: 1}
EOT
hooks() {
	"$KPWATCH" hooks -c "$work/kpwatch.yaml" -s "$work/state" "$@"
}
start() {
	"$KPWATCH" run -c "$work/kpwatch.yaml" -s "$work/state" >> "$work/log" 2>&1 &
	daemon=$!
	pids+=("$daemon")
}
# lines FILE COUNT SECONDS: until it has so many.
lines() {
	for _ in $(seq $(($3 * 10))); do
		[ -e "$1" ] && [ "$(wc -l < "$1")" -ge "$2" ] && return 0
		sleep 0.1
	done
	return 1
}

chmod 777 "$work/open"
check "a configuration with a hook that others may write is refused" bash -c \
	'! "$1" config -c "$2" 2>&1 | grep -q "others may write to" && exit 1; exit 0' \
	- "$KPWATCH" "$work/kpwatch.yaml"
chmod 755 "$work/open"
check "hooks --test sends a sample" hooks --test type
check "and the sample came" grep -q channel.added "$work/type.told"
rm -f "$work"/type.told "$work"/type.calls
hooks --test failing > "$work/out" 2>&1
same "hooks --test tells a failure" 1 $?
rm -f "$work/failing.tries"

start
for _ in $(seq 600); do [ -s "$work/type.told" ] && break; sleep 0.1; done
chmod 777 "$work/open"
check "events flow" lines "$work/target.told" 8 90
check "a failing hook is tried as often as it says" lines "$work/failing.tries" 4 60
check "a file that others may write by now is not run" test ! -e "$work/open.calls"
check "and the log says why" grep -q 'hook open: .*writ' "$work/log"
chmod 755 "$work/open"
dead=$(hooks | awk '$1 ~ /^(failing|hanging)$/ { print $1, $4 }' | sort | xargs)
same "what fails for good is a dead letter" "failing 1 hanging 1" "$dead"
check "so are those of the file that others might write" test \
	"$(hooks | awk '$1 == "open" { print $4 }')" -gt 0
check "delays grow" awk '{ if (NR > 2 && $1 - last < gap * 1.3) bad = 1
	gap = $1 - last; last = $1 } END { exit bad }' "$work/failing.tries"
same "the one that hung had its group killed" "" "$(pgrep -f "sleep 98765.$mark")"
same "it was called once" 1 "$(wc -l < "$work/hanging.calls")"

rm "$work/failing.sick"
hooks --retry --hook failing > "$work/out" 2>&1
check "--retry sends the dead letter again" lines "$work/failing.told" 1 60
kill -TERM "$daemon"
wait "$daemon"
same "SIGTERM ends it well" 0 $?

zcat "$work"/state/log/*.gz > "$work/events"
# wanted JQ-CONDITION: the numbers of the events that fit.
wanted() {
	jq -r "select($1) | .seq" "$work/events"
}
# told NAME CONDITION: what came is the start of what was wanted, in order.
told() {
	local n

	cut -d' ' -f1 "$work/$1.told" > "$work/got" 2>/dev/null
	n=$(wc -l < "$work/got")
	same "$1: what it asked for, in order ($n events)" \
		"$(wanted "$2" | head -n "$n")" "$(cat "$work/got")"
}
told type '.type | startswith("monitor.")'
told target '(.type | startswith("channel.")) and (.target | startswith("north-"))'
told category '(.type | startswith("channel.")) and .target == "north-1"'
told batch '.type | startswith("channel.")'
told rate '.type | startswith("channel.")'
check "platform: nothing of another platform" test ! -e "$work/platform.told"
check "a failing or a hanging hook delays no other" test \
	"$(wc -l < "$work/target.told")" -ge 8
check "batch: many in one call" awk '$2 > 1 { ok = 1 } END { exit !ok }' "$work/batch.calls"
check "batch: one call in a window" awk '{ if (NR > 1 && $1 - last < 2500000000) bad = 1
	last = $1 } END { exit bad }' "$work/batch.calls"
# 12 a minute: two at once, then one in five seconds.
check "rate: within its limit" awk 'NR == 1 { first = $1 } { n = NR; last = $1 }
	END { exit n > 3 + (last - first) / 5e9 }' "$work/rate.calls"
echo "# figure: calls: batch $(wc -l < "$work/batch.calls"), rate $(wc -l < "$work/rate.calls"), target $(wc -l < "$work/target.calls")"
[ "$failures" = 0 ] || { hooks; tail -n 30 "$work/log"; } | sed 's/^/# /'
finish
