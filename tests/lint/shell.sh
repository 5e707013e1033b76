#!/bin/bash
# Every script through shellcheck, every Python program through its parser.
. "$(dirname "$0")/../lib.sh"
cd "$TOP" || exit 1
command -v shellcheck >/dev/null || skip "no shellcheck"

shopt -s nullglob globstar
for f in .ci/run contrib/**/* tests/**/*; do
	[ -f "$f" ] || continue
	case $(head -c 40 "$f" | head -n 1 | tr -d '\0') in
	'#!/bin/sh' | '#!/bin/bash' | '#!/usr/bin/env bash')
		check "$f" shellcheck -x -e SC1091,SC2016,SC2154 -S warning "$f"
		;;
	'#!/usr/bin/python3'* | '#!/usr/bin/env python3'*)
		check "$f" /usr/bin/python3 -c \
		    'import ast, sys; ast.parse(open(sys.argv[1]).read())' "$f"
		;;
	esac
done
finish
