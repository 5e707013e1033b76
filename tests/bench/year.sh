#!/bin/sh
# A simulated year of 200 sites for each of $SEEDS (default: five of them):
# what was planted and what was told.  $B: build folder.  About three minutes
# of CPU time a seed.
set -u
cd "$(dirname "$0")/../.." || exit 2
B=${B:-build}
[ -x "$B/tests/year" ] || make -s "$B/tests/year" || exit 1
failed=0
for seed in ${SEEDS:-1 2 3 4 5}; do
	"$B/tests/year" -s "$seed" -n "${SITES:-200}" -d "${DAYS:-365}" \
	    -p "${PLANTS:-400}" -i "${HOURS:-12}" || failed=1
done
exit $failed
