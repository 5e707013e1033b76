#!/bin/bash
# A host name longer than names may be: no target of --all-hosts, and the rest
# of the archive is replayed.
. "$(dirname "$0")/../lib.sh"
make_work
export ASAN_OPTIONS=detect_leaks=0${ASAN_OPTIONS:+:$ASAN_OPTIONS}

record() { # URI
	local body=$'HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n<p>News</p>'

	printf 'WARC/1.1\r\nWARC-Type: response\r\nWARC-Target-URI: %s\r\n' "$1"
	printf 'WARC-Date: 2020-01-02T03:04:05Z\r\nWARC-Record-ID: <urn:x:%s>\r\n' ${#1}
	printf 'Content-Type: application/http;msgtype=response\r\n'
	printf 'Content-Length: %d\r\n\r\n%s\r\n\r\n' ${#body} "$body"
}
long=$(printf 'a%.0s' {1..4000})
{
	record "http://$long/"
	record "http://paper.example/"
	record "http://${long:0:250}.example/"
	record "http://other.example/"
} > "$work/long.warc"
"$KPWATCH" replay --all-hosts "$work/long.warc" > "$work/out" 2> "$work/err"
same "replay ends well" 0 $?
same "hosts that can be are targets" "other.example paper.example" \
	"$(grep -o '"target":"[^"]*"' "$work/out" | cut -d'"' -f4 | sort | xargs)"
[ $failures = 0 ] || sed 's/^/# /' "$work/err"
finish
