#!/bin/bash
# What the daemon tells the service manager, the journal and Prometheus, and
# that the watchdog is fed by its loops and by nothing else.
set -u
# A journal of our own needs a /run of our own.
if [ "${1:-}" != inside ] && [ "$(id -u)" = 0 ] &&
	unshare --mount true 2>/dev/null; then
	exec unshare --mount "$0" inside
fi
. "$(dirname "$0")/../lib.sh"
for tool in python3 openssl curl pgrep; do
	command -v $tool >/dev/null || skip "no $tool"
done
work=$(mktemp -d "${TMPDIR:-/tmp}/kpwatch-test.XXXXXX")
pids=()
finish_all() {
	for pid in "${pids[@]}"; do kill -CONT "$pid"; kill "$pid"; done 2>/dev/null
	rm -rf "$work"
}
trap finish_all EXIT

journal=
if [ "${1:-}" = inside ]; then
	mkdir -p /run/systemd
	mount -t tmpfs none /run/systemd && mkdir /run/systemd/journal &&
		journal=/run/systemd/journal/socket
fi
openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=paper.test \
	-keyout "$work/key.pem" -out "$work/good.pem" 2>/dev/null || die "openssl"
python3 "$TOP/tests/service/sites.py" "$work" &
pids+=($!)
# shellcheck disable=SC2086
python3 "$TOP/tests/service/manager.py" "$work" $journal &
pids+=($!)
for _ in $(seq 200); do
	[ -e "$work/ports" ] && [ -e "$work/listening" ] && break
	sleep 0.05
done
read -r http _ dns < "$work/ports" || die "the sites did not start"
listen=127.0.0.1:$((20000 + RANDOM % 10000))
cp "$TOP"/conf/platforms.yaml "$TOP"/conf/verdicts.yaml "$work"
echo "accounts: []" > "$work/accounts.yaml"
cat > "$work/sites.yaml" <<EOT
sites:
  - {id: paper, name: Paper, category: news, status: active, source: test,
     pages: [{name: main, url: "http://paper.test:$http/daily"}]}
  - {id: shut, name: Shut, category: news, status: active, source: test,
     pages: [{name: main, url: "http://shut.test:9/"}]}
EOT
cat > "$work/kpwatch.yaml" <<EOT
vantage: service
intervals: {active: 1s, retry_first: 1s, retry_max: 1s, spacing: 0s}
network: {name_servers: ["127.0.0.1:$dns"], ca_file: $work/good.pem, allow: [127.0.0.0/8]}
limits: {analysers: 2}
metrics: {listen: "$listen"}
hooks:
  - {name: deaf, command: /bin/false, types: ["monitor.started"]}
EOT
: > "$work/log"
JOURNAL_STREAM=$(stat -c %d:%i "$work/log") \
	NOTIFY_SOCKET=$work/notify WATCHDOG_USEC=2000000 \
	"$KPWATCH" run -c "$work/kpwatch.yaml" -s "$work/state" >> "$work/log" 2>&1 &
daemon=$!
pids+=("$daemon")

told() { # PATTERN: how often the service manager was told that
	grep -c -- "$1" "$work/notify.log" 2>/dev/null
}
until_more() { # PATTERN COUNT SECONDS
	for _ in $(seq $(($3 * 10))); do
		[ "$(told "$1")" -gt "$2" ] && return 0
		sleep 0.1
	done
	return 1
}

check "READY=1 is told" until_more '^READY=1' 0 20
same "when every process is up" "analyser analyser courier net store" \
	"$(ps -o comm= --ppid $daemon | sort | xargs)"
check "STATUS= has targets, due, in flight and the last event" until_more \
	'^STATUS=2 targets, .* due, .* in flight, .*last event: 20.*paper: target.baseline' 0 20
check "the watchdog is fed" until_more '^WATCHDOG=1' 2 10
net=$(pgrep -P $daemon -x net)
kill -STOP "$net"
sleep 1.2
fed=$(told '^WATCHDOG=1')
sleep 1.8
same "but not when a loop hangs" "$fed" "$(told '^WATCHDOG=1')"
kill -CONT "$net"
check "and again when it goes on" until_more '^WATCHDOG=1' "$fed" 10

