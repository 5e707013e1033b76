#!/bin/sh
# What we record is read by an independent reader (npm warcio): every record,
# all digests, DNS, revisits.  Exit 77 where the registry cannot be reached.
here=$(cd "$(dirname "$0")" && pwd)
root=$here/../..
writer=$(cd "$root" && cd "${B:-build}" && pwd)/tests/warc_record
for tool in node npm; do
	command -v $tool >/dev/null || { echo "no $tool, skipped"; exit 77; }
done
[ -x "$writer" ] || { echo "no $writer (make programs)"; exit 1; }
out=$(mktemp -d) || exit 1
trap 'rm -rf "$out"' EXIT
cd "$out" || exit 1
timeout 90 npm install --silent --no-audit --no-fund --ignore-scripts \
    warcio@2 >npm.log 2>&1 || { echo "no registry, skipped"; exit 77; }
mkdir archive
"$writer" archive || exit 1
cp "$here/warcio_check.mjs" .
node warcio_check.mjs archive/*.warc.gz
