#!/bin/bash
# The bar of a long replay: on a terminal, with rate and time left, and gone
# at the end; nothing of it in a pipe.  The summary in both.
. "$(dirname "$0")/../lib.sh"
[ -x "$KPWATCH" ] || skip "no program"
command -v script >/dev/null || skip "no script(1)"
make_work
/usr/bin/python3 - "$work/long.warc" <<'P'
import sys

body = bytes(range(256)) * 4000
block = b"HTTP/1.1 200 OK\r\nContent-Type: image/png\r\n\r\n" + body
with open(sys.argv[1], "wb") as out:
    for n in range(500):
        out.write(
            b"WARC/1.0\r\nWARC-Type: response\r\n"
            b"WARC-Target-URI: http://a.test/%d\r\n"
            b"WARC-Date: 2020-01-01T00:%02d:%02dZ\r\nContent-Type: "
            b"application/http; msgtype=response\r\nContent-Length: %d\r\n\r\n"
            % (n, n // 60, n % 60, len(block)) + block + b"\r\n\r\n")
P
run="'$KPWATCH' replay -c '$TOP/conf/kpwatch.yaml' '$work/long.warc'"
bar='replaying \[=* *\] [0-9.]+ [kM]?B/512 MB, [0-9.]+ [kM]?B/s, [0-9a-z. ]+ left'
# script(1) runs its command with it.
export SHELL=/bin/sh

# A quick machine is through before the bar is drawn twice: the program gets
# a hundredth of a second to run, a tenth to wait, and so on, until it was.  A
# process that was stopped while it took the name of its role goes on with the
# others.
bars() {
	grep -Eao 'replaying \[=* *\] [0-9.]+' "$work/terminal" | sort -u | wc -l
}

on_terminal() {
	local terminal session

	script -qec "stty cols 120; $run; exit \$?" /dev/null </dev/null \
	    >"$work/terminal" 2>&1 &
	terminal=$!
	for _ in $(seq 300); do
		[ "$(bars)" -lt 2 ] && kill -0 $terminal 2>/dev/null || break
		session=$(pgrep -P $terminal) || { sleep 0.01; continue; }
		pkill -STOP -s "$session" -x kpwatch
		sleep 0.1
		pkill -CONT -s "$session"
		sleep 0.01
	done
	wait $terminal
}

on_terminal
same "on a terminal: exit 0" 0 $?
tr '\r' '\n' <"$work/terminal" >"$work/lines"
[ "$failures" = 0 ] || tail -n 20 "$work/lines" | sed 's/^/# /'
check "on a terminal: bar, rate and time left" \
    grep -Eq "$bar" "$work/lines"
grep -Em1 "$bar" "$work/lines" | sed 's/^/# /'
check "on a terminal: the bar moves" \
    [ "$(bars)" -ge 2 ]
check "on a terminal: the bar is taken off before the summary" \
    grep -Pzq '\r\x1b\[K1 files' "$work/terminal"
sh -c "$run" >"$work/out" 2>"$work/err"
same "in a pipe: exit 0" 0 $?
same "in a pipe: no bar" "" "$(grep -P '\r|\x1b|replaying' \
    "$work/out" "$work/err")"
check "in a pipe: files, records, exchanges" grep -q \
    '^1 files (0 damaged), 0 packets, 500 records, 500 exchanges$' "$work/err"
check "in a pipe: targets, gaps" grep -q '^0 targets, ' "$work/err"
check "in a pipe: gaps" grep -q '^0 exchanges with gaps' "$work/err"
finish
