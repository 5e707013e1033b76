#!/bin/bash
# How long the daemon takes to be ready after a year: 365 days of events by the
# store's own writer on the shipped catalogue, and a look at each of its pages
# every quarter of an hour.
set -u
cd "$(dirname "$0")/../.." || exit 2
B=${B:-build}
[ -e "$B/libkpwatch.a" ] || make -s "$B/libkpwatch.a" || exit 1
# shellcheck disable=SC2046
cc -O2 -std=gnu11 -D_GNU_SOURCE -iquote include -o "$B/write_year" \
    tests/bench/write_year.c "$B/libkpwatch.a" \
    $(pkg-config --libs zlib libdeflate libbrotlidec libzstd jansson libcrypto \
    uchardet libidn2 libpsl yaml-0.1 sqlite3) -lm || exit 1
WRITER=$PWD/$B/write_year exec tests/world/enter.sh /usr/bin/python3 \
    tests/bench/startup.py "${DAYS:-365}"
