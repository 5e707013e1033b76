#!/bin/bash
# Every process of a running daemon has the descriptors that the manual lists,
# and no others.
set -u
. "$(dirname "$0")/../lib.sh"
for tool in python3 pgrep; do
	command -v $tool >/dev/null || skip "no $tool"
done
[ "$(id -u)" = 0 ] || skip "only root sees the descriptors of such processes"
work=$(mktemp -d "${TMPDIR:-/tmp}/kpwatch-test.XXXXXX")
daemon=0
finish_all() {
	[ $daemon = 0 ] || kill "$daemon" 2>/dev/null
	rm -rf "$work"
}
trap finish_all EXIT

analysers=3
cp "$TOP"/conf/platforms.yaml "$TOP"/conf/verdicts.yaml "$work"
echo "accounts: []" > "$work/accounts.yaml"
# Looks that are over at once: mostly, nothing is under way.
cat > "$work/sites.yaml" <<EOT
sites:
  - {id: shut, name: Shut, category: news, status: active, source: test,
     pages: [{name: main, url: "http://127.0.0.1:9/"}]}
EOT
cat > "$work/kpwatch.yaml" <<EOT
vantage: descriptors
intervals: {active: 2s, retry_first: 2s, retry_max: 2s, spacing: 0s}
network: {allow: [127.0.0.0/8], name_servers: ["127.0.0.1:9"]}
limits: {analysers: $analysers}
record: {warc: true, packets: yes}
hooks:
  - {name: all, command: /bin/true, types: ["*"]}
EOT

# described ROLE: from the manual, as "sockets epoll timers pipes files".
described() {
	sed -n '/^\.It Sy process Ta/,/^\.El/p' "$TOP/contrib/man/kpwatch.8" |
		awk -F' Ta ' -v role="$1" -v n=$analysers '
		$1 == ".It Em " role {
			split($2, s, "+")
			print s[1] + (s[2] == "N" ? n : 0), $3, $4, $5, $6
		}'
}
# found PID: the same of a process.
found() {
	local fd target sockets=0 epoll=0 timers=0 pipes=0 files=()

	for fd in /proc/"$1"/fd/*; do
		[ "${fd##*/}" -gt 2 ] || continue
		target=$(readlink "$fd") || continue
		case $target in
		socket:*) sockets=$((sockets + 1)) ;;
		anon_inode:*eventpoll*) epoll=$((epoll + 1)) ;;
		anon_inode:*timerfd*) timers=$((timers + 1)) ;;
		pipe:*) pipes=$((pipes + 1)) ;;
		"$work/state") files+=(state) ;;
		*.sqlite) files+=(database) ;;
		*.sqlite-*) files+=("${target##*-}") ;;
		*.warc.gz) files+=(archive) ;;
		*.cdxj) files+=(index) ;;
		"$work"/state/*) files+=("${target##*/}") ;;
		*) files+=("$target") ;;
		esac
	done
	echo "$sockets $epoll $timers $pipes ${files[*]:-none}"
}
# sorted "S E T P FILE...": the files in an order that does not matter.
sorted() {
	# shellcheck disable=SC2086
	set -- $1
	echo "$1 $2 $3 $4 $(printf '%s\n' "${@:5}" | sort | xargs)"
}

# Started with none but the three, whatever the test was started with.
python3 - "$KPWATCH" "$work" <<'EOT' &
import os, sys
os.closerange(3, 1024)
out = os.open(sys.argv[2] + "/log", os.O_CREAT | os.O_WRONLY | os.O_APPEND)
os.dup2(out, 1)
os.dup2(out, 2)
os.close(out)
os.environ.pop("JOURNAL_STREAM", None)
os.execv(sys.argv[1], ["kpwatch", "run", "-c", sys.argv[2] + "/kpwatch.yaml",
                       "-s", sys.argv[2] + "/state"])
EOT
daemon=$!
for _ in $(seq 200); do
	grep -q 'watching' "$work/log" 2>/dev/null && break
	sleep 0.1
done

for role in parent net store courier analyser sniffer; do
	want=$(sorted "$(described "$role")")
	pids=$daemon
	[ "$role" = parent ] || pids=$(pgrep -P $daemon -x "$role")
	same "there are as many of $role as there should be" \
		"$([ "$role" = analyser ] && echo $analysers || echo 1)" \
		"$(wc -w <<< "$pids")"
	for pid in $pids; do
		# Until something was recorded, and no look is under way.
		for _ in $(seq 200); do
			got=$(sorted "$(found "$pid")")
			[ "$got" = "$want" ] && break
			sleep 0.1
		done
		same "descriptors of $role" "$want" "$got"
	done
done
kill -TERM $daemon
wait $daemon
same "SIGTERM ends it well" 0 $?
daemon=0
[ $failures = 0 ] || sed 's/^/# /' "$work/log"
finish
