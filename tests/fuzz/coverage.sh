#!/bin/bash
# What the fuzz targets reach of the modules they are for, by their seeds and
# by what grew in build/fuzz/corpus: lines and regions, and the modules where
# less than nine lines of ten are reached.
#
#	make fuzz-coverage
#	bash tests/fuzz/coverage.sh [TARGET]...
. "$(dirname "$0")/../lib.sh"
cd "$TOP" || exit 1
export LLVM_PROFILE_FILE

# Lines and regions of a report's last line; then each file that has gaps.
figures() {
	awk '
	/^TOTAL/ { lines = $10; regions = $4
		sub("%", " %", lines); sub("%", " %", regions)
		printf "%s of %d | %s of %d", lines, $8, regions, $2 }
	$1 ~ /\.c$/ && $10 + 0 < 90 {
		sub(/.*\//, "", $1); low = low ", " $1 " " $10 }
	END { print " | " substr(low, 3) " |" }'
}

echo "| target | modules | lines | regions | modules under 90 % of lines |"
echo "|---|---|---|---|---|"
while read -r name modules; do
	case $name in "" | "#"*) continue ;; esac
	[ $# = 0 ] || [[ " $* " == *" $name "* ]] || continue
	program=build/coverage/$name
	LLVM_PROFILE_FILE=$program.profraw
	folders=tests/fuzz/corpus/$name
	[ -d "build/fuzz/corpus/$name" ] &&
	    folders="$folders build/fuzz/corpus/$name"
	# shellcheck disable=SC2086
	"$program" $folders >/dev/null 2>&1 &&
	    llvm-profdata-14 merge -o "$program.profdata" "$program.profraw" ||
	    exit 1
	files=
	for module in $modules; do
		files="$files probe/$module.c"
	done
	printf '| `%s` | %s | ' "$name" "${modules// /, }"
	# shellcheck disable=SC2086
	llvm-cov-14 report -instr-profile="$program.profdata" "$program" \
	    $files | figures
done <tests/fuzz/modules.table
