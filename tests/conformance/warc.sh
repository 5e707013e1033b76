#!/bin/sh
# Web archives of many writers, whole and broken: every record that two
# independent readers agree on must be found alike, and no file may crash or
# hang the program.  Needs $KPWATCH_SHARED; exit 77 without.
here=$(dirname "$0")
shared=${KPWATCH_SHARED:-$here/../../../shared}
program=${KPWATCH:-$here/../../kpwatch}
files=$shared/captures/warc
expected=$shared/captures/expected/warc_firm.tsv
[ -r "$expected" ] || { echo "no captures, skipped"; exit 77; }
command -v python3 >/dev/null || { echo "no python3, skipped"; exit 77; }
"$program" inspect --help >/dev/null 2>&1 || { echo "no inspect"; exit 77; }

# The leak check of a sanitised program cannot work inside its sandbox.
export ASAN_OPTIONS=detect_leaks=0${ASAN_OPTIONS:+:$ASAN_OPTIONS}
out=$(mktemp -d) || exit 1
trap 'rm -rf "$out"' EXIT
bad=0 count=0 damaged=0
for f in "$files"/*arc "$files"/*arc.gz; do
	count=$((count + 1))
	timeout 60 "$program" inspect --json "$f" >>"$out/found" 2>"$out/err"
	rc=$?
	[ $rc -eq 1 ] && damaged=$((damaged + 1))
	# What is damaged is said.
	if [ $rc -gt 1 ] || { [ $rc -eq 1 ] && ! [ -s "$out/err" ] &&
	    ! tail -n 400 "$out/found" | grep -q '"digest_ok":false'; }; then
		echo "not ok 1 - $f: exit $rc"; cat "$out/err"; bad=1
	fi
done
echo "# figure: $count archives read, $damaged of them damaged"
[ $bad -eq 0 ] && echo "ok 1 - no crash, no hang, damage is said"
python3 "$here/warc_compare.py" "$expected" "$out/found" \
    "$here/warc_differences.tsv" || bad=1
exit $bad
