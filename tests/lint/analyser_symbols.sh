#!/bin/bash
# The pure files (layer 2 and below), linked as a whole, must need nothing
# that opens, sends, spawns or waits: what the analyser's sandbox forbids.
. "$(dirname "$0")/../lib.sh"
cd "$TOP" || exit 1
: "${B:=build}"
[ -e "$B/libkpwatch.a" ] || skip "nothing built"

pure=$(/usr/bin/python3 - <<'P'
import fnmatch, glob, os
rows = [l.split("#")[0].split() for l in open("tests/lint/layers.table")]
high = [g for r in rows if r and r[0] == "layer" and int(r[1]) > 2
        for g in r[2:]]
for path in sorted(glob.glob("probe/*.c")):
    base = os.path.splitext(os.path.basename(path))[0]
    if not any(fnmatch.fnmatchcase(base, g) or
               fnmatch.fnmatchcase(base + ".c", g) for g in high):
        print(base)
P
)
# What the layer-0 and layer-1 files do with files and the clock is theirs
# (log writes, instant reads the clock); the rest may not.
forbidden='^(socket|socketpair|connect|bind|listen|accept4?|sendto|sendmsg'
forbidden+='|open(64|at|at64)?|fopen(64)?|creat|unlink|rename|mkdir'
forbidden+='|v?fork|clone|exec[vl].*|posix_spawnp?|system|popen|ptrace'
forbidden+='|clock_gettime|gettimeofday|time|getenv|rand(om)?'
forbidden+='|curl_.*|event_(new|assign|add|del|free|active|dispatch|loop.*|base_.*)|evtimer.*|sqlite3_.*|ares_.*|pcap_.*)$'
for base in $pure; do
	case $base in log | instant) continue ;; esac
	found=$(nm -u "$B/$base.o" 2>/dev/null | awk '{ print $2 }' |
	    sed 's/@.*//' | grep -E "$forbidden" | tr '\n' ' ')
	same "$base.o needs nothing forbidden" "" "$found"
done
finish
