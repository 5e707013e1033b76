#!/bin/sh
# Every capture through `kpwatch inspect`, against what independent tools
# found.  Needs the shared data; KPWATCH names the program, default ./kpwatch.
here=$(dirname "$0")
root=$here/../..
shared=${KPWATCH_SHARED:-$root/../shared}
[ -d "$shared/captures/pcap" ] || { echo "1..0 # SKIP no captures"; exit 77; }
command -v python3 >/dev/null || { echo "1..0 # SKIP no python3"; exit 77; }
exec python3 "$here/pcap_compare.py" "${KPWATCH:-$root/kpwatch}" \
	"$shared/captures" "$here/pcap_differences.tsv" "$@"
