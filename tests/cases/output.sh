#!/bin/bash
# What cannot be written is not lost in silence: every command says so and
# fails.  Descriptors that are closed at the start are not given to something
# else, so that a line for a person never ends up in a file or a socket.
. "$(dirname "$0")/../lib.sh"
[ -c /dev/full ] || skip "no /dev/full"
make_work
conf=$TOP/conf/kpwatch.yaml
state=$work/state

/usr/bin/python3 - "$work/page.warc" <<'P'
import sys

block = (b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n"
         b"<title>a</title><a href='https://vk.com/paper'>vk</a>")
with open(sys.argv[1], "wb") as out:
    out.write(b"WARC/1.1\r\nWARC-Type: response\r\n"
              b"WARC-Target-URI: http://paper.test/\r\n"
              b"WARC-Date: 2020-01-01T00:00:00Z\r\nContent-Type: "
              b"application/http; msgtype=response\r\nContent-Length: %d"
              b"\r\n\r\n" % len(block) + block + b"\r\n\r\n")
P
echo "<a href='https://vk.com/paper'>vk</a>" > "$work/page.html"
"$KPWATCH" replay -c "$conf" -s "$state" --all-hosts "$work/page.warc" \
	> "$work/events" 2> "$work/said" || die "replay: $(cat "$work/said")"
check "there is an event" grep -q '"target.baseline"' "$work/events"

cp "$TOP"/conf/platforms.yaml "$TOP"/conf/verdicts.yaml "$work"
echo "accounts: []" > "$work/accounts.yaml"
echo "sites: []" > "$work/sites.yaml"
cat > "$work/kpwatch.yaml" <<EOT
network: {name_servers: ["127.0.0.1:9"]}
hooks:
  - {name: all, command: /bin/true, types: ["site.*"]}
EOT

# What comes through a pipe that has a name is read like the file.
"$KPWATCH" replay -c "$conf" --all-hosts <(cat "$work/page.warc") \
	> "$work/piped" 2> "$work/said"
same "a pipe: exit" 0 $?
same "a pipe: the events" "$(cat "$work/events")" \
	"$(sed 's/"warc":"[0-9]*"/"warc":"page.warc"/' "$work/piped")"

each() {
	"$1" --help
	"$1" --version
	"$1" log --help
	"$1" log -s "$state"
	"$1" log -s "$state" --json
	"$1" status -s "$state"
	"$1" status -s "$state" --json
	"$1" verify -s "$state"
	"$1" hooks -c "$work/kpwatch.yaml" -s "$state"
	"$1" config -c "$conf"
	"$1" classify -c "$conf" https://vk.com/paper
	"$1" classify -c "$conf" --json https://vk.com/paper
	"$1" extract -c "$conf" "$work/page.html"
	"$1" extract -c "$conf" --json "$work/page.html"
	"$1" inspect "$work/page.warc"
	"$1" replay -c "$conf" --all-hosts "$work/page.warc"
	"$1" replay -c "$conf" --all-hosts --timeline "$work/page.warc"
}

# said COMMAND STATUS: it failed, with one line about the standard output.
said() {
	same "$1: exit" 1 "$2"
	same "$1: it says so" 1 \
		"$(grep -c "^kpwatch: error: standard output: " "$work/said")"
}
onto_full_disk() {
	"$KPWATCH" "$@" > /dev/full 2> "$work/said"
	said "full: ${*//$work/}" $?
}
onto_nothing() {
	"$KPWATCH" "$@" >&- 2> "$work/said"
	said "closed: ${*//$work/}" $?
}
each onto_full_disk
each onto_nothing

# What can fit nothing is a mistake, and not a time when nothing happened.
mistaken() {
	"$KPWATCH" log -s "$state" "$@" > "$work/out" 2> "$work/said"
	same "log $*: exit" 2 $?
	check "log $*: it says so" grep -q "^kpwatch: --" "$work/said"
}
mistaken --type 'chanel.*'
mistaken --since 2h --until 3h
mistaken --since yesterday

# A daemon whose three were closed has nothing else in their places, and what
# it logs goes nowhere.
[ "$(id -u)" = 0 ] || finish
"$KPWATCH" run -c "$work/kpwatch.yaml" -s "$work/daemon" <&- >&- 2>&- &
daemon=$!
trap 'kill $daemon 2>/dev/null; rm -rf "$work"' EXIT
for _ in $(seq 200); do
	"$KPWATCH" log -s "$work/daemon" 2>/dev/null | grep -q started && break
	sleep 0.05
done
# Of the places 0 to 2 in the daemon and the others: what is not /dev/null.
others() {
	local pid

	for pid in $daemon $(pgrep -P $daemon); do
		readlink /proc/"$pid"/fd/[0-2]
	done | grep -vx /dev/null
}
check "there is a daemon" test "$(pgrep -P $daemon | wc -l)" -gt 3
same "nothing takes the place of a closed descriptor" "" "$(others)"
kill $daemon
wait $daemon
same "it ends well" 0 $?
finish