ready=$(told '^READY=1')
kill -HUP $daemon
check "a reload is told, with its time" until_more '^RELOADING=1 | MONOTONIC_USEC=[0-9]*$' 0 10
check "and its end" until_more '^READY=1' "$ready" 20
same "in that order" "READY=1 RELOADING=1 READY=1" \
	"$(grep -oE '^(READY|RELOADING)=1' "$work/notify.log" | xargs)"

# Metrics: names of blackbox_exporter, values that are true.
value() { # NAME{LABELS} as it stands
	awk -v name="$1" '$1 == name { print $2 }' "$work/metrics"
}
for _ in $(seq 100); do
	curl -sf "http://$listen/metrics" > "$work/metrics" &&
		grep -q '^probe_success{target="paper"' "$work/metrics" &&
		[ "$(value kpwatch_hook_deliveries_waiting)" = 1 ] && break
	sleep 0.2
done
cat > "$work/want" <<'EOT'
probe_success{target="paper",page="main"} 1
probe_success{target="shut",page="main"} 0
probe_http_status_code{target="paper",page="main"} 200
probe_http_content_length{target="paper",page="main"} 86
probe_http_uncompressed_body_length{target="paper",page="main"} 86
kpwatch_pages 2
kpwatch_hook_deliveries_waiting 1
kpwatch_analyser_restarts_total 0
EOT
while read -r name want; do
	same "$name" "$want" "$(value "$name")"
done < "$work/want"
for name in probe_duration_seconds kpwatch_schedule_lag_seconds \
	kpwatch_loop_delay_seconds kpwatch_analyser_restarts_total; do
	check "$name is there" grep -q "^$name" "$work/metrics"
done
if command -v promtool >/dev/null; then
	check "promtool accepts them" promtool check metrics < "$work/metrics"
fi
same "other paths are not there" 404 \
	"$(curl -s -o /dev/null -w '%{http_code}' "http://$listen/")"
check "only loopback may be listened on" bash -c '! "$1" config -c "$2" \
	-o metrics.listen=0.0.0.0:9464 2>/dev/null' - "$KPWATCH" "$work/kpwatch.yaml"

if [ -n "$journal" ]; then
	entry=$(grep 'KPWATCH_TYPE=target.baseline' "$work/journal.log" |
		grep 'KPWATCH_TARGET=paper')
	for field in 'MESSAGE=paper: target.baseline' 'MESSAGE_ID=[0-9a-f]\{32\}' \
		'PRIORITY=[0-7]' 'KPWATCH_SEQ=[0-9]' 'KPWATCH_VANTAGE=service' \
		'KPWATCH_URL=http://paper.test'; do
		check "journal: $field" grep -q -- "$field" <<< "$entry"
	done
	check "journal: other lines come there too" grep -q 'watching 2 targets' \
		"$work/journal.log"
fi

# Of the store and the courier the watchdog knows nothing: the parent ends and
# replaces one that hangs.
hung=$(pgrep -P $daemon -x 'store|courier' | sort | xargs)
# shellcheck disable=SC2086
kill -STOP $hung
replaced() {
	local now

	now=$(pgrep -P $daemon -x 'store|courier' | sort | xargs)
	[ "$(wc -w <<< "$now")" = 2 ] && [ "${now% *}" != "${hung% *}" ] &&
		[ "${now#* }" != "${hung#* }" ] && [ "${now% *}" != "${hung#* }" ]
}
for _ in $(seq 600); do replaced && break; sleep 0.1; done
check "a store and a courier that hang are replaced" replaced
check "and the log says why" grep -qs 'store gives no sign of life; killing it' \
	"$work/log" "$work/journal.log"
# shellcheck disable=SC2086
replaced || kill -CONT $hung

kill -TERM $daemon
wait $daemon
same "SIGTERM ends it well" 0 $?
check "STOPPING=1 is told" until_more '^STOPPING=1' 0 5
[ $failures = 0 ] || { tail -n 20 "$work/log" "$work/notify.log"; cat "$work/metrics"; } | sed 's/^/# /'
finish
