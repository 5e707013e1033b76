#!/bin/bash
# Captures read: `kpwatch inspect` and `replay` beside tcpflow, tshark, zcat,
# warcio and the bare cost of the same work, on the same files.
#	BENCH_PCAP_MB (1024), BENCH_WARC_MB (500): the size of the files
here=$(cd "$(dirname "$0")" && pwd)
. "$here/../lib.sh"
need_shared captures/perf
for tool in tcpflow tshark zcat sha256sum python3; do
	command -v "$tool" >/dev/null || skip "no $tool"
done
make_work
cc -O2 -pthread -o "$work/bare" "$here/bare_bodies.c" -lz -lcrypto || exit 1
# The independent reader of web archives; without the registry no figure.
if command -v npm >/dev/null; then
	(cd "$work" && timeout 90 npm install --silent --no-audit --no-fund \
	    --ignore-scripts warcio@2 >npm.log 2>&1) || echo "# no warcio"
	cp "$here/warcio_read.mjs" "$work"
fi
/usr/bin/python3 "$here/replay.py" "$work" "$KPWATCH" "$KPWATCH_SHARED"
