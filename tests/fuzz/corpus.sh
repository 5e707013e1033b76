#!/bin/bash
# The fuzz targets over their seeds, built without a fuzzer: what they claim
# of their parsers holds of these.
. "$(dirname "$0")/../lib.sh"
cd "$TOP" || exit 1
B=${B:-build}
[ -e "$B/libkpwatch.a" ] || skip "no $B/libkpwatch.a"
make_work
libs=$(pkg-config --libs libevent_core libevent_extra libcurl libcares \
    libpcap zlib libdeflate libbrotlidec libzstd sqlite3 yaml-0.1 jansson libssl \
    libcrypto uchardet libidn2 libpsl)
flags=
case $B in
*/*) flags=-fsanitize=$(basename "$B" | tr - ,) ;;
esac
for source in tests/fuzz/fuzz_*.c; do
	name=$(basename "$source" .c)
	seeds=tests/fuzz/corpus/$name
	# shellcheck disable=SC2086
	cc -O1 -std=gnu11 -D_GNU_SOURCE -iquote include $flags \
	    -o "$work/$name" "$source" tests/fuzz/replay_main.c \
	    "$B/libkpwatch.a" $libs -lm || { not_ok "$name builds"; continue; }
	check "$name over $seeds" timeout 20 "$work/$name" "$seeds"
done
finish
