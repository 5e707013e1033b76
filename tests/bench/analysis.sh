#!/bin/sh
# Speed of page analysis on real pages, beside libxml2 and Gumbo where their
# headers are installed.  $B: build folder; $KPWATCH_SHARED: the pages.
set -eu
cd "$(dirname "$0")/../.."
B=${B:-build}
shared=${KPWATCH_SHARED:-../shared}
[ -d "$shared/captures/html" ] || {
	echo "no pages in $shared/captures/html"
	exit 0
}
if pkg-config --exists libxml-2.0 gumbo; then
	peers="-DWITH_PEERS $(pkg-config --cflags libxml-2.0 gumbo)"
	libs=$(pkg-config --libs libxml-2.0 gumbo)
else
	echo "(without libxml2 and Gumbo: libxml2-dev, libgumbo-dev)"
fi
make -s B="$B" PEERS="${peers-}" PEERS_LIBS="${libs-}" "$B/bench_analysis" >/dev/null
"$B/bench_analysis" conf/platforms.yaml "$shared"/captures/html/*.html.gz
PAGES="state media" "$B/bench_analysis" conf/platforms.yaml \
	"$shared"/pages/*.html
# Long articles of ordinary papers: the set on which bare scanners are measured.
PAGES="articles" "$B/bench_analysis" conf/platforms.yaml \
	"$shared"/captures/html/readability__*.html.gz
