#!/bin/bash
# The program as it is shipped, under its true filters, with every page and
# capture there is: no process makes a call that its filter forbids.
set -u
. "$(dirname "$0")/../lib.sh"
need_shared captures
need_shared pages
[[ ${B:-build} == build ]] || skip "a sanitised program has a wider filter"
make_work
cd "$TOP" || exit 1
shopt -s nullglob

# What a filter does to a process, in the words of the shell and of ours.
killed() { # FILE
	grep -iE 'bad system call|forbidden system call|signal 31' "$1"
}
# clean NAME WANTED-EXITS COMMAND...: nobody dies of anything.
clean() {
	local name=$1 exits=$2 rc

	shift 2
	bash -c '"$@"' - "$@" > "$work/out" 2> "$work/err"
	rc=$?
	if [[ " $exits " == *" $rc "* ]] && ! killed "$work/err" &&
		! grep -E ' died \(|analysis failed' "$work/err"; then
		ok "$name ($(wc -l < "$work/out") lines)"
	else
		not_ok "$name: exit $rc"
		tail -n 5 "$work/err" | sed 's/^/# /'
	fi
}

mkdir "$work/pages"
for page in "$KPWATCH_SHARED"/pages/*.html; do cp "$page" "$work/pages"; done
for page in "$KPWATCH_SHARED"/captures/html/*.html.gz; do
	gzip -dc "$page" > "$work/pages/$(basename "$page" .gz)"
done
pages=("$work"/pages/*.html)
pcaps=("$KPWATCH_SHARED"/captures/pcap/*)
warcs=("$KPWATCH_SHARED"/captures/warc/*arc "$KPWATCH_SHARED"/captures/warc/*arc.gz)
echo "# figure: ${#pages[@]} pages, ${#pcaps[@]} captures, ${#warcs[@]} archives"
clean "extract: every page" 0 "$KPWATCH" extract --json "${pages[@]}"
# Among the captures are many that are broken: said, and exit 1.
clean "inspect: every capture" "0 1" "$KPWATCH" inspect --json "${pcaps[@]}"
clean "inspect: every archive" "0 1" "$KPWATCH" inspect --json "${warcs[@]}"
clean "replay: every capture" "0 1" "$KPWATCH" replay --all-hosts "${pcaps[@]}"
clean "replay: every archive" "0 1" "$KPWATCH" replay --all-hosts "${warcs[@]}"
clean "replay: into a state folder" "0 1" "$KPWATCH" replay -s "$work/state" \
	--all-hosts "${pcaps[@]}" "${warcs[@]}"
cut -f1 "$KPWATCH_SHARED/platforms/url_cases_dev.tsv" > "$work/urls"
# shellcheck disable=SC2016
clean "classify: every address" 0 sh -c '"$0" classify --json < "$1"' \
	"$KPWATCH" "$work/urls"

# The filters are there: each of these processes installs one.
filters() { # COMMAND...
	strace -f -qq -e trace=prctl -o "$work/strace" "$@" > /dev/null 2>&1
	grep -c 'PR_SET_SECCOMP, SECCOMP_MODE_FILTER.* = 0$' "$work/strace"
}
if command -v strace >/dev/null && strace -qq true 2>/dev/null; then
	check "extract has a filter" test "$(filters "$KPWATCH" extract "${pages[0]}")" -ge 1
	check "inspect has a filter" test "$(filters "$KPWATCH" inspect "${warcs[0]}")" -ge 1
	check "classify has a filter" test \
		"$(filters "$KPWATCH" classify http://a.example/)" -ge 1
	# Threads of the reader have their own.
	check "reader, store and two analysers have one" test "$(filters "$KPWATCH" \
		replay -o limits.analysers=2 --all-hosts "${warcs[0]}")" -ge 4
fi
finish
