#!/bin/sh
# Speed of page analysis on real pages, beside libxml2 and Gumbo where their
# headers are installed.  $B: build folder; $KPWATCH_SHARED: the pages.
set -eu
cd "$(dirname "$0")/../.."
B=${B:-build}
pages=${KPWATCH_SHARED:-../shared}/captures/html
[ -d "$pages" ] || {
	echo "no pages in $pages"
	exit 0
}
peers=
if pkg-config --exists libxml-2.0 gumbo; then
	peers="-DWITH_PEERS $(pkg-config --cflags --libs libxml-2.0 gumbo)"
else
	echo "(without libxml2 and Gumbo: libxml2-dev, libgumbo-dev)"
fi
# shellcheck disable=SC2046,SC2086
cc -O2 -std=gnu11 -D_GNU_SOURCE -iquote include -o "$B/bench_analysis" \
    tests/bench/bench_analysis.c "$B/libkpwatch.a" $peers \
    $(pkg-config --libs zlib libdeflate libbrotlidec libzstd jansson libcrypto uchardet \
    libidn2 libpsl yaml-0.1) -lm
"$B/bench_analysis" conf/platforms.yaml "$pages"/*.html.gz
