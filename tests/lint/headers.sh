#!/bin/bash
# Every header compiles alone, and names no foreign library.
. "$(dirname "$0")/../lib.sh"
cd "$TOP" || exit 1

alone() {
	# shellcheck disable=SC2086
	printf '#include "%s"\nextern int x; int x;\n' "$(basename "$1")" |
	    cc -std=gnu11 -D_GNU_SOURCE -iquote include -Wall -Wextra \
		-Wno-unused -Werror -fsyntax-only -x c - 2>&1 | sed 's/^/# /'
	[ "${PIPESTATUS[1]}" = 0 ]
}

foreign='<(curl|event2|sqlite3|ares|pcap|openssl|zlib|zstd|brotli|jansson|yaml|uchardet|iconv|idn2|libpsl)'
for header in include/*.h; do
	check "$header compiles alone" alone "$header"
	check "$header names no foreign library" \
	    bash -c "! grep -nE '^#include $foreign' $header"
done
finish
