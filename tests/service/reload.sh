#!/bin/bash
# SIGHUP applies a new configuration: name servers, certificates, allowed
# networks, pages and rules; what is under way is finished; a target taken
# out keeps its history.  A broken configuration changes nothing.
set -u
. "$(dirname "$0")/../lib.sh"
for tool in python3 openssl jq sqlite3; do
	command -v $tool >/dev/null || skip "no $tool"
done
work=$(mktemp -d "${TMPDIR:-/tmp}/kpwatch-test.XXXXXX")
pids=()
finish_all() {
	for pid in "${pids[@]}"; do kill "$pid" 2>/dev/null; done
	rm -rf "$work"
}
trap finish_all EXIT

openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=paper.test \
	-addext subjectAltName=DNS:paper.test -keyout "$work/key.pem" \
	-out "$work/good.pem" 2>/dev/null || die "openssl"
openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=other.test \
	-keyout "$work/other.key" -out "$work/bad.pem" 2>/dev/null
python3 "$TOP/tests/service/sites.py" "$work" &
pids+=($!)
for _ in $(seq 200); do [ -e "$work/ports" ] && break; sleep 0.05; done
read -r http https dns < "$work/ports" || die "the sites did not start"

cp "$TOP"/conf/platforms.yaml "$TOP"/conf/verdicts.yaml "$work"
echo "accounts: []" > "$work/accounts.yaml"

# configure DNS CA ALLOW TARGET...
configure() {
	local name

	cat > "$work/kpwatch.yaml" <<-EOT
		vantage: reload
		intervals: {active: 1s, retry_first: 1s, retry_max: 1s, spacing: 0s}
		network: {name_servers: ["127.0.0.1:$1"], ca_file: $work/$2, allow: [$3]}
		limits: {analysers: 1}
		twin: {enabled: false}
	EOT
	shift 3
	echo "sites:" > "$work/sites.yaml"
	for name; do
		echo "  - {id: $name, name: $name, category: news, status: active, source: test," \
			"pages: [{name: main, url: \"${url[$name]}\"}]}"
	done >> "$work/sites.yaml"
}
declare -A url=([plain]="http://paper.test:$http/plain"
	[secure]="https://paper.test:$https/secure"
	[slow]="http://paper.test:$http/slow"
	[late]="http://paper.test:$http/late")

ask() {
	sqlite3 "file:$work/state/kpwatch.sqlite?mode=ro" "$1" 2>/dev/null
}
# failure TARGET: of its last observation; "good" when there was none.
failure() {
	ask "SELECT CASE WHEN d.failure IS NULL OR d.failure = '' THEN
		'good ' || COALESCE(d.status, '') ELSE d.failure END
		FROM observations o LEFT JOIN details d USING (observation)
		JOIN pages p ON p.page = o.page JOIN targets t USING (target)
		WHERE t.id = '$1' ORDER BY o.observation DESC LIMIT 1"
}
# soon NAME WANT COMMAND...: within 15 s it prints that.
soon() {
	local name=$1 want=$2 got=

	shift 2
	for _ in $(seq 150); do
		got=$("$@")
		# shellcheck disable=SC2254
		case $got in $want) ok "$name"; return ;; esac
		sleep 0.1
	done
	same "$name" "$want" "$got"
}
reload() {
	kill -HUP "$daemon"
	sleep 0.2
}
net_pid() {
	pgrep -P "$daemon" -x net
}

configure 9 bad.pem 10.0.0.0/8 plain secure
"$KPWATCH" run -c "$work/kpwatch.yaml" -s "$work/state" > "$work/log" 2>&1 &
daemon=$!
pids+=("$daemon")
soon "without its name server nothing is found" connection_refused failure plain
net=$(net_pid)

