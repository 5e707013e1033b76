#!/bin/bash
# The whole file that kpwatch-platforms(5) shows is a good one, and its test
# lines hold; with any of them taken out it is refused.
. "$(dirname "$0")/../lib.sh"
cd "$TOP" || exit 1
make_work
cp conf/*.yaml "$work"

# The literal block that begins with "version:", as it reads.
sed -n '/^version: 1/,/^\.Ed/p' contrib/man/kpwatch-platforms.5 |
    sed '/^\.Ed/d; s/\\&//g; s/\\-/-/g' >"$work/example.yaml"

try() {
	cp "$1" "$work/platforms.yaml"
	"$KPWATCH" config -c "$work/kpwatch.yaml" --self-test 2>&1 |
	    grep 'platforms.yaml:' | tee "$work/said" | sed 's/^/# /'
	[ ! -s "$work/said" ]
}

check "the manual's example has all sorts of rules" \
    [ "$(grep -cE 'test:|^- \{' "$work/example.yaml")" -ge 23 ]
check "the manual's example holds" try "$work/example.yaml"
sed "s/<i class=\"sb-t\">/<i class=\"sb-q\">/" "$work/example.yaml" \
    >"$work/wrong.yaml"
check "a test of markup that fails is said" eval '! try "$work/wrong.yaml"'
sed "s/ test: '<i class=\"sb-t\">',//" "$work/example.yaml" \
    >"$work/wrong.yaml"
check "markup without a test is refused" eval '! try "$work/wrong.yaml"'
check "... with its place" grep -q "platforms.yaml:[0-9]*:[0-9]*: markup" \
    "$work/said"
finish