configure "$dns" bad.pem 10.0.0.0/8 plain secure
reload
soon "a new name server; the address is not allowed" dns_bogon_error failure plain
configure "$dns" bad.pem 127.0.0.0/8 plain secure
reload
soon "a newly allowed network" "good*" failure plain
soon "an unknown certificate authority" "ssl_*" failure secure
configure "$dns" good.pem 127.0.0.0/8 plain secure slow
reload
soon "a new certificate authority" "good*" failure secure
same "all by one and the same net process" "$net" "$(net_pid)"

# The look at slow is under way for two seconds when the reload comes.
for _ in $(seq 100); do [ -e "$work/slow.asked" ] && break; sleep 0.05; done
rm -f "$work/slow.asked"
echo "broken" >> "$work/kpwatch.yaml"
reload
soon "a broken configuration is refused" "*old one stays in force*" \
	tail -n 3 "$work/log"
configure "$dns" good.pem 127.0.0.0/8 plain slow late
reload
soon "what was under way is finished" "good*" failure slow
soon "a new target is watched" "good*" failure late
events=$(ask "SELECT count(*) FROM events WHERE target = 'secure'")
check "a target that was taken out keeps its events" test "$events" -gt 0
sleep 1.5
last=$(ask "SELECT max(o.time) FROM observations o JOIN pages p USING (page)
	JOIN targets t USING (target) WHERE t.id = 'secure'")
sleep 2.2
same "and is not looked at any more" "$last" \
	"$(ask "SELECT max(o.time) FROM observations o JOIN pages p USING (page)
	JOIN targets t USING (target) WHERE t.id = 'secure'")"
configure "$dns" good.pem 127.0.0.0/8 plain secure slow late
reload
for _ in $(seq 100); do
	[ "$(ask "SELECT max(o.time) > $last FROM observations o
		JOIN pages p USING (page) JOIN targets t USING (target)
		WHERE t.id = 'secure'")" = 1 ] && break
	sleep 0.1
done
same "put back, it is no new target" 1 \
	"$(ask "SELECT count(*) FROM events WHERE target = 'secure' AND type = 'target.baseline'")"

# Rules that know more of a page: it did not change, and nothing is news.
platforms=$(ask "SELECT count(*) FROM events WHERE type LIKE 'channel.%'")
sed -i '/^platforms:/a\
- {id: newtube, name: NewTube, kind: video, hosts: [new.example], urls: [\
    {channel: "new.example/{account}", test: "http://new.example/x", gives: x}]}' \
	"$work/platforms.yaml"
reload
soon "what new rules know is seen, though nothing changed" 1 \
	ask "SELECT present FROM sightings JOIN targets USING (target)
		WHERE id = 'plain' AND platform = 'newtube' AND name = 'paper'"
soon "and noted in a baseline of its own" '*rules*newtube*' \
	ask "SELECT json_extract(line, '\$.cause', '\$.sightings[0].platform')
		FROM events WHERE target = 'plain' AND type = 'target.baseline'
		ORDER BY seq DESC LIMIT 1"
same "it is no channel that came" "$platforms" \
	"$(ask "SELECT count(*) FROM events WHERE type LIKE 'channel.%'")"
# A net process that dies after a reload gets what the reload brought.
kill -9 "$(net_pid)"
sleep 2
last=$(ask "SELECT max(observation) FROM observations")
for _ in $(seq 100); do
	[ "$(ask "SELECT max(observation) > $last FROM observations")" = 1 ] && break
	sleep 0.1
done
soon "a fresh net process has the new certificates" "good*" failure secure
soon "and the new name server" "good*" failure plain

begin=$(date +%s%N)
kill -TERM $daemon
wait $daemon
same "SIGTERM ends it well" 0 $?
ms=$((($(date +%s%N) - begin) / 1000000))
echo "# figure: stopped in $ms ms"
check "within 5 s" test $ms -lt 5000
check "the log is clean" "$KPWATCH" verify -s "$work/state"
[ $failures = 0 ] || tail -n 40 "$work/log" | sed 's/^/# /'
finish
